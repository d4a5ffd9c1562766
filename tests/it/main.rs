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
mod suspensions;

mod access;
mod access_laws;
mod access_limits;
mod access_order;
mod access_states;
mod assertions;
mod attribute_rules;
mod audit;
mod auth;
mod authority;
mod binding;
mod binding_laws;
mod bounds;
mod brake;
mod bulk;
mod bulk_errors;
mod bulk_laws;
mod changes;
mod clock;
mod config;
mod connection_life;
mod connection_rules;
mod connections;
mod constraints;
mod costs;
mod cursor_laws;
mod cursors;
mod declared;
mod declared_errors;
mod declared_parts;
mod declared_values;
mod deletion;
mod departures;
mod discovery;
mod errors;
mod event_names;
mod events;
mod eviction_laws;
mod filter;
mod filter_bind;
mod filter_laws;
mod filter_matches;
mod first_calls;
mod fuzz;
mod fuzz_requests;
mod gate;
mod group_kinds;
mod groups;
mod guarded;
mod guards_lifecycle;
mod guards_lists;
mod guards_membership;
mod guards_patch;
mod health;
mod held_deletions;
mod hosts;
mod idempotency;
mod import_errors;
mod isolation;
mod key_rotation;
mod key_uses;
mod keys;
mod limits;
mod lists;
mod member_laws;
mod member_origins;
mod members;
mod membership_only;
mod migrations;
mod nested;
mod oauth;
mod oauth_forms;
mod openapi;
mod openapi_order;
mod orders;
mod origin_laws;
mod outbound;
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
mod provenance;
mod rate_limits;
mod registry;
mod requests;
mod resource;
mod resource_errors;
mod route;
mod scopes;
mod shapes;
mod sorting;
mod standing;
mod standing_laws;
mod store;
mod tags;
mod tidy;
mod tolerances;
mod tombstones;
mod traces;
mod transactions;
mod transfer;
mod transfer_laws;
mod trusts;
mod types;
mod users;
mod vectors;
mod versions;
mod warnings;
