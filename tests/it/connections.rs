//! Connections of a tenant: one identity provider each, with its preset and its state.

use muster::limits;
use muster::scim::compat::PRESETS;
use serde_json::{Value, json};

use crate::steps::check_problem;
use crate::support::Acme;

fn created(acme: &mut Acme, body: &Value) -> Value {
    let reply = acme.admin("POST", "/connections", body);
    assert_eq!(reply.status, 201, "{body}: {}", reply.json());
    reply.json()
}

#[test]
fn a_connection_is_shown_as_it_was_made() {
    let mut acme = Acme::new();
    for (body, preset, state) in [
        (json!({ "id": "okta", "displayName": "Okta" }), "generic", "draft"),
        (
            json!({
                "id": "entra", "displayName": " Entra ID ", "kind": "scim", "preset": "entra",
                "state": "active",
            }),
            "entra",
            "active",
        ),
    ] {
        let expected = json!({
            "id": body["id"],
            "displayName": body["displayName"].as_str().unwrap().trim(),
            "kind": "scim",
            "preset": preset,
            "compat": {},
            "adopt": "onWrite",
            "inScope": null,
            "state": state,
            "createdAt": "2026-09-21T14:13:20.000Z",
        });
        assert_eq!(created(&mut acme, &body), expected);
        let path = format!("/connections/{}", body["id"].as_str().unwrap());
        assert_eq!(acme.admin("GET", &path, &Value::Null).json(), expected);
        acme.sleep();
        assert_eq!(acme.admin("GET", &path, &Value::Null).json(), expected, "read from its row");
    }
    let facts = acme.events();
    assert_eq!(acme.event_types(1), ["connection.created", "connection.created"]);
    assert_eq!(
        (&facts[2]["data"]["id"], &facts[2]["data"]["preset"]),
        (&json!("entra"), &json!("entra"))
    );
}

#[test]
fn every_preset_and_every_state_can_be_chosen() {
    let mut acme = Acme::new();
    for preset in PRESETS {
        let body = json!({ "id": preset.id, "displayName": preset.id, "preset": preset.id });
        assert_eq!(created(&mut acme, &body)["preset"], preset.id);
    }
    for state in ["draft", "pending", "active", "disabled"] {
        let body = json!({ "id": state, "displayName": state, "state": state });
        assert_eq!(created(&mut acme, &body)["state"], state);
    }
}

#[test]
fn an_id_and_a_name_are_taken_once() {
    let mut acme = Acme::new();
    created(&mut acme, &json!({ "id": "okta", "displayName": "Okta" }));
    let detail = "a connection with this id or displayName exists";
    for (id, name) in [("okta", "Okta"), ("okta", "Other"), ("other", "Okta"), ("other", " Okta ")]
    {
        let body = json!({ "id": id, "displayName": name });
        acme.admin_refused("POST", "/connections", &body, (409, "conflict", detail));
        acme.sleep();
    }
    created(&mut acme, &json!({ "id": "other", "displayName": "okta" }));
}

#[test]
fn a_connection_that_is_asked_for_wrongly_is_not_made() {
    let mut acme = Acme::new();
    let no_id = "`id` is not of the form [a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?, or is reserved";
    let no_name = "`displayName` is not a text of 1 to 200 characters";
    let no_preset = "`preset` is none of entra, generic, google, jumpcloud, okta, onelogin, \
                     pingone, rippling, sailpoint, strict";
    let no_state = "`state` is none of draft, pending, active, disabled";
    for (name, value, detail) in [
        ("id", Value::Null, "`id` is missing"),
        ("id", json!(7), "`id` is not a text"),
        ("id", json!(""), no_id),
        ("id", json!("Okta"), no_id),
        ("id", json!("okta "), no_id),
        ("id", json!("a/b"), no_id),
        ("id", json!("admin"), no_id),
        ("id", json!("import"), no_id),
        ("id", json!("a".repeat(limits::SLUG_CHARACTERS + 1)), no_id),
        ("displayName", Value::Null, "`displayName` is missing"),
        ("displayName", json!([]), "`displayName` is not a text"),
        ("displayName", json!("  "), no_name),
        ("displayName", json!("é".repeat(limits::NAME_CHARACTERS + 1)), no_name),
        ("kind", json!("saml"), "`kind` is not scim"),
        ("kind", json!(false), "`kind` is not a text"),
        ("preset", json!("Entra"), no_preset),
        ("preset", json!("Okta "), no_preset),
        ("state", json!("Active"), no_state),
        ("state", json!(""), no_state),
        ("adopt", json!("always"), "`adopt` is none of onWrite, onCreate, never"),
        ("adopt", json!(true), "`adopt` is not a text"),
        ("colour", json!("red"), "`colour` is no field of a connection"),
        ("createdAt", json!("now"), "`createdAt` is no field of a connection"),
    ] {
        let mut body = json!({ "id": "okta", "displayName": "Okta" });
        let fields = body.as_object_mut().unwrap();
        fields.shift_remove(name);
        fields.extend((!value.is_null()).then(|| (name.to_owned(), value)));
        acme.admin_refused("POST", "/connections", &body, (400, "malformed", detail));
    }
    let malformed = (400, "malformed", "the body is not a JSON object");
    acme.admin_refused("POST", "/connections", &json!(["okta"]), malformed);
}

#[test]
fn connections_are_listed_by_id_in_pages() {
    let mut acme = Acme::new();
    for id in ["okta", "entra", "ping"] {
        created(&mut acme, &json!({ "id": id, "displayName": id }));
    }
    for (query, ids, next) in [
        ("", vec!["entra", "okta", "ping"], Value::Null),
        ("?limit=3", vec!["entra", "okta", "ping"], Value::Null),
        ("?limit=2", vec!["entra", "okta"], json!("okta")),
        ("?limit=2&cursor=okta", vec!["ping"], Value::Null),
        ("?cursor=f", vec!["okta", "ping"], Value::Null),
        ("?cursor=ping", vec![], Value::Null),
    ] {
        let page = acme.admin("GET", &format!("/connections{query}"), &Value::Null).json();
        let items = page["items"].as_array().unwrap();
        let found: Vec<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!((found, &page["next"]), (ids, &next), "{query}");
    }
    let none = Acme::new().admin("GET", "/connections", &Value::Null);
    assert_eq!(none.body, br#"{"items":[]}"#);
}

#[test]
fn what_is_not_there_or_not_offered_is_refused() {
    let mut acme = Acme::new();
    created(&mut acme, &json!({ "id": "okta", "displayName": "Okta" }));
    for id in ["nothing", "OKTA", "ok%2Fta", "%20okta"] {
        acme.admin_refused(
            "GET",
            &format!("/connections/{id}"),
            &Value::Null,
            (404, "not_found", "there is no such connection"),
        );
    }
    let refused = (405, "method_not_allowed", "the endpoint does not take this method");
    for (method, path) in [
        ("PUT", "/connections"),
        ("DELETE", "/connections"),
        ("PUT", "/connections/okta"),
        ("POST", "/connections/okta"),
        ("GET", "/connections/import"),
        ("GET", "/connections/okta/activate"),
        ("GET", "/connections/okta/disable"),
        ("POST", "/connections/okta/export"),
    ] {
        acme.admin_refused(method, path, &json!({}), refused);
    }
}

#[test]
fn reading_wants_one_scope_and_making_another() {
    let mut acme = Acme::new();
    let path = "/v1/tenants/acme/connections";
    let body = json!({ "id": "okta", "displayName": "Okta" });
    for (scope, reads, writes) in
        [("config:read", 200, 403), ("config:write", 200, 201), ("keys:write", 403, 403)]
    {
        let key = acme.mint(&[scope]);
        for (method, status) in [("GET", reads), ("POST", writes)] {
            let reply = acme.ask(method, path, &body, &key);
            assert_eq!(reply.status, status, "{method} with {scope}");
            if status == 403 {
                let lacked = if method == "GET" { "config:read" } else { "config:write" };
                let detail = format!("the key lacks the scope `{lacked}`");
                check_problem(&reply, (403, "insufficient_scope", &detail), scope);
            }
        }
    }
}

#[test]
fn a_tenant_has_so_many_connections_and_no_more() {
    let mut acme = Acme::new();
    let numbered =
        |number: usize| json!({ "id": format!("c{number}"), "displayName": number.to_string() });
    for number in 0..limits::CONNECTIONS_PER_TENANT {
        created(&mut acme, &numbered(number));
    }
    let full = (409, "conflict", "the tenant has too many connections");
    acme.admin_refused("POST", "/connections", &numbered(limits::CONNECTIONS_PER_TENANT), full);
}

#[test]
fn a_cursor_that_is_no_id_of_a_list_is_refused() {
    let mut acme = Acme::new();
    created(&mut acme, &json!({ "id": "okta", "displayName": "Okta" }));
    let none = (400, "malformed", "`cursor` is none of this list");
    let uuid = "01997085-4d00-7000-8000-000000000000";
    for (list, good, bad) in [
        ("/keys", uuid, vec!["z", "okta", "01997085-4D00-7000-8000-000000000000"]),
        ("/connections", "f", vec!["O", "a/b", "-", "urn:a:b"]),
        ("/connections/okta/secrets", uuid, vec!["z", "0"]),
        ("/connections/okta/trusts", uuid, vec!["z", "0"]),
        ("/imports", uuid, vec!["z", "0"]),
        ("/schemas", "URN:a", vec!["z", "ur", "é"]),
        (
            "/matches",
            "okta:7",
            vec!["okta", "okta:", "okta:x", "O:7", ":7", "okta:0", "okta:-7", "okta:07"],
        ),
        ("/drift", "7:title", vec!["7", "x:title", "7:", "0:title", "-7:title", "07:title"]),
    ] {
        for cursor in bad {
            acme.admin_refused("GET", &format!("{list}?cursor={cursor}"), &Value::Null, none);
        }
        for begins in [good, ""] {
            let reply = acme.admin("GET", &format!("{list}?cursor={begins}"), &Value::Null);
            assert_eq!(reply.status, 200, "{list}: {}", reply.json());
        }
    }
}
