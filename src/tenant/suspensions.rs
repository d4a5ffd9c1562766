//! Users whose access is suspended by hand. The SCIM record is what the identity provider said, and has
//! nothing of it.

use serde_json::json;

use super::decisions::decide;
use super::memory::Author;
use super::work::{Answer, Work};
use crate::http::{AccessAction, Problem, ProblemCode, Response};
use crate::scim::schema::USER;
use crate::store::resources::{self, ResourceRow};
use crate::store::suspensions::{self, Cause};

impl Work<'_, '_> {
    /// `POST …/users/{id}/suspend` and `…/restore`.
    ///
    /// 1. There must be such a user: 404.
    /// 2. A key of a connection decides of those alone whom the connection manages: 403.
    /// 3. If anything changes, it is written, with an event: 200.
    pub(super) fn decide_access(&mut self, id: &str, action: AccessAction) -> Answer {
        let user = resources::by_id(self.sql, id)?.filter(|row| row.pos.type_number() == USER);
        let user = user.ok_or_else(|| Problem::from(ProblemCode::NotFound))?; // (1)
        self.may_decide_of(&user)?; // (2)
        let suspended = action == AccessAction::Suspend;
        let wanted = suspended.then_some(Cause::Hand);
        if suspensions::of(self.sql, id)? != wanted {
            let (actor, connection) = (self.call.principal.actor(), self.connection.as_deref());
            let author = Author { actor: &actor, connection, now: self.call.now };
            decide(self.sql, self.memory, (user.pos, id), suspended, author)?; // (3)
        }
        Ok(Response::json(200, &json!({ "id": id, "suspended": suspended })))
    }

    /// That a key of a connection decides of that connection's users alone: 403.
    pub(super) fn may_decide_of(&self, user: &ResourceRow) -> Result<(), Problem> {
        if self.connection.is_none() || user.manager == self.connection {
            return Ok(());
        }
        let detail = "the key's connection does not manage this user";
        Err(Problem::new(ProblemCode::InsufficientScope, detail))
    }
}
