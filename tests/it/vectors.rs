//! What identity providers send, walked against a tenant in this process.

use crate::scenario::walk_all;
use crate::support::Acme;

#[test]
fn every_recorded_shape_gets_its_answer() {
    walk_all(Acme::new);
}
