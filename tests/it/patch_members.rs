//! RFC 7644 §3.5.2 on a group's members: operations, and what they ask of storage.

use muster::limits;
use muster::scim::ErrorKind::{
    self, InvalidFilter, InvalidPath, InvalidValue, Mutability, TooMany,
};
use muster::scim::compat::Compat;
use muster::scim::filter::Filter;
use muster::scim::patch::Patched;
use muster::scim::resource::{Member, MemberOp};
use serde_json::{Value, json};

use crate::given::{groups, patched, shown};

fn patch(operations: Value) -> Patched {
    let case = operations.to_string();
    patched(groups(), json!({"displayName": "Builders"}), operations, &Compat::GENERIC)
        .unwrap_or_else(|error| panic!("{case}: {error}"))
}

/// One operation and what it asks; the group itself stays as it is.
#[track_caller]
fn check(operation: Value, expected: &[MemberOp]) {
    let case = operation.to_string();
    let patched = patch(Value::from(vec![operation]));
    assert_eq!(patched.members, expected, "{case}");
    assert_eq!(shown(&patched.resource), json!({"displayName": "Builders"}), "{case}");
}

#[track_caller]
fn check_error(operation: Value, kind: ErrorKind) {
    let case = operation.to_string();
    let error = patched(groups(), json!({}), Value::from(vec![operation]), &Compat::GENERIC);
    assert_eq!(error.map_err(|error| error.kind()).map(|_| "applied"), Err(kind), "{case}");
}

fn member(value: &str, display: Option<&str>) -> Member {
    Member { value: value.to_owned(), display: display.map(str::to_owned) }
}

fn members(values: &[&str]) -> Vec<Member> {
    values.iter().map(|value| member(value, None)).collect()
}

fn remove(values: &[&str]) -> [MemberOp; 1] {
    [MemberOp::Remove(values.iter().map(|&value| value.to_owned()).collect())]
}

#[test]
fn members_are_added_in_any_shape() {
    let named = [MemberOp::Add(vec![member("x", Some("X"))])];
    for value in [
        json!([{"value": "x", "display": "X"}]),
        json!([{"value": "x", "displayName": "X", "$ref": null}]),
        json!([{"value": "x", "display": "X"}, {"value": "x"}, "x"]),
    ] {
        check(json!({"op": "add", "path": "members", "value": value}), &named);
    }
    let plain = [MemberOp::Add(members(&["x"]))];
    for value in
        [json!([{"value": "x"}]), json!([{"$ref": null, "value": "x"}]), json!("x"), json!(["x"])]
    {
        check(json!({"op": "Add", "path": "members", "value": value}), &plain);
        check(json!({"op": "add", "value": {"members": value}}), &plain);
    }
    check(
        json!({"op": "add", "path": "MEMBERS", "value": [{"value": "x"}, {"value": "y"}]}),
        &[MemberOp::Add(members(&["x", "y"]))],
    );
}

#[test]
fn adding_nobody_asks_for_nothing() {
    for nobody in [json!([]), json!(null), json!("")] {
        check(json!({"op": "add", "path": "members", "value": nobody}), &[]);
    }
}

#[test]
fn a_removal_that_lists_members_removes_those_only() {
    for value in [
        json!([{"value": "x"}]),
        json!([{"$ref": null, "value": "x"}]),
        json!({"value": "x"}),
        json!(["x"]),
        json!("x"),
    ] {
        check(json!({"op": "Remove", "path": "members", "value": value}), &remove(&["x"]));
    }
    check(
        json!({"op": "remove", "path": "members", "value": [{"value": "x"}, {"value": "y"}]}),
        &remove(&["x", "y"]),
    );
}

#[test]
fn a_removal_that_lists_nobody_removes_nobody() {
    check(json!({"op": "remove", "path": "members", "value": []}), &[]);
    for value in [json!([{}]), json!({}), json!([{"display": "X"}])] {
        check_error(json!({"op": "remove", "path": "members", "value": value}), InvalidValue);
    }
}

#[test]
fn a_filter_by_value_names_members() {
    check(json!({"op": "remove", "path": r#"members[value eq "x"]"#}), &remove(&["x"]));
    check(
        json!({"op": "remove", "path": r#"members[value eq "x" or VALUE eq "Y"]"#}),
        &remove(&["x", "Y"]),
    );
}

#[test]
fn another_filter_is_left_to_storage() {
    for filter in [
        r#"display sw "A""#,
        r#"value eq "x" and type eq "User""#,
        r#"value eq "x" or display eq "X""#,
        r#"not (value eq "x")"#,
        r#"value ne "x""#,
        "value pr",
    ] {
        let predicate = Filter::parse(filter, &Compat::STRICT)
            .unwrap()
            .bind_values(groups().attribute(None, "members").unwrap().attribute, &Compat::STRICT)
            .unwrap();
        check(
            json!({"op": "remove", "path": format!("members[{filter}]")}),
            &[MemberOp::RemoveWhere(predicate)],
        );
    }
}

#[test]
fn all_members_go_only_when_that_is_what_is_asked() {
    check(json!({"op": "remove", "path": "members"}), &[MemberOp::Clear]);
    check(json!({"op": "remove", "path": "members", "value": null}), &[MemberOp::Clear]);
    for nobody in [json!([]), json!(null)] {
        check(
            json!({"op": "replace", "path": "members", "value": nobody}),
            &[MemberOp::Replace(Vec::new())],
        );
    }
    check(json!({"op": "replace", "value": {"members": []}}), &[MemberOp::Replace(Vec::new())]);
    // authentik sends a group as it knows it, with `null` for members it has not looked up.
    for op in ["add", "replace"] {
        check(json!({"op": op, "value": {"id": "g", "members": null}}), &[]);
    }
}

#[test]
fn members_are_replaced_by_those_listed() {
    for operation in [
        json!({"op": "replace", "path": "members", "value": [{"value": "x"}, {"value": "y"}]}),
        json!({"op": "Replace", "value": {"Members": ["x", "y", "x"]}}),
    ] {
        check(operation, &[MemberOp::Replace(members(&["x", "y"]))]);
    }
}

#[test]
fn operations_keep_their_order() {
    // Okta renames with each change of members.
    let patched = patch(json!([
        {"op": "replace", "value": {"id": "g", "displayName": "Makers"}},
        {"op": "remove", "path": r#"members[value eq "x"]"#},
        {"op": "add", "path": "members", "value": [{"value": "y", "display": "Y"}]},
        {"op": "remove", "path": "members"},
    ]));
    let [removed] = remove(&["x"]);
    let expected = [removed, MemberOp::Add(vec![member("y", Some("Y"))]), MemberOp::Clear];
    assert_eq!(patched.members, expected);
    assert_eq!(shown(&patched.resource), json!({"displayName": "Makers"}));
}

#[test]
fn another_attribute_leaves_members_alone() {
    for operation in [
        json!({"op": "Replace", "path": "displayName", "value": "Builders"}),
        json!({"op": "replace", "value": {"id": "g", "displayName": "Builders"}}),
    ] {
        check(operation, &[]);
    }
}

#[test]
fn a_member_is_not_edited() {
    for operation in [
        json!({"op": "replace", "path": r#"members[value eq "x"].display"#, "value": "X"}),
        json!({"op": "replace", "path": r#"members[value eq "x"]"#, "value": {"value": "y"}}),
        json!({"op": "add", "path": r#"members[value eq "x"]"#, "value": {"display": "X"}}),
        json!({"op": "remove", "path": r#"members[value eq "x"].display"#}),
        json!({"op": "replace", "path": "members.value", "value": "x"}),
    ] {
        check_error(operation, Mutability);
    }
}

#[test]
fn a_malformed_member_is_an_error() {
    for (operation, kind) in [
        (json!({"op": "add", "path": "members", "value": [{}]}), InvalidValue),
        (json!({"op": "add", "path": "members", "value": [{"value": {}}]}), InvalidValue),
        (json!({"op": "add", "path": "members", "value": [["x", "y"]]}), InvalidValue),
        (json!({"op": "replace", "path": "members", "value": [{"value": ""}]}), InvalidValue),
        (json!({"op": "remove", "path": "members[value]"}), InvalidFilter),
        (json!({"op": "remove", "path": r#"members[name eq "x"]"#}), InvalidFilter),
        (json!({"op": "remove", "path": "members["}), InvalidFilter),
        (json!({"op": "remove", "path": r#"displayName[value eq "x"]"#}), InvalidPath),
    ] {
        check_error(operation, kind);
    }
}

#[test]
fn a_request_names_a_bounded_number_of_members() {
    let half = limits::MEMBERS_PER_REQUEST / 2;
    let add = |count: usize| -> Value {
        let members: Vec<_> = (0..count).map(|n| json!({"value": n.to_string()})).collect();
        json!({"op": "add", "path": "members", "value": members})
    };
    patch(json!([add(half), add(half)]));
    let error = patched(groups(), json!({}), json!([add(half), add(half + 1)]), &Compat::GENERIC);
    let error = error.unwrap_err();
    let detail = format!("operation 2: `members` has more than {} values", 2 * half);
    assert_eq!((error.kind(), error.detail()), (TooMany, detail.as_str()));
}
