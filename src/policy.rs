//! What a tenant has decided for itself: its policy document.
//!
//! Pure: a document is read whole, or refused with the place of every fault. What follows from it
//! for a request is for those who ask.

mod deprovision;
mod document;
mod duration;
mod rate_limit;

pub use deprovision::{Deprovision, Fate, Relink};
pub use document::{Features, Policy};
pub use duration::duration_seconds;
pub use rate_limit::RateLimit;
