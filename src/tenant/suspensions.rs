//! Users whose access is suspended by hand. The SCIM record is what the identity provider said, and has
//! nothing of it.

use serde_json::json;

use super::work::{Answer, Work, permitted};
use crate::http::{AccessAction, Problem, Response};
use crate::store::resources::ResourceRow;
use crate::store::suspensions::{self, Cause};

impl Work<'_, '_> {
    /// `POST …/users/{id}/suspend` and `…/restore`.
    ///
    /// 1. The body has no fields: 400. There must be such a user: 404.
    /// 2. A key of a connection decides of those alone whom the connection manages: 403.
    /// 3. If anything changes, it is written, with an event: 200.
    pub(super) fn decide_access(&mut self, id: &str, action: AccessAction) -> Answer {
        self.no_fields("such a decision")?; // (1)
        let user = self.user(id)?; // (1)
        self.may_decide_of(&user)?; // (2)
        let suspended = action == AccessAction::Suspend;
        let wanted = suspended.then_some(Cause::Hand);
        if suspensions::of(self.sql, id)? != wanted {
            self.deciding(|settling| settling.decide(user.pos, id, suspended))?; // (3)
        }
        Ok(Response::json(200, &json!({ "id": id, "suspended": suspended })))
    }

    /// That a key of a connection decides of that connection's users alone: 403.
    pub(super) fn may_decide_of(&self, user: &ResourceRow) -> Result<(), Problem> {
        let may = self.connection.is_none() || user.manager == self.connection;
        permitted(may, "the key's connection does not manage this user")
    }
}
