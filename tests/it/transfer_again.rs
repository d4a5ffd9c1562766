//! An export that is sent again, or is made again later: what was decided since in the tenant that it came
//! to stays decided, and who waited for a place of a quota has waited as long as before.

use muster::limits;
use serde_json::{Value, json};

use crate::access::mapping;
use crate::support::Acme;
use crate::transfer_changes::undecided;

/// A tenant in which a role that one may hold is wanted by all; its users.
fn scarce(names: &[&str]) -> (Acme, Vec<String>) {
    let mut acme = Acme::new();
    acme.policy(&json!({ "roles": [{ "value": "modeler", "max": 1 }],
        "mappings": [mapping("m", "userName pr", &["modeler"])] }));
    let users = names.iter().map(|name| acme.user(name)).collect();
    (acme, users)
}

impl Acme {
    /// Takes an export, and has computed what follows from it.
    #[track_caller]
    fn takes_whole(&mut self, pages: &[String]) -> u64 {
        let taken = pages.iter().map(|page| self.takes(page)[0]).sum();
        self.get("/Users?count=0");
        self.alarms();
        taken
    }

    fn does(&mut self, user: &str, action: &str) {
        let path = format!("/users/{user}/{action}");
        assert_eq!(self.admin("POST", &path, &Value::Null).status, 200);
    }

    /// Of each user whether the one role is held.
    fn holders(&mut self, users: &[String]) -> Vec<bool> {
        users.iter().map(|user| !self.held(user).is_empty()).collect()
    }
}

#[test]
fn places_that_are_sent_again_are_not_more_than_there_are() {
    let (mut acme, users) = scarce(&["ada", "bob"]);
    let pages = acme.export(1_000);
    let mut other = Acme::named("other");
    other.takes_whole(&pages);
    assert_eq!(other.holders(&users), [true, false]);
    other.does(&users[0], "suspend");
    other.does(&users[0], "restore");
    assert_eq!(other.holders(&users), [false, true]);
    assert_eq!(other.takes_whole(&pages), 0);
    assert_eq!(other.holders(&users), [false, true]);
    other.check_recomputed();
    let place = |user: &str| {
        json!({ "kind": "place", "user": user, "role": "modeler",
            "scope": "company", "source": "unmapped" })
    };
    assert_eq!(other.takes(&place(&users[0]).to_string()), [0, 0, 1], "there is none");
    assert_eq!(other.takes(&place(&users[1]).to_string()), [1, 0, 0], "it is his already");
}

#[test]
fn who_holds_more_places_than_there_are_keeps_them_when_the_tenant_moves() {
    let (mut acme, users) = scarce(&["ada", "bob", "eve"]);
    acme.policy(&json!({ "roles": [{ "value": "modeler", "max": 2 }] }));
    acme.policy(&json!({ "roles": [{ "value": "modeler", "max": 1 }] }));
    let mut other = Acme::named("other");
    other.takes_whole(&acme.export(2));
    assert_eq!(other.holders(&users), [true, true, false]);
}

#[test]
fn what_was_decided_since_is_not_brought_back() {
    let (mut acme, users) = undecided();
    acme.admin("POST", &format!("/users/{}/grants", users[3]), &json!({ "role": "clerk" }));
    acme.does(&users[3], "suspend");
    let pages = acme.export(1_000);
    let mut other = Acme::named("other");
    other.takes_whole(&pages);
    for change in other.changes("?status=pending") {
        let is_final = change["action"] == "delete" || change["cause"] == "guard";
        let action = if is_final { "reject" } else { "approve" };
        assert_eq!(other.decide(change["id"].as_str().unwrap(), action).status, 200, "{change}");
    }
    let link = json!({ "connection": "okta" });
    assert_eq!(other.admin("POST", &format!("/users/{}/link", users[2]), &link).status, 200);
    let clerk = format!("/users/{}/grants?role=clerk", users[3]);
    assert_eq!(other.admin("DELETE", &clerk, &Value::Null).status, 204);
    other.does(&users[3], "restore");
    other.alarms();
    let there = other.dump();
    assert_eq!(other.takes_whole(&pages), 0);
    // Computing everything anew, which the last line asks for, finds nothing different.
    assert!(other.dump() == there, "what was decided stays decided");
    other.check_recomputed();
}

#[test]
fn what_is_held_anew_comes_with_another_walk() {
    let (mut acme, users) = undecided();
    let mut other = Acme::named("other");
    other.takes_whole(&acme.export(1_000));
    for tenant in [&mut acme, &mut other] {
        let change = tenant.changes(&format!("?status=pending&user={}", users[0])).remove(0);
        assert_eq!(tenant.decide(change["id"].as_str().unwrap(), "reject").status, 200);
    }
    let link = json!({ "connection": "okta" });
    acme.admin("POST", &format!("/users/{}/link", users[0]), &link);
    let key = acme.mint_with(&json!({ "name": "k", "scopes": ["scim"], "connection": "okta" }));
    acme.wait(1);
    acme.delete_by(&key, &users[0]);
    other.takes_whole(&acme.export(1_000));
    let held = other.changes(&format!("?status=pending&user={}", users[0]));
    assert_eq!((held.len(), &held[0]["action"]), (1, &json!("delete")));
    let key = other.mint_with(&json!({ "name": "k", "scopes": ["scim"], "connection": "okta" }));
    let path = format!("/Users/{}", users[0]);
    assert_eq!(other.scim_with("GET", &path, &Value::Null, &key, &[]).status, 404);
    assert_eq!(other.scim("GET", &path, &Value::Null).status, 200);
}

#[test]
fn who_is_deleted_leaves_nothing_of_what_was_taken() {
    let (mut acme, users) = scarce(&["ada", "bob"]);
    acme.does(&users[1], "suspend");
    let pages = acme.export(1_000);
    let mut other = Acme::named("other");
    other.takes_whole(&pages);
    for user in &users {
        other.delete(&format!("/Users/{user}"));
    }
    other.alarms();
    assert_eq!(other.rows("moved"), 1, "that it came to its end");
}

#[test]
fn who_has_waited_longest_has_so_where_the_tenant_has_moved() {
    for limit in [1, 1_000] {
        let (mut acme, mut users) = scarce(&["ada", "bob", "eve"]);
        acme.does(&users[1], "suspend");
        acme.does(&users[1], "restore");
        let mut other = Acme::named("other");
        other.takes_whole(&acme.export(limit));
        users.push(other.user("zed"));
        let mut third = Acme::named("third");
        other.check_recomputed();
        third.takes_whole(&other.export(limit));
        for tenant in [&mut other, &mut third] {
            let mut queue = Vec::new();
            for _ in &users {
                let holds = tenant.holders(&users);
                let holder = holds.iter().position(|holds| *holds).unwrap();
                queue.push(holder);
                tenant.does(&users[holder], "suspend");
            }
            assert_eq!(queue, [0, 2, 1, 3], "{limit}");
        }
    }
}

#[test]
fn an_export_of_an_earlier_version_tells_nothing_of_those_who_wait() {
    let (mut acme, users) = scarce(&["ada", "bob", "eve"]);
    let lines = acme.export(1_000).concat();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let earlier = lines.iter().filter(|line| line["kind"] != "wait").cloned().map(|mut line| {
        if line["kind"] == "place" {
            assert!(line.as_object_mut().unwrap().shift_remove("since").is_some());
        }
        line.to_string() + "\n"
    });
    let mut other = Acme::named("other");
    other.takes_whole(&[earlier.collect::<String>()]);
    assert_eq!(other.holders(&users), [true, false, false]);
    let wait = lines.iter().find(|line| line["kind"] == "wait").unwrap();
    assert_eq!(other.takes(&wait.to_string()), [0, 1, 0], "he waits already");
    for since in [limits::IMPORT_EVENTS + 1, -limits::WHOLE_NUMBER] {
        let mut faulty = wait.clone();
        faulty["since"] = since.into();
        other.refuses_import(&faulty.to_string(), (422, "faulty"));
    }
    for (field, value) in [("user", "nobody"), ("role", "reader")] {
        let mut stray = wait.clone();
        stray[field] = value.into();
        assert_eq!(other.takes(&stray.to_string()), [0, 0, 1], "{field}");
    }
}
