//! Copies for the edge: the access of users and what groups are, in KV, so that an application far away
//! asks no object.
//!
//! A tenant that opts in follows its own log. After the commit, an alarm asks here what is due: what
//! events name, what has changed and none names, and, step by step, everything where all is to be copied
//! or removed. `edge` writes that to KV, name by name in the order in which it became due, and says
//! whether it is done; only then does the place in the log move. What KV may hold is noted before it is
//! written, so that nothing there outlives what it is a copy of.

mod plan;

use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{DateTime, Utc};

use self::plan::Plan;
use super::memory::Memory;
use super::work::Work;
use super::{Tenant, wake};
use crate::auth::KeyRing;
use crate::limits;
use crate::registry::Slug;
use crate::scim::schema::{GROUP, USER};
use crate::store::copies::{self, CopyRow, DirectoryRow};
use crate::store::followers::{self, FollowerRow};
use crate::store::{self, Pos, Sql, StoreError};

/// What the copies' place in the log is kept under.
pub(super) const FOLLOWER: &str = "directory";
/// What becomes of copies: they are made; they are removed; they are, and then all else is.
const ON: &str = "on";
const OFF: &str = "off";
const ERASING: &str = "erasing";

/// What is known of a tenant's copies while the object is awake.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    row: DirectoryRow,
    follower: FollowerRow,
    /// How many passes over all have begun while the object is awake.
    passes: u64,
    /// Whether something has changed that no event names.
    touched: bool,
    /// Whether another secret gives names than gave them.
    renamed: bool,
    /// Whether the last copy is gone of a tenant that is deleted.
    erased: bool,
}

/// What is due.
#[derive(Debug)]
pub struct Batch {
    operations: BTreeMap<String, Option<Rc<str>>>,
    done: Done,
}

/// What is noted once it is done.
#[derive(Debug)]
struct Done {
    state: String,
    after: i64,
    /// How many passes had begun.
    passes: u64,
    /// Up to which number what no event names has been copied.
    touched: Option<i64>,
    /// From where to where the pass over all has come; nowhere at its end.
    pass: Option<(Pos, Option<Pos>)>,
    /// Which copies there are now.
    rows: Vec<(String, Option<CopyRow>)>,
    /// Whether more is due.
    more: bool,
}

impl Batch {
    /// The names in KV, each with the value that it is to have, or with none.
    pub fn operations(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.operations.iter().map(|(name, value)| (name.as_str(), value.as_deref()))
    }
}

impl Directory {
    /// What rows tell, if there are copies.
    pub(super) fn load(sql: &dyn Sql) -> Result<Option<Self>, StoreError> {
        let Some(row) = copies::directory(sql)? else { return Ok(None) };
        let follower = followers::read(sql, FOLLOWER)?.unwrap_or_default();
        let touched = !copies::touched(sql, 1)?.is_empty();
        let (renamed, erased) = (false, false);
        Ok(Some(Self { row, follower, passes: 0, touched, renamed, erased }))
    }
}

impl Memory {
    /// Whether the tenant is being deleted.
    pub(super) fn is_erasing(&self) -> bool {
        self.directory.as_ref().is_some_and(|directory| directory.row.state == ERASING)
    }

    /// Has a resource copied that has changed, and that no event names.
    pub(super) fn touch_copy(&mut self, sql: &dyn Sql, pos: Pos) -> Result<(), StoreError> {
        if let Some(directory) = self.directory.as_mut().filter(|one| one.row.state == ON) {
            copies::touch(sql, pos)?;
            directory.touched = true;
        }
        Ok(())
    }

    /// Has everything copied anew.
    pub(super) fn renew_copies(&mut self, sql: &dyn Sql) -> Result<(), StoreError> {
        if let Some(directory) = self.directory.as_mut().filter(|one| one.row.state == ON) {
            directory.begin_pass(sql)?;
            self.touched = true;
        }
        Ok(())
    }

    /// Milliseconds from now at which copies are to be made or removed.
    pub(super) fn copies_due_in(&self, now: DateTime<Utc>) -> Option<i64> {
        let Directory { row, follower, touched, renamed, .. } = self.directory.as_ref()?;
        let passes = row.pass.is_some() && self.recomputation.is_none();
        let is_behind = || follower.after < self.last_seq || *touched || *renamed || passes;
        let is_due = row.state != ON || is_behind();
        is_due.then(|| follower.due.saturating_sub(now.timestamp_millis()).max(0))
    }

    /// Notes whether another secret gives names by now; asked once while the object is awake.
    pub(super) fn compare_names(&mut self, key_ring: &KeyRing, tenant: &str) {
        if let Some(directory) = self.directory.as_mut().filter(|one| one.row.state == ON) {
            let names_by = key_ring.copies_of(tenant);
            directory.renamed = names_by.is_some_and(|by| by != directory.row.names_by);
        }
    }
}

impl Work<'_, '_> {
    /// Begins to make copies, or to remove them.
    pub(super) fn switch_copies(&mut self, on: bool) -> Result<(), StoreError> {
        let names_by = self.call.key_ring.copies_of(self.tenant());
        let names_by = names_by.ok_or_else(|| StoreError::new("no secret gives names"))?;
        let (state, pass) = if on { (ON, Some(Pos::range(USER).0)) } else { (OFF, None) };
        let since = self.now().timestamp();
        let row = DirectoryRow { state: state.to_owned(), names_by, pass, since };
        // All that is there now is copied by the pass. Where copies are left, what has become of them is
        // still to be followed.
        let before = self.memory.directory.as_ref();
        let after = before.map_or(self.memory.last_seq, |before| before.follower.after);
        let passes = before.map_or(0, |before| before.passes.wrapping_add(1));
        let follower = FollowerRow { after, ..FollowerRow::default() };
        copies::set_directory(self.sql, &row)?;
        followers::write(self.sql, FOLLOWER, follower)?;
        let (renamed, erased) = (false, false);
        let touched = self.memory.directory.as_ref().is_some_and(|before| before.touched);
        self.memory.touched = true;
        self.memory.directory = Some(Directory { row, follower, passes, touched, renamed, erased });
        Ok(())
    }
}

impl Tenant {
    /// What is to be copied to KV, or removed there, if anything is due: a bounded step, that has to be
    /// told to [`Self::copied`]. There is one at a time, so that each name has its values in order; one of
    /// which nothing is heard is taken for lost after [`limits::COPY_STEP_MILLISECONDS`].
    ///
    /// # Errors
    /// The cause, for the log; nothing was written, and it is tried again as late as that.
    pub fn copies(
        &mut self,
        sql: &dyn Sql,
        now: DateTime<Utc>,
        key_ring: &KeyRing,
        tenant: &Slug,
    ) -> Result<Option<Batch>, StoreError> {
        if self.memory.is_none() && !store::has_tables(sql)? {
            return Ok(None); // It is of a tenant that was deleted.
        }
        wake(&mut self.memory, sql)?.compare_names(key_ring, tenant.as_str());
        if self.copies_due_in(now) != Some(0) {
            return Ok(None);
        }
        self.pause_copies(now);
        let memory = wake(&mut self.memory, sql)?;
        let before = memory.checkpoint();
        let plan = || Plan::new(sql, memory, key_ring, tenant.as_str())?.batch();
        let batch = store::transacted(sql, plan, Result::is_ok).flatten();
        if batch.is_err() {
            memory.restore(before);
        }
        batch.map(Some)
    }

    /// Has no copies made for as long as a step may take.
    pub fn pause_copies(&mut self, now: DateTime<Utc>) {
        let until = now.timestamp_millis().saturating_add(limits::COPY_STEP_MILLISECONDS);
        self.copying_until = Some(until);
    }

    /// Milliseconds from now at which copies are to be made or removed.
    pub(super) fn copies_due_in(&self, now: DateTime<Utc>) -> Option<i64> {
        let due = self.memory.as_ref()?.copies_due_in(now)?;
        let pause = self.copying_until.map(|until| until.saturating_sub(now.timestamp_millis()));
        Some(due.max(pause.unwrap_or(0)))
    }

    /// Notes what has become of such a step. One that has failed is tried again, each time later.
    ///
    /// # Errors
    /// The cause, for the log; nothing was written, and the step comes again, later.
    pub fn copied(
        &mut self,
        sql: &dyn Sql,
        now: DateTime<Utc>,
        batch: &Batch,
        has_failed: bool,
    ) -> Result<(), StoreError> {
        if self.memory.is_none() && !store::has_tables(sql)? {
            return Ok(());
        }
        let memory = wake(&mut self.memory, sql)?;
        let Some(before) = &memory.directory else { return Ok(()) };
        let now = now.timestamp_millis();
        let note = || match has_failed {
            true => before.put_off(sql, now),
            false => before.further(sql, now, &batch.done),
        };
        let after = store::transacted(sql, note, Result::is_ok).flatten()?;
        memory.directory = after;
        self.copying_until = None;
        Ok(())
    }

    /// Begins to delete the tenant where copies have to go before; whether that is so. Nothing else is
    /// answered from then on.
    ///
    /// # Errors
    /// The cause, for the log; nothing was written.
    pub fn erase(&mut self, sql: &dyn Sql) -> Result<bool, StoreError> {
        if !copies::are_there(sql)? {
            return Ok(false);
        }
        let memory = wake(&mut self.memory, sql)?;
        let Some(directory) = memory.directory.as_mut() else { return Ok(false) };
        let row = DirectoryRow { state: ERASING.to_owned(), pass: None, ..directory.row.clone() };
        copies::set_directory(sql, &row)?;
        directory.row = row;
        if directory.follower.failures == 0 {
            directory.follower.due = 0;
        }
        Ok(true)
    }

    /// Whether no copy is left of a tenant that is being deleted, so that all else can go.
    pub fn is_erased(&self) -> bool {
        let directory = self.memory.as_ref().and_then(|memory| memory.directory.as_ref());
        directory.is_some_and(|directory| directory.erased)
    }
}

impl Directory {
    /// Begins to copy everything anew.
    fn begin_pass(&mut self, sql: &dyn Sql) -> Result<(), StoreError> {
        self.passes = self.passes.wrapping_add(1);
        self.row.pass = Some(Pos::range(USER).0);
        copies::set_directory(sql, &self.row)
    }

    fn put_off(&self, sql: &dyn Sql, now: i64) -> Result<Option<Self>, StoreError> {
        let follower = self.follower.failed(now, limits::COPY_RETRY_MILLISECONDS);
        followers::write(sql, FOLLOWER, follower)?;
        Ok(Some(Self { follower, ..self.clone() }))
    }

    /// Where it is after a step; nowhere once all copies are removed.
    fn further(&self, sql: &dyn Sql, now: i64, done: &Done) -> Result<Option<Self>, StoreError> {
        for (id, row) in &done.rows {
            copies::put(sql, id, row.as_ref())?;
        }
        let mut after = self.clone();
        after.follower.failures = 0;
        if self.row.state == done.state {
            if self.row.state != ON && !done.more {
                after.erased = self.row.state == ERASING;
                if !after.erased {
                    copies::end(sql)?;
                    followers::delete(sql, FOLLOWER)?;
                    return Ok(None);
                }
            }
            after.follower.after = self.follower.after.max(done.after);
            if let Some(number) = done.touched {
                copies::untouch(sql, number)?;
                after.touched = !copies::touched(sql, 1)?.is_empty();
            }
            // Unless it has begun anew meanwhile.
            let is_same =
                |(from, _): &(Pos, _)| self.passes == done.passes && self.row.pass == Some(*from);
            if let Some((_, to)) = done.pass.filter(is_same) {
                after.row.pass = to;
                copies::set_directory(sql, &after.row)?;
            }
        }
        let stored = FollowerRow { due: 0, ..after.follower };
        if stored != (FollowerRow { due: 0, ..self.follower }) {
            followers::write(sql, FOLLOWER, stored)?;
        }
        let pause = if done.more { 0 } else { limits::COPY_PAUSE_MILLISECONDS };
        after.follower.due = now.saturating_add(pause);
        Ok(Some(after))
    }
}

/// All places at which something stands that is copied: users, then groups.
fn everything() -> Pos {
    Pos::range(GROUP).1
}
