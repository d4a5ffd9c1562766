//! How much of what was found goes on one page.

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
