//! Members that are named before they are there: by whom they are found, and at what cost.

use serde_json::{Value, json};

use crate::tenant::Tenant;

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

#[test]
fn a_member_that_was_named_before_it_was_there_is_one_when_it_appears() {
    let mut acme = Tenant::new("binding");
    let connection = json!({ "id": "entra", "displayName": "Entra", "preset": "entra" });
    acme.admin("POST", "/connections").json(&connection).is(201);
    let usual = acme.scim("POST", "/Users").json(&json!({ "userName": "first" })).is(201).cost();
    let key = json!({ "name": "entra", "scopes": ["scim"], "connection": "entra" });
    acme.key = acme.mint_with(&key).field("/key");
    let path = format!("/Groups/{}", acme.group("Builders", &["Ada@example.com", "e-1"]));
    let members = |acme: &Tenant| -> Vec<String> {
        let group = acme.scim("GET", &path).is(200).json();
        let members = group["members"].as_array().cloned().unwrap_or_default();
        members.iter().filter_map(|m| m["value"].as_str().map(str::to_owned)).collect()
    };

    let other = acme.scim("POST", "/Users").json(&json!({ "userName": "other" })).is(201).cost();
    assert_eq!(other, usual, "who was not named costs no row more");
    let ada = acme.scim("POST", "/Users").json(&json!({ "userName": "ada@EXAMPLE.com" })).is(201);
    assert_eq!(ada.json()["groups"][0]["display"], "Builders");
    let body = json!({ "userName": "bob", "externalId": "e-1" });
    let bob = acme.scim("POST", "/Users").json(&body).is(201).id();
    assert_eq!(members(&acme), [ada.id(), bob.clone()]);

    let change = |op: &str, text: &str| {
        let operation: Value = json!({ "op": op, "path": "members", "value": [{ "value": text }] });
        let body = json!({ "schemas": [PATCH_OP], "Operations": [operation] });
        acme.scim("PATCH", &path).json(&body).is(204);
    };
    change("Remove", "ADA@example.com");
    assert_eq!(members(&acme), [bob]);
    change("Remove", "e-1");
    change("Add", "ada@example.com");
    assert_eq!(members(&acme), [ada.id()]);
}
