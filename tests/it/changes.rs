//! Review: what a connection does awaits approval, SCIM answers as if it were done, and access stays
//! what was approved last.

use muster::limits;
use serde_json::{Value, json};

use crate::access::{check_refused, mapping};
use crate::scenario::Reply;
use crate::steps::{check_problem, patch_op};
use crate::support::Acme;

/// A tenant whose active users hold `user`, with an active connection and its key, and some actions
/// that await approval.
pub(crate) fn reviewed(review: &Value) -> (Acme, String) {
    let mut acme = Acme::new();
    acme.policy(&json!({
        "mappings": [
            mapping("u", "userName pr", &["user"]), mapping("l", "title eq \"Lead\"", &["lead"]),
            mapping("g", "groups.display eq \"Builders\"", &["builder"]),
        ],
        "review": review,
    }));
    let key = acme.connection_key("okta", "active");
    (acme, key)
}

/// A user as an identity provider sends one.
pub(crate) fn ada() -> Value {
    json!({ "userName": "ada", "externalId": "e1", "active": true })
}

impl Acme {
    /// The changes that a list has.
    #[track_caller]
    pub(crate) fn changes(&mut self, query: &str) -> Vec<Value> {
        let reply = self.admin("GET", &format!("/changes{query}"), &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()["items"].as_array().unwrap().clone()
    }

    /// Decides on a change.
    pub(crate) fn decide(&mut self, id: &str, action: &str) -> Reply {
        let reason = json!({ "reason": "as agreed" });
        self.admin("POST", &format!("/changes/{id}/{action}"), &reason)
    }

    /// Decides on the only change there is.
    #[track_caller]
    pub(crate) fn decide_only(&mut self, action: &str) -> Value {
        let changes = self.changes("");
        assert_eq!(changes.len(), 1, "{changes:?}");
        let reply = self.decide(changes[0]["id"].as_str().unwrap(), action);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()
    }

    /// Replaces a value of a user by a key.
    #[track_caller]
    pub(crate) fn replace_by(&mut self, key: &str, id: &str, path: &str, value: Value) {
        let body = patch_op(&json!([{ "op": "replace", "path": path, "value": value }]));
        let reply = self.scim_with("PATCH", &format!("/Users/{id}"), &body, key, &[]);
        assert_eq!(reply.status, 200, "{}", reply.json());
    }

    /// Deletes a user by a key.
    #[track_caller]
    pub(crate) fn delete_by(&mut self, key: &str, id: &str) {
        let path = format!("/Users/{id}");
        assert_eq!(self.scim_with("DELETE", &path, &Value::Null, key, &[]).status, 204);
    }

    /// Status, grants and reasons of a user.
    #[track_caller]
    pub(crate) fn check_access(&mut self, id: &str, status: &str, held: &[&str], reasons: &[&str]) {
        let access = self.access(id);
        assert_eq!((&access["status"], &access["reasons"]), (&json!(status), &json!(reasons)));
        let held: Vec<String> = held.iter().map(|role| format!("{role}@company")).collect();
        assert_eq!(self.held(id), held, "{access}");
        self.check_recomputed();
    }
}

#[test]
fn ol_19_review_per_action() {
    let (mut acme, key) = reviewed(&json!({ "create": "manual" }));
    let reply = acme.scim_with("POST", "/Users", &ada(), &key, &[]);
    assert_eq!((reply.status, &reply.json()["active"]), (201, &json!(true)));
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    acme.check_access(&id, "pending", &[], &["change_pending"]);
    let access = acme.access(&id);
    assert_eq!(access["withheld"][0]["reason"], "change_pending");
    let pending = acme.changes("?status=pending");
    assert_eq!(access["change"], pending[0]);
    let expected = json!({
        "id": pending[0]["id"], "user": id, "action": "create", "status": "pending", "cause": "review",
        "connection": "okta", "actor": pending[0]["actor"], "createdAt": "2026-09-21T14:13:20.000Z",
    });
    assert_eq!(pending, [expected]);
    let events = acme.events();
    let told = &events.last().unwrap()["data"];
    assert_eq!(events.last().unwrap()["type"], "change.pending");
    assert_eq!(
        (&told["id"], &told["change"], &told["action"], &told["connection"]),
        (&json!(id), &told["seq"].to_string().into(), &json!("create"), &json!("okta"))
    );
    // A key without a connection is a person's.
    let bob = acme.user("bob");
    acme.check_access(&bob, "granted", &["user"], &[]);
    acme.sleep();
    let decided = acme.decide_only("approve");
    assert_eq!(
        (&decided["status"], &decided["reason"]),
        (&json!("provisioned"), &json!("as agreed"))
    );
    acme.check_access(&id, "granted", &["user"], &[]);
    let events = acme.events();
    let approved = &events[events.len() - 2];
    assert_eq!(approved["type"], "change.approved");
    let data = &approved["data"];
    assert_eq!(
        (&data["actor"], &data["connection"], &data["reason"]),
        (&json!("admin"), &json!("okta"), &json!("as agreed"))
    );
    assert_eq!(acme.rows("changes"), 0);
}

#[test]
fn ol_29_approve_and_reject() {
    let (mut acme, key) = reviewed(&json!({ "create": "manual" }));
    let id = acme.pushed(&key, &ada());
    let record = acme.get(&format!("/Users/{id}"));
    let change = acme.decide_only("reject");
    assert_eq!((&change["status"], &change["decidedBy"]), (&json!("rejected"), &json!("admin")));
    acme.check_access(&id, "denied", &[], &["change_denied"]);
    assert_eq!(acme.get(&format!("/Users/{id}")), record);
    let number = change["id"].as_str().unwrap();
    for action in ["approve", "reject"] {
        check_refused(&acme.decide(number, action), 409, "conflict");
    }
    // What the connection says later changes nothing of that.
    acme.replace_by(&key, &id, "title", json!("Lead"));
    acme.check_access(&id, "denied", &[], &["change_denied"]);
    assert_eq!(acme.decide(number, "retry").json()["status"], "pending");
    acme.check_access(&id, "pending", &[], &["change_pending"]);
    check_refused(&acme.decide(number, "retry"), 409, "conflict");
    assert_eq!(acme.decide(number, "approve").status, 200);
    acme.check_access(&id, "granted", &["lead", "user"], &[]);
    for action in ["approve", "reject", "retry"] {
        let twice = acme.decide(number, action);
        check_problem(&twice, (409, "conflict", "the change has been decided"), action);
    }
    for unknown in ["1", "0", "-1", "999999", "x", "18446744073709551616"] {
        assert_eq!(acme.decide(unknown, "approve").status, 404, "{unknown}");
    }
}

#[test]
fn who_decides_and_why() {
    let (mut acme, key) = reviewed(&json!({ "create": "manual" }));
    acme.pushed(&key, &ada());
    let path = format!("/changes/{}/approve", acme.changes("")[0]["id"].as_str().unwrap());
    let most = limits::REASON_CHARACTERS;
    for reason in [json!("x".repeat(most + 1)), json!(1)] {
        let detail = format!("`reason` is not a text of at most {most} characters");
        let problem = (400, "malformed", detail.as_str());
        acme.admin_refused("POST", &path, &json!({ "reason": reason }), problem);
    }
    let problem = (400, "malformed", "`why` is no field of a decision");
    acme.admin_refused("POST", &path, &json!({ "why": "x" }), problem);
    let url = format!("/v1/tenants/acme{path}");
    let of_okta = json!({ "name": "k", "scopes": ["changes:decide"], "connection": "okta" });
    let of_okta = acme.mint_with(&of_okta);
    assert_eq!(acme.ask("POST", &url, &Value::Null, &of_okta).status, 403, "its own doing");
    let reader = acme.mint(&["config:read"]);
    assert_eq!(acme.ask("POST", &url, &Value::Null, &reader).status, 403);
    let listed = acme.ask("GET", "/v1/tenants/acme/changes", &Value::Null, &reader);
    assert_eq!(listed.json()["items"].as_array().unwrap().len(), 1);
    let decider = acme.mint(&["changes:decide"]);
    assert_eq!(
        acme.ask("POST", &url, &json!({ "reason": "x".repeat(most) }), &decider).status,
        200
    );
}

#[test]
fn ol_19_an_update_is_held_and_a_second_one_with_it() {
    let (mut acme, key) = reviewed(&json!({ "update": "manual" }));
    let id = acme.pushed(&key, &ada());
    acme.check_access(&id, "granted", &["user"], &[]);
    acme.replace_by(&key, &id, "title", json!("Lead"));
    acme.check_access(&id, "granted", &["user"], &["change_pending"]);
    assert_eq!(acme.get(&format!("/Users/{id}"))["title"], "Lead");
    let (before, seen) = (acme.changes(""), acme.events().len());
    acme.replace_by(&key, &id, "nickName", json!("A"));
    assert_eq!(acme.changes(""), before);
    assert_eq!(acme.event_types(seen), ["user.updated"]);
    assert_eq!(acme.decide_only("approve")["action"], "update");
    acme.check_access(&id, "granted", &["lead", "user"], &[]);
    // Rejected, it stays as it was approved last, until there is another.
    acme.replace_by(&key, &id, "title", json!("x"));
    acme.decide_only("reject");
    acme.check_access(&id, "granted", &["lead", "user"], &["change_denied"]);
    acme.replace_by(&key, &id, "nickName", json!("B"));
    acme.check_access(&id, "granted", &["lead", "user"], &["change_pending"]);
    acme.decide_only("approve");
    acme.check_access(&id, "granted", &["user"], &[]);
}

#[test]
fn ol_19_a_deactivation_is_held_and_taken_back_by_its_opposite() {
    let (mut acme, key) = reviewed(&json!({ "deactivate": "manual", "reactivate": "manual" }));
    let id = acme.pushed(&key, &ada());
    acme.replace_by(&key, &id, "active", json!(false));
    acme.check_access(&id, "granted", &["user"], &["change_pending"]);
    let seen = acme.events().len();
    acme.replace_by(&key, &id, "active", json!(true));
    acme.check_access(&id, "granted", &["user"], &[]);
    assert_eq!(acme.event_types(seen), ["user.activated", "change.rejected"]);
    assert_eq!(acme.events()[seen + 1]["data"]["superseded"], true);
    acme.replace_by(&key, &id, "active", json!(false));
    acme.decide_only("approve");
    acme.check_access(&id, "suspended", &[], &["inactive"]);
    acme.replace_by(&key, &id, "active", json!(true));
    acme.check_access(&id, "pending", &[], &["change_pending"]);
    acme.decide_only("reject");
    acme.check_access(&id, "denied", &[], &["change_denied"]);
    acme.decide_only("retry");
    acme.decide_only("approve");
    acme.check_access(&id, "granted", &["user"], &[]);
}

#[test]
fn what_needs_no_approval_counts_beside_what_does() {
    let (mut acme, key) = reviewed(&json!({ "update": "manual" }));
    let id = acme.pushed(&key, &ada());
    acme.replace_by(&key, &id, "title", json!("Lead"));
    // A deactivation is not held; nor is what a person decides.
    acme.replace_by(&key, &id, "active", json!(false));
    acme.check_access(&id, "suspended", &[], &["inactive", "change_pending"]);
    acme.replace_by(&key, &id, "active", json!(true));
    acme.check_access(&id, "granted", &["user"], &["change_pending"]);
    assert_eq!(acme.admin("POST", &format!("/users/{id}/suspend"), &Value::Null).status, 200);
    acme.check_access(&id, "suspended", &[], &["suspended", "change_pending"]);
    assert_eq!(acme.admin("POST", &format!("/users/{id}/restore"), &Value::Null).status, 200);
    let grant = json!({ "role": "clerk" });
    assert_eq!(acme.admin("POST", &format!("/users/{id}/grants"), &grant).status, 201);
    acme.check_access(&id, "granted", &["clerk", "user"], &["change_pending"]);
    acme.replace_by(&acme.key.clone(), &id, "displayName", json!("by hand"));
    acme.check_access(&id, "granted", &["clerk", "user"], &["change_pending"]);
    assert_eq!(
        acme.admin("DELETE", &format!("/users/{id}/grants?role=clerk"), &Value::Null).status,
        204
    );
    acme.check_access(&id, "granted", &["user"], &["change_pending"]);
}

#[test]
fn what_a_connection_does_by_a_group_is_an_update_of_its_members() {
    let (mut acme, key) = reviewed(&json!({ "update": "manual" }));
    let id = acme.pushed(&key, &ada());
    let body = json!({ "displayName": "Builders", "members": [{ "value": id }] });
    let group = acme.scim_with("POST", "/Groups", &body, &key, &[]).json();
    let group = group["id"].as_str().unwrap().to_owned();
    acme.check_access(&id, "granted", &["user"], &["change_pending"]);
    acme.decide_only("approve");
    acme.check_access(&id, "granted", &["builder", "user"], &[]);
    acme.with_key(&key, |acme| {
        acme.patch(
            &format!("/Groups/{group}"),
            &json!([{ "op": "replace", "path": "displayName", "value": "Others" }]),
        )
    });
    acme.check_access(&id, "granted", &["builder", "user"], &["change_pending"]);
    acme.decide_only("reject");
    acme.check_access(&id, "granted", &["builder", "user"], &["change_denied"]);
    // By hand it needs no approval.
    let bob = acme.user("bob");
    acme.group("Builders", &[&bob]);
    acme.check_access(&bob, "granted", &["builder", "user"], &[]);
}

#[test]
fn ol_27_each_filter_alone_and_combined() {
    let (mut acme, key) = reviewed(&json!({ "create": "manual", "delete": "manual" }));
    let entra = acme.connection_key("entra", "active");
    let mut users = Vec::new();
    for number in 0..4 {
        let key = if number % 2 == 0 { &key } else { &entra };
        users.push(acme.pushed(key, &json!({ "userName": format!("u{number}") })));
        acme.wait(1);
    }
    let first = acme.changes("")[0]["id"].as_str().unwrap().to_owned();
    acme.decide(&first, "approve");
    acme.delete_by(&key, &users[0]);
    let second = acme.changes("")[0]["id"].as_str().unwrap().to_owned();
    acme.decide(&second, "reject");
    let named = |acme: &mut Acme, query: &str| -> Vec<usize> {
        let changes = acme.changes(query);
        let numbers: Vec<i64> =
            changes.iter().map(|one| one["id"].as_str().unwrap().parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "{query}: in the order of the feed");
        let user = |one: &Value| users.iter().position(|user| one["user"] == **user).unwrap();
        changes.iter().map(user).collect()
    };
    let (of_two, after) = (format!("?user={}", users[2]), format!("?after={second}"));
    let both = format!("?action=create&status=pending&connection=entra&after={second}");
    for (query, expected) in [
        ("", vec![1, 2, 3, 0]),
        ("?action=delete", vec![0]),
        ("?action=create", vec![1, 2, 3]),
        ("?status=rejected", vec![1]),
        ("?status=pending", vec![2, 3, 0]),
        ("?status=provisioned", vec![]),
        ("?connection=okta", vec![2, 0]),
        (&of_two, vec![2]),
        (&after, vec![2, 3, 0]),
        (&both, vec![3]),
        ("?after=2026-09-21T14:13:21Z", vec![2, 3, 0]),
        ("?after=2026-09-21T14:13:22Z&action=create", vec![3]),
        ("?user=nobody", vec![]),
    ] {
        assert_eq!(named(&mut acme, query), expected, "{query}");
        // Page by page it is the same.
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let sign = if query.is_empty() { "?" } else { "&" };
            let path = format!("/changes{query}{sign}limit=1&cursor={cursor}");
            let page = acme.admin("GET", &path, &Value::Null).json();
            walked.extend(page["items"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(walked, acme.changes(query), "{query}");
    }
    for query in ["?action=x", "?status=x", "?after=x", "?limit=x", "?cursor=x"] {
        let reply = acme.admin("GET", &format!("/changes{query}"), &Value::Null);
        check_refused(&reply, 400, "malformed");
    }
}

#[test]
fn ol_28_the_same_of_a_user() {
    let (mut acme, key) = reviewed(&json!({ "create": "manual" }));
    let id = acme.pushed(&key, &ada());
    acme.pushed(&key, &json!({ "userName": "bob" }));
    let all = acme.changes("");
    let of_user = |acme: &mut Acme, id: &str, query: &str| {
        acme.admin("GET", &format!("/users/{id}/changes{query}"), &Value::Null)
    };
    assert_eq!(of_user(&mut acme, &id, "").json(), json!({ "items": [all[0]] }));
    assert_eq!(of_user(&mut acme, &id, "?action=update").json()["items"], json!([]));
    assert_eq!(of_user(&mut acme, "nobody", "").status, 404);
}

#[test]
fn ol_32_what_nobody_delivers_is_provisioned_once_it_is_done() {
    let (mut acme, key) = reviewed(&json!({}));
    let id = acme.pushed(&key, &ada());
    acme.replace_by(&key, &id, "title", json!("Lead"));
    acme.check_access(&id, "granted", &["lead", "user"], &[]);
    acme.replace_by(&key, &id, "active", json!(false));
    for status in ["pending", "provisioning", "modifying", "failed", "deleting", "unknown"] {
        assert_eq!(acme.changes(&format!("?status={status}")), Vec::<Value>::new(), "{status}");
    }
    assert_eq!(acme.rows("changes"), 0);
}

#[test]
fn what_is_reviewed_is_part_of_the_policies() {
    let mut acme = Acme::new();
    let shown = acme.policy(&json!({}));
    let auto = json!({ "create": "auto", "delete": "auto", "deactivate": "auto", "reactivate": "auto",
        "update": "auto" });
    assert_eq!((&shown["review"], &shown["massChangeBrake"]), (&auto, &Value::Null));
    acme.policy(&json!({ "review": { "delete": "manual" } }));
    acme.policy(&json!({ "review": { "update": "manual" }, "massChangeBrake": { "percent": 20 } }));
    acme.sleep();
    let shown = acme.policy(&json!({ "review": { "update": "auto" } }));
    assert_eq!(shown["review"]["delete"], "manual", "what is not mentioned stays");
    assert_eq!(shown["massChangeBrake"], json!({ "percent": 20, "min": 0 }));
    for (document, at) in [
        (json!({ "review": "manual" }), "/review"),
        (json!({ "review": { "create": "ask" } }), "/review/create"),
        (json!({ "review": { "link": "auto" } }), "/review/link"),
        (json!({ "massChangeBrake": 1 }), "/massChangeBrake"),
        (json!({ "massChangeBrake": { "min": 1 } }), "/massChangeBrake/percent"),
        (json!({ "massChangeBrake": { "percent": 101 } }), "/massChangeBrake/percent"),
        (
            json!({ "massChangeBrake": { "percent": 1, "min": limits::BRAKE_MIN + 1 } }),
            "/massChangeBrake/min",
        ),
        (json!({ "massChangeBrake": { "percent": 1, "max": 1 } }), "/massChangeBrake/max"),
    ] {
        let refused = acme.admin("PUT", "/policies", &document);
        assert_eq!((refused.status, &refused.json()["faults"][0]["path"]), (422, &json!(at)));
    }
    assert_eq!(acme.policy(&json!({ "massChangeBrake": null }))["massChangeBrake"], Value::Null);
}
