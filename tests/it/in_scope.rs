//! Conditions by which connections say whom they provide with access, whatever way they come and
//! whatever becomes of the schemas whose attributes they name.

use serde_json::{Value, json};

use crate::access::mapping;
use crate::support::Acme;

const URN: &str = "urn:acme:staff:User";

fn desk() -> Value {
    json!([{
        "id": URN, "resourceTypes": ["User"], "attributes": [{ "name": "desk", "type": "string" }],
    }])
}

fn scoped() -> Value {
    json!({ "okta": { "preset": "okta", "inScope": format!("{URN}:desk eq \"1\"") } })
}

/// A document that is refused for the scope of a connection, and leaves every row as it was.
#[track_caller]
fn refused(acme: &mut Acme, document: &Value) {
    let before = acme.dump();
    let reply = acme.admin("PUT", "/policies", document);
    assert_eq!(reply.status, 422, "{}", reply.json());
    let faults = reply.json()["faults"].as_array().cloned().unwrap_or_default();
    let paths: Vec<&Value> = faults.iter().map(|fault| &fault["path"]).collect();
    assert_eq!(paths, [&json!("/connections/okta/inScope")]);
    assert_eq!(acme.dump(), before);
}

#[test]
fn a_schema_stays_as_long_as_a_scope_names_it() {
    let mut acme = Acme::new();
    refused(&mut acme, &json!({ "connections": scoped() }));
    acme.policy(&json!({ "schemas": desk(), "connections": scoped() }));
    refused(&mut acme, &json!({ "schemas": [] }));
    let mut renamed = desk();
    renamed[0]["attributes"][0]["name"] = json!("chair");
    refused(&mut acme, &json!({ "schemas": renamed }));
    acme.sleep();
    acme.policy(&json!({ "schemas": [], "connections": { "okta": { "inScope": null } } }));
    acme.sleep();
    assert_eq!(acme.admin("GET", "/connections", &Value::Null).status, 200);
}

#[test]
fn a_scope_is_asked_under_the_schemas_that_came_with_it() {
    let mut acme = Acme::new();
    let mappings = json!([mapping("m", "active eq true", &["user"])]);
    let mut connections = scoped();
    connections["okta"]["state"] = json!("active");
    acme.policy(&json!({ "schemas": desk(), "connections": connections, "mappings": mappings }));
    let key = json!({ "name": "okta", "scopes": ["scim"], "connection": "okta" });
    let key = acme.mint_with(&key);
    let at = |desk: &str| {
        json!({ "schemas": [muster::scim::urn::USER, URN], "userName": desk, "active": true,
            URN: { "desk": desk } })
    };
    let [one, two] = ["1", "2"].map(|desk| acme.pushed(&key, &at(desk)));
    assert_eq!((acme.held(&one).len(), acme.held(&two).len()), (1, 0));
}

#[test]
fn a_scope_is_imported_only_if_it_is_a_condition() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "connections": { "okta": { "inScope": "title eq \"Lead\"" } } }));
    let page = acme.export(1_000).concat();
    let mut other = Acme::named("other");
    let broken = page.replace("title eq \\\"Lead\\\"", "title eq");
    assert_ne!(broken, page);
    let problem = other.refuses_import(&broken, (422, "faulty"));
    let detail = problem["faults"][0]["detail"].as_str().unwrap_or_default();
    assert!(detail.starts_with("has an `inScope` that "), "{problem}");
    other.sleep();
    assert_eq!(other.takes(&page)[0], 2);
    other.sleep();
    let shown = other.admin("GET", "/connections/okta", &Value::Null).json();
    assert_eq!(shown["inScope"], "title eq \"Lead\"");
}

#[test]
fn imported_policies_leave_every_scope_a_condition() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "schemas": desk() }));
    let settings = acme.export(1_000).concat();
    let mut other = Acme::named("other");
    assert_eq!(
        other
            .admin(
                "POST",
                "/connections",
                &json!({
                    "id": "okta", "displayName": "Okta", "kind": "scim", "preset": "okta",
                    "inScope": "title eq \"Lead\"",
                })
            )
            .status,
        201
    );
    assert_eq!(other.takes(&settings)[0], 1);
    other.sleep();
    other.user("ada");
}
