//! What identity providers send, walked over HTTP.

use crate::scenario::walk;
use crate::tenant::Tenant;

#[test]
fn every_recorded_shape_gets_its_answer_from_a_connection_of_its_preset() {
    walk(|_, _| true, |preset| Tenant::connected("vector", preset));
}
