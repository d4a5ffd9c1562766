//! What becomes of a connection: changed, activated, disabled, carried to another tenant.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::steps::{check_error, check_problem, patch_op};
use crate::support::{ADMIN, Acme, ORIGIN};

const OKTA: &str = "/connections/okta";

/// A tenant with a connection in a state.
fn given(state: &str) -> Acme {
    let mut acme = Acme::new();
    let body = json!({ "id": "okta", "displayName": "Okta", "preset": "okta", "state": state });
    assert_eq!(acme.admin("POST", "/connections", &body).status, 201);
    acme
}

fn if_match(acme: &mut Acme, (method, path): (&str, &str), body: &Value, tag: &str) -> Reply {
    let headers = BTreeMap::from([("if-match".to_owned(), tag.to_owned())]);
    let url = format!("{ORIGIN}/v1/tenants/acme{path}");
    acme.fetch(method, &url, &headers, body.to_string().as_bytes(), ADMIN)
}

/// The types of the events about connections behind the first.
fn told(acme: &mut Acme) -> Vec<String> {
    let kinds = acme.event_types(0);
    kinds.into_iter().filter(|kind| kind.starts_with("connection.")).skip(1).collect()
}

#[test]
fn a_patch_is_merged() {
    let mut acme = given("active");
    for (patch, name, expected) in [
        (json!({ "displayName": " New " }), "displayName", json!("New")),
        (json!({ "preset": "entra" }), "preset", json!("entra")),
        (json!({ "preset": null }), "preset", json!("generic")),
        (json!({ "adopt": "never" }), "adopt", json!("never")),
        (json!({ "adopt": null }), "adopt", json!("onWrite")),
        (json!({ "compat": { "aliases": false } }), "compat", json!({ "aliases": false })),
        (
            json!({ "compat": { "requireIfMatch": true } }),
            "compat",
            json!({ "aliases": false, "requireIfMatch": true }),
        ),
        (json!({ "compat": { "aliases": null } }), "compat", json!({ "requireIfMatch": true })),
        (json!({ "compat": null }), "compat", json!({})),
    ] {
        let before = acme.admin("GET", OKTA, &Value::Null);
        let reply = acme.admin("PATCH", OKTA, &patch);
        assert_eq!((reply.status, &reply.json()[name]), (200, &expected), "{patch}");
        assert_ne!(reply.headers["etag"], before.headers["etag"]);
        let event = acme.events().pop().unwrap();
        assert_eq!(event["type"], "connection.updated");
        assert_eq!(event["data"]["changed"], json!([name]), "{patch}");
        assert_eq!(event["data"]["previous"], json!({ name: before.json()[name] }), "{patch}");
        acme.sleep();
        let read = acme.admin("GET", OKTA, &Value::Null);
        assert_eq!((read.json(), &read.headers["etag"]), (reply.json(), &reply.headers["etag"]));
    }
}

#[test]
fn a_patch_that_changes_nothing_writes_nothing() {
    let mut acme = given("active");
    let shown = acme.admin("GET", OKTA, &Value::Null);
    let before = acme.dump();
    for patch in [
        json!({}),
        json!({ "displayName": "Okta " }),
        json!({ "id": "okta", "kind": "scim" }),
        json!({ "compat": {} }),
        shown.json(),
    ] {
        let reply = acme.admin("PATCH", OKTA, &patch);
        assert_eq!((reply.status, reply.json()), (200, shown.json()), "{patch}");
        assert_eq!(reply.headers["etag"], shown.headers["etag"]);
    }
    assert_eq!(acme.admin("POST", "/connections/okta/activate", &Value::Null).status, 200);
    assert_eq!(acme.dump(), before);
}

#[test]
fn a_patch_that_is_wrong_changes_nothing() {
    let mut acme = given("active");
    let other = json!({ "id": "other", "displayName": "Other" });
    acme.admin("POST", "/connections", &other);
    let fixed = |name: &str| format!("`{name}` of a connection cannot be changed");
    for (patch, status, code, detail) in [
        (json!({ "id": "other" }), 422, "contradictory", fixed("id")),
        (json!({ "id": null }), 422, "contradictory", fixed("id")),
        (json!({ "kind": "saml" }), 422, "contradictory", fixed("kind")),
        (json!({ "createdAt": "now" }), 422, "contradictory", fixed("createdAt")),
        (json!({ "displayName": null }), 400, "malformed", "`displayName` is missing".to_owned()),
        (json!({ "compat": [] }), 400, "malformed", "`compat` is not an object".to_owned()),
        (
            json!({ "compat": { "colour": true } }),
            400,
            "malformed",
            "`compat.colour` is no rule".to_owned(),
        ),
        (
            json!({ "secret": "x" }),
            400,
            "malformed",
            "`secret` is no field of a connection".to_owned(),
        ),
        (
            json!({ "displayName": "Other" }),
            409,
            "conflict",
            "a connection with this displayName exists".to_owned(),
        ),
    ] {
        acme.admin_refused("PATCH", OKTA, &patch, (status, code, &detail));
    }
    for (method, path) in [
        ("PATCH", "/connections/nobody"),
        ("DELETE", "/connections/nobody?users=keep"),
        ("POST", "/connections/nobody/activate"),
        ("POST", "/connections/nobody/disable"),
        ("GET", "/connections/nobody/export"),
    ] {
        acme.admin_refused(
            method,
            path,
            &json!({}),
            (404, "not_found", "there is no such connection"),
        );
    }
}

#[test]
fn a_state_is_reached_from_those_before_it_and_active_from_disabled() {
    const STATES: [&str; 4] = ["draft", "pending", "active", "disabled"];
    for (from, before) in STATES.into_iter().enumerate() {
        for (to, after) in STATES.into_iter().enumerate() {
            let mut acme = given(before);
            let reply = acme.admin("PATCH", OKTA, &json!({ "state": after }));
            let event = match after {
                "active" => "connection.activated",
                "disabled" => "connection.disabled",
                _ => "connection.updated",
            };
            if from == to {
                assert_eq!((reply.status, told(&mut acme)), (200, Vec::new()));
            } else if from < to || (before, after) == ("disabled", "active") {
                assert_eq!((reply.status, &reply.json()["state"]), (200, &json!(after)));
                assert_eq!(told(&mut acme), [event], "{before} {after}");
            } else {
                let detail = "no way leads from the connection's state to this one";
                check_problem(&reply, (409, "conflict", detail), &format!("{before} {after}"));
                assert_eq!(told(&mut acme), Vec::<String>::new());
            }
        }
        let mut acme = given(before);
        for (action, after) in [("activate", "active"), ("disable", "disabled")] {
            let reply = acme.admin("POST", &format!("{OKTA}/{action}"), &Value::Null);
            assert_eq!((reply.status, &reply.json()["state"]), (200, &json!(after)), "{before}");
        }
    }
}

#[test]
fn a_change_may_name_the_version_that_it_was_made_for() {
    let mut acme = given("active");
    let tag = acme.admin("GET", OKTA, &Value::Null).headers["etag"].clone();
    let patch = json!({ "displayName": "New" });
    let requests = [
        ("PATCH", OKTA),
        ("POST", "/connections/okta/disable"),
        ("DELETE", "/connections/okta?users=keep"),
    ];
    for request in requests {
        let stale = if_match(&mut acme, request, &patch, "\"9\"");
        check_problem(&stale, (412, "precondition_failed", ""), request.0);
    }
    assert_eq!(if_match(&mut acme, requests[0], &patch, &tag).status, 200);
    for stale in [&*tag, "\"7\", \"9\"", "2x"] {
        assert_eq!(if_match(&mut acme, requests[0], &patch, stale).status, 412, "{stale}");
    }
    assert_eq!(if_match(&mut acme, requests[0], &patch, "\"7\", \"2\"").status, 200);
    assert_eq!(if_match(&mut acme, requests[0], &patch, "W/\"2\"").status, 200);
    assert_eq!(if_match(&mut acme, requests[1], &json!({}), "*").status, 200);
    assert_eq!(if_match(&mut acme, requests[2], &patch, "\"3\"").status, 204);
}

#[test]
fn bb_07_a_name_is_unique_and_changes_and_the_id_stays() {
    let mut acme = given("active");
    let key = acme.mint_with(&json!({ "name": "k", "scopes": ["scim"], "connection": "okta" }));
    let user = acme.with_key(&key, |acme| acme.user("ada"));
    assert_eq!(acme.admin("PATCH", OKTA, &json!({ "displayName": "Workforce" })).status, 200);
    let keys = acme.admin("GET", "/keys", &Value::Null).json();
    assert!(keys["items"].as_array().unwrap().iter().any(|key| key["connection"] == "okta"));
    let path = format!("/Users/{user}");
    acme.with_key(&key, |acme| acme.delete(&path));
    let last = acme.events().pop().unwrap();
    assert_eq!(
        (&last["type"], &last["data"]["connection"]),
        (&json!("user.deleted"), &json!("okta"))
    );
    let taken = (409, "conflict", "a connection with this id or displayName exists");
    let body = json!({ "id": "second", "displayName": "Workforce" });
    acme.admin_refused("POST", "/connections", &body, taken);
    let free = json!({ "id": "second", "displayName": "Okta" });
    assert_eq!(acme.admin("POST", "/connections", &free).status, 201);
}

#[test]
fn jb_26_every_create_names_its_connection_and_a_disabled_one_creates_nothing() {
    let mut acme = given("active");
    let key = acme.mint_with(&json!({ "name": "k", "scopes": ["scim"], "connection": "okta" }));
    acme.with_key(&key, |acme| acme.user("ada"));
    assert_eq!(acme.events().pop().unwrap()["data"]["connection"], "okta");
    acme.admin("POST", "/connections/okta/disable", &Value::Null);
    let before = acme.dump();
    let refused = (403, "", "the key's connection is disabled");
    for (method, path) in [("POST", "/Users"), ("GET", "/Users"), ("GET", "/ResourceTypes")] {
        let reply = acme.scim_with(method, path, &json!({ "userName": "bob" }), &key, &[]);
        check_error(&reply, refused, method);
    }
    assert_eq!(acme.dump(), before);
    acme.admin("POST", "/connections/okta/activate", &Value::Null);
    acme.with_key(&key, |acme| acme.user("bob"));
}

#[test]
fn jb_27_what_is_exported_makes_another_connection_in_draft() {
    let mut acme = given("active");
    let patch = json!({ "compat": { "requireIfMatch": true }, "adopt": "onCreate" });
    acme.admin("PATCH", OKTA, &patch);
    acme.mint_with(&json!({ "name": "k", "scopes": ["scim"], "connection": "okta" }));
    let exported = acme.admin("GET", "/connections/okta/export", &Value::Null).json();
    let names: Vec<&String> = exported.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["id", "displayName", "kind", "preset", "compat", "adopt", "inScope", "state"]
    );

    let mut globex = Acme::named("globex");
    let reply = globex.admin("POST", "/connections/import", &exported);
    assert_eq!(reply.status, 201, "{}", reply.json());
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("okta-") && id.len() == "okta-".len() + 8, "{id}");
    let path = format!("/connections/{id}/export");
    let mut again = globex.admin("GET", &path, &Value::Null).json();
    assert_eq!(again["state"], "draft");
    (again["id"], again["state"]) = (exported["id"].clone(), exported["state"].clone());
    assert_eq!(again, exported, "but for id and state");
    assert_eq!(globex.events().pop().unwrap()["type"], "connection.created");

    let taken = (409, "conflict", "a connection with this id or displayName exists");
    acme.admin_refused("POST", "/connections/import", &exported, taken);
    let mut renamed = exported.clone();
    renamed["displayName"] = json!("Copy");
    renamed["id"] = json!("a".repeat(40));
    let copy = acme.admin("POST", "/connections/import", &renamed).json();
    assert_eq!(copy["id"].as_str().unwrap().len(), 40);
    renamed["id"] = json!("No Slug");
    let no_id = "`id` is not of the form [a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?, or is reserved";
    acme.admin_refused("POST", "/connections/import", &renamed, (400, "malformed", no_id));
    for odd in [Value::Null, json!(7), json!(["okta"])] {
        renamed["id"] = odd;
        let no_text = (400, "malformed", "`id` is not a text");
        acme.admin_refused("POST", "/connections/import", &renamed, no_text);
    }
    renamed.as_object_mut().unwrap().shift_remove("id");
    renamed["displayName"] = json!("Third");
    let third = acme.admin("POST", "/connections/import", &renamed).json();
    assert!(third["id"].as_str().unwrap().starts_with("connection-"));
}

#[test]
fn bb_05_managing_provisioning_wants_the_scope_and_the_actor_is_recorded() {
    let mut acme = given("active");
    let app = acme.mint(&["events:read", "access:read", "config:read"]);
    for (method, path) in [
        ("POST", "/connections"),
        ("PATCH", OKTA),
        ("DELETE", "/connections/okta?users=keep"),
        ("POST", "/connections/okta/activate"),
        ("POST", "/connections/import"),
        ("PUT", "/policies"),
        ("POST", "/schemas"),
    ] {
        let path = format!("/v1/tenants/acme{path}");
        let refused = acme.ask(method, &path, &json!({}), &app);
        let error = (403, "insufficient_scope", "the key lacks the scope `config:write`");
        check_problem(&refused, error, &path);
        let challenge = &refused.headers["www-authenticate"];
        assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    }
    let key = acme.mint(&["config:write"]);
    let path = "/v1/tenants/acme/connections/okta";
    assert_eq!(acme.ask("PATCH", path, &json!({ "displayName": "New" }), &key).status, 200);
    let keys = acme.admin("GET", "/keys", &Value::Null).json();
    let last = keys["items"].as_array().unwrap().last().unwrap()["id"].clone();
    let event = acme.events().pop().unwrap();
    assert_eq!(event["data"]["actor"], json!(format!("key:{}", last.as_str().unwrap())));
}

#[test]
fn a_key_of_a_connection_changes_no_connection() {
    let mut acme = given("active");
    acme.connect("entra");
    let scopes = json!(["config:write", "scim"]);
    let own = json!({ "name": "k", "scopes": scopes, "connection": "entra" });
    let key = acme.mint_with(&own);
    let before = acme.dump();
    let body = json!({ "id": "new", "displayName": "New" });
    let refused = (403, "insufficient_scope", "a key of a connection changes no connection");
    for (method, path) in [
        ("POST", "/connections"),
        ("POST", "/connections/import"),
        ("DELETE", "/connections/okta?users=delete"),
        ("PATCH", OKTA),
        ("POST", "/connections/okta/disable"),
        ("PATCH", "/connections/entra"),
        ("POST", "/connections/entra/activate"),
        ("DELETE", "/connections/entra?users=keep"),
        ("DELETE", "/connections/nobody?users=keep"),
    ] {
        let reply = acme.ask(method, &format!("/v1/tenants/acme{path}"), &body, &key);
        check_problem(&reply, refused, path);
    }
    assert_eq!(acme.dump(), before);
    for path in ["/connections", OKTA, "/connections/okta/export", "/connections/okta/health"] {
        let path = format!("/v1/tenants/acme{path}");
        assert_eq!(acme.ask("GET", &path, &Value::Null, &key).status, 200, "{path}");
    }
    let path = "/v1/tenants/acme/connections/entra/test";
    assert_eq!(acme.ask("POST", path, &Value::Null, &key).status, 200);
    let free = acme.mint(&["config:write"]);
    let path = "/v1/tenants/acme/connections";
    assert_eq!(acme.ask("POST", path, &body, &free).status, 201);
}

#[test]
fn bz_10_users_are_managed_by_keys_with_the_scope_alone() {
    let mut acme = Acme::new();
    let user = format!("/Users/{}", acme.user("ada"));
    let title = patch_op(&json!([{ "op": "add", "path": "title", "value": "Dev" }]));
    for (scopes, status) in [
        (["scim.users:read"].as_slice(), 403),
        (&["config:write", "keys:write"], 403),
        (&["scim.groups:write"], 403),
        (&["scim.users:write"], 200),
    ] {
        let key = acme.mint(scopes);
        let reply = acme.scim_with("PATCH", &user, &title, &key, &[]);
        assert_eq!(reply.status, status, "{scopes:?}");
    }
}

#[test]
fn a_change_that_fails_at_any_statement_leaves_nothing() {
    for (method, path, body) in [
        ("PATCH", OKTA, json!({ "displayName": "New", "state": "disabled" })),
        ("POST", "/connections/okta/disable", Value::Null),
        ("POST", "/connections/import", json!({ "displayName": "Copy" })),
    ] {
        let mut acme = given("active");
        let before = acme.dump();
        let shown = acme.admin("GET", "/connections", &Value::Null).json();
        let change = |acme: &mut Acme| acme.admin(method, path, &body);
        let (reply, count) = acme.failing_everywhere(change, |acme, statements, reply| {
            assert_eq!((reply.status, acme.dump() == before), (500, true), "{path} {statements}");
            assert_eq!(acme.admin("GET", "/connections", &Value::Null).json(), shown);
        });
        assert!(reply.status < 300 && count > 1, "{path}: {}", reply.json());
        assert_ne!(acme.dump(), before);
    }
}
