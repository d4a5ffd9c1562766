//! RFC 7644 §3.4.2.3: matches in the order of an attribute's values.

use super::TypedMatches;
use super::matching::{Look, Needs};
use crate::limits;
use crate::scim::sort::{Sort, SortKey, SortValue};
use crate::scim::{ErrorKind, ScimError};
use crate::store::Pos;
use crate::tenant::work::{Failure, Work};

/// A resource's place, and the value by which it is sorted.
pub(super) type Valued = (Pos, Option<SortValue>);

impl Work<'_, '_> {
    /// The matches of all types in one order; those that compare as equal in that of creation, and
    /// of different types in that of types.
    ///
    /// An attribute that no type has is 400, in the first one's words; where only some have it, the
    /// resources of the others have no value (RFC 7644 §3.4.2.1).
    pub(super) fn sorted(
        &self,
        matches: &TypedMatches<'_>,
        sort: &Sort,
    ) -> Result<Vec<Valued>, Failure> {
        let keys: Vec<_> =
            matches.iter().map(|(schema, _)| sort.bind(*schema, &self.compat)).collect();
        if let (Some(Err(error)), true) = (keys.first(), keys.iter().all(Result::is_err)) {
            return Err(error.clone().into());
        }
        let total = matches.iter().map(|(_, found)| found.len()).fold(0, i64::saturating_add);
        if usize::try_from(total).unwrap_or(usize::MAX) > limits::SCAN_CANDIDATES {
            return Err(too_many(limits::SCAN_CANDIDATES, "resources"));
        }
        let mut valued: Vec<Valued> = Vec::new();
        let mut bytes = 0_usize;
        for ((schema, found), key) in matches.iter().zip(keys) {
            let key = key.ok();
            let needs = key.as_ref().map_or(Needs::Document, SortKey::needs);
            let look =
                Look::new(needs, 1, || too_many(limits::EVALUATED_BYTES, "bytes of documents"));
            self.visit(*schema, found, look, &mut |pos, resource| {
                let value = key.as_ref().and_then(|key| key.value(resource));
                bytes = bytes.saturating_add(value.as_ref().map_or(0, SortValue::text_bytes));
                valued.push((pos, value));
                match bytes {
                    0..=limits::SORT_BYTES => Ok(()),
                    _ => Err(too_many(limits::SORT_BYTES, "bytes of text")),
                }
            })?;
        }
        // Stable: what compares as equal stays as it was.
        valued.sort_by(|(_, one), (_, other)| sort.compare(one.as_ref(), other.as_ref()));
        Ok(valued)
    }
}

impl SortKey<'_> {
    fn needs(&self) -> Needs {
        Needs::of(|name| self.mentions(name))
    }
}

fn too_many(most: usize, what: &str) -> Failure {
    ScimError::new(ErrorKind::TooMany, format!("more than {most} {what} would have to be sorted"))
        .into()
}
