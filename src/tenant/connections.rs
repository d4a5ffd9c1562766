//! Connections of the tenant: one identity provider each, with its preset and its state.

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::document::timestamp;
use super::memory::Connection;
use super::work::{Answer, Failure, Work};
use crate::event::{Event, EventKind};
use crate::http::{Problem, ProblemCode, Response};
use crate::limits;
use crate::registry::Slug;
use crate::scim::compat::{PRESETS, Preset};
use crate::store::connections::{self, ConnectionRow};

/// The state in which a connection's keys open nothing.
pub(super) const DISABLED: &str = "disabled";

const STATES: [&str; 4] = ["draft", "pending", "active", DISABLED];

impl Work<'_, '_> {
    /// `POST …/connections {"id","displayName","kind":"scim","preset","state"?,"compat"?}` → 201;
    /// 409 when the id or the name is taken.
    pub(super) fn create_connection(&mut self) -> Answer {
        let body = self.admin_body()?;
        let row = self.new_connection(&body)?;
        let taken = self.memory.connections.values().any(|Connection { row: other, .. }| {
            other.id == row.id || other.display_name == row.display_name
        });
        if taken {
            let detail = "a connection with this id or displayName exists";
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        }
        if self.memory.connections.len() >= limits::CONNECTIONS_PER_TENANT {
            let detail = "the tenant has too many connections";
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        }
        connections::insert(self.sql, &row)?;
        let mut event = Event::new(EventKind::ConnectionCreated, row.id.as_str())
            .with("preset", row.preset.as_str());
        if !row.compat.is_empty() {
            event = event.with("compat", row.compat.clone());
        }
        self.record(&event)?;
        let connection = Connection::new(row);
        let shown = described(&connection);
        self.memory.connections.insert(connection.row.id.clone(), connection);
        Ok(Response::json(201, &shown))
    }

    /// `GET …/connections`.
    pub(super) fn list_connections(&self) -> Answer {
        Ok(Response::json(200, &self.items(&self.memory.connections, described)?))
    }

    /// `GET …/connections/{c}`.
    pub(super) fn read_connection(&self, id: &str) -> Answer {
        let connection = self.memory.connections.get(id);
        let connection = connection.ok_or_else(|| Problem::from(ProblemCode::NotFound))?;
        Ok(Response::json(200, &described(connection)))
    }

    fn new_connection(&self, body: &Map<String, Value>) -> Result<ConnectionRow, Failure> {
        let malformed = |detail: String| Problem::new(ProblemCode::Malformed, detail);
        let known = ["id", "displayName", "kind", "preset", "state", "compat"];
        if let Some(name) = body.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(malformed(format!("`{name}` is no field of a connection")).into());
        }
        let text = |name: &str, default: Option<&str>| match body.get(name) {
            None => {
                default.map(str::to_owned).ok_or_else(|| malformed(format!("`{name}` is missing")))
            }
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(malformed(format!("`{name}` is not a text"))),
        };
        let row = ConnectionRow {
            id: text("id", None)?,
            display_name: text("displayName", None)?.trim().to_owned(),
            preset: text("preset", Some("generic"))?,
            compat: match body.get("compat") {
                None => Map::new(),
                Some(Value::Object(rules)) => rules.clone(),
                Some(_) => return Err(malformed("`compat` is not an object".to_owned()).into()),
            },
            state: text("state", Some("draft"))?,
            created: self.now().timestamp_millis(),
        };
        let name_length = row.display_name.chars().count();
        let fault = if Slug::parse(&row.id).is_none() {
            "`id` is not of the form [a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?, or is reserved"
        } else if !(1..=limits::NAME_CHARACTERS).contains(&name_length) {
            "`displayName` is not a text of 1 to 200 characters"
        } else if text("kind", Some("scim"))? != "scim" {
            "`kind` is not scim"
        } else if !STATES.contains(&row.state.as_str()) {
            "`state` is none of draft, pending, active, disabled"
        } else {
            let Some(preset) = Preset::of(&row.preset) else {
                let names = PRESETS.map(|preset| preset.id).join(", ");
                return Err(malformed(format!("`preset` is none of {names}")).into());
            };
            preset.compat.with(&row.compat).map_err(|error| malformed(error.to_string()))?;
            return Ok(row);
        };
        Err(malformed(fault.to_owned()).into())
    }
}

/// A connection as the API shows it.
fn described(Connection { row, .. }: &Connection) -> Value {
    json!({
        "id": row.id,
        "displayName": row.display_name,
        "kind": "scim",
        "preset": row.preset,
        "compat": row.compat,
        "state": row.state,
        "createdAt": DateTime::from_timestamp_millis(row.created).map(timestamp),
    })
}
