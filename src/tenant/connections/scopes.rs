//! The conditions by which connections say whom they provide with access.

use std::cell::OnceCell;

use crate::policy::{Condition, Vocabulary};
use crate::scim::schema::{Fault, Registry};
use crate::store::StoreError;
use crate::store::connections::ConnectionRow;
use crate::tenant::memory::Memory;
use crate::tenant::work::Work;

/// What conditions are read by; made once, where there is one to be read.
pub(in crate::tenant) struct Scopes<'r> {
    registry: &'r Registry,
    vocabulary: OnceCell<Vocabulary>,
}

impl<'r> Scopes<'r> {
    /// Those under a tenant's schemas.
    pub(in crate::tenant) const fn under(registry: &'r Registry) -> Self {
        Self { registry, vocabulary: OnceCell::new() }
    }

    /// The condition of a connection, if it has one.
    ///
    /// # Errors
    /// Why it is none.
    pub(in crate::tenant) fn read(&self, row: &ConnectionRow) -> Result<Option<Condition>, String> {
        let Some(filter) = &row.in_scope else { return Ok(None) };
        self.vocabulary.get_or_init(|| Vocabulary::of(self.registry)).read(filter, true).map(Some)
    }
}

impl Memory {
    /// Reads the conditions of all connections under the schemas that the tenant has now.
    pub(in crate::tenant) fn bind_scopes(&mut self) -> Result<(), StoreError> {
        let scopes = Scopes::under(&self.registry);
        for connection in self.connections.values_mut() {
            let scope = scopes.read(&connection.row);
            connection.in_scope = scope.map_err(|why| StoreError::new(format!("a scope {why}")))?;
        }
        Ok(())
    }
}

impl Work<'_, '_> {
    /// The connections whose conditions are none under other schemas, but for those that change with
    /// them.
    pub(in crate::tenant) fn contradicted_scopes(
        &self,
        registry: &Registry,
        changed: &[ConnectionRow],
    ) -> Vec<Fault> {
        let scopes = Scopes::under(registry);
        let rows = self.memory.connections.values().map(|connection| &connection.row);
        let stays = |row: &&ConnectionRow| changed.iter().all(|other| other.id != row.id);
        let fault = |row: &ConnectionRow| {
            let at = Fault::within("/connections", &row.id, "").path;
            scopes.read(row).err().map(|why| Fault::new("/inScope", why).below(&at))
        };
        rows.filter(stays).filter_map(fault).collect()
    }
}
