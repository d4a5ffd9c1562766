//! Steps of streams that fail within the service: they come again, and nobody else waits for them.

use chrono::TimeDelta;
use serde_json::json;

use crate::hooks::{URL, status};
use crate::streams_delivery::retitle;
use crate::support::Acme;

#[test]
fn what_nobody_knows_any_more_is_not_counted() {
    let mut acme = Acme::new();
    acme.stream(&json!({ "id": "crm", "url": URL, "types": ["user.created"] }));
    acme.user("ada");
    acme.deliver(|_| status(503));
    acme.policy(&json!({ "retainEvents": "P7D" }));
    acme.wait(45 * 86_400);
    let bob = acme.user("bob");
    retitle(&mut acme, &bob, "x");
    acme.alarm().expect("the alarm does its step");
    assert_eq!(acme.rows("events"), 2);
    let mut batches = acme.batches().expect("a step");
    assert_eq!((batches[0].len(), acme.rows("deliveries")), (1, 0));
    assert_eq!(acme.shown_stream("crm")["unfinished"], 0);
    acme.hand_over(&mut batches[0], &mut |_| status(204));
    acme.land(&batches[0]).expect("it is noted");
    assert!(!acme.tenant.hands_over(acme.now + TimeDelta::hours(1)), "nothing is left");
}
