//! RFC 7644 §3.5.2: operations on attributes, as tables of resource, operations and resource.
//!
//! What known clients send is in `patch_clients`, what is refused in `patch_errors`, groups are in
//! `patch_members`.

use muster::scim::compat::Compat;
use serde_json::{Value, json};

use crate::given::{CORE, ENTERPRISE, patched, shown, users};

/// A user, operations, and the user afterwards.
#[track_caller]
fn check(before: Value, operations: Value, after: Value) {
    let case = format!("{before} {operations}");
    let patched = patched(users(), before, operations, &Compat::GENERIC);
    assert_eq!(patched.map(|patched| shown(&patched.resource)), Ok(after), "{case}");
}

// The examples of RFC 7644 §3.5.2.1 (`add`).

#[test]
fn add_without_a_path_adds_each_attribute() {
    check(
        json!({"title": "Dev", "emails": [{"value": "ada@example.com", "type": "home"}]}),
        json!([{"op": "add", "value": {
            "emails": [{"value": "babs@example.com", "type": "work"}],
            "nickName": "Babs",
        }}]),
        json!({
            "nickName": "Babs",
            "title": "Dev",
            "emails": [
                {"value": "ada@example.com", "type": "home"},
                {"value": "babs@example.com", "type": "work"},
            ],
        }),
    );
}

#[test]
fn add_of_a_single_value_replaces_it() {
    check(
        json!({"nickName": "A"}),
        json!([{"op": "add", "path": "nickName", "value": "B"}]),
        json!({"nickName": "B"}),
    );
}

#[test]
fn add_of_a_complex_value_keeps_what_it_leaves_out() {
    let before = json!({"name": {"givenName": "Ada", "middleName": "King"}});
    let value = json!({"familyName": "Byron", "middleName": ""});
    let after = json!({"name": {"familyName": "Byron", "givenName": "Ada"}});
    for op in ["add", "replace"] {
        check(before.clone(), json!([{"op": op, "path": "name", "value": value}]), after.clone());
        check(before.clone(), json!([{"op": op, "value": {"name": value}}]), after.clone());
    }
}

#[test]
fn add_of_a_value_that_is_there_changes_nothing() {
    let before = json!({"emails": [{"value": "ada@example.com", "type": "work", "primary": true}]});
    for value in [
        json!([{"value": "ada@example.com", "type": "work", "primary": true}]),
        json!([{"value": "ada@example.com", "type": "work"}]),
        json!([]),
        json!(null),
    ] {
        check(
            before.clone(),
            json!([{"op": "add", "path": "emails", "value": value}]),
            before.clone(),
        );
    }
}

#[test]
fn add_of_a_value_that_is_there_takes_over_its_new_parts() {
    check(
        json!({"roles": [{"value": "admin", "display": "A"}]}),
        json!([{"op": "add", "path": "roles", "value": [{"value": "Admin", "primary": true}]}]),
        json!({"roles": [{"value": "Admin", "display": "A", "primary": true}]}),
    );
}

// The examples of RFC 7644 §3.5.2.2 (`remove`).

#[test]
fn remove_unassigns_a_single_value() {
    check(json!({"title": "Dev"}), json!([{"op": "remove", "path": "title"}]), json!({}));
}

#[test]
fn remove_without_a_filter_removes_all_values() {
    check(
        json!({"emails": ["a@example.com", "b@example.com"], "title": "Dev"}),
        json!([{"op": "remove", "path": "emails"}]),
        json!({"title": "Dev"}),
    );
}

#[test]
fn remove_with_a_filter_removes_the_values_it_selects() {
    check(
        json!({"emails": [
            {"value": "a@example.com", "type": "work"},
            {"value": "b@example.org", "type": "work"},
            {"value": "c@example.com", "type": "home"},
        ]}),
        json!([{"op": "remove", "path": r#"emails[type eq "work" and value ew "example.com"]"#}]),
        json!({"emails": [
            {"value": "b@example.org", "type": "work"},
            {"value": "c@example.com", "type": "home"},
        ]}),
    );
    check(
        json!({"emails": [{"value": "a@example.com", "type": "work"}]}),
        json!([{"op": "remove", "path": r#"emails[type eq "WORK"]"#}]),
        json!({}),
    );
}

#[test]
fn remove_of_a_part_keeps_the_rest() {
    check(
        json!({"name": {"familyName": "Byron", "givenName": "Ada"}}),
        json!([{"op": "remove", "path": "name.familyName"}]),
        json!({"name": {"givenName": "Ada"}}),
    );
    check(
        json!({"emails": [
            {"value": "a@example.com", "display": "A", "type": "work"},
            {"value": "b@example.com", "display": "B", "type": "home"},
        ]}),
        json!([
            {"op": "remove", "path": r#"emails[type eq "work"].display"#},
            {"op": "remove", "path": "emails.type"},
        ]),
        json!({"emails": [
            {"value": "a@example.com"},
            {"value": "b@example.com", "display": "B"},
        ]}),
    );
}

#[test]
fn remove_of_the_last_part_removes_the_value() {
    check(
        json!({"name": {"givenName": "Ada"}}),
        json!([{"op": "remove", "path": "name.givenName"}]),
        json!({}),
    );
    // What is left, `type` and `primary`, says nothing without what it is said of.
    check(
        json!({"emails": [{"value": "a@example.com", "type": "work", "primary": true}]}),
        json!([{"op": "remove", "path": r#"emails[type eq "work"].value"#}]),
        json!({}),
    );
}

#[test]
fn remove_of_what_is_absent_changes_nothing() {
    let before = json!({"emails": [{"value": "a@example.com", "type": "work"}]});
    for path in [
        "title",
        "name",
        "name.givenName",
        "phoneNumbers",
        r#"emails[type eq "home"]"#,
        r#"emails[type eq "home"].value"#,
        r#"phoneNumbers[not (type eq "home")]"#,
        "emails.display",
        ENTERPRISE,
        &format!("{ENTERPRISE}:manager"),
        &format!("{ENTERPRISE}:manager.value"),
        "password",
    ] {
        check(before.clone(), json!([{"op": "remove", "path": path}]), before.clone());
    }
}

// The examples of RFC 7644 §3.5.2.3 (`replace`).

#[test]
fn replace_replaces_all_values() {
    check(
        json!({"emails": [{"value": "a@example.com", "type": "work"}, {"value": "b@example.com"}]}),
        json!([{"op": "replace", "path": "emails", "value": [{"value": "c@example.com"}]}]),
        json!({"emails": [{"value": "c@example.com"}]}),
    );
    for nothing in [json!([]), json!(null)] {
        check(
            json!({"emails": ["a@example.com"]}),
            json!([{"op": "replace", "path": "emails", "value": nothing}]),
            json!({}),
        );
    }
}

#[test]
fn replace_with_a_filter_replaces_each_value_it_selects() {
    check(
        json!({"addresses": [
            {"type": "work", "streetAddress": "1 Main St", "postalCode": "98052", "primary": true},
            {"type": "home", "streetAddress": "2 Main St"},
        ]}),
        json!([{"op": "replace", "path": r#"addresses[type eq "work"]"#, "value": {
            "type": "work", "streetAddress": "911 Plaza", "country": "US",
        }}]),
        json!({"addresses": [
            {"streetAddress": "911 Plaza", "country": "US", "type": "work"},
            {"streetAddress": "2 Main St", "type": "home"},
        ]}),
    );
    // The value is still one that the filter selects, if it does not say otherwise.
    check(
        json!({"emails": [{"type": "work", "value": "a@example.com", "display": "A"}]}),
        json!([{"op": "replace", "path": r#"emails[type eq "work"]"#, "value": "b@example.com"}]),
        json!({"emails": [{"type": "work", "value": "b@example.com"}]}),
    );
    check(
        json!({"emails": [{"type": "work", "value": "a@example.com"}, {"value": "b@example.com"}]}),
        json!([{"op": "replace", "path": r#"emails[type eq "work"]"#, "value": null}]),
        json!({"emails": [{"value": "b@example.com"}]}),
    );
}

#[test]
fn replace_of_a_part_reaches_each_value_that_the_filter_selects() {
    check(
        json!({"addresses": [
            {"type": "work", "streetAddress": "1 Main St", "country": "US"},
            {"type": "work", "streetAddress": "2 Main St"},
            {"type": "home", "streetAddress": "3 Main St"},
        ]}),
        json!([{
            "op": "replace",
            "path": r#"addresses[type eq "work"].streetAddress"#,
            "value": "1010 Broadway",
        }]),
        json!({"addresses": [
            {"streetAddress": "1010 Broadway", "country": "US", "type": "work"},
            {"streetAddress": "1010 Broadway", "type": "work"},
            {"streetAddress": "3 Main St", "type": "home"},
        ]}),
    );
}

#[test]
fn replace_of_what_is_absent_adds_it() {
    let operations = json!([
        {"op": "replace", "path": "nickName", "value": "Ada"},
        {"op": "replace", "path": "name.givenName", "value": "Ada"},
        {"op": "replace", "path": "emails.value", "value": "ada@example.com"},
    ]);
    for compat in [Compat::GENERIC, Compat::STRICT] {
        let patched = patched(users(), json!({}), operations.clone(), &compat).unwrap();
        let after = json!({
            "name": {"givenName": "Ada"},
            "nickName": "Ada",
            "emails": [{"value": "ada@example.com"}],
        });
        assert_eq!(shown(&patched.resource), after);
    }
}

#[test]
fn replace_without_a_path_leaves_the_other_attributes_alone() {
    check(
        json!({"title": "Dev", "emails": ["a@example.com"], ENTERPRISE: {"division": "Park"}}),
        json!([{"op": "replace", "value": {"active": false}}]),
        json!({
            "title": "Dev",
            "active": false,
            "emails": [{"value": "a@example.com"}],
            ENTERPRISE: {"division": "Park"},
        }),
    );
}

#[test]
fn a_part_of_all_values_is_set_without_a_filter() {
    check(
        json!({"emails": [{"value": "a@example.com"}, {"value": "b@example.com", "type": "home"}]}),
        json!([{"op": "replace", "path": "emails.type", "value": "work"}]),
        json!({"emails": [
            {"value": "a@example.com", "type": "work"},
            {"value": "b@example.com", "type": "work"},
        ]}),
    );
}

// RFC 7644 §3.5.2: one value is primary.

#[test]
fn the_value_made_primary_last_is_the_only_one() {
    let before = json!({"emails": [
        {"value": "a@example.com", "type": "work", "primary": true},
        {"value": "b@example.com", "type": "home"},
    ]});
    let operations = [
        json!({"op": "replace", "path": r#"emails[type eq "home"].primary"#, "value": true}),
        json!({"op": "add", "path": r#"emails[type eq "home"]"#, "value": {"primary": "True"}}),
        json!({"op": "add", "path": "emails", "value": [
            {"value": "b@example.com", "type": "home", "primary": true},
        ]}),
    ];
    for operation in operations {
        check(
            before.clone(),
            json!([operation]),
            json!({"emails": [
                {"value": "a@example.com", "type": "work", "primary": false},
                {"value": "b@example.com", "type": "home", "primary": true},
            ]}),
        );
    }
    check(
        before.clone(),
        json!([{"op": "add", "path": "emails", "value": {"value": "c@example.com", "primary": true}}]),
        json!({"emails": [
            {"value": "a@example.com", "type": "work", "primary": false},
            {"value": "b@example.com", "type": "home"},
            {"value": "c@example.com", "primary": true},
        ]}),
    );
    check(
        before,
        json!([{"op": "replace", "path": "emails.primary", "value": true}]),
        json!({"emails": [
            {"value": "a@example.com", "type": "work", "primary": true},
            {"value": "b@example.com", "type": "home", "primary": false},
        ]}),
    );
}

#[test]
fn a_reference_does_not_outlive_what_it_refers_to() {
    let before = json!({"manager": {"value": "m1", "$ref": "https://example.com/Users/m1"}});
    let path = format!("{ENTERPRISE}:manager");
    for (path, value) in [
        (path.clone(), json!("m2")),
        (path.clone(), json!({"value": "m2"})),
        (format!("{path}.value"), json!("m2")),
    ] {
        check(
            before.clone(),
            json!([{"op": "replace", "path": path, "value": value}]),
            json!({ENTERPRISE: {"manager": {"value": "m2"}}}),
        );
    }
    check(
        before,
        json!([{"op": "replace", "path": path, "value": {"value": "m1"}}]),
        json!({ENTERPRISE: {"manager": {"value": "m1", "$ref": "https://example.com/Users/m1"}}}),
    );
}

#[test]
fn what_comes_along_in_a_value_is_ignored() {
    check(
        json!({}),
        json!([{"op": "replace", "value": {
            "schemas": [CORE], "id": "x", "meta": {"version": "1"}, "nickName": "Ada",
        }}]),
        json!({"nickName": "Ada"}),
    );
}

#[test]
fn a_password_is_taken_and_not_kept() {
    check(
        json!({}),
        json!([{"op": "replace", "path": "password", "value": "t1meMa$heen"}]),
        json!({}),
    );
}

#[test]
fn what_no_schema_knows_is_dropped_and_the_rest_applied() {
    let operations = json!([
        {"op": "add", "path": "shoeSize", "value": 44},
        {"op": "remove", "path": "name.pet"},
        {"op": "replace", "path": r#"emails[type eq "work"].colour"#, "value": "red"},
        {"op": "replace", "path": "urn:example:2.0:Shoes:size", "value": 44},
        {"op": "replace", "value": {"shoeSize": 44, "title": "Dev"}},
    ]);
    let patched = patched(users(), json!({}), operations, &Compat::GENERIC).unwrap();
    assert_eq!(shown(&patched.resource), json!({"title": "Dev"}));
    assert_eq!(
        patched.dropped,
        ["emails.colour", "name.pet", "shoeSize", "urn:example:2.0:Shoes:size"],
    );
}
