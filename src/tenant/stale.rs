//! Users who have stayed away for longer than the tenant's `staleAfter`: suspended by alarm, once a day.
//!
//! Only a sign-in is a sighting, so nobody is stale who was never seen, and none whom a connection
//! manages, which deactivates whoever leaves. Whom a guard needs is left. Who is restored stays so
//! until seen and away for as long again.

use chrono::{DateTime, TimeDelta, Utc};

use super::access::Settling;
use super::document::timestamp;
use super::memory::{Author, Memory};
use crate::event::{Event, EventKind};
use crate::limits;
use crate::policy::Policy;
use crate::store::suspensions::{self, Cause};
use crate::store::{Sql, StoreError, grants, sightings};

/// What is known of them while the object is awake: when the first of whom it is not settled was seen,
/// or before; nobody where that is of no interest.
#[derive(Clone, Debug, Default)]
pub(super) struct Sightings {
    first: Option<DateTime<Utc>>,
}

impl Sightings {
    pub(super) fn load(sql: &dyn Sql, policy: &Policy) -> Result<Self, StoreError> {
        if policy.stale_after.is_none() {
            return Ok(Self::default());
        }
        let next = sightings::next(sql, None, 1)?;
        let first = next.first().and_then(|user| DateTime::parse_from_rfc3339(&user.seen).ok());
        Ok(Self { first: first.map(|first| first.to_utc()) })
    }

    /// Milliseconds from now at which the first is stale: the day after, so that an alarm is wanted once
    /// a day.
    pub(super) fn due_in(&self, policy: &Policy, now: DateTime<Utc>) -> Option<i64> {
        let after = TimeDelta::try_seconds(policy.stale_after?)?;
        let next_day = self.first?.checked_add_signed(after)?.timestamp().div_euclid(DAY);
        let due = next_day.saturating_add(1).saturating_mul(DAY).saturating_mul(1_000);
        Some(due.saturating_sub(now.timestamp_millis()).max(0))
    }
}

/// Suspends some of those who are stale: one bounded step. It waits while the access of all is computed
/// anew, since who is about to lose a role is no holder whom its guard can count on.
pub(super) fn step(
    sql: &dyn Sql,
    memory: &mut Memory,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let is_due = memory.sightings.due_in(&memory.policy, now) == Some(0);
    if !is_due || memory.recomputation.is_some() {
        return Ok(());
    }
    let Some(until) = threshold(&memory.policy, now) else { return Ok(()) };
    let found = sightings::next(sql, Some(&timestamp(until)), limits::ACCESS_STEP)?;
    let author = Author::system(now);
    for user in &found {
        let is_left = user.manager.is_some() || suspensions::of(sql, &user.id)?.is_some();
        if is_left || is_needed(sql, &memory.policy, user.pos)? {
            continue;
        }
        suspensions::add(sql, &user.id, now.timestamp_millis(), Cause::Stale)?;
        let event = Event::new(EventKind::UserStale, user.id.as_str());
        memory.record(sql, &event.with("lastSeenAt", user.seen.as_str()), author)?;
        memory.dirty.touch(user.pos);
        // At once, so that guards see who is left.
        Settling { sql, memory, author }.settle_by_alarm()?;
    }
    if let Some(last) = found.last() {
        sightings::settle(sql, last)?;
    }
    memory.sightings = Sightings::load(sql, &memory.policy)?;
    Ok(())
}

/// Until when one must have been seen to be stale at the beginning of this day.
fn threshold(policy: &Policy, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let today = now.timestamp().div_euclid(DAY).saturating_mul(DAY);
    let until = today.saturating_sub(policy.stale_after?);
    DateTime::from_timestamp(until, 0)?.checked_sub_signed(TimeDelta::milliseconds(1))
}

/// Whether a guard needs a user.
fn is_needed(sql: &dyn Sql, policy: &Policy, user: crate::store::Pos) -> Result<bool, StoreError> {
    for guard in &policy.guards {
        let rows = grants::of_user(sql, user)?;
        let holds = rows.iter().any(|row| row.held && row.is_of_role(&guard.role));
        if holds && grants::others(sql, &guard.role, user)? < guard.min {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Seconds of a day.
const DAY: i64 = 86_400;
