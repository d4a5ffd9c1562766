//! `retainEvents` and `staleAfter`: for how long something is kept before an alarm ends it.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::duration::{duration, duration_seconds};
use crate::limits;
use crate::scim::schema::Fault;

/// An option of the policy document that is a duration; `null` is for ever.
pub(super) struct Retention {
    at: &'static str,
    seconds: RangeInclusive<i64>,
    detail: &'static str,
}

/// For how long the log keeps events before it begins behind them: for ever, where nothing is said, for
/// it is the tenant's audit trail, and what is gone of it is gone.
pub(super) const RETAIN_EVENTS: Retention = Retention {
    at: "/retainEvents",
    seconds: limits::RETAIN_EVENTS_SECONDS_LEAST..=limits::RETAIN_SECONDS,
    detail: "is not null or a duration such as P365D, of a week to ten years",
};

/// For how long users may stay away before their access is suspended.
pub(super) const STALE_AFTER: Retention = Retention {
    at: "/staleAfter",
    seconds: limits::STALE_SECONDS_LEAST..=limits::STALE_SECONDS,
    detail: "is not null or a duration such as P90D, of a day to ten years",
};

impl Retention {
    /// Reads what a document says: the seconds, or nothing for ever.
    ///
    /// # Errors
    /// Its fault.
    pub(super) fn read(&self, value: &Value) -> Result<Option<i64>, Vec<Fault>> {
        if value.is_null() {
            return Ok(None);
        }
        let seconds = value.as_str().and_then(duration_seconds);
        match seconds.filter(|seconds| self.seconds.contains(seconds)) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(vec![Fault::new(self.at, self.detail)]),
        }
    }
}

/// What a document says of so many seconds.
pub(super) fn to_json(seconds: Option<i64>) -> Value {
    seconds.map_or(Value::Null, |seconds| duration(seconds).into())
}
