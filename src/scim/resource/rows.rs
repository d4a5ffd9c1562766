//! RFC 7643 §4.2 `members`: an attribute whose values are rows of their own.
//!
//! A draft does not hold them, for a group may have a million. An operation on them becomes a
//! [`MemberOp`] for storage to carry out, where adding what is there and removing what is absent
//! change nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::draft::{Draft, too_many};
use super::operation::{Member, MemberOp, Op};
use crate::limits;
use crate::scim::error::{ErrorKind, ScimError};
use crate::scim::filter::{Comparand, CompareOp, Filter, Predicate};
use crate::scim::path::SyntaxError;
use crate::scim::value::{Element, Place};

impl<'a> Draft<'a> {
    /// Notes an operation on the attribute that is stored as rows.
    pub(super) fn write_rows(
        &mut self,
        op: Op,
        place: Place<'a>,
        filter: Option<&Filter>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        // RFC 7643 §4.2: the parts of a member are immutable.
        if place.sub.is_some() || (filter.is_some() && op != Op::Remove) {
            let what = "can be added and removed, but not changed";
            return Err(place.error(ErrorKind::Mutability, what));
        }
        let row_op = match (op, filter, value) {
            (Op::Remove, Some(filter), _) => {
                let predicate = filter.bind_values(place.found.attribute, self.reader.compat());
                let predicate = predicate.map_err(SyntaxError::into_filter_error)?;
                ids(&predicate).map_or(MemberOp::RemoveWhere(predicate), MemberOp::Remove)
            }
            (Op::Remove, None, None) => MemberOp::Clear,
            // Entra, JumpCloud: only the members that are listed. An empty list removes none.
            (Op::Remove, None, Some(listed)) => {
                let members = self.members(place, listed)?;
                MemberOp::Remove(members.into_iter().map(|member| member.value).collect())
            }
            (Op::Add, _, value) => MemberOp::Add(self.members(place, value.unwrap_or_default())?),
            (Op::Replace, _, value) => {
                MemberOp::Replace(self.members(place, value.unwrap_or_default())?)
            }
        };
        if !row_op.is_empty() {
            self.rows.push(row_op);
        }
        Ok(())
    }

    /// The members that a value lists, each once.
    fn members(&mut self, place: Place<'a>, value: Value) -> Result<Vec<Member>, ScimError> {
        let elements = self.reader.elements(place, value)?;
        self.rows_named = self.rows_named.saturating_add(elements.len());
        if self.rows_named > limits::MEMBERS_PER_REQUEST {
            return Err(too_many(place, limits::MEMBERS_PER_REQUEST));
        }
        let (mut seen, mut members) = (BTreeSet::new(), Vec::with_capacity(elements.len()));
        for element in &elements {
            let Some(member) = member(element) else {
                return Err(place.error(ErrorKind::InvalidValue, "needs a `value` in each member"));
            };
            if seen.insert(member.value.clone()) {
                members.push(member);
            }
        }
        Ok(members)
    }
}

/// The member that an element describes; `None` where it has no `value`.
fn member(element: &Element<'_>) -> Option<Member> {
    let text = |name| element.part(name).and_then(Value::as_str).map(str::to_owned);
    Some(Member { value: text("value")?, display: text("display") })
}

/// The ids that a predicate lists, if that is all it does: `value eq "x" or value eq "y"`.
fn ids(predicate: &Predicate) -> Option<Vec<String>> {
    match predicate {
        Predicate::Or(parts) => {
            let ids: Option<Vec<_>> = parts.iter().map(ids).collect();
            ids.map(|ids| ids.concat())
        }
        Predicate::Compare { target, op: CompareOp::Eq, value: Comparand::Text(id) }
            if target.case_exact && target.sub.as_deref() == Some("value") =>
        {
            Some(vec![id.clone()])
        }
        _ => None,
    }
}
