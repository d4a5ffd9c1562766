//! Guards: no commit may leave a guarded role with fewer holders than it must have, and fewer than
//! before.

use std::collections::BTreeSet;

use super::{Dirty, Known, Settling, Unsettled, held_of};
use crate::gather::Gather as _;
use crate::limits;
use crate::policy::{Fate, Guard, Held};
use crate::store::grants::{self, GrantRow};
use crate::store::resources::ResourceRow;
use crate::store::{Pos, Sql, StoreError, resources, transacted};
use crate::tenant::memory::{Author, Memory};
use crate::tenant::work::{Failure, Work};

impl Memory {
    /// Whether a connection is leaving that suspends or deletes its users, and nothing has stopped it.
    fn takes_along(&self, connection: &str) -> bool {
        let departure = self.connections.get(connection).and_then(|one| one.departure.as_ref());
        departure.is_some_and(|departure| {
            departure.stopped.is_none() && Fate::of(&departure.users) != Some(Fate::Keep)
        })
    }

    /// Notes that a user goes, and which roles with it.
    pub(in crate::tenant) fn note_gone(&mut self, rows: &[GrantRow]) {
        let held: Vec<Held> = rows.iter().filter(|row| row.held).map(held_of).collect();
        for role in roles(&held) {
            self.dirty.weigh(role, -1);
        }
    }
}

/// The roles among grants, in whatever scopes.
fn roles(grants: &[Held]) -> BTreeSet<&str> {
    grants.iter().filter_map(|held| held.granted.role()).gathered()
}

/// Does something by alarm, and sees to the access of all whom that has touched; where a guard refuses
/// that, it leaves nothing, and is told which.
pub(in crate::tenant) fn unless_guarded(
    sql: &dyn Sql,
    memory: &mut Memory,
    author: Author<'_>,
    work: &dyn Fn(&mut Settling<'_>) -> Result<(), StoreError>,
) -> Result<Option<Guard>, StoreError> {
    let before = memory.checkpoint();
    let settled = || {
        let mut settling = Settling { sql, memory: &mut *memory, author };
        work(&mut settling)?;
        settling.settle()
    };
    match transacted(sql, settled, Result::is_ok)? {
        Ok(()) => Ok(None),
        Err(Unsettled::Store(error)) => Err(error),
        Err(Unsettled::Guard(guard)) => {
            memory.restore(before);
            Ok(Some(guard))
        }
    }
}

impl Settling<'_> {
    /// Notes which roles a user has come to hold, and which no longer.
    pub(super) fn weigh(&mut self, before: &[Held], after: &[Held]) {
        let (before, after) = (roles(before), roles(after));
        for role in before.difference(&after) {
            self.memory.dirty.weigh(role, -1);
        }
        for role in after.difference(&before) {
            self.memory.dirty.weigh(role, 1);
        }
    }

    /// Holds what was done, or is put off to alarms, to the guards.
    pub(super) fn guard(&mut self, dirty: &Dirty, put_off: bool) -> Result<(), Unsettled> {
        let mut balance = std::mem::take(&mut self.memory.dirty).balance;
        for (role, change) in &dirty.balance {
            let sum = balance.entry(role.clone()).or_default();
            *sum = sum.saturating_add(*change);
        }
        let is_lowered = |role: &str| balance.get(role).is_some_and(|change| *change < 0);
        for guard in &self.memory.policy.guards {
            let is_short = if put_off {
                let stays = |holder| {
                    let computed = self.compute(holder, &[])?;
                    Ok(computed.is_some_and(|one| roles(&one.access.grants).contains(&*guard.role)))
                };
                falls_short(self.sql, self.memory, guard, &stays)?
            } else {
                is_lowered(&guard.role) && !is_kept(self.sql, self.memory, guard)?
            };
            if is_short {
                return Err(Unsettled::Guard(guard.clone()));
            }
        }
        Ok(())
    }
}

/// Whether a guard's role has enough holders, none counted who is about to lose it since the access of all
/// is being computed anew.
fn is_kept(sql: &dyn Sql, memory: &Memory, guard: &Guard) -> Result<bool, StoreError> {
    let mut staying = 0_usize;
    for holder in holders(sql, memory, guard)? {
        staying = staying.saturating_add(keeps(sql, memory, guard, holder)?.into());
        if staying >= needed(guard) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a holder of a guard's role is to hold it once the access of all is computed anew, where that is
/// being done.
fn keeps(sql: &dyn Sql, memory: &Memory, guard: &Guard, holder: Pos) -> Result<bool, StoreError> {
    if memory.recomputation.as_ref().is_none_or(|row| holder <= row.after) {
        return Ok(true);
    }
    let Some(known) = Known::at(sql, memory, holder)? else { return Ok(false) };
    Ok(roles(&known.access(sql, memory)?.grants).contains(&*guard.role))
}

/// Whether a guard's role comes to have too few holders, and fewer than it has. Of many holders, the
/// first are looked at.
fn falls_short(
    sql: &dyn Sql,
    memory: &Memory,
    guard: &Guard,
    stays: &dyn Fn(Pos) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    let (holders, mut staying) = (holders(sql, memory, guard)?, 0_usize);
    for holder in &holders {
        staying = staying.saturating_add(stays(*holder)?.into());
    }
    Ok(staying < needed(guard) && staying < holders.len())
}

/// The users who hold a guard's role, as many as are ever asked for; none who is about to lose it since
/// a connection leaves.
fn holders(sql: &dyn Sql, memory: &Memory, guard: &Guard) -> Result<Vec<Pos>, StoreError> {
    let holders = grants::holders(sql, &guard.role, limits::ACCESS_USERS)?;
    if memory.departures().all(|departure| departure.stopped.is_some()) {
        return Ok(holders);
    }
    let mut staying = Vec::new();
    for holder in holders {
        let row = resources::at(sql, holder)?;
        if !row.and_then(|row| row.manager).is_some_and(|id| memory.takes_along(&id)) {
            staying.push(holder);
        }
    }
    Ok(staying)
}

fn needed(guard: &Guard) -> usize {
    usize::try_from(guard.min).unwrap_or(usize::MAX)
}

impl Work<'_, '_> {
    /// Refuses that users lose a role where its guard needs one of them: 409.
    pub(in crate::tenant) fn guards_let_go(
        &self,
        goes: &dyn Fn(&ResourceRow, &str) -> Result<bool, StoreError>,
    ) -> Result<(), Failure> {
        for guard in &self.memory.policy.guards {
            let stays = |holder| {
                let row = resources::at(self.sql, holder)?;
                let goes = row.map_or(Ok(false), |row| goes(&row, &guard.role))?;
                Ok(!goes && keeps(self.sql, self.memory, guard, holder)?)
            };
            if falls_short(self.sql, self.memory, guard, &stays)? {
                return Err(self.guarded(guard));
            }
        }
        Ok(())
    }

    /// Refuses with [`Self::guards_let_go`] that a connection leaves with its users, or without those who
    /// hold something since they are its users.
    pub(in crate::tenant) fn guards_let_leave(&self, id: &str, fate: Fate) -> Result<(), Failure> {
        self.guards_let_go(&|row, role| {
            if row.manager.as_deref() != Some(id) || fate != Fate::Keep {
                return Ok(row.manager.as_deref() == Some(id));
            }
            let alone = ResourceRow { manager: None, ..row.clone() };
            let access = Known::of(self.sql, self.memory, &alone)?.access(self.sql, self.memory)?;
            Ok(!roles(&access.grants).contains(role))
        })
    }
}
