//! The log: one event for each change, none for what changes nothing or is refused.

use std::collections::BTreeSet;

use muster::limits;
use muster::scim::urn::ENTERPRISE_USER;
use muster::store::{Param, Sql as _};
use serde_json::{Value, json};

use crate::steps::patch_op;
use crate::support::Acme;

/// What a request appends: the type of each event, and what is special to its kind.
type Expected = Vec<(&'static str, Value)>;

/// Sends a request and compares the events that it appends.
#[track_caller]
fn check(acme: &mut Acme, method: &str, path: &str, body: &Value, expected: &Expected) -> Value {
    let before = acme.events();
    let reply = acme.scim(method, path, body);
    assert!(reply.status < 300, "{method} {path} {body}: {}", reply.json());
    let events = acme.events();
    let appended: Vec<(Value, Value)> = events[before.len()..]
        .iter()
        .map(|event| {
            let mut data = event["data"].clone();
            let fields = data.as_object_mut().expect("data");
            fields.retain(|name, _| {
                ["changed", "previous", "members", "replaced"].contains(&name.as_str())
            });
            (event["type"].clone(), data)
        })
        .collect();
    let expected: Vec<(Value, Value)> =
        expected.iter().map(|(kind, data)| (json!(kind), data.clone())).collect();
    assert_eq!(appended, expected, "{method} {path} {body}");
    reply.json()
}

fn patch(operation: Value) -> Value {
    patch_op(&json!([operation]))
}

/// One event that tells which paths changed, and what was there before.
fn told(kind: &'static str, changed: &[&str], previous: Value) -> Expected {
    vec![(kind, json!({ "previous": previous, "changed": changed }))]
}

#[test]
fn each_change_of_a_user_is_one_event() {
    let mut acme = Acme::new();
    let body = json!({ "userName": "ada", "externalId": "e-1", "name": { "givenName": "Ada" } });
    let created = ["externalId", "userName", "name.givenName"];
    let created = vec![("user.created", json!({ "changed": created }))];
    let user = check(&mut acme, "POST", "/Users", &body, &created);
    let path = format!("/Users/{}", user["id"].as_str().expect("an id"));
    let department = format!("{ENTERPRISE_USER}:department");
    let set =
        |path: &str, value: Value| patch(json!({ "op": "replace", "path": path, "value": value }));
    let emails = json!([{ "value": "a@example.com" }]);
    let both = ["name.familyName", "name.givenName"];
    for (body, expected) in [
        (set("title", json!("Poet")), told("user.updated", &["title"], json!({ "title": null }))),
        (
            set("name", json!({ "givenName": "A", "familyName": "L" })),
            told("user.updated", &both, json!({ both[0]: null, both[1]: "Ada" })),
        ),
        (
            set(&department, json!("Engines")),
            told("user.updated", &[&department], json!({ &department: null })),
        ),
        (set("emails", emails), told("user.updated", &["emails"], json!({ "emails": null }))),
        (
            set("active", json!(false)),
            told("user.deactivated", &["active"], json!({ "active": null })),
        ),
        (
            patch(json!({ "op": "replace", "value": { "active": "True", "title": "" } })),
            told(
                "user.activated",
                &["title", "active"],
                json!({ "active": false, "title": "Poet" }),
            ),
        ),
        (set("active", json!(true)), vec![]),
        (
            patch(json!({ "op": "remove", "path": "active" })),
            told("user.updated", &["active"], json!({ "active": true })),
        ),
    ] {
        check(&mut acme, "PATCH", &path, &body, &expected);
    }
}

#[test]
fn a_replacement_is_one_event_and_so_is_a_deletion() {
    let mut acme = Acme::new();
    let name = json!({ "givenName": "Ada" });
    let user = acme.post("/Users", &json!({ "userName": "ada", "title": "Poet", "name": name }));
    let path = format!("/Users/{}", user["id"].as_str().expect("an id"));
    let body = json!({ "userName": "ada", "active": false });
    let mut expected = told(
        "user.deactivated",
        &["name.givenName", "title", "active"],
        json!({ "name.givenName": "Ada", "title": "Poet", "active": null }),
    );
    expected[0].1["replaced"] = true.into();
    check(&mut acme, "PUT", &path, &body, &expected);
    check(&mut acme, "PUT", &path, &body, &vec![]);
    check(&mut acme, "DELETE", &path, &Value::Null, &vec![("user.deleted", json!({}))]);
    let created = vec![("user.created", json!({ "changed": ["userName", "active"] }))];
    check(&mut acme, "POST", "/Users", &body, &created);
}

#[test]
fn a_change_of_members_is_one_event_for_those_who_come_and_one_for_those_who_go() {
    let mut acme = Acme::new();
    let [ada, bob, cyd] = ["ada", "bob", "cyd"].map(|name| acme.user(name));
    let value = |id: &String| json!({ "value": id });
    let both = json!([value(&ada), value(&bob)]);
    let body = json!({ "displayName": "crew", "members": both });
    let expected = vec![
        ("group.created", json!({ "changed": ["displayName"] })),
        ("group.member.added", json!({ "members": [ada, bob] })),
    ];
    let group = check(&mut acme, "POST", "/Groups", &body, &expected);
    let path = format!("/Groups/{}", group["id"].as_str().expect("an id"));
    let renamed = json!({ "previous": { "displayName": "crew" }, "changed": ["displayName"] });
    let come_and_go = patch_op(&json!([
        { "op": "add", "path": "members", "value": [value(&cyd), value(&bob)] },
        { "op": "replace", "path": "displayName", "value": "team" },
        { "op": "remove", "path": format!("members[value eq \"{ada}\"]") },
    ]));
    let expected = vec![
        ("group.updated", renamed),
        ("group.member.added", json!({ "members": [cyd] })),
        ("group.member.removed", json!({ "members": [ada] })),
    ];
    check(&mut acme, "PATCH", &path, &come_and_go, &expected);
    check(&mut acme, "PATCH", &path, &come_and_go, &vec![]);
    let there_and_back = patch_op(&json!([
        { "op": "remove", "path": "members" },
        { "op": "add", "path": "members", "value": [value(&cyd), value(&bob)] },
    ]));
    check(&mut acme, "PATCH", &path, &there_and_back, &vec![]);
    let put = json!({ "displayName": "team", "members": both });
    let expected = vec![
        ("group.member.added", json!({ "members": [ada] })),
        ("group.member.removed", json!({ "members": [cyd] })),
    ];
    check(&mut acme, "PUT", &path, &put, &expected);
    let clear = patch(json!({ "op": "remove", "path": "members" }));
    let expected = vec![("group.member.removed", json!({ "members": [ada, bob] }))];
    check(&mut acme, "PATCH", &path, &clear, &expected);
    check(
        &mut acme,
        "PUT",
        &path,
        &put,
        &vec![("group.member.added", json!({ "members": [ada, bob] }))],
    );
    // Neither end of a membership is told of the other's deletion.
    let user = format!("/Users/{ada}");
    check(&mut acme, "DELETE", &user, &Value::Null, &vec![("user.deleted", json!({}))]);
    check(&mut acme, "DELETE", &path, &Value::Null, &vec![("group.deleted", json!({}))]);
    let events = acme.events().len();
    acme.alarms();
    assert_eq!(acme.event_types(events), Vec::<String>::new());
}

#[test]
fn an_event_lists_so_many_members() {
    let mut acme = Acme::new();
    let count = limits::MEMBERS_PER_EVENT * 2 + 500;
    let users = acme.populate(count);
    let members: Value = users.iter().map(|id| json!({ "value": id })).collect();
    let path = format!("/Groups/{}", acme.group("all", &[]));
    for (value, kind) in [(members, "group.member.added"), (json!([]), "group.member.removed")] {
        let before = acme.events().len();
        acme.patch(&path, &json!([{ "op": "replace", "path": "members", "value": value }]));
        let events = acme.events().split_off(before);
        let mut told = Vec::new();
        for (event, size) in events.iter().zip([1_000, 1_000, 500]) {
            let listed = event["data"]["members"].as_array().expect("members").clone();
            assert_eq!((&event["type"], listed.len()), (&json!(kind), size));
            told.extend(listed.iter().map(|id| id.as_str().expect("an id").to_owned()));
        }
        assert_eq!(events.len(), 3);
        assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), users.iter().cloned().collect());
    }
}

#[test]
fn an_event_says_who_when_and_what() {
    let mut acme = Acme::new();
    let key = acme.connect("generic");
    let posted = acme.post("/Users", &json!({ "userName": "ada" }));
    let event = acme.events().pop().expect("an event");
    let keys = acme.admin("GET", "/keys", &Value::Null).json();
    let key_ids: Vec<Value> =
        keys["items"].as_array().expect("keys").iter().map(|key| key["id"].clone()).collect();
    let actor = |index: usize| format!("key:{}", key_ids[index].as_str().expect("an id"));
    let expected = json!({
        "type": "user.created",
        "timestamp": posted["meta"]["created"],
        "data": {
            "tenant": "acme",
            "seq": event["data"]["seq"],
            "resourceType": "User",
            "id": posted["id"],
            "connection": null,
            "actor": actor(0),
            "changed": ["userName"],
        },
    });
    assert_eq!(event.to_string(), expected.to_string());
    acme.wait(60);
    let body = json!({ "displayName": "crew" });
    acme.scim_with("POST", "/Groups", &body, &key, &[]);
    let event = acme.events().pop().expect("an event");
    assert_ne!(event["timestamp"], expected["timestamp"]);
    let data = &event["data"];
    assert_eq!((&data["resourceType"], &data["connection"]), (&json!("Group"), &json!("generic")));
    assert_eq!(data["actor"], actor(1));
}

#[test]
fn places_in_the_log_have_no_gaps() {
    let mut acme = Acme::new();
    acme.user("taken");
    for round in 0..6 {
        let ada = acme.user(&format!("user-{round}"));
        acme.wait(-1);
        let unknown = json!({ "displayName": "crew", "members": [{ "value": "no one" }] });
        for (path, body, status) in
            [("/Users", json!({ "userName": "TAKEN" }), 409), ("/Groups", unknown, 400)]
        {
            assert_eq!(acme.scim("POST", path, &body).status, status);
        }
        acme.group("crew", &[&ada]);
        if round % 2 == 0 {
            acme.sleep();
        }
        acme.delete(&format!("/Users/{ada}"));
        acme.alarms();
    }
    let places: Vec<Value> = acme.events().iter().map(|e| e["data"]["seq"].clone()).collect();
    let expected: Vec<Value> = (1..=places.len()).map(Value::from).collect();
    assert_eq!(places, expected);
}

/// A page of the feed: the places of its events, and where the next page begins.
#[track_caller]
fn page(acme: &mut Acme, query: &str) -> (Vec<u64>, Option<String>) {
    let reply = acme.admin("GET", &format!("/events{query}"), &Value::Null);
    assert_eq!(reply.status, 200, "{query}: {}", reply.json());
    let page = reply.json();
    let items = page["items"].as_array().expect("items");
    let places = items.iter().map(|event| event["data"]["seq"].as_u64().expect("a place"));
    (places.collect(), page.get("next").map(|next| next.as_str().expect("a text").to_owned()))
}

#[test]
fn the_feed_is_read_page_by_page() {
    let mut acme = Acme::new();
    // The first event is of the key.
    (2..=130).for_each(|number| drop(acme.user(&format!("u{number}"))));
    acme.group("crew", &[]);
    let next = |place: u64| Some(place.to_string());
    for (query, places, following) in [
        ("?limit=3", 1..=3, next(3)),
        ("?limit=3&after=3", 4..=6, next(6)),
        ("?after=0&limit=1", 1..=1, next(1)),
        ("", 1..=100, next(100)),
        ("?after=100", 101..=131, None),
        ("?after=121&limit=10", 122..=131, None),
        ("?after=120&limit=10", 121..=130, next(130)),
        ("?limit=9999", 1..=131, None),
        ("?AFTER=129", 130..=131, None),
        ("?type=key.created", 1..=1, None),
        ("?type=&limit=1", 1..=1, next(1)),
        ("?type=group.created&after=5", 131..=131, None),
        ("?type=user.created&limit=2&after=4", 5..=6, next(6)),
        ("?type=user.*&limit=2&after=4", 5..=6, next(6)),
        ("?type=group.*", 131..=131, None),
    ] {
        assert_eq!(page(&mut acme, query), (places.collect(), following), "{query}");
    }
    for query in ["?after=131", "?type=group.member.added", "?type=user.*&after=130"] {
        assert_eq!(page(&mut acme, query), (vec![], None), "{query}");
    }
    for query in ["?after=132", "?after=9999&wait=20", "?after=132&format=ndjson&chain=true"] {
        let behind = (422, "contradictory", "`after` is behind the last event");
        acme.admin_refused("GET", &format!("/events{query}"), &Value::Null, behind);
        assert_eq!(acme.waits, None, "{query}");
    }
    for text in
        ["nope", "user", "user.", "*", ".*", "user*", "user.delet", "user.a*", "group.activated"]
    {
        let detail = "`type` is neither a type of events nor a family of them such as `user.*`";
        let path = format!("/events?type={text}");
        acme.admin_refused("GET", &path, &Value::Null, (400, "malformed", detail));
    }
    for (query, name) in [
        ("?limit=-1", "limit"),
        ("?after=x", "after"),
        ("?after=-1", "after"),
        ("?limit=x", "limit"),
        ("?limit=1.5", "limit"),
    ] {
        let detail = format!("`{name}` is not a whole number from 0 to {}", limits::WHOLE_NUMBER);
        acme.admin_refused(
            "GET",
            &format!("/events{query}"),
            &Value::Null,
            (400, "malformed", &detail),
        );
    }
}

#[test]
fn the_feed_opens_to_a_key_that_may_read_events() {
    let mut acme = Acme::new();
    for (scope, status) in [("events:read", 200), ("scim", 403)] {
        let key = acme.mint(&[scope]);
        let reply = acme.ask("GET", "/v1/tenants/acme/events", &Value::Null, &key);
        assert_eq!(reply.status, status, "{scope}");
    }
}

#[test]
fn a_page_of_the_feed_has_so_many_bytes() {
    let mut acme = Acme::new();
    let path = format!("/Users/{}", acme.user("ada"));
    for number in 0..limits::PAGE_BYTES * 3 / limits::PREVIOUS_BYTES {
        let title = format!("{number:04}").repeat(limits::PREVIOUS_BYTES / 5);
        acme.patch(&path, &json!([{ "op": "replace", "path": "title", "value": title }]));
    }
    let all: Vec<i64> = (1..=acme.rows("events")).collect();
    let (mut walked, mut after, mut pages) = (Vec::new(), 0, 0);
    loop {
        let reply = acme.admin("GET", &format!("/events?after={after}"), &Value::Null);
        assert!(reply.body.len() < limits::PAGE_BYTES + 10_000);
        let items = reply.json()["items"].as_array().expect("items").clone();
        walked.extend(items.iter().map(|event| event["data"]["seq"].as_i64().expect("a place")));
        pages += 1;
        let Some(next) = reply.json()["next"].as_str().map(str::to_owned) else { break };
        after = next.parse().expect("a place");
    }
    assert_eq!(walked, all);
    assert!(pages > 2, "{pages} pages");
}

#[test]
fn a_page_of_one_type_looks_at_so_many_events() {
    let mut acme = Acme::new();
    acme.user("ada");
    let many = limits::EVENTS_SCANNED + 5;
    let statement = "WITH RECURSIVE n (seq) AS (SELECT max(seq) + 1 FROM events
            UNION ALL SELECT seq + 1 FROM n LIMIT +?1)
         INSERT INTO events (seq, time, type, data) SELECT seq, 0, 'user.updated', '{}' FROM n";
    acme.sql.query(statement, &[Param::Integer(many)]).expect("events");
    acme.sleep();
    let first = acme.admin("GET", "/events?type=user.created", &Value::Null).json();
    assert_eq!(first["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(first["next"], limits::EVENTS_SCANNED.to_string());
    let query = format!("/events?type=user.created&after={}", limits::EVENTS_SCANNED);
    let second = acme.admin("GET", &query, &Value::Null).json();
    assert_eq!(second, json!({ "items": [] }));
}
