//! A Bulk request that is answered later, over HTTP.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::scenario::Reply;
use crate::tenant::Tenant;

const OPERATIONS: usize = 10_000;

/// How often it is asked whether a request is done, and how long is waited in between.
const ATTEMPTS: usize = 1_000;
const PAUSE: Duration = Duration::from_millis(250);

/// As a tenant's request of so many users and a group of the first and the last of them, in a body that is
/// too large for one that is answered at once.
fn operations() -> Value {
    let title = "x".repeat(400);
    let user = |number: usize| {
        let name = format!("u{number}");
        json!({ "method": "POST", "path": "/Users", "bulkId": name,
            "data": { "userName": name, "title": title } })
    };
    let members = json!([{ "value": "bulkId:u1" }, { "value": "bulkId:u9999" }]);
    let group = json!({ "method": "POST", "path": "/Groups", "bulkId": "g",
        "data": { "displayName": "g", "members": members } });
    std::iter::once(group).chain((1..OPERATIONS).map(user)).collect()
}

fn later(acme: &Tenant, operations: &Value) -> Ask {
    let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]);
    let body = json!({ "schemas": schemas, "Operations": operations });
    acme.scim("POST", "/Bulk").header("prefer", "respond-async").json(&body)
}

/// What has become of it, asked until it is known.
fn outcome(acme: &Tenant, txn: &str, mut meanwhile: impl FnMut(&Value)) -> Reply {
    for _ in 0..ATTEMPTS {
        let reply = acme.scim("GET", &format!("/Async/{txn}")).send();
        if reply.status != 202 {
            assert_eq!(reply.status, 200, "{}", reply.text());
            return reply;
        }
        meanwhile(&reply.json());
        thread::sleep(PAUSE);
    }
    panic!("{txn} goes on")
}

/// All events of asynchronous requests.
fn told(acme: &Tenant) -> Vec<Value> {
    let (mut after, mut told) = ("0".to_owned(), Vec::new());
    loop {
        let query = format!("/events?type=async.completed&limit=1000&after={after}");
        let page = acme.admin("GET", &query).is(200).json();
        told.extend(page["items"].as_array().expect("items").clone());
        let Some(next) = page["next"].as_str() else { return told };
        after = next.to_owned();
    }
}

#[test]
fn ten_thousand_operations_are_done_while_others_are_answered() {
    let acme = Tenant::new("later");
    let accepted = later(&acme, &operations()).is(202);
    assert_eq!((accepted.body.len(), accepted.header("preference-applied")), (0, "respond-async"));
    let txn = accepted.header("set-txn").to_owned();
    assert!(accepted.header("location").ends_with(&format!("{}/Async/{txn}", acme.path())));
    let mut between = 0;
    let answer = outcome(&acme, &txn, |progress| {
        acme.user(&format!("other-{between}"));
        assert_eq!(progress["operations"], OPERATIONS, "{progress}");
        between += usize::from(progress["done"].as_u64() > Some(0));
    });
    assert!(between > 0, "others were answered between its steps");
    let answer = answer.json();
    let answers = answer["Operations"].as_array().expect("a list");
    assert_eq!(answers.len(), OPERATIONS);
    assert!(answers.iter().all(|one| one["status"] == "201"), "{}", answers[0]);
    let group = answers[0]["location"].as_str().expect("a location");
    let path = group.split_once(&acme.path()).expect("a path").1;
    let members = acme.scim("GET", path).is(200).json()["members"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(2), "{members}");
    let told = told(&acme);
    assert_eq!(told.len(), OPERATIONS + 1);
    let last = &told[OPERATIONS]["data"];
    assert_eq!(json!([last["txn"], last["status"]]), json!([txn, "200"]), "{last}");
}

#[test]
fn a_suspended_tenants_request_ends() {
    let acme = Tenant::new("later-suspended");
    let txn = later(&acme, &operations()).is(202).header("set-txn").to_owned();
    let tenant = |status: &str| {
        let path = format!("/v1/tenants/{}", acme.slug);
        Ask::admin("PATCH", &path).json(&json!({ "status": status })).is(200);
    };
    tenant("suspended");
    let is_over = |event: &Value| event["data"]["txn"] == txn;
    let ends = (0..ATTEMPTS).any(|_| {
        thread::sleep(PAUSE);
        told(&acme).last().is_some_and(is_over)
    });
    assert!(ends, "{txn} goes on");
    tenant("active");
    let answer = outcome(&acme, &txn, |_| {}).json();
    let answers = answer["Operations"].as_array().expect("a list");
    assert!(answers.len() < OPERATIONS, "{}", answers.len());
    let refused = answers.iter().find(|one| one["status"] == "403").expect("where it stopped");
    assert_eq!(refused["response"]["detail"], "the tenant is suspended");
}

#[test]
fn a_body_has_a_size_that_depends_on_when_it_is_answered() {
    let acme = Tenant::new("later-large");
    let body = |bytes: usize| format!("{{\"x\":\"{}\"}}", "x".repeat(bytes));
    let ask = |path: &str, bytes: usize| {
        let ask = acme.scim("POST", path).header("content-type", "application/json");
        ask.header("prefer", "respond-async").body(body(bytes))
    };
    const MIB: usize = 1024 * 1024;
    ask("/Bulk", 5 * MIB).is(400).is_scim_error("invalidSyntax");
    let large = ask("/Bulk", 16 * MIB).is(413);
    assert_eq!(large.is_scim_error("").json()["detail"], "the body has more than 16777216 bytes");
    let large = ask("/Users", 5 * MIB).is(413);
    assert_eq!(large.is_scim_error("").json()["detail"], "the body has more than 4194304 bytes");
}
