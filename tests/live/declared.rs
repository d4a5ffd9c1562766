//! What a tenant decides for itself, over HTTP: schemas of its own, types behind features.

use serde_json::{Value, json};

use crate::tenant::Tenant;

const URN: &str = "urn:acme:scim:extension:staff:1.0:User";

#[test]
fn a_declared_schema_is_honoured_on_the_next_request() {
    let acme = Tenant::new("declared");
    let schema = json!({ "id": URN, "name": "Staff", "attributes": [
        { "name": "badge", "type": "string", "uniqueness": "server" },
        { "name": "floor", "type": "integer", "searchable": true },
        { "name": "notes", "type": "string", "returned": "request" },
    ] });
    let declared = acme.admin("POST", "/schemas").json(&schema).is(201);
    assert_eq!(declared.header("etag"), "\"1\"");
    let values = json!({ "badge": "A1", "floor": 7, "notes": "keen" });
    let user = json!({ "userName": "ada", URN: values });
    let ada = acme.scim("POST", "/Users").json(&user).is(201);
    assert_eq!(ada.json()[URN], json!({ "badge": "A1", "floor": 7 }));
    let filter = format!("/Users?filter={URN}:floor%20eq%207");
    let found = acme.scim("GET", &filter).is(200);
    assert_eq!(found.json()["Resources"][0]["id"], ada.json()["id"]);
    assert!(found.cost().read <= 5, "{:?}", found.cost());
    let path = format!("/Users/{}", ada.id());
    let wrong = json!({ "op": "replace", "path": format!("{URN}:floor"), "value": "upper" });
    acme.patch(&path, &wrong).is(400).is_scim_error("invalidValue");
    let twin = json!({ "userName": "bob", URN: { "badge": "a1" } });
    acme.scim("POST", "/Users").json(&twin).is(409).is_scim_error("uniqueness");
    assert_eq!(acme.scim("GET", &format!("/Schemas/{URN}")).is(200).field("/name"), "Staff");
    acme.admin("DELETE", &format!("/schemas/{URN}")).is(409).is_problem("conflict");
    acme.patch(&path, &json!({ "op": "remove", "path": URN })).is(200);
    acme.admin("DELETE", &format!("/schemas/{URN}")).is(204);
    acme.scim("GET", &format!("/Schemas/{URN}")).is(404);
}

#[test]
fn a_faulty_document_is_refused_whole_with_every_place() {
    let acme = Tenant::new("faulty");
    let document = json!({ "features": { "agents": true, "x": 1 }, "schemas": [{ "id": "no" }] });
    let refused = acme.admin("PUT", "/policies").json(&document).is(422);
    refused.is_problem("faulty");
    let faults = refused.json()["faults"].as_array().expect("faults").clone();
    let places: Vec<&Value> = faults.iter().map(|fault| &fault["path"]).collect();
    assert_eq!(places, ["/features/x", "/schemas/0/id", "/schemas/0/attributes"]);
    acme.scim("GET", "/Agents").is(404);
    let reader = acme.mint(&["config:read"]);
    acme.ask_by(&reader, "PUT", "/policies").json(&json!({})).is(403);
    assert_eq!(acme.ask_by(&reader, "GET", "/policies").is(200).json()["version"], 0);
}

#[test]
fn types_behind_a_feature_come_and_go_with_it() {
    let acme = Tenant::new("features");
    for (endpoint, body) in [
        ("/Roles", json!({ "value": "lead" })),
        ("/Entitlements", json!({ "value": "print" })),
        ("/Agents", json!({ "name": "scribe" })),
        ("/AgenticApplications", json!({ "name": "desk" })),
    ] {
        acme.scim("POST", endpoint).json(&body).is(404);
        let feature = if endpoint.starts_with("/Agent") { "agents" } else { "roles" };
        acme.admin("PUT", "/policies").json(&json!({ "features": { feature: true } })).is(200);
        let path = format!("{endpoint}/{}", acme.scim("POST", endpoint).json(&body).is(201).id());
        acme.scim("GET", &path).is(200);
        acme.admin("PUT", "/policies").json(&json!({ "features": { feature: false } })).is(200);
        acme.scim("GET", &path).is(404);
    }
}
