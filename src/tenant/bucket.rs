//! A token bucket: how many requests there may be in any stretch of time.

use crate::http::{Exceeded, Quota};
use crate::policy::RateLimit;

/// What a tenant has left of its limit. It is kept in memory alone: an object that has slept begins
/// anew with a full one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// When it was filled last, in milliseconds; none before the first request.
    filled: Option<i64>,
    /// What is in it, in thousandths of a request.
    level: u64,
}

/// What a request finds in the bucket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Taken {
    /// Whether there was one to take.
    pub granted: bool,
    /// What is left.
    pub quota: Quota,
    /// Seconds until there is one again, at least one; of use where none was granted.
    pub retry_after: u64,
}

const THOUSAND: u64 = 1_000;

impl Bucket {
    /// Takes one request out at a moment, in milliseconds since 1970.
    ///
    /// A clock that steps back fills nothing and is followed, so that it fills again from there.
    pub fn take(&mut self, limit: RateLimit, now: i64) -> Taken {
        // A request a second is a thousandth of a request a millisecond.
        let rate = u64::from(limit.per_second).max(1);
        let most = u64::from(limit.burst).saturating_mul(THOUSAND);
        let passed = self.filled.map(|filled| now.saturating_sub(filled).max(0).unsigned_abs());
        self.level = match passed {
            None => most,
            Some(passed) => self.level.saturating_add(passed.saturating_mul(rate)).min(most),
        };
        self.filled = Some(now);
        let left = self.level.checked_sub(THOUSAND);
        let missing = THOUSAND.saturating_sub(self.level);
        self.level = left.unwrap_or(self.level);
        let full_in = most.saturating_sub(self.level).div_ceil(rate);
        Taken {
            granted: left.is_some(),
            quota: Quota {
                limit: limit.burst,
                remaining: self.level.checked_div(THOUSAND).unwrap_or(0),
                reset: seconds(now.max(0).unsigned_abs().saturating_add(full_in)),
            },
            retry_after: seconds(missing.div_ceil(rate)).max(1),
        }
    }
}

impl Taken {
    /// That there was none to take.
    pub(super) const fn exceeded(self) -> Exceeded {
        Exceeded { quota: self.quota, retry_after: self.retry_after }
    }
}

fn seconds(milliseconds: u64) -> u64 {
    milliseconds.div_ceil(THOUSAND)
}
