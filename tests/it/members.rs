//! RFC 7644 §3.5.2 on a group's members: rows, changed by difference.

use muster::limits;
use muster::scim::urn::PATCH_OP;
use serde_json::{Value, json};

use crate::steps::{Refused, check_error, patch_op, texts};
use crate::support::{Acme, ORIGIN};

/// Five users, in the order of their creation.
const NAMES: [&str; 5] = ["ada", "bob", "cyd", "dan", "eve"];

/// A tenant with the users and a group of some of them; the users' ids and the group's path.
fn given(members: &[&str]) -> (Acme, Vec<String>, String) {
    let mut acme = Acme::new();
    let ids: Vec<String> = NAMES.iter().map(|name| acme.user(name)).collect();
    let named = |name: &&str| ids[NAMES.iter().position(|n| n == name).expect("a user")].as_str();
    let members: Vec<&str> = members.iter().map(named).collect();
    let path = format!("/Groups/{}", acme.group("crew", &members));
    (acme, ids, path)
}

/// A JSON text with `{ada}` and the like replaced by ids.
fn filled(value: &Value, ids: &[String]) -> Value {
    let text = NAMES
        .iter()
        .zip(ids)
        .fold(value.to_string(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id));
    serde_json::from_str(&text).expect("still JSON")
}

/// The members before, operations, and the members afterwards.
#[track_caller]
fn check(before: &[&str], operations: Value, after: &[&str]) {
    let (mut acme, ids, path) = given(before);
    let operations = filled(&operations, &ids);
    let rows = acme.dump();
    acme.patch(&path, &operations);
    let group = acme.get(&path);
    assert_eq!(texts(&group["members"], "display"), after, "{operations}");
    let version = if before == after { "W/\"1\"" } else { "W/\"2\"" };
    assert_eq!(group["meta"]["version"], version, "{operations}");
    assert_eq!(acme.dump() == rows, before == after, "{operations}");
}

/// Operations that are refused, as they stand in one PATCH.
#[track_caller]
fn check_refused(operations: Value, error: Refused<'_>) {
    let (mut acme, ids, path) = given(&["ada", "bob"]);
    acme.refused("PATCH", &path, &patch_op(&filled(&operations, &ids)), error);
}

#[test]
fn adding_adds_those_who_are_not_there() {
    let added = ["ada", "bob", "cyd"];
    for value in [
        json!([{ "value": "{bob}" }, { "value": "{cyd}" }]),
        json!([{ "value": "{cyd}", "$ref": null }, { "value": "{cyd}" }, "{ada}", "{bob}"]),
        json!([{ "value": "{bob}", "type": "User" }, { "value": "{cyd}", "display": "cyd" }]),
    ] {
        check(&["ada"], json!([{ "op": "add", "path": "members", "value": value }]), &added);
        check(&["ada"], json!([{ "op": "Add", "value": { "members": value } }]), &added);
    }
    check(&["ada", "bob"], json!([{ "op": "add", "path": "members", "value": "{cyd}" }]), &added);
}

#[test]
fn adding_who_is_there_changes_nothing() {
    for value in [json!([{ "value": "{ada}" }]), json!([]), json!(null)] {
        let operation = json!([{ "op": "add", "path": "members", "value": value }]);
        check(&["ada", "bob"], operation, &["ada", "bob"]);
    }
}

#[test]
fn removing_removes_only_those_who_are_listed() {
    for operation in [
        json!({ "op": "remove", "path": "members", "value": [{ "value": "{bob}" }] }),
        json!({ "op": "Remove", "path": "members", "value": [{ "value": "{bob}", "$ref": null }] }),
        json!({ "op": "remove", "path": "members", "value": { "value": "{bob}" } }),
        json!({ "op": "remove", "path": "members", "value": ["{bob}", "{eve}", "no one"] }),
        json!({ "op": "remove", "path": r#"members[value eq "{bob}"]"# }),
        json!({ "op": "remove", "path": r#"members[value eq "{bob}" or value eq "{eve}"]"# }),
        json!({ "op": "remove", "path": r#"members[value eq "{bob}" and type eq "user"]"# }),
    ] {
        check(&["ada", "bob", "cyd"], json!([operation]), &["ada", "cyd"]);
    }
}

#[test]
fn removing_who_is_not_there_or_nobody_changes_nothing() {
    for operation in [
        json!({ "op": "remove", "path": "members", "value": [] }),
        json!({ "op": "remove", "path": "members", "value": [{ "value": "{eve}" }] }),
        json!({ "op": "remove", "path": "members", "value": [{ "value": "no one" }] }),
        json!({ "op": "remove", "path": r#"members[value eq "{eve}"]"# }),
        json!({ "op": "remove", "path": r#"members[value eq "no one"]"# }),
        json!({ "op": "remove", "path": r#"members[display eq "eve"]"# }),
        json!({ "op": "remove", "path": r#"members[type eq "Group"]"# }),
    ] {
        check(&["ada", "bob"], json!([operation]), &["ada", "bob"]);
    }
}

#[test]
fn removing_all_needs_the_bare_path_or_an_empty_replacement() {
    for operation in [
        json!({ "op": "remove", "path": "members" }),
        json!({ "op": "remove", "path": "members", "value": null }),
        json!({ "op": "replace", "path": "members", "value": [] }),
        json!({ "op": "replace", "value": { "members": [] } }),
        json!({ "op": "remove", "path": "members[value pr]" }),
    ] {
        check(&["ada", "bob"], json!([operation]), &[]);
    }
    for operation in [
        json!({ "op": "replace", "path": "displayName", "value": "team" }),
        json!({ "op": "replace", "value": { "displayName": "team" } }),
        json!({ "op": "replace", "value": { "displayName": "team", "members": null } }),
    ] {
        let (mut acme, _, path) = given(&["ada", "bob"]);
        acme.patch(&path, &json!([operation]));
        assert_eq!(texts(&acme.get(&path)["members"], "display"), ["ada", "bob"], "{operation}");
    }
}

#[test]
fn replacing_makes_those_who_are_listed_the_members() {
    let listed = json!([{ "value": "{cyd}" }, { "value": "{ada}" }, { "value": "{cyd}" }]);
    check(
        &["ada", "bob"],
        json!([{ "op": "replace", "path": "members", "value": listed }]),
        &["ada", "cyd"],
    );
    let same = json!([{ "value": "{bob}" }, { "value": "{ada}" }]);
    check(
        &["ada", "bob"],
        json!([{ "op": "replace", "path": "members", "value": same }]),
        &["ada", "bob"],
    );
}

#[test]
fn a_filter_on_what_is_shown_of_a_member_selects_whom_to_remove() {
    for (filter, left) in [
        (r#"display eq "BOB""#, &["ada", "cyd"][..]),
        (r#"display sw "b" or display eq "ada""#, &["cyd"]),
        (r#"not (display eq "bob")"#, &["bob"]),
        (r#"display ne "bob""#, &["bob"]),
        (r#"type eq "User" and display co "a""#, &["bob", "cyd"]),
        (r#"$ref ew "{cyd}""#, &["ada", "bob"]),
        (r#"type eq "User""#, &[]),
    ] {
        let path = format!("members[{filter}]");
        check(&["ada", "bob", "cyd"], json!([{ "op": "remove", "path": path }]), left);
    }
}

#[test]
fn operations_of_one_request_see_what_those_before_them_did() {
    let add = |who: &str| {
        let value = json!([{ "value": who, "display": "New" }]);
        json!({ "op": "add", "path": "members", "value": value })
    };
    let remove = |filter: &str| json!({ "op": "remove", "path": format!("members[{filter}]") });
    let clear = || json!({ "op": "remove", "path": "members" });
    check(&["ada"], json!([clear(), add("{ada}")]), &["New"]);
    check(&["ada"], json!([add("{bob}"), remove(r#"value eq "{bob}""#)]), &["ada"]);
    check(&["ada"], json!([remove(r#"value eq "{ada}""#), add("{ada}")]), &["New"]);
    check(&["ada"], json!([add("{bob}"), remove(r#"display eq "new""#)]), &["ada"]);
    check(&["ada"], json!([add("{bob}"), remove(r#"type eq "User""#)]), &[]);
    check(&["ada", "bob"], json!([clear(), remove(r#"display eq "ada""#)]), &[]);
    let bob_goes = [remove(r#"value eq "{ada}""#), add("{cyd}"), remove(r#"display eq "bob""#)];
    check(&["ada", "bob"], json!(bob_goes), &["New"]);
}

#[test]
fn operations_that_cannot_be_applied_are_refused_with_all_others() {
    let unknown = |place| (400, "invalidValue", place);
    check_refused(
        json!([
            { "op": "remove", "path": "members" },
            { "op": "add", "path": "members", "value": ["{cyd}", "no one"] },
        ]),
        unknown("`members`: value 2 is no user or group here"),
    );
    check_refused(
        json!([{ "op": "replace", "path": "members", "value": [{ "value": "no one" }] }]),
        unknown("`members`: value 1 is no user or group here"),
    );
    check_refused(
        json!([{ "op": "add", "path": "members", "value": [{ "display": "ada" }] }]),
        unknown("operation 1: `members` needs a `value` in each member"),
    );
    check_refused(
        json!([{ "op": "replace", "path": r#"members[value eq "{ada}"].display"#, "value": "A" }]),
        (
            400,
            "mutability",
            "operation 1: `members.display` can be added and removed, but not changed",
        ),
    );
    check_refused(
        json!([{ "op": "remove", "path": r#"members[colour eq "red"]"# }]),
        (400, "invalidFilter", "operation 1: unknown attribute `colour` at position 8"),
    );
    check_refused(
        json!([{ "op": "remove" }]),
        (400, "noTarget", "operation 1: `remove` needs a `path`"),
    );
}

#[test]
fn a_post_and_a_put_name_all_members_at_once() {
    let (mut acme, ids, path) = given(&["ada", "bob"]);
    let names = |group: &Value| texts(&group["members"], "display");
    let put = |members: Value| json!({ "displayName": "crew", "members": members });
    let listed = json!([{ "value": ids[2] }, { "value": ids[1] }, { "value": ids[1] }]);
    assert_eq!(names(&acme.put(&path, &put(listed.clone()))), ["bob", "cyd"]);
    let before = acme.dump();
    assert_eq!(names(&acme.put(&path, &put(listed))), ["bob", "cyd"]);
    assert_eq!(acme.dump(), before);
    let error = (400, "invalidValue", "`members`: value 1 is no user or group here");
    acme.refused("PUT", &path, &put(json!([{ "value": "no one" }])), error);
    acme.refused("POST", "/Groups", &put(json!([{ "value": "no one" }])), error);
    let needs = (400, "invalidValue", "`members` needs a `value` in each member");
    acme.refused("POST", "/Groups", &put(json!([{}])), needs);
    assert_eq!(acme.put(&path, &json!({ "displayName": "crew" })).get("members"), None);
}

#[test]
fn a_member_is_shown_with_its_reference_its_type_and_a_name() {
    let (mut acme, ids, _) = given(&[]);
    let team = acme.group("team", &[]);
    acme.put(&format!("/Users/{}", ids[1]), &json!({ "userName": "bob", "displayName": "Bob B." }));
    let members = json!([
        { "value": ids[0], "display": "Countess" },
        { "value": ids[1] },
        { "value": ids[2] },
        { "value": ids[3], "displayName": "Dan as sent", "type": "Group", "$ref": "elsewhere" },
        { "value": team },
    ]);
    let group = acme.post("/Groups", &json!({ "displayName": "crew", "members": members }));
    let shown = |kind: &str, id: &String, display: &str| {
        let location = format!("{ORIGIN}/t/acme/scim/v2/{kind}s/{id}");
        let origin = ["admin"];
        json!({ "value": id, "$ref": location, "type": kind, "display": display, "origin": origin })
    };
    let expected = json!([
        shown("User", &ids[0], "Countess"),
        shown("User", &ids[1], "Bob B."),
        shown("User", &ids[2], "cyd"),
        shown("User", &ids[3], "Dan as sent"),
        shown("Group", &team, "team"),
    ]);
    assert_eq!(group["members"], expected);
    acme.put(&format!("/Users/{}", ids[2]), &json!({ "userName": "Cyd" }));
    let again = acme.get(&format!("/Groups/{}", group["id"].as_str().expect("an id")));
    assert_eq!(again["members"][2]["display"], "Cyd");
}

#[test]
fn a_lenient_connection_names_members_that_no_resource_is() {
    for preset in ["entra", "onelogin"] {
        let (mut acme, ids, _) = given(&[]);
        let key = acme.connect(preset);
        let ask = |acme: &mut Acme, method: &str, path: &str, body: &Value| {
            acme.scim_with(method, path, body, &key, &[])
        };
        let events = acme.events().len();
        let zed = json!({ "value": "CN=Zed", "display": "Zed" });
        let sent = json!([zed, { "value": ids[0] }, { "value": "a,b" }]);
        let body = json!({ "displayName": preset, "members": sent });
        let reply = ask(&mut acme, "POST", "/Groups", &body);
        assert_eq!(reply.status, 201, "{}", reply.json());
        let path = format!("/Groups/{}", reply.json()["id"].as_str().expect("an id"));
        let shown = json!([zed, { "value": "a,b" }]);
        let members = reply.json()["members"].clone();
        assert_eq!(members.as_array().expect("members")[1..], shown.as_array().expect("two")[..]);
        assert_eq!(members[0]["value"], ids[0]);

        let before = acme.dump();
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": "a,b" }] }]);
        let reply = ask(&mut acme, "PATCH", &path, &patch_op(&add));
        assert_eq!(reply.status, if preset == "entra" { 204 } else { 200 });
        assert_eq!(acme.dump(), before);

        for remove in [
            json!({ "op": "remove", "path": r#"members[value eq "CN=Zed"]"# }),
            json!({ "op": "remove", "path": "members", "value": [{ "value": "a,b" }] }),
        ] {
            ask(&mut acme, "PATCH", &path, &patch_op(&json!([remove])));
        }
        assert_eq!(texts(&acme.get(&path)["members"], "value"), [ids[0].clone()]);
        assert_eq!(acme.rows("dangling"), 0);
        let kept = acme.event_types(events);
        assert_eq!(
            kept,
            ["group.created", "group.member.added", "group.member.removed", "group.member.removed"]
        );

        ask(&mut acme, "PATCH", &path, &patch_op(&add));
        ask(&mut acme, "PATCH", &path, &patch_op(&json!([{ "op": "remove", "path": "members" }])));
        assert_eq!(acme.get(&path).get("members"), None);
    }
}

#[test]
fn a_generic_connection_names_only_members_that_are_there() {
    let (mut acme, _, path) = given(&[]);
    let key = acme.connect("generic");
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": "CN=Zed" }] }]);
    let reply = acme.scim_with("PATCH", &path, &patch_op(&add), &key, &[]);
    let error = (400, "invalidValue", "`members`: value 1 is no user or group here");
    check_error(&reply, error, "an unknown member");
}

#[test]
fn more_members_than_a_request_may_name_are_too_many() {
    let mut acme = Acme::new();
    let group = acme.group("crew", &[]);
    let named = |count: usize| -> Value {
        (0..count).map(|number| json!({ "value": format!("no one {number}") })).collect()
    };
    let most = limits::MEMBERS_PER_REQUEST;
    let add = |count| json!({ "op": "add", "path": "members", "value": named(count) });
    let body = |operations: Value| json!({ "schemas": [PATCH_OP], "Operations": operations });
    let detail = format!("operation 1: `members` has more than {most} values");
    let path = format!("/Groups/{group}");
    acme.refused("PATCH", &path, &body(json!([add(most + 1)])), (400, "tooMany", &detail));
    let detail = format!("operation 2: `members` has more than {most} values");
    acme.refused("PATCH", &path, &body(json!([add(most), add(1)])), (400, "tooMany", &detail));
    let put = json!({ "displayName": "crew", "members": named(most + 1) });
    let detail = format!("`members` has more than {most} values");
    for (method, path) in [("PUT", path.as_str()), ("POST", "/Groups")] {
        acme.refused(method, path, &put, (400, "tooMany", &detail));
    }
    let unknown = (400, "invalidValue", "`members`: value 1 is no user or group here");
    acme.refused("PATCH", &path, &body(json!([add(most)])), unknown);
}

#[test]
fn a_name_of_any_characters_is_shown_as_it_was_sent() {
    let mut acme = Acme::new();
    let key = acme.connect("entra");
    for name in [
        "\u{0}",
        "a\u{0}b",
        "\u{1}\u{8}\n\r\t\u{1f}\u{7f}",
        "\"quoted\" \\ and / 'so' on",
        "{\"value\":\"x\"}",
        "[1,2]",
        "null",
        "7",
        "é ß \u{2028} \u{fffd} \u{fffe} 𝔘 👩‍👩‍👧",
        "%00 + %22",
    ] {
        let user = json!({ "userName": name, "displayName": name, "title": name });
        let user = acme.post("/Users", &user);
        let id = user["id"].as_str().expect("an id").to_owned();
        let path = format!("/Users/{id}");
        assert_eq!((&user["userName"], &user["title"]), (&json!(name), &json!(name)));
        assert_eq!(acme.get(&path), user);
        let text = format!("{name}+");
        let team = json!([{ "value": id, "display": name }, { "value": text, "display": name }]);
        let group = json!({ "displayName": name, "members": team });
        let group = acme.scim_with("POST", "/Groups", &group, &key, &[]).json();
        let other = acme.group("crew", &[&id]);
        assert_eq!(texts(&group["members"], "display"), [name, name]);
        assert_eq!(texts(&group["members"], "value"), [id.as_str(), &text]);
        let shown = acme.get(&format!("/Groups/{other}"));
        assert_eq!(shown["members"][0]["display"], name);
        let groups = acme.get(&path)["groups"].clone();
        assert_eq!(texts(&groups, "display"), [name, "crew"]);
        for (path, attribute, value) in [
            ("/Users", "userName", name),
            ("/Users", "groups.display", name),
            ("/Groups", "displayName", name),
            ("/Groups", "members.value", &text),
        ] {
            for op in ["eq", "sw"] {
                let filter = format!("{attribute} {op} {}", json!(value));
                assert!(!acme.found(path, &filter).is_empty(), "{path} {filter}");
            }
        }
        let nearly = json!([{ "value": format!("{id}\u{0}x") }]);
        let add = json!([{ "op": "add", "path": "members", "value": nearly }]);
        let unknown = (400, "invalidValue", "`members`: value 1 is no user or group here");
        acme.refused("PATCH", &format!("/Groups/{other}"), &patch_op(&add), unknown);
        acme.delete(&path);
    }
}
