//! Connections of the tenant: one identity provider each, with its preset, its state and what it may
//! take up.

mod declared;
mod fields;
mod group_source;
mod options;
mod scopes;

use serde_json::{Value, json};

pub(super) use self::declared::CONNECTIONS;
pub(super) use self::fields::read;
use self::fields::{described, exported};
pub(super) use self::options::Options;
pub(super) use self::scopes::Scopes;
use super::departure;
use super::document::matches;
use super::memory::Connection;
use super::ring::forget_written;
use super::work::{Answer, Failure, Work, conflict, missing, permitted};
use crate::event::{Event, EventKind};
use crate::http::{ConnectionAction, Method, Problem, ProblemCode, Response, is_slug};
use crate::limits;
use crate::policy::{Condition, Fate};
use crate::store::Pos;
use crate::store::connections::{self, ConnectionRow};
use crate::store::departures::DepartureRow;

/// The state in which a connection's keys open nothing.
pub(super) const DISABLED: &str = "disabled";
const ACTIVE: &str = "active";

/// The states in the order in which a connection goes through them. Out of the last it may be made
/// active again; no other way leads back.
const STATES: [&str; 4] = ["draft", "pending", ACTIVE, DISABLED];

impl Work<'_, '_> {
    /// `POST …/connections {"id","displayName","kind":"scim","preset","state"?,"compat"?,"adopt"?}` →
    /// 201; 403 for a key of a connection; 409 when the id or the name is taken; 422 where a mapping
    /// contradicts its `groupSource`.
    pub(super) fn create_connection(&mut self) -> Answer {
        self.may_change_connections()?;
        let body = self.admin_body()?;
        let row = read(body, self.now().timestamp_millis())?;
        self.add_connection(row)
    }

    /// `POST …/connections/import`, what another's `/export` answers: → 201 with a new id and in the
    /// state `draft`; 409 when the name is taken.
    pub(super) fn import_connection(&mut self) -> Answer {
        self.may_change_connections()?;
        let mut body = self.admin_body()?;
        let id = match body.shift_remove("id") {
            Some(Value::String(id)) => id,
            Some(_) => {
                return Err(Problem::new(ProblemCode::Malformed, "`id` is not a text").into());
            }
            None => "connection".to_owned(),
        };
        let [a, b, c, d] = self.random()?;
        let suffix = format!("-{:08x}", u32::from_be_bytes([a, b, c, d]));
        let room = limits::SLUG_CHARACTERS.saturating_sub(suffix.len());
        let stem: String = id.chars().take(room).collect();
        body.insert("id".to_owned(), format!("{stem}{suffix}").into());
        body.insert("state".to_owned(), STATES.first().copied().into());
        let row = read(body, self.now().timestamp_millis())?;
        self.add_connection(row)
    }

    fn add_connection(&mut self, row: ConnectionRow) -> Answer {
        if self.memory.connections.contains_key(&row.id) || self.is_name_taken(&row) {
            let detail = "a connection with this id or displayName exists";
            return Err(conflict(detail));
        }
        if self.memory.connections.len() >= limits::CONNECTIONS_PER_TENANT {
            return Err(conflict("the tenant has too many connections"));
        }
        let in_scope = self.scope_of(&row)?;
        self.allow_source(&row)?;
        connections::write(self.sql, &row)?;
        let mut event = Event::new(EventKind::ConnectionCreated, row.id.as_str())
            .with("preset", row.preset.as_str());
        if !row.compat.is_empty() {
            event = event.with("compat", row.compat.clone());
        }
        self.record(&event)?;
        let mut connection = Connection::new(row);
        connection.in_scope = in_scope;
        let response = shown(201, &connection);
        self.memory.connections.insert(connection.row.id.clone(), connection);
        Ok(response)
    }

    /// `GET …/connections`.
    pub(super) fn list_connections(&self) -> Answer {
        Ok(Response::json(200, &self.items(&self.memory.connections, is_slug, described)?))
    }

    /// `GET …/connections/{c}`.
    pub(super) fn read_connection(&self, id: &str) -> Answer {
        Ok(shown(200, self.connection(id)?))
    }

    /// `POST …/connections/{c}/activate[?dryRun=true]`, `…/disable`, `GET …/export`. A dry run changes
    /// nothing and tells what would become of users' access.
    pub(super) fn connection_action(
        &mut self,
        id: &str,
        action: ConnectionAction,
        method: Method,
    ) -> Answer {
        let state = match (action, method) {
            (ConnectionAction::Activate, Method::Post) => ACTIVE,
            (ConnectionAction::Disable, Method::Post) => DISABLED,
            (ConnectionAction::Export, Method::Get) => {
                return Ok(Response::json(200, &exported(&self.connection(id)?.row)));
            }
            _ => return Err(ProblemCode::MethodNotAllowed.into()),
        };
        let row = self.changeable(id)?;
        self.no_fields("such a request")?;
        if state == ACTIVE && self.request().query.flag("dryRun")? {
            let access = match row.activated {
                true => Value::Null,
                false => self.preview(&mut |work| {
                    let (state, row) = (state.to_owned(), row.clone());
                    work.change_connection(ConnectionRow { state, activated: true, ..row })?;
                    Ok(())
                })?,
            };
            return Ok(Response::json(200, &json!({ "dryRun": true, "access": access })));
        }
        let activated = row.activated || state == ACTIVE;
        self.change_connection(ConnectionRow { state: state.to_owned(), activated, ..row })
    }

    /// `PATCH …/connections/{c}`, RFC 7396.
    ///
    /// 1. The asking key must be of no connection: 403. It must be there, not leaving, and the version
    ///    that the client names: 404, 409, 412.
    /// 2. What cannot change must not: 422. What comes of it must be a connection: 400.
    /// 3. Its name must not be another's: 409. A way must lead to its state: 409. No mapping may
    ///    contradict its `groupSource`: 422.
    /// 4. If anything changes, it is written, with an event.
    pub(super) fn patch_connection(&mut self, id: &str) -> Answer {
        let before = self.changeable(id)?; // (1)
        let patch = self.admin_body()?;
        self.change_connection(fields::patched(&before, patch)?) // (2)
    }

    fn change_connection(&mut self, after: ConnectionRow) -> Answer {
        let known = self.connection(&after.id)?;
        let before = &known.row;
        if self.is_name_taken(&after) {
            return Err(conflict("a connection with this displayName exists")); // (3)
        }
        if !leads(&before.state, &after.state) {
            let detail = "no way leads from the connection's state to this one";
            return Err(conflict(detail)); // (3)
        }
        let in_scope = self.scope_of(&after)?;
        self.allow_source(&after)?; // (3)
        let changed = fields::changed(before, &after);
        if changed.is_empty() {
            return self.read_connection(&after.id);
        }
        let names: Vec<&String> = changed.keys().collect();
        let kind = match after.state.as_str() {
            state if state == before.state => EventKind::ConnectionUpdated,
            ACTIVE => EventKind::ConnectionActivated,
            DISABLED => EventKind::ConnectionDisabled,
            _ => EventKind::ConnectionUpdated,
        };
        let event = Event::new(kind, after.id.as_str());
        let event = event.with("changed", json!(names)).previously((changed, Vec::new()));
        let rev = before.rev.saturating_add(1);
        let connection = Connection { in_scope, ..Connection::new(ConnectionRow { rev, ..after }) };
        let decides_anew = decides_anew(known, &connection);
        connections::write(self.sql, &connection.row)?; // (4)
        self.record(&event)?;
        if decides_anew {
            self.memory.dirty.touch_everybody();
        }
        let response = shown(200, &connection);
        self.memory.connections.insert(connection.row.id.clone(), connection);
        Ok(response)
    }

    /// `DELETE …/connections/{c}?users=keep|suspend|delete`.
    ///
    /// 1. The asking key must be of no connection: 403. It must be there, not leaving unless a guard
    ///    has stopped that, and the version that the client names: 404, 409, 412.
    /// 2. The client must say what becomes of its users: 422.
    /// 3. No guard may need whom it takes along: 409.
    /// 4. Its keys are gone, and with the first step as many resources as it parts from: 204. What was
    ///    decided of all that its brake held is done before.
    /// 5. If it manages more, was stopped or waits for that, alarms go on: 202, and until then it shows how
    ///    far it has come.
    pub(super) fn delete_connection(&mut self, id: &str) -> Answer {
        self.may_change_connections()?; // (1)
        let stopped = self.connection(id)?.departure.clone().filter(|one| one.stopped.is_some());
        let row = match &stopped {
            Some(_) => self.of_its_version(id)?,
            None => self.changeable(id)?,
        };
        let users = self.request().query.value("users").unwrap_or_default().to_owned();
        let Some(fate) = Fate::of(&users) else {
            let detail = "say by `?users=keep`, `suspend` or `delete` what becomes of its users";
            return Err(Problem::new(ProblemCode::Contradictory, detail).into()); // (2)
        };
        self.guards_let_leave(id, fate)?; // (3)
        if let Some(stopped) = stopped {
            let actor = self.call.principal.actor();
            let event = Event::new(EventKind::ConnectionUpdated, id).with("users", users.as_str());
            self.record(&event.with("stopped", Value::Null))?;
            let departure = DepartureRow { users, actor, stopped: None, ..stopped };
            departure::set(self.sql, self.memory, departure)?;
            self.memory.touched = true;
            self.memory.sweeping = true;
            return self.read_connection(id).map(|shown| Response { status: 202, ..shown }); // (5)
        }
        let keys = self.memory.keys.values().filter(|key| key.connection.as_deref() == Some(id));
        let keys: Vec<String> = keys.map(|key| key.id.clone()).collect();
        let secrets: Vec<String> = self.secrets_of(id).map(|secret| secret.id.clone()).collect();
        let trusts: Vec<String> = self.trusts_of(id).map(|trust| trust.id.clone()).collect();
        departure::lock_out(self.sql, self.memory, id)?; // (4)
        forget_written(self.sql, id)?;
        self.memory.noted.deleted = Some(id.to_owned());
        let event = Event::new(EventKind::ConnectionDeleted, id).with("users", users.as_str());
        self.record(&event.with("keys", keys).with("secrets", secrets).with("trusts", trusts))?;
        let (actor, pos) = (self.call.principal.actor(), Pos::stored(0));
        let departure =
            DepartureRow { connection: row.id, users, actor, pos, done: 0, stopped: None };
        match self.memory.decides_on(id) {
            true => departure::set(self.sql, self.memory, departure)?, // (4)
            false => departure::step(self.sql, self.memory, &departure, self.call.now)?,
        }
        let Some(connection) = self.memory.connections.get(id) else {
            return Ok(Response::empty(204));
        };
        self.memory.sweeping = true; // (5)
        Ok(shown(202, connection))
    }

    /// The condition by which a connection says whom it provides with access.
    fn scope_of(&self, row: &ConnectionRow) -> Result<Option<Condition>, Failure> {
        let read = Scopes::under(&self.memory.registry).read(row);
        let malformed = |why| {
            Problem::new(ProblemCode::Malformed, format!("`inScope` is no filter of users: {why}"))
        };
        Ok(read.map_err(malformed)?)
    }

    /// Whether there is a connection, and it is not leaving.
    pub(super) fn has_connection(&self, id: &str) -> bool {
        self.memory.connections.get(id).is_some_and(|one| one.departure.is_none())
    }

    fn connection(&self, id: &str) -> Result<&Connection, Failure> {
        let connection = self.memory.connections.get(id);
        Ok(connection.ok_or_else(|| missing("there is no such connection"))?)
    }

    /// Whether the asking key may change connections: one of a connection would decide what others
    /// manage, or what it may take up itself.
    pub(super) fn may_change_connections(&self) -> Result<(), Problem> {
        permitted(self.connection.is_none(), "a key of a connection changes no connection")
    }

    /// A connection that is there, and not leaving.
    pub(super) fn staying(&self, id: &str) -> Result<&Connection, Failure> {
        let connection = self.connection(id)?;
        if connection.departure.is_some() {
            return Err(conflict("the connection is being deleted"));
        }
        Ok(connection)
    }

    /// A connection that may be changed by this request.
    fn changeable(&self, id: &str) -> Result<ConnectionRow, Failure> {
        self.may_change_connections()?;
        self.staying(id)?;
        self.of_its_version(id)
    }

    /// A connection of the version that the client names, if it names one: 412.
    fn of_its_version(&self, id: &str) -> Result<ConnectionRow, Failure> {
        let connection = self.connection(id)?;
        let etag = etag(&connection.row);
        let condition = self.request().headers.if_match.as_deref();
        if condition.is_some_and(|condition| !matches(condition, &etag)) {
            return Err(ProblemCode::PreconditionFailed.into());
        }
        Ok(connection.row.clone())
    }

    fn is_name_taken(&self, row: &ConnectionRow) -> bool {
        let mut others = self.memory.connections.values().map(|connection| &connection.row);
        others.any(|other| other.id != row.id && other.display_name == row.display_name)
    }
}

/// Whether a change of a connection decides anew on the access of users.
pub(super) fn decides_anew(before: &Connection, after: &Connection) -> bool {
    before.row.activated != after.row.activated
        || before.row.in_scope != after.row.in_scope
        || before.is_heard() != after.is_heard()
}

/// Whether a connection goes from one state to another.
fn leads(before: &str, after: &str) -> bool {
    let place = |state: &str| STATES.iter().position(|other| *other == state);
    place(before) <= place(after) || (before, after) == (DISABLED, ACTIVE)
}

fn shown(status: u16, connection: &Connection) -> Response {
    Response::json(status, &described(connection)).with("etag", etag(&connection.row))
}

fn etag(row: &ConnectionRow) -> String {
    format!("\"{}\"", row.rev)
}
