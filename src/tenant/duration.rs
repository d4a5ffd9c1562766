//! Durations, as ISO 8601 writes them.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::http::{Problem, ProblemCode};

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

/// A duration of ISO 8601 in whole years (of 365 days), weeks, days, hours, minutes and seconds.
fn duration_seconds(text: &str) -> Option<i64> {
    const DATE: [(char, i64); 3] = [('Y', 365 * 86_400), ('W', 7 * 86_400), ('D', 86_400)];
    const TIME: [(char, i64); 3] = [('H', 3_600), ('M', 60), ('S', 1)];
    let text = text.strip_prefix('P')?;
    let (date, time) = match text.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None if !text.is_empty() => (text, ""),
        None => return None,
    };
    parts_seconds(date, &DATE)?.checked_add(parts_seconds(time, &TIME)?)
}

fn parts_seconds(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut seconds: i64 = 0;
    for (unit, length) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = number.parse().ok().filter(|_| digits)?;
        seconds = seconds.checked_add(i64::from(number).checked_mul(*length)?)?;
        text = rest;
    }
    text.is_empty().then_some(seconds)
}
