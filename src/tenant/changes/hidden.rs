//! Users that a connection does not see though they are there: those whose deletion by it awaits
//! approval.

use crate::policy::{Action, Hold};
use crate::scim::schema::USER;
use crate::store::resources::ResourceRow;
use crate::store::{Pos, StoreError};
use crate::tenant::document::Document;
use crate::tenant::work::{Failure, Work};

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
    ) -> Result<bool, Failure> {
        let Some(connection) = self.connection.clone().filter(|_| self.hides(row.pos)) else {
            return Ok(false);
        };
        let id = Document::decode(&row.doc)?.id;
        if !self.deciding(|settling| settling.ends_deletion(&id))? {
            return Ok(false);
        }
        self.memory.dirty.touch_untold(row.pos);
        self.show_again(&connection, row.pos, &id)?;
        Ok(true)
    }

    /// Shows a user to a connection again. As a member, it may have been named while it was not seen.
    pub(in crate::tenant) fn show_again(
        &mut self,
        connection: &str,
        pos: Pos,
        id: &str,
    ) -> Result<(), Failure> {
        if self.memory.unhide(self.sql, connection, pos)? {
            let named_by = self.named_by(self.schema_of(USER)?, Some(id), &[])?;
            self.bind(pos, id, named_by)?;
        }
        Ok(())
    }
}
