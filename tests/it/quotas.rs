//! Quotas: a place that becomes free goes to who has waited for it longest, in the same transaction.

use muster::limits;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::access::mapping;
use crate::costs::check;
use crate::steps::patch_op;
use crate::support::Acme;

/// A tenant whose users of a title hold a role that one may hold, or what says more of it; and some users.
fn scarce(role: Value, users: &[&str]) -> (Acme, Vec<String>) {
    let mut acme = Acme::new();
    let users = users.iter().map(|name| acme.user(name)).collect();
    acme.policy(&json!({
        "roles": role,
        "mappings": [mapping("m", "active ne false and not (title eq \"Guest\")", &["modeler"])],
    }));
    (acme, users)
}

fn one() -> Value {
    json!([{ "value": "modeler", "max": 1 }])
}

impl Acme {
    /// Of each user the roles.
    fn roles(&mut self, users: &[String]) -> Vec<String> {
        users.iter().map(|user| self.held(user).join(" ").replace("@company", "")).collect()
    }

    fn replaces(&mut self, user: &str, path: &str, value: Value) {
        let operations = json!([{ "op": "replace", "path": path, "value": value }]);
        self.patch(&format!("/Users/{user}"), &operations);
    }

    fn posted(&mut self, user: &str, action: &str) {
        let path = format!("/users/{user}/{action}");
        assert_eq!(self.admin("POST", &path, &Value::Null).status, 200);
    }

    fn waiting(&self) -> i64 {
        let rows = self.sql.query("SELECT count(*) FROM grants WHERE waiting = 1", &[]);
        rows.unwrap()[0].integer(0).unwrap()
    }
}

#[test]
fn bz_22_a_place_that_becomes_free_goes_to_who_has_waited_longest() {
    let (mut acme, users) = scarce(one(), &["ada", "bob", "eve"]);
    let [ada, bob, eve] = [0, 1, 2].map(|number: usize| users[number].clone());
    assert_eq!(acme.roles(&users), ["modeler", "", ""]);
    // Who comes back waits behind who has waited meanwhile.
    acme.posted(&bob, "suspend");
    acme.posted(&bob, "restore");
    acme.sleep();
    let behind = acme.events().len();
    acme.replaces(&ada, "active", json!(false));
    assert_eq!(acme.roles(&users), ["", "", "modeler"]);
    let told = acme.events().split_off(behind);
    let told: Vec<Value> =
        told.iter().map(|event| json!([event["type"], event["data"]["id"]])).collect();
    let changed = "user.access.changed";
    assert_eq!(
        told,
        [json!(["user.deactivated", ada]), json!([changed, ada]), json!([changed, eve])]
    );
    acme.check_recomputed();
    acme.replaces(&ada, "active", json!(true));
    assert_eq!(acme.access(&ada)["withheld"][0]["reason"], "quota");
    acme.delete(&format!("/Users/{eve}"));
    assert_eq!(acme.roles(&users[..2]), ["", "modeler"]);
    acme.check_recomputed();
    acme.posted(&bob, "suspend");
    assert_eq!(acme.roles(&users[..2]), ["modeler", ""]);
    acme.posted(&bob, "restore");
    acme.replaces(&ada, "title", json!("Guest"));
    assert_eq!(acme.roles(&users[..2]), ["", "modeler"]);
    assert_eq!(acme.waiting(), 0, "nobody waits any more");
    acme.check_recomputed();
}

#[test]
fn bz_22_who_moves_up_leaves_a_place_to_the_next() {
    for rebalance in [true, false] {
        let roles = json!([
            { "value": "modeler", "max": 1, "overflow": "reader", "rebalance": rebalance },
            { "value": "reader", "max": 1 },
        ]);
        let (mut acme, users) = scarce(roles, &["ada", "bob", "eve"]);
        assert_eq!(acme.roles(&users), ["modeler", "reader", ""]);
        acme.replaces(&users[0], "active", json!(false));
        let expected =
            if rebalance { ["", "modeler", "reader"] } else { ["", "reader", "modeler"] };
        assert_eq!(acme.roles(&users), expected, "{rebalance}");
        acme.check_recomputed();
    }
}

#[test]
fn what_a_trigger_has_granted_waits_as_well() {
    let mut acme = Acme::new();
    let trigger =
        json!({ "id": "t", "trigger": "user.created", "grants": [{ "role": "modeler" }] });
    acme.policy(&json!({ "roles": one(), "mappings": [trigger] }));
    let users = ["ada", "bob"].map(|name| acme.user(name));
    acme.policy(&json!({ "mappings": [] }));
    assert_eq!(acme.roles(&users), ["modeler", ""]);
    acme.delete(&format!("/Users/{}", users[0]));
    assert_eq!(acme.roles(&users[1..]), ["modeler"]);
    let path = format!("/users/{}/grants?role=modeler", users[1]);
    assert_eq!(acme.admin("DELETE", &path, &Value::Null).status, 204);
    assert_eq!(acme.rows("grants"), 0);
}

#[test]
fn more_places_go_to_those_who_wait() {
    let (mut acme, users) = scarce(one(), &["ada", "bob", "eve"]);
    acme.policy(&json!({ "roles": [{ "value": "modeler", "max": 2 }] }));
    assert_eq!(acme.roles(&users), ["modeler", "modeler", ""]);
    acme.policy(&json!({ "roles": [{ "value": "modeler", "max": 1 }] }));
    assert_eq!(acme.roles(&users), ["modeler", "modeler", ""], "who holds it keeps it");
    acme.delete(&format!("/Users/{}", users[0]));
    assert_eq!(acme.roles(&users[1..]), ["modeler", ""], "there is no place yet");
    acme.policy(&json!({ "roles": [] }));
    assert_eq!(
        (acme.roles(&users[1..]).join(" "), acme.waiting()),
        ("modeler modeler".to_owned(), 0)
    );
    acme.check_recomputed();
}

#[test]
fn of_many_who_wait_the_first_is_found_at_once() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::ACCESS_USERS + 1);
    acme.policy(
        &json!({ "roles": one(), "mappings": [mapping("m", "userName pr", &["modeler"])] }),
    );
    acme.alarms();
    assert_eq!(acme.waiting(), limits::ACCESS_USERS as i64);
    acme.posted(&users[0], "suspend");
    assert_eq!(acme.roles(&users[..3]), ["", "modeler", ""]);
    assert_eq!(acme.rows("recomputation"), 0);
    let reply = acme.admin("POST", "/recompute?dryRun=true", &Value::Null).json();
    assert_eq!(reply["differences"], json!([]));
}

/// Where nobody waits, a role that is lost costs one look and no write more.
#[test]
fn a_place_for_which_nobody_waits_costs_one_look() {
    let mut counts = Vec::new();
    for roles in [json!([{ "value": "other", "max": 1 }]), one()] {
        let (mut acme, users) = scarce(roles, &["ada"]);
        let off = patch_op(&json!([{ "op": "replace", "path": "active", "value": false }]));
        let path = format!("/Users/{}", users[0]);
        let statements = check(&mut acme, "PATCH", &path, &off, 20);
        let writes = statements.iter().filter(|one| !one.starts_with("SELECT")).count();
        counts.push((statements.len(), writes));
    }
    let (without, with) = (counts[0], counts[1]);
    assert_eq!(with, (without.0 + 1, without.1));
}

#[test]
fn who_waited_before_that_was_kept_is_found_again() {
    let (mut acme, users) = scarce(one(), &["ada", "bob"]);
    acme.back_to(33);
    acme.get("/Users?count=0");
    assert_eq!(acme.waiting(), 0);
    acme.alarms();
    assert_eq!(acme.waiting(), 1);
    acme.delete(&format!("/Users/{}", users[0]));
    assert_eq!(acme.roles(&users[1..]), ["modeler"]);
}

#[test]
fn bz_22_ol_22_a_role_shows_how_many_may_hold_it_and_how_many_do() {
    let (mut acme, users) =
        scarce(json!([{ "value": "modeler", "max": 2 }]), &["ada", "bob", "eve"]);
    acme.policy(&json!({ "features": { "roles": true } }));
    let id = acme
        .made("/Roles", &json!({ "value": "modeler", "display": "Modeler", "supported": true }));
    acme.post("/Roles", &json!({ "value": "reader", "totalAssignmentsPermitted": 7 }));
    let told = |role: &Value| {
        [
            "supported",
            "limitedAssignmentsPermitted",
            "totalAssignmentsPermitted",
            "totalAssignmentsUsed",
        ]
        .map(|name| role[name].clone())
    };
    let expected = |used: i64| [json!(true), json!(true), json!(2), json!(used)];
    assert_eq!(told(&acme.get(&format!("/Roles/{id}"))), expected(2));
    acme.replaces(&users[0], "title", json!("Guest"));
    acme.replaces(&users[1], "title", json!("Guest"));
    let list = acme.get("/Roles");
    assert_eq!(told(&list["Resources"][0]), expected(1));
    assert_eq!(list["Resources"][1]["totalAssignmentsPermitted"], 7, "nobody limits that one");
    let asked = acme.get("/Roles?attributes=totalAssignmentsUsed");
    assert_eq!(asked["Resources"][0]["totalAssignmentsUsed"], 1);
    let entitlement = json!({ "value": "e", "supported": true, "totalAssignmentsPermitted": 5, "totalAssignmentsUsed": 3 });
    acme.post("/Entitlements", &entitlement);
    let shown = &acme.get("/Entitlements")["Resources"][0];
    for (name, value) in entitlement.as_object().unwrap() {
        assert_eq!(&shown[name], value);
    }
}

/// A second one came back behind the third, so that the third has waited longer.
fn queued(acme: &mut Acme, users: &[String]) {
    for action in ["suspend", "restore"] {
        acme.posted(&users[1], action);
    }
}

#[test]
fn bz_22_places_that_there_are_more_of_go_to_who_has_waited_longest() {
    let (mut acme, users) = scarce(one(), &["ada", "bob", "eve"]);
    queued(&mut acme, &users);
    acme.policy(&json!({ "roles": [{ "value": "modeler", "max": 2 }] }));
    assert_eq!(acme.roles(&users), ["modeler", "", "modeler"]);
    acme.check_recomputed();
}

#[test]
fn bz_22_who_waits_is_before_those_who_come_when_a_place_becomes_free() {
    let mut acme = Acme::new();
    let users = ["ada", "bob", "eve"].map(|name| acme.user(name));
    let [ada, bob, eve] = users.clone();
    acme.policy(&json!({ "roles": one(),
        "mappings": [mapping("m", "groups.display eq \"Crew\"", &["modeler"])] }));
    let crew = acme.group("Crew", &[&ada, &eve]);
    assert_eq!(acme.roles(&users), ["modeler", "", ""]);
    let members = json!([{ "value": bob }, { "value": eve }]);
    acme.put(&format!("/Groups/{crew}"), &json!({ "displayName": "Crew", "members": members }));
    assert_eq!(acme.roles(&users), ["", "", "modeler"], "who comes waits behind her");
    acme.check_recomputed();
}

#[test]
fn bz_22_steps_by_alarm_serve_who_has_waited_longest_first() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::ACCESS_USERS + 1);
    acme.policy(
        &json!({ "roles": one(), "mappings": [mapping("m", "userName pr", &["modeler"])] }),
    );
    acme.alarms();
    queued(&mut acme, &users);
    acme.policy(&json!({ "roles": [{ "value": "modeler", "max": 2 }] }));
    assert_eq!(acme.rows("recomputation"), 1);
    acme.alarms();
    assert_eq!(acme.roles(&users[..4]), ["modeler", "", "modeler", ""]);
}
