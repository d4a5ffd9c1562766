//! Drift: what administrators have changed of users that a connection manages, until the connection
//! writes it again.

use serde_json::{Value, json};

use super::memory::Memory;
use super::work::{Answer, Work};
use crate::event::Event;
use crate::http::{Response, foreign_cursor, page_of};
use crate::policy::Owner;
use crate::scim::schema::USER;
use crate::store::drifts::{self, DriftRow};
use crate::store::resources::ResourceRow;
use crate::store::{Pos, Sql, StoreError};

impl Work<'_, '_> {
    /// `GET …/drift`: which attributes of which users are not what the connection that manages them has
    /// said, since which event. They are told by name; their values are in the directory.
    pub(super) fn read_drift(&self) -> Answer {
        let query = &self.request().query;
        let limit = query.items_limit()?;
        let cursor = query.value("cursor").filter(|cursor| !cursor.is_empty());
        let after = cursor.map(|cursor| place(cursor).ok_or_else(foreign_cursor)).transpose()?;
        let after = after.unwrap_or_default();
        let rows = drifts::page(self.sql, after, limit.saturating_add(1))?;
        let place = |row: &DriftRow| format!("{}:{}", row.pos.value(), row.path);
        let found = rows.iter().map(|row| (place(row), described(row)));
        Ok(Response::json(200, &page_of(found.collect(), limit)))
    }

    /// An event that says what of a change drifts, or what it puts back: what is shared, of a user that a
    /// connection manages, changed by a key without one or by that connection; what somebody lets happen
    /// that the connection has asked for is its word.
    pub(super) fn drifting(
        &mut self,
        row: &ResourceRow,
        changed: &[String],
        event: Event,
    ) -> Result<Event, StoreError> {
        if row.pos.type_number() != USER || row.manager.is_none() {
            return Ok(event);
        }
        if self.connection.is_some() || self.speaks_for == row.manager {
            let overwrote = self.overwritten(row, changed)?;
            return Ok(if overwrote.is_empty() {
                event
            } else {
                event.with("overwrote", overwrote)
            });
        }
        let shared = self.memory.policy.attributes.authority.of(Owner::Shared);
        let drifted: Vec<&str> = shared.filter(|path| is_among(path, changed)).collect();
        let since = self.memory.last_seq.saturating_add(1);
        for path in &drifted {
            drifts::add(self.sql, row.pos, path, since)?;
        }
        if drifted.is_empty() {
            return Ok(event);
        }
        let event = event.with("drifted", drifted);
        self.memory.any_drift = true;
        self.memory.touched = true;
        Ok(event)
    }

    /// What of a change by the connection had drifted, and does so no more.
    fn overwritten(
        &self,
        row: &ResourceRow,
        changed: &[String],
    ) -> Result<Vec<String>, StoreError> {
        if !self.memory.any_drift {
            return Ok(Vec::new());
        }
        let mut overwrote = drifts::of_user(self.sql, row.pos)?;
        overwrote.retain(|path| is_among(path, changed));
        for path in &overwrote {
            drifts::remove(self.sql, row.pos, path)?;
        }
        Ok(overwrote)
    }
}

/// Forgets the drift of a user who is deleted, or whom no connection manages any more.
pub(super) fn forget(sql: &dyn Sql, memory: &Memory, pos: Pos) -> Result<(), StoreError> {
    let may_drift = memory.any_drift && pos.type_number() == USER;
    if may_drift { drifts::remove_all(sql, pos) } else { Ok(()) }
}

/// Whether an attribute is among those that have changed, as a whole or in part.
fn is_among(path: &str, changed: &[String]) -> bool {
    let is_in = |one: &String| {
        one.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    changed.iter().any(is_in)
}

/// The place that a cursor names.
fn place(cursor: &str) -> Option<(i64, &str)> {
    let (user, path) = cursor.split_once(':')?;
    let place: i64 = user.parse().ok()?;
    (place > 0 && place.to_string() == user && !path.is_empty()).then_some((place, path))
}

fn described(DriftRow { id, connection, path, since, pos: _ }: &DriftRow) -> Value {
    json!({ "id": id, "connection": connection, "path": path, "since": since })
}
