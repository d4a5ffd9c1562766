//! RFC 7643 §2.2 `caseExact`: how texts are compared when case does not matter.

use unicase::UniCase;

/// The form in which two texts are equal when they differ in case alone, by Unicode's folding.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        UniCase::unicode(text).to_folded_case()
    }
}
