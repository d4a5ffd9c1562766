//! The live tests: the Worker as `wrangler dev` serves it, spoken to over HTTP.
//!
//! `npm test` starts the Worker, says in the environment where it is, and runs them. They prove
//! what the native tests cannot: the wiring, the runtime, the database's own counters. Each test
//! makes tenants of its own, so that all run at once.

#![cfg(test)]

#[path = "../support/scenario.rs"]
mod scenario;

mod ask;
mod deployment;
mod tenant;
mod wire;

mod abuse;
mod access;
mod async_requests;
mod bases;
mod binding;
mod budgets;
mod changes;
mod concurrency;
mod config;
mod connections;
mod cost_headers;
mod declared;
mod deletion;
mod edge_reads;
mod errors;
mod events;
mod feed;
mod first_calls;
mod hosts;
mod isolation;
mod isolation_clients;
mod keys;
mod large_group;
mod life;
mod log;
mod matching;
mod methods;
mod oauth;
mod odd_bodies;
mod odd_requests;
mod openapi;
mod paths;
mod presets;
mod rate_limits;
mod records;
mod tenants;
mod trusts;
mod vectors;
mod walks;
