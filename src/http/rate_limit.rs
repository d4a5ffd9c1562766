//! Rate limits, as clients are told of them.

use chrono::{DateTime, Utc};

use super::Response;
use crate::limits;

/// What is left of a rate limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quota {
    /// The most that there can be.
    pub limit: u32,
    /// Whole requests that are left.
    pub remaining: u64,
    /// When all of it will be there again, in seconds since 1970.
    pub reset: u64,
}

/// That there is nothing left for a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exceeded {
    /// What there is.
    pub quota: Quota,
    /// Seconds until another attempt may help, at least one.
    pub retry_after: u64,
}

impl Quota {
    /// The response with what is left.
    pub fn tell(self, response: Response) -> Response {
        response
            .with("x-rate-limit-limit", self.limit.to_string())
            .with("x-rate-limit-remaining", self.remaining.to_string())
            .with("x-rate-limit-reset", self.reset.to_string())
    }
}

impl Exceeded {
    /// That of a rate limit of the runtime's, which tells no counts: so many requests in
    /// [`limits::EDGE_PERIOD_SECONDS`], and no later than after these it counts anew.
    pub fn at_the_edge(limit: u32, now: DateTime<Utc>) -> Self {
        let now = now.timestamp_millis().max(0).unsigned_abs().div_ceil(1_000);
        let retry_after = limits::EDGE_PERIOD_SECONDS;
        let reset = now.saturating_add(retry_after);
        Self { quota: Quota { limit, remaining: 0, reset }, retry_after }
    }

    /// That as many requests wait for events as may; one is answered whenever something is recorded.
    pub fn by_polls(now: DateTime<Utc>) -> Self {
        let limit = u32::try_from(limits::WAITING_POLLS).unwrap_or(u32::MAX);
        let now = now.timestamp_millis().max(0).unsigned_abs().div_ceil(1_000);
        let reset = now.saturating_add(limits::POLL_SECONDS.unsigned_abs());
        Self { quota: Quota { limit, remaining: 0, reset }, retry_after: 1 }
    }

    /// The response with when to try again.
    pub(super) fn tell(self, response: Response) -> Response {
        self.quota.tell(response.with("retry-after", self.retry_after.to_string()))
    }
}
