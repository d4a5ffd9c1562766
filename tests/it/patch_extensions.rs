//! RFC 7643 §3.3, RFC 7644 §3.10: PATCH of what an extension defines.

use muster::scim::compat::Compat;
use serde_json::{Value, json};

use crate::given::{CORE, ENTERPRISE, patched, shown, users};

/// A user, an operation, and the user afterwards.
#[track_caller]
fn check(before: Value, operation: Value, after: Value) {
    let case = operation.to_string();
    let patched = patched(users(), before, Value::from(vec![operation]), &Compat::GENERIC);
    assert_eq!(patched.map(|patched| shown(&patched.resource)), Ok(after), "{case}");
}

#[test]
fn an_extension_is_written_attribute_by_attribute_or_as_an_object() {
    let before = json!({ENTERPRISE: {"division": "Park", "department": "Tours"}});
    let after = json!({ENTERPRISE: {"division": "Park", "department": "Rides"}});
    for operation in [
        json!({"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Rides"}),
        json!({"op": "add", "path": "department", "value": "Rides"}),
        json!({"op": "replace", "path": ENTERPRISE, "value": {"department": "Rides"}}),
        json!({"op": "add", "path": ENTERPRISE.to_lowercase(), "value": {"DEPARTMENT": "Rides"}}),
        json!({"op": "replace", "value": {ENTERPRISE: {"department": "Rides"}}}),
        json!({"op": "replace", "value": {format!("{ENTERPRISE}:department"): "Rides"}}),
        json!({"op": "replace", "path": CORE, "value": {ENTERPRISE: {"department": "Rides"}}}),
        json!({"op": "replace", "path": ENTERPRISE, "value": {
            "schemas": [ENTERPRISE], "department": "Rides",
        }}),
    ] {
        check(before.clone(), operation, after.clone());
    }
}

#[test]
fn an_extension_is_removed_by_its_urn() {
    let before = json!({"title": "Dev", ENTERPRISE: {"division": "Park"}});
    for operation in [
        json!({"op": "remove", "path": ENTERPRISE}),
        json!({"op": "replace", "path": ENTERPRISE, "value": null}),
        json!({"op": "replace", "value": {ENTERPRISE: null}}),
    ] {
        let patched =
            patched(users(), before.clone(), json!([operation]), &Compat::GENERIC).unwrap();
        assert_eq!(shown(&patched.resource), json!({"title": "Dev"}));
        assert_eq!(patched.resource.as_map()["schemas"], json!([CORE]));
    }
}

#[test]
fn an_attribute_of_the_core_schema_may_carry_its_urn() {
    check(
        json!({}),
        json!({"op": "add", "path": format!("{CORE}:name.givenName"), "value": "Ada"}),
        json!({"name": {"givenName": "Ada"}}),
    );
}
