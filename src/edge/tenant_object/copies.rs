//! Copies of a tenant's users and groups, for the edge: one step at a time.

use super::Object;
use crate::edge::deployment::Deployment;
use crate::edge::{directory, now};
use crate::policy::Copying;
use crate::store::StoreError;
use crate::tenant::Batch;

impl Object {
    /// Whether a tenant's users can be copied.
    pub(super) fn copying(&self, confined: bool) -> Copying {
        match self.directory {
            _ if confined => Copying::Confined,
            false => Copying::Unbound,
            true => Copying::Possible,
        }
    }

    /// Does a step of copying, if one is due. What goes wrong, the log is told; it is tried again later.
    pub(super) async fn copy(&self) {
        if let Err(cause) = self.copied().await {
            self.complain_of("copies", cause);
        }
    }

    async fn copied(&self) -> Result<(), String> {
        let told = |error: StoreError| error.to_string();
        let Some(batch) = self.next_copies()? else { return Ok(()) };
        let written = directory::write(self.env.directory(), &batch).await;
        let failed = written.is_err();
        self.tenant.borrow_mut().copied(&self.sql, now(), &batch, failed).map_err(told)?;
        written
    }

    fn next_copies(&self) -> Result<Option<Batch>, String> {
        let mut tenant = self.tenant.borrow_mut();
        let deployment = Deployment::of(&self.env);
        let (Ok(gate), Some(slug)) = (deployment.gate(), &self.slug) else {
            tenant.pause_copies(now());
            return Err("copies want secrets, and an object with a name".to_owned());
        };
        let next = tenant.copies(&self.sql, now(), &gate.key_ring, slug);
        next.map_err(|error| error.to_string())
    }
}
