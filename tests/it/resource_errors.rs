//! RFC 7644 §3.3, §3.12: what a body is refused for, and what is dropped of it.

use muster::limits;
use muster::scim::ErrorKind::{self, InvalidSyntax, InvalidValue, TooMany};
use muster::scim::ScimError;
use muster::scim::compat::Compat;
use serde_json::{Value, json};

use crate::given::{CORE, ENTERPRISE, groups, parsed, shown, users};

/// What a body becomes.
#[track_caller]
fn check(body: Value, expected: Value) {
    let case = body.to_string();
    let parsed = parsed(users(), body, &Compat::GENERIC);
    assert_eq!(parsed.map(|parsed| shown(&parsed.resource)), Ok(expected), "{case}");
}

#[track_caller]
fn check_error(compat: &Compat, body: Value, kind: ErrorKind, detail: &str) {
    let case = body.to_string();
    let error = parsed(users(), body, compat).map(|_| "read");
    assert_eq!(error, Err(ScimError::new(kind, detail.to_owned())), "{case}");
}

/// What clients of every preset but `strict` are told.
#[track_caller]
fn check_refused(body: Value, detail: &str) {
    check_error(&Compat::GENERIC, body, InvalidValue, detail);
}

#[track_caller]
fn check_strict(body: Value, kind: ErrorKind, detail: &str) {
    check_error(&Compat::STRICT, body, kind, detail);
}

#[test]
fn a_value_must_fit_its_attribute() {
    for other in [json!(true), json!({"a": 1}), json!(["a", "b"])] {
        check_refused(json!({"title": other}), "`title` must be a string");
    }
    for other in [json!("yes"), json!(0), json!({}), json!([true, false])] {
        check_refused(json!({"active": other}), "`active` must be a boolean");
    }
    check_refused(json!({"password": ["a", "b"]}), "`password` must be a string");
    check_refused(json!({"name": "Ada"}), "`name` must be an object");
    check_refused(json!({"name": {"givenName": {}}}), "`name.givenName` must be a string");
    check_refused(json!({"emails": [[["a"], "b"]]}), "`emails` must be an object");
    check_refused(json!({"emails": [{"value": ["a", "b"]}]}), "`emails.value` must be a string");
    check_refused(json!({"addresses": "1 Main St"}), "`addresses` must be an object");
    check_refused(
        json!({ENTERPRISE: {"manager": true}}),
        &format!("`{ENTERPRISE}:manager.value` must be a string"),
    );
    check_refused(json!({ENTERPRISE: "x"}), &format!("`{ENTERPRISE}` must be an object"));
}

#[test]
fn what_is_required_must_be_there() {
    for nothing in [json!(null), json!(""), json!([])] {
        check_refused(json!({"userName": nothing}), "`userName` is required");
    }
    let error = parsed(groups(), json!({"displayName": ""}), &Compat::GENERIC).unwrap_err();
    assert_eq!((error.kind(), error.detail()), (InvalidValue, "`displayName` is required"));
}

#[test]
fn what_no_schema_knows_is_dropped_and_noted() {
    let body = json!({
        "schemas": [CORE, "http://schemas.example.com/2006/11/Group", "urn:scim:schemas:core:1.0"],
        "shoeSize": 44,
        "name.pet": "Rex",
        "roles": [{"value": "Admin", "displayName": "Admin"}, {"displayName": "User"}],
        "two words": 1,
        "a.b.c": 1,
        "urn:example:2.0:Shoes": {"size": 44},
        "urn:example:2.0:Shoes:size": 44,
        ENTERPRISE: {"badge": "B", "userName": "not of this schema"},
    });
    let parsed = parsed(users(), body, &Compat::GENERIC).unwrap();
    assert_eq!(shown(&parsed.resource), json!({"roles": [{"value": "Admin"}]}));
    let dropped = [
        "a.b.c",
        "name.pet",
        "roles.displayName",
        "shoeSize",
        "two words",
        "urn:example:2.0:Shoes",
        "urn:example:2.0:Shoes:size",
        &format!("{ENTERPRISE}:badge"),
        &format!("{ENTERPRISE}:userName"),
    ];
    assert_eq!(parsed.dropped, dropped);
}

#[test]
fn a_fault_in_a_known_attribute_is_never_dropped() {
    check_error(
        &Compat::GENERIC,
        json!({"emails[type eq].value": "x"}),
        ErrorKind::InvalidFilter,
        "expected a value at position 14",
    );
    check(json!({"shoes[size eq].value": "x"}), json!({}));
}

#[test]
fn schemas_must_be_a_list_of_texts() {
    let detail = format!("`schemas` must list `{CORE}` and each extension used, and no other");
    for schemas in [json!(7), json!({}), json!([7]), json!([null])] {
        check_error(&Compat::GENERIC, json!({"schemas": schemas}), InvalidSyntax, &detail);
    }
    check(json!({"schemas": CORE}), json!({}));
    check(json!({"schemas": []}), json!({}));
    check(json!({}), json!({}));
}

#[test]
fn strict_takes_the_schemas_of_the_type_and_no_others() {
    let detail = format!("`schemas` must list `{CORE}` and each extension used, and no other");
    for body in [
        json!({}),
        json!({"schemas": []}),
        json!({"schemas": CORE}),
        json!({"schemas": ["urn:scim:schemas:core:1.0"]}),
        json!({"schemas": [CORE, "urn:example:2.0:Shoes"]}),
        json!({"schemas": [ENTERPRISE]}),
        json!({"schemas": [CORE], ENTERPRISE: {"division": "Park"}}),
    ] {
        check_strict(body, InvalidSyntax, &detail);
    }
    let body = json!({"schemas": [ENTERPRISE, CORE], ENTERPRISE: {"division": "Park"}});
    assert!(parsed(users(), body, &Compat::STRICT).is_ok());
}

#[test]
fn strict_takes_known_attributes_of_the_right_type_and_nothing_else() {
    let schemas = json!([CORE, ENTERPRISE]);
    let check = |name: &str, value: Value, kind, detail: &str| {
        check_strict(json!({"schemas": schemas, name: value}), kind, detail);
    };
    check("shoeSize", json!(44), InvalidSyntax, "no schema knows `shoeSize`");
    check("name", json!({"pet": "Rex"}), InvalidSyntax, "no schema knows `name.pet`");
    check("active", json!("True"), InvalidValue, "`active` must be a boolean");
    check("active", json!(""), InvalidValue, "`active` must be a boolean");
    check("title", json!(7), InvalidValue, "`title` must be a string");
    check("emails", json!({"value": "a"}), InvalidValue, "`emails` must be a list");
    check("emails", json!(["a"]), InvalidValue, "`emails` must be an object");
    check(
        ENTERPRISE,
        json!({"manager": "m1"}),
        InvalidValue,
        &format!("`{ENTERPRISE}:manager` must be an object"),
    );
}

#[test]
fn strict_still_ignores_what_only_the_server_writes() {
    let body = json!({"schemas": [CORE], "id": "x", "meta": {}, "groups": [], "nickName": null});
    assert!(parsed(users(), body, &Compat::STRICT).is_ok());
}

#[test]
fn an_attribute_has_a_bounded_number_of_values() {
    let emails = |count: usize| -> Value {
        json!({"emails": (0..count).map(|n| format!("{n}@example.com")).collect::<Vec<_>>()})
    };
    let most = limits::VALUES_PER_ATTRIBUTE;
    assert!(parsed(users(), emails(most), &Compat::GENERIC).is_ok());
    let detail = format!("`emails` has more than {most} values");
    check_error(&Compat::GENERIC, emails(most + 1), TooMany, &detail);
}

#[test]
fn a_member_needs_a_value() {
    for members in
        [json!([{}]), json!({"display": "X"}), json!([{"value": null}]), json!([{"value": ""}])]
    {
        let error = parsed(groups(), json!({"members": members}), &Compat::GENERIC).unwrap_err();
        assert_eq!(error.kind(), InvalidValue);
        assert_eq!(error.detail(), "`members` needs a `value` in each member");
    }
}

#[test]
fn a_request_names_a_bounded_number_of_members() {
    let members = |count: usize| -> Value {
        json!({"members": (0..count).map(|n| json!({"value": n.to_string()})).collect::<Vec<_>>()})
    };
    let most = limits::MEMBERS_PER_REQUEST;
    assert!(parsed(groups(), members(most), &Compat::GENERIC).is_ok());
    let error = parsed(groups(), members(most + 1), &Compat::GENERIC).unwrap_err();
    assert_eq!(error.kind(), TooMany);
}
