//! What is known of deliveries, and what is not: types that a stream had not, and failures that are
//! forgotten.

use muster::limits;
use muster::policy::FormerTypes;
use muster::store::deliveries::{self, DELIVERED, DeliveryRow, FAILED};
use serde_json::{Value, json};

use crate::hooks::{URL, status};
use crate::streams_delivery::retitle;
use crate::support::Acme;

fn given() -> Acme {
    let mut acme = Acme::new();
    acme.stream(&json!({ "id": "crm", "url": URL, "types": ["user.created"] }));
    acme
}

fn types(acme: &mut Acme, types: &[&str]) {
    let reply = acme.admin("PATCH", "/streams/crm", &json!({ "types": types }));
    assert_eq!(reply.status, 200, "{}", reply.json());
}

/// The types of the events of which the stream's log tells, and what it tells of them.
fn told(acme: &mut Acme) -> Vec<(String, String)> {
    let text = |one: &Value, name: &str| one[name].as_str().expect("a text").to_owned();
    let all = acme.deliveries("crm", "?limit=1000");
    all.iter().map(|one| (text(one, "type"), text(one, "status"))).collect()
}

fn of(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(kind, status)| ((*kind).to_owned(), (*status).to_owned())).collect()
}

#[test]
fn types_that_are_added_count_for_what_the_stream_comes_to_from_then_on() {
    let mut acme = given();
    let ada = acme.user("ada");
    retitle(&mut acme, &ada, "1");
    acme.deliver(|_| status(204));
    types(&mut acme, &["user.*"]);
    retitle(&mut acme, &ada, "2");
    for delivers in [false, true] {
        if delivers {
            assert_eq!(acme.deliver(|_| status(204)).len(), 1);
        }
        acme.sleep();
        let last = if delivers { "delivered" } else { "waiting" };
        assert_eq!(told(&mut acme), of(&[("user.created", "delivered"), ("user.updated", last)]));
    }
    // Others again, and the first of them are remembered.
    types(&mut acme, &["user.updated", "group.*"]);
    acme.group("crew", &[]);
    acme.deliver(|_| status(204));
    let expected = of(&[("user.updated", "delivered"), ("group.created", "delivered")]);
    assert_eq!(told(&mut acme), expected);
    // What is replayed is all of what it takes now.
    let replayed = acme.admin("POST", "/streams/crm/replay", &json!({ "after": 0 }));
    assert_eq!(replayed.status, 200);
    assert_eq!(acme.deliver(|_| status(204)).len(), 3);
    acme.sleep();
    assert_eq!(told(&mut acme).len(), 3);
}

#[test]
fn a_step_that_was_on_its_way_had_the_types_of_then() {
    let mut acme = given();
    let ada = acme.user("ada");
    retitle(&mut acme, &ada, "1");
    acme.user("bob");
    let mut batches = acme.batches().expect("a step");
    types(&mut acme, &["user.*"]);
    acme.hand_over(&mut batches[0], &mut |_| status(204));
    acme.land(&batches[0]).expect("it is noted");
    acme.sleep();
    assert_eq!(told(&mut acme), of(&[("user.created", "delivered"); 2]));
    retitle(&mut acme, &ada, "2");
    acme.wait(2);
    assert_eq!(acme.deliver(|_| status(204)).len(), 1);
}

#[test]
fn so_many_former_types_are_remembered() {
    let mut former = FormerTypes::default();
    assert!(former.took(1, "user.created"));
    let types = |number: i64| if number % 2 == 0 { "group.*" } else { "user.* key.revoked" };
    let most = i64::try_from(limits::FORMER_TYPES).expect("a number");
    for number in 1..=most {
        assert_eq!(former.add(number * 10, types(number)), None);
    }
    assert_eq!(former.add(most * 10, "key.*"), None, "it has come to nothing since then");
    assert_eq!(FormerTypes::stored(&former.to_stored()), former);
    assert!(former.took(10, "user.created") && !former.took(11, "user.created"));
    assert!(former.took(20, "group.created") && former.took(most * 10 + 1, "group.created"));
    assert_eq!(former.add(most * 10 + 1, types(most)), None, "these are the same");
    assert_eq!(former.add(most * 10 + 2, "key.*"), Some(10), "the first is forgotten");
    former.cut(15);
    assert!(former.took(15, "group.created") && !former.took(15, "user.created"));
    assert!(former.took(16, "user.created"), "that is handed over anew");
    former.cut(0);
    assert!(former.took(1, "user.created"));
    // A stream forgets what it was then, and says so.
    let mut acme = given();
    acme.user("ada");
    acme.deliver(|_| status(204));
    for number in 0..=most {
        self::types(
            &mut acme,
            &["user.created", "key.revoked"][usize::from(number % 2 == 0)..][..1],
        );
        acme.wait(2);
        acme.user(&number.to_string());
        acme.deliver_for(2, |_| status(204));
    }
    self::types(&mut acme, &["user.created"]);
    assert_eq!(told(&mut acme)[0], ("user.created".to_owned(), "unknown".to_owned()));
}

#[test]
fn what_went_well_is_forgotten_before_what_has_failed() {
    let acme = given();
    let put = |seq: i64, state: &str| {
        let row = DeliveryRow {
            seq,
            state: state.to_owned(),
            attempts: 2,
            due: 0,
            first: Some(1),
            last: Some(2),
            reason: None,
            answer: None,
            ids: "x".to_owned(),
        };
        deliveries::put(&acme.sql, "crm", &row).expect("it is written");
    };
    let forget = |kept| deliveries::forget_finished(&acme.sql, "crm", kept).expect("it is done");
    let left = || -> Vec<i64> {
        let rows = deliveries::between(&acme.sql, "crm", (0, 100)).expect("rows");
        rows.iter().map(|row| row.seq).collect()
    };
    for (seq, state) in (1..).zip([FAILED, DELIVERED, FAILED, DELIVERED, DELIVERED, "retrying"]) {
        put(seq, state);
    }
    assert_eq!((forget(5), left()), (None, vec![1, 2, 3, 4, 5, 6]));
    assert_eq!((forget(3), left()), (None, vec![1, 3, 5, 6]));
    assert_eq!((forget(1), left()), (Some(1), vec![3, 6]));
    assert_eq!((forget(0), left()), (Some(3), vec![6]), "what is tried again stays");
}

#[test]
fn what_may_have_failed_is_unknown() {
    let mut acme = Acme::new();
    acme.stream(&json!({ "id": "crm", "kind": "setPoll", "types": ["user.created"] }));
    let first = acme.user("first");
    for number in 0..=limits::DELIVERIES_KEPT {
        acme.user(&format!("u{number}"));
    }
    let mut refused = 0;
    let poll = |acme: &mut Acme, body: Value| {
        let reply = acme.admin("POST", "/streams/crm/poll", &body);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()["sets"].as_object().expect("sets").keys().cloned().collect::<Vec<_>>()
    };
    let taken = poll(&mut acme, json!({ "maxEvents": 1 }));
    poll(&mut acme, json!({ "ack": taken, "maxEvents": 0 }));
    while refused <= limits::DELIVERIES_KEPT {
        let open = poll(&mut acme, json!({}));
        refused += open.len();
        let told: Value =
            open.into_iter().map(|jti| (jti, json!({ "err": "invalid_key" }))).collect();
        poll(&mut acme, json!({ "setErrs": told, "maxEvents": 0 }));
    }
    assert_eq!(acme.rows("deliveries"), i64::try_from(limits::DELIVERIES_KEPT).expect("a number"));
    for sleeps in [false, true] {
        if sleeps {
            acme.sleep();
        }
        let statuses: Vec<_> = told(&mut acme).into_iter().map(|(_, status)| status).collect();
        assert_eq!(statuses[..3], ["unknown", "unknown", "failed"]);
        let unknown = acme.deliveries("crm", "?status=unknown");
        assert_eq!((unknown.len(), unknown[0].get("deliveredAt")), (2, None));
    }
    let changes = acme.admin("GET", &format!("/users/{first}/changes"), &Value::Null).json();
    assert_eq!(changes["items"][0]["status"], "unknown", "{changes}");
    // What is handed over anew is known.
    acme.admin("POST", "/streams/crm/replay", &json!({ "after": 0 }));
    let taken = poll(&mut acme, json!({ "maxEvents": 1 }));
    poll(&mut acme, json!({ "ack": taken, "maxEvents": 0 }));
    assert_eq!(told(&mut acme)[0].1, "delivered");
}
