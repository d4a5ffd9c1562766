//! What is done step by step, and guards: a step that would leave a role without its holders does not
//! happen. A connection that is leaving stops there and tells why.

use muster::limits;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::access::mapping;
use crate::steps::patch_op;
use crate::support::Acme;

const WORDS: &str = "a guard of the role `owner` demands that at least 1 active users hold it";

/// Users of a connection, of whom the last comes with its second step; that one, and the last.
fn leaving(policy: &Value) -> (Acme, String) {
    let mut acme = Acme::new();
    let users = acme.populate(limits::DEPARTURE_RESOURCES + 2);
    acme.connection_key("okta", "active");
    acme.sql.query("UPDATE resources SET manager = 'okta'", &[]).unwrap();
    acme.sleep();
    acme.policy(policy);
    acme.alarms();
    (acme, users.last().unwrap().clone())
}

impl Acme {
    fn leaves(&mut self, users: &str) -> (u16, Value) {
        let reply = self.admin("DELETE", &format!("/connections/okta?users={users}"), &Value::Null);
        (reply.status, reply.json())
    }

    fn owns(&mut self, user: &str) {
        let grant = json!({ "role": "owner" });
        assert_eq!(self.admin("POST", &format!("/users/{user}/grants"), &grant).status, 201);
    }

    /// It has stopped, and nothing of the step that a guard has refused is there.
    #[track_caller]
    fn check_stopped(&mut self, owner: &str, users: &str) {
        let behind = self.events().len();
        let others = |acme: &Self| {
            let mut dump = acme.dump();
            dump.retain(|table, _| !["departures", "events"].contains(&table.as_str()));
            dump
        };
        let before = others(self);
        self.alarm().unwrap();
        assert!(others(self) == before, "it leaves nothing");
        let told = self.events().split_off(behind);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(
            (&told[0]["type"], &told[0]["data"]["stopped"]),
            (&json!("connection.updated"), &json!(WORDS))
        );
        self.alarms(); // Those whom it has deleted are forgotten.
        for _ in 0..2 {
            assert!(!self.sweeps(), "it waits for somebody");
            let read = self.admin("GET", "/connections/okta", &Value::Null).json();
            let expected =
                json!({ "users": users, "done": limits::DEPARTURE_RESOURCES, "stopped": WORDS });
            assert_eq!(read["deletion"], expected);
            self.sleep();
            self.get("/Users?count=0");
        }
        assert_eq!(self.held(owner), ["owner@company"]);
        let leaving = (409, "conflict", "the connection is being deleted");
        self.admin_refused("PATCH", "/connections/okta", &json!({}), leaving);
        self.admin_refused(
            "GET",
            "/export",
            &Value::Null,
            (409, "conflict", "a connection is being deleted"),
        );
    }
}

#[test]
fn bz_19_a_departure_stops_before_a_role_has_no_holder_and_goes_on() {
    let last = format!("u{}", limits::DEPARTURE_RESOURCES + 2);
    let of_okta = json!({ "id": "m", "connection": "okta", "condition": format!("userName eq \"{last}\""),
        "grants": [{ "role": "owner" }] });
    let (mut acme, owner) =
        leaving(&json!({ "guards": [{ "role": "owner" }], "mappings": [of_okta] }));
    let bob = acme.user("bob");
    acme.owns(&bob);
    assert_eq!(acme.leaves("keep").0, 202);
    // Of two owners one goes, and the other would lose the role with the connection.
    let off = patch_op(&json!([{ "op": "replace", "path": "active", "value": false }]));
    assert_eq!(acme.scim("PATCH", &format!("/Users/{bob}"), &off).status, 200);
    acme.check_stopped(&owner, "keep");
    let (status, problem) = acme.leaves("keep");
    assert_eq!((status, problem["detail"].as_str()), (409, Some(WORDS)), "not yet");
    let eve = acme.user("eve");
    acme.owns(&eve);
    let (status, shown) = acme.leaves("keep");
    let progress = json!({ "users": "keep", "done": limits::DEPARTURE_RESOURCES });
    assert_eq!((status, &shown["deletion"]), (202, &progress));
    acme.alarms();
    assert_eq!((acme.rows("departures"), acme.rows("connections")), (0, 0));
    assert_eq!((acme.held(&owner).len(), acme.held(&eve).len()), (0, 1));
    acme.check_recomputed();
}

#[test]
fn a_guard_that_comes_later_stops_it_too_and_it_may_go_on_otherwise() {
    for users in ["suspend", "delete"] {
        let (mut acme, owner) = leaving(&json!({}));
        acme.owns(&owner);
        assert_eq!(acme.leaves(users).0, 202);
        acme.policy(&json!({ "guards": [{ "role": "owner" }] }));
        acme.check_stopped(&owner, users);
        // Who stays is counted again.
        let off = patch_op(&json!([{ "op": "replace", "path": "active", "value": false }]));
        assert_eq!(acme.scim("PATCH", &format!("/Users/{owner}"), &off).status, 400);
        assert_eq!(acme.leaves("keep").0, 202);
        acme.alarms();
        assert_eq!((acme.rows("departures"), acme.rows("connections")), (0, 0));
        assert_eq!(acme.held(&owner), ["owner@company"]);
    }
}

/// What a connection has said of groups that was never heard counts from its end on.
#[test]
fn the_last_step_of_a_departure_is_held_to_guards_too() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::DEPARTURE_RESOURCES + 2);
    let owner = users.last().unwrap().clone();
    let key = acme.connection_key("okta", "pending");
    let blocked = json!({ "displayName": "blocked", "members": [{ "value": owner }] });
    acme.with_key(&key, |acme| acme.made("/Groups", &blocked));
    // Of whom it manages nothing counts yet; the owner is nobody's.
    let managed = format!("UPDATE resources SET manager = 'okta' WHERE id <> '{owner}'");
    acme.sql.query(&managed, &[]).unwrap();
    acme.sleep();
    let condition =
        format!("userName eq \"u{}\" and not (groups.display eq \"blocked\")", users.len());
    let policy = json!({ "mappings": [mapping("m", &condition, &["owner"])] });
    acme.policy(&policy);
    acme.alarms();
    assert_eq!(acme.held(&owner), ["owner@company"]);
    acme.policy(&json!({ "guards": [{ "role": "owner" }] }));
    assert_eq!(acme.leaves("keep").0, 202);
    acme.check_stopped(&owner, "keep");
    let eve = acme.user("eve");
    acme.owns(&eve);
    assert_eq!(acme.leaves("keep").0, 202);
    acme.alarms();
    assert_eq!((acme.rows("departures"), acme.rows("connections")), (0, 0));
    assert_eq!((acme.held(&owner).len(), acme.held(&eve).len()), (0, 1));
    acme.check_recomputed();
}

/// More users than a request computes, the last of whom owns something by a mapping, and another by hand.
fn two_owners() -> (Acme, [String; 2]) {
    let mut acme = Acme::new();
    let users = acme.populate(limits::ACCESS_USERS + 2);
    let bob = acme.user("bob");
    acme.owns(&bob);
    let last = mapping("m", &format!("userName eq \"u{}\"", users.len()), &["owner"]);
    acme.policy(&json!({ "mappings": [last], "guards": [{ "role": "owner" }] }));
    acme.alarms();
    (acme, [users.last().unwrap().clone(), bob])
}

#[test]
fn who_is_about_to_lose_a_role_does_not_count_for_its_guard() {
    let (mut acme, [last, bob]) = two_owners();
    acme.policy(&json!({ "mappings": [mapping("m", "userName eq \"nobody\"", &["owner"])] }));
    assert_eq!((acme.held(&last).len(), acme.rows("recomputation")), (1, 1), "not yet");
    let off = patch_op(&json!([{ "op": "replace", "path": "active", "value": false }]));
    assert_eq!(acme.scim("PATCH", &format!("/Users/{bob}"), &off).status, 400);
    let filter = json!({ "filter": "userName eq \"bob\"" });
    assert_eq!(acme.admin("POST", "/users/suspend", &filter).status, 409);
    acme.get("/Users?count=0");
    acme.alarms();
    assert_eq!((acme.held(&last).len(), acme.held(&bob).len()), (0, 1));
}

#[test]
fn a_suspension_of_many_leaves_whom_a_guard_has_come_to_need() {
    let (mut acme, [last, bob]) = two_owners();
    let filter = json!({ "filter": "userName sw \"u\"" });
    assert_eq!(acme.admin("POST", "/users/suspend", &filter).status, 202);
    assert_eq!(acme.held(&last), ["owner@company"], "not yet");
    let off = patch_op(&json!([{ "op": "replace", "path": "active", "value": false }]));
    assert_eq!(acme.scim("PATCH", &format!("/Users/{bob}"), &off).status, 200);
    acme.alarms();
    assert_eq!(acme.held(&last), ["owner@company"]);
    assert_eq!(
        (acme.rows("decisions"), acme.rows("suspensions")),
        (0, limits::ACCESS_USERS as i64 + 1)
    );
}
