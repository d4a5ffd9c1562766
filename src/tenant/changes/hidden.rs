//! Users that a connection does not see though they are there: those whose deletion by it awaits
//! approval.

use crate::policy::{Action, Hold};
use crate::scim::schema::USER;
use crate::store::changes::{self, ChangeRow};
use crate::store::hidden::{self, Veil};
use crate::store::resources::ResourceRow;
use crate::store::{Pos, Sql, StoreError};
use crate::tenant::document::Document;
use crate::tenant::memory::Memory;
use crate::tenant::work::Work;

impl Memory {
    /// Hides a user from a connection.
    pub(in crate::tenant) fn hide(
        &mut self,
        sql: &dyn Sql,
        connection: &str,
        user: Pos,
    ) -> Result<(), StoreError> {
        hidden::add(sql, connection, user)?;
        self.touched = true;
        let count = self.hidden.entry(connection.to_owned()).or_default();
        *count = count.saturating_add(1);
        Ok(())
    }

    /// Shows a user to a connection from which it may be hidden; whether it was.
    pub(in crate::tenant) fn show(
        &mut self,
        sql: &dyn Sql,
        connection: &str,
        user: Pos,
    ) -> Result<bool, StoreError> {
        if !self.is_hidden(sql, connection, user)? {
            return Ok(false);
        }
        hidden::remove(sql, connection, user)?;
        self.touched = true;
        if let Some(count) = self.hidden.get_mut(connection) {
            *count = count.saturating_sub(1);
        }
        Ok(true)
    }

    /// Shows a user to all connections.
    pub(super) fn show_to_all(&mut self, sql: &dyn Sql, user: Pos) -> Result<(), StoreError> {
        let connections: Vec<String> = self.hidden.keys().cloned().collect();
        for connection in connections {
            self.show(sql, &connection, user)?;
        }
        Ok(())
    }

    fn is_hidden(&self, sql: &dyn Sql, connection: &str, user: Pos) -> Result<bool, StoreError> {
        let any = self.hidden.get(connection).is_some_and(|count| *count > 0);
        Ok(any && !hidden::among(sql, connection, &[user])?.is_empty())
    }
}

impl<'a> Work<'a, '_> {
    /// How many resources of a type the client does not see.
    pub(in crate::tenant) fn hidden_count(&self, number: u8) -> i64 {
        let connection = self.connection.as_deref().filter(|_| number == USER);
        connection.and_then(|id| self.memory.hidden.get(id)).copied().unwrap_or(0)
    }

    /// What of a type's resources the client does not see; of almost all, nothing has to be asked.
    pub(in crate::tenant) fn veil(&self, number: u8) -> Veil<'_> {
        match self.connection.as_deref() {
            Some(connection) if self.hidden_count(number) > 0 => Veil::of(connection),
            _ => Veil::default(),
        }
    }

    /// Whether a resource is hidden from the client.
    pub(in crate::tenant) fn hides(&self, pos: Pos) -> Result<bool, StoreError> {
        match self.connection.as_deref().filter(|_| pos.type_number() == USER) {
            Some(connection) => self.memory.is_hidden(self.sql, connection, pos),
            None => Ok(false),
        }
    }

    /// Those of some resources of a type that are not hidden from the client.
    pub(in crate::tenant) fn unhidden(
        &self,
        number: u8,
        mut found: Vec<Pos>,
    ) -> Result<Vec<Pos>, StoreError> {
        if let Some(connection) = self.connection.as_deref()
            && self.hidden_count(number) > 0
        {
            let hidden = hidden::among(self.sql, connection, &found)?;
            found.retain(|pos| !hidden.contains(pos));
        }
        Ok(found)
    }

    /// The same of those whom a client names as members; who is hidden is nobody.
    pub(in crate::tenant) fn not_hidden(
        &self,
        named: Vec<Option<Pos>>,
    ) -> Result<Vec<Option<Pos>>, StoreError> {
        if self.hidden_count(USER) == 0 {
            return Ok(named);
        }
        let found = self.unhidden(USER, named.iter().flatten().copied().collect())?;
        Ok(named.into_iter().map(|pos| pos.filter(|pos| found.contains(pos))).collect())
    }

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
            self.memory.dirty.touch(row.pos);
        }
        Ok(is_held)
    }

    /// Takes back the connection's deletion of a user that it makes again; whether there was one.
    pub(in crate::tenant) fn takes_deletion_back(
        &mut self,
        row: &ResourceRow,
    ) -> Result<bool, StoreError> {
        let Some(connection) = self.connection.clone() else { return Ok(false) };
        if !self.hides(row.pos)? {
            return Ok(false);
        }
        let id = Document::decode(&row.doc)?.id;
        let held = self.memory.change_held(self.sql, &id)?;
        let Some(held) = held.filter(|row| super::hold_of(row).actions.has(Action::Delete)) else {
            return Ok(false);
        };
        self.memory.show(self.sql, &connection, row.pos)?;
        let rest = super::hold_of(&held).actions.without(Action::Delete);
        self.memory.dirty.touch(row.pos);
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
