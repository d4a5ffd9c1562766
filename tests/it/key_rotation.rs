//! A key is never edited; it is rotated: a new one takes its place, and the old one lives on a while.

use std::collections::BTreeMap;

use muster::auth::Claims;
use muster::limits;
use serde_json::{Value, json};

use crate::steps::{Refused, check_problem};
use crate::support::{Acme, KEY_RING, ORIGIN, gate};

/// What a key says.
fn claims(acme: &Acme, key: &str) -> Claims {
    gate().key_ring.verify(key, acme.now).unwrap()
}

/// Rotates a key; what the answer says of the new one.
fn rotate(acme: &mut Acme, key: &str, body: &Value) -> Value {
    let path = format!("/keys/{}/rotate", claims(acme, key).sub);
    let reply = acme.admin("POST", &path, body);
    assert_eq!(reply.status, 201, "{}", reply.json());
    reply.json()
}

fn opens(acme: &mut Acme, key: &str) -> bool {
    match acme.scim_with("GET", "/Users", &Value::Null, key, &[]).status {
        200 => true,
        401 => false,
        status => panic!("{status}"),
    }
}

fn text(shown: &Value, name: &str) -> String {
    shown[name].as_str().unwrap().to_owned()
}

#[test]
fn bd_21_a_key_is_rotated_with_an_overlap_and_never_edited() {
    let mut acme = Acme::new();
    acme.connect("okta");
    let made = json!({
        "name": "Okta", "scopes": ["scim", "events:read"], "connection": "okta", "ttl": "P90D",
    });
    let old = acme.mint_with(&made);
    acme.wait(30 * 86_400);
    let shown = rotate(&mut acme, &old, &Value::Null);
    let new = text(&shown, "key");
    let expected = json!({
        "id": claims(&acme, &new).sub,
        "name": "Okta",
        "scopes": ["scim", "events:read"],
        "connection": "okta",
        "createdAt": "2026-10-21T14:13:20.000Z",
        "expiresAt": "2027-01-19T14:13:20.000Z",
        "key": new,
        "scimBaseUrl": format!("{ORIGIN}/t/acme/scim/v2"),
    });
    assert_eq!(shown, expected);
    assert_eq!(claims(&acme, &new).cid.as_deref(), Some("okta"));
    let path = format!("/keys/{}", claims(&acme, &old).sub);
    let old_shown = acme.admin("GET", &path, &Value::Null).json();
    assert_eq!(old_shown["expiresAt"], "2026-10-21T15:13:20.000Z", "an hour later");
    acme.wait(limits::KEY_OVERLAP_SECONDS_DEFAULT - 1);
    assert!(opens(&mut acme, &old) && opens(&mut acme, &new));
    acme.wait(1);
    for _ in 0..2 {
        assert!(!opens(&mut acme, &old) && opens(&mut acme, &new));
        acme.sleep();
    }
    for method in ["PUT", "PATCH"] {
        let detail = "the endpoint does not take this method";
        let refused = (405, "method_not_allowed", detail);
        acme.admin_refused(method, &path, &json!({ "scopes": ["scim"] }), refused);
    }
    let expired = acme.scim_with("GET", "/Users", &Value::Null, &old, &[]);
    assert!(expired.headers["www-authenticate"].contains("error=\"invalid_token\""));
}

#[test]
fn an_overlap_is_as_long_as_asked_and_never_prolongs_a_key() {
    let mut acme = Acme::new();
    for (overlap, seconds) in [
        (json!("PT24H"), limits::KEY_OVERLAP_SECONDS),
        (json!("P1D"), limits::KEY_OVERLAP_SECONDS),
        (json!("PT10M"), 600),
        (json!("PT0S"), 0),
        (Value::Null, limits::KEY_OVERLAP_SECONDS_DEFAULT),
    ] {
        let old = acme.mint(&["scim"]);
        let new = text(&rotate(&mut acme, &old, &json!({ "overlap": overlap })), "key");
        let before = (seconds - 1).max(0);
        acme.wait(before);
        assert_eq!(opens(&mut acme, &old), seconds > 0, "{overlap}");
        acme.wait(seconds - before);
        assert!(!opens(&mut acme, &old) && opens(&mut acme, &new), "{overlap}");
    }
    let brief = acme.mint_with(&json!({ "name": "brief", "scopes": ["scim"], "ttl": "PT1M" }));
    rotate(&mut acme, &brief, &json!({ "overlap": "PT24H" }));
    acme.wait(60);
    acme.admin_refused("POST", &rotation(&acme, &acme.key), &json!([]), MALFORMED);
    let path = "/keys";
    let keys = acme.admin("GET", path, &Value::Null).json();
    let ends: Vec<&str> = keys["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|key| key["name"] == "brief")
        .map(|key| key["expiresAt"].as_str().unwrap())
        .collect();
    assert_eq!(ends.len(), 2);
    assert!(ends.iter().all(|end| *end <= "2026-09-24T00:00:00.000Z"), "{ends:?}");
}

const MALFORMED: Refused<'_> = (400, "malformed", "the body is not a JSON object");

fn rotation(acme: &Acme, key: &str) -> String {
    format!("/keys/{}/rotate", claims(acme, key).sub)
}

#[test]
fn a_key_that_was_rotated_is_rotated_again_with_the_life_it_was_made_for() {
    let mut acme = Acme::new();
    let old = acme.mint_with(&json!({ "name": "x", "scopes": ["scim"], "ttl": "P90D" }));
    rotate(&mut acme, &old, &json!({ "overlap": "PT10M" }));
    acme.wait(60);
    acme.sleep();
    let second = text(&rotate(&mut acme, &old, &json!({ "overlap": "PT24H" })), "key");
    let claims = claims(&acme, &second);
    assert_eq!(claims.exp - claims.iat, 90 * 86_400);
    acme.wait(539);
    assert!(opens(&mut acme, &old));
    acme.wait(1);
    assert!(!opens(&mut acme, &old), "the first overlap counts");
}

#[test]
fn a_rotation_that_is_asked_for_wrongly_changes_nothing() {
    let mut acme = Acme::new();
    let path = rotation(&acme, &acme.key);
    let before = acme.dump();
    let detail = "`overlap` is not a duration such as PT8H, between PT0S and PT24H";
    for overlap in [
        json!("PT24H1S"),
        json!("P2D"),
        json!("1H"),
        json!(""),
        json!(3_600),
        json!(true),
        json!({}),
    ] {
        let body = json!({ "overlap": overlap });
        acme.admin_refused("POST", &path, &body, (400, "malformed", detail));
    }
    let unknown = (400, "malformed", "`ttl` is no field of a rotation");
    acme.admin_refused("POST", &path, &json!({ "ttl": "P1Y" }), unknown);
    acme.admin_refused(
        "POST",
        "/keys/nobody/rotate",
        &json!({}),
        (404, "not_found", "there is no such key"),
    );
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let reply = acme.admin(method, &path, &Value::Null);
        let detail = "the endpoint does not take this method";
        check_problem(&reply, (405, "method_not_allowed", detail), method);
        assert_eq!(reply.headers["allow"], "POST");
    }
    let text = BTreeMap::from([("content-type".to_owned(), "text/plain".to_owned())]);
    let url = format!("{ORIGIN}/v1/tenants/acme{path}");
    let reply = acme.fetch("POST", &url, &text, b"{}", &acme.key.clone());
    check_problem(&reply, (415, "unsupported_media_type", ""), "text/plain");
    assert_eq!(acme.dump(), before);
}

#[test]
fn a_key_rotates_no_key_that_it_could_not_have_made() {
    let mut acme = Acme::new();
    let okta = acme.connect("okta");
    let strong = acme.mint(&["scim", "config:write"]);
    let none = acme.mint(&["scim"]);
    let minter = acme
        .mint_with(&json!({ "name": "x", "scopes": ["keys:write", "scim"], "connection": "okta" }));
    let free =
        acme.mint_with(&json!({ "name": "x", "scopes": ["keys:write", "scim"], "ttl": "P30D" }));
    let more = "a key cannot make one that may do more than itself";
    let other = "a key of a connection makes keys of that connection only";
    let lacks = "the key lacks the scope `keys:write`";
    for (by, key, detail) in [
        (&free, &strong, more),
        (&minter, &none, other),
        (&none, &none, lacks),
        (&okta, &okta, lacks),
    ] {
        let path = format!("/v1/tenants/acme{}", rotation(&acme, key));
        let reply = acme.ask("POST", &path, &json!({}), by);
        check_problem(&reply, (403, "insufficient_scope", detail), detail);
    }
    for (by, key) in [(&minter, &okta), (&free, &none), (&free, &free)] {
        let path = format!("/v1/tenants/acme{}", rotation(&acme, key));
        let reply = acme.ask("POST", &path, &json!({}), by);
        assert_eq!(reply.status, 201, "{}", reply.json());
        if by == &free {
            let ends = reply.json()["expiresAt"].clone();
            assert_eq!(ends, "2026-10-21T14:13:20.000Z", "none outlives the one that made it");
        }
    }
}

#[test]
fn a_rotation_is_one_event_and_needs_room() {
    let mut acme = Acme::new();
    let old = acme.mint(&["scim"]);
    let count = acme.events().len();
    let new = rotate(&mut acme, &old, &json!({}));
    assert_eq!(acme.event_types(count), ["key.rotated"]);
    let event = acme.events().pop().unwrap()["data"].clone();
    assert_eq!(
        (&event["id"], &event["replacement"], &event["name"], &event["resourceType"]),
        (&json!(claims(&acme, &old).sub), &new["id"], &json!("test"), &json!("Key"))
    );
    let seen = format!("{:?}{event}", acme.dump());
    assert!(!seen.contains(&text(&new, "key")) && !seen.contains(&claims(&acme, &old).jti));
    for _ in 3..limits::KEYS_PER_TENANT {
        acme.mint(&["scim"]);
    }
    let full: Refused<'_> = (409, "conflict", "the tenant has too many keys");
    acme.admin_refused("POST", &rotation(&acme, &old), &json!({}), full);
    assert!(opens(&mut acme, &old));
}

#[test]
fn a_ring_that_is_rotated_verifies_old_keys_until_their_secret_is_gone() {
    let mut acme = Acme::new();
    let old = acme.mint(&["scim"]);
    let next = "k2:NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY";
    acme.rotate(&format!("{next},{KEY_RING}"));
    let new = acme.mint(&["scim"]);
    assert!(opens(&mut acme, &old) && opens(&mut acme, &new));
    assert_ne!(old.split('.').next(), new.split('.').next(), "another kid signs");
    acme.rotate(next);
    assert!(!opens(&mut acme, &old) && opens(&mut acme, &new));
}

#[test]
fn a_change_of_credentials_that_fails_at_any_statement_leaves_nothing() {
    let trust = json!({ "issuer": "https://ci.example.com", "subject": "x" });
    for number in 0..5 {
        let mut acme = Acme::new();
        acme.connect("okta");
        let secrets = "/connections/okta/secrets";
        let trusts = "/connections/okta/trusts";
        let ids = [secrets, trusts].map(|path| {
            let made = acme.admin("POST", path, if path == trusts { &trust } else { &Value::Null });
            text(&made.json(), "id")
        });
        let key = acme.mint(&["scim"]);
        let (method, path, body) = match number {
            0 => ("POST", rotation(&acme, &key), json!({ "overlap": "PT0S" })),
            1 => ("POST", secrets.to_owned(), json!({})),
            2 => ("DELETE", format!("{secrets}/{}", ids[0]), Value::Null),
            3 => ("POST", trusts.to_owned(), json!({ "issuer": "https://a.io", "subject": "y" })),
            _ => ("DELETE", format!("{trusts}/{}", ids[1]), Value::Null),
        };
        let before = acme.dump();
        let change = |acme: &mut Acme| acme.admin(method, &path, &body);
        let (reply, count) = acme.failing_everywhere(change, |acme, statements, reply| {
            assert_eq!((reply.status, acme.dump()), (500, before.clone()), "{method} {path}");
            assert!(opens(acme, &key), "{method} {path} at {statements}");
        });
        assert!(reply.status < 300 && count > 1, "{method} {path}: {}", reply.json());
        assert_ne!(acme.dump(), before, "{method} {path}");
    }
}
