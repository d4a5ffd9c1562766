//! What a copy answers in the place of the tenant, to whom, and what it leaves to the tenant.

use muster::limits;
use serde_json::{Value, json};

use crate::access::mapping;
use crate::copies::{given, with_external};
use crate::scenario::Reply;
use crate::support::Acme;

/// A tenant with a user who holds something here and there, copied.
fn granted() -> (Acme, String) {
    let mut acme = given();
    let grants = json!([
        { "role": "clerk", "scope": "org/finance/app" }, { "role": "clerk", "scope": "org/x" },
        { "group": "Crew" },
    ]);
    let mut of_all = mapping("m", "title pr", &["lead"]);
    of_all["grants"]
        .as_array_mut()
        .expect("grants")
        .extend(grants.as_array().cloned().expect("grants"));
    acme.policy(&json!({ "mappings": [of_all] }));
    let ada = with_external(&mut acme, "Ada", "E1");
    acme.patch(
        &format!("/Users/{ada}"),
        &json!([{ "op": "add", "path": "title", "value": "Lead" }]),
    );
    acme.settle();
    (acme, ada)
}

/// A copy answers as the tenant does, and says as of when.
#[track_caller]
fn check_copied(acme: &mut Acme, path: &str) -> Value {
    let copied = acme.copied_access(path).unwrap_or_else(|| panic!("{path} is left to the tenant"));
    assert_eq!(copied.header("content-type"), Some("application/json"));
    let mut copied: Value = serde_json::from_slice(&copied.body).expect("JSON");
    let seq = copied.as_object_mut().and_then(|fields| fields.remove("asOf"));
    assert!(seq.is_some_and(|seq| seq.as_i64() > Some(0)), "{path}");
    let strong: Reply = acme.admin("GET", path, &Value::Null);
    assert_eq!((strong.status, strong.json()), (200, copied.clone()), "{path}");
    copied
}

#[test]
fn a_copy_answers_what_the_tenant_would() {
    let (mut acme, ada) = granted();
    for path in [
        "/access?userName=ada".to_owned(),
        "/access?username=ADA".to_owned(),
        "/access?externalId=E1".to_owned(),
        format!("/users/{ada}/access"),
    ] {
        let shown = check_copied(&mut acme, &path);
        assert_eq!(shown["grants"].as_array().map(Vec::len), Some(4));
        let and = if path.contains('?') { '&' } else { '?' };
        for (scope, count) in [("org/finance", 1), ("org", 2), ("company", 1), ("org/fin", 0)] {
            let shown = check_copied(&mut acme, &format!("{path}{and}scope={scope}"));
            assert_eq!(shown["grants"].as_array().map(Vec::len), Some(count), "{scope}");
        }
        let shown = check_copied(&mut acme, &format!("{path}{and}document=true&explain=false"));
        assert_eq!(shown["document"]["userName"], "Ada");
    }
    acme.patch(
        &format!("/Users/{ada}"),
        &json!([{ "op": "replace", "path": "active", "value": false }]),
    );
    acme.settle();
    let shown = check_copied(&mut acme, "/access?userName=ada&scope=org/x");
    assert_eq!(
        (&shown["status"], &shown["withheld"][0]["role"]),
        (&json!("suspended"), &json!("clerk"))
    );
    assert_eq!(shown["withheld"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_is_not_plain_is_left_to_the_tenant() {
    let (mut acme, ada) = granted();
    for (path, status) in [
        ("/access?userName=ada&consistency=strong", 200),
        ("/access?userName=ada&explain=true", 200),
        ("/access?userName=ada&map=crm", 400),
        ("/access?userName=ada&externalId=E1", 400),
        ("/access?subject=ada", 400),
        ("/access", 400),
        ("/access?userName=nobody", 404),
        ("/access?userName=e1", 404),
        ("/access?externalId=e1", 404),
        ("/access?userName=ada&scope=/", 400),
        ("/access?userName=ada&explain=1", 400),
        ("/access?userName=ada&document=1", 400),
        ("/users/nobody/access", 404),
        (&format!("/users/{ada}/grants"), 200),
    ] {
        assert!(acme.copied_access(path).is_none(), "{path}");
        assert_eq!(acme.admin("GET", path, &Value::Null).status, status, "{path}");
    }
}

#[test]
fn a_document_is_for_those_who_may_read_users() {
    let (mut acme, ada) = granted();
    let path = format!("/users/{ada}/access?document=true");
    let narrow = acme.mint(&["access:read"]);
    let wide = acme.mint(&["access:read", "scim.users:read"]);
    assert!(acme.copied_access_for(&path, &narrow).is_none());
    let full = format!("/v1/tenants/acme{path}");
    let refused = acme.ask("GET", &full, &Value::Null, &narrow);
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("insufficient_scope")));
    assert!(acme.copied_access_for(&path, &wide).is_some());
    assert_eq!(acme.ask("GET", &full, &Value::Null, &wide).status, 200);
    let plain = format!("/users/{ada}/access");
    assert!(acme.copied_access_for(&plain, &narrow).is_some());
}

#[test]
fn copies_are_for_keys_of_a_short_life() {
    let mut acme = Acme::new();
    let mut key = |ttl: &str| {
        let body = json!({ "name": "app", "scopes": ["access:read"], "ttl": ttl });
        format!("Bearer {}", acme.mint_with(&body))
    };
    let hour = format!("PT{}S", limits::COPY_READER_SECONDS);
    let longer = format!("PT{}S", limits::COPY_READER_SECONDS + 1);
    let (hour, longer) = (key(&hour), key(&longer));
    assert!(acme.gate.brief_since(Some(&hour), acme.now).is_some());
    assert_eq!(acme.gate.brief_since(Some(&longer), acme.now), None);
    for other in [None, Some("Bearer x"), Some(&*format!("Bearer {}", crate::support::ADMIN))] {
        assert_eq!(acme.gate.brief_since(other, acme.now), None);
    }
    acme.wait(limits::COPY_READER_SECONDS);
    assert_eq!(acme.gate.brief_since(Some(&hour), acme.now), None, "it has expired");
}

#[test]
fn a_value_that_is_no_copy_answers_nothing() {
    let (mut acme, ada) = granted();
    let path = format!("/users/{ada}/access");
    let there = acme.kv.there.clone();
    for value in ["", "[]", "{}", "{\"access\":1,\"seq\":1}", "{\"access\":{}}"] {
        for text in acme.kv.there.values_mut() {
            value.clone_into(text);
        }
        assert!(acme.copied_access(&path).is_none(), "{value}");
    }
    acme.kv.there = there;
    assert!(acme.copied_access(&path).is_some());
}

#[test]
fn a_key_from_before_there_were_copies_is_left_to_the_tenant() {
    let (mut acme, ada) = granted();
    let path = format!("/users/{ada}/access");
    let brief = json!({ "name": "app", "scopes": ["access:read"], "ttl": "PT1H" });
    let old = acme.mint_with(&brief);
    assert!(acme.copied_access_for(&path, &old).is_some());
    // It may be of a tenant that was there under the same name.
    acme.edge_reads(false);
    acme.settle();
    acme.wait(60);
    acme.edge_reads(true);
    acme.sleep();
    acme.get("/Users?count=0"); // Which wakes it, as its alarm would.
    acme.settle();
    assert!(acme.copied_access_for(&path, &old).is_none());
    let new = acme.mint_with(&brief);
    assert!(acme.copied_access_for(&path, &new).is_some());
}
