//! What becomes of a delivery: when it is tried again, when that ends, and what is told of it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::limits;

/// What came of an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Delivered {
    /// The receiver has answered.
    Answered {
        /// With a status.
        status: u16,
        /// The seconds for which it wants to be left alone.
        retry_after: Option<i64>,
        /// What it said, as far as that was read.
        body: String,
    },
    /// It did not within the time.
    TimedOut,
    /// It could not be reached.
    Unreachable,
    /// It was not asked: nothing could be signed for it.
    Unsigned,
}

/// Milliseconds from each attempt that has failed to the next one, but for the chance that is added.
const PAUSES: [i64; 9] = [
    5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000,
    86_400_000,
];

/// The greatest of the numbers by which chance is given.
const CHANCES: i64 = 256;
/// A pause is longer by this part of it at most.
const JITTER_PART: i64 = 10;

impl Delivered {
    /// Whether the event was taken.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    /// Whether the receiver wants no events any more.
    pub const fn is_gone(&self) -> bool {
        matches!(self, Self::Answered { status: 410, .. })
    }

    /// For how many milliseconds the receiver wants no event at all, if it has said so: who is asked
    /// for too much, or is being mended.
    pub fn pause(&self) -> Option<i64> {
        match self {
            Self::Answered { status: 429 | 503, .. } => self.retry_after(),
            _ => None,
        }
    }

    /// Milliseconds for which the receiver wants to be left alone, as far as that is heeded.
    fn retry_after(&self) -> Option<i64> {
        match self {
            Self::Answered { retry_after: Some(seconds), .. } => {
                let seconds = (*seconds).clamp(0, limits::RETRY_AFTER_SECONDS);
                Some(seconds.saturating_mul(1_000))
            }
            _ => None,
        }
    }

    /// Milliseconds until what has failed so often, this time included, is tried again, a byte of chance
    /// given; none once it has failed too often.
    pub fn retry_in(&self, attempts: usize, chance: u8) -> Option<i64> {
        let pause = *PAUSES.get(attempts.checked_sub(1)?)?;
        let most = pause.checked_div(JITTER_PART).unwrap_or(0);
        let jitter = most.saturating_mul(i64::from(chance)).checked_div(CHANCES).unwrap_or(0);
        Some(pause.saturating_add(jitter).max(self.retry_after().unwrap_or(0)))
    }

    /// What went wrong, in a few words.
    pub fn reason(&self) -> String {
        let status = match self {
            Self::Answered { status, .. } => *status,
            Self::TimedOut => return "no answer within 15 seconds".to_owned(),
            Self::Unreachable => return "no connection".to_owned(),
            Self::Unsigned => return "not signed".to_owned(),
        };
        if let Some(error) = self.token_error() {
            return format!("{status} {error}");
        }
        let words = match status {
            300..=399 => "a redirect, which is not followed",
            401 => "invalid authentication",
            403 => "forbidden",
            404 => "not found",
            410 => "gone",
            413 => "payload too large",
            429 => "too many requests",
            500..=599 => "the receiver failed",
            _ => "refused",
        };
        format!("{status} {words}")
    }

    /// What the receiver has against a token, by its code (RFC 8935 §2.4).
    fn token_error(&self) -> Option<&'static str> {
        let Self::Answered { status: 400, body, .. } = self else { return None };
        let told: Value = serde_json::from_str(body).ok()?;
        set_error(&told)
    }

    /// What the receiver said.
    pub fn answer(&self) -> &str {
        match self {
            Self::Answered { body, .. } => body,
            _ => "",
        }
    }
}

/// The codes of what a receiver may have against a token (RFC 8935 §2.4, §7.1).
const SET_ERRORS: [&str; 6] = [
    "invalid_request",
    "invalid_key",
    "invalid_issuer",
    "invalid_audience",
    "authentication_failed",
    "access_denied",
];

/// The code of what a receiver has against a token, if it is one that is registered: no other text of a
/// receiver is kept where it outlasts what is told of people.
pub fn set_error(told: &Value) -> Option<&'static str> {
    let code = told.get("err").and_then(Value::as_str)?;
    SET_ERRORS.into_iter().find(|known| *known == code)
}

/// The seconds that a `Retry-After` means, in either of its forms (RFC 9110 §10.2.3).
pub fn retry_after(header: &str, now: DateTime<Utc>) -> Option<i64> {
    let text = header.trim();
    let until = || DateTime::parse_from_rfc2822(text).ok();
    let left = |until: DateTime<_>| until.timestamp().saturating_sub(now.timestamp());
    text.parse().ok().or_else(|| until().map(left))
}

/// What may help against a reason: what to do next.
pub fn hint(reason: &str) -> &'static str {
    let (status, code) = reason.split_once(' ').unwrap_or((reason, reason));
    match (status, code) {
        (_, "invalid_audience") => {
            "give the stream the audience that the receiver expects, then retry"
        }
        (_, "invalid_issuer") => "have the receiver take the tenant's `iss`, then retry",
        (_, "invalid_key") => "have the receiver read the tenant's public keys anew, then retry",
        ("401" | "403", _) | (_, "authentication_failed" | "access_denied") => {
            "have the receiver take this stream's signature or credentials, then retry"
        }
        ("404", _) => "check the stream's url, then retry",
        ("410", _) => "the receiver wants no more events: delete the stream, or enable it again",
        ("413", _) => "have the receiver take larger bodies, then retry",
        ("429", _) => "the receiver wants fewer requests; it is tried again by itself",
        ("not", _) => "rotate the stream's secret, then retry",
        ("no", _) => "check that the receiver is up and its url right; it is tried again by itself",
        _ if status.starts_with('3') => "give the stream the url to which it is redirected",
        _ => "see what the receiver answered, mend it, then retry",
    }
}
