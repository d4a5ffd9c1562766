//! A tenant that is suspended sends nothing, and loses nothing by that.

use chrono::TimeDelta;
use muster::limits;
use serde_json::json;

use crate::hooks::{Sent, status};
use crate::streams_delivery::{given, retitle};

fn seqs(sent: &[Sent]) -> Vec<i64> {
    sent.iter().map(Sent::seq).collect()
}

#[test]
fn a_suspended_tenants_streams_wait_and_go_on_where_they_were() {
    let mut acme = given();
    let ada = acme.user("ada");
    acme.deliver(|_| status(500));
    retitle(&mut acme, &ada, "held");
    let bob = acme.user("bob");
    let seq = acme.events_count();
    for round in 0..3 {
        assert!(acme.tenant.hands_over(acme.now) || round > 0);
        acme.tenant.hold_streams(acme.now);
        assert!(!acme.tenant.hands_over(acme.now));
        let before = acme.dump();
        assert!(acme.batches().expect("steps").is_empty());
        assert_eq!(acme.dump(), before);
        let due = acme.tenant.alarm_in_milliseconds(acme.now);
        assert!(due <= Some(limits::SUSPENDED_MILLISECONDS), "it is looked after again: {due:?}");
        acme.now += TimeDelta::milliseconds(limits::SUSPENDED_MILLISECONDS - 1);
        assert!(acme.batches().expect("steps").is_empty());
        acme.now += TimeDelta::milliseconds(1);
        assert!(acme.tenant.hands_over(acme.now));
    }
    acme.tenant.hold_streams(acme.now);
    let request = acme.admin("PATCH", "/streams/crm", &json!({ "types": [] }));
    assert_eq!(request.status, 200);
    assert!(!acme.tenant.hands_over(acme.now), "the administrator asks whatever a tenant is");
    acme.get(&format!("/Users/{bob}"));
    assert!(acme.tenant.hands_over(acme.now), "a key asks nothing of a suspended one");
    let mut sent = seqs(&acme.deliver(|_| status(204)));
    sent.sort_unstable();
    // The first event, the second of the same user behind it, and the other user's.
    assert_eq!(sent[..3], [seq - 2, seq - 1, seq]);
    assert_eq!(acme.deliveries("crm", "?status=held").len(), 0);
}

#[test]
fn who_wakes_asks_anew_whether_the_tenant_is_suspended() {
    let mut acme = given();
    acme.user("ada");
    acme.tenant.hold_streams(acme.now);
    acme.sleep();
    acme.alarm().expect("the alarm wakes it");
    assert!(acme.tenant.hands_over(acme.now));
    assert_eq!(acme.deliver(|_| status(204)).len(), 1);
    assert!(!acme.tenant.hands_over(acme.now), "nothing is due");
}
