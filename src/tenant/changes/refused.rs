//! What a guard has refused: the request leaves nothing, and somebody may let it happen later.
//!
//! Only what is about one user is kept so, a deactivation or a deletion: what an edit of a group or of
//! mappings would have done to many is refused and forgotten, and so are other changes of a user.

use serde_json::json;

use super::Cause;
use crate::event::EventKind;
use crate::http::Route;
use crate::policy::{Action, Guard};
use crate::scim::resource::Resource;
use crate::store::changes::{self, ChangeRow, GUARD};
use crate::store::{StoreError, transacted};
use crate::tenant::access::Settling;
use crate::tenant::document::Document;
use crate::tenant::memory::Checkpoint;
use crate::tenant::work::Work;

/// What was refused.
#[derive(Clone, Debug)]
pub(in crate::tenant) struct Refused {
    pub(in crate::tenant) user: String,
    pub(in crate::tenant) action: Action,
    pub(in crate::tenant) guard: Guard,
}

impl Settling<'_> {
    /// Notes what a guard has refused; once, however often it is asked for.
    fn refuse(&mut self, Refused { user, action, guard }: &Refused) -> Result<(), StoreError> {
        let rows = changes::of_user(self.sql, user)?;
        if rows.iter().any(|row| row.cause == GUARD && row.action == action.name()) {
            return Ok(());
        }
        let cause: Cause = (GUARD, json!({ "guard": { "role": guard.role, "min": guard.min } }));
        let row = self.new_row(user, action.name(), cause, "[]".to_owned());
        changes::put(self.sql, &row)?;
        self.memory.any_changes = true;
        self.tell(EventKind::ChangePending, &row, json!({}))
    }

    /// Forgets that a deactivation was refused, which now is done.
    pub(super) fn no_more_refused(&mut self, user: &str) -> Result<(), StoreError> {
        self.forget_refused(user, |row| row.action == Action::Deactivate.name())
    }

    /// Forgets what was refused to a connection of a user, or to those who have none: it is as if it had
    /// not been asked for.
    pub(in crate::tenant) fn ends_refusals(
        &mut self,
        user: &str,
        connection: Option<&str>,
    ) -> Result<(), StoreError> {
        self.forget_refused(user, |row| row.connection.as_deref() == connection)
    }

    fn forget_refused(
        &mut self,
        user: &str,
        is_meant: impl Fn(&ChangeRow) -> bool,
    ) -> Result<(), StoreError> {
        if !self.memory.any_changes {
            return Ok(());
        }
        let mut rows = changes::of_user(self.sql, user)?;
        rows.retain(|row| row.cause == GUARD && is_meant(row));
        rows.iter().try_for_each(|row| self.superseded(row))
    }
}

impl Work<'_, '_> {
    /// Forgets what was refused to the client of a user whom it now says to be there and active.
    pub(in crate::tenant) fn takes_refusals_back(
        &mut self,
        user: &Document,
        after: &Resource,
    ) -> Result<(), StoreError> {
        if !self.memory.any_changes || !after.is_active() {
            return Ok(());
        }
        let connection = self.connection.clone();
        self.deciding(|settling| settling.ends_refusals(&user.id, connection.as_deref()))
    }

    /// What the state in memory must be again where a guard refuses the request. Nothing is noted where
    /// somebody decides on a change, which is refused by itself.
    pub(in crate::tenant) fn before_refusal(&self) -> Option<Checkpoint> {
        let is_scim = matches!(self.request().route, Route::Scim { .. });
        let is_guarded = is_scim && !self.memory.policy.guards.is_empty();
        is_guarded.then(|| self.memory.checkpoint())
    }

    /// Notes what a guard has refused, if it was that, once what the request did is undone.
    pub(in crate::tenant) fn note_refused(
        &mut self,
        before: Option<Checkpoint>,
    ) -> Result<(), StoreError> {
        let Some((refused, before)) = self.memory.refused.take().zip(before) else {
            return Ok(());
        };
        self.memory.restore(before);
        let sql = self.sql;
        transacted(sql, || self.deciding(|settling| settling.refuse(&refused)), Result::is_ok)?
    }
}
