//! Deletions: seen at once, and finished by the object's alarm.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::tenant::Tenant;

/// How often it is looked whether an alarm has done its work, and after how many milliseconds.
const LOOKS: u32 = 200;
const LOOK_MILLISECONDS: u64 = 50;

/// Waits until the alarm has done its work.
fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..LOOKS {
        if done() {
            return;
        }
        thread::sleep(Duration::from_millis(LOOK_MILLISECONDS));
    }
    panic!("not within {} ms: {what}", u64::from(LOOKS) * LOOK_MILLISECONDS);
}

#[test]
fn a_deleted_user_leaves_its_groups_at_once_and_their_versions_follow() {
    let acme = Tenant::new("leave");
    let (ada, bob) = (acme.user("ada"), acme.user("bob"));
    let groups = ["Builders", "Readers"].map(|name| acme.group(name, &[&ada, &bob]));
    let read = |group: &str| acme.scim("GET", &format!("/Groups/{group}")).is(200);
    let before = groups.each_ref().map(|group| read(group).header("etag").to_owned());

    let deleted = acme.scim("DELETE", &format!("/Users/{ada}")).is(204);
    assert!(deleted.header("server-timing").contains("alarms;desc=\"1\""));
    acme.scim("GET", &format!("/Users/{ada}")).is(404);
    for group in &groups {
        let body = read(group).json();
        let members = body["members"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert_eq!(members.iter().map(|member| &member["value"]).collect::<Vec<_>>(), [&bob]);
    }
    for (group, version) in groups.iter().zip(&before) {
        until("the group has a new version", || read(group).header("etag") != version);
    }
    let ada = acme.user("ada");
    let body = acme.scim("GET", &format!("/Users/{ada}")).is(200).json();
    assert_eq!(body["groups"], Value::Null, "who comes back by name is in no group");
}

#[test]
fn a_deleted_group_is_gone_for_every_reader_at_once() {
    let acme = Tenant::new("disband");
    let users = ["ada", "bob", "eve"].map(|name| acme.user(name));
    let group = acme.group("Builders", &users.each_ref().map(String::as_str));
    acme.scim("DELETE", &format!("/Groups/{group}")).is(204);
    acme.scim("GET", &format!("/Groups/{group}")).is(404);
    for user in &users {
        let body = acme.scim("GET", &format!("/Users/{user}")).is(200).json();
        assert_eq!(body["groups"], Value::Null);
    }
    let listed = acme.scim("GET", "/Users").is(200);
    assert!(!listed.text().contains(&group));
    // With the membership rows gone, a user costs what one costs that never was in a group.
    let cost = |user: &str| acme.scim("GET", &format!("/Users/{user}")).is(200).cost();
    let fresh = acme.user("fresh");
    until("the rows are swept", || cost(&users[0]) == cost(&fresh));
}
