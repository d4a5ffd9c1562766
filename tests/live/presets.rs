//! Presets, which the edge answers by itself, and a connection's own rules.

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::tenant::Tenant;

#[test]
fn any_key_reads_the_presets() {
    let acme = Tenant::new("presets");
    let key = acme.mint(&["jit"]);
    let list = Ask::new("GET", "/v1/presets").bearer(&key).is(200).json();
    let items = list["items"].as_array().unwrap();
    assert_eq!((items.len(), list.get("next")), (10, None));
    for item in items {
        let path = format!("/v1/presets/{}", item["id"].as_str().unwrap());
        assert_eq!(&Ask::new("GET", &path).bearer(&key).is(200).json(), item);
        assert_eq!(&Ask::admin("GET", &path).is(200).json(), item);
    }
    let page = Ask::new("GET", "/v1/presets?limit=1&cursor=okta").bearer(&key).is(200).json();
    assert_eq!((&page["items"][0]["id"], &page["next"]), (&json!("onelogin"), &json!("onelogin")));
}

#[test]
fn what_is_no_preset_no_method_or_no_key_is_refused() {
    let key = Tenant::new("no-presets").key;
    for path in ["/v1/presets", "/v1/presets/okta"] {
        Ask::new("GET", path).is(401);
        Ask::new("GET", path).bearer("guess").is(401);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            assert_eq!(Ask::new(method, path).bearer(&key).is(405).header("allow"), "GET, HEAD");
        }
    }
    let reply = Ask::new("GET", "/v1/presets/nothing").bearer(&key).is(404);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.json()["code"], "not_found");
}

#[test]
fn a_connection_may_require_the_version_that_is_changed() {
    let mut acme = Tenant::new("rules");
    let body = json!({
        "id": "okta", "displayName": "Okta", "preset": "okta", "compat": { "requireIfMatch": true },
    });
    let made = acme.admin("POST", "/connections").json(&body).is(201).json();
    assert_eq!(made["compat"], body["compat"]);
    assert_eq!(acme.admin("GET", "/connections/okta").is(200).json(), made);
    let key = json!({ "name": "okta", "scopes": ["scim"], "connection": "okta" });
    acme.key = acme.mint_with(&key).field("/key");
    let path = format!("/Users/{}", acme.user("ada"));
    let title = json!({ "op": "add", "path": "title", "value": "Dev" });
    let refused = acme.patch(&path, &title).is(428).json();
    assert_eq!((&refused["status"], &refused["scimType"]), (&json!("428"), &Value::Null));
    acme.patch(&path, &title).header("if-match", "W/\"1\"").is(200);
    acme.patch(&path, &title).header("if-match", "W/\"1\"").is(412);
}

#[test]
fn a_rule_that_is_none_is_refused_by_its_name() {
    let acme = Tenant::new("no-rules");
    let body = json!({ "id": "okta", "displayName": "Okta", "compat": { "aliasses": true } });
    let problem = acme.admin("POST", "/connections").json(&body).is(400).json();
    assert_eq!(problem["detail"], "`compat.aliasses` is no rule");
}
