//! Streams: who is told of events, made, read, changed and ended.

use muster::http::Response;
use muster::limits;
use serde_json::{Value, json};

use crate::hooks::{URL, status};
use crate::steps::check_problem;
use crate::support::{ADMIN, Acme};

fn given() -> Acme {
    let mut acme = Acme::new();
    acme.user("before");
    acme
}

#[test]
fn a_stream_is_made_and_its_secret_shown_once() {
    let mut acme = given();
    let made = acme.stream(&json!({ "id": "crm", "url": URL, "types": ["user.*"] }));
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "{secret}");
    let expected = json!({
        "id": "crm", "kind": "webhook", "url": URL, "types": ["user.*"], "signature": "v1",
        "state": "enabled", "disabledReason": null, "after": 3, "unfinished": 0,
        "failingSince": null, "pausedUntil": null, "createdAt": "2026-09-21T14:13:20.000Z",
    });
    let mut with_secret = expected.clone();
    with_secret["secret"] = json!(secret);
    assert_eq!(made, with_secret);
    for sleeps in [false, true] {
        if sleeps {
            acme.sleep();
        }
        assert_eq!(acme.shown_stream("crm"), expected);
        let listed = acme.admin("GET", "/streams", &Value::Null).json();
        assert_eq!(listed, json!({ "items": [expected] }));
    }
    // Neither it nor what it encodes is in any row.
    let rows = format!("{:?}", acme.dump());
    assert!(!rows.contains(&secret["whsec_".len()..]), "{rows}");
    let event = acme.events()[2].clone();
    assert_eq!(event["type"], "stream.created");
    let data = (&event["data"]["resourceType"], &event["data"]["id"], &event["data"]["host"]);
    assert_eq!(data, (&json!("Stream"), &json!("crm"), &json!("hooks.example.com")));
}

/// Path and query may be what the receiver knows a sender by.
#[test]
fn the_feed_tells_of_an_address_its_host_alone() {
    let mut acme = given();
    let secret = "T000/hush";
    acme.stream(&json!({ "id": "crm", "url": format!("https://a.example.com:443/{secret}") }));
    acme.stream(&json!({ "id": "erp", "url": format!("https://b.example.com?{secret}") }));
    acme.stream(&json!({ "id": "sap", "kind": "setPoll" }));
    let moved = json!({ "url": format!("{URL}?{secret}") });
    assert_eq!(acme.admin("PATCH", "/streams/crm", &moved).status, 200);
    let events = acme.events();
    let of = |kind: &str, name: &str| -> Vec<Value> {
        let of_kind = events.iter().filter(|event| event["type"] == kind);
        of_kind.map(|event| event["data"][name].clone()).collect()
    };
    let hosts = [json!("a.example.com:443"), json!("b.example.com"), Value::Null];
    assert_eq!(of("stream.created", "host"), hosts);
    assert_eq!(of("stream.updated", "changed"), [json!(["url"])]);
    assert!(!json!(events).to_string().contains("hush"));
    assert_eq!(acme.shown_stream("crm")["url"], moved["url"], "who may write streams reads it");
}

#[test]
fn a_stream_signed_with_a_pair_shows_its_public_key_each_time() {
    let mut acme = given();
    let made = acme.stream(&json!({ "id": "crm", "url": URL, "signature": "v1a" }));
    assert_eq!(made["secret"], Value::Null);
    let key = made["publicKey"].as_str().expect("a key").to_owned();
    assert!(key.starts_with("whpk_"), "{key}");
    assert_eq!(acme.shown_stream("crm")["publicKey"], key);
    let listed = acme.admin("GET", "/streams", &Value::Null).json();
    assert_eq!(listed["items"][0]["publicKey"], key);
    acme.user("ada");
    let sent = acme.deliver(|_| status(204));
    assert_eq!((sent[0].pairs, sent[0].signatures.len()), (1, 0));
}

#[test]
fn what_is_no_stream_is_refused() {
    let mut acme = given();
    let types = vec!["user.*"; limits::STREAM_TYPES + 1];
    for (body, status, code) in [
        (json!({}), 400, "malformed"),
        (json!({ "url": 1 }), 400, "malformed"),
        (json!({ "url": URL, "id": "a b" }), 400, "malformed"),
        (json!({ "url": URL, "id": 7 }), 400, "malformed"),
        (json!({ "url": URL, "kind": "carrier" }), 400, "malformed"),
        (json!({ "url": URL, "kind": 1 }), 400, "malformed"),
        (json!({ "url": URL, "signature": "v2" }), 400, "malformed"),
        (json!({ "url": URL, "types": "user.*" }), 400, "malformed"),
        (json!({ "url": URL, "types": [1] }), 400, "malformed"),
        (json!({ "url": URL, "after": -1 }), 400, "malformed"),
        (json!({ "url": URL, "after": "1" }), 400, "malformed"),
        (json!({ "url": URL, "secret": "whsec_AAAA" }), 400, "malformed"),
        (json!({ "url": URL, "after": 3 }), 422, "contradictory"),
        (json!({ "url": URL, "types": ["users.*"] }), 422, "contradictory"),
        (json!({ "url": URL, "types": ["*"] }), 422, "contradictory"),
        (json!({ "url": URL, "types": ["user"] }), 422, "contradictory"),
        (json!({ "url": URL, "types": ["user.x*"] }), 422, "contradictory"),
        (json!({ "url": URL, "types": ["user.delet"] }), 422, "contradictory"),
        (json!({ "url": URL, "types": ["domain.*"] }), 422, "contradictory"),
        (json!({ "url": URL, "types": ["user.a.b.*"] }), 422, "contradictory"),
        (json!({ "url": URL, "types": ["role.activated"] }), 422, "contradictory"),
        (json!({ "url": URL, "types": types }), 422, "contradictory"),
        (json!({ "url": "http://hooks.example.com" }), 422, "contradictory"),
    ] {
        let before = acme.dump();
        let reply = acme.admin("POST", "/streams", &body);
        assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(code)), "{body}");
        assert_eq!(acme.dump(), before, "{body}");
    }
    let misspelt = json!({ "url": URL, "types": ["user.*", "connection.secret.*", "user.delet"] });
    let detail = "`types[2]` is neither a type of events nor a family of them such as `user.*`";
    acme.admin_refused("POST", "/streams", &misspelt, (422, "contradictory", detail));
    acme.hook("crm");
    let taken = json!({ "id": "crm", "url": URL });
    let detail = "there is a stream of this id";
    acme.admin_refused("POST", "/streams", &taken, (409, "conflict", detail));
    for _ in 1..limits::STREAMS_PER_TENANT {
        acme.stream(&json!({ "url": URL }));
    }
    let detail = "the tenant has too many streams";
    acme.admin_refused("POST", "/streams", &json!({ "url": URL }), (409, "conflict", detail));
    for (method, path) in [
        ("GET", "/streams/none"),
        ("PATCH", "/streams/none"),
        ("DELETE", "/streams/none"),
        ("POST", "/streams/none/test"),
        ("POST", "/streams/none/rotate-secret"),
        ("GET", "/streams/none/deliveries"),
        ("GET", "/streams/none/changes"),
        ("POST", "/streams/none/poll"),
    ] {
        let reply = acme.admin(method, path, &json!({}));
        assert_eq!(reply.status, 404, "{method} {path}");
    }
}

#[test]
fn a_stream_is_changed_disabled_enabled_and_deleted() {
    let mut acme = given();
    acme.hook("crm");
    let events = acme.events().len();
    let patch = |acme: &mut Acme, body: Value| {
        let reply = acme.admin("PATCH", "/streams/crm", &body);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()
    };
    let changed =
        patch(&mut acme, json!({ "url": format!("{URL}/2"), "types": ["group.created"] }));
    assert_eq!(
        (&changed["url"], &changed["types"]),
        (&json!(format!("{URL}/2")), &json!(["group.created"]))
    );
    let again = patch(&mut acme, json!({ "url": format!("{URL}/2") }));
    assert_eq!(again, changed, "what is the same is no change");
    acme.user("ada");
    acme.group("crew", &[]);
    assert_eq!(patch(&mut acme, json!({ "state": "disabled" }))["state"], "disabled");
    assert!(acme.deliver(|_| status(204)).is_empty());
    acme.sleep();
    assert_eq!(patch(&mut acme, json!({ "state": "enabled" }))["state"], "enabled");
    let sent = acme.deliver(|_| status(204));
    assert_eq!(
        sent.iter().map(|one| (one.kind(), one.url.as_str())).collect::<Vec<_>>(),
        [("group.created", &*format!("{URL}/2"))]
    );
    for body in [json!({ "state": "on" }), json!({ "kind": "webhook" }), json!({ "url": null })] {
        assert_eq!(acme.admin("PATCH", "/streams/crm", &body).status, 400, "{body}");
    }
    let local = json!({ "url": "https://localhost/" });
    assert_eq!(acme.admin("PATCH", "/streams/crm", &local).status, 422);
    assert_eq!(acme.admin("DELETE", "/streams/crm", &Value::Null).status, 204);
    let types = acme.event_types(events);
    let streams: Vec<&String> = types.iter().filter(|one| one.starts_with("stream.")).collect();
    assert_eq!(streams, ["stream.updated", "stream.disabled", "stream.updated", "stream.deleted"]);
    for table in ["streams", "deliveries", "followers"] {
        assert_eq!(acme.rows(table), 0, "{table}");
    }
    acme.user("eve");
    assert!(acme.deliver(|_| status(204)).is_empty());
}

#[test]
fn the_audience_of_tokens_is_changed_as_it_is_given() {
    let mut acme = given();
    acme.stream(&json!({ "id": "crm", "kind": "setPush", "url": URL, "audience": "crm.example" }));
    acme.stream(&json!({ "id": "erp", "kind": "setPoll" }));
    acme.hook("plain");
    let patch = |acme: &mut Acme, id: &str, audience: &Value| {
        let body = json!({ "audience": audience });
        let reply = acme.admin("PATCH", &format!("/streams/{id}"), &body);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()["audience"].clone()
    };
    for audience in [json!("crm.example/2"), Value::Null] {
        let shown = patch(&mut acme, "crm", &audience);
        assert_eq!(shown, if audience.is_null() { json!(URL) } else { audience });
        let event = acme.events().pop().expect("an event");
        assert_eq!(event["data"]["changed"], json!(["audience"]));
        acme.sleep();
        acme.user(shown.as_str().expect("a text"));
        let sent = acme.deliver_for(2, |_| status(202));
        let tokens: Vec<_> = sent.iter().filter(|one| one.kid.is_some()).collect();
        assert_eq!(tokens.last().expect("a token").body["aud"], shown);
    }
    assert_eq!(patch(&mut acme, "erp", &json!("erp.example")), "erp.example");
    assert_eq!(patch(&mut acme, "erp", &Value::Null), "erp");
    let long = "x".repeat(limits::SET_CHARACTERS + 1);
    for (id, audience, status) in [
        ("plain", json!("x"), 422),
        ("crm", json!(1), 400),
        ("crm", json!(""), 400),
        ("crm", json!(long), 422),
    ] {
        let body = json!({ "audience": audience });
        let reply = acme.admin("PATCH", &format!("/streams/{id}"), &body);
        assert_eq!(reply.status, status, "{id} {audience}");
    }
}

#[test]
fn only_a_key_for_streams_opens_them() {
    let mut acme = given();
    let key = acme.mint(&["streams:write"]);
    let (path, crm) = ("/v1/tenants/acme/streams", json!({ "id": "crm", "url": URL }));
    assert_eq!(acme.ask("POST", path, &crm, &key).status, 403);
    let reader = acme.mint(&["streams:write", "events:read"]);
    assert_eq!(acme.ask("POST", path, &crm, &reader).status, 201);
    for path in ["", "/crm", "/crm/deliveries", "/crm/changes"] {
        let path = format!("/v1/tenants/acme/streams{path}");
        for (key, status) in [(key.as_str(), 200), (ADMIN, 200), (&acme.key.clone(), 403)] {
            assert_eq!(acme.ask("GET", &path, &Value::Null, key).status, status, "{path}");
        }
    }
}

#[test]
fn a_key_is_rotated_and_the_one_before_signs_for_the_overlap() {
    let mut acme = given();
    acme.hook("crm");
    let rotate = |acme: &mut Acme, body: &Value| {
        let reply = acme.admin("POST", "/streams/crm/rotate-secret", body);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()["secret"].as_str().expect("a secret").to_owned()
    };
    let second = rotate(&mut acme, &json!({ "overlap": "PT1H" }));
    let signatures = |acme: &mut Acme| {
        acme.user(&acme.now.timestamp().to_string());
        let sent = acme.deliver(|_| status(204));
        sent.last().expect("a message").signatures.len()
    };
    assert_eq!(signatures(&mut acme), 2);
    acme.wait(3_600);
    assert_eq!(signatures(&mut acme), 1);
    assert_ne!(rotate(&mut acme, &Value::Null), second);
    assert_eq!(signatures(&mut acme), 2);
    rotate(&mut acme, &json!({ "overlap": "PT0S" }));
    assert_eq!(signatures(&mut acme), 1);
    for overlap in [json!("PT25H"), json!(1), json!("soon")] {
        let reply =
            acme.admin("POST", "/streams/crm/rotate-secret", &json!({ "overlap": overlap }));
        let detail = "`overlap` is not a duration such as PT24H, between PT0S and PT24H";
        check_problem(&reply, (400, "malformed", detail), "an overlap");
    }
    assert_eq!(limits::KEY_OVERLAP_SECONDS, 86_400);
}

/// Keys are sealed by the first secret of the ring, and anew when another one is put in front.
#[test]
fn another_secret_of_the_deployment_takes_over_and_a_lost_one_ends_the_stream() {
    let mut acme = given();
    let first = crate::support::KEY_RING;
    let second = "k2:enp6enp6enp6enp6enp6enp6enp6enp6enp6enp6enp6";
    acme.hook("crm");
    let sealed = acme.dump();
    acme.rotate(&format!("{second},{first}"));
    acme.user("ada");
    let sent = acme.deliver(|_| status(204));
    assert_eq!(sent.last().expect("a message").signatures.len(), 1);
    assert_ne!(acme.dump(), sealed);
    acme.rotate(second);
    acme.key = acme.mint(&["scim"]);
    acme.user("bob");
    assert!(!acme.deliver(|_| status(204)).is_empty(), "it was sealed anew");
    acme.rotate("k3:eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXk");
    acme.key = acme.mint(&["scim"]);
    acme.user("eve");
    assert!(acme.deliver(|_| status(204)).is_empty());
    let shown = acme.shown_stream("crm");
    assert_eq!(shown["state"], "disabled");
    let why = "the secret that sealed the stream's key is gone from KEY_RING; `rotate-secret` makes another key";
    assert_eq!(shown["disabledReason"], why);
    assert_eq!(acme.admin("POST", "/streams/crm/test", &Value::Null).status, 409);
    assert_eq!(acme.admin("POST", "/streams/crm/rotate-secret", &Value::Null).status, 200);
    acme.admin("PATCH", "/streams/crm", &json!({ "state": "enabled" }));
    acme.wait(2);
    assert!(!acme.deliver(|_| status(204)).is_empty(), "nothing was lost");
}

#[test]
fn a_test_sends_one_message_whatever_the_state() {
    let mut acme = given();
    acme.hook("crm");
    acme.admin("PATCH", "/streams/crm", &json!({ "state": "disabled" }));
    let reply = acme.admin("POST", "/streams/crm/test", &Value::Null);
    assert_eq!(reply.status, 202);
    let delivery = acme.delivery.take().expect("a message to send");
    assert_eq!(delivery.id, reply.json()["id"].as_str().expect("an id"));
    assert!(delivery.body.contains("stream.test"), "{}", delivery.body);
    assert_eq!(delivery.signatures().len(), 1);
    let answered = |came| -> Value {
        let answered = delivery.tested(&came, Response::default());
        serde_json::from_slice(&answered.body).expect("JSON")
    };
    let well = answered(status(204));
    assert_eq!(
        (&well["delivered"], &well["status"], &well["reason"]),
        (&json!(true), &json!(204), &Value::Null)
    );
    let badly = answered(status(401));
    assert_eq!(
        (&badly["delivered"], &badly["reason"]),
        (&json!(false), &json!("401 invalid authentication"))
    );
    let nobody = answered(muster::policy::Delivered::Unreachable);
    assert_eq!((&nobody["status"], &nobody["reason"]), (&Value::Null, &json!("no connection")));
    // A key is told what is left to it, as it is by all answers.
    let first = Response::json(202, &json!({})).with("x-rate-limit-remaining", "8");
    let told = delivery.tested(&status(204), first);
    assert_eq!((told.status, told.header("x-rate-limit-remaining")), (200, Some("8")));
    assert_eq!(told.headers.len(), 3, "{:?}", told.headers);
    assert_eq!(acme.admin("POST", "/streams/crm/test", &json!({ "x": 1 })).status, 400);
    acme.user("ada");
    assert!(acme.delivery.is_none(), "once");
}
