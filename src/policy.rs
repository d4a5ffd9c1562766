//! What a tenant has decided for itself: its policy document.
//!
//! Pure: a document is read whole, or refused with the place of every fault. What follows from it
//! for a request is for those who ask.

mod access;
mod approved;
mod attribute_maps;
mod attributes;
mod authority;
mod condition;
mod constraints;
mod delivery;
mod deprovision;
mod document;
mod duration;
mod edge_reads;
mod granted;
mod groups;
mod guard;
mod mapping;
mod matching;
mod near_miss;
mod quota;
mod rate_limit;
mod reading;
mod required;
mod retention;
mod review;
mod role;
mod scope_path;
mod stream;
mod unmapped;

pub use access::{Access, AccessRules, Facts, Held, Match, Reason, Standing, Status};
pub use approved::Approved;
pub use attribute_maps::{AttributeMap, AttributeMaps, Outcome};
pub use attributes::AttributeRules;
pub use authority::{Authority, Owner};
pub use condition::{Condition, EVERYONE, Vocabulary};
pub use constraints::Constraints;
pub use delivery::{Delivered, hint, retry_after, set_error};
pub use deprovision::{Deprovision, Fate, Relink};
pub use document::{Features, Policy};
pub use duration::duration_seconds;
pub use edge_reads::Copying;
pub use granted::Granted;
pub use groups::{GroupKind, GroupKinds, GroupSource, Groups};
pub use guard::{Guard, Successor};
pub use mapping::{Mapping, MappingMode, Trigger};
pub use matching::{Agreement, Matching};
pub use near_miss::{Difference, Named};
pub use quota::Holders;
pub use rate_limit::RateLimit;
pub use required::Required;
pub use review::{Action, Actions, Brake, Hold};
pub use role::Role;
pub use scope_path::ScopePath;
pub use stream::{FormerTypes, Signature, StreamKind, Types};
pub use unmapped::{Fallback, Unmapped};
