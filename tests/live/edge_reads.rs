//! Copies of users' access in KV, and what the edge answers by them without a row read.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ask::{Ask, Cost};
use crate::deployment::deployment;
use crate::scenario::Reply;
use crate::tenant::Tenant;

/// A tenant with a mapping, and a key of an hour for an application.
fn given(name: &str, edge_reads: bool) -> (Tenant, String) {
    let acme = Tenant::new(name);
    let mapping = json!({ "id": "m1", "condition": "title pr", "grants": [{ "role": "lead" }] });
    let policies = json!({ "edgeReads": edge_reads, "mappings": [mapping] });
    acme.admin("PUT", "/policies").json(&policies).is(200);
    let key = key_of(&acme, "PT1H");
    (acme, key)
}

fn key_of(acme: &Tenant, ttl: &str) -> String {
    let body = json!({ "name": "app", "scopes": ["access:read"], "ttl": ttl });
    acme.mint_with(&body).field("/key")
}

/// A user by whose name nothing else is called.
fn person(acme: &Tenant) -> (String, String) {
    let name = format!("zelda-{}@example.com", acme.slug);
    let body = json!({ "userName": name, "externalId": "e1", "title": "Lead" });
    (acme.scim("POST", "/Users").json(&body).is(201).id(), name)
}

/// Waits until something is there.
#[track_caller]
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..SECONDS_MAX * 10 {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("{what}: not within {SECONDS_MAX} s");
}

/// The answer by a copy, once there is one as of behind a place in the log.
#[track_caller]
fn copied(acme: &Tenant, key: &str, path: &str, behind: i64) -> Reply {
    until(path, || {
        let reply = acme.ask_by(key, "GET", path).send();
        let as_of = (reply.status == 200).then(|| reply.json()["asOf"].as_i64()).flatten();
        (as_of > Some(behind)).then_some(reply)
    })
}

/// Whether KV has a text anywhere, as the runtime keeps it on the disk.
fn kv_has(text: &str) -> bool {
    let folder = deployment().persist.join("v3").join("kv");
    assert!(folder.is_dir(), "{folder:?} is where KV is");
    has(&folder, text.as_bytes())
}

fn has(place: &Path, text: &[u8]) -> bool {
    if !place.is_dir() {
        // What is being removed is not there.
        let bytes = fs::read(place).unwrap_or_default();
        return bytes.windows(text.len()).any(|window| window == text);
    }
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| has(&entry.path(), text))
}

#[test]
fn an_application_is_answered_by_a_copy_and_no_row_is_read() {
    let (acme, key) = given("edge-reads", true);
    let (ada, name) = person(&acme);
    let nothing = Cost::default();
    let paths = [
        format!("/access?userName={}", name.to_uppercase()),
        "/access?externalId=e1".to_owned(),
        format!("/users/{ada}/access"),
    ];
    for path in &paths {
        let reply = copied(&acme, &key, path, 0);
        assert_eq!(reply.cost(), nothing, "{path}");
        let mut shown = reply.json();
        assert_eq!(shown["grants"][0]["role"], "lead", "{path}");
        shown.as_object_mut().unwrap().remove("asOf");
        let and = if path.contains('?') { '&' } else { '?' };
        let strong = acme.ask_by(&key, "GET", &format!("{path}{and}consistency=strong")).is(200);
        assert_eq!(strong.json(), shown, "{path}");
        assert!(strong.cost().read > 0, "{path}");
        let long = acme.ask_by(&key_of(&acme, "PT61M"), "GET", path).is(200);
        assert_eq!(long.json(), shown, "its revocation is asked for");
    }
    let [by_name, _, by_id] = &paths;
    assert!(kv_has(&name));
    let seq = copied(&acme, &key, by_id, 0).json()["asOf"].as_i64().unwrap();
    let inactive = json!({ "op": "replace", "path": "active", "value": false });
    acme.patch(&format!("/Users/{ada}"), &inactive).is(200);
    let changed = copied(&acme, &key, by_name, seq).json();
    assert_eq!((&changed["status"], &changed["grants"]), (&json!("suspended"), &json!([])));
    acme.scim("DELETE", &format!("/Users/{ada}")).is(204);
    until("the deletion", || (!kv_has(&name)).then_some(()));
    for path in [by_name, by_id] {
        let deleted = acme.ask_by(&key, "GET", path).is(200).json();
        assert_eq!((&deleted["status"], deleted.get("asOf")), (&json!("deprovisioned"), None));
    }
}

#[test]
fn a_token_of_an_hour_reads_copies_and_a_suspended_tenant_has_none_read() {
    let (acme, _) = given("edge-token", true);
    let (ada, _) = person(&acme);
    let connection = json!({ "id": "app", "displayName": "App", "state": "active" });
    acme.admin("POST", "/connections").json(&connection).is(201);
    let body = json!({ "scopes": ["access:read"] });
    let secret = acme.admin("POST", "/connections/app/secrets").json(&body).is(201);
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        secret.field("/clientId"),
        secret.field("/clientSecret")
    );
    let token = Ask::new("POST", &format!("/t/{}/oauth/token", acme.slug))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .is(200)
        .field("/access_token");
    let path = format!("/users/{ada}/access");
    assert_eq!(copied(&acme, &token, &path, 0).cost(), Cost::default());
    acme.admin("PATCH", "").json(&json!({ "status": "suspended" })).is(200);
    acme.ask_by(&token, "GET", &path).is(403);
}

#[test]
fn without_the_policy_kv_knows_nobody() {
    let (off, _) = given("edge-off", false);
    let (on, key) = given("edge-on", true);
    let (_, stranger) = person(&off);
    let (ada, name) = person(&on);
    let path = format!("/users/{ada}/access");
    copied(&on, &key, &path, 0);
    assert!(kv_has(&name), "where it is on, it is found");
    assert!(!kv_has(&stranger), "where it is off, nothing is");
    on.admin("PUT", "/policies").json(&json!({ "edgeReads": false })).is(200);
    until("the copies' end", || (!kv_has(&name)).then_some(()));
    assert_eq!(on.ask_by(&key, "GET", &path).is(200).json().get("asOf"), None);
}

#[test]
fn deleting_a_tenant_removes_its_copies() {
    let (acme, key) = given("edge-deleted", true);
    let (ada, name) = person(&acme);
    copied(&acme, &key, &format!("/users/{ada}/access"), 0);
    let many: Vec<Value> = (0..400)
        .map(|n| json!({ "userName": format!("{n}-{name}"), "externalId": n.to_string() }))
        .collect();
    acme.users(&many);
    let path = format!("/access?userName=399-{name}");
    copied(&acme, &key, &path, 0);
    let slug = &acme.slug;
    // More than a request sees to.
    Ask::admin("DELETE", &format!("/v1/tenants/{slug}?confirm={slug}")).is(202);
    Ask::admin("GET", &format!("/v1/tenants/{slug}/keys")).is(404);
    until("the copies' end", || (!kv_has(&name)).then_some(()));
    // Once all is gone, there is room for another one.
    Ask::admin("POST", "/v1/tenants").json(&json!({ "id": slug })).is(201);
    let keys = until("another tenant", || {
        let reply = Ask::admin("GET", &format!("/v1/tenants/{slug}/keys")).send();
        (reply.status == 200).then(|| reply.json())
    });
    assert_eq!(keys["items"], json!([]));
    let few = given("edge-few", true).0;
    let (_, name) = person(&few);
    until("the copies", || kv_has(&name).then_some(()));
    Ask::admin("DELETE", &format!("/v1/tenants/{0}?confirm={0}", few.slug)).is(204);
    assert!(!kv_has(&name), "few are removed before it is answered");
}

#[test]
fn a_tenant_with_a_jurisdiction_has_no_copies() {
    let slug = crate::deployment::fresh_slug("edge-eu");
    let config = json!({ "edgeReads": true });
    let body = json!({ "id": slug, "jurisdiction": "eu", "config": config });
    let refused = Ask::admin("POST", "/v1/tenants").json(&body).is(422);
    assert_eq!(refused.field("/faults/0/path"), "/config/edgeReads");
    Ask::admin("POST", "/v1/tenants").json(&json!({ "id": slug, "jurisdiction": "eu" })).is(201);
    let acme = Tenant::of(slug);
    let refused = acme.admin("PUT", "/policies").json(&config).is(422);
    assert_eq!(refused.field("/faults/0/path"), "/edgeReads");
}

const SECONDS_MAX: u32 = 60;
