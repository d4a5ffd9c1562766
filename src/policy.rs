//! What a tenant has decided for itself: its policy document.
//!
//! Pure: a document is read whole, or refused with the place of every fault. What follows from it
//! for a request is for those who ask.

mod attributes;
mod authority;
mod constraints;
mod document;
mod groups;
mod rate_limit;
mod required;

pub use attributes::AttributeRules;
pub use authority::{Authority, Owner};
pub use constraints::Constraints;
pub use document::{Features, Policy};
pub use groups::{GroupKind, GroupKinds, Groups};
pub use rate_limit::RateLimit;
pub use required::Required;
