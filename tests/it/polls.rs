//! Requests that wait for events, as far as the tenant has to do with it: what they have seen, and that
//! they cost nothing. That others are answered meanwhile is for the live tests.

use chrono::DateTime;
use muster::http::{Exceeded, Refusal};
use muster::limits;
use muster::tenant::{Waiters, Waits};
use serde_json::{Value, json};

use crate::sqlite::Sqlite;
use crate::steps::check_problem;
use crate::support::Acme;

impl Acme {
    /// Asks for events, again where it has looked before; how many there are, and for what it waits.
    fn poll(&mut self, query: &str, looked: Option<i64>) -> (usize, Option<Waits>) {
        self.looked = looked;
        let reply = self.admin("GET", &format!("/events?{query}"), &Value::Null);
        assert_eq!(reply.status, 200, "{query}: {}", reply.json());
        (reply.json()["items"].as_array().expect("items").len(), self.waits)
    }
}

#[test]
fn a_request_waits_for_the_first_event_and_not_for_more() {
    let mut acme = Acme::new();
    acme.user("ada");
    let waits = |seconds: i64| Some(Waits { looked: 2, milliseconds: seconds * 1_000 });
    for (query, expected) in [
        ("after=2&wait=1", (0, waits(1))),
        ("after=2&wait=25", (0, waits(limits::POLL_SECONDS))),
        ("after=2&wait=9999", (0, waits(limits::POLL_SECONDS))),
        ("type=group.created&wait=1", (0, waits(1))),
        ("after=2&wait=0", (0, None)),
        ("after=2", (0, None)),
        ("after=1&wait=1", (1, None)),
        ("type=user.created&wait=1", (1, None)),
    ] {
        assert_eq!(acme.poll(query, None), expected, "{query}");
    }
    let lines = acme.admin("GET", "/events?after=2&wait=3&format=ndjson", &Value::Null);
    assert_eq!((lines.json()["end"].clone(), acme.waits), (json!(true), waits(3)));
    let refused = acme.admin("GET", "/events?wait=soon", &Value::Null);
    let detail = format!("`wait` is not a whole number from 0 to {}", limits::WHOLE_NUMBER);
    check_problem(&refused, (400, "malformed", &detail), "no number");
}

#[test]
fn it_looks_again_from_where_it_has_looked() {
    let mut acme = Acme::new();
    let query = "type=group.created&wait=9";
    let looked = |looked| Some(Waits { looked, milliseconds: 9_000 });
    assert_eq!(acme.poll(query, None), (0, looked(1)));
    acme.user("ada");
    assert_eq!(acme.poll(query, Some(1)), (0, looked(2)), "that was another type");
    acme.group("crew", &[]);
    acme.user("bob");
    assert_eq!(acme.poll(query, Some(2)), (1, None));
    assert_eq!(acme.poll(query, Some(4)), (0, looked(4)), "what it has seen it sees no more");
}

#[test]
fn a_request_that_waits_reads_nothing_and_counts_once() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "rateLimit": { "perSecond": 1, "burst": 1 } }));
    let key = acme.mint(&["events:read"]);
    let last = acme.tenant.last_seq().expect("it is awake");
    let path = format!("/v1/tenants/acme/events?after={last}&wait=5");
    let _ = acme.sql.statements();
    assert_eq!(acme.ask("GET", &path, &Value::Null, &key).status, 200);
    for _ in 0..5 {
        acme.looked = Some(last);
        assert_eq!(acme.ask("GET", &path, &Value::Null, &key).status, 200);
    }
    assert_eq!(acme.sql.statements(), Vec::<String>::new());
    assert_eq!(acme.ask("GET", &path, &Value::Null, &key).status, 429);
}

#[test]
fn a_key_that_is_revoked_meanwhile_sees_nothing() {
    let mut acme = Acme::new();
    let key = acme.mint(&["events:read"]);
    let last = acme.tenant.last_seq().expect("it is awake");
    let path = format!("/v1/tenants/acme/events?after={last}&wait=5");
    assert_eq!(acme.ask("GET", &path, &Value::Null, &key).status, 200);
    let keys = acme.admin("GET", "/keys", &Value::Null).json();
    let id = keys["items"][1]["id"].as_str().expect("an id").to_owned();
    assert_eq!(acme.admin("DELETE", &format!("/keys/{id}"), &Value::Null).status, 204);
    acme.looked = Some(last);
    assert_eq!(acme.ask("GET", &path, &Value::Null, &key).status, 401);
}

#[test]
fn so_many_wait_and_whoever_else_is_told_when_to_come_again() {
    let now = DateTime::from_timestamp(1_000, 1).expect("a time");
    let exceeded = Exceeded::by_polls(now);
    assert_eq!(usize::try_from(exceeded.quota.limit), Ok(limits::WAITING_POLLS));
    let response = Refusal::TooManyRequests(exceeded).to_response(false);
    assert_eq!((response.status, response.header("retry-after")), (429, Some("1")));
    let reset = 1_000 + limits::POLL_SECONDS;
    assert_eq!(response.header("x-rate-limit-reset"), Some(reset.to_string().as_str()));
}

/// Those who were woken and look have their seats still: they wait again where there is nothing for them.
#[test]
fn so_many_wait_be_they_looking_or_not() {
    let waiters = Waiters::default();
    let mut seats: Vec<_> = (0..limits::WAITING_POLLS).map(|_| waiters.admit()).collect();
    assert!(seats.iter().all(Option::is_some));
    assert!(waiters.may_see(Some(1)), "all are woken");
    assert!(waiters.admit().is_none(), "and have their seats");
    drop(seats.pop());
    assert!(waiters.admit().is_some());
}

#[test]
fn who_waits_is_woken_when_the_tenant_forgets_what_it_knew() {
    let mut acme = Acme::new();
    let exported = acme.export(100).concat();
    let waiters = Waiters::default();
    assert!(waiters.may_see(acme.tenant.last_seq()));
    assert!(!waiters.may_see(acme.tenant.last_seq()), "nothing has happened");
    assert_eq!(acme.import(&exported).status, 200);
    assert!(waiters.may_see(acme.tenant.last_seq()), "it is for them to look");
}

#[test]
fn who_waits_while_the_tenant_is_deleted_makes_nothing() {
    let mut acme = Acme::new();
    acme.sql = Sqlite::new();
    acme.sleep();
    acme.looked = Some(1);
    let reply = acme.admin("GET", "/events?after=1&wait=9", &Value::Null);
    assert_eq!((reply.status, acme.waits), (404, None), "{}", reply.json());
    assert_eq!(muster::store::has_tables(&acme.sql), Ok(false), "no table is made");
}
