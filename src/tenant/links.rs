//! Users linked with a connection, and unlinked from one, by hand.
//!
//! Who is unlinked is nobody's: the connection does not see the user any more, and access has the status
//! `unknown` until somebody links the user again, or another connection takes it up. Record, grants
//! and memberships stay, so that all is as before when the same link is made again.

use serde_json::{Map, Value, json};

use super::drift;
use super::work::{Answer, Failure, Work, conflict, only_fields, permitted};
use crate::event::{Event, EventKind, Verb};
use crate::http::{Problem, ProblemCode, Response};
use crate::limits;
use crate::scim::schema::USER;
use crate::store::resources::{self, ResourceRow};

impl Work<'_, '_> {
    /// `POST …/users/{id}/link {"connection","externalId"?}`.
    ///
    /// 1. It must be said with what, by a key without a connection: 400, 403.
    /// 2. There must be such a user and such a connection: 404, 422.
    /// 3. No other connection may manage the user, nor the connection another user of that id: 409.
    /// 4. If anything changes, it is written, with an event: 200.
    pub(super) fn link_user(&mut self, id: &str) -> Answer {
        let body = self.admin_body()?;
        only_fields(&body, &[CONNECTION, EXTERNAL_ID], "a link")?; // (1)
        let external_id = match body.get(EXTERNAL_ID) {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) if (1..=limits::LOOKUP_BYTES).contains(&id.len()) => {
                Some(id.as_str())
            }
            Some(_) => {
                let detail =
                    format!("`externalId` is no text of 1 to {} bytes", limits::LOOKUP_BYTES);
                return Err(Problem::new(ProblemCode::Malformed, detail).into());
            }
        };
        let (row, connection) = self.parties(id, &body)?; // (1), (2)
        if row.manager.as_ref().is_some_and(|manager| *manager != connection) {
            return Err(conflict("another connection manages this user")); // (3)
        }
        self.link(row, &connection, external_id)?; // (3), (4)
        Ok(linked(id, &connection, true))
    }

    /// `POST …/users/{id}/unlink {"connection"}`.
    ///
    /// 1. and 2. as above.
    /// 3. The connection must manage the user, unless that was unlinked from it before: 409.
    /// 4. If anything changes, it is written, with an event: 200.
    pub(super) fn unlink_user(&mut self, id: &str) -> Answer {
        let body = self.admin_body()?;
        only_fields(&body, &[CONNECTION], "a link")?; // (1)
        let (row, connection) = self.parties(id, &body)?; // (1), (2)
        if row.manager.as_ref() == Some(&connection) {
            self.deciding(|settling| settling.ends_deletion(id))?;
            self.deciding(|settling| settling.ends_refusals(id, Some(&connection)))?;
            resources::set_manager(self.sql, row.pos, None)?;
            drift::forget(self.sql, self.memory, row.pos)?;
            self.memory.hide(self.sql, &connection, row.pos)?;
            let kind = EventKind::Resource(USER, Verb::Unlinked);
            self.record_about(&Event::new(kind, id), Some(&connection))?; // (4)
            self.memory.dirty.touch(row.pos);
        } else if !self.memory.hidden.of(&connection).is_some_and(|all| all.contains(&row.pos)) {
            return Err(conflict("the connection does not manage this user")); // (3)
        }
        Ok(linked(id, &connection, false))
    }

    /// The user and the connection that a request is about.
    fn parties(
        &self,
        id: &str,
        body: &Map<String, Value>,
    ) -> Result<(ResourceRow, String), Failure> {
        self.may_link()?;
        let Some(connection) = body.get(CONNECTION).and_then(Value::as_str) else {
            return Err(Problem::new(ProblemCode::Malformed, "`connection` is no text").into());
        };
        let user = self.user(id)?;
        if !self.has_connection(connection) {
            return Err(
                Problem::new(ProblemCode::Contradictory, "there is no such connection").into()
            );
        }
        Ok((user, connection.to_owned()))
    }

    /// That a key is bound to no connection, so that none decides whom it manages: 403.
    pub(super) fn may_link(&self) -> Result<(), Problem> {
        permitted(self.connection.is_none(), "the key of a connection decides about no links")
    }
}

fn linked(id: &str, connection: &str, linked: bool) -> Response {
    Response::json(200, &json!({ "id": id, "connection": connection, "linked": linked }))
}

const CONNECTION: &str = "connection";
const EXTERNAL_ID: &str = "externalId";
