//! What identity providers send, walked over HTTP.

use crate::scenario::walk_all;
use crate::tenant::Tenant;

#[test]
fn every_recorded_shape_gets_its_answer() {
    walk_all(|| Tenant::new("vector"));
}
