//! `/v1/tenants`: making, reading, suspending and purging tenants.

use muster::limits;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::deployment::fresh_slug;
use crate::tenant::Tenant;

const TENANTS: &str = "/v1/tenants";

fn post(body: &Value) -> Ask {
    Ask::admin("POST", TENANTS).json(body)
}

fn tenant(method: &str, slug: &str) -> Ask {
    Ask::admin(method, &format!("{TENANTS}/{slug}"))
}

fn purge(slug: &str) -> Ask {
    tenant("DELETE", &format!("{slug}?confirm={slug}"))
}

#[test]
fn a_tenant_is_made_read_listed_edited_and_purged() {
    let slug = fresh_slug("life");
    let made = post(&json!({ "id": slug, "displayName": "Life", "location": "weur" })).is(201);
    let shown =
        json!({ "id": slug, "displayName": "Life", "status": "active", "location": "weur" });
    assert_eq!(made.json(), shown);
    assert_eq!(tenant("GET", &slug).is(200).json(), shown);
    assert!(listed().contains(&shown), "the list has the tenant");

    let edited = tenant("PATCH", &slug).json(&json!({ "displayName": null })).is(200);
    assert_eq!(edited.json(), json!({ "id": slug, "status": "active", "location": "weur" }));
    assert_eq!(tenant("GET", &slug).is(200).json(), edited.json());

    purge(&slug).is(204);
    tenant("GET", &slug).is(404).is_problem("not_found");
    tenant("PATCH", &slug).json(&json!({})).is(404).is_problem("not_found");
    purge(&slug).is(404).is_problem("not_found");
    assert!(!listed().iter().any(|item| item["id"] == slug), "the list has lost the tenant");
}

/// All tenants, page by page.
fn listed() -> Vec<Value> {
    let mut items = Vec::new();
    let mut page = Ask::admin("GET", &format!("{TENANTS}?limit=25")).is(200).json();
    loop {
        let shown = page["items"].as_array().expect("a page has items").clone();
        assert!(shown.len() <= 25);
        items.extend(shown);
        let Some(cursor) = page["next"].as_str() else { return items };
        page = Ask::admin("GET", &format!("{TENANTS}?limit=25&cursor={cursor}")).is(200).json();
    }
}

#[test]
fn a_cursor_that_nobody_was_given_is_refused() {
    for cursor in ["bad", "AAAA", "%20"] {
        let page = Ask::admin("GET", &format!("{TENANTS}?cursor={cursor}")).is(400);
        let problem = page.is_problem("malformed").json();
        assert_eq!(problem["detail"], "`cursor` is none of this list");
    }
}

#[test]
fn a_tenant_that_is_there_is_not_made_again() {
    let acme = Tenant::new("twice");
    acme.user("ada");
    post(&json!({ "id": acme.slug, "displayName": "Other" })).is(409).is_problem("conflict");
    assert!(tenant("GET", &acme.slug).is(200).json()["displayName"].is_null());
    assert_eq!(acme.scim("GET", "/Users").is(200).json()["totalResults"], 1);
}

#[test]
fn a_body_that_is_no_json_object_is_400() {
    let acme = Tenant::new("no-object");
    for body in ["", "{", "[]", "null", "\"acme\""] {
        for (method, path) in [("POST", TENANTS), ("PATCH", &format!("{TENANTS}/{}", acme.slug))] {
            let ask = Ask::admin(method, path).header("content-type", "application/json");
            ask.body(body).is(400).is_problem("malformed");
        }
    }
}

#[test]
fn an_id_that_is_none_is_400() {
    for id in [
        json!(null),
        json!(7),
        json!(""),
        json!("Acme"),
        json!("-acme"),
        json!("a/b"),
        json!("admin"),
        json!("a".repeat(limits::SLUG_CHARACTERS + 1)),
    ] {
        post(&json!({ "id": id })).is(400).is_problem("malformed");
    }
    post(&json!({})).is(400).is_problem("malformed");
}

#[test]
fn a_record_that_is_none_is_422_and_makes_no_tenant() {
    let slug = fresh_slug("bad");
    for (name, value) in [
        ("status", json!("paused")),
        ("jurisdiction", json!("mars")),
        ("location", json!("here")),
        ("displayName", json!(["x"])),
        ("displayName", json!("x".repeat(limits::NAME_CHARACTERS + 1))),
        ("colour", json!("red")),
    ] {
        let reply = post(&json!({ "id": slug, name: value })).is(422);
        reply.is_problem("contradictory");
        assert!(reply.field("/detail").contains(name), "{}", reply.text());
    }
    tenant("GET", &slug).is(404);
}

#[test]
fn an_edit_that_contradicts_the_record_is_422() {
    let acme = Tenant::new("fixed");
    for body in [
        json!({ "location": "weur" }),
        json!({ "jurisdiction": "eu" }),
        json!({ "status": "paused" }),
        json!({ "colour": "red" }),
    ] {
        tenant("PATCH", &acme.slug).json(&body).is(422).is_problem("contradictory");
    }
    tenant("PATCH", &acme.slug).json(&json!({ "id": acme.slug })).is(200);
    acme.scim("GET", "/Users").is(200);
}

#[test]
fn a_body_of_another_media_type_is_415() {
    let acme = Tenant::new("media");
    for (method, path) in
        [("POST", TENANTS.to_owned()), ("PATCH", format!("/v1/tenants/{}", acme.slug))]
    {
        let ask = Ask::admin(method, &path).header("content-type", "text/plain").body("{}");
        ask.is(415).is_problem("unsupported_media_type");
    }
    let key = acme.admin("POST", "/keys").header("content-type", "application/xml").body("<a/>");
    key.is(415).is_problem("unsupported_media_type");
}

#[test]
fn only_the_administrator_sees_tenants() {
    let acme = Tenant::new("admin-only");
    let path = format!("{TENANTS}/{}", acme.slug);
    for (method, path) in
        [("GET", TENANTS), ("POST", TENANTS), ("GET", &path), ("PATCH", &path), ("DELETE", &path)]
    {
        Ask::new(method, path).is(401).is_problem("unauthorized");
        Ask::new(method, path).bearer("guess").is(401).is_problem("unauthorized");
        Ask::new(method, path).bearer(&acme.key).is(403).is_problem("insufficient_scope");
    }
}

#[test]
fn suspending_stops_a_tenant_at_once_and_resuming_starts_it() {
    let acme = Tenant::new("suspend");
    let id = acme.user("ada");
    for _ in 0..2 {
        let suspended = tenant("PATCH", &acme.slug).json(&json!({ "status": "suspended" }));
        assert_eq!(suspended.is(200).json()["status"], "suspended");
        acme.scim("GET", &format!("/Users/{id}")).is(403).is_scim_error("");
        let events = Ask::new("GET", &format!("{TENANTS}/{}/events", acme.slug));
        events.bearer(&acme.key).is(403).is_problem("tenant_suspended");
        acme.admin("GET", "/keys").is(200);
        tenant("PATCH", &acme.slug).json(&json!({ "status": "active" })).is(200);
        acme.scim("GET", &format!("/Users/{id}")).is(200);
    }
}

#[test]
fn purging_wants_the_tenants_name() {
    let acme = Tenant::new("confirm");
    for query in ["", "?confirm", "?confirm=", "?confirm=yes", "?other=1"] {
        tenant("DELETE", &format!("{}{query}", acme.slug)).is(422).is_problem("contradictory");
    }
    acme.scim("GET", "/Users").is(200);
}

#[test]
fn purging_leaves_nothing_for_a_tenant_of_the_same_name() {
    let acme = Tenant::new("purge");
    let ada = acme.user("ada");
    acme.group("Builders", &[&ada]);
    let connection =
        json!({ "id": "okta", "displayName": "Okta", "kind": "scim", "preset": "generic" });
    acme.admin("POST", "/connections").json(&connection).is(201);

    purge(&acme.slug).is(204);
    acme.scim("GET", "/Users").is(404).is_scim_error("");
    acme.admin("GET", "/keys").is(404).is_problem("not_found");

    post(&json!({ "id": acme.slug })).is(201);
    acme.scim("GET", "/Users").is(401).is_scim_error("");
    assert_eq!(acme.admin("GET", "/keys").is(200).json(), json!({ "items": [] }));
    assert_eq!(acme.admin("GET", "/connections").is(200).json(), json!({ "items": [] }));
    assert_eq!(acme.admin("GET", "/events").is(200).json(), json!({ "items": [] }));
    let again = Tenant::of(acme.slug.clone());
    acme.scim("GET", "/Users").is(401);
    for collection in ["/Users", "/Groups"] {
        assert_eq!(again.scim("GET", collection).is(200).json()["totalResults"], 0);
    }
    again.scim("GET", &format!("/Users/{ada}")).is(404);
    again.user("ada");
}

#[test]
fn what_does_not_take_a_method_says_which_it_takes() {
    let acme = Tenant::new("allow");
    let path = format!("{TENANTS}/{}", acme.slug);
    for (method, path, allowed) in [
        ("PUT", TENANTS, "GET, HEAD, POST"),
        ("DELETE", TENANTS, "GET, HEAD, POST"),
        ("OPTIONS", TENANTS, "GET, HEAD, POST"),
        ("POST", &path, "GET, HEAD, PATCH, DELETE"),
        ("PUT", &path, "GET, HEAD, PATCH, DELETE"),
        ("PUT", &format!("{path}/keys"), "GET, HEAD, POST"),
        ("PATCH", &format!("{path}/keys/k"), "GET, HEAD, DELETE"),
        ("POST", &format!("{path}/events"), "GET, HEAD"),
        ("PUT", &format!("{path}/connections"), "GET, HEAD, POST"),
    ] {
        let reply = Ask::admin(method, path).is(405);
        assert_eq!(reply.header("allow"), allowed, "{method} {path}");
        reply.is_problem("method_not_allowed");
    }
    for path in ["/v1", "/v1/", "/v1/tenants/a/b", "/v1/nothing", "/v2/tenants", "/"] {
        Ask::admin("GET", path).is(404).is_problem("not_found");
    }
}
