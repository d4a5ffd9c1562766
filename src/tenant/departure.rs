//! A connection that is leaving: its users are kept, suspended or deleted, and nothing that it
//! managed is managed by it any more. In bounded steps, the first in the request that deletes it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::access::Settling;
use super::document::Document;
use super::drift;
use super::memory::{Author, Memory};
use super::resources::{take_away, updated};
use crate::event::{Event, EventKind, Verb};
use crate::limits;
use crate::scim::compat::Compat;
use crate::scim::patch::PatchOp;
use crate::scim::resource::Resource;
use crate::scim::schema::{TypeSchema, USER};
use crate::scim::urn;
use crate::store::departures::{self, DepartureRow};
use crate::store::resources::{self, ResourceRow};
use crate::store::{
    Pos, Sql, StoreError, brakes, changes, connections, keys, matches, secrets, suspensions, trusts,
};

/// What becomes of the users of a connection that leaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    /// They stay as they are.
    Keep,
    /// They stay, not active.
    Suspend,
    /// They are deleted.
    Delete,
}

impl Fate {
    /// By its name.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "keep" => Some(Self::Keep),
            "suspend" => Some(Self::Suspend),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }
}

/// Does one step; how far it has come, or nothing when the connection has left.
pub(super) fn step(
    sql: &dyn Sql,
    memory: &mut Memory,
    departure: &DepartureRow,
    now: DateTime<Utc>,
) -> Result<Option<DepartureRow>, StoreError> {
    let id = departure.connection.as_str();
    let unknown = || StoreError::new("it is not known what becomes of a connection's users");
    let fate = Fate::of(&departure.users).ok_or_else(unknown)?;
    let (scan, limit) = (limits::DEPARTURE_SCAN, limits::DEPARTURE_RESOURCES);
    let (managed, next) = departures::managed(sql, id, departure.pos, scan, limit)?;
    let author = Author { actor: &departure.actor, connection: Some(id), now };
    for pos in &managed {
        part(sql, memory, *pos, fate, author)?;
    }
    let Some(pos) = next else {
        // Whatever may still open it: another of its id must not be opened by the same.
        lock_out(sql, id)?;
        departures::delete(sql, id)?;
        connections::delete(sql, id)?;
        memory.unhide_all(sql, id)?;
        changes::disown(sql, id)?;
        matches::remove_of(sql, id)?;
        if memory.brakes.remove(id).is_some() {
            brakes::delete(sql, id)?;
        }
        if memory.connections.get(id).is_some_and(|connection| !connection.row.activated) {
            memory.dirty.touch_everybody(); // What it said of groups counts from now on.
        }
        return Ok(None);
    };
    let done = i64::try_from(managed.len()).unwrap_or(i64::MAX);
    let done = departure.done.saturating_add(done);
    let further = DepartureRow { pos, done, ..departure.clone() };
    departures::write(sql, &further)?;
    Ok(Some(further))
}

/// Ends what opens a connection: its keys, its secrets and what it trusts.
pub(super) fn lock_out(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
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
    if memory.any_changes && pos.type_number() == USER {
        ends_deletion(sql, memory, pos, author)?;
    }
    let registry = Arc::clone(&memory.registry);
    let schema = registry.type_numbered(USER).filter(|_| pos.type_number() == USER);
    let (Some(schema), true) = (schema, fate != Fate::Keep) else {
        return resources::set_manager(sql, pos, None);
    };
    let Some(row) = resources::at(sql, pos)? else { return Ok(()) };
    let document = Document::decode(&row.doc)?;
    if fate == Fate::Delete {
        take_away(sql, memory, schema, &row, &document)?;
        suspensions::remove(sql, &document.id)?;
        memory.forget_person(sql, &document.id)?;
        let kind = EventKind::Resource(USER, Verb::Deleted);
        return memory.record(sql, &Event::new(kind, document.id), author);
    }
    if memory.any_changes {
        changes::delete_of(sql, &document.id)?; // What is decided here needs nobody's approval.
    }
    let after = deactivated(&document.resource, schema)?;
    let verb = updated(&document.resource, &after);
    if verb != Verb::Deactivated {
        return resources::set_manager(sql, pos, None);
    }
    let changed = vec!["active".to_owned()];
    let event = Event::new(EventKind::Resource(USER, verb), document.id.as_str())
        .previously(document.resource.told(&changed, schema))
        .with("changed", changed);
    let document = Document { resource: after, ..document };
    let rev = row.rev.saturating_add(1);
    let doc = document.encode(rev, author.now);
    resources::update(sql, &ResourceRow { rev, doc, manager: None, ..row })?;
    memory.record(sql, &event, author)
}

/// Takes back the deletion of a user that is held: its connection says nothing more.
fn ends_deletion(
    sql: &dyn Sql,
    memory: &mut Memory,
    pos: Pos,
    author: Author<'_>,
) -> Result<(), StoreError> {
    if let Some(row) = resources::at(sql, pos)? {
        let id = Document::decode(&row.doc)?.id;
        let mut settling = Settling { sql, memory, author };
        settling.ends_deletion(&id)?;
        settling.ends_refusals(&id, author.connection)?;
    }
    Ok(())
}

/// The same user, not active.
pub(super) fn deactivated(user: &Resource, schema: TypeSchema<'_>) -> Result<Resource, StoreError> {
    let body = json!({
        "schemas": [urn::PATCH_OP],
        "Operations": [{ "op": "replace", "path": "active", "value": false }],
    });
    let operations = PatchOp::parse(&body, &Compat::GENERIC);
    let patched = operations.and_then(|one| one.apply(user.clone(), schema, &Compat::GENERIC));
    patched
        .map(|patched| patched.resource)
        .map_err(|_| StoreError::new("a stored user cannot be made inactive"))
}
