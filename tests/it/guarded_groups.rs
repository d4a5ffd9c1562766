//! What a guard refuses of groups: whole, in words that name it, and told to whoever looks after the
//! connection. It is no change of one user that could be approved; sent again, it passes once it may.

use serde_json::{Value, json};

use crate::access::mapping;
use crate::steps::patch_op;
use crate::support::Acme;

const WORDS: &str = "a guard of the role `owner` demands that at least 1 active users hold it";

/// A connection's group that makes its two members owners, and the requests that would leave none.
fn owners() -> (Acme, String, String, Vec<(&'static str, Value, u16)>) {
    let mut acme = Acme::new();
    acme.policy(&json!({
        "mappings": [mapping("m", "groups.display eq \"Owners\"", &["owner"])],
        "guards": [{ "role": "owner" }],
    }));
    let key = acme.connection_key("okta", "active");
    let users = ["ada", "bob"].map(|name| acme.pushed(&key, &json!({ "userName": name })));
    let group = acme.with_key(&key, |acme| acme.group("Owners", &[&users[0], &users[1]]));
    let gone: Vec<Value> = users.iter().map(|id| json!({ "value": id })).collect();
    let operations = patch_op(&json!([
        { "op": "add", "path": "externalId", "value": "x" },
        { "op": "remove", "path": "members", "value": [gone[0]] },
        { "op": "remove", "path": "members", "value": [gone[1]] },
    ]));
    let renamed = patch_op(&json!([{ "op": "replace", "path": "displayName", "value": "Former" }]));
    let requests = vec![
        ("PATCH", operations, 400),
        ("PATCH", renamed, 400),
        ("PUT", json!({ "displayName": "Owners", "members": [] }), 400),
        ("DELETE", Value::Null, 409),
    ];
    (acme, key, group, requests)
}

#[test]
fn bz_19_what_is_refused_of_a_group_is_refused_whole_and_told() {
    let (mut acme, key, group, requests) = owners();
    let path = format!("/Groups/{group}");
    for (method, body, status) in &requests {
        let kind = if *status == 400 { "mutability" } else { "" };
        acme.with_key(&key, |acme| acme.refused(method, &path, body, (*status, kind, WORDS)));
    }
    assert_eq!(acme.changes(""), Vec::<Value>::new(), "nobody is asked to approve it");
    let health =
        |acme: &mut Acme| acme.admin("GET", "/connections/okta/health", &Value::Null).json();
    let warnings = health(&mut acme)["warnings"].as_array().unwrap().clone();
    let warned = warnings.iter().find(|one| one["code"] == "guard_refused").unwrap();
    assert!(warned["detail"].as_str().unwrap().contains("give that to somebody else"));
    let told = acme.admin("GET", "/requests?connection=okta&status=4xx", &Value::Null).json();
    let told: Vec<Value> =
        told["items"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(told, [409, 400, 400, 400]);
    acme.check_recomputed();
}

#[test]
fn bz_19_it_passes_when_it_is_sent_again_and_may() {
    for number in 0..4 {
        let (mut acme, key, group, requests) = owners();
        let (method, body, status) = &requests[number];
        let send = |acme: &mut Acme| {
            acme.scim_with(method, &format!("/Groups/{group}"), body, &key, &[]).status
        };
        assert_eq!(send(&mut acme), *status);
        let eve = acme.user("eve");
        let grant = json!({ "role": "owner" });
        assert_eq!(acme.admin("POST", &format!("/users/{eve}/grants"), &grant).status, 201);
        assert!(send(&mut acme) < 300);
        assert_eq!(acme.held(&eve), ["owner@company"]);
        acme.check_recomputed();
    }
}
