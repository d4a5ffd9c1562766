//! Where what is held meets what else may happen to a user: links, other connections, brakes, copies.

use serde_json::{Value, json};

use crate::access::mapping;
use crate::changes::{ada, reviewed};
use crate::support::Acme;

/// A user whose deletion by a connection is held, and a key of another one.
fn deleted() -> (Acme, String, String, String) {
    let (mut acme, okta) = reviewed(&json!({ "delete": "manual" }));
    let entra = acme.connection_key("entra", "active");
    let id = acme.pushed(&okta, &ada());
    acme.delete_by(&okta, &id);
    (acme, okta, entra, id)
}

fn status_for(acme: &mut Acme, key: &str, id: &str) -> u16 {
    acme.scim_with("GET", &format!("/Users/{id}"), &Value::Null, key, &[]).status
}

#[test]
fn who_is_unlinked_or_linked_is_not_deleted_by_what_was_held() {
    for linked in [false, true] {
        let (mut acme, okta, entra, id) = deleted();
        acme.sets_link(&id, "okta", linked);
        assert_eq!(acme.changes(""), Vec::<Value>::new(), "{linked}");
        assert_eq!(status_for(&mut acme, &okta, &id), if linked { 200 } else { 404 });
        if !linked {
            acme.replace_by(&entra, &id, "title", json!("Lead"));
            let again = acme.scim_with("POST", "/Users", &ada(), &okta, &[]);
            assert_eq!(again.status, 409, "who was unlinked is linked by hand");
        }
        acme.check_access(&id, "granted", if linked { &["user"] } else { &["lead", "user"] }, &[]);
    }
}

#[test]
fn a_deletion_is_forgotten_with_its_connection() {
    let (mut acme, _, entra, id) = deleted();
    assert!(acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null).status < 300);
    acme.settle();
    assert_eq!(acme.changes(""), Vec::<Value>::new());
    acme.replace_by(&entra, &id, "title", json!("Lead"));
    acme.check_access(&id, "granted", &["lead", "user"], &[]);
}

#[test]
fn what_was_rejected_is_not_brought_up_against_another_connection() {
    let (mut acme, okta, entra, id) = deleted();
    acme.decide_only("reject");
    acme.replace_by(&entra, &id, "title", json!("Lead"));
    let change = acme.changes("?status=rejected")[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(acme.decide(&change, "retry").status, 409);
    assert_eq!(status_for(&mut acme, &okta, &id), 200);
    acme.replace_by(&entra, &id, "title", json!("x"));
}

#[test]
fn who_is_unlinked_is_unknown_whatever_is_held() {
    let (mut acme, okta) = reviewed(&json!({ "update": "manual" }));
    let id = acme.pushed(&okta, &ada());
    acme.replace_by(&okta, &id, "title", json!("Lead"));
    acme.sets_link(&id, "okta", false);
    let access = acme.access(&id);
    assert_eq!((&access["status"], &access["grants"]), (&json!("unknown"), &json!([])));
    acme.check_recomputed();
}

#[test]
fn a_group_that_changes_nothing_of_a_users_access_holds_nothing() {
    let (mut acme, okta) = reviewed(&json!({ "update": "manual" }));
    let mut both = mapping("b", "userName pr", &["zebra"]);
    both["grants"].as_array_mut().unwrap().push(json!({ "group": "Crew" }));
    acme.policy(&json!({ "mappings": [both] }));
    let id = acme.pushed(&okta, &ada());
    acme.with_key(&okta, |acme| acme.group("Unrelated", &[&id]));
    assert_eq!(acme.changes(""), Vec::<Value>::new());
    assert_eq!(acme.access(&id)["reasons"], json!([]));
}

#[test]
fn a_brake_holds_on_where_its_first_joins_what_was_held_before() {
    let (mut acme, okta) = reviewed(&json!({ "update": "manual" }));
    acme.policy(&json!({ "massChangeBrake": { "percent": 20, "min": 2 } }));
    let users: Vec<String> =
        (0..10).map(|n| acme.pushed(&okta, &json!({ "userName": format!("u{n}") }))).collect();
    for user in &users {
        acme.replace_by(&okta, user, "title", json!("Lead"));
    }
    for user in &users[..8] {
        acme.delete_by(&okta, user);
    }
    assert_eq!(acme.get("/Users")["totalResults"], 8, "two are not more than two");
    let held = acme.changes("?status=pending&action=delete");
    assert_eq!(held.len(), 6);
    assert!(held.iter().all(|change| change["cause"] == "brake"), "{held:?}");
}

#[test]
fn a_copy_tells_what_awaits_approval_and_that_it_does_no_more() {
    let mut acme = crate::copies::given();
    acme.policy(&json!({ "review": { "create": "manual" } }));
    let okta = acme.connection_key("okta", "active");
    let id = acme.pushed(&okta, &ada());
    acme.settle();
    let path = format!("/users/{id}/access");
    let copied = |acme: &mut Acme| -> Value {
        let copy = acme.copied_access(&path).expect("a copy");
        serde_json::from_slice::<Value>(&copy.body).expect("JSON")["status"].clone()
    };
    assert_eq!(copied(&mut acme), "pending");
    acme.decide_only("approve");
    acme.settle();
    assert_eq!(copied(&mut acme), "none");
}

#[test]
fn ol_20_what_a_deletion_kept_ends_where_the_user_returns() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "deprovision": { "deleted": "keep" } }));
    let okta = acme.connection_key("okta", "active");
    let id = acme.pushed(&okta, &ada());
    let grant = json!({ "role": "owner" });
    assert_eq!(acme.admin("POST", &format!("/users/{id}/grants"), &grant).status, 201);
    acme.delete_by(&okta, &id);
    assert_eq!(acme.access(&id)["grants"][0]["role"], "owner");
    assert_eq!(acme.pushed(&okta, &ada()), id);
    assert_eq!(acme.access(&id)["grants"], json!([]));
    let told = acme.access_events(&id);
    assert_eq!(told.last().unwrap()["revoked"][0]["role"], "owner");
}

/// A connection whose only user a guard keeps, after it has refused to lose that user.
fn refused() -> (Acme, String, String) {
    let (mut acme, okta) = reviewed(&json!({}));
    acme.policy(&json!({ "guards": [{ "role": "user", "min": 1 }] }));
    let id = acme.pushed(&okta, &ada());
    let path = format!("/Users/{id}");
    assert_eq!(acme.scim_with("DELETE", &path, &Value::Null, &okta, &[]).status, 409);
    assert_eq!(acme.changes("").len(), 1);
    (acme, okta, id)
}

#[test]
fn what_a_guard_refused_is_taken_back_by_who_says_the_opposite() {
    let (mut acme, okta, id) = refused();
    acme.replace_by(&okta, &id, "active", json!(true));
    assert_eq!(acme.changes(""), Vec::<Value>::new());
    assert_eq!(acme.events().last().unwrap()["type"], "change.rejected");
    let (mut acme, _, id) = refused();
    acme.user("bob");
    acme.sets_link(&id, "okta", false);
    assert_eq!(acme.changes(""), Vec::<Value>::new());
}

#[test]
fn what_a_connection_did_is_nobodys_once_it_has_left() {
    let (mut acme, okta) = reviewed(&json!({ "update": "manual" }));
    let id = acme.pushed(&okta, &ada());
    acme.replace_by(&okta, &id, "title", json!("Lead"));
    assert!(acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null).status < 300);
    acme.settle();
    acme.connection_key("okta", "active");
    assert_eq!(acme.changes("?connection=okta"), Vec::<Value>::new());
    assert_eq!(acme.changes("").len(), 1);
    acme.decide_only("approve");
    acme.check_access(&id, "granted", &["lead", "user"], &[]);
}

#[test]
fn what_a_brake_holds_is_decided_of_one_connection_that_is_named() {
    let (mut acme, _) = reviewed(&json!({}));
    let detail = "`connection` is no text";
    for body in [json!({}), json!({ "connection": null }), json!({ "connection": 1 })] {
        acme.admin_refused("POST", "/changes/approve", &body, (400, "malformed", detail));
    }
}

#[test]
fn a_key_of_a_connection_grants_to_its_own_users_alone() {
    let (mut acme, okta) = reviewed(&json!({}));
    let (own, other) = (acme.pushed(&okta, &ada()), acme.user("bob"));
    let body = json!({ "name": "o", "scopes": ["changes:decide"], "connection": "okta" });
    let key = acme.mint_with(&body);
    let role = json!({ "role": "clerk" });
    for (user, made, taken) in [(&own, 201, 204), (&other, 403, 403)] {
        let path = format!("/v1/tenants/acme/users/{user}/grants");
        assert_eq!(acme.ask("POST", &path, &role, &key).status, made);
        let path = format!("{path}?role=clerk");
        assert_eq!(acme.ask("DELETE", &path, &Value::Null, &key).status, taken);
    }
}
