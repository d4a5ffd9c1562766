//! What has gone wrong elsewhere with PATCH, each as a test of the behaviour that guards against
//! it.

use serde_json::{Value, json};

use crate::given::ENTERPRISE;
use crate::steps::{patch_op, state, texts};
use crate::support::Acme;

/// A tenant with Ada; her path.
fn given() -> (Acme, String) {
    let mut acme = Acme::new();
    let ada = json!({
        "userName": "ada@x",
        "externalId": "e-1",
        "name": { "givenName": "Ada", "familyName": "Byron" },
        "displayName": "Ada Byron",
        "active": true,
        "emails": [{ "value": "ada@x", "type": "work", "primary": true }],
        ENTERPRISE: { "department": "Engines" },
    });
    let path = format!("/Users/{}", acme.made("/Users", &ada));
    (acme, path)
}

/// Operations on Ada, and the attributes that are others afterwards, null where one is gone; sent
/// again, they change nothing.
#[track_caller]
fn check(operations: Value, differences: Value) {
    let (mut acme, path) = given();
    let mut expected = acme.get(&path);
    let answer = acme.patch(&path, &operations).json();
    for (name, value) in differences.as_object().expect("attributes") {
        expected[name] = value.clone();
    }
    expected.as_object_mut().expect("attributes").retain(|_, value| !value.is_null());
    let sorted = |value: &Value| {
        let text = state(value.clone());
        serde_json::from_str::<Value>(&text).expect("still JSON")
    };
    assert_eq!(sorted(&answer), sorted(&expected), "{operations}");
    assert_eq!(acme.get(&path), answer, "{operations}");
    acme.changes_nothing("PATCH", &path, &patch_op(&operations));
}

/// A list of operations that is refused as a whole, whatever stands in front of the bad one.
#[track_caller]
fn check_refused(bad: Value, (scim_type, detail): (&str, &str)) {
    let (mut acme, path) = given();
    let good = json!({ "op": "replace", "path": "title", "value": "Poet" });
    for (operations, number) in
        [(json!([bad]), 1), (json!([good, bad]), 2), (json!([bad, good]), 1)]
    {
        let detail = format!("operation {number}: {detail}");
        acme.refused("PATCH", &path, &patch_op(&operations), (400, scim_type, &detail));
    }
}

fn manager() -> String {
    format!("{ENTERPRISE}:manager")
}

/// What Entra adds to a value that is not there was refused, so that no telephone number ever came
/// (scimmy #95, SCIM-SDK #416).
#[test]
fn a_value_that_a_path_describes_is_created_where_it_is_not_there() {
    for op in ["Add", "Replace", "add", "replace"] {
        check(
            json!([
                { "op": op, "path": r#"phoneNumbers[type eq "mobile"].value"#, "value": "+1" },
                { "op": op, "path": r#"addresses[type eq "work"].locality"#, "value": "London" },
                { "op": op, "path": r#"emails[type eq "home"].value"#, "value": "h@x" },
            ]),
            json!({
                "phoneNumbers": [{ "value": "+1", "type": "mobile" }],
                "addresses": [{ "locality": "London", "type": "work" }],
                "emails": [
                    { "value": "ada@x", "type": "work", "primary": true },
                    { "value": "h@x", "type": "home" },
                ],
            }),
        );
    }
}

/// A boolean in quotes was refused, or taken for true because it was not empty (scimmy #86,
/// ssoready #155).
#[test]
fn a_boolean_in_quotes_means_what_it_says() {
    for no in [json!(false), json!("False"), json!("false"), json!("FALSE")] {
        check(
            json!([{ "op": "Replace", "path": "active", "value": no }]),
            json!({ "active": false }),
        );
    }
    for yes in [json!(true), json!("True"), json!("true")] {
        let off = json!({ "op": "Replace", "path": "active", "value": "False" });
        let on = json!({ "op": "Replace", "path": "active", "value": yes });
        let (mut acme, path) = given();
        acme.patch(&path, &json!([off]));
        assert_eq!(acme.patch(&path, &json!([on])).json()["active"], true, "{yes}");
    }
    for neither in ["", "no", "0", "Falsch"] {
        let (mut acme, path) = given();
        let body = patch_op(&json!([{ "op": "Replace", "path": "active", "value": neither }]));
        let reply = acme.scim("PATCH", &path, &body);
        let still = acme.get(&path)["active"].clone();
        if neither.is_empty() {
            assert_eq!((reply.status, still), (200, Value::Null), "nothing is said of it any more");
        } else {
            assert_eq!((reply.status, still), (400, json!(true)), "{neither}");
        }
    }
}

/// A deactivation was answered as done and ignored, so that who had left stayed (OneUptime, Sentry).
#[test]
fn a_deactivation_that_is_answered_as_done_is_done_and_told() {
    for operation in [
        json!({ "op": "replace", "value": { "active": false } }),
        json!({ "op": "replace", "path": "active", "value": false }),
        json!({ "op": "Replace", "path": "active", "value": "False" }),
        json!({ "op": "Add", "path": "active", "value": false }),
        json!({ "op": "replace", "value": [{ "active": "False" }] }),
    ] {
        let (mut acme, path) = given();
        let events = acme.events().len();
        acme.patch(&path, &json!([operation]));
        assert_eq!(acme.get(&path)["active"], false, "{operation}");
        assert_eq!(acme.event_types(events), ["user.deactivated"], "{operation}");
        assert_eq!(acme.found("/Users", "active eq false").len(), 1);
    }
    // No value, or none that is one, is no deactivation: it is refused.
    check_refused(
        json!({ "op": "replace", "path": "active" }),
        ("invalidValue", "`add` and `replace` need a `value`"),
    );
}

/// Operations without a path were read as the whole user, and took away what they did not name
/// (ssoready #206).
#[test]
fn an_operation_without_a_path_changes_what_it_names_and_nothing_else() {
    for op in ["replace", "add", "Replace", "Add"] {
        check(json!([{ "op": op, "value": { "active": false } }]), json!({ "active": false }));
        check(
            json!([{ "op": op, "value": { "title": "Poet", "name": { "familyName": "King" } } }]),
            json!({ "title": "Poet", "name": { "givenName": "Ada", "familyName": "King" } }),
        );
    }
}

/// Dots in keys were kept as part of a name, and a filter on `value` found nothing (scimitar #123,
/// #115).
#[test]
fn dotted_keys_and_filters_on_the_value_reach_what_they_mean() {
    check(
        json!([{ "op": "replace", "value": {
            "name.familyName": "King",
            "name.honorificPrefix": "Lady",
            r#"emails[type eq "work"].value"#: "king@x",
            format!("{ENTERPRISE}:department"): "Poems",
        } }]),
        json!({
            "name": { "familyName": "King", "givenName": "Ada", "honorificPrefix": "Lady" },
            "emails": [{ "value": "king@x", "type": "work", "primary": true }],
            ENTERPRISE: { "department": "Poems" },
        }),
    );
    check(
        json!([{ "op": "remove", "path": r#"emails[value eq "ada@x"]"# }]),
        json!({ "emails": null }),
    );
    check(
        json!([{ "op": "replace", "path": r#"emails[value eq "ada@x"].display"#, "value": "A" }]),
        json!({ "emails": [{ "value": "ada@x", "display": "A", "type": "work", "primary": true }] }),
    );
}

/// The version in an extension's name was taken for the dot before a part (scim2 #104).
#[test]
fn the_dot_in_the_name_of_an_extension_is_part_of_it() {
    let department = |value: &str| json!({ ENTERPRISE: { "department": value } });
    for path in [
        format!("{ENTERPRISE}:department"),
        format!("{ENTERPRISE}.department"),
        ENTERPRISE.to_uppercase() + ":DEPARTMENT",
    ] {
        let replace = json!({ "op": "replace", "path": path, "value": "Poems" });
        check(json!([replace]), department("Poems"));
    }
    let whole = json!({ "op": "replace", "path": ENTERPRISE, "value": { "department": "Poems" } });
    check(json!([whole]), department("Poems"));
    let in_value = json!({ "op": "add", "value": { ENTERPRISE: { "department": "Poems" } } });
    check(json!([in_value]), department("Poems"));
}

/// A list without values was an error, or left the old values (scim2 #174).
#[test]
fn a_list_without_values_replaces_all_of_them() {
    for value in [json!([]), json!(null)] {
        let replace = json!({ "op": "replace", "path": "emails", "value": value });
        check(json!([replace]), json!({ "emails": null }));
        check(json!([{ "op": "add", "path": "emails", "value": [] }]), json!({}));
    }
}

/// A manager that is sent as a bare text was refused (directory-scimple #1242, Budibase #15369).
#[test]
fn a_manager_may_be_a_bare_text() {
    let expected =
        json!({ ENTERPRISE: { "department": "Engines", "manager": { "value": "m-1" } } });
    for path in ["manager".to_owned(), manager(), format!("{}.value", manager())] {
        for op in ["add", "replace"] {
            check(json!([{ "op": op, "path": path, "value": "m-1" }]), expected.clone());
        }
    }
    let mut acme = Acme::new();
    let body = json!({ "userName": "bob", ENTERPRISE: { "manager": "m-1" } });
    let bob = acme.post("/Users", &body);
    assert_eq!(bob[ENTERPRISE]["manager"], json!({ "value": "m-1" }));
}

/// Nothing could be cleared: an empty text was stored as one, and null was an error
/// (SimpleIdServer #295, SCIM-SDK #103).
#[test]
fn an_empty_text_and_null_clear_what_they_are_given_for() {
    for nothing in [json!(""), json!(null)] {
        let replace = |path: &str| json!({ "op": "Replace", "path": path, "value": nothing });
        check(json!([replace("displayName")]), json!({ "displayName": null }));
        check(json!([replace("name.familyName")]), json!({ "name": { "givenName": "Ada" } }));
        check(json!([replace(r#"emails[type eq "work"].value"#)]), json!({ "emails": null }));
        check(
            json!([{ "op": "replace", "value": { "displayName": nothing, "title": nothing } }]),
            json!({ "displayName": null }),
        );
        let (mut acme, path) = given();
        let put = json!({ "userName": "ada@x", "title": nothing, "emails": null });
        let put = acme.put(&path, &put);
        assert_eq!((put.get("title"), put.get("emails")), (None, None));
        // What must be there is not cleared.
        let detail = "operation 1: `userName` is required";
        let body = patch_op(&json!([replace("userName")]));
        acme.refused("PATCH", &path, &body, (400, "invalidValue", detail));
    }
}

/// Null for what the server writes itself, and the id along with a change, were errors (scimmy #34,
/// authentik #23950).
#[test]
fn nulls_and_the_id_that_come_along_are_no_errors() {
    let (mut acme, path) = given();
    let id = path.trim_start_matches("/Users/").to_owned();
    let group = format!("/Groups/{}", acme.group("crew", &[]));
    let add = json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": id }] }]);
    acme.patch(&group, &add);
    let rename = json!({ "id": group.trim_start_matches("/Groups/"), "displayName": "team", "members": null });
    acme.patch(&group, &json!([{ "op": "replace", "value": rename }]));
    let shown = acme.get(&group);
    assert_eq!(
        (&shown["displayName"], texts(&shown["members"], "value")),
        (&json!("team"), vec![id.clone()])
    );
    let reference = json!({ "$ref": null, "value": "m-1" });
    acme.patch(&path, &json!([{ "op": "add", "path": manager(), "value": reference }]));
    assert_eq!(acme.get(&path)[ENTERPRISE]["manager"], json!({ "value": "m-1" }));
    let other = json!({ "id": "another", "meta": null, "title": "Poet" });
    let answer = acme.patch(&path, &json!([{ "op": "replace", "value": other }])).json();
    assert_eq!((&answer["id"], &answer["title"]), (&json!(id), &json!("Poet")));
}

/// One attribute that no schema knows stopped all the others (fleetdm/fleet #42678).
#[test]
fn an_attribute_that_no_schema_knows_does_not_stop_the_others() {
    check(
        json!([
            { "op": "Add", "path": "urn:example:params:2.0:User:badge", "value": "7" },
            { "op": "Replace", "path": "colour", "value": "red" },
            { "op": "Replace", "path": r#"colours[type eq "x"].value"#, "value": "red" },
            { "op": "Remove", "path": "colour" },
            { "op": "Replace", "value": { "colour": "red", "title": "Poet" } },
        ]),
        json!({ "title": "Poet" }),
    );
}

/// Types of e-mail addresses other than those in the RFC's example were refused (zitadel #9690).
#[test]
fn an_email_address_has_any_type_or_none() {
    for kind in ["work", "home", "other", "Work", "proxy", "é"] {
        let (mut acme, path) = given();
        let email = json!([{ "value": "b@x", "type": kind }]);
        acme.patch(&path, &json!([{ "op": "replace", "path": "emails", "value": email }]));
        assert_eq!(acme.get(&path)["emails"], email);
        acme.patch(&path, &json!([{
            "op": "replace", "path": format!("emails[type eq \"{kind}\"].value"), "value": "c@x",
        }]));
        assert_eq!(texts(&acme.get(&path)["emails"], "value"), ["c@x"], "{kind}");
    }
    check(
        json!([{ "op": "replace", "path": "emails", "value": [{ "value": "b@x" }] }]),
        json!({ "emails": [{ "value": "b@x" }] }),
    );
}

/// Names in another case than the schema's found nothing, so that changes went nowhere
/// (scim-patch #42, #176).
#[test]
fn names_operators_and_paths_have_any_case() {
    for (op, path) in [
        ("REPLACE", "NAME.FAMILYNAME"),
        ("rePlace", "Name.familyname"),
        ("Add", "urn:ietf:params:scim:schemas:CORE:2.0:user:name.FamilyName"),
    ] {
        check(
            json!([{ "op": op, "path": path, "value": "King" }]),
            json!({ "name": { "givenName": "Ada", "familyName": "King" } }),
        );
    }
    check(
        json!([{ "OP": "replace", "PATH": r#"EMAILS[TYPE EQ "WORK" AND Primary eq true].VALUE"#, "Value": "k@x" }]),
        json!({ "emails": [{ "value": "k@x", "type": "work", "primary": true }] }),
    );
}

/// Operations that a server did not know were answered 204 and not done, some of a list among them
/// (logfire #2355).
#[test]
fn an_operation_that_cannot_be_done_is_refused_with_all_others() {
    let unknown = ("invalidSyntax", "`op` must be one of `add`, `remove` and `replace`");
    for op in ["move", "copy", "test", "delete", "set", ""] {
        check_refused(json!({ "op": op, "path": "title", "value": "x" }), unknown);
    }
    check_refused(
        json!({ "path": "title", "value": "x" }),
        ("invalidSyntax", "`op` must be a string"),
    );
    check_refused(json!({ "op": "remove" }), ("noTarget", "`remove` needs a `path`"));
    check_refused(
        json!({ "op": "replace", "path": "title", "value": { "a": [] } }),
        ("invalidValue", "`title` must be a string"),
    );
    check_refused(
        json!({ "op": "replace", "path": "groups", "value": [] }),
        ("mutability", "`groups` is readOnly"),
    );
}

/// A manager that is sent in every cycle was a change in every cycle, and for a client one without
/// end (azure-docs #11784).
#[test]
fn a_manager_that_is_sent_again_is_no_change() {
    let (mut acme, path) = given();
    let reference = json!([{ "$ref": "../Users/m-1", "value": "m-1" }]);
    let forms = [
        json!({ "op": "Add", "path": manager(), "value": reference }),
        json!({ "op": "Add", "path": manager(), "value": "m-1" }),
        json!({ "op": "Replace", "path": manager(), "value": "m-1" }),
        json!({ "op": "Replace", "path": format!("{}.value", manager()), "value": "m-1" }),
    ];
    acme.patch(&path, &json!([forms[0]]));
    for form in forms {
        acme.changes_nothing("PATCH", &path, &patch_op(&json!([form])));
    }
}
