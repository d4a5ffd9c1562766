//! Security event tokens: what they claim, who is told by them, and which keys verify them.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use muster::auth::token;
use muster::event::token::{URIS, uri};
use muster::limits;
use muster::policy::Delivered;
use serde_json::{Value, json};

use crate::hooks::{Sent, URL, status, token_pair};
use crate::steps::patch_op;
use crate::support::{Acme, ORIGIN};

const PREFIX: &str = "urn:ietf:params:scim:event:prov:";

fn given() -> (Acme, Value) {
    let mut acme = Acme::new();
    let made = acme.stream(&json!({ "id": "crm", "kind": "setPush", "url": URL }));
    (acme, made)
}

/// The tenant's keys, as anybody reads them.
pub(crate) fn key_set(acme: &mut Acme) -> Vec<Value> {
    let reply = acme.public("/.well-known/jwks.json");
    assert_eq!(reply.status, 200);
    let kept = format!("public, max-age={}", limits::KEY_SET_SECONDS);
    assert_eq!(reply.headers.get("cache-control"), Some(&kept));
    reply.json()["keys"].as_array().expect("keys").clone()
}

fn told(sent: &[Sent]) -> Vec<(String, String, Value)> {
    let of = |one: &Sent| {
        let events = one.body["events"].as_object().expect("events");
        let (uri, told) = events.iter().next().expect("an event");
        assert_eq!(events.len(), 1, "{events:?}");
        let what = uri.strip_prefix(PREFIX).expect("of provisioning").to_owned();
        (what, one.body["sub_id"]["uri"].as_str().expect("a path").to_owned(), told.clone())
    };
    sent.iter().map(of).collect()
}

#[test]
fn a_token_claims_what_the_profile_wants_and_the_same_each_time() {
    let (mut acme, made) = given();
    acme.wait(7);
    let ada = acme.user("ada");
    let seconds = acme.now.timestamp();
    let first = acme.deliver(|_| status(500)).pop().expect("a token");
    let seq = acme.events().len();
    let txn = format!("acme_{seq}_{}", seconds * 1_000);
    let expected = json!({
        "iss": format!("{ORIGIN}/t/acme"), "aud": URL, "iat": seconds, "jti": format!("{txn}_crm"),
        "txn": txn, "sub_id": { "format": "scim", "uri": format!("/Users/{ada}") },
        "events": { "urn:ietf:params:scim:event:prov:create:notice": { "attributes": ["userName"] } },
    });
    assert_eq!(first.body, expected);
    assert_eq!(first.kid.as_ref(), made["keyId"].as_str().map(str::to_owned).as_ref());
    assert!(first.kid.is_some() && first.signatures.is_empty());
    let again = acme.deliver_for(10, |_| status(202)).pop().expect("a token");
    assert_eq!((again.body, again.id), (expected, first.id.clone()));
    let [row] = acme.deliveries("crm", "?status=delivered").try_into().expect("one");
    assert_eq!((&row["attempts"], &row["webhookId"]), (&json!(2), &json!(first.id)));
}

#[test]
fn events_of_resources_are_told_without_values_and_others_are_not() {
    let (mut acme, _) = given();
    let ada = acme.user("ada");
    let crew = acme.group("crew", &[]);
    let change =
        |path: &str, value: Value| json!([{ "op": "replace", "path": path, "value": value }]);
    let path = format!("/Users/{ada}");
    for operation in [change("title", json!("Dr")), change("active", json!(false))] {
        acme.scim("PATCH", &path, &patch_op(&operation));
    }
    acme.scim("PATCH", &path, &patch_op(&change("active", json!(true))));
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]);
    acme.scim("PATCH", &format!("/Groups/{crew}"), &patch_op(&add));
    acme.scim("DELETE", &format!("/Groups/{crew}"), &Value::Null);
    acme.wait(5);
    let sent = acme.deliver_for(10, |_| status(202));
    let (user, group) = (format!("/Users/{ada}"), format!("/Groups/{crew}"));
    let of = |what: &str, about: &str, told| (what.to_owned(), about.to_owned(), told);
    let all = told(&sent);
    for expected in [
        of("create:notice", &user, json!({ "attributes": ["userName"] })),
        of("create:notice", &group, json!({ "attributes": ["displayName"] })),
        of("patch:notice", &user, json!({ "attributes": ["title"] })),
        of("deactivate", &user, json!({})),
        of("activate", &user, json!({})),
        of("patch:notice", &group, json!({ "attributes": ["members"] })),
        of("delete", &group, json!({})),
    ] {
        assert!(all.contains(&expected), "{expected:?} in {all:?}");
    }
    let events = acme.event_types(0);
    assert!(events.contains(&"stream.created".to_owned()), "{events:?}");
    let tellable = events.iter().filter(|kind| uri(kind).is_some()).count();
    assert_eq!(sent.len(), tellable);
    for kind in ["change.failed", "key.created", "user.access.changed", "user.linked", "x.created"]
    {
        assert_eq!(uri(kind), None, "{kind}");
    }
    for kind in ["role.created", "entitlement.updated", "agent.deleted", "user.activated"] {
        assert!(uri(kind).is_some_and(|uri| URIS.contains(&uri)), "{kind}");
    }
}

#[test]
fn the_keys_of_all_streams_are_public_and_one_that_was_replaced_for_its_overlap() {
    let mut acme = Acme::new();
    assert_eq!(key_set(&mut acme), Vec::<Value>::new());
    acme.hook("plain");
    let crm = acme.stream(&json!({ "id": "crm", "kind": "setPush", "url": URL }));
    let erp = acme.stream(&json!({ "id": "erp", "kind": "setPush", "url": URL }));
    let kids = |acme: &mut Acme| -> Vec<Value> {
        key_set(acme).into_iter().map(|key| key["kid"].clone()).collect()
    };
    let (old, other) = (crm["keyId"].clone(), erp["keyId"].clone());
    assert_eq!(kids(&mut acme), [old.clone(), other.clone()]);
    let body = json!({ "overlap": "PT1H" });
    let turned = acme.admin("POST", "/streams/crm/rotate-secret", &body).json();
    let new = turned["keyId"].clone();
    assert_eq!(kids(&mut acme), [new.clone(), old, other.clone()]);
    acme.user("ada");
    let sent = acme.deliver(|_| status(202));
    assert!(sent.iter().any(|one| one.kid.as_deref() == new.as_str()), "{sent:?}");
    acme.sleep();
    acme.wait(3_600);
    assert_eq!(kids(&mut acme), [new, other]);
    let [key, _] = key_set(&mut acme).try_into().expect("two");
    let names: Vec<&String> = key.as_object().expect("a key").keys().collect();
    assert_eq!(names, ["kty", "crv", "x", "y", "kid", "use", "alg"], "and nothing private");
    acme.rotate("new:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(key_set(&mut acme), Vec::<Value>::new());
}

#[test]
fn a_token_has_a_header_of_its_own_type() {
    let pair = token_pair(7);
    let whole = token(&pair.signed("{}"), &[1, 2, 3]);
    let [header, claims, signature] =
        whole.split('.').collect::<Vec<_>>().try_into().expect("three parts");
    let header = Base64UrlUnpadded::decode_vec(header).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    assert_eq!(header, json!({ "alg": "ES256", "kid": pair.kid(), "typ": "secevent+jwt" }));
    assert_eq!((claims, signature), ("e30", "AQID"));
}

#[test]
fn what_a_receiver_is_shown_is_sealed_and_can_be_replaced() {
    let mut acme = Acme::new();
    let body = json!({
        "id": "crm", "kind": "setPush", "url": URL, "audience": "crm.example.com",
        "authorization": "Bearer rosebud",
    });
    let made = acme.stream(&body);
    assert_eq!(
        (&made["audience"], &made["isAuthorized"]),
        (&json!("crm.example.com"), &json!(true))
    );
    assert!(!format!("{:?}{made}", acme.dump()).contains("rosebud"));
    acme.sleep();
    acme.user("ada");
    let sent = acme.deliver(|_| status(202)).pop().expect("a token");
    assert_eq!(sent.authorization.as_deref(), Some("Bearer rosebud"));
    assert_eq!(sent.body["aud"], "crm.example.com");
    for (given, shown) in [(json!("Basic x"), Some("Basic x")), (Value::Null, None)] {
        let reply = acme.admin("PATCH", "/streams/crm", &json!({ "authorization": given }));
        assert_eq!(reply.json()["isAuthorized"], shown.is_some());
        acme.user(&format!("bob{given}"));
        let sent = acme.deliver(|_| status(202)).pop().expect("a token");
        assert_eq!(sent.authorization.as_deref(), shown);
    }
}

#[test]
fn another_host_is_not_shown_what_a_receiver_is_shown() {
    let mut acme = Acme::new();
    acme.stream(&json!({ "id": "crm", "kind": "setPush", "url": URL, "authorization": "a" }));
    let other = "https://other.example.com/x";
    let detail = "another host is not shown the `authorization` of this one: give it, or null";
    let refused = (422, "contradictory", detail);
    acme.admin_refused("PATCH", "/streams/crm", &json!({ "url": other }), refused);
    for (change, shown) in [
        (json!({ "url": format!("{URL}/2") }), true),
        (json!({ "url": other, "authorization": "b" }), true),
        (json!({ "url": URL, "authorization": null }), false),
    ] {
        let reply = acme.admin("PATCH", "/streams/crm", &change);
        assert_eq!((reply.status, &reply.json()["isAuthorized"]), (200, &json!(shown)));
    }
}

/// It is sealed anew whether or not the stream's key is, and without it nothing is sent.
#[test]
fn what_a_receiver_is_shown_is_not_lost_with_a_secret_of_the_deployment_unnoticed() {
    let mut acme = Acme::new();
    let first = crate::support::KEY_RING;
    let second = "k2:enp6enp6enp6enp6enp6enp6enp6enp6enp6enp6enp6";
    let third = "k3:eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXk";
    acme.stream(&json!({ "id": "crm", "kind": "setPush", "url": URL, "authorization": "a" }));
    acme.rotate(&format!("{second},{first}"));
    acme.admin("POST", "/streams/crm/rotate-secret", &Value::Null);
    acme.user("ada");
    assert_eq!(acme.deliver(|_| status(202)).len(), 1);
    acme.rotate(&format!("{third},{second}"));
    acme.key = acme.mint(&["scim"]);
    acme.user("bob");
    let sent = acme.deliver(|_| status(202)).pop().expect("a token");
    assert_eq!(sent.authorization.as_deref(), Some("a"));
    // Of two lost ones the key alone is made anew.
    acme.rotate(second);
    acme.key = acme.mint(&["scim"]);
    assert_eq!(acme.admin("POST", "/streams/crm/rotate-secret", &Value::Null).status, 200);
    acme.user("eve");
    assert!(acme.deliver(|_| status(202)).is_empty(), "it would be without authorization");
    let shown = acme.shown_stream("crm");
    let why = "the secret that sealed the stream's `authorization` is gone from KEY_RING; give it once more";
    assert_eq!((&shown["state"], &shown["disabledReason"]), (&json!("disabled"), &json!(why)));
    let tried = acme.admin("POST", "/streams/crm/test", &Value::Null);
    assert_eq!((tried.status, &tried.json()["detail"]), (409, &json!(why)));
    let again = json!({ "authorization": "b", "state": "enabled" });
    assert_eq!(acme.admin("PATCH", "/streams/crm", &again).status, 200);
    acme.wait(2);
    let sent = acme.deliver(|_| status(202)).pop().expect("a token");
    assert_eq!(sent.authorization.as_deref(), Some("b"));
}

#[test]
fn a_receiver_says_what_it_has_against_a_token() {
    let (mut acme, _) = given();
    let refused =
        |body: &str| Delivered::Answered { status: 400, retry_after: None, body: body.to_owned() };
    for (body, reason) in [
        (r#"{"err":"invalid_key","description":"none"}"#, "400 invalid_key"),
        (r#"{"err":"access_denied"}"#, "400 access_denied"),
        (r#"{"err":"Ada"}"#, "400 refused"),
        (r#"{"err":1}"#, "400 refused"),
        ("no", "400 refused"),
    ] {
        assert_eq!(refused(body).reason(), reason);
    }
    acme.user("ada");
    acme.deliver(|_| refused(r#"{"err":"invalid_key"}"#));
    let [row] = acme.deliveries("crm", "?status=retrying").try_into().expect("one");
    assert_eq!(row["reason"], "400 invalid_key");
}

#[test]
fn a_test_is_a_token_that_verifies_the_stream() {
    let (mut acme, _) = given();
    let reply = acme.admin("POST", "/streams/crm/test", &Value::Null);
    assert_eq!(reply.status, 202);
    let id = reply.json()["id"].clone();
    assert!(id.as_str().expect("an id").starts_with("acme_test_"), "{id}");
}

#[test]
fn what_is_no_stream_of_tokens_is_refused() {
    let mut acme = Acme::new();
    let long = "x".repeat(limits::SET_CHARACTERS);
    acme.stream(&json!({ "kind": "setPush", "url": URL, "audience": long }));
    for (body, status) in [
        (json!({ "kind": "setPush" }), 400),
        (json!({ "kind": "setPush", "url": URL, "signature": "v1" }), 400),
        (json!({ "kind": "webhook", "url": URL, "signature": "ES256" }), 400),
        (json!({ "kind": "webhook", "url": URL, "audience": "x" }), 400),
        (json!({ "kind": "webhook", "url": URL, "authorization": "x" }), 400),
        (json!({ "kind": "setPush", "url": URL, "authorization": "a\nb" }), 400),
        (json!({ "kind": "setPush", "url": URL, "audience": "" }), 400),
        (json!({ "kind": "setPush", "url": URL, "audience": format!("{long}x") }), 422),
        (json!({ "kind": "setPush", "url": "https://127.0.0.1/" }), 422),
    ] {
        assert_eq!(acme.admin("POST", "/streams", &body).status, status, "{body}");
    }
    acme.hook("plain");
    let reply = acme.admin("PATCH", "/streams/plain", &json!({ "authorization": "x" }));
    assert_eq!(reply.status, 422);
}

#[test]
fn discovery_says_of_which_events_tokens_tell_where_there_are_such_streams() {
    let mut acme = Acme::new();
    acme.hook("plain");
    let told = |acme: &mut Acme| {
        acme.scim("GET", "/ServiceProviderConfig", &Value::Null).json()["securityEvents"].clone()
    };
    assert_eq!(told(&mut acme), Value::Null);
    acme.stream(&json!({ "id": "crm", "kind": "setPush", "url": URL }));
    assert_eq!(told(&mut acme), json!({ "asyncRequest": "request", "eventUris": URIS }));
    acme.policy(&json!({ "features": { "bulk": false } }));
    assert_eq!(told(&mut acme), json!({ "asyncRequest": "none", "eventUris": URIS[..6] }));
    acme.admin("DELETE", "/streams/crm", &Value::Null);
    assert_eq!(told(&mut acme), Value::Null);
}
