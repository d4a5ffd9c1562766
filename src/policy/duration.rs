//! Durations, as ISO 8601 writes them.

/// A duration of ISO 8601 in whole years (of 365 days), weeks, days, hours, minutes and seconds; the
/// seconds.
pub fn duration_seconds(text: &str) -> Option<i64> {
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

/// A duration as a text, in days where it has nothing but days.
pub(super) fn duration(seconds: i64) -> String {
    const DAY: i64 = 86_400;
    match (seconds.checked_div(DAY), seconds.checked_rem(DAY)) {
        (Some(days), Some(0)) => format!("P{days}D"),
        _ => format!("PT{seconds}S"),
    }
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
