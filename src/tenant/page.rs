//! How much of what was found goes on one page, and where the log goes on behind it.

use serde_json::Value;

use crate::http::page;
use crate::limits;

/// The first of some things, each with its bytes behind it, that are a page together: as many as
/// [`limits::PAGE_BYTES`] hold, and one at least where there is one.
pub(super) fn fitting(sizes: &[(i64, i64)]) -> &[(i64, i64)] {
    let most = i64::try_from(limits::PAGE_BYTES).unwrap_or(i64::MAX);
    let mut bytes = 0_i64;
    let fitting = sizes.iter().take_while(|(_, size)| {
        bytes = bytes.saturating_add(*size);
        bytes <= most
    });
    sizes.get(..fitting.count().max(1)).unwrap_or(sizes)
}

/// A page of what was found up to a place in a log that ends at another.
pub(super) fn page_until(items: Vec<Value>, reached: i64, last: i64) -> Value {
    page(items, (reached < last).then(|| reached.to_string()))
}
