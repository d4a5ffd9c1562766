//! A tenant's life over HTTP: requests that are sent again, what is known of recent ones, a move to
//! another tenant, and what is left behind.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ask::{Ask, Cost};
use crate::scenario::Reply;
use crate::tenant::Tenant;

fn alarms(reply: &Reply) -> u32 {
    let (_, behind) = reply.header("server-timing").split_once("alarms;desc=\"").expect("alarms");
    behind.split('"').next().and_then(|count| count.parse().ok()).expect("a count")
}

#[test]
fn an_idempotency_key_reaches_the_tenant() {
    let acme = Tenant::new("idempotent");
    let make = || {
        let body = json!({ "name": "x", "scopes": ["scim"] });
        acme.admin("POST", "/keys").header("idempotency-key", "a").json(&body).is(201)
    };
    let (first, again) = (make(), make());
    assert_eq!(first.id(), again.id());
    assert!(first.json()["key"].is_string() && again.json()["key"].is_null());
    assert_eq!(again.header("idempotency-replayed"), "true");
}

#[test]
fn reads_write_nothing_and_set_one_alarm() {
    let acme = Tenant::new("ring");
    acme.user("ada");
    let reads: Vec<Reply> = (0..5).map(|_| acme.scim("GET", "/Users").is(200)).collect();
    for read in &reads {
        assert_eq!(
            (read.cost().written, alarms(read)),
            (0, 0),
            "the tenant's first request set it"
        );
    }
    let page = acme.admin("GET", "/requests?limit=2&status=200").is(200);
    let items = page.json()["items"].clone();
    assert_eq!((&items[0]["route"], &items[0]["status"]), (&json!("scim.User.list"), &json!(200)));
    assert_eq!(page.cost().written, 0);
    // A deletion's alarm does not wait for that of the ring.
    let ada = acme.user("eve");
    acme.group("crew", &[&ada]);
    let deleted = acme.scim("DELETE", &format!("/Users/{ada}")).is(204);
    assert_eq!(alarms(&deleted), 1);
}

#[test]
fn what_a_client_did_is_known_after_the_object_has_been_evicted() {
    let acme = Tenant::connected("evicted", "okta");
    for _ in 0..3 {
        acme.scim("GET", "/Users").is(200);
    }
    // An idle object is evicted after 10 seconds.
    thread::sleep(Duration::from_secs(25));
    let ask = || acme.admin("GET", "/requests?connection=okta").is(200);
    let (waking, awake) = (ask(), ask());
    assert!(waking.cost().read > awake.cost().read, "the first of them woke the object");
    let page = waking.json();
    assert_eq!(page["items"].as_array().map(Vec::len), Some(3), "{page}");
    let health = acme.admin("GET", "/connections/okta/health").is(200).json();
    assert_eq!((&health["status"], &health["requests"]), (&json!("healthy"), &json!(3)));
    let keys = acme.admin("GET", "/keys").is(200).json();
    let used = keys["items"].as_array().expect("items").iter();
    assert!(used.clone().any(|key| key["lastUsedAt"].is_string()), "{keys}");
}

#[test]
fn a_connection_is_tested_and_its_health_told() {
    let acme = Tenant::connected("tested", "entra");
    acme.scim("GET", "/Users?filter=userName+eq+%22x%22").is(200);
    let tested = acme.admin("POST", "/connections/entra/test").is(200).json();
    let results: Vec<&Value> =
        tested["checks"].as_array().expect("checks").iter().map(|check| &check["result"]).collect();
    assert_eq!(results, ["pass", "pass", "pass", "pending", "pending", "pending"]);
    let health = acme.admin("GET", "/connections/entra/health").is(200).json();
    assert_eq!((&health["status"], &health["requests"]), (&json!("healthy"), &json!(1)));
}

#[test]
fn a_tenant_moves_page_by_page() {
    let (acme, other) = (Tenant::new("moves"), Tenant::new("moved"));
    let users = ["ada", "bob"].map(|name| acme.user(name));
    let group = acme.group("crew", &users.each_ref().map(String::as_str));
    let mut cursor = String::new();
    loop {
        let page = acme.admin("GET", &format!("/export?limit=2&cursor={cursor}")).is(200);
        let import = other.admin("POST", "/import").header("content-type", "application/x-ndjson");
        import.body(page.body.clone()).is(200);
        let text = page.text();
        let last: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
        match last["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    let read = |tenant: &Tenant, path: &str| {
        tenant.scim("GET", path).is(200).text().replace(&tenant.path(), "")
    };
    let paths = ["/Users".to_owned(), "/Groups".to_owned(), format!("/Groups/{group}")];
    for path in paths.iter().chain(&users.each_ref().map(|id| format!("/Users/{id}"))) {
        assert_eq!(read(&other, path), read(&acme, path), "{path}");
    }
}

#[test]
fn what_is_known_of_requests_is_purged_with_the_rest() {
    let acme = Tenant::new("forgotten");
    acme.scim("GET", "/Users").is(200);
    let keep = json!({ "id": "okta", "displayName": "Okta" });
    acme.admin("POST", "/connections").header("idempotency-key", "a").json(&keep).is(201);
    Ask::admin("DELETE", &format!("/v1/tenants/{0}?confirm={0}", acme.slug)).is(204);
    let gone = acme.admin("GET", "/requests").is(404);
    assert_eq!(gone.cost(), Cost::default());
    Ask::admin("POST", "/v1/tenants").json(&json!({ "id": acme.slug })).is(201);
    assert_eq!(acme.admin("GET", "/requests").is(200).json(), json!({ "items": [] }));
    let made =
        acme.admin("POST", "/connections").header("idempotency-key", "a").json(&keep).is(201);
    assert_eq!(made.header("idempotency-replayed"), "");
}
