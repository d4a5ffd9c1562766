//! A connection that is leaving: its users are kept, suspended or deleted, and nothing that it
//! managed is managed by it any more. In bounded steps, the first in the request that deletes it. A step
//! that a guard refuses stops it, until somebody deletes it again.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::access::{Settling, unless_guarded};
use super::async_requests;
use super::document::Document;
use super::drift;
use super::memory::{Author, Memory};
use super::resources::{take_away, updated};
use super::succession::Heirs;
use crate::event::{Event, EventKind, Verb};
use crate::limits;
use crate::policy::Fate;
use crate::scim::schema::USER;
use crate::store::departures::{self, DepartureRow};
use crate::store::resources::{self, ResourceRow};
use crate::store::{
    Pos, Sql, StoreError, brakes, changes, connections, keys, matches, secrets, suspensions, trusts,
};

/// Does one step by alarm, or has it stop where a guard refuses what comes of it.
pub(super) fn step_by_alarm(
    sql: &dyn Sql,
    memory: &mut Memory,
    departure: &DepartureRow,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let author = Author { actor: &departure.actor, connection: None, now };
    let refused = unless_guarded(sql, memory, author, &|settling| {
        step(sql, settling.memory, departure, now)
    })?;
    let Some(guard) = refused else { return Ok(()) };
    // After the last step it thinks the connection gone.
    memory.stale = !memory.connections.contains_key(&departure.connection);
    let stopped = Some(guard.demand());
    let event = Event::new(EventKind::ConnectionUpdated, departure.connection.as_str());
    memory.record(sql, &event.with("stopped", stopped.clone()), author)?;
    set(sql, memory, DepartureRow { stopped, ..departure.clone() })
}

/// Does one step, after which the connection has come further or is there no more. Whoever has it done
/// sees to guards.
pub(super) fn step(
    sql: &dyn Sql,
    memory: &mut Memory,
    departure: &DepartureRow,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let id = departure.connection.as_str();
    let unknown = || StoreError::new("it is not known what becomes of a connection's users");
    let fate = Fate::of(&departure.users).ok_or_else(unknown)?;
    let (scan, limit) = (limits::DEPARTURE_SCAN, limits::DEPARTURE_RESOURCES);
    let (managed, next) = departures::managed(sql, id, departure.pos, scan, limit)?;
    let author = Author { actor: &departure.actor, connection: Some(id), now };
    for pos in &managed {
        part(sql, memory, *pos, fate, author)?;
    }
    let Some(pos) = next else { return end(sql, memory, id) };
    let done = i64::try_from(managed.len()).unwrap_or(i64::MAX);
    let done = departure.done.saturating_add(done);
    set(sql, memory, DepartureRow { pos, done, ..departure.clone() })
}

/// Notes where a departure stands.
pub(super) fn set(
    sql: &dyn Sql,
    memory: &mut Memory,
    departure: DepartureRow,
) -> Result<(), StoreError> {
    departures::write(sql, &departure)?;
    if let Some(connection) = memory.connections.get_mut(&departure.connection) {
        connection.departure = Some(departure);
    }
    Ok(())
}

/// A connection has left, with whatever may still open it: another of its id must not be opened by the
/// same.
fn end(sql: &dyn Sql, memory: &mut Memory, id: &str) -> Result<(), StoreError> {
    lock_out(sql, memory, id)?;
    departures::delete(sql, id)?;
    connections::delete(sql, id)?;
    memory.unhide_all(sql, id)?;
    changes::disown(sql, id)?;
    matches::remove_of(sql, id)?;
    async_requests::forget_of(sql, memory, id)?;
    if memory.brakes.remove(id).is_some() {
        brakes::delete(sql, id)?;
    }
    if memory.connections.remove(id).is_some_and(|connection| !connection.is_heard()) {
        memory.dirty.touch_everybody(); // What it said of groups counts from now on.
    }
    Ok(())
}

/// Ends what opens a connection: its keys, its secrets and what it trusts.
pub(super) fn lock_out(
    sql: &dyn Sql,
    memory: &mut Memory,
    connection: &str,
) -> Result<(), StoreError> {
    memory.keys.retain(|_, key| key.connection.as_deref() != Some(connection));
    memory.secrets.retain(|_, secret| secret.connection != connection);
    memory.trusts.retain(|_, trust| trust.connection != connection);
    keys::delete_of(sql, connection)?;
    secrets::delete_of(sql, connection)?;
    trusts::delete_of(sql, connection)
}

/// Parts a resource from the connection that managed it.
fn part(
    sql: &dyn Sql,
    memory: &mut Memory,
    pos: Pos,
    fate: Fate,
    author: Author<'_>,
) -> Result<(), StoreError> {
    memory.dirty.touch_untold(pos);
    drift::forget(sql, memory, pos)?;
    let registry = Arc::clone(&memory.registry);
    let is_read = pos.type_number() == USER && (memory.any_changes || fate != Fate::Keep);
    let Some(schema) = registry.type_numbered(USER).filter(|_| is_read) else {
        return resources::set_manager(sql, pos, None);
    };
    let Some(row) = resources::at(sql, pos)? else { return Ok(()) };
    let document = Document::decode(&row.doc)?;
    let leaving = author.connection;
    if memory.any_changes {
        // The connection says nothing more.
        let mut settling = Settling { sql, memory: &mut *memory, author };
        settling.ends_deletion(&document.id)?;
        settling.ends_refusals(&document.id, leaving)?;
    }
    if fate == Fate::Keep {
        return resources::set_manager(sql, pos, None);
    }
    if fate == Fate::Delete {
        let heirs = Heirs { sql, memory, leaving };
        let successor = heirs.successor(Verb::Deleted, pos, &document)?;
        take_away(sql, memory, schema, &row, &document)?;
        suspensions::remove(sql, &document.id)?;
        memory.forget_person(sql, &document.id)?;
        let kind = EventKind::Resource(USER, Verb::Deleted);
        return memory.record(sql, &Event::new(kind, document.id).succeeded(successor), author);
    }
    if memory.any_changes {
        changes::delete_of(sql, &document.id)?; // What is decided here needs nobody's approval.
    }
    let after = document.resource.clone().deactivated(schema);
    let verb = updated(&document.resource, &after);
    if verb != Verb::Deactivated {
        return resources::set_manager(sql, pos, None);
    }
    let successor = Heirs { sql, memory, leaving }.successor(verb, pos, &document)?;
    let changed = vec!["active".to_owned()];
    let event = Event::new(EventKind::Resource(USER, verb), document.id.as_str())
        .succeeded(successor)
        .previously(document.resource.told(&changed, schema))
        .with("changed", changed);
    let document = Document { resource: after, ..document };
    let rev = row.rev.saturating_add(1);
    let doc = document.encode(rev, author.now);
    resources::update(sql, &ResourceRow { rev, doc, manager: None, ..row })?;
    memory.record(sql, &event, author)
}
