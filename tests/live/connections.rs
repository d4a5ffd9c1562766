//! Connections over HTTP: who may touch whom, and what becomes of one and of its users.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::tenant::Tenant;

/// How often it is looked whether alarms have done their work, and after how many milliseconds.
const LOOKS: u32 = 400;
const LOOK_MILLISECONDS: u64 = 50;

/// A tenant with two connections; a key of each.
fn given(name: &str) -> (Tenant, [String; 2]) {
    let acme = Tenant::new(name);
    let keys = ["okta", "entra"].map(|id| {
        let body = json!({ "id": id, "displayName": id, "preset": id, "state": "active" });
        acme.admin("POST", "/connections").json(&body).is(201);
        let body = json!({ "name": id, "scopes": ["scim"], "connection": id });
        acme.mint_with(&body).field("/key")
    });
    (acme, keys)
}

fn by(acme: &Tenant, key: &str, method: &str, path: &str) -> Ask {
    acme.anonymous(method, path).bearer(key)
}

#[test]
fn a_connection_changes_what_it_manages_and_takes_up_what_nobody_does() {
    let (acme, [okta, entra]) = given("touch");
    let own = by(&acme, &okta, "POST", "/Users").json(&json!({ "userName": "ada" })).is(201).id();
    let path = format!("/Users/{own}");
    let body = json!({ "userName": "ada", "title": "Dev" });
    let refused = by(&acme, &entra, "PUT", &path).json(&body).is(403).json();
    assert_eq!(refused["detail"], "another connection manages this resource");
    by(&acme, &entra, "DELETE", &path).is(403);
    by(&acme, &entra, "GET", &path).is(200);
    by(&acme, &okta, "PUT", &path).json(&body).is(200);

    let nobodys = format!("/Users/{}", acme.user("bob"));
    by(&acme, &okta, "DELETE", &nobodys).is(403);
    let body = json!({ "userName": "bob" });
    let taken_up = by(&acme, &okta, "PUT", &nobodys).json(&body).is(200);
    let cost = taken_up.cost();
    assert!(cost.read <= 5 && cost.written <= 3, "{} read, {} written", cost.read, cost.written);
    let again = by(&acme, &okta, "PUT", &nobodys).json(&body).is(200);
    assert_eq!(again.cost().written, 0);
    by(&acme, &entra, "PUT", &nobodys).json(&body).is(403);
    by(&acme, &okta, "DELETE", &nobodys).is(204);
}

#[test]
fn a_connection_is_changed_disabled_and_carried_away() {
    let (acme, [okta, _]) = given("change");
    let shown = acme.admin("GET", "/connections/okta").is(200);
    let patch = |tag: &str| {
        let body = json!({ "displayName": "Workforce", "adopt": "never" });
        acme.admin("PATCH", "/connections/okta").header("if-match", tag).json(&body)
    };
    let changed = patch(shown.header("etag")).is(200);
    assert_ne!(changed.header("etag"), shown.header("etag"));
    patch(shown.header("etag")).is(412);
    acme.admin("POST", "/connections/okta/disable").is(200);
    by(&acme, &okta, "GET", "/Users").is(403);
    acme.admin("POST", "/connections/okta/activate").is(200);
    by(&acme, &okta, "GET", "/Users").is(200);

    let exported = acme.admin("GET", "/connections/okta/export").is(200).json();
    let other = Tenant::new("carried");
    let made = other.admin("POST", "/connections/import").json(&exported).is(201).json();
    assert_eq!((&made["displayName"], &made["state"]), (&json!("Workforce"), &json!("draft")));
    acme.admin("POST", "/connections/import").json(&exported).is(409);
}

#[test]
fn a_deleted_connection_takes_its_keys_along_and_alarms_finish_its_users() {
    let (acme, [okta, _]) = given("depart");
    let people: Vec<Value> = (0..600)
        .map(|n| json!({ "method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": { "userName": format!("u{n}") } }))
        .collect();
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": people });
    by(&acme, &okta, "POST", "/Bulk").json(&body).is(200);
    acme.admin("DELETE", "/connections/okta").is(422);
    let leaving = acme.admin("DELETE", "/connections/okta?users=delete").is(202).json();
    assert_eq!(leaving["deletion"], json!({ "users": "delete", "done": 500 }));
    by(&acme, &okta, "GET", "/Users").is(401);
    let is_gone = || acme.admin("GET", "/connections/okta").send().status == 404;
    let done = (0..LOOKS).any(|_| {
        thread::sleep(Duration::from_millis(LOOK_MILLISECONDS));
        is_gone()
    });
    assert!(done, "the alarms have not finished");
    assert_eq!(acme.scim("GET", "/Users?count=0").is(200).json()["totalResults"], 0);
    let again = json!({ "id": "okta", "displayName": "okta" });
    acme.admin("POST", "/connections").json(&again).is(201);
}
