//! Panics to order, in debug builds alone, so that a test can show what they leave behind. No release
//! has this module.

use std::cell::Cell;
use std::panic::panic_any;

use super::js;

/// The header that orders one: how many statements of the object's database run before, or where at
/// the edge it is to be.
pub(super) const PANIC: &str = "x-muster-panic";

thread_local! {
    /// How many statements run before it.
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Panics at the edge, if it is told to be here.
#[expect(clippy::panic, reason = "what is ordered")]
pub(super) fn at_edge(headers: &js::Headers, place: &str) {
    if headers.text(PANIC).as_deref() == Some(place) {
        panic_any("as ordered, at the edge");
    }
}

/// Takes what a request orders of the object.
pub(super) fn take_order(headers: &js::Headers) {
    LEFT.set(headers.text(PANIC).and_then(|statements| statements.parse().ok()));
}

/// Forgets an order once its request has been answered: an alarm has none.
pub(super) fn forget_order() {
    LEFT.set(None);
}

/// Counts a statement, and panics in place of the one that was ordered.
#[expect(clippy::panic, reason = "what is ordered")]
pub(super) fn count() {
    match LEFT.get() {
        Some(0) => panic_any("as ordered, in the object"),
        left => LEFT.set(left.map(|left| left.saturating_sub(1))),
    }
}
