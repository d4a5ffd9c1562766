//! What a change of members comes to, and its writing.

use serde_json::{Value, json};

use crate::event::{Event, EventKind, Verb};
use crate::limits;
use crate::scim::schema::GROUP;
use crate::store::dangling::{self, DanglingRow};
use crate::store::{Pos, StoreError, members};
use crate::tenant::work::Work;

/// What is to be written: rows that are not there, and rows that are.
#[derive(Debug, Default)]
pub(in crate::tenant) struct Delta {
    /// By whose word members are added, if not by the request's.
    origin: Option<String>,
    pub(super) added: Vec<(i64, Entry)>,
    /// Members that stay, under another display.
    pub(super) renamed: Vec<(i64, String)>,
    pub(super) removed: Vec<(i64, Option<String>)>,
    pub(super) added_dangling: Vec<(String, Option<String>)>,
    pub(super) removed_dangling: Vec<String>,
}

/// A member that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) display: Option<String>,
}

impl Delta {
    /// A resource that texts of a group have named takes their place, if it is not a member yet.
    pub(in crate::tenant) fn bound(
        member: Pos,
        id: &str,
        is_member: bool,
        rows: Vec<DanglingRow>,
    ) -> Self {
        let first = rows.first();
        let display = first.and_then(|row| row.display.clone());
        let entry = (member.value(), Entry { id: id.to_owned(), display });
        Self {
            origin: first.map(|row| row.origin.clone()),
            added: if is_member { Vec::new() } else { vec![entry] },
            removed_dangling: rows.into_iter().map(|row| row.value).collect(),
            ..Self::default()
        }
    }

    /// Whether nothing is to be written.
    pub(in crate::tenant) fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.renamed.is_empty()
            && self.removed.is_empty()
            && self.added_dangling.is_empty()
            && self.removed_dangling.is_empty()
    }

    /// By how many rows the group grows.
    pub(in crate::tenant) fn growth(&self) -> i64 {
        let count = |n: usize, m: usize| i64::try_from(n.saturating_add(m)).unwrap_or(i64::MAX);
        let added = count(self.added.len(), self.added_dangling.len());
        added.saturating_sub(count(self.removed.len(), self.removed_dangling.len()))
    }
}

impl Entry {
    pub(super) fn bytes(&self) -> usize {
        self.display.as_deref().map_or(0, str::len).max(self.id.len())
    }

    /// As a filter on members sees a member that has no row yet.
    pub(super) fn shown(&self, type_name: Option<&str>) -> Value {
        json!({ "value": self.id, "type": type_name, "display": self.display })
    }
}

impl Work<'_, '_> {
    /// Writes a difference and its events.
    pub(in crate::tenant) fn join(
        &mut self,
        group: Pos,
        group_id: &str,
        delta: &Delta,
    ) -> Result<(), StoreError> {
        let origin = delta.origin.as_ref().unwrap_or(&self.origin).clone();
        for (value, display) in &delta.added_dangling {
            dangling::add(self.sql, group, &origin, value, display.as_deref())?;
        }
        if !delta.added_dangling.is_empty() {
            self.memory.touched = true;
            self.memory.dangling = true;
        }
        for value in &delta.removed_dangling {
            dangling::remove(self.sql, group, value)?;
        }
        for (pos, display) in &delta.renamed {
            members::rename(self.sql, group, *pos, display)?;
        }
        if !delta.renamed.is_empty() {
            let event = Event::new(EventKind::Resource(GROUP, Verb::Updated), group_id);
            self.record(&event.with("changed", vec!["members.display"]))?;
        }
        for step in delta.removed.chunks(limits::MEMBERS_PER_REQUEST) {
            let positions: Vec<i64> = step.iter().map(|(pos, _)| *pos).collect();
            members::remove(self.sql, group, &positions)?;
        }
        for step in delta.added.chunks(limits::MEMBERS_PER_REQUEST) {
            let rows: Vec<_> =
                step.iter().map(|(pos, entry)| (*pos, entry.display.clone())).collect();
            members::add(self.sql, group, &origin, &rows)?;
        }
        let added = delta.added.iter().map(|(pos, _)| pos);
        for pos in added.chain(delta.removed.iter().map(|(pos, _)| pos)) {
            self.memory.dirty.touch(Pos::stored(*pos));
        }
        let is_group = |(pos, _): &(i64, Entry)| Pos::stored(*pos).type_number() == GROUP;
        if delta.added.iter().any(is_group) {
            self.memory.touched = true;
            self.memory.nested_groups = true;
        }
        let mut added: Vec<String> =
            delta.added.iter().map(|(_, entry)| entry.id.clone()).collect();
        added.extend(delta.added_dangling.iter().map(|(value, _)| value.clone()));
        let mut removed = self.ids_of(&delta.removed)?;
        removed.extend(delta.removed_dangling.iter().cloned());
        self.record_members(EventKind::GroupMemberAdded, group_id, &added)?;
        self.record_members(EventKind::GroupMemberRemoved, group_id, &removed)
    }

    /// The ids of removed members: as the client named them, else as their rows have them.
    pub(super) fn ids_of(
        &self,
        removed: &[(i64, Option<String>)],
    ) -> Result<Vec<String>, StoreError> {
        let unnamed: Vec<i64> =
            removed.iter().filter(|(_, id)| id.is_none()).map(|(pos, _)| *pos).collect();
        let mut ids: Vec<String> = removed.iter().filter_map(|(_, id)| id.clone()).collect();
        for step in unnamed.chunks(limits::MEMBERS_PER_REQUEST) {
            ids.extend(members::ids(self.sql, step)?);
        }
        Ok(ids)
    }

    /// Records what has become of members of a group, in as many events as it takes.
    pub(in crate::tenant) fn record_members(
        &mut self,
        kind: EventKind,
        group_id: &str,
        ids: &[String],
    ) -> Result<(), StoreError> {
        for step in ids.chunks(limits::MEMBERS_PER_EVENT) {
            self.record(&Event::new(kind, group_id).with("members", step.to_vec()))?;
        }
        Ok(())
    }
}
