//! Deleting is immediate for every reader; the rows that are left are swept by alarms, in steps.

use std::slice;

use muster::limits;
use serde_json::{Value, json};

use crate::steps::{patch_op, texts};
use crate::support::Acme;

/// Does one alarm's step; whether another is wanted.
fn step(acme: &mut Acme) -> bool {
    acme.alarm().expect("the alarm does its step");
    acme.sweeps()
}

fn version(acme: &mut Acme, path: &str) -> Value {
    acme.get(path)["meta"]["version"].clone()
}

#[test]
fn a_deleted_user_is_gone_from_its_groups_at_once() {
    let mut acme = Acme::new();
    let (ada, bob) = (acme.user("ada"), acme.user("bob"));
    let crew = format!("/Groups/{}", acme.group("crew", &[&ada, &bob]));
    let team = format!("/Groups/{}", acme.group("team", &[&ada]));
    let others = format!("/Groups/{}", acme.group("others", &[&bob]));
    let events = acme.events().len();
    acme.delete(&format!("/Users/{ada}"));
    let filter = format!("members.value eq \"{ada}\"");
    let check = |acme: &mut Acme, versions: [&str; 3]| {
        assert_eq!(texts(&acme.get(&crew)["members"], "value"), slice::from_ref(&bob));
        assert_eq!(acme.get(&team).get("members"), None);
        assert_eq!(acme.found("/Groups", &filter), Vec::<String>::new());
        assert_eq!(acme.found("/Groups", r#"members.display eq "ada""#), Vec::<String>::new());
        for (path, expected) in [&crew, &team, &others].into_iter().zip(versions) {
            assert_eq!(version(acme, path), json!(format!("W/\"{expected}\"")), "{path}");
        }
    };
    check(&mut acme, ["1", "1", "1"]);
    acme.wait(60);
    acme.alarms();
    check(&mut acme, ["2", "2", "1"]);
    let meta = acme.get(&crew)["meta"].clone();
    assert_ne!(meta["lastModified"], meta["created"]);
    assert_eq!((acme.rows("members"), acme.rows("sweeps")), (2, 0));
    assert_eq!(acme.event_types(events), ["user.deleted"]);
}

#[test]
fn a_deletion_that_leaves_no_rows_wants_no_alarm() {
    let mut acme = Acme::new();
    let (ada, crew) = (acme.user("ada"), acme.group("crew", &[]));
    acme.delete(&format!("/Users/{ada}"));
    acme.delete(&format!("/Groups/{crew}"));
    assert!(!acme.sweeps());
    assert!(!step(&mut acme), "an alarm with nothing to do does nothing");
}

#[test]
fn what_a_deleted_group_leaves_is_removed_in_steps() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::SWEEP_ROWS * 2 + 1);
    let members: Vec<&str> = users.iter().map(String::as_str).collect();
    let (all, outer) = (acme.group("all", &members), acme.group("outer", &[]));
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": all }] }]);
    acme.patch(&format!("/Groups/{outer}"), &add);
    acme.delete(&format!("/Groups/{all}"));
    assert_eq!(acme.get(&format!("/Users/{}", users[0])).get("groups"), None);
    let mut left = acme.rows("members");
    let mut steps = 1;
    while step(&mut acme) {
        let now = acme.rows("members");
        assert!(left - now <= limits::SWEEP_ROWS as i64, "a step is bounded");
        (left, steps) = (now, steps + 1);
        acme.sleep();
        assert_eq!(acme.get("/Groups")["totalResults"], 1);
        assert!(acme.sweeps(), "who wakes goes on");
    }
    assert_eq!((acme.rows("members"), acme.rows("sweeps"), steps), (0, 0, 3));
    assert_eq!(version(&mut acme, &format!("/Groups/{outer}")), "W/\"3\"");
}

#[test]
fn a_user_of_many_groups_leaves_them_in_steps() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let count = limits::SWEEP_GROUPS + 1;
    let groups: Vec<String> =
        (0..count).map(|number| acme.group(&format!("g{number}"), &[&ada])).collect();
    acme.delete(&format!("/Users/{ada}"));
    assert!(step(&mut acme));
    assert_eq!(acme.rows("members"), 1);
    assert!(!step(&mut acme));
    assert_eq!(acme.rows("members"), 0);
    for group in groups {
        assert_eq!(version(&mut acme, &format!("/Groups/{group}")), "W/\"2\"");
    }
}

#[test]
fn members_that_no_resource_is_go_with_their_group() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let key = acme.connect("entra");
    for members in [json!([{ "value": "x" }]), json!([{ "value": "x" }, { "value": ada }])] {
        let body = json!({ "displayName": "crew", "members": members });
        let group = acme.scim_with("POST", "/Groups", &body, &key, &[]).json();
        acme.delete(&format!("/Groups/{}", group["id"].as_str().expect("an id")));
        acme.alarms();
        assert_eq!((acme.rows("members"), acme.rows("dangling")), (0, 0), "{members}");
    }
}

#[test]
fn several_deletions_are_swept_one_after_the_other() {
    let mut acme = Acme::new();
    let users = acme.populate(5);
    let members: Vec<&str> = users.iter().map(String::as_str).collect();
    let groups = ["a", "b", "c"].map(|name| acme.group(name, &members));
    for path in [format!("/Users/{}", users[0]), format!("/Groups/{}", groups[1])] {
        acme.delete(&path);
    }
    acme.delete(&format!("/Users/{}", users[4]));
    acme.alarms();
    assert_eq!((acme.rows("members"), acme.rows("sweeps")), (6, 0));
    let left = acme.get(&format!("/Groups/{}", groups[0]));
    assert_eq!(texts(&left["members"], "value"), users[1..4]);
    assert_eq!(left["meta"]["version"], "W/\"3\"");
}

#[test]
fn a_group_may_change_while_a_member_is_being_swept() {
    let (ada, bob) = ("ada", "bob");
    for operations in [
        json!([{ "op": "remove", "path": "members" }]),
        json!([{ "op": "replace", "path": "members", "value": [] }]),
        json!([{ "op": "remove", "path": "members", "value": [{ "value": "{bob}" }] }]),
        json!([{ "op": "remove", "path": "members[value pr]" }]),
    ] {
        let mut acme = Acme::new();
        let [ada, bob] = [ada, bob].map(|name| acme.user(name));
        let path = format!("/Groups/{}", acme.group("crew", &[&ada, &bob]));
        acme.delete(&format!("/Users/{ada}"));
        let text = operations.to_string().replace("{bob}", &bob);
        let operations: Value = serde_json::from_str(&text).expect("still JSON");
        acme.patch(&path, &operations);
        let removed = acme.events().pop().expect("an event");
        assert_eq!(removed["data"]["members"], json!([bob]), "{operations}");
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]);
        let unknown = (400, "invalidValue", "`members`: value 1 is no user or group here");
        acme.refused("PATCH", &path, &patch_op(&add), unknown);
        acme.alarms();
        assert_eq!(acme.get(&path).get("members"), None, "{operations}");
        let rows = [acme.rows("members"), acme.rows("dangling"), acme.rows("sweeps")];
        assert_eq!(rows, [0, 0, 0], "{operations}");
    }
}
