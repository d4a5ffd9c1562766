//! Groups that are members of groups: what a user's `groups` says (RFC 7643 §4.1.2).

use serde_json::{Value, json};

use crate::steps::patch_op;
use crate::support::{Acme, ORIGIN};

/// A user's groups: the names, and whether each is direct or indirect.
#[track_caller]
fn groups(acme: &mut Acme, user: &str) -> Vec<(String, String)> {
    let shown = acme.get(&format!("/Users/{user}"));
    let listed = acme.get("/Users")["Resources"].as_array().expect("users").clone();
    assert!(listed.contains(&shown), "a list shows what a read does");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let groups = shown["groups"].as_array().cloned().unwrap_or_default();
    groups.iter().map(|group| (text(&group["display"]), text(&group["type"]))).collect()
}

#[track_caller]
fn check(acme: &mut Acme, user: &str, expected: &[(&str, &str)]) {
    let expected = expected.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()));
    assert_eq!(groups(acme, user), expected.collect::<Vec<_>>());
}

fn add(acme: &mut Acme, group: &str, member: &str) {
    let operations = json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }]);
    acme.patch(&format!("/Groups/{group}"), &operations);
}

/// A user in the first of some groups, each of which is in the next.
fn chain<const N: usize>(names: [&str; N]) -> (Acme, String, [String; N]) {
    let mut acme = Acme::new();
    let user = acme.user("ada");
    let mut member = user.clone();
    let groups = names.map(|name| {
        member = acme.group(name, &[&member]);
        member.clone()
    });
    (acme, user, groups)
}

#[test]
fn groups_are_direct_or_indirect() {
    let (mut acme, ada, [crew, ..]) = chain(["crew", "team", "firm"]);
    check(&mut acme, &ada, &[("crew", "direct"), ("team", "indirect"), ("firm", "indirect")]);
    let shown = acme.get(&format!("/Users/{ada}"));
    let reference = format!("{ORIGIN}/t/acme/scim/v2/Groups/{crew}");
    let expected = json!({ "value": crew, "$ref": reference, "display": "crew", "type": "direct" });
    assert_eq!(shown["groups"][0], expected);
    acme.sleep();
    check(&mut acme, &ada, &[("crew", "direct"), ("team", "indirect"), ("firm", "indirect")]);
}

#[test]
fn a_group_that_is_both_direct_and_indirect_is_direct_and_shown_once() {
    let (mut acme, ada, [_, team, firm]) = chain(["crew", "team", "firm"]);
    add(&mut acme, &team, &ada);
    let other = acme.group("other", &[&ada]);
    add(&mut acme, &firm, &other);
    let expected =
        [("crew", "direct"), ("team", "direct"), ("firm", "indirect"), ("other", "direct")];
    check(&mut acme, &ada, &expected);
}

#[test]
fn cycles_come_to_an_end() {
    let (mut acme, ada, [crew, team, firm]) = chain(["crew", "team", "firm"]);
    add(&mut acme, &crew, &firm);
    add(&mut acme, &crew, &team);
    check(&mut acme, &ada, &[("crew", "direct"), ("team", "indirect"), ("firm", "indirect")]);
    assert_eq!(acme.found("/Users", r#"groups.display eq "firm""#), [ada]);
    assert_eq!(acme.get(&format!("/Groups/{crew}"))["members"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_group_is_no_member_of_itself() {
    let (mut acme, _, [crew]) = chain(["crew"]);
    let path = format!("/Groups/{crew}");
    let error = (400, "invalidValue", "a group cannot be a member of itself");
    let members = json!([{ "value": crew }]);
    let operations = json!([{ "op": "add", "path": "members", "value": members }]);
    acme.refused("PATCH", &path, &patch_op(&operations), error);
    acme.refused("PUT", &path, &json!({ "displayName": "crew", "members": members }), error);
}

#[test]
fn a_deleted_group_is_gone_from_its_users_at_once() {
    let (mut acme, ada, [crew, team, firm]) = chain(["crew", "team", "firm"]);
    let aside = acme.group("aside", &[&ada]);
    acme.delete(&format!("/Groups/{aside}"));
    check(&mut acme, &ada, &[("crew", "direct"), ("team", "indirect"), ("firm", "indirect")]);
    // Through a group that is gone, nothing is reached.
    acme.delete(&format!("/Groups/{team}"));
    check(&mut acme, &ada, &[("crew", "direct")]);
    assert_eq!(acme.get(&format!("/Groups/{firm}")).get("members"), None);
    assert_eq!(acme.found("/Users", r#"groups.display eq "firm""#), Vec::<String>::new());
    assert_eq!(
        acme.found("/Groups", &format!("members.value eq \"{team}\"")),
        Vec::<String>::new()
    );
    acme.alarms();
    check(&mut acme, &ada, &[("crew", "direct")]);
    acme.delete(&format!("/Groups/{crew}"));
    check(&mut acme, &ada, &[]);
    assert_eq!(acme.get(&format!("/Users/{ada}")).get("groups"), None);
}

#[test]
fn a_renamed_group_is_renamed_at_its_users() {
    let (mut acme, ada, [_, team]) = chain(["crew", "team"]);
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "Team A" }]);
    acme.patch(&format!("/Groups/{team}"), &rename);
    check(&mut acme, &ada, &[("crew", "direct"), ("Team A", "indirect")]);
    acme.refused(
        "PATCH",
        &format!("/Users/{ada}"),
        &patch_op(&json!([{ "op": "remove", "path": "groups" }])),
        (400, "mutability", "operation 1: `groups` is readOnly"),
    );
}
