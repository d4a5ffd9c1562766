//! A request's id, and its line in the log.

use std::collections::BTreeMap;

use muster::auth::Principal;
use muster::http::{Done, Errand, Headers, Method, Refusal, RequestId, Response, Route, Trace};
use muster::limits;
use muster::store::Cost;
use serde_json::{Value, json};

use crate::support::{Acme, gate};

const RANDOM: [u8; 8] = [0, 1, 2, 3, 0xfc, 0xfd, 0xfe, 0xff];

fn trace() -> Trace {
    Trace { id: RequestId::of(None, || RANDOM), began: 1_000, ..Trace::default() }
}

fn line(trace: &Trace, response: &Response, done: &Done) -> Value {
    let line = trace.line(response, done);
    assert!(!line.contains('\n'), "{line}");
    serde_json::from_str(&line).unwrap()
}

#[test]
fn an_id_is_cloudflares_or_random() {
    for ray in ["8f2a0b1c2d3e4f50-FRA", "8f2a0b1c2d3e4f50"] {
        assert_eq!(RequestId::of(Some(ray), || RANDOM).as_str(), ray);
    }
    for text in [
        None,
        Some(""),
        Some("ada@example.com"),
        Some("8f2a0b1c2d3e4f5-FRA"),
        Some("8f2a0b1c2d3e4f500-FRA"),
        Some("8F2A0B1C2D3E4F50-FRA"),
        Some("8f2a0b1c2d3e4f5g-FRA"),
        Some("8f2a0b1c2d3e4f50-ADA1"),
        Some("8f2a0b1c2d3e4f50-ada"),
        Some("8f2a0b1c2d3e4f50-"),
        Some("8f2a0b1c2d3e4f50-FRA\n"),
    ] {
        assert_eq!(RequestId::of(text, || RANDOM).as_str(), "00010203fcfdfeff", "{text:?}");
    }
}

#[test]
fn every_answer_has_the_id_and_over_https_asks_for_https() {
    for (secure, hsts) in [(true, Some("max-age=31536000")), (false, None)] {
        let dressed = Trace { secure, ..trace() }.dress(Response::empty(304));
        assert_eq!(dressed.header("x-request-id"), Some("00010203fcfdfeff"));
        assert_eq!(dressed.header("strict-transport-security"), hsts);
        assert_eq!(dressed.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn a_line_says_what_was_asked_for_by_whom_and_what_came_of_it() {
    let mut acme = Acme::new();
    acme.admin("POST", "/connections", &json!({ "id": "okta", "displayName": "Okta" }));
    let key = acme.mint_with(&json!({ "name": "k", "scopes": ["scim"], "connection": "okta" }));
    let keys = acme.admin("GET", "/keys", &Value::Null).json();
    let bound = keys["items"].as_array().unwrap().iter().find(|k| k["name"] == "k").unwrap();
    let route = Route::parse("/t/acme/scim/v2/Users/ada@example.com").unwrap();
    let bearer = format!("Bearer {key}");
    let admitted = gate().admit(Some(&route), Method::Get, Some(&bearer), acme.now);
    let principal = admitted.unwrap().unwrap();
    let mut trace = trace();
    trace.method = Method::Get.name().to_owned();
    trace.asks_for(Some(&route));
    trace.admitted(&route, &principal);
    trace.handed = Some(1_005);
    let errand = Errand {
        principal,
        trace: Some(trace.clone()),
        headers: Headers::default(),
        config: None,
        confined: false,
    };
    assert_eq!(Errand::decode(&errand.encode()), Some(errand));
    acme.scim_with("GET", "/Users/none", &Value::Null, &key, &[]);
    let done = Done {
        ended: 1_250,
        connection: acme.connection.clone(),
        rows: Cost { rows_read: 3, rows_written: 1 },
    };
    assert_eq!(
        line(&trace, &Response::empty(404), &done),
        json!({
            "level": "info", "requestId": "00010203fcfdfeff", "method": "GET",
            "route": "scim.User", "status": 404, "durationMs": 250, "tenant": "acme",
            "connection": "okta", "key": bound["id"], "rowsRead": 3, "rowsWritten": 1,
        })
    );
    acme.admin("GET", "/keys", &Value::Null);
    assert_eq!(acme.connection, None);
}

#[test]
fn a_line_of_a_failure_has_its_cause() {
    let mut trace = trace();
    trace.method = Method::Other.name().to_owned();
    trace.asks_for(None);
    let failed = Refusal::Busy("the object is overloaded".to_owned()).to_response(true);
    let done = Done { ended: 900, ..Done::default() };
    assert_eq!(
        line(&trace, &failed, &done),
        json!({
            "level": "error", "requestId": "00010203fcfdfeff", "status": 503, "durationMs": 0,
            "rowsRead": 0, "rowsWritten": 0, "cause": "the object is overloaded",
        })
    );
    trace.admitted(&Route::Tenants, &Principal::Admin);
    assert_eq!((&trace.tenant, &trace.key), (&None, &None));
}

#[test]
fn a_route_is_named_without_what_the_client_sent() {
    let mut names = BTreeMap::new();
    for path in [
        "/healthz",
        "/v1/tenants",
        "/v1/tenants/marked",
        "/v1/tenants/marked/keys",
        "/v1/tenants/marked/keys/marked",
        "/v1/tenants/marked/connections",
        "/v1/tenants/marked/connections/marked",
        "/v1/tenants/marked/events",
        "/v1/tenants/marked/policies",
        "/v1/tenants/marked/schemas",
        "/v1/tenants/marked/schemas/marked",
        "/v1/presets",
        "/v1/presets/marked",
        "/t/marked/scim/v2/Users",
        "/t/marked/scim/v2/Users/marked",
        "/t/marked/scim/v2/Groups/.search",
        "/t/marked/scim/v2/.search",
        "/t/marked/scim/v2/Bulk",
        "/t/marked/scim/v2/Me",
        "/t/marked/scim/v2/Schemas",
        "/t/marked/scim/v2/Schemas/marked",
        "/t/marked/scim/v2/ResourceTypes",
        "/t/marked/scim/v2/ResourceTypes/marked",
        "/t/marked/scim/v2/ServiceProviderConfig",
    ] {
        let name = Route::parse(path).unwrap().name().into_owned();
        assert!(!name.contains("marked"), "{path}: {name}");
        assert_eq!(names.insert(name, path), None, "{path}");
    }
    assert!(names.contains_key("scim.User.list") && names.contains_key("scim.Group.search"));
}

#[test]
fn an_object_that_throws_is_503_where_another_try_may_help() {
    for (overloaded, retryable, status, retry_after) in
        [(true, false, 503, Some("1")), (false, true, 503, Some("1")), (false, false, 500, None)]
    {
        let refusal = Refusal::thrown("why".to_owned(), overloaded, retryable);
        for scim in [true, false] {
            let response = refusal.to_response(scim);
            assert_eq!((response.status, response.header("retry-after")), (status, retry_after));
            assert_eq!(response.cause.as_deref(), Some("why"));
        }
    }
}

#[test]
fn a_request_that_has_waited_for_too_long_is_late() {
    assert!(!trace().is_late(i64::MAX), "nobody has handed it over");
    let handed = Trace { handed: Some(1_000), ..trace() };
    let most = 1_000 + limits::WAIT_MILLISECONDS;
    for (now, is_late) in [(i64::MIN, false), (0, false), (1_000, false), (most, false)] {
        assert_eq!(handed.is_late(now), is_late, "{now}");
    }
    assert!(handed.is_late(most + 1));
}
