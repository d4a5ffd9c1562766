//! What was put off, done by alarm in bounded steps: the membership rows of what was deleted, and the
//! resources of connections that are leaving.

use chrono::{DateTime, Utc};

use super::memory::Memory;
use super::resources::grow;
use super::{access, decisions, departure, erasure};
use crate::limits;
use crate::scim::schema::GROUP;
use crate::store::members::Seen;
use crate::store::{Sql, StoreError, decisions as rows_of_decisions, erasures, members, sweeps};

/// Does one step: a connection's that is leaving, else one of computing access anew, else one of a
/// decision about many users, else one of what a deletion put off, and one of forgetting people.
pub(super) fn step(
    sql: &dyn Sql,
    memory: &mut Memory,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if let Some(departure) = memory.departure().cloned() {
        departure::step_by_alarm(sql, memory, &departure, now)?;
    } else if memory.recomputation.is_some() {
        access::step(sql, memory, now)?;
    } else if !decisions::step(sql, memory, now)? {
        sweep(sql, memory, now)?;
        erasure::step(sql, memory)?;
    }
    memory.sweeping =
        is_left(sql)? || memory.departure().is_some() || memory.recomputation.is_some();
    Ok(())
}

/// Whether membership rows are to be removed, decisions to be carried out, or people to be forgotten.
pub(super) fn is_left(sql: &dyn Sql) -> Result<bool, StoreError> {
    let more = sweeps::first(sql)?.is_some() || rows_of_decisions::count(sql, 0)? > 0;
    Ok(more || erasures::any(sql)?)
}

/// Removes membership rows of one deleted resource, if there is one.
fn sweep(sql: &dyn Sql, memory: &mut Memory, now: DateTime<Utc>) -> Result<(), StoreError> {
    let Some(deleted) = sweeps::first(sql)? else { return Ok(()) };
    let more = deleted.type_number() == GROUP && sweeps::empty(sql, deleted, limits::SWEEP_ROWS)?;
    let groups = if more {
        Vec::new()
    } else {
        members::groups_of(sql, deleted, Seen::All, limits::SWEEP_GROUPS)?
    };
    for group in &groups {
        // Its version changes with its members.
        grow(sql, *group, sweeps::leave(sql, *group, deleted)?.saturating_neg(), now)?;
        memory.touch_copy(sql, *group)?;
    }
    if !more && groups.len() < limits::SWEEP_GROUPS {
        sweeps::done(sql, deleted)?;
    }
    Ok(())
}
