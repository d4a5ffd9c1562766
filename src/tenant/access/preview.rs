//! What would become of users' access if something were changed. It is changed, what follows is computed,
//! and all of that is undone: so quotas and guards say what they would say then.

use serde_json::{Value, json};

use super::shown::withheld_to_json;
use super::{Computed, Settling, Unsettled, to_json};
use crate::limits;
use crate::policy::{Held, Reason};
use crate::scim::schema::USER;
use crate::store::{Pos, StoreError, recomputation, transacted};
use crate::tenant::memory::{Author, Memory};
use crate::tenant::work::{Failure, Work};

/// What is told of a user's access before a change and after it.
struct Seen {
    id: String,
    status: &'static str,
    held: Vec<Held>,
    /// What quotas withhold.
    beyond: Vec<(Held, Reason)>,
}

impl Work<'_, '_> {
    /// What a change that decides on access anew would do to it, in words of a dry run.
    ///
    /// # Errors
    /// Those of the change; that a guard would refuse it is told instead.
    pub(in crate::tenant) fn preview(
        &mut self,
        change: &mut dyn FnMut(&mut Self) -> Result<(), Failure>,
    ) -> Result<Value, Failure> {
        let (sql, noted) = (self.sql, std::mem::take(&mut self.memory.noted));
        let previewed = transacted(sql, || self.previewed(change), |_| false)?;
        *self.memory = Memory { noted, ..Memory::load(sql)? };
        self.memory.compare_names(self.call.key_ring, self.tenant());
        previewed
    }

    fn previewed(
        &mut self,
        change: &mut dyn FnMut(&mut Self) -> Result<(), Failure>,
    ) -> Result<Value, Failure> {
        let first = Pos::range(USER).0;
        let users = recomputation::users_after(self.sql, first, limits::ACCESS_USERS)?;
        let before = self.previewing(|settling| settling.seen(&users))?;
        change(self)?;
        let (after, refused) = self.previewing(|settling| {
            let refused = match settling.settle() {
                Ok(()) => None,
                Err(Unsettled::Guard(guard)) => Some(guard.demand()),
                Err(Unsettled::Store(error)) => return Err(error),
            };
            if settling.memory.recomputation.is_some() {
                // As alarms would, beginning with the first.
                settling.recompute_in_turn(&users, first)?;
            }
            Ok((settling.seen(&users)?, refused))
        })?;
        let mut told = told(&before, &after);
        let is_partial = self.memory.count(USER).live > i64::try_from(users.len()).unwrap_or(0);
        let more = [
            is_partial.then(|| ("partial".to_owned(), true.into())),
            refused.map(|words| ("refused".to_owned(), words.into())),
        ];
        if let Some(fields) = told.as_object_mut() {
            fields.extend(more.into_iter().flatten());
        }
        Ok(told)
    }

    fn previewing<T>(
        &mut self,
        work: impl FnOnce(&mut Settling<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let actor = self.call.principal.actor();
        let author = Author { actor: &actor, connection: None, now: self.call.now };
        work(&mut Settling { sql: self.sql, memory: self.memory, author })
    }
}

impl Settling<'_> {
    fn seen(&self, users: &[Pos]) -> Result<Vec<Seen>, StoreError> {
        let mut seen = Vec::new();
        for user in users {
            let Some(Computed { known, access }) = self.compute(*user, &[])? else { continue };
            let held = known.held();
            let access = access.as_decided(&self.memory.policy.access.roles, &held);
            let status = access.status().name();
            let withheld = access.withheld.into_iter();
            let beyond = withheld.filter(|(_, reason)| *reason == Reason::Quota).collect();
            seen.push(Seen { id: known.id, status, held, beyond });
        }
        Ok(seen)
    }
}

/// What is different of the same users: how much, and of the first of them what.
fn told(before: &[Seen], after: &[Seen]) -> Value {
    let (mut users, mut counts) = (0_usize, [0_usize; 3]);
    let mut examples = Vec::new();
    for (before, after) in before.iter().zip(after) {
        let granted = without(&after.held, &before.held);
        let revoked = without(&before.held, &after.held);
        let withheld = without(&after.beyond, &before.beyond);
        let found = [granted.len(), revoked.len(), withheld.len()];
        if found == [0; 3] {
            continue;
        }
        users = users.saturating_add(1);
        for (count, more) in counts.iter_mut().zip(found) {
            *count = count.saturating_add(more);
        }
        if examples.len() < limits::PREVIEW_EXAMPLES {
            examples.push(json!({
                "id": after.id,
                "status": after.status,
                "granted": granted.into_iter().map(to_json).collect::<Value>(),
                "revoked": revoked.into_iter().map(to_json).collect::<Value>(),
                "withheld": withheld.into_iter().map(withheld_to_json).collect::<Value>(),
            }));
        }
    }
    let [granted, revoked, withheld] = counts;
    json!({
        "users": users,
        "of": after.len(),
        "granted": granted,
        "revoked": revoked,
        "withheld": withheld,
        "examples": examples,
    })
}

/// Those that are none of the others.
fn without<'a, T: PartialEq>(all: &'a [T], others: &[T]) -> Vec<&'a T> {
    all.iter().filter(|one| !others.contains(one)).collect()
}
