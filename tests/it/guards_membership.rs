//! What has gone wrong elsewhere with members of groups, each as a test of the behaviour that
//! guards against it.

use muster::scim::compat::{PRESETS, Preset};
use muster::scim::urn;
use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::steps::{check_error, patch_op, texts};
use crate::support::Acme;

/// A tenant with three users, and a group of the first two; the users' ids, the group's path.
fn given() -> (Acme, [String; 3], String) {
    let mut acme = Acme::new();
    let users = ["ada", "bob", "cyd"].map(|name| acme.user(name));
    let path = format!("/Groups/{}", acme.group("crew", &[&users[0], &users[1]]));
    (acme, users, path)
}

fn value(ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({ "value": id })).collect()
}

fn members(op: &str, ids: &[&str]) -> Value {
    json!({ "op": op, "path": "members", "value": value(ids) })
}

/// The members that a group shows, and its version.
fn shown(acme: &mut Acme, path: &str) -> (Vec<String>, Value) {
    let group = acme.get(path);
    (texts(&group["members"], "value"), group["meta"]["version"].clone())
}

#[track_caller]
fn check(acme: &mut Acme, path: &str, expected: &[&str], version: i64) {
    let expected = expected.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(shown(acme, path), (expected, json!(format!("W/\"{version}\""))));
}

/// What the log tells of members behind a number of events.
fn told(acme: &mut Acme, behind: usize) -> Vec<(String, Value)> {
    let told = acme.events().split_off(behind);
    let text = |event: &Value| event["type"].as_str().expect("a type").to_owned();
    told.iter().map(|event| (text(event), event["data"]["members"].clone())).collect()
}

fn if_match(acme: &mut Acme, method: &str, path: &str, body: &Value, version: &str) -> Reply {
    let key = acme.key.clone();
    acme.scim_with(method, path, body, &key, &[("If-Match", version)])
}

/// Servers that follow the RFC to the letter refuse a removal whose value lists members, or take
/// it for one of all members (directory-scimple #436, scim-patch #959).
#[test]
fn a_remove_with_a_value_list_removes_only_these_members_under_every_preset() {
    for Preset { id: preset, compat, .. } in PRESETS {
        let (mut acme, [ada, bob, cyd], _) = given();
        let key = acme.connect(preset);
        let body = json!({ "schemas": [urn::GROUP], "displayName": "own", "members": value(&[&ada, &bob]) });
        let group = acme.with_key(&key, |acme| acme.post("/Groups", &body));
        let path = format!("/Groups/{}", group["id"].as_str().expect("an id"));
        if !compat.listed_removals {
            let body = patch_op(&json!([members("remove", &[&bob])]));
            let reply = acme.scim_with("PATCH", &path, &body, &key, &[]);
            assert_eq!((preset, reply.status), ("strict", 400));
            check(&mut acme, &path, &[&ada, &bob], 1);
            continue;
        }
        for (operation, version) in [
            (members("remove", &[&bob, &cyd]), 2),
            (members("remove", &[&bob]), 2),
            (members("remove", &[]), 2),
        ] {
            let body = patch_op(&json!([operation]));
            let reply = acme.scim_with("PATCH", &path, &body, &key, &[]);
            assert!([200, 204].contains(&reply.status), "{preset}: {}", reply.json());
            check(&mut acme, &path, &[&ada], version);
        }
    }
}

/// A library removes every value of an attribute where a value list is given to it.
#[test]
fn a_remove_with_a_value_list_removes_only_these_values_of_a_user() {
    let mut acme = Acme::new();
    let email = |name: &str, kind: &str| json!({ "value": format!("{name}@x"), "type": kind });
    let emails = json!([email("a", "work"), email("b", "home"), email("c", "other")]);
    let id = acme.made("/Users", &json!({ "userName": "ada", "emails": emails }));
    let path = format!("/Users/{id}");
    let remove = json!([{ "op": "Remove", "path": "emails", "value": [email("b", "home")] }]);
    let patched = acme.patch(&path, &remove).json();
    assert_eq!(patched["emails"], json!([email("a", "work"), email("c", "other")]));
    acme.changes_nothing("PATCH", &path, &patch_op(&remove));
}

/// A group that was renamed lost its members, since what a change left out was written as nothing.
#[test]
fn a_change_of_another_attribute_keeps_the_members() {
    let (mut acme, [ada, bob, _], path) = given();
    let id = path.trim_start_matches("/Groups/").to_owned();
    let events = acme.events().len();
    for (number, operation) in (1..).zip([
        json!({ "op": "Replace", "path": "displayName", "value": "n1" }),
        json!({ "op": "replace", "value": { "id": id, "displayName": "n2" } }),
        json!({ "op": "replace", "value": { "displayName": "n3", "members": null } }),
        json!({ "op": "add", "path": "externalId", "value": "n4" }),
        json!({ "op": "remove", "path": "externalId" }),
    ]) {
        acme.patch(&path, &json!([operation]));
        check(&mut acme, &path, &[&ada, &bob], number + 1);
    }
    assert_eq!(acme.event_types(events), ["group.updated"; 5]);
}

/// Some set-ups replace the members by a part of them, and nobody could say who had been there.
#[test]
fn a_replacement_is_what_it_says_and_the_log_tells_whom_it_removed() {
    let (mut acme, [ada, bob, cyd], path) = given();
    let events = acme.events().len();
    acme.patch(&path, &json!([members("replace", &[&cyd, &bob])]));
    check(&mut acme, &path, &[&bob, &cyd], 2);
    let expected = [
        ("group.member.added".to_owned(), json!([cyd])),
        ("group.member.removed".to_owned(), json!([ada])),
    ];
    assert_eq!(told(&mut acme, events), expected);
}

/// A member that nobody knows was answered 200 and left out, or the group was emptied on the way.
#[test]
fn an_unknown_member_is_refused_and_nobody_is_lost() {
    for preset in ["generic", "strict"] {
        let (mut acme, [ada, bob, _], path) = given();
        let admin = acme.key.clone();
        acme.key = acme.connect(preset);
        let nobody = "01a0c450-6c00-7000-8000-00000000ffff";
        for op in ["add", "replace"] {
            let body = patch_op(&json!([members(op, &[&ada, nobody])]));
            let detail = "`members`: value 2 is no user or group here";
            acme.refused("PATCH", &path, &body, (400, "invalidValue", detail));
        }
        let put = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "crew",
            "members": value(&[nobody]),
        });
        let detail = "`members`: value 1 is no user or group here";
        acme.refused("PUT", &path, &put, (400, "invalidValue", detail));
        acme.key = admin;
        check(&mut acme, &path, &[&ada, &bob], 1);
    }
}

/// What was read from a copy that lagged behind was written back, and newer members were gone
/// (fleetdm/fleet #50724).
#[test]
fn a_put_of_an_older_reading_removes_nobody_who_came_since() {
    let (mut acme, [ada, bob, cyd], path) = given();
    let (_, version) = shown(&mut acme, &path);
    let version = version.as_str().expect("a version").to_owned();
    acme.patch(&path, &json!([members("add", &[&cyd])]));
    let put = json!({ "displayName": "crew", "members": value(&[&ada]) });
    let before = acme.dump();
    let reply = if_match(&mut acme, "PUT", &path, &put, &version);
    assert_eq!(reply.status, 412);
    assert_eq!(acme.dump(), before);
    check(&mut acme, &path, &[&ada, &bob, &cyd], 2);
}

/// Two additions that began with the same list each wrote that list and one more, so that one of
/// them was lost (scimmy #79).
#[test]
fn additions_that_began_with_the_same_reading_are_all_there() {
    let (mut acme, [ada, bob, cyd], path) = given();
    let dan = acme.user("dan");
    let (_, version) = shown(&mut acme, &path);
    for (id, number) in [(&cyd, 2), (&dan, 3)] {
        acme.patch(&path, &json!([members("add", &[id])]));
        let (_, newer) = shown(&mut acme, &path);
        assert_eq!(newer, json!(format!("W/\"{number}\"")), "not {version}");
    }
    check(&mut acme, &path, &[&ada, &bob, &cyd, &dan], 3);
}

/// Updates of a user and of its groups crossed, and each took back what the other had done.
#[test]
fn an_update_of_a_user_and_one_of_its_group_do_not_undo_each_other() {
    let (mut acme, [ada, bob, cyd], path) = given();
    let user = format!("/Users/{cyd}");
    let read = acme.get(&user);
    acme.patch(&path, &json!([members("add", &[&cyd])]));
    let mut put = read.clone();
    put["title"] = json!("Poet");
    put["groups"] = json!([]);
    let etag = read["meta"]["version"].as_str().expect("a version").to_owned();
    let reply = if_match(&mut acme, "PUT", &user, &put, &etag);
    assert_eq!(reply.status, 200, "a membership is no change of the user");
    assert_eq!(
        (&reply.json()["title"], texts(&reply.json()["groups"], "display")),
        (&json!("Poet"), vec!["crew".to_owned()])
    );
    acme.patch(&path, &json!([members("remove", &[&ada])]));
    check(&mut acme, &path, &[&bob, &cyd], 3);
    assert_eq!(acme.get(&user)["title"], "Poet");
}

/// A request that was sent again, its answer having been lost, left two of everything.
#[test]
fn a_request_that_is_sent_again_makes_nothing_twice() {
    let (mut acme, [.., cyd], path) = given();
    let taken = (409, "uniqueness", "another resource has this `userName`");
    acme.refused("POST", "/Users", &json!({ "userName": "ada" }), taken);
    let add = patch_op(&json!([members("add", &[&cyd])]));
    acme.patch(&path, &add["Operations"]);
    acme.changes_nothing("PATCH", &path, &add);
    let (before, _) = shown(&mut acme, &path);
    let put = json!({ "displayName": "crew", "members": value(&[&before[0], &before[2]]) });
    acme.put(&path, &put);
    acme.changes_nothing("PUT", &path, &put);
    assert_eq!(acme.get("/Users")["totalResults"], 3);
}

/// Clients that changed one group at once had one of the changes, or an error of the database.
#[test]
fn crossing_changes_of_one_group_are_all_done() {
    let (mut acme, [ada, bob, cyd], path) = given();
    let stale = "W/\"1\"";
    let remove = patch_op(&json!([members("remove", &[&ada])]));
    let add = patch_op(&json!([members("add", &[&cyd])]));
    assert_eq!(if_match(&mut acme, "PATCH", &path, &remove, stale).status, 200);
    // Who asks for a version hears that it is another's; who does not is served.
    assert_eq!(if_match(&mut acme, "PATCH", &path, &add, stale).status, 412);
    check(&mut acme, &path, &[&bob], 2);
    assert_eq!(if_match(&mut acme, "PATCH", &path, &add, "W/\"2\"").status, 200);
    acme.changes_nothing("PATCH", &path, &remove);
    acme.patch(&path, &json!([members("add", &[&ada])]));
    check(&mut acme, &path, &[&ada, &bob, &cyd], 4);
}

/// A change of a group that failed half-way left its first half (fusionauth-issues #2869).
#[test]
fn a_change_of_a_group_is_done_whole_or_not_at_all() {
    let (mut acme, [ada, bob, cyd], path) = given();
    let rename = json!({ "op": "replace", "path": "displayName", "value": "team" });
    let (remove, add) = (members("remove", &[&ada]), members("add", &[&cyd]));
    let lost = json!({ "op": "replace", "path": "colour", "value": "red" });
    for bad in [members("add", &["nobody"]), json!({ "op": "remove" }), json!({ "op": "move" })] {
        let before = acme.dump();
        let body = patch_op(&json!([rename, remove, add, lost, bad]));
        let reply = acme.scim("PATCH", &path, &body);
        assert_eq!(reply.status, 400, "{bad}");
        assert_eq!(acme.dump(), before, "{bad}");
    }
    check(&mut acme, &path, &[&ada, &bob], 1);
    acme.patch(&path, &json!([rename, remove, add, lost]));
    check(&mut acme, &path, &[&bob, &cyd], 2);
}

/// Pushing an empty group replaces its members by none, which was an error (SCIM-SDK #757).
#[test]
fn pushing_an_empty_group_is_done_and_changes_nothing() {
    let mut acme = Acme::new();
    let path = format!("/Groups/{}", acme.group("crew", &[]));
    let id = path.trim_start_matches("/Groups/");
    let push = json!([
        { "op": "replace", "value": { "id": id, "displayName": "crew" } },
        { "op": "replace", "path": "members", "value": [] },
    ]);
    acme.changes_nothing("PATCH", &path, &patch_op(&push));
    acme.changes_nothing("PUT", &path, &json!({ "displayName": "crew", "members": [] }));
    check(&mut acme, &path, &[], 1);
}

/// A member without any value was an error of the server (SCIM-SDK #747).
#[test]
fn a_member_without_a_value_is_refused_and_no_error_of_the_server() {
    let (mut acme, _, path) = given();
    for member in [json!({}), json!({ "value": null }), json!({ "display": "Ada" })] {
        for op in ["add", "replace", "remove"] {
            let operations = json!([{ "op": op, "path": "members", "value": [member] }]);
            let detail = "operation 1: `members` needs a `value` in each member";
            acme.refused("PATCH", &path, &patch_op(&operations), (400, "invalidValue", detail));
        }
        let body = json!({ "displayName": "crew", "members": [member] });
        let error = (400, "invalidValue", "`members` needs a `value` in each member");
        acme.refused("PUT", &path, &body, error);
        acme.refused("POST", "/Groups", &body, error);
    }
}

/// A member listed twice broke a rule of the database, and the whole request (fleetdm/fleet #31085).
#[test]
fn a_member_that_is_listed_twice_is_there_once() {
    let (mut acme, [ada, bob, cyd], path) = given();
    let events = acme.events().len();
    acme.patch(&path, &json!([members("add", &[&cyd, &cyd, &ada]), members("add", &[&cyd])]));
    check(&mut acme, &path, &[&ada, &bob, &cyd], 2);
    assert_eq!(told(&mut acme, events), [("group.member.added".to_owned(), json!([cyd]))]);
    let put = json!({ "displayName": "crew", "members": value(&[&bob, &bob]) });
    acme.put(&path, &put);
    check(&mut acme, &path, &[&bob], 3);
    let group =
        acme.post("/Groups", &json!({ "displayName": "x", "members": value(&[&ada, &ada]) }));
    assert_eq!(texts(&group["members"], "value"), [ada]);
}

/// Groups arrive before their users do, and stayed without them.
#[test]
fn a_group_may_come_before_its_users_and_has_them_when_they_come() {
    let mut acme = Acme::new();
    let key = acme.connect("entra");
    let body = json!({ "displayName": "crew", "members": value(&["ada@x", "bob@x"]) });
    let reply = acme.scim_with("POST", "/Groups", &body, &key, &[]);
    let path = format!("/Groups/{}", reply.json()["id"].as_str().expect("an id"));
    check(&mut acme, &path, &["ada@x", "bob@x"], 1);
    let ada = acme.user("ada@x");
    check(&mut acme, &path, &[&ada, "bob@x"], 2);
    let bob = acme.user("bob@x");
    check(&mut acme, &path, &[&ada, &bob], 3);
    // A connection that names only who is there hears so.
    let generic = acme.key.clone();
    let reply = acme.scim_with("POST", "/Groups", &body, &generic, &[]);
    let error = (400, "invalidValue", "`members`: value 1 is no user or group here");
    check_error(&reply, error, "a name of somebody is no id");
}
