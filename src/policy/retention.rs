//! `retainEvents`: for how long the log keeps events before it begins behind them.
//!
//! For ever, where nothing is said: it is the tenant's audit trail, and what is gone of it is gone.

use serde_json::Value;

use super::duration::{duration, duration_seconds};
use crate::limits;
use crate::scim::schema::Fault;

/// Reads what a document says: the seconds; `null` is for ever.
///
/// # Errors
/// Its fault.
pub(super) fn read(value: &Value) -> Result<Option<i64>, Vec<Fault>> {
    let bounds = limits::RETAIN_EVENTS_SECONDS_LEAST..=limits::RETAIN_SECONDS;
    match value {
        Value::Null => Ok(None),
        value => value
            .as_str()
            .and_then(duration_seconds)
            .filter(|seconds| bounds.contains(seconds))
            .map(Some)
            .ok_or_else(|| {
                let detail = "is not null or a duration such as P365D, of a week to ten years";
                vec![Fault::new("/retainEvents", detail)]
            }),
    }
}

/// What a document says of it.
pub(super) fn to_json(seconds: Option<i64>) -> Value {
    seconds.map_or(Value::Null, |seconds| duration(seconds).into())
}
