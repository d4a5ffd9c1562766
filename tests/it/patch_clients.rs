//! PATCH as identity providers send it: what RFC 7644 §3.5.2 leaves open, and what it does not.

use muster::scim::compat::Compat;
use serde_json::{Value, json};

use crate::given::{ENTERPRISE, patched, shown, users};

/// Ada before each case.
fn ada() -> Value {
    json!({
        "externalId": "e1",
        "name": {"familyName": "Byron", "givenName": "Ada"},
        "displayName": "Ada Byron",
        "active": true,
        "emails": [{"value": "ada@example.com", "type": "work", "primary": true}],
    })
}

/// Operations on Ada, and the attributes that differ afterwards; `null` where one is gone.
#[track_caller]
fn check(operations: Value, differences: Value) {
    let (mut expected, case) = (ada(), operations.to_string());
    let Value::Object(differences) = differences else { panic!("not an object: {differences}") };
    let fields = expected.as_object_mut().unwrap();
    fields.extend(differences);
    fields.retain(|_, value| !value.is_null());
    let patched = patched(users(), ada(), operations, &Compat::GENERIC);
    assert_eq!(patched.map(|patched| shown(&patched.resource)), Ok(expected), "{case}");
}

/// Operations that each have the same effect on Ada.
#[track_caller]
fn check_each(operations: &[Value], differences: &Value) {
    for operation in operations {
        check(json!([operation]), differences.clone());
    }
}

fn manager() -> String {
    format!("{ENTERPRISE}:manager")
}

#[test]
fn every_client_deactivates() {
    check_each(
        &[
            json!({"op": "replace", "value": {"active": false}}),
            json!({"op": "replace", "path": "active", "value": false}),
            json!({"op": "Replace", "path": "active", "value": "False"}),
            json!({"op": "Replace", "path": "Active", "value": "false"}),
            json!({"op": "Add", "path": "active", "value": [{"value": "False"}]}),
            json!({"OP": "REPLACE", "Value": {"ACTIVE": "False"}}),
            json!({"op": "replace", "path": null, "value": {"id": "x", "active": false}}),
            json!({"op": "replace", "path": "", "value": [{"active": false}]}),
        ],
        &json!({"active": false}),
    );
}

#[test]
fn every_client_sets_the_work_email() {
    check_each(
        &[
            json!({"op": "Replace", "path": r#"emails[type eq "work"].value"#, "value": "a@b.c"}),
            json!({"op": "add", "path": r#"emails[type eq "work"].value"#, "value": "a@b.c"}),
            json!({"op": "replace", "path": r#"Emails[Type Eq "WORK"].Value"#, "value": ["a@b.c"]}),
            json!({"op": "replace", "path": r#"emails[value eq "ada@example.com"].value"#, "value": "a@b.c"}),
            json!({"op": "replace", "path": r#"emails[primary eq "True"].value"#, "value": "a@b.c"}),
            json!({"op": "replace", "value": {r#"emails[type eq "work"].value"#: "a@b.c"}}),
            json!({"op": "replace", "path": "emails", "value": [
                {"value": "a@b.c", "type": "work", "primary": "true"},
            ]}),
            json!({"op": "replace", "path": "emails", "value": {
                "value": "a@b.c", "type": "work", "primary": true,
            }}),
        ],
        &json!({"emails": [{"value": "a@b.c", "type": "work", "primary": true}]}),
    );
}

#[test]
fn a_value_that_the_filter_does_not_find_is_created_as_it_describes() {
    for op in ["Add", "Replace"] {
        check_each(
            &[
                json!({"op": op, "path": r#"phoneNumbers[type eq "mobile"].value"#, "value": "+1"}),
                json!({"op": op, "path": r#"phoneNumbers[type eq "mobile"]"#, "value": {"value": "+1"}}),
                json!({"op": op, "path": r#"phoneNumbers[type eq "mobile"]"#, "value": "+1"}),
            ],
            &json!({"phoneNumbers": [{"value": "+1", "type": "mobile"}]}),
        );
        check_each(
            &[
                json!({"op": op, "path": r#"addresses[type eq "work"].postalCode"#, "value": "94105"}),
            ],
            &json!({"addresses": [{"postalCode": "94105", "type": "work"}]}),
        );
        check_each(
            &[json!({
                "op": op,
                "path": r#"emails[type eq "home" and primary eq true].value"#,
                "value": "a@b.c",
            })],
            &json!({"emails": [
                {"value": "ada@example.com", "type": "work", "primary": false},
                {"value": "a@b.c", "type": "home", "primary": true},
            ]}),
        );
    }
    check(
        json!([{"op": "Replace", "path": r#"roles[primary eq "True"].value"#, "value": "engineer"}]),
        json!({"roles": [{"value": "engineer", "primary": true}]}),
    );
}

#[test]
fn clearing_what_the_filter_does_not_find_creates_nothing() {
    for nothing in [json!(""), json!(null), json!([])] {
        check_each(
            &[
                json!({"op": "Replace", "path": r#"phoneNumbers[type eq "mobile"].value"#, "value": nothing}),
                json!({"op": "Replace", "path": r#"phoneNumbers[type eq "mobile"]"#, "value": nothing}),
                json!({"op": "Replace", "path": r#"phoneNumbers[value eq "+1"].display"#, "value": nothing}),
            ],
            &json!({}),
        );
    }
}

#[test]
fn the_operation_after_a_created_value_is_applied() {
    check(
        json!([
            {"op": "Replace", "path": r#"phoneNumbers[type eq "work"].value"#, "value": "+1"},
            {"op": "Replace", "path": "name.familyName", "value": "King"},
        ]),
        json!({
            "name": {"familyName": "King", "givenName": "Ada"},
            "phoneNumbers": [{"value": "+1", "type": "work"}],
        }),
    );
}

#[test]
fn entra_updates_many_attributes_at_once() {
    check(
        json!([
            {"op": "Replace", "path": "displayName", "value": "Ada King"},
            {"op": "Replace", "path": r#"emails[type eq "work"].value"#, "value": "a@b.c"},
            {"op": "Replace", "path": "name.familyName", "value": "King"},
            {"op": "Replace", "path": "externalId", "value": "e2"},
            {"op": "Replace", "path": format!("{ENTERPRISE}:employeeNumber"), "value": "7"},
            {"op": "Add", "path": "nickName", "value": "Babs"},
        ]),
        json!({
            "externalId": "e2",
            "name": {"familyName": "King", "givenName": "Ada"},
            "displayName": "Ada King",
            "nickName": "Babs",
            "emails": [{"value": "a@b.c", "type": "work", "primary": true}],
            ENTERPRISE: {"employeeNumber": "7"},
        }),
    );
}

#[test]
fn entra_sends_dotted_and_qualified_names_without_a_path() {
    check(
        json!([{"op": "replace", "value": {
            "displayName": "Ada King",
            "name.givenName": "Augusta",
            "name.familyName": "King",
            format!("{ENTERPRISE}:employeeNumber"): "7",
        }}]),
        json!({
            "displayName": "Ada King",
            "name": {"familyName": "King", "givenName": "Augusta"},
            ENTERPRISE: {"employeeNumber": "7"},
        }),
    );
}

#[test]
fn every_client_sets_the_manager() {
    check_each(
        &[
            json!({"op": "Add", "path": "manager", "value": [{"value": "m1"}]}),
            json!({"op": "Add", "path": manager(), "value": "m1"}),
            json!({"op": "Replace", "path": manager(), "value": {"Value": "m1", "$ref": null}}),
            json!({"op": "replace", "path": format!("{ENTERPRISE}.manager"), "value": "m1"}),
            json!({"op": "add", "path": "Manager.Value", "value": "m1"}),
            json!({"op": "add", "path": format!("{}.value", manager()), "value": "m1"}),
            json!({"op": "replace", "path": "manager.managerId", "value": "m1"}),
            json!({"op": "add", "value": {ENTERPRISE: {"manager": "m1"}}}),
            json!({"op": "add", "value": {manager(): {"value": "m1"}}}),
        ],
        &json!({ENTERPRISE: {"manager": {"value": "m1"}}}),
    );
    check(
        json!([{"op": "Add", "path": "manager", "value": [
            {"$ref": "https://example.com/Users/m1", "value": "m1"},
        ]}]),
        json!({ENTERPRISE: {"manager": {"value": "m1", "$ref": "https://example.com/Users/m1"}}}),
    );
}

#[test]
fn every_client_clears_the_manager() {
    let set = json!({"op": "add", "path": "manager", "value": {
        "value": "m1", "$ref": "https://example.com/Users/m1",
    }});
    for clear in [
        json!({"op": "Replace", "path": manager(), "value": ""}),
        json!({"op": "Add", "path": manager(), "value": ""}),
        json!({"op": "Replace", "path": manager(), "value": null}),
        json!({"op": "Replace", "path": manager(), "value": []}),
        json!({"op": "remove", "path": manager()}),
        json!({"op": "Remove", "path": "manager", "value": [{"value": "m1"}]}),
        json!({"op": "Replace", "path": format!("{}.value", manager()), "value": ""}),
        json!({"op": "Replace", "path": manager(), "value": {"managerId": "", "displayName": ""}}),
        json!({"op": "replace", "value": {ENTERPRISE: {"manager": null}}}),
    ] {
        check(json!([set, clear]), json!({}));
    }
}

#[test]
fn null_and_the_empty_text_clear() {
    for nothing in [json!(""), json!(null)] {
        check_each(
            &[
                json!({"op": "Replace", "path": "displayName", "value": nothing}),
                json!({"op": "Add", "path": "displayName", "value": nothing}),
                json!({"op": "replace", "value": {"displayName": nothing}}),
            ],
            &json!({"displayName": null}),
        );
        check_each(
            &[
                json!({"op": "Replace", "path": r#"emails[type eq "work"].value"#, "value": nothing}),
                json!({"op": "replace", "value": {"emails": nothing}}),
            ],
            &json!({"emails": null}),
        );
    }
}

#[test]
fn a_removal_that_lists_values_removes_those_only() {
    let add = json!({"op": "add", "path": "emails", "value": [
        {"value": "b@example.com", "type": "home", "display": "B"},
        {"value": "c@example.com", "type": "other"},
    ]});
    for value in [
        json!([{"value": "b@example.com", "type": "home", "display": "B"}, {"value": "C@example.com"}]),
        json!(["b@example.com", "c@example.com", "d@example.com"]),
        json!([{"value": "b@example.com", "primary": true}, {"value": "c@example.com", "type": "Other"}]),
    ] {
        let remove = json!({"op": "Remove", "path": "emails", "value": value});
        check(json!([add, remove]), json!({}));
    }
    for nobody in [
        json!([]),
        json!([{}]),
        json!([{"value": "ada@example.com", "type": "home"}]),
        json!([{"type": "work"}]),
    ] {
        check(json!([{"op": "Remove", "path": "emails", "value": nobody}]), json!({}));
    }
    check(
        json!([{"op": "Remove", "path": "emails", "value": {"value": "ADA@example.com"}}]),
        json!({"emails": null}),
    );
}

#[test]
fn a_removal_of_a_single_value_may_name_it() {
    check(
        json!([{"op": "Remove", "path": "displayName", "value": "Ada Byron"}]),
        json!({"displayName": null}),
    );
}

#[test]
fn a_role_in_json_is_kept_as_it_is_sent() {
    let role = r#"{"id":"06b0","value":"25","displayName":"Role1234"}"#;
    check_each(
        &[
            json!({"op": "Add", "path": "roles", "value": [{"value": role}]}),
            json!({"op": "Add", "path": "roles", "value": role}),
        ],
        &json!({"roles": [{"value": role}]}),
    );
}

#[test]
fn roles_are_replaced_as_a_whole() {
    let role =
        |name: &str| json!({"value": name, "display": name, "type": "App", "primary": false});
    check(
        json!([
            {"op": "add", "path": "roles", "value": [role("Admin")]},
            {"op": "replace", "path": "roles", "value": [role("User"), role("Test")]},
        ]),
        json!({"roles": [role("User"), role("Test")]}),
    );
}

#[test]
fn one_unknown_attribute_does_not_stop_the_others() {
    check(
        json!([
            {"op": "Add", "path": "urn:example:2.0:User:badge", "value": "B"},
            {"op": "Replace", "value": {"locker": 7, "name.familyName": "King"}},
        ]),
        json!({"name": {"familyName": "King", "givenName": "Ada"}}),
    );
}
