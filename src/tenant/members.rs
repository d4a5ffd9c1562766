//! Membership, changed by difference: what a request wants, against the rows that are there.
//!
//! A group may have 100,000 members, so a change reads and writes only the rows it names; all of
//! them are read only when all are replaced or sought by a filter.

pub(super) mod delta;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(super) use self::delta::Delta;
use self::delta::Entry;
use super::naming::Target;
use super::render::few_enough;
use super::work::{Failure, Work};
use crate::limits;
use crate::scim::filter::Predicate;
use crate::scim::resource::{Member, MemberOp};
use crate::scim::schema::Registry;
use crate::scim::{ErrorKind, ScimError};
use crate::store::dangling;
use crate::store::resources::ResourceRow;
use crate::store::{Pos, StoreError, members};

/// The rows of a group that are there: members with their displays, and the texts that no resource
/// is; of each, whether it is this client's to change.
#[derive(Debug, Default)]
struct There {
    members: BTreeMap<i64, (Option<String>, bool)>,
    dangling: BTreeMap<String, bool>,
}

/// What a request wants: for each member named, whether it shall be there; for all others,
/// whether they may stay.
#[derive(Debug, Default)]
struct Wanted {
    cleared: bool,
    members: BTreeMap<i64, (Entry, bool)>,
    dangling: BTreeMap<String, Option<Entry>>,
    /// Texts that name resources, and so need not be there as texts.
    named: BTreeSet<String>,
}

impl Work<'_, '_> {
    /// Decides what a list of operations on members comes to; `group` is absent when it is new.
    pub(super) fn membership(
        &self,
        group: Option<&ResourceRow>,
        operations: Vec<MemberOp>,
    ) -> Result<Delta, Failure> {
        let mut wanted = Wanted::default();
        for operation in operations {
            match operation {
                MemberOp::Add(list) => self.want(&mut wanted, group, list)?,
                MemberOp::Remove(values) => self.unwant(&mut wanted, group, values)?,
                MemberOp::RemoveWhere(predicate) => {
                    let values = self.matching(&wanted, group, &predicate)?;
                    self.unwant(&mut wanted, group, values)?;
                }
                MemberOp::Clear => wanted.clear(),
                MemberOp::Replace(list) => {
                    wanted.clear();
                    self.want(&mut wanted, group, list)?;
                }
            }
            if wanted.members.len().saturating_add(wanted.dangling.len())
                > limits::MEMBERS_PER_REQUEST
            {
                let detail = format!("at most {} members a request", limits::MEMBERS_PER_REQUEST);
                return Err(ScimError::new(ErrorKind::TooMany, detail).into());
            }
        }
        self.difference(wanted, group)
    }

    /// Members shall be there. One that no resource is, is refused or kept as sent.
    fn want(
        &self,
        wanted: &mut Wanted,
        group: Option<&ResourceRow>,
        list: Vec<Member>,
    ) -> Result<(), Failure> {
        let values: Vec<&str> = list.iter().map(|member| member.value.as_str()).collect();
        let targets = self.targets(&values, group)?;
        for (place, (member, target)) in (1_usize..).zip(list.into_iter().zip(targets)) {
            let entry = Entry { id: member.value, display: member.display };
            if entry.bytes() > limits::MEMBER_BYTES {
                let most = limits::MEMBER_BYTES;
                let detail = format!("`members`: value {place} has more than {most} bytes");
                return Err(ScimError::new(ErrorKind::InvalidValue, detail).into());
            }
            match target {
                Some(Target { pos, .. }) if !may_be_member(pos) => {
                    return Err(no_member(place).into());
                }
                Some(Target { pos, .. }) if group.is_some_and(|group| group.pos == pos) => {
                    let detail = "a group cannot be a member of itself";
                    return Err(ScimError::new(ErrorKind::InvalidValue, detail).into());
                }
                Some(target) => wanted.put(target, entry, true),
                None if self.compat.dangling_members => {
                    wanted.dangling.insert(entry.id.clone(), Some(entry));
                }
                None => {
                    return Err(no_member(place).into());
                }
            }
        }
        Ok(())
    }

    /// Members shall not be there; one that no resource is, may still be there as it was sent.
    fn unwant(
        &self,
        wanted: &mut Wanted,
        group: Option<&ResourceRow>,
        values: Vec<String>,
    ) -> Result<(), Failure> {
        let texts: Vec<&str> = values.iter().map(String::as_str).collect();
        let targets = self.targets(&texts, group)?;
        for (id, target) in values.into_iter().zip(targets) {
            match target {
                Some(target) => wanted.put(target, Entry { id, display: None }, false),
                None => {
                    wanted.dangling.insert(id, None);
                }
            }
        }
        Ok(())
    }

    /// The members that a filter selects, among those that are there and those that shall be.
    fn matching(
        &self,
        wanted: &Wanted,
        group: Option<&ResourceRow>,
        predicate: &Predicate,
    ) -> Result<Vec<String>, Failure> {
        let mut candidates: Vec<Value> = Vec::new();
        if let Some(group) = group.filter(|_| !wanted.cleared) {
            if usize::try_from(group.members).unwrap_or(usize::MAX) > limits::SCAN_CANDIDATES {
                return Err(ErrorKind::TooMany.into());
            }
            let view = self.member_view();
            let shown =
                [b"[", members::shown(self.sql, group.pos, view)?.as_slice(), b"]"].concat();
            candidates = serde_json::from_slice(&shown)
                .map_err(|_| StoreError::new("members are not shown as JSON"))?;
        }
        let selects = |member: &Value| predicate.matches_value(member);
        if !self.compat.remove_all_members
            && !candidates.is_empty()
            && candidates.iter().all(selects)
        {
            return Err(all_unnamed());
        }
        let added = wanted.members.iter().filter(|(_, (_, there))| *there);
        candidates.extend(added.map(|(pos, (entry, _))| {
            let schema = self.registry().type_numbered(Pos::stored(*pos).type_number());
            entry.shown(schema.map(|schema| schema.resource_type.id.as_str()))
        }));
        candidates.extend(wanted.dangling.values().flatten().map(|entry| entry.shown(None)));
        let value = |member: &Value| member.get("value")?.as_str().map(str::to_owned);
        let selected = candidates.iter().filter(|member| selects(member));
        Ok(selected.filter_map(value).collect())
    }

    /// What is wanted, less what is there.
    fn difference(&self, wanted: Wanted, group: Option<&ResourceRow>) -> Result<Delta, Failure> {
        if wanted.cleared {
            few_enough(group.map_or(0, |group| group.members))?;
        }
        let there = match group {
            Some(group) => self.there(&wanted, group)?,
            None => There::default(),
        };
        self.leaves_some(&wanted, &there)?;
        let mut delta = Delta::default();
        if wanted.cleared {
            let unnamed = there.own_members().filter(|pos| !wanted.members.contains_key(pos));
            delta.removed.extend(unnamed.map(|pos| (pos, None)));
            let unnamed = there.own_texts().filter(|v| !wanted.dangling.contains_key(*v));
            delta.removed_dangling.extend(unnamed.cloned());
        } else {
            let named = there.own_texts().filter(|text| wanted.named.contains(*text));
            delta.removed_dangling.extend(named.cloned());
        }
        for (pos, (entry, shall)) in wanted.members {
            match (shall, there.members.get(&pos)) {
                (true, None) => delta.added.push((pos, entry)),
                (true, Some((display, true)))
                    if entry.display.is_some() && entry.display != *display =>
                {
                    delta.renamed.extend(entry.display.map(|display| (pos, display)));
                }
                (false, Some((_, true))) => delta.removed.push((pos, Some(entry.id))),
                _ => {}
            }
        }
        for (value, entry) in wanted.dangling {
            match (entry, there.dangling.get(&value)) {
                (Some(entry), None) => delta.added_dangling.push((value, entry.display)),
                (None, Some(true)) => delta.removed_dangling.push(value),
                _ => {}
            }
        }
        Ok(delta)
    }

    /// Refuses that all members of a group go without having been named, to a client that may not
    /// do that.
    fn leaves_some(&self, wanted: &Wanted, there: &There) -> Result<(), Failure> {
        if self.compat.remove_all_members || !wanted.cleared || wanted.keeps_any(there) {
            return Ok(());
        }
        // Nobody sees the rows of deleted members any more.
        let going: Vec<_> = there.own_members().map(|pos| (pos, None)).collect();
        if there.own_texts().next().is_none() && self.ids_of(&going)?.is_empty() {
            return Ok(());
        }
        Err(all_unnamed())
    }

    /// The rows that are there, as far as what is wanted depends on them.
    fn there(&self, wanted: &Wanted, group: &ResourceRow) -> Result<There, StoreError> {
        let named: Vec<i64> = wanted.members.keys().copied().collect();
        let among = (!wanted.cleared).then_some(named.as_slice());
        let members = match among {
            Some([]) => Vec::new(),
            among => members::present(self.sql, group.pos, among)?,
        };
        let texts = wanted.cleared || !wanted.dangling.is_empty() || !wanted.named.is_empty();
        let dangling = if texts { dangling::texts(self.sql, group.pos)? } else { Vec::new() };
        let own = |origin: &str| self.may_change_member(group, origin);
        let members = members
            .into_iter()
            .map(|((member, display), origin)| (member, (display, own(&origin))));
        let dangling = dangling.into_iter().map(|(text, origin)| (text, own(&origin)));
        Ok(There { members: members.collect(), dangling: dangling.collect() })
    }
}

/// Whether a resource's type may be in groups; also one that is hidden now, so that what a group shows
/// can be written back.
fn may_be_member(pos: Pos) -> bool {
    let schema = Registry::whole().type_numbered(pos.type_number());
    schema.is_some_and(|schema| schema.resource_type.member)
}

fn no_member(place: usize) -> ScimError {
    let detail = format!("`members`: value {place} is no user or group here");
    ScimError::new(ErrorKind::InvalidValue, detail)
}

impl There {
    /// The members that are this client's to remove.
    fn own_members(&self) -> impl Iterator<Item = i64> {
        self.members.iter().filter(|(_, (_, own))| *own).map(|(pos, _)| *pos)
    }

    /// The same of texts.
    fn own_texts(&self) -> impl Iterator<Item = &String> {
        self.dangling.iter().filter(|(_, own)| **own).map(|(text, _)| text)
    }
}

impl Wanted {
    /// Whether one of the members that are there is to stay.
    fn keeps_any(&self, there: &There) -> bool {
        let stays = |pos: i64| self.members.get(&pos).is_some_and(|(_, shall)| *shall);
        let remains = |value: &String| self.dangling.get(value).is_some_and(Option::is_some);
        there.own_members().any(stays) || there.own_texts().any(remains)
    }

    fn clear(&mut self) {
        *self = Self { cleared: true, ..Self::default() };
    }

    /// A resource shall be a member or not, by whatever text it was named.
    fn put(&mut self, target: Target, entry: Entry, shall: bool) {
        let Target { pos, id } = target;
        if let Some(id) = id {
            self.named.insert(entry.id);
            self.members.insert(pos.value(), (Entry { id, ..entry }, shall));
        } else {
            self.members.insert(pos.value(), (entry, shall));
        }
    }
}

/// RFC 7644 Table 9 `mutability`: the attribute's present state does not allow it.
fn all_unnamed() -> Failure {
    let detail = "this connection may not remove all `members` at once without naming them";
    ScimError::new(ErrorKind::Mutability, detail).into()
}
