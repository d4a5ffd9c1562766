//! Durations that a body gives.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::http::{Problem, ProblemCode};
use crate::policy::duration_seconds;

/// The seconds that a field of a body gives, within bounds, or what they are where it gives none.
///
/// # Errors
/// 400, by an example of what is right.
pub(super) fn given_seconds(
    body: &Map<String, Value>,
    name: &str,
    default: i64,
    bounds: &RangeInclusive<i64>,
    example: &str,
) -> Result<i64, Problem> {
    let seconds = match body.get(name) {
        None | Some(Value::Null) => Some(default),
        Some(given) => given.as_str().and_then(duration_seconds),
    };
    seconds.filter(|seconds| bounds.contains(seconds)).ok_or_else(|| {
        let detail = format!("`{name}` is not a duration such as {example}");
        Problem::new(ProblemCode::Malformed, detail)
    })
}
