//! The native tests: one binary, every layer below `edge`, against real SQLite.

#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::needless_pass_by_value,
    clippy::string_slice,
    reason = "a test may end where an answer may not, and its cases read better by value"
)]

mod corpus;
mod given;
#[path = "../support/scenario.rs"]
mod scenario;
mod sqlite;
mod steps;
mod support;

mod audit;
mod auth;
mod binding;
mod binding_laws;
mod bounds;
mod bulk;
mod bulk_errors;
mod bulk_laws;
mod connection_rules;
mod connections;
mod costs;
mod cursor_laws;
mod cursors;
mod declared;
mod declared_errors;
mod deletion;
mod discovery;
mod errors;
mod events;
mod filter;
mod filter_bind;
mod filter_laws;
mod filter_matches;
mod fuzz;
mod fuzz_requests;
mod gate;
mod groups;
mod guards_lifecycle;
mod guards_lists;
mod guards_membership;
mod guards_patch;
mod health;
mod idempotency;
mod keys;
mod limits;
mod lists;
mod member_laws;
mod member_origins;
mod members;
mod migrations;
mod nested;
mod orders;
mod pages;
mod patch;
mod patch_clients;
mod patch_errors;
mod patch_extensions;
mod patch_laws;
mod patch_members;
mod path;
mod pinned;
mod plans;
mod policies;
mod prefilter;
mod presets;
mod projection;
mod registry;
mod requests;
mod resource;
mod resource_errors;
mod route;
mod shapes;
mod sorting;
mod store;
mod tags;
mod tidy;
mod tolerances;
mod transactions;
mod transfer;
mod transfer_laws;
mod types;
mod users;
mod vectors;
mod versions;
