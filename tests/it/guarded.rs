//! Guards and succession: the last holder of a role stays, and who goes has a successor.

use muster::limits;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::access::mapping;
use crate::steps::{Dump, patch_op};
use crate::support::Acme;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A tenant with owners, by a group, and a guard of one of them.
fn guarded() -> (Acme, String, [String; 2]) {
    let mut acme = Acme::new();
    acme.policy(&json!({
        "mappings": [mapping("owners", "groups.display eq \"Owners\"", &["company-owner"])],
        "guards": [{ "role": "company-owner", "min": 1 }],
        "succession": ["manager", "role:subscription-owner", "role:company-owner"],
    }));
    let [ada, bob] = ["ada", "bob"].map(|name| acme.user(name));
    let group = acme.group("Owners", &[&ada]);
    (acme, group, [ada, bob])
}

fn deactivate() -> Value {
    patch_op(&json!([{ "op": "replace", "path": "active", "value": false }]))
}

/// Every table with its rows but those in which a refusal is noted.
fn others(acme: &Acme) -> Dump {
    let mut dump = acme.dump();
    dump.retain(|table, _| !["changes", "events"].contains(&table.as_str()));
    dump
}

/// Sends what the guard refuses and, once there is another owner, lets pass. Where it is about one user,
/// that is noted.
fn check(
    status: u16,
    action: Option<&str>,
    send: impl Fn(&mut Acme, &str, &[String; 2]) -> (u16, Value),
) {
    let (mut acme, group, users) = guarded();
    let (before, seen) = (others(&acme), acme.events().len());
    let (refused, body) = send(&mut acme, &group, &users);
    assert_eq!(refused, status, "{body}");
    assert!(body.to_string().contains("company-owner"), "{body}");
    assert_eq!(others(&acme), before, "it leaves nothing");
    send(&mut acme, &group, &users);
    acme.sleep();
    send(&mut acme, &group, &users);
    let noted: Vec<&str> = action.iter().map(|_| "change.pending").collect();
    assert_eq!(acme.event_types(seen), noted, "once, however often it is sent");
    let changes = acme.changes("");
    assert_eq!(changes.len(), noted.len());
    if let Some(action) = action {
        let change = &changes[0];
        let said = ["user", "action", "status", "cause"].map(|name| change[name].as_str().unwrap());
        assert_eq!(said, [users[0].as_str(), action, "pending", "guard"]);
        assert_eq!(change["guard"], json!({ "role": "company-owner", "min": 1 }));
        let number = change["id"].as_str().unwrap();
        assert_eq!(acme.decide(number, "approve").status, 409, "not yet");
        assert_eq!(acme.decide(number, "retry").status, 409);
        assert_eq!(acme.changes(""), changes);
    }
    assert_eq!(acme.held(&users[0]), ["company-owner@company"]);
    let grant = json!({ "role": "company-owner" });
    assert_eq!(acme.admin("POST", &format!("/users/{}/grants", users[1]), &grant).status, 201);
    let (passed, body) = send(&mut acme, &group, &users);
    assert!(passed < 300, "{body}");
    assert_eq!(acme.held(&users[1]), ["company-owner@company"]);
    assert_eq!(acme.rows("changes"), 0, "nothing is left to decide");
    acme.check_recomputed();
}

fn scim(acme: &mut Acme, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let reply = acme.scim(method, path, body);
    (reply.status, if reply.body.is_empty() { Value::Null } else { reply.json() })
}

#[test]
fn bz_19_last_owner_guard() {
    check(400, Some("deactivate"), |acme, _, [ada, _]| {
        let (status, body) = scim(acme, "PATCH", &format!("/Users/{ada}"), &deactivate());
        if status == 400 {
            assert_eq!(body["scimType"], "mutability");
        }
        (status, body)
    });
    check(409, Some("delete"), |acme, _, [ada, _]| {
        scim(acme, "DELETE", &format!("/Users/{ada}"), &Value::Null)
    });
}

#[test]
fn bz_19_what_was_refused_is_done_once_it_is_approved_and_may_be() {
    for (method, body, status) in
        [("PATCH", deactivate(), "suspended"), ("DELETE", Value::Null, "deprovisioned")]
    {
        for (first, then) in [("approve", "approve"), ("reject", "retry")] {
            let (mut acme, group, [ada, bob]) = guarded();
            let refused = scim(&mut acme, method, &format!("/Users/{ada}"), &body).0;
            assert!(refused >= 400);
            let number = acme.changes("")[0]["id"].as_str().unwrap().to_owned();
            assert_eq!(
                acme.decide(&number, first).status,
                if first == "reject" { 200 } else { 409 }
            );
            acme.member("add", &group, &bob);
            acme.sleep();
            let mut decided = acme.decide(&number, then).json();
            if then == "retry" {
                assert_eq!(decided["status"], "pending", "{decided}");
                decided = acme.decide(&number, "retry").json();
            }
            assert_eq!(decided["status"], "provisioned", "{decided}");
            assert_eq!(acme.access(&ada)["status"], status);
            assert_eq!(acme.rows("changes"), 0);
            acme.check_recomputed();
        }
    }
}

#[test]
fn a_guard_stands_on_every_path() {
    check(400, Some("deactivate"), |acme, _, [ada, _]| {
        scim(acme, "PUT", &format!("/Users/{ada}"), &json!({ "userName": "ada", "active": false }))
    });
    check(400, None, |acme, group, [ada, _]| {
        let operation = json!([{ "op": "remove", "path": "members", "value": [{ "value": ada }] }]);
        scim(acme, "PATCH", &format!("/Groups/{group}"), &patch_op(&operation))
    });
    check(400, None, |acme, group, _| {
        scim(acme, "PUT", &format!("/Groups/{group}"), &json!({ "displayName": "Others" }))
    });
    check(409, None, |acme, group, _| {
        scim(acme, "DELETE", &format!("/Groups/{group}"), &Value::Null)
    });
    check(409, None, |acme, _, _| {
        let reply = acme.admin("PUT", "/policies", &json!({ "mappings": [] }));
        (reply.status, reply.json())
    });
    check(400, Some("deactivate"), |acme, _, [ada, _]| {
        let operation =
            json!({ "method": "PATCH", "path": format!("/Users/{ada}"), "data": deactivate() });
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [operation],
        });
        let (_, body) = scim(acme, "POST", "/Bulk", &body);
        let entry = body["Operations"][0].clone();
        (entry["status"].as_str().unwrap().parse().unwrap(), entry)
    });
}

#[test]
fn a_connection_that_leaves_cannot_take_the_last_owner_with_it() {
    let mut acme = Acme::new();
    let key = acme.connection_key("okta", "active");
    acme.policy(&json!({ "guards": [{ "role": "owner" }] }));
    let ada = acme.pushed(&key, &json!({ "userName": "ada" }));
    acme.admin("POST", &format!("/users/{ada}/grants"), &json!({ "role": "owner" }));
    for users in ["suspend", "delete"] {
        let path = format!("/connections/okta?users={users}");
        assert_eq!(acme.admin("DELETE", &path, &Value::Null).status, 409, "{users}");
    }
    assert_eq!(acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null).status, 204);
    assert_eq!(acme.held(&ada), ["owner@company"]);
}

#[test]
fn a_connection_that_leaves_its_users_cannot_take_what_is_for_them_alone() {
    let mut acme = Acme::new();
    let key = acme.connection_key("okta", "active");
    let of_okta = json!({ "id": "m", "connection": "okta", "grants": [{ "role": "owner" }] });
    acme.policy(&json!({ "guards": [{ "role": "owner" }], "mappings": [of_okta] }));
    acme.pushed(&key, &json!({ "userName": "ada" }));
    let keep = |acme: &mut Acme| acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null);
    assert_eq!(keep(&mut acme).status, 409);
    let bob = acme.user("bob");
    acme.admin("POST", &format!("/users/{bob}/grants"), &json!({ "role": "owner" }));
    assert_eq!(keep(&mut acme).status, 204);
    acme.check_recomputed();
}

#[test]
fn whom_a_leaving_connection_will_take_along_a_guard_does_not_count() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::DEPARTURE_RESOURCES + 2);
    acme.connection_key("okta", "active");
    acme.sql.query("UPDATE resources SET manager = 'okta'", &[]).unwrap();
    acme.sleep();
    acme.policy(&json!({ "guards": [{ "role": "owner" }] }));
    let (last, bob) = (users.last().unwrap().clone(), acme.user("bob"));
    for user in [&last, &bob] {
        acme.admin("POST", &format!("/users/{user}/grants"), &json!({ "role": "owner" }));
    }
    assert_eq!(acme.admin("DELETE", "/connections/okta?users=suspend", &Value::Null).status, 202);
    assert_eq!((acme.held(&last).len(), acme.rows("departures")), (1, 1), "not yet");
    assert_eq!(acme.scim("PATCH", &format!("/Users/{bob}"), &deactivate()).status, 400);
    acme.get("/Users?count=0"); // Which wakes it, as its alarm would.
    acme.alarms();
    assert_eq!((acme.held(&last).len(), acme.held(&bob).len()), (0, 1));
}

#[test]
fn what_does_not_lower_the_number_passes_even_where_it_is_too_low() {
    let (mut acme, group, [ada, bob]) = guarded();
    acme.policy(&json!({ "guards": [{ "role": "company-owner", "min": 2 }] }));
    let swap = json!([
        { "op": "remove", "path": "members", "value": [{ "value": ada }] },
        { "op": "add", "path": "members", "value": [{ "value": bob }] },
    ]);
    acme.patch(&format!("/Groups/{group}"), &swap);
    assert_eq!((acme.held(&ada).len(), acme.held(&bob).len()), (0, 1));
    acme.patch(
        &format!("/Users/{ada}"),
        &json!([{ "op": "replace", "path": "active", "value": false }]),
    );
    let refused = acme.scim("PATCH", &format!("/Users/{bob}"), &deactivate());
    assert_eq!(refused.status, 400);
}

#[test]
fn a_guard_sees_what_alarms_will_do() {
    let mut acme = Acme::new();
    acme.populate(limits::ACCESS_USERS + 1);
    let ada = acme.user("ada");
    acme.policy(&json!({
        "mappings": [mapping("m", "userName eq \"ada\"", &["owner"])], "guards": [{ "role": "owner" }],
    }));
    acme.alarms();
    assert_eq!(acme.held(&ada), ["owner@company"]);
    let without = json!({ "mappings": [mapping("m", "userName eq \"eve\"", &["owner"])] });
    assert_eq!(acme.admin("PUT", "/policies", &without).status, 409);
    assert_eq!(acme.rows("recomputation"), 0);
    let with = json!({ "mappings": [mapping("n", "userName sw \"ada\"", &["owner"])] });
    acme.policy(&with);
    acme.alarms();
    assert_eq!(acme.access(&ada)["grants"][0]["source"], "mapping:n");
}

/// What the event of the last deactivation or deletion says of a successor.
fn succession(acme: &mut Acme) -> Value {
    let events = acme.events();
    let is_end = |event: &&Value| {
        ["user.deactivated", "user.deleted"].iter().any(|name| event["type"] == *name)
    };
    events.iter().rev().find(is_end).unwrap()["data"]["succession"].clone()
}

fn managed(acme: &mut Acme, name: &str, manager: &str) -> String {
    let body = json!({ "userName": name, "active": true, ENTERPRISE: { "manager": { "value": manager } } });
    acme.made("/Users", &body)
}

#[test]
fn bz_15_who_is_disabled_is_succeeded_by_the_manager() {
    let (mut acme, _, [ada, bob]) = guarded();
    acme.put(&format!("/Users/{bob}"), &json!({ "userName": "bob", "externalId": "e-bob" }));
    for manager in [bob.as_str(), "e-bob"] {
        let eve = managed(&mut acme, &format!("eve-{manager}"), manager);
        acme.scim("PATCH", &format!("/Users/{eve}"), &deactivate());
        assert_eq!(succession(&mut acme), json!({ "to": bob, "rule": "manager" }));
    }
    let (boss, eve) = (managed(&mut acme, "boss", &ada), "eve");
    let eve = managed(&mut acme, eve, &boss);
    acme.scim("PATCH", &format!("/Users/{boss}"), &deactivate());
    acme.delete(&format!("/Users/{eve}"));
    assert_eq!(
        succession(&mut acme),
        json!({ "to": ada, "rule": "manager" }),
        "the manager's manager"
    );
}

#[test]
fn bz_16_without_a_manager_by_who_holds_a_role() {
    let (mut acme, _, [_, bob]) = guarded();
    acme.admin("POST", &format!("/users/{bob}/grants"), &json!({ "role": "subscription-owner" }));
    let one = managed(&mut acme, "one", "nobody");
    acme.scim("PATCH", &format!("/Users/{one}"), &deactivate());
    assert_eq!(succession(&mut acme), json!({ "to": bob, "rule": "role:subscription-owner" }));
    // Two that manage each other, neither active.
    let other = managed(&mut acme, "other", &one);
    acme.patch(
        &format!("/Users/{one}"),
        &json!([{ "op": "add", "path": format!("{ENTERPRISE}:manager.value"), "value": other }]),
    );
    acme.scim("PATCH", &format!("/Users/{other}"), &deactivate());
    assert_eq!(succession(&mut acme), json!({ "to": bob, "rule": "role:subscription-owner" }));
}

#[test]
fn bz_17_the_holder_of_the_role_is_succeeded_by_the_next_rule() {
    let (mut acme, _, [ada, bob]) = guarded();
    acme.admin("POST", &format!("/users/{bob}/grants"), &json!({ "role": "subscription-owner" }));
    acme.scim("PATCH", &format!("/Users/{bob}"), &deactivate());
    assert_eq!(succession(&mut acme), json!({ "to": ada, "rule": "role:company-owner" }));
}

#[test]
fn bz_18_an_owner_is_succeeded_by_the_one_who_has_been_it_longest() {
    let (mut acme, group, [ada, bob]) = guarded();
    let eve = acme.user("eve");
    acme.member("add", &group, &eve);
    acme.member("add", &group, &bob);
    acme.scim("PATCH", &format!("/Users/{ada}"), &deactivate());
    assert_eq!(succession(&mut acme), json!({ "to": eve, "rule": "role:company-owner" }));
}

#[test]
fn bz_19_whose_connection_leaves_is_succeeded_by_one_who_stays() {
    for (users, kind) in [("suspend", "user.deactivated"), ("delete", "user.deleted")] {
        let mut acme = Acme::new();
        let key = acme.connection_key("okta", "active");
        acme.policy(&json!({ "succession": ["manager", "role:owner"] }));
        let boss = acme.user("boss");
        let mut pushed = |name: &str, manager: &str| {
            let body = json!({ "userName": name, "active": true,
                ENTERPRISE: { "manager": { "value": manager } } });
            acme.pushed(&key, &body)
        };
        let ada = pushed("ada", &boss);
        let [bob, eve] =
            ["bob", "eve"].map(|name| pushed(name, if name == "bob" { &ada } else { "" }));
        let [off, dan] = ["off", "dan"].map(|name| acme.user(name));
        // Who has held it longest goes as well, and the next is not active but keeps what is held.
        acme.policy(&json!({ "deprovision": { "deactivated": "keep" } }));
        for user in [&bob, &off, &dan] {
            acme.admin("POST", &format!("/users/{user}/grants"), &json!({ "role": "owner" }));
        }
        acme.scim("PATCH", &format!("/Users/{off}"), &deactivate());
        let behind = acme.events().len();
        let path = format!("/connections/okta?users={users}");
        assert_eq!(acme.admin("DELETE", &path, &Value::Null).status, 204);
        let ends =
            acme.events().split_off(behind).into_iter().filter(|event| event["type"] == kind);
        let told: Vec<Value> =
            ends.map(|event| json!([event["data"]["id"], event["data"]["succession"]])).collect();
        let by_manager = json!({ "to": boss, "rule": "manager" });
        let by_role = json!({ "to": dan, "rule": "role:owner" });
        // Who has been deleted leads to nobody.
        let bobs = if users == "delete" { &by_role } else { &by_manager };
        assert_eq!(told, [json!([ada, by_manager]), json!([bob, bobs]), json!([eve, by_role])]);
    }
}

#[test]
fn a_faulty_guard_has_its_place() {
    let mut acme = Acme::new();
    let many: Vec<Value> =
        (0..=limits::GUARDS).map(|n| json!({ "role": format!("r{n}") })).collect();
    for (document, at) in [
        (json!({ "guards": [{ "role": "r", "min": 0 }] }), "/guards/0/min"),
        (json!({ "guards": [{ "role": "r", "min": limits::GUARD_MIN + 1 }] }), "/guards/0/min"),
        (json!({ "guards": [{ "min": 1 }] }), "/guards/0/role"),
        (json!({ "guards": [{ "role": "r" }, { "role": "r" }] }), "/guards/1/role"),
        (json!({ "guards": [{ "role": "r", "max": 1 }] }), "/guards/0/max"),
        (json!({ "guards": many }), "/guards"),
        (json!({ "succession": ["boss"] }), "/succession/0"),
        (json!({ "succession": "manager" }), "/succession"),
    ] {
        let refused = acme.admin("PUT", "/policies", &document);
        assert_eq!((refused.status, &refused.json()["faults"][0]["path"]), (422, &json!(at)));
    }
}

#[test]
fn managers_of_managers_are_looked_at_so_far() {
    let (mut acme, _, [ada, _]) = guarded();
    let mut last = ada.clone();
    for number in 0..=limits::SUCCESSION_STEPS {
        last = managed(&mut acme, &format!("m{number}"), &last);
        acme.scim("PATCH", &format!("/Users/{last}"), &deactivate());
    }
    assert_eq!(succession(&mut acme)["rule"], "role:company-owner");
}
