//! What would become of users' access if something were changed: asked before it is.

use serde_json::{Value, json};

use super::Settling;
use crate::limits;
use crate::policy::Policy;
use crate::scim::schema::USER;
use crate::store::{Pos, StoreError, recomputation};
use crate::tenant::memory::{Author, Memory};
use crate::tenant::work::Work;

impl Work<'_, '_> {
    /// What other policies would do to users' access.
    pub(in crate::tenant) fn preview_policy(
        &mut self,
        policy: &Policy,
    ) -> Result<Value, StoreError> {
        let mut other = policy.clone();
        self.preview(|memory| std::mem::swap(&mut memory.policy, &mut other))
    }

    /// What it would do to users' access that what a connection has said counted.
    pub(in crate::tenant) fn preview_activation(&mut self, id: &str) -> Result<Value, StoreError> {
        self.preview(|memory| {
            if let Some(connection) = memory.connections.get_mut(id) {
                connection.row.activated = !connection.row.activated;
            }
        })
    }

    /// What would be different after a change of what is in memory, which is undone by the same again.
    /// Of many users, the first are looked at.
    fn preview(&mut self, mut change: impl FnMut(&mut Memory)) -> Result<Value, StoreError> {
        change(self.memory);
        let previewed = self.previewed();
        change(self.memory);
        previewed
    }

    fn previewed(&mut self) -> Result<Value, StoreError> {
        let first = Pos::range(USER).0;
        let users = recomputation::users_after(self.sql, first, limits::ACCESS_USERS)?;
        let author = Author { actor: "", connection: None, now: self.call.now };
        let settling = Settling { sql: self.sql, memory: self.memory, author };
        let (mut changed, mut granted, mut revoked) = (0_usize, 0_usize, 0_usize);
        let mut examples = Vec::new();
        for user in &users {
            let Some(difference) = settling.difference(*user)? else { continue };
            let count =
                |name: &str| difference.get(name).and_then(Value::as_array).map_or(0, Vec::len);
            changed = changed.saturating_add(1);
            granted = granted.saturating_add(count("granted"));
            revoked = revoked.saturating_add(count("revoked"));
            if examples.len() < limits::PREVIEW_EXAMPLES {
                examples.push(difference);
            }
        }
        Ok(json!({
            "users": changed,
            "of": users.len(),
            "granted": granted,
            "revoked": revoked,
            "examples": examples,
        }))
    }
}
