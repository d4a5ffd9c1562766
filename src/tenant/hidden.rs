//! Users whom a connection does not see, though they are there: to it they are 404, and in none of its
//! lists and filters, nor among members. Where nobody is hidden, nothing is looked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::memory::Memory;
use super::work::Work;
use crate::store::hidden::{self, Veil};
use crate::store::{Pos, Sql, StoreError};

/// Those users, by connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Hidden(BTreeMap<String, Arc<BTreeSet<Pos>>>);

impl Hidden {
    pub(super) fn load(sql: &dyn Sql) -> Result<Self, StoreError> {
        let mut all = Self::default();
        for (connection, user) in hidden::all(sql)? {
            all.insert(&connection, user);
        }
        Ok(all)
    }

    /// Those whom a connection does not see, if there are any.
    pub(super) fn of(&self, connection: &str) -> Option<&BTreeSet<Pos>> {
        self.0.get(connection).map(Arc::as_ref).filter(|users| !users.is_empty())
    }

    /// The connections that do not see a user.
    fn from(&self, user: Pos) -> Vec<String> {
        let of_user = self.0.iter().filter(|(_, users)| users.contains(&user));
        of_user.map(|(connection, _)| connection.clone()).collect()
    }

    /// Whether some connection does not see a user.
    pub(super) fn has(&self, user: Pos) -> bool {
        self.0.values().any(|users| users.contains(&user))
    }

    fn insert(&mut self, connection: &str, user: Pos) {
        let users = self.0.entry(connection.to_owned()).or_default();
        Arc::make_mut(users).insert(user);
    }
}

impl Memory {
    /// Hides a user from a connection.
    pub(super) fn hide(
        &mut self,
        sql: &dyn Sql,
        connection: &str,
        user: Pos,
    ) -> Result<(), StoreError> {
        self.touched = true;
        self.hidden.insert(connection, user);
        hidden::add(sql, connection, user)
    }

    /// Shows a user to a connection again; whether it was hidden.
    pub(super) fn unhide(
        &mut self,
        sql: &dyn Sql,
        connection: &str,
        user: Pos,
    ) -> Result<bool, StoreError> {
        let Some(users) = self.hidden.0.get_mut(connection).filter(|users| users.contains(&user))
        else {
            return Ok(false);
        };
        self.touched = true;
        Arc::make_mut(users).remove(&user);
        hidden::remove(sql, connection, user)?;
        Ok(true)
    }

    /// Forgets a user who is there no more.
    pub(super) fn forget_hidden(&mut self, sql: &dyn Sql, user: Pos) -> Result<(), StoreError> {
        for connection in self.hidden.from(user) {
            self.unhide(sql, &connection, user)?;
        }
        Ok(())
    }

    /// Forgets whom a connection does not see that is there no more.
    pub(super) fn unhide_all(&mut self, sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
        let Some(users) = self.hidden.0.remove(connection) else { return Ok(()) };
        self.touched = true;
        users.iter().for_each(|user| self.dirty.touch_untold(*user));
        hidden::remove_of(sql, connection)
    }
}

impl Work<'_, '_> {
    /// Those whom the client does not see, if there are any.
    pub(super) fn hidden(&self) -> Option<&BTreeSet<Pos>> {
        self.memory.hidden.of(self.connection.as_deref()?)
    }

    /// Whether the client does not see a resource that is there.
    pub(super) fn hides(&self, pos: Pos) -> bool {
        self.hidden().is_some_and(|users| users.contains(&pos))
    }

    /// The resources of a type that the client does not see.
    fn hidden_of(&self, number: u8) -> impl Iterator<Item = &Pos> {
        let (low, high) = Pos::range(number);
        self.hidden().into_iter().flat_map(move |users| users.range(low..high))
    }

    /// How many of a type the client sees.
    pub(super) fn count_seen(&self, number: u8) -> i64 {
        let hidden = i64::try_from(self.hidden_of(number).count()).unwrap_or(i64::MAX);
        self.memory.count(number).live.saturating_sub(hidden)
    }

    /// What of a type's resources the client does not see; of almost all, nothing has to be asked.
    pub(super) fn veil(&self, number: u8) -> Veil<'_> {
        match self.connection.as_deref() {
            Some(connection) if self.hidden_of(number).next().is_some() => Veil::of(connection),
            _ => Veil::default(),
        }
    }
}
