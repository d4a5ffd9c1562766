//! Which mappings count, for whom, and how access is found.

use serde_json::{Value, json};

use crate::access::{builders, check_refused, mapping};
use crate::steps::patch_op;
use crate::support::Acme;

#[test]
fn ol_04_who_is_not_in_scope_has_no_access_and_stays_in_the_directory() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [mapping("m", "active eq true", &["user"])] }));
    let key = acme.connection_key("okta", "active");
    let ada = acme.pushed(&key, &json!({ "userName": "ada", "active": true }));
    assert_eq!(acme.held(&ada), ["user@company"]);
    let group =
        acme.scim_with("POST", "/Groups", &json!({ "displayName": "CRM users" }), &key, &[]).json();
    let group = format!("/Groups/{}", group["id"].as_str().unwrap());
    let scope = json!({ "inScope": "groups.display eq \"CRM users\"" });
    assert_eq!(acme.admin("PATCH", "/connections/okta", &scope).status, 200);
    let access = acme.access(&ada);
    assert_eq!(
        (&access["status"], &access["reasons"]),
        (&json!("revoked"), &json!(["out_of_scope"]))
    );
    for (op, held) in [("add", vec!["user@company"]), ("remove", vec![])] {
        let body = patch_op(&json!([{ "op": op, "path": "members", "value": [{ "value": ada }] }]));
        assert!(acme.scim_with("PATCH", &group, &body, &key, &[]).status < 300);
        assert_eq!(acme.held(&ada), held);
    }
    assert_eq!(acme.scim("GET", &format!("/Users/{ada}"), &Value::Null).status, 200);
    let refused =
        acme.admin("PATCH", "/connections/okta", &json!({ "inScope": "groups.display eq" }));
    check_refused(&refused, 400, "malformed");
    acme.sleep();
    acme.check_recomputed();
}

#[test]
fn ol_26_mappings_have_an_order_and_one_may_end_it() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let with = |id: &str, priority: i64, stop: bool| {
        let mut one = mapping(id, "userName pr", &[id]);
        one["priority"] = priority.into();
        one["stop"] = stop.into();
        one
    };
    let all = json!([
        with("low", -1, false),
        with("b", 5, true),
        with("a", 5, false),
        with("top", 9, false)
    ]);
    acme.policy(&json!({ "mappings": all }));
    assert_eq!(
        acme.held(&ada),
        ["b@company", "top@company"],
        "of those alike, the first comes first"
    );
    acme.policy(&json!({ "mappingMode": "highest" }));
    assert_eq!(acme.held(&ada), ["top@company"]);
    let path = format!("/users/{ada}/access?explain=true");
    let explained = acme.admin("GET", &path, &Value::Null).json()["mappings"].clone();
    let results: Vec<&Value> =
        explained.as_array().unwrap().iter().map(|one| &one["result"]).collect();
    assert_eq!(results, ["matched", "outranked", "outranked", "outranked"]);
    acme.policy(&json!({ "mappingMode": "union" }));
    let explained = acme.admin("GET", &path, &Value::Null).json()["mappings"].clone();
    let results: Vec<&Value> =
        explained.as_array().unwrap().iter().map(|one| &one["result"]).collect();
    assert_eq!(results, ["matched", "matched", "stopped", "stopped"]);
}

#[test]
fn bd_02_access_is_found_by_name_and_is_of_now() {
    let mut acme = Acme::new();
    acme.policy(&builders());
    let (ada, group) = (acme.user("ada"), acme.group("Builders", &[]));
    let by_name = |acme: &mut Acme| acme.admin("GET", "/access?userName=ADA", &Value::Null).json();
    for (op, count) in [("add", 1), ("remove", 0)] {
        acme.member(op, &group, &ada);
        assert_eq!(by_name(&mut acme)["grants"].as_array().unwrap().len(), count);
    }
    for name in ["b", "c"] {
        acme.post("/Users", &json!({ "userName": name, "externalId": "same" }));
    }
    for (query, status, code) in [
        ("?userName=nobody", 404, "not_found"),
        ("?externalId=same", 409, "conflict"),
        ("", 400, "malformed"),
        ("?userName=a&externalId=b", 400, "malformed"),
    ] {
        check_refused(&acme.admin("GET", &format!("/access{query}"), &Value::Null), status, code);
    }
    let nobody = acme.admin("GET", "/users/none/access", &Value::Null);
    check_refused(&nobody, 404, "not_found");
}

#[test]
fn bd_22_what_one_group_takes_away_another_may_still_earn() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [
        mapping("a", "groups.display eq \"A\"", &["r1", "r2"]),
        mapping("b", "groups.display eq \"B\"", &["r2", "r3"]),
    ] }));
    let ada = acme.user("ada");
    let (a, _b) = (acme.group("A", &[&ada]), acme.group("B", &[&ada]));
    assert_eq!(acme.held(&ada), ["r1@company", "r2@company", "r2@company", "r3@company"]);
    acme.member("remove", &a, &ada);
    assert_eq!(acme.held(&ada), ["r2@company", "r3@company"]);
    acme.check_recomputed();
}
