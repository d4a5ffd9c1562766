//! Numbers (RFC 7643 §2.3.3, §2.3.4), compared by value whatever their size or notation.
//!
//! An `f64` is exact for integers up to 2^53 only, so they are compared digit by digit.

use std::cmp::Ordering;
use std::fmt;

/// RFC 7643 §2.3.3, §2.3.4: a number, which is `0.digits × 10^magnitude` with its sign.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decimal {
    sign: Ordering,
    magnitude: i64,
    digits: String,
}

impl Decimal {
    /// Reads a number as JSON writes it (RFC 8259 §6); `None` for anything else, and for exponents
    /// beyond 64 bits.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, text) =
            text.strip_prefix('-').map_or((Ordering::Greater, text), |rest| (Ordering::Less, rest));
        let (text, exponent) = match text.split_once(['e', 'E']) {
            Some((text, exponent)) => (text, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        if !is_digits(whole) || !is_digits(fraction) || (whole.len() > 1 && whole.starts_with('0'))
        {
            return None;
        }
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self { sign: Ordering::Equal, magnitude: 0, digits: String::new() });
        }
        let length = |text: &str| i64::try_from(text.len()).ok();
        let magnitude =
            exponent.checked_add(length(significant)?)?.checked_sub(length(fraction)?)?;
        Some(Self { sign, magnitude, digits: significant.trim_end_matches('0').to_owned() })
    }
}

/// Equal for equal numbers.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.sign == Ordering::Less { "-" } else { "" };
        write!(f, "{sign}0.{}e{}", self.digits, self.magnitude)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let size =
            || self.magnitude.cmp(&other.magnitude).then_with(|| self.digits.cmp(&other.digits));
        self.sign.cmp(&other.sign).then_with(|| match self.sign {
            Ordering::Less => size().reverse(),
            _ => size(),
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
