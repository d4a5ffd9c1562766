//! RFC 7643 §2 and §3, RFC 7644 §3.3: bodies of POST and PUT, as tables of body to resource.
//!
//! What is refused is in `resource_errors`.

use muster::scim::compat::Compat;
use muster::scim::resource::{Member, changed};
use serde_json::{Value, json};

use crate::given::{CORE, ENTERPRISE, groups, parsed, shown, users};

/// What a body becomes, byte for byte, so that the order counts.
#[track_caller]
fn check(body: Value, expected: Value) {
    let case = body.to_string();
    let parsed = parsed(users(), body, &Compat::GENERIC);
    let parsed = parsed.unwrap_or_else(|error| panic!("{case}: {error}"));
    let [shown, expected] = [shown(&parsed.resource), expected].map(|value| value.to_string());
    assert_eq!(shown, expected, "{case}");
}

/// The ids of the members that a group's body names.
#[track_caller]
fn member_ids(members: Value) -> Vec<String> {
    let mut body = json!({});
    body["members"] = members;
    let parsed = parsed(groups(), body, &Compat::GENERIC).unwrap();
    parsed.members.unwrap().into_iter().map(|member| member.value).collect()
}

#[test]
fn names_are_read_in_any_case_and_written_in_the_schemas_case_and_order() {
    check(
        json!({
            "EMAILS": [{"TYPE": "work", "Value": "ada@example.com"}],
            "NickName": "Ada",
            "name": {"GIVENNAME": "Ada", "familyname": "Byron"},
            "ExternalID": "e1",
        }),
        json!({
            "externalId": "e1",
            "name": {"familyName": "Byron", "givenName": "Ada"},
            "nickName": "Ada",
            "emails": [{"value": "ada@example.com", "type": "work"}],
        }),
    );
}

#[test]
fn schemas_come_first_and_list_the_extensions_that_are_there() {
    let schemas = |body| {
        let resource = parsed(users(), body, &Compat::GENERIC).unwrap().resource;
        let (name, value) = resource.as_map().iter().next().unwrap();
        assert_eq!(name, "schemas");
        value.clone()
    };
    // Okta, Entra: the extension is declared, and there is none of it.
    assert_eq!(schemas(json!({"schemas": [CORE, ENTERPRISE]})), json!([CORE]));
    assert_eq!(schemas(json!({"schemas": [CORE], ENTERPRISE: {"division": ""}})), json!([CORE]));
    // Entra: the extension is there, and not declared.
    assert_eq!(
        schemas(json!({"schemas": [CORE], ENTERPRISE: {"division": "Park"}})),
        json!([CORE, ENTERPRISE]),
    );
}

#[test]
fn an_attribute_of_an_extension_is_found_however_it_is_named() {
    let expected = json!({ENTERPRISE: {"department": "Tours"}});
    for body in [
        json!({ENTERPRISE: {"department": "Tours"}}),
        json!({ENTERPRISE.to_uppercase(): {"DEPARTMENT": "Tours"}}),
        json!({format!("{ENTERPRISE}:department"): "Tours"}),
        json!({format!("{ENTERPRISE}.department"): "Tours"}),
        json!({"department": "Tours"}),
        json!({"urn:scim:schemas:extension:enterprise:1.0": {"department": "Tours"}}),
        json!({ENTERPRISE: {"schemas": [ENTERPRISE], "department": "Tours"}}),
    ] {
        check(body, expected.clone());
    }
}

#[test]
fn a_name_may_be_a_path() {
    let expected = json!({"name": {"familyName": "Byron", "givenName": "Ada"}});
    check(json!({"name.givenName": "Ada", "name": {"familyName": "Byron"}}), expected.clone());
    check(json!({"name": {"familyName": "Byron"}, "NAME.givenname": "Ada"}), expected.clone());
    check(
        json!({CORE: {"name.familyName": "Byron"}, format!("{CORE}:name.givenName"): "Ada"}),
        expected,
    );
    check(
        json!({r#"emails[type eq "work"].value"#: "ada@example.com"}),
        json!({"emails": [{"value": "ada@example.com", "type": "work"}]}),
    );
}

#[test]
fn what_is_empty_is_unassigned() {
    check(
        json!({
            "nickName": null,
            "title": "",
            "active": "",
            "emails": null,
            "phoneNumbers": [],
            "addresses": "",
            "roles": [{}, null, "", {"value": ""}, {"type": "t", "primary": true, "value": null}],
            "name": {"givenName": null, "familyName": ""},
            ENTERPRISE: null,
        }),
        json!({}),
    );
}

#[test]
fn a_manager_is_read_from_any_shape() {
    let expected = json!({ENTERPRISE: {"manager": {"value": "m1"}}});
    for manager in [
        json!("m1"),
        json!({"value": "m1"}),
        json!([{"value": "m1"}]),
        json!({"Value": "m1", "$ref": null}),
        json!({"managerId": "m1"}),
        json!({"managerId": "m1", "displayName": "is the server's to say"}),
    ] {
        check(json!({ENTERPRISE: {"manager": manager}}), expected.clone());
    }
    for nobody in [json!(""), json!(null), json!({"managerId": "", "displayName": ""}), json!([])] {
        check(json!({ENTERPRISE: {"manager": nobody}}), json!({}));
    }
    check(
        json!({"manager.value": "m1", "manager.$ref": "https://example.com/Users/m1"}),
        json!({ENTERPRISE: {"manager": {"value": "m1", "$ref": "https://example.com/Users/m1"}}}),
    );
}

#[test]
fn booleans_may_be_texts() {
    for (sent, kept) in [
        (json!(true), true),
        (json!("True"), true),
        (json!("true"), true),
        (json!(false), false),
        (json!("False"), false),
        (json!("FALSE"), false),
        (json!([false]), false),
    ] {
        check(json!({"active": sent}), json!({"active": kept}));
    }
    check(
        json!({"roles": [{"value": "Admin", "primary": "True"}]}),
        json!({"roles": [{"value": "Admin", "primary": true}]}),
    );
}

#[test]
fn a_number_for_a_text_is_kept_as_text() {
    check(
        json!({ENTERPRISE: {"employeeNumber": 42}}),
        json!({ENTERPRISE: {"employeeNumber": "42"}}),
    );
}

#[test]
fn texts_are_kept_as_they_are_sent() {
    let body = json!({
        "profileUrl": "NOTAURL",
        "locale": "6b0c",
        "phoneNumbers": [{"value": "tel:+1-555-555-5555", "type": "work", "primary": true}],
        "addresses": [{"postalCode": "80027", "country": "Gibraltar", "type": "work"}],
        "roles": [{"value": r#"{"id":"06b0","value":"25"}"#}],
        "x509Certificates": [{"value": "wp8ZS3jLTgeBzmnRp738GQ=="}],
    });
    check(body.clone(), body);
}

#[test]
fn one_value_stands_for_a_list_of_one() {
    let expected = json!({"emails": [{"value": "ada@example.com"}]});
    check(json!({"emails": {"value": "ada@example.com"}}), expected.clone());
    check(json!({"emails": "ada@example.com"}), expected.clone());
    check(json!({"emails": ["ada@example.com"]}), expected);
}

#[test]
fn a_value_is_kept_once_for_each_type() {
    check(
        json!({"phoneNumbers": [
            {"value": "0-351-9540", "type": "work"},
            {"value": "0-351-9540", "type": "mobile"},
            {"value": "0-351-9540", "type": "work"},
            {"value": "0-351-9540", "type": "fax"},
        ]}),
        json!({"phoneNumbers": [
            {"value": "0-351-9540", "type": "work"},
            {"value": "0-351-9540", "type": "mobile"},
            {"value": "0-351-9540", "type": "fax"},
        ]}),
    );
    // RFC 7643 §2.4: no two of one `value` and one `type`. The later one knows better.
    check(
        json!({"roles": [{"value": "Admin", "display": "A"}, {"value": "ADMIN", "primary": true}]}),
        json!({"roles": [{"value": "ADMIN", "display": "A", "primary": true}]}),
    );
    check(
        json!({"addresses": [{"country": "GI"}, {"country": "GI"}, {"country": "GI", "type": "home"}]}),
        json!({"addresses": [{"country": "GI"}, {"country": "GI", "type": "home"}]}),
    );
}

#[test]
fn the_first_of_two_primary_values_stays_primary() {
    check(
        json!({"emails": [
            {"value": "a@example.com"},
            {"value": "b@example.com", "primary": true},
            {"value": "c@example.com", "primary": true},
        ]}),
        json!({"emails": [
            {"value": "a@example.com"},
            {"value": "b@example.com", "primary": true},
            {"value": "c@example.com", "primary": false},
        ]}),
    );
}

#[test]
fn what_only_the_server_writes_is_ignored() {
    check(
        json!({"id": null, "meta": {"resourceType": "Group"}, "groups": [], "nickName": "Ada"}),
        json!({"nickName": "Ada"}),
    );
    check(json!({"id": 7, "groups": "whatever", "groups.value": 1, "meta.version": {}}), json!({}));
}

#[test]
fn a_password_is_read_and_not_kept() {
    check(json!({"password": "1mz050nq"}), json!({}));
}

#[test]
fn a_member_is_read_from_any_shape() {
    for members in [
        json!([{"value": "x", "display": "X"}]),
        json!([{"value": "x"}]),
        json!([{"$ref": null, "value": "x"}]),
        json!([{"value": "x", "displayName": "X"}]),
        json!({"value": "x"}),
        json!("x"),
        json!(["x"]),
        json!([{"VALUE": "x"}, "x", {"value": "x", "type": "User"}]),
    ] {
        assert_eq!(member_ids(members.clone()), ["x"], "{members}");
    }
    for nobody in [json!([]), json!(null), json!([null])] {
        assert_eq!(member_ids(nobody.clone()), [""; 0], "{nobody}");
    }
}

#[test]
fn a_member_keeps_its_name_and_type() {
    let body = json!({"members": [{"value": "x", "displayName": "X", "type": "Group"}]});
    let parsed = parsed(groups(), body, &Compat::GENERIC).unwrap();
    let member = Member { value: "x".into(), display: Some("X".into()) };
    assert_eq!(parsed.members, Some(vec![member]));
    assert_eq!(shown(&parsed.resource), json!({}));
}

#[test]
fn a_body_that_does_not_name_members_has_none_to_say() {
    assert_eq!(parsed(groups(), json!({}), &Compat::GENERIC).unwrap().members, None);
}

#[test]
fn a_resource_is_read_by_canonical_paths() {
    let body = json!({"name": {"familyName": "Byron"}, "department": "Tours", "manager": "m1"});
    let resource = parsed(users(), body, &Compat::GENERIC).unwrap().resource;
    assert_eq!(resource.text("userName"), Some("given"));
    assert_eq!(resource.text("name.familyName"), Some("Byron"));
    assert_eq!(resource.text(&format!("{ENTERPRISE}:department")), Some("Tours"));
    assert_eq!(resource.text(&format!("{ENTERPRISE}:manager.value")), Some("m1"));
    for absent in ["nickName", "name", "name.givenName", "urn:x:department", ""] {
        assert_eq!(resource.text(absent), None, "{absent}");
    }
}

#[test]
fn changes_are_named_by_path_in_the_schemas_order() {
    let resource = |body| parsed(users(), body, &Compat::GENERIC).unwrap().resource;
    let old = resource(json!({
        "title": "Dev",
        "name": {"familyName": "Byron", "givenName": "Ada"},
        "emails": [{"value": "a@example.com"}],
        ENTERPRISE: {"division": "Park"},
        "locale": "en",
    }));
    let new = resource(json!({
        "active": false,
        "name": {"familyName": "Lovelace", "givenName": "Ada"},
        "emails": [{"value": "a@example.com", "type": "work"}],
        ENTERPRISE: {"department": "Tours", "manager": "m1"},
        "locale": "en",
        "externalId": "e1",
    }));
    let paths = [
        "externalId",
        "name.familyName",
        "title",
        "active",
        "emails",
        &format!("{ENTERPRISE}:division"),
        &format!("{ENTERPRISE}:department"),
        &format!("{ENTERPRISE}:manager.value"),
    ];
    assert_eq!(changed(&old, &new, users()), paths);
    assert_eq!(changed(&old, &old, users()), [""; 0]);
    assert!(new.succeeds(&old, users()).is_ok());
}
