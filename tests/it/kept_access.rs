//! What a tenant leaves to users who are deleted, until they are forgotten.

use muster::limits;
use serde_json::{Value, json};

use crate::access::{check_refused, mapping};
use crate::support::Acme;

/// A tenant of a choice, in which ada held a role when she was deleted; and her.
fn given(deleted: &str) -> (Acme, String) {
    let mut acme = Acme::new();
    acme.policy(&json!({
        "deprovision": { "deleted": deleted },
        "mappings": [mapping("m", "userName pr", &["r"]),
            { "id": "g", "grants": [{ "group": "Crew" }, { "role": "s", "scope": "org/x" }] }],
    }));
    let group = acme.group("Crew", &[]);
    let key = acme.connection_key("okta", "active");
    let ada = acme.pushed(&key, &json!({ "userName": "ada", "externalId": "e1" }));
    assert_eq!(acme.joined(&group).len(), 1);
    acme.delete_by(&key, &ada);
    assert_eq!(acme.joined(&group).len(), 0);
    acme.alarms();
    acme.sleep();
    (acme, ada)
}

fn granted() -> Value {
    json!([{ "role": "r", "scope": "company", "source": "mapping:m" },
        { "role": "s", "scope": "org/x", "source": "mapping:g" }])
}

#[test]
fn ol_20_a_deletion_that_keeps_access_leaves_it_until_retention_ends() {
    let (mut acme, ada) = given("keep");
    let expected = json!({ "id": ada, "status": "granted", "grants": granted(), "withheld": [],
        "reasons": ["deprovisioned"] });
    assert_eq!(acme.access(&ada), expected);
    for query in ["userName=ADA", "externalId=e1"] {
        let found = acme.admin("GET", &format!("/access?{query}"), &Value::Null);
        assert_eq!(found.json(), expected, "{query}");
    }
    let scoped = acme.admin("GET", &format!("/users/{ada}/access?scope=org"), &Value::Null).json();
    assert_eq!(scoped["grants"], json!([granted()[1]]));
    let odd = acme.admin("GET", &format!("/users/{ada}/access?scope=/"), &Value::Null);
    check_refused(&odd, 400, "malformed");
    let deleted = acme.events().into_iter().find(|event| event["type"] == "user.deleted").unwrap();
    assert_eq!(deleted["data"]["accessKept"], true);
    acme.wait(limits::RETAIN_SECONDS_DEFAULT);
    acme.alarms();
    let ended = acme.events().pop().unwrap();
    let data = &ended["data"];
    assert_eq!((&ended["type"], &data["id"]), (&json!("user.access.changed"), &json!(ada)));
    assert_eq!((&data["status"], &data["revoked"]), (&json!("deprovisioned"), &granted()));
    assert_eq!(acme.admin("GET", &format!("/users/{ada}/access"), &Value::Null).status, 404);
    assert_eq!(acme.admin("GET", "/access?userName=ada", &Value::Null).status, 404);
}

#[test]
fn a_deletion_that_suspends_access_withholds_it_and_one_that_ends_it_leaves_nothing() {
    let (mut acme, ada) = given("suspend");
    let access = acme.access(&ada);
    assert_eq!((&access["status"], &access["grants"]), (&json!("suspended"), &json!([])));
    assert_eq!(access["withheld"][0]["role"], "r");
    assert_eq!(access["withheld"][1]["reason"], "deprovisioned");
    let seen = acme.events().len();
    acme.wait(limits::RETAIN_SECONDS_DEFAULT);
    acme.alarms();
    assert_eq!(acme.events().len(), seen, "nothing ends that did not hold");
    let (mut acme, ada) = given("delete");
    let ended = json!({ "id": ada, "status": "deprovisioned", "grants": [], "withheld": [],
        "reasons": ["deprovisioned"] });
    assert_eq!(acme.access(&ada), ended);
    assert_eq!(acme.admin("GET", "/access?externalId=e1", &Value::Null).json(), ended);
}

#[test]
fn who_held_nothing_is_left_nothing_and_who_returns_is_a_user_like_others() {
    let (mut acme, ada) = given("keep");
    let bob = acme.user("bob");
    acme.admin("POST", &format!("/users/{bob}/suspend"), &Value::Null);
    acme.delete(&format!("/Users/{bob}"));
    assert_eq!(acme.access(&bob)["status"], "deprovisioned");
    let key = acme.mint_with(&json!({ "name": "k", "scopes": ["scim"], "connection": "okta" }));
    assert_eq!(acme.pushed(&key, &json!({ "userName": "ada" })), ada);
    let access = acme.access(&ada);
    assert_eq!((&access["status"], &access["reasons"]), (&json!("granted"), &json!([])));
    acme.check_recomputed();
}
