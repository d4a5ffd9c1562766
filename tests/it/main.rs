//! The native tests: one binary, every layer below `edge`, against real SQLite.

#![cfg(test)]

#[path = "../support/scenario.rs"]
mod scenario;
mod support;

mod filter;
mod filter_bind;
mod filter_laws;
mod filter_matches;
mod path;
mod vectors;
