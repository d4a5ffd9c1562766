//! The log while the object is awake: where it begins and ends, and what the next event's link of the
//! chain is over.
//!
//! Where the tenant says for how long events are kept, an alarm forgets older ones, once a day and in
//! bounded steps; the log then begins behind an anchor, the place and hash of the last of them. Who
//! follows the log and has fallen behind is waited for: the copies for the edge until they are made,
//! since what has been deleted must go from there, everybody else for a bounded time.

use chrono::{DateTime, Utc};

use super::copies;
use super::document::moment;
use super::memory::Memory;
use crate::event::chain::{self, Hash, ROOT, Salts};
use crate::limits;
use crate::policy::Policy;
use crate::store::events::{self, Anchor, EventRow};
use crate::store::{Sql, StoreError, followers};

/// What is known of it.
#[derive(Clone, Debug)]
pub(super) struct Log {
    /// The hash of the last event.
    hash: Hash,
    salts: Option<Salts>,
    /// The place behind which the log begins.
    pub(super) anchor: i64,
    /// When the first event was, or before, where that is of interest.
    first: Option<i64>,
    /// Until when nothing more can be forgotten.
    put_off: i64,
}

impl Log {
    /// The last event's place, and what else is known.
    pub(super) fn load(sql: &dyn Sql, policy: &Policy) -> Result<(i64, Self), StoreError> {
        let anchor = events::anchor(sql)?;
        let begins = anchor.as_ref().map_or(0, |anchor| anchor.seq);
        let last = events::last(sql)?.or(anchor);
        let (seq, hash) = last.map_or((0, None), |Anchor { seq, hash }| (seq, hash));
        let mut log = Self {
            hash: hash.and_then(|hash| hash.try_into().ok()).unwrap_or(ROOT),
            salts: None,
            anchor: begins,
            first: None,
            put_off: 0,
        };
        log.look_for_first(sql, policy)?;
        Ok((seq, log))
    }

    /// Learns when the first event was, where that is of interest.
    pub(super) fn look_for_first(
        &mut self,
        sql: &dyn Sql,
        policy: &Policy,
    ) -> Result<(), StoreError> {
        self.put_off = 0;
        self.first = match policy.retain_events {
            Some(_) => events::first_time(sql)?,
            None => None,
        };
        Ok(())
    }

    /// Draws lots for the salts of what is to be recorded now.
    pub(super) fn sow(
        &mut self,
        random: &mut dyn FnMut(&mut [u8]) -> Result<(), String>,
    ) -> Result<(), StoreError> {
        let mut seed: Hash = [0; 32];
        let cause = random(&mut seed);
        cause.map_err(|cause| StoreError::new(format!("no random numbers: {cause}")))?;
        self.salts = Some(Salts::of(seed));
        Ok(())
    }

    /// Appends an event.
    pub(super) fn append(&mut self, sql: &dyn Sql, row: &EventRow) -> Result<(), StoreError> {
        let salts = self.salts.as_mut();
        let salt = salts.ok_or_else(|| StoreError::new("no lots are drawn for salts"))?.draw();
        let digest = digest_of(row, &salt);
        let hash = chain::link(&self.hash, row.seq, &row.kind, &digest);
        events::append(sql, row, &salt, &hash)?;
        self.hash = hash;
        self.first.get_or_insert(row.time);
        Ok(())
    }

    /// Milliseconds from now at which events are to be forgotten: the day after, so that an alarm is
    /// wanted once a day.
    pub(super) fn due_in(&self, policy: &Policy, now: DateTime<Utc>) -> Option<i64> {
        let kept = policy.retain_events?.saturating_mul(1_000);
        let ends = self.first?.saturating_add(kept);
        let next_day = ends.div_euclid(DAY).saturating_add(1).saturating_mul(DAY);
        Some(next_day.max(self.put_off).saturating_sub(now.timestamp_millis()).max(0))
    }
}

/// The digest of an event's payload.
pub(super) fn digest_of(row: &EventRow, salt: &[u8]) -> Hash {
    chain::digest(salt, &moment(row.time).unwrap_or_default(), &row.data)
}

/// Forgets some of the events that have been kept for long enough: one bounded step.
pub(super) fn prune(
    sql: &dyn Sql,
    memory: &mut Memory,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let due = memory.log.due_in(&memory.policy, now) == Some(0);
    let Some(seconds) = memory.policy.retain_events.filter(|_| due) else { return Ok(()) };
    let now = now.timestamp_millis();
    let old = now.saturating_sub(seconds.saturating_mul(1_000));
    let too_old = old.saturating_sub(limits::FOLLOWER_GRACE_MILLISECONDS);
    let (mut copied, mut followed) = (i64::MAX, i64::MAX);
    for (name, after) in followers::places(sql)? {
        let place = if name == copies::FOLLOWER { &mut copied } else { &mut followed };
        *place = after.min(*place);
    }
    let may_go = |(seq, time): &&(i64, i64)| {
        *time < old && *seq <= copied && (*seq <= followed || *time < too_old)
    };
    let oldest = events::oldest(sql, limits::PRUNED_EVENTS)?;
    let last = oldest.iter().take_while(may_go).last();
    match last {
        Some((seq, _)) => {
            events::forget_until(sql, *seq)?;
            memory.log.anchor = *seq;
            memory.log.look_for_first(sql, &memory.policy)
        }
        None => {
            memory.log.put_off = now.saturating_add(DAY);
            Ok(())
        }
    }
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
