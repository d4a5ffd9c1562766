//! Requests that are answered later: who may read what became of them, what ends them before their time,
//! and each of their bounds.

use muster::http::{Refusal, Route};
use muster::limits;
use muster::scim::urn;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::async_requests::users;
use crate::bulk::{bulk_request, post, statuses, user};
use crate::steps::check_error;
use crate::support::Acme;

/// The parts of the last request that are still to be done.
fn parts(acme: &Acme) -> i64 {
    let statement = "SELECT count(DISTINCT part) FROM async_pieces WHERE kind = 'operations'";
    acme.sql.query(statement, &[]).expect("rows")[0].integer(0).expect("a count")
}

#[test]
fn a_request_is_shown_to_its_connection_and_to_keys_of_none() {
    let mut acme = Acme::new();
    let (okta, entra) = (acme.connect("okta"), acme.connect("entra"));
    let other = acme.mint_with(&json!({ "name": "2", "scopes": ["scim"], "connection": "okta" }));
    let reader = acme.mint(&["scim.users:read"]);
    let ask = |acme: &mut Acme, txn: &str, key: &str| {
        acme.scim_with("GET", &format!("/Async/{txn}"), &Value::Null, key, &[]).status
    };
    let of_okta = acme.send_later(&json!([user("ada")]), &okta).headers["set-txn"].clone();
    let of_none = acme.later(&json!([user("bob")]));
    let none = acme.key.clone();
    for expected in [202, 200] {
        let seen = [&okta, &other, &none, &entra, &reader].map(|key| ask(&mut acme, &of_okta, key));
        assert_eq!(seen, [expected, expected, expected, 404, 403]);
        let seen = [&okta, &none, &entra].map(|key| ask(&mut acme, &of_none, key));
        assert_eq!(seen, [404, expected, 404]);
        acme.alarms();
    }
    let told = acme.completed();
    assert_eq!((&told[0]["connection"], &told[2]["connection"]), (&json!("okta"), &Value::Null));
    // Another connection of the name is another one.
    assert_eq!(acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null).status, 204);
    assert_eq!(ask(&mut acme, &of_okta, &none), 404);
    assert_eq!(acme.rows("async_requests"), 1);
}

/// A request of which the first step is done; its transaction and the key that asked.
fn begun() -> (Acme, String, String) {
    let mut acme = Acme::new();
    let okta = acme.connect("okta");
    let operations = json!(users(limits::ASYNC_STEP_OPERATIONS + 2));
    let txn = acme.send_later(&operations, &okta).headers["set-txn"].clone();
    acme.step_off();
    (acme, txn, okta)
}

#[track_caller]
fn check_stopped(acme: &mut Acme, txn: &str, status: &str, detail: &str) {
    acme.alarms();
    let answers = acme.outcome(txn);
    let most = limits::ASYNC_STEP_OPERATIONS;
    assert_eq!(statuses(&answers[most - 1..]), format!("201 {status}"));
    assert_eq!(answers[most]["response"]["detail"], detail);
    assert_eq!((acme.rows("resources"), parts(acme)), (most as i64, 0));
    let last = acme.completed().pop().expect("an event");
    let told = json!([last["txn"], last["status"], last["operations"], last["errors"]]);
    assert_eq!(told, json!([txn, status, most + 1, 1]));
}

#[test]
fn a_request_ends_where_who_sent_it_may_send_no_more() {
    let (mut acme, txn, okta) = begun();
    let keys = acme.admin("GET", "/keys", &Value::Null).json();
    let of_okta = keys["items"].as_array().unwrap().iter().find(|key| key["connection"] == "okta");
    let id = of_okta.unwrap()["id"].as_str().unwrap();
    assert_eq!(acme.admin("DELETE", &format!("/keys/{id}"), &Value::Null).status, 204);
    assert_eq!(acme.scim_with("GET", "/Users", &Value::Null, &okta, &[]).status, 401);
    check_stopped(&mut acme, &txn, "401", "the key has been revoked");

    let (mut acme, txn, _) = begun();
    let reply = acme.admin("POST", "/connections/okta/activate", &Value::Null);
    assert_eq!(reply.status, 200, "{}", reply.json());
    assert_eq!(acme.admin("POST", "/connections/okta/disable", &Value::Null).status, 200);
    check_stopped(&mut acme, &txn, "403", "the key's connection is disabled");

    let (mut acme, txn, _) = begun();
    acme.policy(&json!({ "features": { "bulk": false } }));
    check_stopped(&mut acme, &txn, "501", "this operation is not supported");

    let (mut acme, txn, _) = begun();
    acme.work_off(acme.now, Some(&Refusal::Suspended)).expect("it ends");
    check_stopped(&mut acme, &txn, "403", "the tenant is suspended");

    let (mut acme, txn, _) = begun();
    assert_eq!(acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null).status, 204);
    assert!(!acme.tenant.is_working_off());
    assert_eq!(acme.scim("GET", &format!("/Async/{txn}"), &Value::Null).status, 404);
}

#[test]
fn a_step_that_fails_again_and_again_ends_the_request() {
    let (mut acme, txn, _) = begun();
    let statement =
        "CREATE TRIGGER broken BEFORE INSERT ON resources BEGIN SELECT RAISE(ABORT, 'x'); END";
    acme.sql.query(statement, &[]).expect("a trigger");
    for attempt in 1..=limits::ASYNC_ATTEMPTS {
        assert!(acme.work_off(acme.now, None).is_err(), "{attempt}");
        acme.get("/Users?count=0");
    }
    check_stopped(&mut acme, &txn, "500", "the request could not be completed");
}

#[test]
fn errors_are_counted_over_steps() {
    let mut acme = Acme::new();
    let step = limits::ASYNC_STEP_OPERATIONS;
    let mut operations = users(3 * step);
    for place in [5, step + 5, step + 6] {
        operations[place] = post("/Users", &format!("b{place}"), json!({ "userName": "u0" }));
    }
    let mut body = bulk_request(&json!(operations));
    body["failOnErrors"] = 2.into();
    let key = acme.key.clone();
    let reply = acme.scim_with("POST", "/Bulk", &body, &key, &crate::async_requests::LATER);
    acme.alarms();
    let answers = acme.outcome(&reply.headers["set-txn"]);
    assert_eq!((answers.len(), acme.rows("resources")), (step + 6, (step + 4) as i64));
}

#[test]
fn so_many_requests_are_under_way_and_so_many_results_kept() {
    let mut acme = Acme::new();
    let key = acme.key.clone();
    for number in 0..limits::ASYNC_REQUESTS {
        acme.later(&json!([user(&format!("u{number}"))]));
    }
    let before = acme.dump();
    let reply = acme.send_later(&json!([user("more")]), &key);
    let detail = "too many requests of this tenant are still to be answered later";
    check_error(&reply, (429, "", detail), "one more");
    assert_eq!((reply.headers["retry-after"].as_str(), acme.dump() == before), ("10", true));
    acme.step_off();
    let last = acme.later(&json!([user("more")]));
    acme.alarms();
    for _ in 0..limits::ASYNC_RESULTS - 1 {
        acme.later(&json!([]));
        acme.alarms();
    }
    assert_eq!(acme.rows("async_requests"), limits::ASYNC_RESULTS as i64);
    assert_eq!(acme.outcome(&last).len(), 1);
    acme.later(&json!([]));
    acme.alarms();
    assert_eq!(acme.scim("GET", &format!("/Async/{last}"), &Value::Null).status, 404);
}

#[test]
fn a_result_is_kept_for_its_time() {
    let mut acme = Acme::new();
    let txn = acme.later(&json!([user("ada")]));
    acme.alarms();
    acme.wait(limits::ASYNC_RESULT_SECONDS - 1);
    assert_eq!(acme.outcome(&txn).len(), 1);
    acme.sleep();
    acme.wait(1);
    assert_eq!(acme.scim("GET", &format!("/Async/{txn}"), &Value::Null).status, 404);
    assert!(acme.sweeps(), "it is forgotten by alarm");
    acme.alarms();
    assert_eq!((acme.rows("async_requests"), acme.rows("async_pieces")), (0, 0));
}

#[test]
fn a_step_has_so_many_operations_and_bytes() {
    let mut acme = Acme::new();
    let step = limits::ASYNC_STEP_OPERATIONS;
    acme.later(&json!(users(2 * step)));
    assert_eq!(parts(&acme), 2);
    acme.alarms();
    let titled = |name: &str, bytes: usize| {
        post("/Users", name, json!({ "userName": name, "title": "x".repeat(bytes) }))
    };
    let half = limits::ASYNC_STEP_BYTES / 2;
    acme.later(&json!([titled("a", half - 200), titled("b", half - 200), titled("c", half)]));
    assert_eq!(parts(&acme), 2);
    acme.alarms();
    // What has more by itself is kept in pieces, and refused as it would be by itself.
    let large = limits::ASYNC_PIECE_BYTES + limits::ASYNC_PIECE_BYTES / 2;
    let txn = acme.later(&json!([titled("d", large)]));
    let pieces = acme.sql.query("SELECT 1 FROM async_pieces WHERE kind = 'operations'", &[]);
    assert_eq!((parts(&acme), pieces.expect("rows").len()), (1, 2));
    acme.alarms();
    assert_eq!(statuses(&acme.outcome(&txn)), "413");
    let key = acme.key.clone();
    let reply = acme.send_later(&json!([user("e"), titled("f", limits::BODY_BYTES)]), &key);
    check_error(&reply, (413, "", "operation 2: it has more than 4194304 bytes"), "too large");
}

#[test]
fn a_circle_is_as_large_as_in_a_request_that_is_answered_at_once() {
    let mut acme = Acme::new();
    let ring = |count: usize| {
        let next = |place: usize| format!("bulkId:{}", (place + 1) % count);
        let of = |place: usize| {
            let members = json!([{ "value": next(place) }]);
            post("/Groups", &place.to_string(), json!({ "displayName": "g", "members": members }))
        };
        json!((0..count).map(of).collect::<Vec<_>>())
    };
    let most = limits::BULK_OPERATIONS;
    let reply = acme.send_later(&ring(most + 1), &acme.key.clone());
    let detail = "more than 1000 operations refer to each other in a circle";
    check_error(&reply, (413, "", detail), "one more");
    let txn = acme.later(&ring(most));
    acme.alarms();
    assert!(acme.outcome(&txn).iter().all(|answer| answer["status"] == "201"));
    assert_eq!(acme.rows("members"), most as i64);
}

#[test]
fn only_a_bulk_request_that_is_answered_later_may_be_so_large() {
    let most = |path: &str, prefer: &str| {
        let route = Route::parse(path).expect("a route");
        route.body_bytes(|| Some(prefer.to_owned()))
    };
    let bulk = "/t/acme/scim/v2/Bulk";
    assert_eq!(most(bulk, "return=minimal, respond-async"), limits::ASYNC_BODY_BYTES);
    for (path, prefer) in
        [(bulk, "respond"), (bulk, ""), ("/t/acme/scim/v2/Users", "respond-async")]
    {
        assert_eq!(most(path, prefer), limits::BODY_BYTES, "{path} {prefer}");
    }
    let response = Refusal::BulkTooLarge.to_response(true);
    let body: Value = serde_json::from_slice(&response.body).expect("JSON");
    let detail = format!("the body has more than {} bytes", limits::ASYNC_BODY_BYTES);
    assert_eq!((response.status, &body["detail"]), (413, &json!(detail)));
}

#[test]
fn what_a_connection_does_later_tells_how_it_is() {
    let mut acme = Acme::new();
    let okta = acme.connect("okta");
    let body = json!({ "userName": "ada", "unknown": true });
    acme.send_later(&json!([post("/Users", "ada", body)]), &okta);
    let created = |acme: &mut Acme| {
        let tested = acme.admin("POST", "/connections/okta/test", &Value::Null).json();
        let mut checks = tested["checks"].as_array().expect("checks").clone().into_iter();
        checks.find(|check| check["check"] == "create").expect("the check")["result"].clone()
    };
    let warned = |acme: &mut Acme| {
        let health = acme.admin("GET", "/connections/okta/health", &Value::Null).json();
        health["warnings"].as_array().expect("warnings").len()
    };
    assert_eq!((created(&mut acme), warned(&mut acme)), (json!("pending"), 0));
    acme.alarms();
    // One for the attribute, another since no `externalId` has come with the user.
    assert_eq!((created(&mut acme), warned(&mut acme)), (json!("pass"), 2));
    acme.settle();
    acme.sleep();
    assert_eq!((created(&mut acme), warned(&mut acme)), (json!("pass"), 2));
}

#[test]
fn no_password_is_kept_until_its_operation_is_done() {
    let mut acme = Acme::new();
    let id = acme.user("ada");
    let user = |name: &str, password: Value| json!({ "schemas": [urn::USER], "userName": name, "passWord": password });
    let path = format!("/Users/{id}");
    let patch = |op: Value| json!({ "method": "PATCH", "path": path, "data": crate::steps::patch_op(&json!([op])) });
    let named = format!("{}:password", urn::USER);
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "a", "data": user("bob", json!("s3cret")) },
        patch(json!({ "op": "replace", "path": "password", "value": "s3cret" })),
        patch(json!({ "op": "add", "path": named, "value": "s3cret" })),
        patch(json!({ "op": "replace", "value": { "password": "s3cret", "title": "Dev" } })),
    ]);
    let txn = acme.later(&operations);
    let pieces = acme.sql.query("SELECT data FROM async_pieces", &[]).expect("SQLite reads");
    let kept: Vec<u8> =
        pieces.iter().flat_map(|row| row.bytes(0).expect("bytes").to_vec()).collect();
    let kept = String::from_utf8(kept).expect("text");
    assert!(kept.contains("Dev") && !kept.contains("s3cret"), "{kept}");
    acme.alarms();
    let outcome = acme.outcome(&txn);
    let statuses: Vec<&Value> = outcome.iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, ["201", "200", "200", "200"], "{outcome:?}");
}
