//! What was put off, done by alarm in bounded steps: the membership rows of what was deleted, and the
//! resources of connections that are leaving.

use chrono::{DateTime, Utc};

use super::document::Document;
use super::memory::{Author, Memory};
use super::{access, decisions, departure, erasure};
use crate::limits;
use crate::scim::schema::GROUP;
use crate::store::departures::DepartureRow;
use crate::store::members::Seen;
use crate::store::resources::{self, ResourceRow};
use crate::store::{
    Pos, Sql, StoreError, decisions as rows_of_decisions, erasures, members, sweeps,
};

/// What a step has done.
pub(super) struct Swept {
    /// The connection that has come further, and how far; that has left, where it is nowhere.
    pub(super) departed: Option<(String, Option<DepartureRow>)>,
    /// Whether membership rows, decisions or people to forget are left.
    pub(super) more: bool,
}

/// Does one step: a connection's that is leaving, else one of computing access anew, else one of a
/// decision about many users, else one of what a deletion put off, and one of forgetting people.
pub(super) fn step(
    sql: &dyn Sql,
    memory: &mut Memory,
    now: DateTime<Utc>,
) -> Result<Swept, StoreError> {
    if let Some(departure) = memory.departure().cloned() {
        let further = departure::step(sql, memory, &departure, now)?;
        if further.is_none() {
            memory.connections.remove(&departure.connection); // It counts no more.
        }
        let author = Author { actor: &departure.actor, connection: None, now };
        access::Settling { sql, memory, author }.settle_by_alarm()?;
        let more = is_left(sql)?;
        return Ok(Swept { departed: Some((departure.connection, further)), more });
    }
    if memory.recomputation.is_some() {
        access::step(sql, memory, now)?;
        return Ok(Swept { departed: None, more: is_left(sql)? });
    }
    if !decisions::step(sql, memory, now)? {
        sweep(sql, memory, now)?;
        erasure::step(sql, memory)?;
    }
    Ok(Swept { departed: None, more: is_left(sql)? })
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
        leave(sql, *group, deleted, now)?;
        memory.touch_copy(sql, *group)?;
    }
    if !more && groups.len() < limits::SWEEP_GROUPS {
        sweeps::done(sql, deleted)?;
    }
    Ok(())
}

/// Removes a deleted resource from a group, whose version changes with its members.
fn leave(sql: &dyn Sql, group: Pos, deleted: Pos, now: DateTime<Utc>) -> Result<(), StoreError> {
    let left = sweeps::leave(sql, group, deleted)?;
    let Some(row) = resources::at(sql, group)? else { return Ok(()) };
    let document = Document::decode(&row.doc)?;
    let rev = row.rev.saturating_add(1);
    let after = ResourceRow {
        rev,
        members: row.members.saturating_sub(left).max(0),
        doc: document.encode(rev, now),
        ..row
    };
    resources::update(sql, &after)
}
