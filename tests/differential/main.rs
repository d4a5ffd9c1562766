//! The cases of the differential tests: generated filters and PATCHes, and what this engine makes of
//! them. `filters.py` and `patches.mjs` ask other implementations the same.
//!
//! `differential FOLDER [CASES [SEED]]` writes `filters.jsonl` and `patches.jsonl` to the folder.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "this is no answer to anybody: it may end where it fails"
)]

mod filters;
mod patches;
mod users;

use std::env;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

const CASES: usize = 4_000;
const SEED: u64 = 7_644;

fn main() {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().expect("a folder");
    let mut number =
        |default: u64| arguments.next().map_or(default, |text| text.parse().expect("a number"));
    let (cases, seed) = (number(CASES as u64), number(SEED));
    write(&folder, "filters.jsonl", filters::case(), cases, seed);
    write(&folder, "patches.jsonl", patches::case(), cases, seed);
}

/// One line for each case; a seed makes the same cases on every machine.
fn write(folder: &str, name: &str, case: impl Strategy<Value = Value>, cases: u64, seed: u64) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let mut file = BufWriter::new(File::create(Path::new(folder).join(name)).expect("a file"));
    for _ in 0..cases {
        let case = case.new_tree(&mut runner).expect("a case").current();
        writeln!(file, "{case}").expect("room on the disk");
    }
    file.flush().expect("room on the disk");
}
