//! What touches more users than a request can see to: done by alarm, in bounded steps.

use super::{Dirty, Settling};
use crate::limits;
use crate::scim::schema::USER;
use crate::store::recomputation::{self, RecomputationRow};
use crate::store::{Pos, Sql, StoreError};
use crate::tenant::memory::{Author, Memory};
use chrono::{DateTime, Utc};

impl Settling<'_> {
    /// Begins to compute the access of all users anew, from the first. What was begun before is part
    /// of it.
    pub(super) fn begin(&mut self, dirty: &Dirty) -> Result<(), StoreError> {
        for (user, held) in dirty.all_triggered() {
            self.recompute(user, held, false)?;
        }
        let row = RecomputationRow {
            after: Pos::range(USER).0,
            done: 0,
            actor: self.author.actor.to_owned(),
            connection: self.whose(dirty),
        };
        recomputation::write(self.sql, &row)?;
        self.memory.renew_copies(self.sql)?;
        self.memory.touched = true;
        self.memory.sweeping = true;
        self.memory.recomputation = Some(row);
        Ok(())
    }

    /// The connection whose doing the computation is. Where it has one already, what that did is not
    /// seen yet.
    fn whose(&self, dirty: &Dirty) -> Option<String> {
        let own = self.author.connection.filter(|_| !dirty.everybody).map(str::to_owned);
        let begun = self.memory.recomputation.as_ref().and_then(|row| row.connection.clone());
        own.or(begun)
    }
}

/// Does one step, if there is one to do.
pub(in crate::tenant) fn step(
    sql: &dyn Sql,
    memory: &mut Memory,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(row) = memory.recomputation.clone() else { return Ok(()) };
    if !memory.decides_on_access() {
        memory.recomputation = None;
        return recomputation::end(sql);
    }
    let users = recomputation::users_after(sql, row.after, limits::ACCESS_STEP)?;
    let author = Author { actor: &row.actor, connection: row.connection.as_deref(), now };
    let mut settling = Settling { sql, memory, author };
    settling.recompute_in_turn(&users, row.after)?;
    settling.write_joins()?;
    memory.dirty = Dirty::default(); // Which weighs roles, for guards.
    let done = i64::try_from(users.len()).unwrap_or(i64::MAX);
    memory.recomputation = match users.last() {
        Some(last) if users.len() >= limits::ACCESS_STEP => {
            let further = RecomputationRow {
                after: *last,
                done: row.done.saturating_add(done),
                ..row.clone()
            };
            recomputation::write(sql, &further)?;
            Some(further)
        }
        _ => {
            recomputation::end(sql)?;
            None
        }
    };
    Ok(())
}
