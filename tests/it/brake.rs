//! The brake: a connection that ends the access of too many at once is held until somebody decides.

use muster::limits;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::access::mapping;
use crate::changes::reviewed;
use crate::steps::patch_op;
use crate::support::Acme;

/// Ten users of a connection, and a brake of three.
fn braked() -> (Acme, String, Vec<String>) {
    let (mut acme, key) = reviewed(&json!({}));
    acme.policy(&json!({ "massChangeBrake": { "percent": 20, "min": 2 } }));
    let users = (0..10).map(|n| acme.pushed(&key, &json!({ "userName": format!("u{n}") })));
    let users = users.collect();
    (acme, key, users)
}

fn left(acme: &mut Acme, users: &[String]) -> Vec<usize> {
    (0..users.len()).filter(|n| !acme.held_or_nothing(&users[*n]).is_empty()).collect()
}

impl Acme {
    /// What a user holds who may be there no more.
    fn held_or_nothing(&mut self, id: &str) -> Vec<Value> {
        self.access(id)["grants"].as_array().unwrap().clone()
    }

    fn warnings(&mut self, connection: &str) -> Vec<Value> {
        let path = format!("/connections/{connection}/health");
        let health = self.admin("GET", &path, &Value::Null).json();
        let warnings = health["warnings"].as_array().unwrap().iter();
        warnings.filter(|one| one["code"] == "brake").cloned().collect()
    }

    fn decide_brake(&mut self, action: &str) -> Value {
        let body = json!({ "connection": "okta", "reason": "a move of offices" });
        let reply = self.admin("POST", &format!("/changes/{action}"), &body);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()
    }
}

#[test]
fn what_goes_beyond_the_threshold_is_held_and_let_go() {
    let (mut acme, key, users) = braked();
    acme.user("by hand");
    assert_eq!(acme.rows("brakes"), 0);
    for user in &users[..6] {
        acme.delete_by(&key, user);
        acme.sleep();
    }
    // Two are not more than two; the third is the first of too many.
    assert_eq!(left(&mut acme, &users), [2, 3, 4, 5, 6, 7, 8, 9]);
    let changes = acme.changes("?status=pending&action=delete");
    assert_eq!(changes.len(), 4);
    assert_eq!(changes[0]["cause"], "brake");
    let told = json!({ "ended": 2, "managed": 10, "percent": 20, "min": 2 });
    assert_eq!(changes[0]["brake"], told);
    let events = acme.events();
    let pending: Vec<&Value> =
        events.iter().filter(|one| one["type"] == "change.pending").collect();
    assert_eq!((pending.len(), &pending[0]["data"]["brake"]), (4, &told));
    let warnings = acme.warnings("okta");
    assert_eq!(
        (&warnings[0]["ended"], &warnings[0]["managed"], &warnings[0]["firstSeen"]),
        (&json!(2), &json!(10), &changes[0]["createdAt"])
    );
    acme.check_recomputed();
    assert_eq!(acme.with_key(&key, |acme| acme.get("/Users"))["totalResults"], 5);
    let decided = acme.decide_brake("approve");
    assert_eq!(decided, json!({ "approved": 4, "refused": 0, "left": 0 }));
    assert_eq!(left(&mut acme, &users), [6, 7, 8, 9]);
    assert_eq!(acme.warnings("okta"), Vec::<Value>::new());
    assert_eq!(["changes", "hidden"].map(|table| acme.rows(table)), [0, 0]);
    // For a day it goes on, and then it is counted anew.
    for user in &users[6..8] {
        acme.delete_by(&key, user);
    }
    acme.wait(limits::BRAKE_MILLISECONDS / 1_000 + 1);
    acme.policy(&json!({ "massChangeBrake": { "percent": 20, "min": 0 } }));
    acme.delete_by(&key, &users[8]);
    assert_eq!(left(&mut acme, &users), [8, 9], "one of two is more than a fifth");
    acme.check_recomputed();
}

#[test]
fn deactivations_and_members_who_lose_all_are_counted_too() {
    let (mut acme, key, users) = braked();
    acme.policy(
        &json!({ "mappings": [mapping("g", "groups.display eq \"Builders\" and active ne false",
        &["builder"])] }),
    );
    let members: Vec<Value> = users.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "displayName": "Builders", "members": members });
    let group = acme.scim_with("POST", "/Groups", &body, &key, &[]).json();
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    acme.replace_by(&key, &users[0], "active", json!(false));
    assert_eq!(left(&mut acme, &users).len(), 9);
    assert_eq!(acme.scim_with("DELETE", &path, &Value::Null, &key, &[]).status, 204);
    assert_eq!(left(&mut acme, &users), [2, 3, 4, 5, 6, 7, 8, 9]);
    assert!(
        acme.changes("").iter().all(|one| one["action"] == "update" && one["cause"] == "brake")
    );
    acme.check_recomputed();
    acme.replace_by(&key, &users[9], "active", json!(false));
    assert_eq!(acme.changes("?action=deactivate").len(), 1, "held as well");
    let decided = acme.decide_brake("reject");
    assert_eq!(decided, json!({ "rejected": 8, "refused": 0, "left": 0 }));
    assert_eq!(left(&mut acme, &users), [2, 3, 4, 5, 6, 7, 8, 9], "it stays");
    acme.check_recomputed();
    assert_eq!(acme.warnings("okta"), Vec::<Value>::new());
}

#[test]
fn who_is_deactivated_and_then_deleted_counts_once() {
    let (mut acme, key, users) = braked();
    for user in &users[..2] {
        acme.replace_by(&key, user, "active", json!(false));
        acme.replace_by(&key, user, "active", json!(true));
        acme.replace_by(&key, user, "active", json!(false));
        acme.sleep();
        acme.delete_by(&key, user);
    }
    assert_eq!((acme.rows("changes"), acme.rows("brake_users")), (0, 2));
    acme.delete_by(&key, &users[2]);
    assert_eq!(acme.changes("")[0]["brake"]["ended"], 2, "the third is one too many");
    acme.decide_brake("approve");
    // The day after, it is counted anew; with the connection, it is forgotten.
    acme.wait(2 * limits::BRAKE_MILLISECONDS / 1_000 + 1);
    acme.replace_by(&key, &users[3], "active", json!(false));
    assert_eq!(acme.rows("brake_users"), 1);
    assert_eq!(acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null).status, 204);
    assert_eq!((acme.rows("brakes"), acme.rows("brake_users")), (0, 0));
}

#[test]
fn what_alarms_do_for_a_connection_is_braked_too() {
    let mut acme = Acme::new();
    let count = limits::ACCESS_USERS + 10;
    let users = acme.populate(count);
    acme.policy(&json!({
        "mappings": [mapping("g", "groups.display eq \"Builders\"", &["builder"])],
        "massChangeBrake": { "percent": 1, "min": 100 },
    }));
    let key = acme.connection_key("okta", "active");
    let members: Vec<Value> = users.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "displayName": "Builders", "members": members });
    let group = acme.scim_with("POST", "/Groups", &body, &key, &[]).json();
    acme.alarms();
    assert_eq!(acme.rows("grants"), count as i64);
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    assert_eq!(acme.scim_with("DELETE", &path, &Value::Null, &key, &[]).status, 204);
    acme.sleep();
    acme.get("/Users?count=0");
    acme.alarms();
    assert_eq!(
        (acme.rows("grants"), acme.rows("changes")),
        (count as i64 - 100, count as i64 - 100)
    );
    let found = acme.admin("POST", "/recompute?dryRun=true", &Value::Null).json();
    assert_eq!(found["differences"], json!([]));
    let left = decided_by_alarms(&mut acme, count - 100, "approve");
    assert_eq!((acme.rows("grants"), acme.rows("changes"), left), (0, 0, 0));
}

/// Has one call decide on more changes than a request does, and alarms go on, some of which fail; how
/// many rows were held when a step failed that had something to undo.
#[track_caller]
fn decided_by_alarms(acme: &mut Acme, count: usize, action: &str) -> usize {
    let most = limits::CHANGES_AT_ONCE;
    let body = json!({ "connection": "okta" });
    let call = |acme: &mut Acme| acme.admin("POST", &format!("/changes/{action}"), &body);
    let decided = if action == "approve" { "approved" } else { "rejected" };
    let expected = json!({ decided: most, "refused": 0, "left": count - most });
    for reply in [call(acme), call(acme)] {
        assert_eq!((reply.status, reply.json()), (202, expected.clone()), "again, it is told");
    }
    acme.sleep();
    let other = if action == "approve" { "reject" } else { "approve" };
    let words = "these changes are being decided otherwise";
    acme.admin_refused("POST", &format!("/changes/{other}"), &body, (409, "conflict", words));
    let health =
        |acme: &mut Acme| acme.admin("GET", "/connections/okta/health", &Value::Null).json();
    assert_eq!(health(acme)["deciding"], expected);
    let before = acme.dump();
    for statements in [0, 9, 1_000] {
        acme.sql.fail_after(Some(statements));
        assert!(acme.work_off(acme.now, None).is_err(), "at {statements}");
        assert!(acme.sql.has_failed());
        acme.sql.fail_after(None);
        assert!(acme.dump() == before, "at {statements} it leaves nothing");
        acme.get("/Users?count=0"); // Which wakes it, as its alarm would.
        assert!(acme.sweeps());
    }
    acme.alarms();
    assert_eq!(health(acme)["deciding"], Value::Null);
    let deciding = acme.sql.query("SELECT 1 FROM brakes WHERE deciding IS NOT NULL", &[]).unwrap();
    deciding.len()
}

/// More users of a connection than are decided about at once, and a brake of one in a hundred.
fn braked_many() -> (Acme, String, Vec<String>) {
    let (mut acme, key) = reviewed(&json!({}));
    let users = acme.populate(limits::CHANGES_AT_ONCE + 10);
    acme.sql.query("UPDATE resources SET manager = 'okta'", &[]).unwrap();
    acme.policy(&json!({ "massChangeBrake": { "percent": 1, "min": 0 }, "mappings": [] }));
    acme.alarms();
    acme.sleep();
    (acme, key, users)
}

/// The same once the connection has deleted them, and it is approved what the brake has held; and how
/// many are left to be deleted by alarms.
fn deciding_many() -> (Acme, usize) {
    let (mut acme, key, users) = braked_many();
    users.iter().for_each(|user| acme.delete_by(&key, user));
    let reply = acme.admin("POST", "/changes/approve", &json!({ "connection": "okta" }));
    let left = users.len() - users.len() / 100 - limits::CHANGES_AT_ONCE;
    assert_eq!((reply.status, &reply.json()["left"]), (202, &json!(left)));
    (acme, left)
}

impl Acme {
    /// No resource can be deleted, and a decision fails as often as it may.
    fn fail_to_decide(&mut self) {
        let statement = "CREATE TRIGGER broken BEFORE DELETE ON resources
             BEGIN SELECT RAISE(ABORT, 'x'); END";
        self.sql.query(statement, &[]).expect("a trigger");
        for attempt in 1..=limits::ASYNC_ATTEMPTS {
            assert!(self.tenant.is_working_off(), "{attempt}");
            assert!(self.work_off(self.now, None).is_err(), "{attempt}");
            self.sleep();
            self.get("/Users?count=0");
        }
        self.work_off(self.now, None).expect("it stops");
    }
}

#[test]
fn a_decision_that_fails_again_and_again_stops_and_says_why() {
    let (mut acme, left) = deciding_many();
    acme.fail_to_decide();
    assert!(!acme.tenant.is_working_off());
    acme.sleep();
    let health =
        |acme: &mut Acme| acme.admin("GET", "/connections/okta/health", &Value::Null).json();
    let why = "it failed within the service, again and again; the same call goes on with it";
    let stopped = json!({ "approved": 500, "refused": 0, "left": left, "stopped": why });
    assert_eq!(health(&mut acme)["deciding"], stopped);
    assert!(!acme.tenant.is_working_off());
    let told = acme.sql_texts("SELECT data FROM events ORDER BY seq DESC LIMIT 1").remove(0);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["id"], &told["actor"]), (&json!("okta"), &json!("admin")));
    assert_eq!(told["deciding"], stopped);
    acme.sql.query("DROP TRIGGER broken", &[]).expect("a trigger");
    // It is nobody's any more, and may be decided otherwise, or the same call goes on.
    let number = acme.changes("?status=pending")[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(acme.decide(&number, "reject").status, 200);
    let reply = acme.admin("POST", "/changes/approve", &json!({ "connection": "okta" }));
    let decided = json!({ "approved": left - 1, "refused": 0, "left": 0 });
    assert_eq!((reply.status, reply.json()), (200, decided));
    assert_eq!((acme.rows("resources"), health(&mut acme)["deciding"].clone()), (1, Value::Null));
}

#[test]
fn what_was_decided_is_done_before_the_connection_leaves() {
    for fails in [false, true] {
        let (mut acme, left) = deciding_many();
        let path = "/connections/okta?users=keep";
        let reply = acme.admin("DELETE", path, &Value::Null);
        assert_eq!((reply.status, &reply.json()["deletion"]["done"]), (202, &json!(0)));
        let again = acme.admin("POST", "/changes/approve", &json!({ "connection": "okta" }));
        assert_eq!((again.status, &again.json()["left"]), (202, &json!(left)));
        // As an earlier version has written it.
        let statement =
            "UPDATE brakes SET deciding = json_remove(deciding, '$.failures', '$.stopped')";
        acme.sql.query(statement, &[]).unwrap();
        acme.sleep();
        acme.get("/Users?count=0");
        if fails {
            acme.fail_to_decide();
        }
        acme.alarms();
        assert_eq!((acme.rows("connections"), acme.rows("departures")), (0, 0), "{fails}");
        let kept = if fails { left } else { 0 };
        assert_eq!(acme.get("/Users?count=0")["totalResults"], json!(kept), "{fails}");
        assert_eq!(acme.rows("changes"), 0, "{fails}");
    }
}

#[test]
fn who_goes_once_all_is_decided_is_no_holder_for_a_guard() {
    let (mut acme, key, users) = braked_many();
    users.iter().for_each(|user| acme.delete_by(&key, user));
    let bob = acme.user("bob");
    for owner in [users.last().unwrap(), &bob] {
        let grant = json!({ "role": "owner" });
        assert_eq!(acme.admin("POST", &format!("/users/{owner}/grants"), &grant).status, 201);
    }
    acme.policy(&json!({ "guards": [{ "role": "owner" }] }));
    let body = json!({ "connection": "okta" });
    assert_eq!(acme.admin("POST", "/changes/approve", &body).status, 202);
    assert_eq!(acme.admin("DELETE", "/connections/okta?users=delete", &Value::Null).status, 202);
    assert_eq!(acme.rows("departures"), 1);
    let off = patch_op(&json!([{ "op": "replace", "path": "active", "value": false }]));
    assert_eq!(acme.scim("PATCH", &format!("/Users/{bob}"), &off).status, 400);
    acme.get("/Users?count=0");
    acme.alarms();
    assert_eq!((acme.rows("connections"), acme.held(&bob)), (0, vec!["owner@company".to_owned()]));
}

#[test]
fn what_is_held_after_a_decision_is_none_of_it() {
    let (mut acme, key, users) = braked_many();
    let late = acme.pushed(&key, &json!({ "userName": "late" }));
    let free = (users.len() + 1) / 100;
    let off = patch_op(&json!([{ "op": "replace", "path": "active", "value": false }]));
    for user in &users {
        let path = format!("/Users/{user}");
        assert_eq!(acme.with_key(&key, |acme| acme.scim("PATCH", &path, &off)).status, 200);
    }
    let body = json!({ "connection": "okta", "reason": "no" });
    let reply = acme.admin("POST", "/changes/reject", &body);
    assert_eq!(
        (reply.status, &reply.json()["left"]),
        (202, &json!(users.len() - free - limits::CHANGES_AT_ONCE))
    );
    acme.delete_by(&key, &late);
    // Nor is what joins it: that somebody is deleted whose deactivation was decided about.
    let gone = &users[users.len() - 1];
    acme.delete_by(&key, gone);
    acme.alarms();
    let pending = acme.changes("?status=pending");
    let told: Vec<_> = pending.iter().map(|one| (&one["user"], &one["action"])).collect();
    let (delete, of_both) = (json!("delete"), [json!(gone), json!(late)]);
    assert_eq!(told, [(&of_both[0], &delete), (&of_both[1], &delete)]);
    let last = acme.changes("?status=rejected&limit=1000").pop().unwrap();
    assert_eq!((&last["decidedBy"], &last["reason"]), (&json!("admin"), &json!("no")));
}

#[test]
fn what_a_guard_does_not_let_go_is_decided_by_itself() {
    let (mut acme, key, users) = braked();
    let grant = json!({ "role": "owner" });
    assert_eq!(acme.admin("POST", &format!("/users/{}/grants", users[3]), &grant).status, 201);
    acme.policy(&json!({ "guards": [{ "role": "owner", "min": 1 }] }));
    for user in &users[..5] {
        acme.delete_by(&key, user);
    }
    assert_eq!(acme.changes("?status=pending").len(), 3);
    let decided = acme.decide_brake("approve");
    assert_eq!(decided, json!({ "approved": 2, "refused": 1, "left": 0 }));
    acme.sleep();
    let change = acme.changes("")[0].clone();
    assert_eq!((&change["user"], &change["cause"]), (&json!(users[3]), &json!("review")));
    let number = change["id"].as_str().unwrap();
    assert_eq!(acme.decide(number, "approve").status, 409);
    assert_eq!(acme.changes(""), std::slice::from_ref(&change), "that is no other change");
    acme.policy(&json!({ "guards": [] }));
    assert_eq!(acme.decide(number, "approve").status, 200);
    assert_eq!(left(&mut acme, &users), [5, 6, 7, 8, 9]);
}

#[test]
fn the_brake_is_of_a_connection_that_is_there() {
    let (mut acme, _, _) = braked();
    let body = json!({ "connection": "entra" });
    acme.admin_refused(
        "POST",
        "/changes/approve",
        &body,
        (404, "not_found", "there is no such connection"),
    );
    assert_eq!(acme.decide_brake("reject"), json!({ "rejected": 0, "refused": 0, "left": 0 }));
}

#[test]
fn of_many_users_the_first_tell_how_many_a_connection_manages() {
    let (mut acme, key, users) = braked();
    assert!(limits::BRAKE_SCAN > users.len(), "all are looked at here");
    for user in &users[..3] {
        acme.delete_by(&key, user);
    }
    assert_eq!(acme.changes("")[0]["brake"]["managed"], 10);
}
