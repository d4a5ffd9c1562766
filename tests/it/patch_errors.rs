//! RFC 7644 §3.5.2, §3.12: what a PATCH is refused for, as tables of operation to error.

use muster::limits;
use muster::scim::ErrorKind::{
    self, InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget, TooMany,
};
use muster::scim::ScimError;
use muster::scim::compat::Compat;
use muster::scim::patch::PatchOp;
use serde_json::{Value, json};

use crate::given::{CORE, ENTERPRISE, patched, users};

#[track_caller]
fn check_error(compat: &Compat, operation: Value, kind: ErrorKind, detail: &str) {
    let before = json!({"name": {"givenName": "Ada"}, "emails": ["ada@example.com"]});
    let case = operation.to_string();
    let error = patched(users(), before, Value::from(vec![operation]), compat).map(|_| "applied");
    assert_eq!(error, Err(ScimError::new(kind, format!("operation 1: {detail}"))), "{case}");
}

#[track_caller]
fn check_refused(operation: Value, kind: ErrorKind, detail: &str) {
    check_error(&Compat::GENERIC, operation, kind, detail);
}

/// A body that is refused before there is a resource.
#[track_caller]
fn check_malformed(compat: &Compat, body: &Value, kind: ErrorKind, detail: &str) {
    let expected = Err(ScimError::new(kind, detail.to_owned()));
    assert_eq!(PatchOp::parse(body, compat), expected, "{body}");
}

#[test]
fn remove_needs_a_path() {
    for operation in [
        json!({"op": "remove"}),
        json!({"op": "remove", "path": null}),
        json!({"op": "remove", "path": ""}),
        json!({"op": "remove", "value": {"displayName": "Ada"}}),
    ] {
        check_refused(operation, NoTarget, "`remove` needs a `path`");
    }
    check_refused(
        json!({"op": "remove", "path": CORE}),
        NoTarget,
        "the path selects no attribute that the operation could act on",
    );
}

#[test]
fn what_is_required_cannot_be_unassigned() {
    check_refused(
        json!({"op": "remove", "path": "userName"}),
        Mutability,
        "`userName` is required",
    );
    for operation in [
        json!({"op": "replace", "path": "userName", "value": ""}),
        json!({"op": "replace", "value": {"userName": null}}),
        json!({"op": "add", "path": "userName", "value": []}),
    ] {
        check_refused(operation, InvalidValue, "`userName` is required");
    }
}

#[test]
fn what_is_read_only_cannot_be_written() {
    for path in ["id", "meta", "schemas", "meta.version", "groups", r#"groups[value eq "g"]"#] {
        for op in ["add", "remove", "replace"] {
            let attribute = path.split('[').next().unwrap();
            check_refused(
                json!({"op": op, "path": path, "value": "x"}),
                Mutability,
                &format!("`{attribute}` is readOnly"),
            );
        }
    }
    check_refused(
        json!({"op": "replace", "value": {"groups": []}}),
        Mutability,
        "`groups` is readOnly",
    );
    check_refused(
        json!({"op": "replace", "path": "manager.displayName", "value": "Bo"}),
        Mutability,
        &format!("`{ENTERPRISE}:manager.displayName` is readOnly"),
    );
}

#[test]
fn a_known_attribute_that_cannot_be_applied_is_an_error() {
    let cases = [
        (
            json!({"op": "replace", "path": "active", "value": "maybe"}),
            "`active` must be a boolean",
        ),
        (json!({"op": "replace", "path": "name", "value": "Ada"}), "`name` must be an object"),
        (json!({"op": "add", "path": "emails", "value": [[1, 2]]}), "`emails` must be an object"),
        (
            json!({"op": "remove", "path": "emails", "value": [[1, 2]]}),
            "`emails` must be an object",
        ),
        (
            json!({"op": "add", "path": r#"emails[type eq "work"].value"#, "value": {}}),
            "`emails.value` must be a string",
        ),
        (json!({"op": "add", "path": "password", "value": {}}), "`password` must be a string"),
        (json!({"op": "add", "value": "x"}), "`value` must be an object"),
        (json!({"op": "add", "value": null}), "`value` must be an object"),
        (json!({"op": "add", "path": "title"}), "`add` and `replace` need a `value`"),
        (json!({"op": "replace"}), "`add` and `replace` need a `value`"),
    ];
    for (operation, detail) in cases {
        check_refused(operation, InvalidValue, detail);
    }
}

#[test]
fn a_path_must_be_one() {
    let cases = [
        ("emails[", InvalidFilter),
        ("emails[type eq]", InvalidFilter),
        (r#"emails[colour eq "red"]"#, InvalidFilter),
        (r#"emails[primary gt true]"#, InvalidFilter),
        ("a b", InvalidPath),
        ("name..givenName", InvalidPath),
        (r#"name[givenName eq "Ada"]"#, InvalidPath),
        (r#"userName[value eq "x"]"#, InvalidPath),
        (&format!("{ENTERPRISE}[manager pr]"), InvalidPath),
    ];
    for (path, kind) in cases {
        for op in ["add", "remove", "replace"] {
            let operations = json!([{"op": op, "path": path, "value": "x"}]);
            let error = patched(users(), json!({}), operations, &Compat::GENERIC).unwrap_err();
            assert_eq!(error.kind(), kind, "{op} {path}: {error}");
        }
    }
    let long = json!({"op": "remove", "path": "a".repeat(limits::PATH_BYTES + 1)});
    let error = patched(users(), json!({}), json!([long]), &Compat::GENERIC).unwrap_err();
    assert_eq!(error.kind(), InvalidPath);
}

#[test]
fn a_filter_that_describes_no_value_has_no_target() {
    for filter in
        [r#"type ne "work""#, r#"type eq "a" or type eq "b""#, "value pr", r#"not (type eq "a")"#]
    {
        for (path, value) in [
            (format!("ims[{filter}]"), json!({"value": "x"})),
            (format!("ims[{filter}].value"), json!("x")),
        ] {
            check_refused(
                json!({"op": "replace", "path": path, "value": value}),
                NoTarget,
                "the path selects no attribute that the operation could act on",
            );
        }
    }
    // What this creates would be another value than the path describes.
    for op in ["add", "replace"] {
        check_refused(
            json!({"op": op, "path": r#"ims[value eq "a"].value"#, "value": "b"}),
            NoTarget,
            "the path selects no attribute that the operation could act on",
        );
    }
}

#[test]
fn strict_refuses_what_no_schema_knows() {
    let strict =
        |operation, kind, detail: &str| check_error(&Compat::STRICT, operation, kind, detail);
    strict(
        json!({"op": "add", "path": "shoeSize", "value": 44}),
        InvalidPath,
        "no schema knows `shoeSize`",
    );
    strict(
        json!({"op": "add", "value": {"shoeSize": 44}}),
        InvalidSyntax,
        "no schema knows `shoeSize`",
    );
    let detail = "the path selects no attribute that the operation could act on";
    let path = r#"ims[type eq "x"].value"#;
    for (path, value) in [
        (path, json!("y")),
        (path, json!("")),
        (r#"ims[type eq "x"]"#, json!({})),
        (path, json!(null)),
    ] {
        strict(json!({"op": "replace", "path": path, "value": value}), NoTarget, detail);
    }
    strict(
        json!({"op": "add", "path": "active", "value": "True"}),
        InvalidValue,
        "`active` must be a boolean",
    );
}

#[test]
fn a_message_must_hold_operations() {
    let none = "`Operations` must be a list of one or more operations";
    for body in [
        json!({}),
        json!({"Operations": null}),
        json!({"Operations": []}),
        json!({"Operations": "x"}),
        json!({"active": false}),
    ] {
        check_malformed(&Compat::GENERIC, &body, InvalidSyntax, none);
    }
    for body in [json!([]), json!(null), json!("x")] {
        check_malformed(&Compat::GENERIC, &body, InvalidSyntax, "a PATCH must be an object");
    }
    let operation = json!({"op": "add", "path": "title", "value": "Dev"});
    assert!(PatchOp::parse(&json!({"operations": [operation]}), &Compat::GENERIC).is_ok());
    assert!(PatchOp::parse(&json!({"OPERATIONS": operation}), &Compat::GENERIC).is_ok());
}

#[test]
fn an_operation_must_be_well_formed() {
    let cases = [
        (
            json!({"op": "test", "path": "title"}),
            "`op` must be one of `add`, `remove` and `replace`",
        ),
        (json!({"op": "", "path": "title"}), "`op` must be one of `add`, `remove` and `replace`"),
        (json!({"path": "title", "value": "x"}), "`op` must be a string"),
        (json!({"op": 1}), "`op` must be a string"),
        (json!({"op": "add", "path": 1, "value": "x"}), "`path` must be a string"),
        (json!("add"), "must be an object"),
    ];
    for (operation, detail) in cases {
        let body = json!({"Operations": [operation]});
        let detail = format!("operation 1: {detail}");
        check_malformed(&Compat::GENERIC, &body, InvalidSyntax, &detail);
    }
}

#[test]
fn strict_demands_the_schema_of_the_message() {
    let operation = json!({"op": "add", "path": "title", "value": "Dev"});
    let detail = "`schemas` must be `urn:ietf:params:scim:api:messages:2.0:PatchOp`";
    for schemas in [json!(null), json!([]), json!([CORE]), json!("x")] {
        let body = json!({"schemas": schemas, "Operations": [operation]});
        check_malformed(&Compat::STRICT, &body, InvalidSyntax, detail);
        assert!(PatchOp::parse(&body, &Compat::GENERIC).is_ok());
    }
}

#[test]
fn an_error_says_which_operation_failed() {
    let operations = json!([
        {"op": "replace", "path": "title", "value": "Dev"},
        {"op": "replace", "path": "active", "value": "maybe"},
    ]);
    let error = patched(users(), json!({}), operations, &Compat::GENERIC).unwrap_err();
    assert_eq!(error.detail(), "operation 2: `active` must be a boolean");
}

#[test]
fn a_message_has_a_bounded_number_of_operations() {
    let body = |count: usize| {
        let operation = json!({"op": "add", "path": "title", "value": "Dev"});
        json!({"Operations": vec![operation; count]})
    };
    let most = limits::PATCH_OPERATIONS;
    assert!(PatchOp::parse(&body(most), &Compat::GENERIC).is_ok());
    let detail = format!("more than {most} operations");
    check_malformed(&Compat::GENERIC, &body(most + 1), TooMany, &detail);
}

#[test]
fn an_attribute_grows_to_a_bounded_number_of_values() {
    let most = limits::VALUES_PER_ATTRIBUTE;
    let full: Vec<_> = (0..most).map(|n| format!("{n}@example.com")).collect();
    for value in [json!(["one@example.com"]), json!({"value": "one@example.com", "type": "work"})] {
        let operations = json!([{"op": "add", "path": "emails", "value": value}]);
        let error =
            patched(users(), json!({"emails": full}), operations, &Compat::GENERIC).unwrap_err();
        assert_eq!(error.kind(), TooMany);
        assert_eq!(error.detail(), format!("operation 1: `emails` has more than {most} values"));
    }
}
