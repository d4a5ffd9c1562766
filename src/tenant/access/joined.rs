//! Who is a member of which group by a mapping: what users are granted, against the groups there are.
//!
//! A grant names a group by its `displayName`, exactly: of several so called, those of the kind `app`
//! are meant, where there are any. Such a membership is a row of the origin `mapping`, which nobody
//! writes by hand and no condition sees, so that what is granted depends on nothing that was granted.

use std::collections::{BTreeMap, BTreeSet};

use super::Settling;
use crate::event::EventKind;
use crate::gather::Gather as _;
use crate::limits;
use crate::policy::{Access, GroupKind, Held};
use crate::scim::resource::Resource;
use crate::scim::schema::GROUP;
use crate::store::members::{self, MAPPING};
use crate::store::resources::{self, ResourceRow};
use crate::store::{Pos, Sql, StoreError, grants};
use crate::tenant::document::Document;
use crate::tenant::lookups::key_for;
use crate::tenant::members::delta::{Told, Who, told_events};
use crate::tenant::memory::Memory;
use crate::tenant::resources::grow;
use crate::tenant::work::{Failure, Work};

/// Of which groups a user is to become a member, and of which no more.
pub(super) type Joins = BTreeMap<Pos, bool>;

/// What becomes of the members of a group: the positions of those who come, and of those who go.
type Rows = (Vec<i64>, Vec<i64>);

impl Memory {
    /// Whether users may be members of groups by mappings.
    pub(in crate::tenant) fn joins_groups(&self) -> bool {
        self.any_joined || self.policy.access.grants_groups()
    }

    /// Notes that a group comes, goes or changes: whoever is granted one of its name.
    pub(in crate::tenant) fn touch_name(&mut self, pos: Pos, group: &Resource) {
        if let Some(name) = group.text("displayName").filter(|_| pos.type_number() == GROUP) {
            self.dirty.names.insert(name.to_owned());
        }
    }
}

impl Work<'_, '_> {
    /// A resource that was written, as it is once it is seen to who is in which group by that.
    pub(in crate::tenant) fn rejoined(&mut self, row: ResourceRow) -> Result<ResourceRow, Failure> {
        if !self.memory.joins_groups() {
            return Ok(row);
        }
        self.settle()?;
        Ok(resources::at(self.sql, row.pos)?.unwrap_or(row))
    }
}

impl Settling<'_> {
    /// Notes of which groups a user is to become a member, and of which no more.
    pub(super) fn note_joins(&mut self, user: Pos, access: &Access) -> Result<(), StoreError> {
        let joins = self.joins(user, access)?;
        self.memory.dirty.joins.insert(user, joins);
        Ok(())
    }

    /// What is different of the groups of which a user is a member by mappings.
    pub(super) fn joins(&self, user: Pos, access: &Access) -> Result<Joins, StoreError> {
        let mut joins = Joins::new();
        for name in access.groups().gathered::<BTreeSet<_>>() {
            let found = called(self.sql, self.memory, name)?;
            joins.extend(found.into_iter().map(|group| (group, true)));
        }
        if self.memory.any_joined {
            for group in members::groups_by_mapping(self.sql, user)? {
                if joins.remove(&group).is_none() {
                    joins.insert(group, false);
                }
            }
        }
        Ok(joins)
    }

    /// Writes what was noted: a version, and an event or two, for each group.
    pub(super) fn write_joins(&mut self) -> Result<(), StoreError> {
        let mut groups: BTreeMap<Pos, Rows> = BTreeMap::new();
        for (user, joins) in std::mem::take(&mut self.memory.dirty.joins) {
            for (group, joins) in joins {
                let (come, go) = groups.entry(group).or_default();
                if joins { come.push(user.value()) } else { go.push(user.value()) }
            }
        }
        groups.into_iter().try_for_each(|(group, rows)| self.write_joined(group, &rows))
    }

    fn write_joined(&mut self, group: Pos, (come, go): &Rows) -> Result<(), StoreError> {
        let count = |rows: &[i64]| i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let growth = count(come).saturating_sub(count(go));
        let Some(id) = grow(self.sql, group, growth, self.author.now)? else { return Ok(()) };
        let among = [come.as_slice(), go].concat();
        let others = members::present(self.sql, group, Some(&among))?.into_iter();
        let others: BTreeSet<i64> = others
            .filter(|(_, origin)| origin != MAPPING)
            .map(|((member, _), _)| member)
            .gathered();
        let told = |users: &[i64]| {
            let mut told = Told::default();
            for user in users {
                told.tell(!others.contains(user), Who::At(*user));
            }
            told
        };
        for step in go.chunks(limits::MEMBERS_PER_REQUEST) {
            members::remove(self.sql, group, MAPPING, step)?;
        }
        for step in come.chunks(limits::MEMBERS_PER_REQUEST) {
            let rows: Vec<_> = step.iter().map(|user| (*user, None)).collect();
            members::add(self.sql, group, MAPPING, &rows)?;
        }
        self.memory.touched = true;
        self.memory.any_joined |= !come.is_empty();
        let left = told_events(self.sql, EventKind::GroupMemberRemoved, &id, &told(go))?;
        let joined = told_events(self.sql, EventKind::GroupMemberAdded, &id, &told(come))?;
        for event in left.iter().chain(&joined) {
            self.memory.record(self.sql, event, self.author)?;
        }
        Ok(())
    }

    /// What is different of a user's memberships, as grants: those to come, and those to go.
    pub(super) fn told_joins(
        &self,
        user: Pos,
        access: &Access,
    ) -> Result<(Vec<Held>, Vec<Held>), StoreError> {
        let (mut come, mut go) = (Vec::new(), Vec::new());
        for (group, joins) in self.joins(user, access)? {
            let Some(row) = resources::at(self.sql, group)? else { continue };
            let document = Document::decode(&row.doc)?;
            let name = document.resource.text("displayName").unwrap_or_default();
            let granted = crate::policy::Granted::Group(name.to_owned());
            let list = if joins { &mut come } else { &mut go };
            list.push(Held { granted, source: MAPPING.to_owned() });
        }
        Ok((come, go))
    }
}

/// The groups that a grant names.
pub(super) fn called(sql: &dyn Sql, memory: &Memory, name: &str) -> Result<Vec<Pos>, StoreError> {
    let schema = memory.registry.type_numbered(GROUP);
    let key = schema.and_then(|schema| key_for(schema, "displayName", name));
    let Some(key) = key else { return Ok(Vec::new()) };
    let mut found = grants::groups_found(sql, &key, limits::GROUPS_CALLED)?;
    found.retain(|group| group.display.as_deref() == Some(name));
    let is_app = |kind: &Option<String>| kind.as_deref() == Some(GroupKind::App.name());
    let any = found.iter().any(|group| is_app(&group.kind));
    let meant = found.into_iter().filter(|group| !any || is_app(&group.kind));
    Ok(meant.map(|group| group.pos).collect())
}
