//! Users that a connection does not see though they are there: those whose deletion by it awaits
//! approval.

use crate::policy::{Action, Hold};
use crate::scim::schema::USER;
use crate::store::StoreError;
use crate::store::changes::{self, ChangeRow};
use crate::store::resources::ResourceRow;
use crate::tenant::document::Document;
use crate::tenant::work::Work;

impl Work<'_, '_> {
    /// Holds the deletion of a user, where it awaits approval: the user is there, and the connection
    /// does not see it any more. Whether it is held; else a guard may refuse it.
    pub(in crate::tenant) fn holds_deletion(
        &mut self,
        row: &ResourceRow,
        document: &Document,
    ) -> Result<bool, StoreError> {
        if row.pos.type_number() != USER {
            return Ok(false);
        }
        self.memory.dirty.intend(&document.id, Action::Delete);
        let Some(connection) = self.connection.clone() else { return Ok(false) };
        let Hold { actions, .. } = self.review(row.pos, &document.id, &[Action::Delete])?;
        let is_held = actions.has(Action::Delete);
        if is_held {
            self.memory.hide(self.sql, &connection, row.pos)?;
            self.memory.dirty.touch_untold(row.pos);
        }
        Ok(is_held)
    }

    /// Takes back the connection's deletion of a user that it makes again; whether there was one.
    pub(in crate::tenant) fn takes_deletion_back(
        &mut self,
        row: &ResourceRow,
    ) -> Result<bool, StoreError> {
        let Some(connection) = self.connection.clone() else { return Ok(false) };
        if !self.hides(row.pos) {
            return Ok(false);
        }
        let id = Document::decode(&row.doc)?.id;
        let held = self.memory.change_held(self.sql, &id)?;
        let Some(held) = held.filter(|row| super::hold_of(row).actions.has(Action::Delete)) else {
            return Ok(false);
        };
        self.memory.unhide(self.sql, &connection, row.pos)?;
        let rest = super::hold_of(&held).actions.without(Action::Delete);
        self.memory.dirty.touch_untold(row.pos);
        match rest.first() {
            None => self.deciding(|settling| settling.superseded(&held))?,
            Some(action) => changes::put(
                self.sql,
                &ChangeRow { action: action.name().to_owned(), actions: rest.bits(), ..held },
            )?,
        }
        Ok(true)
    }
}
