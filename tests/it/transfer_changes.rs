//! What awaits a decision moves with its tenant, and so do the places of quotas: nobody comes to hold by
//! that what was not approved, and nobody loses what another one could hold instead.

use serde_json::{Value, json};

use crate::access::mapping;
use crate::changes::reviewed;
use crate::support::Acme;

/// A tenant in which there is everything that may be held or denied; its users.
pub(crate) fn undecided() -> (Acme, Vec<String>) {
    let (mut acme, key) = reviewed(&json!({ "delete": "manual" }));
    let user = |name: &str| json!({ "userName": name, "title": "Lead", "active": true });
    let mut users: Vec<String> =
        ["bob", "cyd", "dan", "eve", "owner"].map(|name| acme.pushed(&key, &user(name))).to_vec();
    let by_action = |acme: &mut Acme, action: &str| {
        let found = acme.changes(&format!("?action={action}&status=pending"));
        found.last().unwrap()["id"].as_str().unwrap().to_owned()
    };
    acme.delete_by(&key, &users[0]);
    acme.delete_by(&key, &users[1]);
    let number = by_action(&mut acme, "delete");
    assert_eq!(acme.decide(&number, "reject").status, 200);
    acme.admin("POST", &format!("/users/{}/unlink", users[2]), &json!({ "connection": "okta" }));
    let all = json!({ "create": "manual", "update": "manual", "deactivate": "manual" });
    acme.policy(&json!({ "review": all }));
    acme.replace_by(&key, &users[3], "title", json!("x"));
    acme.policy(&json!({ "review": { "deactivate": "auto" }, "guards": [{ "role": "owner" }] }));
    acme.admin("POST", &format!("/users/{}/grants", users[4]), &json!({ "role": "owner" }));
    let off =
        crate::steps::patch_op(&json!([{ "op": "replace", "path": "active", "value": false }]));
    let path = format!("/Users/{}", users[4]);
    assert_eq!(acme.scim_with("PATCH", &path, &off, &key, &[]).status, 400);
    for name in ["new", "unwanted"] {
        users.push(acme.pushed(&key, &user(name)));
    }
    let number = by_action(&mut acme, "create");
    assert_eq!(acme.decide(&number, "reject").status, 200);
    (acme, users)
}

/// What there is to decide, without what numbers it.
fn told(acme: &mut Acme) -> Vec<Value> {
    let mut changes = acme.changes("?limit=1000");
    for change in &mut changes {
        change.as_object_mut().unwrap().remove("id");
    }
    changes
}

fn seen(acme: &mut Acme) -> Vec<Value> {
    let body = json!({ "name": "k", "scopes": ["scim"], "connection": "okta" });
    let key = acme.mint_with(&body);
    let found = acme.with_key(&key, |acme| acme.get("/Users?attributes=id"));
    let mut users = found["Resources"].as_array().unwrap().clone();
    users.iter_mut().for_each(|user| drop(user.as_object_mut().unwrap().remove("meta")));
    users
}

#[test]
fn what_awaits_a_decision_moves_and_nobody_holds_more_meanwhile() {
    for limit in [1, 4, 1_000] {
        let (mut acme, users) = undecided();
        assert_eq!(told(&mut acme).len(), 6);
        let pages = acme.export(limit);
        let mut other = Acme::named("other");
        let before: Vec<Value> = users.iter().map(|user| acme.access(user)).collect();
        for page in &pages {
            other.takes(page);
            other.get("/Users?count=0");
            other.alarms();
            let there = other.dump();
            let [imported, _, skipped] = other.takes(page);
            assert_eq!((imported, skipped), (0, 0));
            other.get("/Users?count=0");
            other.alarms();
            assert!(other.dump() == there, "what is there is not written again");
        }
        let without_number = |mut access: Value| {
            if let Some(change) = access.get_mut("change") {
                change.as_object_mut().unwrap().remove("id");
            }
            access
        };
        for (user, before) in users.iter().zip(before) {
            let (own, moved) = (without_number(before), without_number(other.access(user)));
            assert_eq!(moved, own);
        }
        assert_eq!(told(&mut other), told(&mut acme));
        assert_eq!(seen(&mut other), seen(&mut acme));
        // Nobody has held anything in between that was not approved.
        let revoked =
            |event: &Value| event["data"]["revoked"].as_array().is_some_and(|all| !all.is_empty());
        assert!(!other.events().iter().any(revoked));
        other.check_recomputed();
    }
}

#[test]
fn what_has_moved_is_decided_as_it_would_have_been() {
    let (mut acme, users) = undecided();
    let mut other = Acme::named("other");
    other.takes(&acme.export(1_000).concat());
    other.get("/Users?count=0");
    other.alarms();
    for change in other.changes("?status=pending") {
        let guarded = change["cause"] == "guard";
        let status = if guarded { 409 } else { 200 };
        assert_eq!(
            other.decide(change["id"].as_str().unwrap(), "approve").status,
            status,
            "{change}"
        );
    }
    assert_eq!(other.access(&users[0])["status"], "deprovisioned");
    assert_eq!(other.held(&users[3]), ["user@company"]);
    assert_eq!(other.held(&users[5]), ["lead@company", "user@company"]);
    for change in other.changes("?status=rejected&action=create") {
        assert_eq!(other.decide(change["id"].as_str().unwrap(), "retry").status, 200);
    }
    let linked =
        other.admin("POST", &format!("/users/{}/link", users[2]), &json!({ "connection": "okta" }));
    assert_eq!(linked.status, 200);
    other.check_recomputed();
}

#[test]
fn a_change_that_no_export_has_is_refused() {
    let (mut acme, _) = undecided();
    let pages = acme.export(1_000).concat();
    let mut other = Acme::named("other");
    other.takes(&pages);
    let lines: Vec<Value> = pages.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let change = lines.iter().find(|line| line["kind"] == "change").unwrap();
    for (field, value) in [
        ("user", json!(1)),
        ("action", json!("grow")),
        ("actions", json!(64)),
        ("actions", json!(300)),
        ("status", json!("approved")),
        ("cause", json!("whim")),
        ("connection", json!("entra")),
        ("approved", json!([{ "role": "" }])),
        ("approved", json!({})),
        ("about", json!([])),
        ("time", json!(i64::MAX)),
    ] {
        let mut faulty = change.clone();
        faulty[field] = value;
        other.refuses_import(&faulty.to_string(), (422, "faulty"));
    }
    let hidden = json!({ "kind": "hidden", "connection": "entra", "user": change["user"] });
    other.refuses_import(&hidden.to_string(), (422, "faulty"));
    let mut nobodys = change.clone();
    nobodys["user"] = json!("nobody");
    assert_eq!(other.takes(&nobodys.to_string()), [0, 0, 1]);
    let hidden = json!({ "kind": "hidden", "connection": "okta", "user": "nobody" });
    assert_eq!(other.takes(&hidden.to_string()), [0, 0, 1]);
}

#[test]
fn who_has_a_place_of_a_quota_keeps_it() {
    for limit in [1, 1_000] {
        let mut acme = Acme::new();
        let scarce = |name: &str| json!({ "value": name, "max": 1 });
        acme.policy(&json!({ "roles": [scarce("modeler"), scarce("clerk")],
            "mappings": [mapping("m", "userName pr", &["modeler", "reader"])] }));
        let users = ["ada", "bob", "eve"].map(|name| acme.user(name));
        for user in &users[..2] {
            acme.admin("POST", &format!("/users/{user}/grants"), &json!({ "role": "clerk" }));
        }
        // The first of them comes back behind the others.
        for action in ["suspend", "restore"] {
            acme.admin("POST", &format!("/users/{}/{action}", users[0]), &Value::Null);
        }
        let expected: Vec<Value> = users.iter().map(|user| acme.access(user)).collect();
        assert_eq!(acme.held(&users[1]), ["clerk@company", "modeler@company", "reader@company"]);
        let mut other = Acme::named("other");
        for page in acme.export(limit) {
            other.takes(&page);
            assert_eq!(other.takes(&page)[0], 0, "what is there is not written again");
            other.get("/Users?count=0");
            other.alarms();
        }
        let moved: Vec<Value> = users.iter().map(|user| other.access(user)).collect();
        assert_eq!(moved, expected);
        let revoked =
            |event: &Value| event["data"]["revoked"].as_array().is_some_and(|all| !all.is_empty());
        assert!(!other.events().iter().any(revoked));
        other.check_recomputed();
        let place = json!({ "kind": "place", "user": users[0], "role": "", "source": "x" });
        other.refuses_import(&place.to_string(), (422, "faulty"));
        for (user, role) in [(users[0].as_str(), "reader"), ("nobody", "modeler")] {
            let line =
                json!({ "kind": "place", "user": user, "role": role, "source": "mapping:m" });
            assert_eq!(other.takes(&line.to_string()), [0, 0, 1]);
        }
    }
}
