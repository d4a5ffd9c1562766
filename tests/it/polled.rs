//! Security event tokens for which the receiver asks (RFC 8936).

use std::collections::BTreeSet;

use muster::limits;
use muster::store::{Param, Sql as _};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;
use proptest::test_runner::Config;
use serde_json::{Map, Value, json};

use crate::support::Acme;

fn given() -> Acme {
    let mut acme = Acme::new();
    let made = acme.stream(&json!({ "id": "crm", "kind": "setPoll", "types": ["user.*"] }));
    let shown = (&made["url"], &made["audience"], &made["signature"]);
    assert_eq!(shown, (&Value::Null, &json!("crm"), &json!("ES256")));
    acme
}

fn poll(acme: &mut Acme, body: &Value) -> (Map<String, Value>, bool) {
    let mut body = body.clone();
    body["returnImmediately"] = json!(true);
    let reply = acme.admin("POST", "/streams/crm/poll", &body);
    assert_eq!(reply.status, 200, "{}", reply.json());
    let told = reply.json();
    let sets = told["sets"].as_object().expect("sets").clone();
    (sets, told["moreAvailable"].as_bool().expect("whether there is more"))
}

/// What is open, in the order of events.
fn open(acme: &mut Acme, body: &Value) -> Vec<String> {
    poll(acme, body).0.keys().cloned().collect()
}

#[test]
fn what_is_not_acknowledged_comes_again() {
    let mut acme = given();
    assert_eq!(poll(&mut acme, &json!({})), (Map::new(), false));
    let ada = acme.user("ada");
    acme.user("bob");
    assert!(acme.deliver(|_| panic!("nothing is sent")).is_empty());
    let (sets, more) = poll(&mut acme, &json!({ "maxEvents": 1 }));
    let (first, claims) = sets.iter().next().expect("a token");
    let claims: Value = serde_json::from_str(claims.as_str().expect("claims")).expect("JSON");
    let subject = json!({ "format": "scim", "uri": format!("/Users/{ada}") });
    assert_eq!((&claims["jti"], &claims["sub_id"], more), (&json!(first), &subject, true));
    acme.sleep();
    let both = open(&mut acme, &json!({}));
    assert_eq!((both.len(), &both[0]), (2, first));
    let left = open(&mut acme, &json!({ "ack": [first, "nonsense"] }));
    assert_eq!(left, both[1..]);
    acme.sleep();
    assert_eq!(open(&mut acme, &json!({ "maxEvents": 0, "ack": [left[0]] })), [""; 0]);
    assert_eq!(poll(&mut acme, &json!({})), (Map::new(), false));
    assert_eq!(acme.rows("deliveries"), 0);
    assert_eq!(acme.shown_stream("crm")["after"], acme.events().len());
}

#[test]
fn what_is_acknowledged_out_of_order_does_not_come_again() {
    let mut acme = given();
    for name in ["ada", "bob", "eve"] {
        acme.user(name);
    }
    let all = open(&mut acme, &json!({}));
    assert_eq!(open(&mut acme, &json!({ "ack": [all[1]] })), [all[0].clone(), all[2].clone()]);
    acme.sleep();
    assert_eq!(open(&mut acme, &json!({ "ack": [all[0]] })), all[2..]);
    let states = acme.deliveries("crm", "");
    let states: Vec<_> = states.iter().map(|one| one["status"].clone()).collect();
    assert_eq!(states, ["delivered", "delivered", "waiting"]);
}

#[test]
fn a_token_that_is_refused_has_failed_until_it_is_tried_again() {
    let mut acme = given();
    acme.user("ada");
    let [jti] = open(&mut acme, &json!({})).try_into().expect("one");
    let words = "x".repeat(limits::ANSWER_BYTES);
    let told = json!({ &jti: { "err": "invalid_audience", "description": format!("{words}x") } });
    assert_eq!(open(&mut acme, &json!({ "setErrs": told })), [""; 0]);
    let [row] = acme.deliveries("crm", "?status=failed").try_into().expect("one");
    assert_eq!((&row["reason"], &row["answer"]), (&json!("invalid_audience"), &json!(words)));
    let event = acme.events().pop().expect("an event");
    assert_eq!(
        (&event["type"], &event["data"]["reason"]),
        (&json!("change.failed"), &json!("invalid_audience"))
    );
    let seq = row["seq"].to_string();
    let reply = acme.admin("POST", &format!("/changes/{seq}/retry"), &json!({}));
    assert_eq!(reply.status, 200);
    assert_eq!(open(&mut acme, &json!({})).as_slice(), std::slice::from_ref(&jti));
    assert_eq!(open(&mut acme, &json!({ "ack": [jti] })), [""; 0]);
    let [row] = acme.deliveries("crm", "?status=delivered").try_into().expect("one");
    assert_eq!(row["webhookId"], jti);
}

#[test]
fn what_nobody_knows_any_more_is_not_asked_for_again() {
    let mut acme = given();
    acme.user("ada");
    let [jti] = open(&mut acme, &json!({})).try_into().expect("one");
    open(&mut acme, &json!({ "setErrs": { &jti: { "err": "jwtAud" } } }));
    let [row] = acme.deliveries("crm", "?status=failed").try_into().expect("one");
    let path = format!("/changes/{}/retry", row["seq"]);
    assert_eq!(acme.admin("POST", &path, &json!({})).status, 200);
    assert_eq!(acme.shown_stream("crm")["unfinished"], 1);
    acme.policy(&json!({ "retainEvents": "P7D" }));
    acme.wait(45 * 86_400);
    acme.user("bob");
    acme.alarm().expect("the alarm does its step");
    assert_eq!(open(&mut acme, &json!({ "ack": [jti] })).len(), 1);
    assert_eq!((acme.rows("deliveries"), &acme.shown_stream("crm")["unfinished"]), (0, &json!(0)));
}

#[test]
fn a_poll_writes_no_row_but_the_streams_place() {
    let mut acme = given();
    for number in 0..=limits::POLLED_SETS {
        acme.user(&format!("u{number}"));
    }
    let (sets, more) = poll(&mut acme, &json!({ "maxEvents": 1_000_000 }));
    assert_eq!((sets.len(), more), (limits::POLLED_SETS, true));
    let before = acme.dump();
    poll(&mut acme, &json!({}));
    assert_eq!(acme.dump(), before);
    let taken: Vec<_> = sets.keys().collect();
    let before = acme.events_count();
    poll(&mut acme, &json!({ "ack": taken }));
    assert_eq!((acme.events_count(), acme.rows("deliveries")), (before, 0));
    acme.sleep();
    assert_eq!(open(&mut acme, &json!({})).len(), 1);
}

#[test]
fn a_poll_for_which_there_is_nothing_waits() {
    let mut acme = given();
    let reply = acme.admin("POST", "/streams/crm/poll", &json!({}));
    assert_eq!(reply.json(), json!({ "sets": {}, "moreAvailable": false }));
    let waits = acme.waits.expect("it waits");
    assert_eq!(waits.milliseconds, limits::POLL_SECONDS * 1_000);
    acme.user("ada");
    acme.admin("POST", "/streams/crm/poll", &json!({}));
    assert_eq!(acme.waits, None);
}

#[test]
fn an_answer_to_a_poll_tells_what_is_left_of_a_rate_limit() {
    let mut acme = given();
    acme.policy(&json!({ "rateLimit": { "perSecond": 1, "burst": 9 } }));
    let key = acme.mint(&["events:read"]);
    let reply = acme.ask("POST", "/v1/tenants/acme/streams/crm/poll", &json!({}), &key);
    assert_eq!((reply.status, &*reply.headers["x-rate-limit-remaining"]), (200, "8"));
}

#[test]
fn what_is_no_poll_is_refused() {
    let mut acme = given();
    for body in [
        json!({ "maxEvents": -1 }),
        json!({ "maxEvents": "1" }),
        json!({ "returnImmediately": 1 }),
        json!({ "ack": "x" }),
        json!({ "ack": [1] }),
        json!({ "setErrs": [] }),
        json!({ "setErrs": { "x": {} } }),
        json!({ "setErrs": { "x": { "err": 1 } } }),
        json!({ "more": 1 }),
    ] {
        assert_eq!(acme.admin("POST", "/streams/crm/poll", &body).status, 400, "{body}");
    }
    acme.hook("plain");
    for path in ["/streams/plain/poll", "/streams/crm/test"] {
        assert_eq!(acme.admin("POST", path, &json!({})).status, 409, "{path}");
    }
    let url = json!({ "kind": "setPoll", "url": "https://crm.example.com/" });
    assert_eq!(acme.admin("POST", "/streams", &url).status, 400);
    let url = json!({ "url": "https://crm.example.com/" });
    assert_eq!(acme.admin("PATCH", "/streams/crm", &url).status, 422);
    acme.admin("PATCH", "/streams/crm", &json!({ "state": "disabled" }));
    assert_eq!(acme.admin("POST", "/streams/crm/poll", &json!({})).status, 409);
}

/// Events of which some are so large that fewer are looked at together than there could be.
fn many(acme: &mut Acme) -> usize {
    let count = limits::BATCH_SCANNED * 2;
    acme.sql
        .query(
            "WITH RECURSIVE n (seq) AS (SELECT max(seq) + 1 FROM events
                UNION ALL SELECT seq + 1 FROM n LIMIT +?1)
             INSERT INTO events (seq, time, type, data) SELECT seq, 0, 'user.updated',
                json_object('id', 'x' || seq, 'title', hex(zeroblob(iif(seq % 97 < 3, 200000, 1))))
             FROM n",
            &[Param::Integer(count as i64)],
        )
        .expect("SQLite writes");
    acme.sleep();
    count
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 4, ..Config::default() })]

    #[test]
    fn whatever_was_handed_out_can_be_taken_at_any_time(
        lots in proptest::collection::vec((any::<Index>(), any::<Index>(), 1_usize..90), 60),
    ) {
        let mut acme = given();
        let count = many(&mut acme);
        let (mut handed, mut taken) = (BTreeSet::new(), BTreeSet::new());
        // As long as the first is not taken, and as long as it takes from then on.
        for (turn, (first, from, most)) in lots.iter().chain(lots.iter().cycle().take(4_000)).enumerate() {
            let left: Vec<String> = handed.difference(&taken).cloned().collect();
            if turn > lots.len() && left.is_empty() && handed.len() == count {
                break;
            }
            let mut ack: Vec<String> = Vec::new();
            if !left.is_empty() {
                let begin = from.index(left.len());
                ack.extend(left.iter().skip(begin).take(*most).cloned());
            }
            if turn < lots.len() {
                ack.retain(|jti| Some(jti) != handed.iter().next());
            } else {
                ack.extend(left.first().cloned());
            }
            taken.extend(ack.iter().cloned());
            if first.index(5) == 0 {
                acme.sleep();
            }
            let (sets, more) = poll(&mut acme, &json!({ "ack": ack }));
            prop_assert!(sets.keys().all(|jti| !taken.contains(jti)), "what was taken comes again");
            handed.extend(sets.keys().cloned());
            prop_assert!(more || handed.len() == count || turn < lots.len());
        }
        prop_assert_eq!((handed.len(), taken.len()), (count, count));
        let last = acme.events_count();
        prop_assert_eq!(&acme.shown_stream("crm")["after"], &json!(last));
        prop_assert_eq!(acme.deliveries("crm", "?status=waiting").len(), 0);
    }
}
