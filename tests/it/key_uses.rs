//! When a key was last used: noted in memory, and written by an alarm, before the object can
//! have been idle for so long that it is evicted.

use muster::limits;
use serde_json::{Value, json};

use crate::support::{Acme, gate};

/// When keys were used, as the list shows it, by their names.
fn last_used(acme: &mut Acme) -> Vec<(String, Value)> {
    let page = acme.admin("GET", "/keys", &Value::Null).json();
    let items = page["items"].as_array().expect("items").iter();
    let shown =
        |key: &Value| (key["name"].as_str().expect("a name").to_owned(), key["lastUsedAt"].clone());
    items.map(shown).collect()
}

fn used(name: &str, at: Value) -> (String, Value) {
    (name.to_owned(), at)
}

#[test]
fn the_last_use_of_a_key_is_shown_at_once_and_written_by_an_alarm() {
    let mut acme = Acme::new();
    let okta = acme.mint_with(&json!({ "name": "okta", "scopes": ["scim"] }));
    assert_eq!(last_used(&mut acme), [used("test", Value::Null), used("okta", Value::Null)]);
    acme.settle();
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), None, "the administrator is no key");
    let before = acme.dump();
    acme.scim_with("GET", "/Users", &Value::Null, &okta, &[]);
    acme.wait(5);
    acme.scim_with("GET", "/Users", &Value::Null, &okta, &[]);
    acme.get("/Users");
    assert_eq!(acme.dump(), before, "a read writes nothing");
    let shown = "2026-09-21T14:13:25.000Z";
    let expected = [used("test", shown.into()), used("okta", shown.into())];
    assert_eq!(last_used(&mut acme), expected);
    let left = (limits::KEY_USES_FLUSH_SECONDS - 5) * 1_000;
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), Some(left), "from the first use on");
    acme.alarm().expect("an alarm that comes early");
    assert_eq!(acme.dump(), before, "it is not due");
    acme.wait(3);
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), Some(0));
    acme.alarms();
    assert_ne!(acme.dump(), before);
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), None, "no use, no alarm");
    assert_eq!(last_used(&mut acme), expected);
    acme.sleep();
    assert_eq!(last_used(&mut acme), expected, "it has been written");
    acme.wait(5);
    acme.get("/Users");
    let now = "2026-09-21T14:13:33.000Z";
    assert_eq!(last_used(&mut acme), [used("test", now.into()), expected[1].clone()]);
    acme.sleep();
    assert_eq!(last_used(&mut acme), expected, "what was not written is lost");
}

#[test]
fn uses_are_written_in_one_go_a_row_each() {
    let mut acme = Acme::new();
    let keys: Vec<String> = (0..5).map(|_| acme.mint(&["scim"])).collect();
    for key in &keys {
        acme.scim_with("GET", "/Users", &Value::Null, key, &[]);
    }
    let gone = gate().key_ring.verify(&keys[0], acme.now).expect("a key").sub;
    acme.admin("DELETE", &format!("/keys/{gone}"), &Value::Null);
    acme.wait(limits::KEY_USES_FLUSH_SECONDS);
    acme.sql.statements();
    acme.alarm().expect("the alarm does its step");
    let statements = acme.sql.statements();
    assert_eq!(statements.iter().filter(|one| one.contains("UPDATE keys")).count(), 1);
    assert_eq!(acme.rows("keys WHERE used IS NOT NULL"), 4);
}

#[test]
fn an_alarm_that_fails_forgets_no_use() {
    let mut acme = Acme::new();
    acme.get("/Users");
    let before = acme.dump();
    acme.wait(limits::KEY_USES_FLUSH_SECONDS);
    for statements in 0..4 {
        acme.sql.fail_after(Some(statements));
        assert!(acme.alarm().is_err());
        acme.sql.fail_after(None);
        assert_eq!(acme.dump(), before);
        assert!(acme.sweeps(), "it is tried again");
    }
    acme.alarms();
    assert_eq!(last_used(&mut acme), [used("test", json!("2026-09-21T14:13:20.000Z"))]);
}

#[test]
fn a_sweep_does_not_wait_for_the_uses_of_keys() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    acme.group("crew", &[&ada]);
    assert!(!acme.sweeps());
    acme.delete(&format!("/Users/{ada}"));
    assert!(acme.sweeps());
    acme.alarms();
    let left = limits::KEY_USES_FLUSH_SECONDS * 1_000;
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), Some(left));
}

#[test]
fn a_key_that_is_refused_is_not_used() {
    let mut acme = Acme::new();
    let key = acme.mint_with(&json!({ "name": "brief", "scopes": ["scim"], "ttl": "PT1M" }));
    let id = gate().key_ring.verify(&key, acme.now).expect("a key").sub;
    acme.admin("POST", &format!("/keys/{id}/rotate"), &json!({ "overlap": "PT0S" }));
    assert_eq!(acme.scim_with("GET", "/Users", &Value::Null, &key, &[]).status, 401);
    assert!(last_used(&mut acme).iter().all(|(_, at)| at.is_null()));
}

/// A tenant with a connection, its key `okta`, and a user that is too large to be kept: a request that
/// fails when it has begun to change what is in memory.
fn given() -> (Acme, String, Value) {
    let mut acme = Acme::new();
    let key = acme.connection_key("okta", "draft");
    acme.settle();
    let large = json!({ "userName": "ada", "title": "x".repeat(limits::RESOURCE_BYTES) });
    (acme, key, large)
}

#[test]
fn a_request_that_fails_is_a_use_and_forgets_no_other() {
    let (mut acme, okta, large) = given();
    acme.get("/Users");
    acme.wait(10);
    assert_eq!(acme.scim_with("POST", "/Users", &large, &okta, &[]).status, 413);
    assert_eq!(acme.connection.as_deref(), Some("okta"), "the log is told whose it was");
    let expected = [
        used("test", "2026-09-21T14:13:20.000Z".into()),
        used("okta", "2026-09-21T14:13:30.000Z".into()),
    ];
    for when in ["noted", "written", "read anew"] {
        assert_eq!(last_used(&mut acme), expected, "{when}");
        match when {
            "noted" => acme.settle(),
            _ => acme.sleep(),
        }
    }
}

#[test]
fn a_request_that_fails_is_written_by_an_alarm_like_any_other() {
    let (mut acme, okta, large) = given();
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), None);
    assert_eq!(acme.scim_with("POST", "/Users", &large, &okta, &[]).status, 413);
    let left = limits::FLUSH_MILLISECONDS;
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), Some(left));
    acme.settle();
    acme.sleep();
    let seen = acme.admin("GET", "/requests?connection=okta", &Value::Null).json();
    assert_eq!(
        (&seen["items"][0]["status"], seen["items"].as_array().map(Vec::len)),
        (&json!(413), Some(1))
    );
}
