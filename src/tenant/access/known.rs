//! What is known of a user when access is decided.

use serde_json::{Map, Value, json};

use super::{RowHolders, held_of, row_of};
use crate::policy::{Access, EVERYONE, Facts, Held, Mapping, Match, Reason, Standing};
use crate::store::changes::ChangeRow;
use crate::store::grants::{self, GrantRow, GroupOf};
use crate::store::members::origin_of;
use crate::store::resources::{self, ResourceRow};
use crate::store::suspensions::{self, Cause};
use crate::store::{Pos, Sql, StoreError};
use crate::tenant::changes::approved_of;
use crate::tenant::document::Document;
use crate::tenant::memory::Memory;

/// A user, with groups and grants.
pub(in crate::tenant) struct Known {
    pos: Pos,
    pub(in crate::tenant) id: String,
    pub(super) user: Map<String, Value>,
    pub(super) manager: Option<String>,
    suspended: Option<Reason>,
    /// What of the user is held, if anything is.
    pub(in crate::tenant) change: Option<ChangeRow>,
    pub(super) rows: Vec<GrantRow>,
    /// How many of the rows, at the end, are not written as they are.
    new: usize,
}

impl Known {
    /// The user at a position, if one is there.
    pub(super) fn at(sql: &dyn Sql, memory: &Memory, pos: Pos) -> Result<Option<Self>, StoreError> {
        resources::at(sql, pos)?.map(|row| Self::of(sql, memory, &row)).transpose()
    }

    /// What is known of the user of a row.
    pub(in crate::tenant) fn of(
        sql: &dyn Sql,
        memory: &Memory,
        row: &ResourceRow,
    ) -> Result<Self, StoreError> {
        let document = Document::decode(&row.doc)?;
        let mut user = document.resource.into_map();
        user.insert("id".to_owned(), document.id.as_str().into());
        let groups = if asks_for_groups(memory) {
            grants::groups_of(sql, row.pos, &unheard(memory), memory.nested_groups)?
        } else {
            Vec::new()
        };
        let everyone = json!({ "value": EVERYONE, "display": EVERYONE, "type": "direct" });
        let groups = groups.iter().map(group).chain([everyone]);
        user.insert("groups".to_owned(), groups.collect());
        let rows = memory.grants_of(sql, row.pos)?;
        let manager = row.manager.clone();
        let suspended = suspensions::of(sql, &document.id)?.map(|cause| match cause {
            Cause::Hand => Reason::Suspended,
            Cause::Stale => Reason::Stale,
        });
        let change = memory.change_held(sql, &document.id)?;
        Ok(Self { pos: row.pos, id: document.id, user, manager, suspended, change, rows, new: 0 })
    }

    /// Adds what triggers have granted and no row has yet.
    pub(super) fn add_triggered(&mut self, triggered: &[Held], seq: i64) {
        for held in triggered {
            let known = self.rows.iter().position(|row| held_of(row) == *held);
            let row = match known.and_then(|place| Some((place, self.rows.get(place)?))) {
                Some((_, row)) if row.standing => continue,
                Some((place, _)) => self.rows.remove(place), // It waits, or is another's overflow.
                None => row_of(held, seq),
            };
            self.rows.push(GrantRow { standing: true, ..row });
            self.new = self.new.saturating_add(1);
        }
    }

    /// Whether a row is not written as it is.
    pub(super) fn is_new(&self, row: &GrantRow) -> bool {
        let written = self.rows.len().saturating_sub(self.new);
        self.rows.iter().skip(written).any(|other| other == row)
    }

    /// What the user may do.
    pub(super) fn access(&self, sql: &dyn Sql, memory: &Memory) -> Result<Access, StoreError> {
        let standing = self.standing_grants();
        let rules = &memory.policy.access;
        let access = rules.access(self.facts(memory, &standing));
        let access = match &self.change {
            Some(change) => access.approved(&approved_of(change)?, &standing),
            None => access,
        };
        let present = self.held();
        access.within_quotas(&rules.roles, &present, &mut RowHolders { sql, user: self.pos })
    }

    /// What each mapping is for the user.
    pub(super) fn matches<'m>(&self, memory: &'m Memory) -> Vec<(&'m Mapping, Match)> {
        memory.policy.access.matches(self.facts(memory, &[]))
    }

    /// What rows say that the user holds.
    pub(in crate::tenant) fn held(&self) -> Vec<Held> {
        self.rows.iter().filter(|row| row.held).map(held_of).collect()
    }

    fn standing_grants(&self) -> Vec<Held> {
        self.rows.iter().filter(|row| row.standing).map(held_of).collect()
    }

    fn facts<'k>(&'k self, memory: &'k Memory, standing_grants: &'k [Held]) -> Facts<'k> {
        let connection = self.manager.as_deref();
        let known = connection.and_then(|id| memory.connections.get(id));
        let standing = match known {
            None => Standing::Unmanaged,
            Some(known) if known.row.activated => Standing::Active,
            Some(_) => Standing::Pending,
        };
        let in_scope = known.and_then(|known| known.in_scope.as_ref());
        Facts {
            user: &self.user,
            suspended: self.suspended,
            unlinked: connection.is_none() && memory.hidden.has(self.pos),
            deactivated: memory.policy.deprovision.deactivated,
            standing,
            connection,
            in_scope,
            standing_grants,
        }
    }
}

impl Memory {
    /// The grants of a user; where nobody has been granted anything, nothing is read.
    pub(in crate::tenant) fn grants_of(
        &self,
        sql: &dyn Sql,
        user: Pos,
    ) -> Result<Vec<GrantRow>, StoreError> {
        if self.any_grants { grants::of_user(sql, user) } else { Ok(Vec::new()) }
    }
}

/// The origins whose memberships do not count: those of connections that are not heard. One that is
/// disabled says nothing more; what it has said stands.
fn unheard(memory: &Memory) -> Vec<String> {
    let others = memory.connections.iter().filter(|(_, known)| !known.is_heard());
    others.map(|(id, _)| origin_of(Some(id))).collect()
}

/// Whether some condition looks at groups.
fn asks_for_groups(memory: &Memory) -> bool {
    let mappings = memory.policy.access.mappings.iter().filter_map(|one| one.condition.as_ref());
    let scopes = memory.connections.values().filter_map(|one| one.in_scope.as_ref());
    mappings.chain(scopes).any(crate::policy::Condition::asks_for_groups)
}

/// A group as conditions see it.
fn group(group: &GroupOf) -> Value {
    let kind = if group.direct { "direct" } else { "indirect" };
    json!({
        "value": group.id,
        "display": group.display,
        "externalId": group.external_id,
        "type": kind,
    })
}
