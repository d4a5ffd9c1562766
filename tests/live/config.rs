//! The policy document in a tenant's record: brought from KV to the object by the first request that
//! comes, and by the administrator before the answer.

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::deployment::{deployment, fresh_slug};
use crate::log;
use crate::tenant::Tenant;

/// Has wrangler write a tenant's record.
fn put(slug: &str, record: &Value) {
    deployment().kv_key(&["put", &format!("tenant:{slug}"), &record.to_string()]);
}

/// Has the Worker read the record again, which it would do by itself within half a minute.
fn forget(slug: &str, name: &str) {
    tenant("PATCH", slug).json(&json!({ "displayName": name })).is(200);
}

fn tenant(method: &str, slug: &str) -> Ask {
    Ask::admin(method, &format!("/v1/tenants/{slug}"))
}

fn policies(slug: &str) -> Value {
    Ask::admin("GET", &format!("/v1/tenants/{slug}/policies")).is(200).json()
}

fn faults(problem: &Value) -> Vec<&str> {
    problem["faults"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect()
}

fn roles(version: i64, on: bool) -> Value {
    let connections = json!({ "okta": { "preset": "okta", "state": "active" } });
    json!({ "version": version, "features": { "roles": on }, "connections": connections })
}

#[test]
fn wrangler_configures_a_tenant_before_its_first_request() {
    let slug = fresh_slug("config");
    let record = json!({ "displayName": "Acme", "config": roles(4, true) });
    put(&slug, &record);
    let held = policies(&slug);
    assert_eq!((&held["version"], &held["features"]["roles"]), (&json!(4), &json!(true)));
    let acme = Tenant::of(slug);
    let okta = acme.admin("GET", "/connections/okta").is(200).json();
    assert_eq!((&okta["preset"], &okta["state"]), (&json!("okta"), &json!("active")));
    acme.scim("GET", "/Roles").is(200);
    let shown = tenant("GET", &acme.slug).is(200).json();
    assert_eq!(shown["config"], record["config"]);
    assert_eq!(shown.get("configProblem"), None);
    let first = acme.admin("GET", "/events?limit=1").is(200).json();
    assert_eq!(first["items"][0]["data"]["config"], true, "before all that was asked for");
}

#[test]
fn a_later_version_comes_ahead_of_a_request_whose_body_is_sent_once() {
    let acme = Tenant::new("config-later");
    acme.admin("GET", "/policies").is(200);
    put(&acme.slug, &json!({ "config": roles(2, true) }));
    forget(&acme.slug, "a");
    // One whose length is declared goes on as a stream.
    let ada = acme.user("ada");
    assert_eq!(policies(&acme.slug)["version"], 2);
    assert_eq!(acme.scim("GET", "/Users").is(200).json()["totalResults"], 1);
    let types: Vec<String> = acme.admin("GET", "/events").is(200).json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect();
    let expected = [
        "key.created",
        "tenant.updated",
        "tenant.feature.enabled",
        "connection.created",
        "user.created",
    ];
    assert_eq!(types, expected);

    // What KV holds at or below the version is ignored.
    let edit = json!({ "features": { "roles": false } });
    assert_eq!(acme.admin("PUT", "/policies").json(&edit).is(200).json()["version"], 3);
    put(&acme.slug, &json!({ "config": roles(3, true) }));
    forget(&acme.slug, "b");
    assert_eq!(policies(&acme.slug)["features"]["roles"], false);
    // A token of a client that is to be refused brings it, too, where there are tables.
    put(&acme.slug, &json!({ "config": roles(5, true) }));
    forget(&acme.slug, "c");
    let form =
        format!("grant_type=client_credentials&client_id={}.okta&client_secret=x", acme.slug);
    let ask = Ask::new("POST", &format!("/t/{}/oauth/token", acme.slug));
    ask.header("content-type", "application/x-www-form-urlencoded").body(form).is(401);
    assert_eq!(policies(&acme.slug)["version"], 5);

    // What the object knows costs nothing.
    let plain = Tenant::new("config-none");
    let bob = plain.user("bob");
    let cost = acme.scim("GET", &format!("/Users/{ada}")).is(200).cost();
    assert_eq!(cost, plain.scim("GET", &format!("/Users/{bob}")).is(200).cost());
    assert_eq!(cost.written, 0);
}

#[test]
fn a_faulty_document_leaves_the_policies_that_there_were() {
    let acme = Tenant::new("config-faulty");
    acme.admin("PUT", "/policies").json(&json!({ "features": { "agents": true } })).is(200);
    let unknown = format!("unknown-to-{}", acme.slug);
    let config = json!({
        "version": 7, "features": { "agents": false, &unknown: true },
        "connections": { "okta": { "preset": "nope" } },
    });
    put(&acme.slug, &json!({ "config": config }));
    forget(&acme.slug, "a");
    acme.user("ada");
    acme.scim("GET", "/Agents").is(200);
    let shown = tenant("GET", &acme.slug).is(200).json();
    assert_eq!(shown["config"]["version"], 7);
    let expected =
        [format!("/config/features/{unknown}"), "/config/connections/okta/preset".into()];
    assert_eq!(faults(&shown["configProblem"]), expected);
    let lines = log::lines(&unknown);
    assert_eq!(lines.len(), 1, "the log is told once");
    let line = &lines[0];
    assert_eq!((&line["level"], &line["tenant"]), (&json!("error"), &json!(acme.slug)));
    assert_eq!((&line["route"], &line["status"]), (&json!("config"), &json!(422)));
    let cause = line["cause"].as_str().unwrap();
    assert!(expected.iter().all(|path| cause.contains(path)), "{cause}");

    // It is mended without a new version.
    put(&acme.slug, &json!({ "config": { "version": 7, "features": { "agents": false } } }));
    forget(&acme.slug, "b");
    acme.scim("GET", "/Agents").is(404);
    assert_eq!(tenant("GET", &acme.slug).is(200).json().get("configProblem"), None);

    // A document that is none is a malformed record.
    for config in [json!([]), json!({ "version": "8" })] {
        put(&acme.slug, &json!({ "config": config }));
        tenant("PATCH", &acme.slug).json(&json!({ "displayName": "c" })).is(503);
        tenant("GET", &acme.slug).is(503).is_problem("unavailable");
    }
}

#[test]
fn the_administrator_makes_a_tenant_with_policies_or_none() {
    let slug = fresh_slug("config-new");
    let make = |config: &Value| {
        Ask::admin("POST", "/v1/tenants").json(&json!({ "id": slug, "config": config }))
    };
    for (config, expected) in [
        (
            json!({ "colour": "red", "connections": { "a": 7 } }),
            vec!["/config/colour", "/config/connections/a"],
        ),
        (json!({ "version": "2" }), vec!["/config/version"]),
        (json!([]), vec!["/config"]),
    ] {
        let refused = make(&config).is(422);
        refused.is_problem("faulty");
        assert_eq!(faults(&refused.json()), expected);
        tenant("GET", &slug).is(404);
    }
    let made = make(&roles(3, true)).is(201).json();
    assert_eq!(made["config"]["version"], 3);
    assert_eq!(policies(&slug)["version"], 3);
    let events = Ask::admin("GET", &format!("/v1/tenants/{slug}/events")).is(200).json();
    assert_eq!(events["items"].as_array().unwrap().len(), 3, "of what was refused nothing is left");
    let listed = Ask::admin("GET", "/v1/tenants?limit=1000").is(200).json();
    let own = listed["items"].as_array().unwrap().iter().find(|one| one["id"] == *slug);
    assert!(own.is_none_or(|own| own.get("config").is_none()), "{own:?}");
}

#[test]
fn the_administrator_edits_the_document_of_a_tenant() {
    let acme = Tenant::new("config-edit");
    let edit = |config: &Value| tenant("PATCH", &acme.slug).json(&json!({ "config": config }));
    assert_eq!(edit(&roles(2, true)).is(200).json()["config"], roles(2, true));
    acme.scim("GET", "/Roles").is(200);
    edit(&roles(2, true)).is(200);
    edit(&roles(2, false)).is(409).is_problem("conflict");
    let refused = edit(&json!({ "version": 3, "colour": "red" })).is(422);
    assert_eq!(faults(&refused.json()), ["/config/colour"]);
    assert_eq!(tenant("GET", &acme.slug).is(200).json()["config"], roles(2, true));
    assert_eq!(edit(&roles(3, false)).is(200).json()["config"]["version"], 3);
    acme.scim("GET", "/Roles").is(404);
    // A document that is taken away leaves what it did.
    let gone = edit(&Value::Null).is(200).json();
    assert_eq!(gone.get("config"), None);
    assert_eq!(policies(&acme.slug)["version"], 3);
}
