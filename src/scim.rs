//! SCIM 2.0 (RFC 7643, RFC 7644) as values and functions.
//!
//! This module does not know that there are tenants: a rule that differs by tenant or connection
//! arrives as a [`compat::Compat`]. Nothing here reads a clock, waits, or touches storage.

pub mod bulk;
pub mod compat;
pub mod error;
pub mod filter;
pub mod fold;
pub mod invisible;
pub mod message;
pub mod patch;
pub mod path;
pub mod projection;
pub mod resource;
pub mod schema;
pub mod selector;
pub mod sort;
pub mod urn;
mod value;

pub use error::{ErrorKind, ScimError};
