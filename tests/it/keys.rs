//! Keys of a tenant: minted, shown once, listed, bound, revoked, and never found in storage.

use std::collections::BTreeMap;

use muster::auth::{Claims, JtiDigest};
use muster::limits;
use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::steps::{Refused, check_error, check_problem};
use crate::support::{Acme, ORIGIN, gate};

const REVOKED: Refused<'_> = (401, "", "the key has been revoked");

/// What a key says.
fn claims(acme: &Acme, key: &str) -> Claims {
    gate().key_ring.verify(key, acme.now).unwrap()
}

/// What a key gets when it asks for users.
fn users(acme: &mut Acme, key: &str) -> Reply {
    acme.scim_with("GET", "/Users", &Value::Null, key, &[])
}

fn items(page: &Reply) -> Vec<Value> {
    page.json()["items"].as_array().unwrap().clone()
}

#[test]
fn a_key_is_shown_with_all_that_is_pasted_beside_it() {
    let mut acme = Acme::new();
    let reply = acme.admin("POST", "/keys", &json!({ "name": " Okta ", "scopes": ["scim"] }));
    assert_eq!((reply.status, &*reply.headers["content-type"]), (201, "application/json"));
    assert_eq!(reply.headers["cache-control"], "no-store");
    let shown = reply.json();
    let claims = claims(&acme, shown["key"].as_str().unwrap());
    let expected = json!({
        "id": claims.sub,
        "name": "Okta",
        "scopes": ["scim"],
        "connection": null,
        "createdAt": "2026-09-21T14:13:20.000Z",
        "expiresAt": "2027-09-21T14:13:20.000Z",
        "key": shown["key"],
        "scimBaseUrl": format!("{ORIGIN}/t/acme/scim/v2"),
    });
    assert_eq!(shown, expected);
    assert_eq!((&*claims.tid, claims.cid), ("acme", None));
}

#[test]
fn a_key_is_shown_once_and_nothing_stored_recreates_it() {
    let mut acme = Acme::new();
    let key = acme.mint(&["scim", "keys:write"]);
    let claims = claims(&acme, &key);
    let read = acme.admin("GET", &format!("/keys/{}", claims.sub), &Value::Null);
    let list = acme.admin("GET", "/keys", &Value::Null);
    let feed = acme.admin("GET", "/events", &Value::Null);
    let mut seen = format!("{:?}", acme.dump());
    for reply in [&read, &list, &feed] {
        assert_eq!(reply.status, 200);
        seen.push_str(&String::from_utf8_lossy(&reply.body));
    }
    let [header, payload, signature] = key.split('.').collect::<Vec<_>>()[..] else { panic!() };
    for secret in [&*key, payload, signature, &claims.jti, "\"key\"", "\"jti\""] {
        assert!(!seen.contains(secret), "{secret} is in {seen}");
    }
    assert!(seen.contains(JtiDigest::of(&claims.jti).as_str()), "its digest is there");
    assert!(!header.is_empty() && seen.contains(&claims.sub));
}

#[test]
fn keys_are_read_one_by_one_and_in_pages() {
    let mut acme = Acme::new();
    for number in 0..4 {
        acme.mint_with(&json!({ "name": format!("key {number}"), "scopes": ["scim"] }));
    }
    let all = items(&acme.admin("GET", "/keys", &Value::Null));
    let names: Vec<&str> = all.iter().map(|key| key["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["test", "key 0", "key 1", "key 2", "key 3"]);
    for key in &all {
        let path = format!("/keys/{}", key["id"].as_str().unwrap());
        assert_eq!(acme.admin("GET", &path, &Value::Null).json(), *key);
    }
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = acme.admin("GET", &format!("/keys?limit=2&cursor={cursor}"), &Value::Null);
        walked.extend(items(&page));
        match page.json()["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(walked, all);
    for (query, count) in
        [("limit=1", 1), ("limit=", 5), ("limit=5", 5), ("limit=99999", 5), ("cursor=", 5)]
    {
        let page = acme.admin("GET", &format!("/keys?{query}"), &Value::Null);
        assert_eq!(items(&page).len(), count, "{query}");
        assert_eq!(page.json().get("next").is_some(), count == 1, "{query}");
    }
    for query in ["limit=x", "limit=-1", "limit=1.5", "limit=99999999999999999999"] {
        let path = format!("/keys?{query}");
        acme.admin_refused(
            "GET",
            &path,
            &Value::Null,
            (400, "malformed", "`limit` is not a whole number from 0 to 9007199254740991"),
        );
    }
    let none = (400, "malformed", "`limit` is below 1");
    acme.admin_refused("GET", "/keys?limit=0", &Value::Null, none);
}

#[test]
fn a_revoked_key_fails_on_the_very_next_request() {
    let mut acme = Acme::new();
    let key = acme.mint(&["scim", "keys:write"]);
    let path = format!("/keys/{}", claims(&acme, &key).sub);
    assert_eq!(users(&mut acme, &key).status, 200);
    let own = format!("/v1/tenants/acme{path}");
    assert_eq!(acme.ask("DELETE", &own, &Value::Null, &key).status, 204, "by itself");
    for _ in 0..2 {
        let refused = users(&mut acme, &key);
        check_error(&refused, REVOKED, "after it was revoked");
        let challenge = r#"Bearer realm="muster", error="invalid_token", error_description="the key has been revoked""#;
        assert_eq!(refused.headers["www-authenticate"], challenge);
        let refused = acme.ask("GET", &own, &Value::Null, &key);
        check_problem(&refused, (401, "unauthorized", REVOKED.2), "the admin API");
        acme.sleep();
    }
    for method in ["GET", "DELETE"] {
        acme.admin_refused(method, &path, &Value::Null, (404, "not_found", "there is no such key"));
    }
    assert_eq!(acme.event_types(0), ["key.created", "key.created", "key.revoked"]);
    let facts = acme.events();
    assert_eq!(
        (&facts[1]["data"]["actor"], &facts[1]["data"]["name"]),
        (&json!("admin"), &json!("test"))
    );
    assert_eq!(facts[2]["data"]["actor"], path.replace("/keys/", "key:"));
}

#[test]
fn bd_20_each_feature_needs_its_scope() {
    let mut acme = Acme::new();
    let reader = acme.mint(&["scim.users:read"]);
    assert_eq!(users(&mut acme, &reader).status, 200);
    let reply = acme.scim_with("POST", "/Users", &json!({ "userName": "ada" }), &reader, &[]);
    check_error(&reply, (403, "", "the key lacks the scope `scim.users:write`"), "POST");
    assert!(reply.headers["www-authenticate"].ends_with("scope=\"scim.users:write\""));
}

#[test]
fn a_key_expires_when_it_says() {
    let mut acme = Acme::new();
    let key = acme.mint_with(&json!({ "name": "brief", "scopes": ["scim"], "ttl": "PT1M" }));
    acme.wait(59);
    assert_eq!(users(&mut acme, &key).status, 200);
    acme.wait(1);
    check_error(&users(&mut acme, &key), (401, "", "the key has expired"), "at `expiresAt`");
}

#[test]
fn a_key_of_a_tenant_that_was_purged_opens_nothing_of_its_successor() {
    let mut before = Acme::new();
    let key = before.mint(&["scim"]);
    let mut after = Acme::new();
    check_error(&users(&mut after, &key), REVOKED, "another database");
    let own = claims(&after, &after.key);
    let forged =
        gate().key_ring.sign(&Claims { jti: "guessed".to_owned(), ..own.clone() }).unwrap();
    check_error(&users(&mut after, &forged), REVOKED, "a live id with another jti");
    let same = gate().key_ring.sign(&own).unwrap();
    assert_eq!(users(&mut after, &same).status, 200);
}

#[test]
fn a_key_cannot_make_one_that_may_do_more() {
    let mut acme = Acme::new();
    let key = acme.mint(&["keys:write", "scim.users:write", "config:read"]);
    let detail = "a key cannot make one that may do more than itself";
    for (scopes, status) in [
        (["keys:write"].as_slice(), 201),
        (&["scim.users:read"], 201),
        (&["scim.users:write", "config:read"], 201),
        (&["scim"], 403),
        (&["scim.groups:read"], 403),
        (&["config:write"], 403),
        (&["scim.users:read", "data:export"], 403),
    ] {
        let body = json!({ "name": "child", "scopes": scopes });
        let reply = acme.ask("POST", "/v1/tenants/acme/keys", &body, &key);
        assert_eq!(reply.status, status, "{scopes:?}: {}", reply.json());
        if status == 403 {
            check_problem(&reply, (403, "insufficient_scope", detail), "escalation");
        }
    }
    let weak = acme.mint(&["scim"]);
    let body = json!({ "name": "child", "scopes": ["scim"] });
    let reply = acme.ask("POST", "/v1/tenants/acme/keys", &body, &weak);
    check_problem(
        &reply,
        (403, "insufficient_scope", "the key lacks the scope `keys:write`"),
        "no keys:write",
    );
}

#[test]
fn a_key_lives_a_year_or_as_long_as_it_was_given() {
    const DAY: i64 = 86_400;
    let mut acme = Acme::new();
    for (ttl, seconds) in [
        (Value::Null, limits::KEY_TTL_SECONDS_DEFAULT),
        (json!("P1Y"), 365 * DAY),
        (json!("P3Y"), limits::KEY_TTL_SECONDS),
        (json!("P90D"), 90 * DAY),
        (json!("P2W"), 14 * DAY),
        (json!("P1Y1W1DT1H1M1S"), 373 * DAY + 3_661),
        (json!("PT36H"), 36 * 3_600),
        (json!("P0DT1S"), 1),
        (json!("PT1S"), 1),
    ] {
        let key = acme.mint_with(&json!({ "name": "test", "scopes": ["scim"], "ttl": ttl }));
        let claims = claims(&acme, &key);
        assert_eq!((claims.iat, claims.exp - claims.iat), (acme.now.timestamp(), seconds), "{ttl}");
    }
    for ttl in [
        "",
        "P",
        "PT",
        "P1DT",
        "P3Y1D",
        "P3YT1S",
        "PT0S",
        "P0D",
        "P4294967295Y",
        "P99999999999Y",
        "P1M",
        "P1D1Y",
        "P-1D",
        "P+1D",
        "-P1D",
        "P1.5D",
        "p1d",
        "1D",
        "P1",
        "PY",
        "P1S",
        "PT1D",
        " P1D",
        "P1D ",
        "P1Y1Y",
        "3600",
    ] {
        refused_ttl(&mut acme, json!(ttl));
    }
    for ttl in [json!(3_600), json!(true), json!(["P1D"]), json!({})] {
        refused_ttl(&mut acme, ttl);
    }
}

fn refused_ttl(acme: &mut Acme, ttl: Value) {
    let body = json!({ "name": "test", "scopes": ["scim"], "ttl": ttl });
    let detail = "`ttl` is not a duration such as P90D, between PT1S and P3Y";
    acme.admin_refused("POST", "/keys", &body, (400, "malformed", detail));
}

#[test]
fn a_key_that_is_asked_for_wrongly_is_not_made() {
    let mut acme = Acme::new();
    let no_name = "`name` is not a text of 1 to 200 characters";
    let no_list = "`scopes` is not a list of texts";
    let long = "é".repeat(limits::NAME_CHARACTERS + 1);
    for (body, detail) in [
        (json!([]), "the body is not a JSON object"),
        (json!("key"), "the body is not a JSON object"),
        (Value::Null, "the body is not JSON at line 1, column 0"),
        (json!({}), no_name),
        (json!({ "name": 7, "scopes": ["scim"] }), no_name),
        (json!({ "name": "  ", "scopes": ["scim"] }), no_name),
        (json!({ "name": long, "scopes": ["scim"] }), no_name),
        (json!({ "name": "x" }), no_list),
        (json!({ "name": "x", "scopes": "scim" }), no_list),
        (json!({ "name": "x", "scopes": ["scim", 7] }), no_list),
        (json!({ "name": "x", "scopes": [] }), "`scopes` is empty"),
        (json!({ "name": "x", "scopes": ["scim", "root"] }), "`root` is no scope"),
        (json!({ "name": "x", "scopes": ["scim"], "tty": "P1D" }), "`tty` is no field of a key"),
        (json!({ "name": "x", "scopes": ["scim"], "id": "k-1" }), "`id` is no field of a key"),
    ] {
        acme.admin_refused("POST", "/keys", &body, (400, "malformed", detail));
    }
    let text = BTreeMap::from([("content-type".to_owned(), "text/plain".to_owned())]);
    let url = format!("{ORIGIN}/v1/tenants/acme/keys");
    let reply =
        acme.fetch("POST", &url, &text, br#"{"name":"x","scopes":["scim"]}"#, &acme.key.clone());
    check_problem(&reply, (415, "unsupported_media_type", ""), "text/plain");
    acme.mint_with(&json!({ "name": &long[2..], "scopes": ["scim"] }));
}

#[test]
fn a_key_cannot_be_edited() {
    let mut acme = Acme::new();
    let path = format!("/keys/{}", claims(&acme, &acme.key).sub);
    let detail = "the endpoint does not take this method";
    for (method, path, allow) in [
        ("PUT", &*path, "GET, HEAD, DELETE"),
        ("PATCH", &path, "GET, HEAD, DELETE"),
        ("POST", &path, "GET, HEAD, DELETE"),
        ("DELETE", "/keys", "GET, HEAD, POST"),
    ] {
        let body = json!({ "name": "other" });
        acme.admin_refused(method, path, &body, (405, "method_not_allowed", detail));
        assert_eq!(acme.admin(method, path, &body).headers["allow"], allow);
    }
}

#[test]
fn a_key_is_bound_to_a_connection_that_is_there_and_as_live_as_it() {
    let mut acme = Acme::new();
    let detail = "`connection` is no connection of this tenant";
    for connection in [json!("okta"), json!(""), json!(7), json!({})] {
        let body = json!({ "name": "x", "scopes": ["scim"], "connection": connection });
        acme.admin_refused("POST", "/keys", &body, (422, "contradictory", detail));
    }
    for (state, status) in [("draft", 200), ("pending", 200), ("active", 200), ("disabled", 403)] {
        let connection = json!({ "id": state, "displayName": state, "state": state });
        assert_eq!(acme.admin("POST", "/connections", &connection).status, 201);
        let body = json!({ "name": "x", "scopes": ["scim", "events:read"], "connection": state });
        let key = acme.mint_with(&body);
        assert_eq!(claims(&acme, &key).cid.as_deref(), Some(state));
        let path = format!("/keys/{}", claims(&acme, &key).sub);
        assert_eq!(acme.admin("GET", &path, &Value::Null).json()["connection"], state);
        let reply = users(&mut acme, &key);
        assert_eq!(reply.status, status, "{state}");
        if status == 403 {
            let detail = "the key's connection is disabled";
            check_error(&reply, (403, "", detail), state);
            let reply = acme.ask("GET", "/v1/tenants/acme/events", &Value::Null, &key);
            check_problem(&reply, (403, "connection_disabled", detail), state);
        }
    }
}

#[test]
fn a_tenant_has_so_many_live_keys_and_no_more() {
    let mut acme = Acme::new();
    let body = json!({ "name": "x", "scopes": ["scim"], "ttl": "PT1H" });
    for _ in 1..limits::KEYS_PER_TENANT {
        acme.mint_with(&body);
    }
    for (query, count) in [("", limits::ITEMS_DEFAULT), ("?limit=99999", limits::ITEMS)] {
        let page = acme.admin("GET", &format!("/keys{query}"), &Value::Null);
        assert_eq!(items(&page).len(), count, "{query}");
    }
    let full: Refused<'_> = (409, "conflict", "the tenant has too many keys");
    acme.admin_refused("POST", "/keys", &body, full);
    let path = format!("/keys/{}", claims(&acme, &acme.key).sub);
    assert_eq!(acme.admin("DELETE", &path, &Value::Null).status, 204);
    acme.mint_with(&body);
    acme.admin_refused("POST", "/keys", &body, full);
    acme.wait(3_600);
    acme.mint_with(&body);
}

#[test]
fn an_expired_key_is_forgotten_when_the_next_one_is_made() {
    let mut acme = Acme::new();
    acme.mint_with(&json!({ "name": "x", "scopes": ["scim"], "ttl": "PT1H" }));
    let rows = acme.rows("keys");
    acme.wait(3_600);
    acme.mint(&["scim"]);
    assert_eq!(acme.rows("keys"), rows);
    acme.sleep();
    assert_eq!(items(&acme.admin("GET", "/keys", &Value::Null)).len() as i64, rows);
}

#[test]
fn a_key_of_a_connection_makes_keys_of_that_connection_only() {
    let mut acme = Acme::new();
    for id in ["okta", "entra"] {
        let body = json!({ "id": id, "displayName": id, "preset": "generic" });
        assert_eq!(acme.admin("POST", "/connections", &body).status, 201);
    }
    let parent = json!({ "name": "x", "scopes": ["keys:write", "scim"], "connection": "okta" });
    let parent = acme.mint_with(&parent);
    for (connection, status) in [(json!("okta"), 201), (Value::Null, 201), (json!("entra"), 403)] {
        let body = json!({ "name": "y", "scopes": ["scim"], "connection": connection });
        let reply = acme.ask("POST", "/v1/tenants/acme/keys", &body, &parent);
        assert_eq!(reply.status, status, "{connection}");
        let bound = (status == 201).then_some("okta");
        assert_eq!(reply.json()["connection"].as_str(), bound, "{connection}");
    }
}
