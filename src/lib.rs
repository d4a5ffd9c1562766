//! Muster: multi-tenant user provisioning at the edge (crate documentation follows).

pub mod auth;
pub mod event;
pub mod http;
pub mod limits;
pub mod registry;
pub mod scim;
pub mod store;
pub mod tenant;

#[cfg(target_arch = "wasm32")]
pub mod edge;
