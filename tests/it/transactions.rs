//! One request, one transaction: it commits whole or leaves nothing, in the rows and in memory.

use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::bulk::{bulk_request, group, post, statuses, user};
use crate::steps::{check_error, ids, patch_op};
use crate::support::Acme;

/// Two users and a group of them, which is in another; their ids.
fn given() -> (Acme, [String; 4]) {
    let mut acme = Acme::new();
    let [ada, bob] = ["ada", "bob"].map(|name| {
        let body = json!({ "userName": name, "externalId": name, "emails": [{ "value": name }] });
        acme.made("/Users", &body)
    });
    let crew = acme.group("crew", &[&ada, &bob]);
    let team = acme.group("team", &[&crew]);
    let key = acme.connect("entra");
    let named = json!({ "displayName": "named", "members": ["ZED", "zoe", ada] });
    let reply = acme.scim_with("POST", "/Groups", &named, &key, &[]);
    assert_eq!(reply.status, 201, "{}", reply.json());
    (acme, [ada, bob, crew, team])
}

/// Requests each of which changes something.
fn changes([ada, bob, crew, team]: &[String; 4]) -> Vec<(&'static str, String, Value)> {
    let replace = |path: &str, value: Value| {
        patch_op(&json!([{ "op": "replace", "path": path, "value": value }]))
    };
    let user = format!("/Users/{ada}");
    let group = format!("/Groups/{crew}");
    vec![
        ("POST", "/Users".to_owned(), json!({ "userName": "cyd", "externalId": "c" })),
        ("POST", "/Users".to_owned(), json!({ "userName": "zed" })),
        ("PATCH", user.clone(), replace("userName", json!("zoe"))),
        ("PUT", user.clone(), json!({ "userName": "eve", "displayName": "Eve" })),
        ("PATCH", user.clone(), replace("active", json!(false))),
        ("PATCH", user.clone(), replace("userName", json!("adele"))),
        ("DELETE", user, Value::Null),
        ("POST", "/Groups".to_owned(), json!({ "displayName": "g", "members": [bob, team] })),
        ("PUT", group.clone(), json!({ "displayName": "new", "members": [bob] })),
        ("PATCH", group.clone(), replace("members", json!([bob]))),
        ("PATCH", format!("/Groups/{team}"), replace("members", json!([ada]))),
        ("DELETE", group, Value::Null),
        ("POST", "/Bulk".to_owned(), bulk_request(&bulk([ada, bob, crew, team]))),
    ]
}

/// Operations of each kind: a circle that is made, one that is refused, and what it takes along.
fn bulk([ada, bob, crew, team]: [&String; 4]) -> Value {
    let dan = json!({ "userName": "dan", "title": "bulkId:left" });
    let taken = json!({ "userName": "bob", "title": "bulkId:broken" });
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "new" }]);
    json!([
        group("left", &["right", "dan"]),
        group("right", &["left"]),
        post("/Users", "dan", dan),
        group("broken", &["taken"]),
        post("/Users", "taken", taken),
        { "method": "PUT", "path": format!("/Users/{bob}"), "data": { "userName": "rob" } },
        { "method": "PATCH", "path": format!("/Groups/{team}"), "data": patch_op(&rename) },
        { "method": "DELETE", "path": format!("/Users/{ada}") },
        { "method": "DELETE", "path": format!("/Groups/{crew}") },
        { "method": "DELETE", "path": "/Users/nobody" },
    ])
}

/// What is kept in memory is what the rows say: counts, the last id, the last place in the log,
/// what is to be swept.
#[track_caller]
fn check_memory(acme: &mut Acme) {
    for (path, number) in [("/Users", 1), ("/Groups", 2)] {
        let statement = format!("SELECT id FROM resources WHERE pos >> 40 = {number} ORDER BY pos");
        let rows = acme.sql.query(&statement, &[]).expect("SQLite reads");
        let expected: Vec<_> = rows.iter().map(|row| row.text(0).expect("an id")).collect();
        let list = acme.get(path);
        assert_eq!(
            (ids(&list), &list["totalResults"]),
            (expected.iter().map(|id| (*id).to_owned()).collect(), &json!(expected.len()),)
        );
        let second = acme.list(path, &[("startIndex", "2"), ("count", "1")]);
        assert_eq!(ids(&second).first().map(String::as_str), expected.get(1).copied());
    }
    let places = acme.events().into_iter().map(|event| event["data"]["seq"].clone());
    assert!(places.eq((1..=acme.rows("events")).map(Value::from)), "places without gaps");
    let sweeping = acme.sweeps();
    assert_eq!(sweeping, acme.rows("sweeps") > 0);
}

#[test]
fn a_request_that_fails_at_any_statement_leaves_nothing() {
    let count = changes(&given().1).len();
    for number in 0..count {
        for asleep in [false, true] {
            let (mut acme, ids) = given();
            let (method, path, body) = changes(&ids).swap_remove(number);
            let before = acme.dump();
            let change = |acme: &mut Acme| {
                if asleep {
                    acme.sleep();
                }
                acme.scim(method, &path, &body)
            };
            let (reply, count) = acme.failing_everywhere(change, |acme, statements, reply| {
                let error = (500, "", "the request could not be completed");
                check_error(&reply, error, &format!("{method} {path} at {statements}"));
                assert_eq!(acme.dump(), before, "{method} {path} at {statements}");
                check_memory(acme);
            });
            assert!(reply.status < 300, "{method} {path}: {}", reply.json());
            assert!(count > 3, "{method} {path} {body}");
            assert_ne!(acme.dump(), before, "{method} {path}");
            check_memory(&mut acme);
            acme.alarms();
            check_memory(&mut acme);
        }
    }
}

#[test]
fn a_request_that_is_refused_leaves_nothing() {
    let (mut acme, [ada, bob, crew, _]) = given();
    let taken = (409, "uniqueness", "another resource has this `userName`");
    let unknown = (400, "invalidValue", "`members`: value 2 is no user or group here");
    let (user, group) = (format!("/Users/{ada}"), format!("/Groups/{crew}"));
    let half = json!([
        { "op": "remove", "path": "members" },
        { "op": "replace", "path": "displayName", "value": "changed" },
        { "op": "add", "path": "members", "value": [bob, "nobody"] },
    ]);
    let rename = json!([
        { "op": "replace", "path": "title", "value": "changed" },
        { "op": "replace", "path": "userName", "value": "BOB" },
    ]);
    let large = json!({ "userName": "x", "title": "x".repeat(2_000_000) });
    for (method, path, body, error) in [
        ("POST", "/Users", json!({ "userName": "BOB", "title": "new" }), taken),
        ("PUT", &user, json!({ "userName": "BOB", "title": "new" }), taken),
        ("PATCH", &user, patch_op(&rename), taken),
        ("POST", "/Groups", json!({ "displayName": "g", "members": [ada, "nobody"] }), unknown),
        ("PUT", &group, json!({ "displayName": "g", "members": [bob, "nobody"] }), unknown),
        ("PATCH", &group, patch_op(&half), unknown),
        ("POST", "/Users", large.clone(), (413, "", "the resource is too large")),
        ("PUT", &user, large, (413, "", "the resource is too large")),
        ("DELETE", "/Users/nobody", Value::Null, (404, "", "there is no such resource")),
    ] {
        for asleep in [false, true] {
            if asleep {
                acme.sleep();
            }
            acme.refused(method, path, &body, error);
            check_memory(&mut acme);
        }
    }
    let last = acme.user("next");
    assert!([ada, bob, crew].iter().all(|id| *id < last), "ids rise on");
    check_memory(&mut acme);
}

#[test]
fn an_operation_that_is_refused_half_way_leaves_nothing() {
    let mut acme = Acme::new();
    acme.user("bob");
    let shown = |acme: &mut Acme| {
        acme.sql.statements();
        acme.get("/Users");
        acme.sql.statements()
    };
    let before = (shown(&mut acme), acme.dump());
    // The first is in the second when the second is found to be in itself.
    let circle = json!([group("left", &["right"]), group("right", &["left", "right"])]);
    assert_eq!(statuses(&acme.bulk(&circle)), "409 400");
    assert_eq!((shown(&mut acme), acme.dump()), before);
    check_memory(&mut acme);
    let mut most = circle.as_array().expect("a list").clone();
    most.extend([user("ada"), json!({ "method": "DELETE", "path": "/Users/bulkId:ada" })]);
    assert_eq!(statuses(&acme.bulk(&json!(most))), "409 400 201 204");
    check_memory(&mut acme);
    acme.user("next");
    check_memory(&mut acme);
    assert_eq!(acme.event_types(2), ["user.created", "user.deleted", "user.created"]);
}

#[test]
fn an_alarm_that_fails_at_any_statement_leaves_nothing() {
    let (mut acme, [ada, _, crew, _]) = given();
    acme.delete(&format!("/Users/{ada}"));
    acme.delete(&format!("/Groups/{crew}"));
    let mut steps = 0;
    while acme.sweeps() {
        let before = acme.dump();
        acme.alarm_failing_everywhere(|acme, statements| {
            assert_eq!(acme.dump(), before, "at {statements}");
        });
        steps += 1;
    }
    assert_eq!((steps, acme.rows("members"), acme.rows("sweeps")), (2, 0, 0));
    check_memory(&mut acme);
}
