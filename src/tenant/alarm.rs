//! What a tenant has put off, done by alarm: one bounded step at a time, in a transaction.

use chrono::{DateTime, Utc};

use super::memory::OrderBookmarks;
use super::ring::Ring;
use super::{Tenant, async_requests, log, stale, sweep, tombstones, wake};
use crate::limits;
use crate::store::{self, Sql, StoreError};

impl Tenant {
    /// Milliseconds from now at which the object wants its alarm, if it has put something off: at
    /// once for rows to be swept and for streams, within seconds for copies, the uses of keys and recent
    /// requests, when users who were deleted or old events are to be forgotten, and when somebody has
    /// stayed away for too long. Where that is to be read anew, since something has failed, within a
    /// minute.
    pub fn alarm_in_milliseconds(&self, now: DateTime<Utc>) -> Option<i64> {
        if self.memory.as_ref().is_some_and(|memory| memory.sweeping) {
            return Some(0);
        }
        let memory = self.memory.as_ref();
        // Of one that was purged neither is there.
        let is_forgotten = memory.is_none() && self.ring.is_awake();
        let reads = is_forgotten.then_some(limits::BATCH_LOST_MILLISECONDS);
        let forgets = memory.and_then(|memory| memory.tombstones.due_in(now));
        let stale = memory.and_then(|memory| memory.sightings.due_in(&memory.policy, now));
        let old = memory.and_then(|memory| memory.log.due_in(&memory.policy, now));
        let (copies, flushes) = (self.copies_due_in(now), self.uses.flush_in_milliseconds(now));
        let serving = memory.filter(|memory| !memory.is_erasing());
        let decides = serving.filter(|memory| memory.is_deciding()).map(|_| 0);
        let later = serving.and_then(|memory| memory.later.due_in(now));
        let streams = serving.and_then(|_| self.streams_due_in(now));
        let own = [reads, flushes, self.ring.due_in(now), forgets, stale, old];
        let wanted = own.into_iter().chain([decides, later, copies, streams]);
        wanted.flatten().min()
    }

    /// Does one bounded step of what was put off, and writes the uses of keys where that is due;
    /// [`Self::alarm_in_milliseconds`] then tells whether more is left. `random` fills a buffer with
    /// random bytes.
    ///
    /// # Errors
    /// The cause, for the log; nothing was written.
    pub fn alarm(
        &mut self,
        sql: &dyn Sql,
        now: DateTime<Utc>,
        random: &mut dyn FnMut(&mut [u8]) -> Result<(), String>,
    ) -> Result<(), StoreError> {
        if self.memory.is_none() && !store::has_tables(sql)? {
            return Ok(()); // It was set before all was deleted.
        }
        let memory = wake(&mut self.memory, sql)?;
        self.ring.wake(sql)?;
        memory.log.sow(random)?;
        let before = memory.checkpoint();
        let (sweeps, departs) = (memory.sweeping, memory.departure().is_some());
        let flushes = self.ring.due_in(now) == Some(0);
        let ring = flushes.then_some(&self.ring);
        let flush = self.uses.flush_in_milliseconds(now) == Some(0);
        let step = || {
            let uses = flush.then(|| self.uses.unwritten());
            let written = uses.map_or(Ok(()), |uses| store::keys::note_uses(sql, uses));
            let written =
                written.and_then(|()| ring.map_or(Ok(()), |ring| flushed(sql, ring, now)));
            let written = written.and_then(|()| tombstones::forget(sql, memory, now));
            let written = written.and_then(|()| stale::step(sql, memory, now));
            let written = written.and_then(|()| log::prune(sql, memory, now));
            let written = written.and_then(|()| async_requests::forget(sql, memory, now));
            written.and_then(|()| sweep::step(sql, memory, now))
        };
        match store::transacted(sql, step, Result::is_ok).flatten() {
            Ok(()) => {
                if flush {
                    memory.note_used(&self.uses.take());
                }
                if flushes {
                    self.ring.flushed();
                }
                if sweeps {
                    // It changes groups, and may record no event.
                    memory.order_bookmarks = OrderBookmarks::default();
                }
                if memory.stale {
                    self.memory = None;
                    wake(&mut self.memory, sql)?;
                }
                Ok(())
            }
            Err(error) => {
                if departs {
                    self.memory = None; // It may think a connection gone.
                } else {
                    memory.restore(before);
                }
                Err(error)
            }
        }
    }
}

/// Writes what is known of recent requests, and forgets answers that nobody may ask for again.
fn flushed(sql: &dyn Sql, ring: &Ring, now: DateTime<Utc>) -> Result<(), StoreError> {
    ring.flush(sql)?;
    store::idempotency::forget_expired(sql, now.timestamp())
}
