//! The ring of recent requests: what of a request is kept, and that keeping it writes nothing.

use muster::limits;
use serde_json::{Value, json};

use crate::steps::{check_problem, patch_op, with_query};
use crate::support::{ADMIN, Acme};

impl Acme {
    /// A page of recent requests.
    pub(crate) fn requests(&mut self, query: &str) -> Value {
        let reply = self.admin("GET", &format!("/requests?{query}"), &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()
    }

    /// What the last request left.
    fn last_request(&mut self) -> Value {
        self.requests("limit=1")["items"][0].clone()
    }
}

/// The routes and statuses of a page.
fn told(page: &Value) -> Vec<(String, u64)> {
    let items = page["items"].as_array().expect("items").iter();
    items
        .map(|item| {
            let text = |name: &str| item[name].as_str().expect("a text");
            (
                format!("{} {}", text("method"), text("route")),
                item["status"].as_u64().expect("a status"),
            )
        })
        .collect()
}

#[test]
fn requests_are_told_newest_first() {
    let mut acme = Acme::new();
    let key = acme.connect("okta");
    let id = acme.user("ada");
    acme.wait(1);
    let path = format!("/Users/{id}");
    acme.scim_with("GET", &path, &Value::Null, &key, &[]);
    acme.scim_with("POST", "/Users", &json!({ "userName": "ADA" }), &key, &[]);
    let page = acme.requests("");
    let expected = [
        ("POST scim.User.list", 409),
        ("GET scim.User", 200),
        ("POST scim.User.list", 201),
        ("POST keys", 201),
        ("POST connections", 201),
        ("POST keys", 201),
    ];
    assert_eq!(told(&page), expected.map(|(name, status)| (name.to_owned(), status)));
    let keys = acme.admin("GET", "/keys", &Value::Null).json();
    let expected = json!({
        "time": "2026-09-21T14:13:21.000Z",
        "method": "POST",
        "route": "scim.User.list",
        "status": 409,
        "error": "uniqueness",
        "duration": 0,
        "connection": "okta",
        "key": keys["items"][1]["id"],
        "query": null,
        "body": { "userName": "text" },
    });
    assert_eq!(page["items"][0], expected);
    assert_eq!(page.get("next"), None);
    assert_eq!(page["items"][5]["key"], Value::Null, "the administrator has no key");
}

#[test]
fn requests_are_asked_for_by_connection_and_status_in_pages() {
    let mut acme = Acme::new();
    let key = acme.connect("okta");
    for name in ["a", "b", "a", "c"] {
        acme.scim_with("POST", "/Users", &json!({ "userName": name }), &key, &[]);
        acme.scim("GET", "/Users/none", &Value::Null);
    }
    assert_eq!(told(&acme.requests("connection=okta")).len(), 4);
    assert_eq!(told(&acme.requests("connection=okta&status=409")).len(), 1);
    assert_eq!(told(&acme.requests("status=4xx")).len(), 5);
    assert_eq!(told(&acme.requests("status=404")).len(), 4);
    assert_eq!(told(&acme.requests("connection=nobody")).len(), 0);
    let whole = told(&acme.requests(""));
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = acme.requests(&format!("limit=3&cursor={cursor}"));
        walked.extend(told(&page));
        // What comes in between is newer than all of the walk.
        acme.scim("GET", "/Users", &Value::Null);
        acme.settle();
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(walked, whole);
    for status in ["x", "99", "600", "9xx", "0xx", "65599xx", "-1"] {
        let reply = acme.admin("GET", &format!("/requests?status={status}"), &Value::Null);
        let detail = "`status` is neither a status such as 404 nor a class such as 4xx";
        check_problem(&reply, (400, "malformed", detail), status);
    }
}

#[test]
fn no_value_that_was_sent_is_kept() {
    let mut acme = Acme::new();
    let secrets = ["SECRETada", "SECRETname", "SECRET@example.com", "SECRET word"];
    let [ada, name, mail, words] = secrets;
    let id = acme.user(ada);
    let filter = format!("userName eq \"{ada}\" and not (emails[value eq \"{mail}\"].type pr)");
    acme.get(&with_query("/Users", &[("filter", &filter), ("sortBy", "userName"), ("count", "5")]));
    let expected = json!({
        "count": 5,
        "sortBy": "userName",
        "filter": "userName eq … and not (emails[value eq …].type pr)",
    });
    assert_eq!(acme.last_request()["query"], expected);
    let bad = [
        format!("userName eq {name}"),
        format!("{words} eq and \"{ada}"),
        format!("userName eq {name} eq \"x\""),
        format!("\"{ada}\\\" {name}\" {mail}"),
        mail.to_owned(),
        format!("{name}[x"),
    ];
    for filter in &bad[..5] {
        acme.scim("GET", &with_query("/Users", &[("filter", filter)]), &Value::Null);
    }
    let more = [("attributes", mail), ("cursor", name), ("x", name)];
    acme.scim("GET", &with_query("/Users", &more), &Value::Null);
    assert_eq!(acme.last_request()["query"], json!({ "attributes": "…" }));
    acme.scim("GET", &format!("/Users/{name}"), &Value::Null);
    acme.scim("GET", &format!("/Schemas/{name}"), &Value::Null);
    let body = json!({
        "userName": name, "emails": [{ "value": mail, "primary": true }], "active": true, mail: 1,
        "name": { "givenName": words, "x y": null }, "title": null,
    });
    acme.post("/Users", &body);
    let expected = json!({
        "userName": "text", "emails": [{ "value": "text", "primary": "boolean" }],
        "active": "boolean", "…": "number", "name": { "givenName": "text", "…": null }, "title": null,
    });
    assert_eq!(acme.last_request()["body"], expected);
    let operations = json!([
        { "op": "Replace", "path": format!("emails[value eq \"{mail}\"].display"), "value": name },
        { "op": "add", "value": { "title": words } },
        { "op": name, "path": mail },
    ]);
    acme.scim("PATCH", &format!("/Users/{id}"), &patch_op(&operations));
    let expected = json!([
        { "op": "Replace", "path": "emails[value eq …].display", "value": "text" },
        { "op": "add", "value": { "title": "text" } },
        { "op": "text", "path": "…" },
    ]);
    assert_eq!(acme.last_request()["body"]["Operations"], expected);
    let operations =
        json!([{ "method": "PATCH", "path": format!("/Users/{name}"), "bulkId": ada }]);
    acme.scim("POST", "/Bulk", &json!({ "Operations": operations }));
    let expected = json!([{ "method": "PATCH", "path": "scim.User", "bulkId": "text" }]);
    assert_eq!(acme.last_request()["body"]["Operations"], expected);
    acme.scim("POST", "/Users/.search", &json!({ "filter": filter }));
    acme.admin("POST", "/connections", &json!({ "id": name, "displayName": words }));
    let page = acme.requests("limit=1000").to_string();
    acme.wait(60);
    acme.settle();
    let stored = format!("{:?}", acme.dump()["requests"]);
    assert!(page.len() > 1_000 && stored.len() > 1_000);
    assert!(!page.contains("SECRET"), "{page}");
    assert!(!stored.contains("SECRET"), "{stored}");
}

#[test]
fn what_is_part_of_a_value_is_no_attribute() {
    let mut acme = Acme::new();
    for (filter, shown) in [
        ("displayName eq Mary Anne Le Roy", "displayName eq … … … …"),
        ("displayName eq 'Mary Anne Le Roy'", "displayName eq … … … …"),
        ("displayName eq Mary (Anne Le Roy)", "displayName eq … (… … …)"),
        ("displayName eq Mary [Anne Le Roy]", "displayName eq …[… … …]"),
        ("userName eq \"a\"b eq c\"", "userName eq … … … … …"),
        ("userName eq \"a\".b eq c", "userName eq … … … …"),
        ("Mary Anne Le Roy", "… … … …"),
        ("\"Mary\" Anne eq Roy", "… … … …"),
        ("title pr Anne eq Roy", "title pr … … …"),
        ("title eq eq Anne eq Roy", "title eq … … … …"),
        ("emails[type eq \"work\"].value sw \"a\"", "emails[type eq …].value sw …"),
        ("emails[type eq Mary] Anne eq \"a\"", "emails[type eq …]… … …"),
        ("NOT (title pr) AND (a eq 1 or b Co \"x\")", "NOT (title pr) AND (a eq … or b Co …)"),
        ("((a.b pr))", "((a.b pr))"),
    ] {
        acme.scim("GET", &with_query("/Users", &[("filter", filter)]), &Value::Null);
        assert_eq!(acme.last_request()["query"]["filter"], shown, "{filter}");
    }
    let id = acme.user("ada");
    for (path, shown) in [
        ("name.givenName", "name.givenName"),
        ("name Mary Anne", "name … …"),
        ("emails[type eq \"work\"].value", "emails[type eq …].value"),
        ("emails[type eq Mary Anne Le Roy].value", "emails[type eq … … … …].value"),
        ("emails[type eq \"work\"] Mary", "emails[type eq …]…"),
    ] {
        let operations = json!([{ "op": "remove", "path": path }]);
        acme.scim("PATCH", &format!("/Users/{id}"), &patch_op(&operations));
        assert_eq!(acme.last_request()["body"]["Operations"][0]["path"], shown, "{path}");
    }
}

#[test]
fn a_shape_is_bounded() {
    let mut acme = Acme::new();
    let shape = |acme: &mut Acme, body: &Value| {
        acme.scim("POST", "/Users", body);
        acme.last_request()["body"].clone()
    };
    let values: Vec<Value> = (0..=limits::SHAPED_ELEMENTS).map(Value::from).collect();
    let mut expected = vec![json!("number"); limits::SHAPED_ELEMENTS];
    assert_eq!(shape(&mut acme, &json!({ "x": values[1..] })), json!({ "x": expected }));
    expected.push(json!("…"));
    assert_eq!(shape(&mut acme, &json!({ "x": values })), json!({ "x": expected }));
    let many = |count: usize| -> Value {
        let fields = (0..count).map(|number| (format!("a{number}"), json!({ "b": [[1]] })));
        Value::Object(fields.collect())
    };
    let shown = shape(&mut acme, &many(1_000));
    assert_eq!(shown["…"], "…");
    assert!(shown.to_string().len() <= limits::SHAPE_BYTES, "{shown}");
    let deep = (0..60).fold(json!(1), |inner, _| json!([inner]));
    assert!(shape(&mut acme, &deep).to_string().len() <= limits::SHAPE_BYTES);
    let title = |bytes: usize| json!({ "title": "x".repeat(bytes) });
    let rest = title(0).to_string().len();
    assert_eq!(
        shape(&mut acme, &title(limits::SHAPED_BODY_BYTES - rest)),
        json!({ "title": "text" })
    );
    assert_eq!(shape(&mut acme, &title(limits::SHAPED_BODY_BYTES - rest + 1)), "large");
    let long = format!("{} eq", "x".repeat(limits::SHAPED_TEXT_CHARACTERS));
    acme.scim("GET", &with_query("/Users", &[("filter", &long)]), &Value::Null);
    assert_eq!(acme.last_request()["query"]["filter"], "…");
}

#[test]
fn keeping_requests_writes_nothing_until_an_alarm() {
    let mut acme = Acme::new();
    acme.settle();
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), None, "nothing is left to do");
    let before = acme.dump();
    acme.get("/Users");
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), Some(limits::FLUSH_MILLISECONDS));
    acme.wait(7);
    acme.get("/Users");
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), Some(1_000), "the first one counts");
    acme.alarm().expect("an alarm");
    assert!(acme.dump() == before, "an alarm that rings for another reason writes nothing");
    acme.wait(1);
    acme.alarm().expect("an alarm");
    assert_eq!(acme.rows("requests"), 1, "one row a batch");
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), None);
    // Who looks is not seen, and wants no alarm.
    acme.requests("");
    acme.admin("GET", "/events", &Value::Null);
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), None);
    let before = told(&acme.requests(""));
    acme.sleep();
    assert_eq!(told(&acme.requests("")), before, "what is written outlives the object's sleep");
}

#[test]
fn a_sweep_is_not_put_off_by_what_can_wait() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    acme.group("crew", &[&ada]);
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), Some(limits::FLUSH_MILLISECONDS));
    acme.delete(&format!("/Users/{ada}"));
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), Some(0));
    acme.alarm().expect("an alarm");
    assert_eq!((acme.rows("sweeps"), acme.rows("requests")), (0, 0));
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), Some(limits::FLUSH_MILLISECONDS));
}

#[test]
fn so_many_requests_are_kept() {
    let mut acme = Acme::new();
    let most = limits::REQUESTS;
    let per_batch = usize::try_from(limits::REQUESTS_PER_BATCH).expect("a size");
    let ask = |acme: &mut Acme, number: usize| {
        acme.scim("GET", &format!("/Users?count={number}"), &Value::Null);
    };
    let counts = |acme: &mut Acme| -> Vec<u64> {
        let page = acme.requests("limit=1000");
        let items = page["items"].as_array().expect("items").iter();
        items.filter_map(|item| item["query"]["count"].as_u64()).collect()
    };
    let newest = |last: usize| (0..=last).rev().take(most).map(|n| n as u64).collect::<Vec<_>>();
    for number in 0..most + 5 {
        ask(&mut acme, number);
    }
    assert_eq!(counts(&mut acme), newest(most + 4), "in memory");
    acme.settle();
    assert_eq!(counts(&mut acme), newest(most + 4), "in rows");
    assert_eq!(acme.rows("requests"), (most / per_batch) as i64);
    let mut last = most + 4;
    for step in [1, 7, per_batch, 3, per_batch - 1, 2 * per_batch + 5, most - 1] {
        for _ in 0..step {
            last += 1;
            ask(&mut acme, last);
        }
        if step % 2 == 0 {
            assert_eq!(counts(&mut acme), newest(last), "partly in memory");
        }
        acme.settle();
        acme.sleep();
        assert_eq!(counts(&mut acme), newest(last), "after {step}");
        let rows = acme.rows("requests");
        assert!(rows <= 2 * (most / per_batch) as i64 + 2, "{rows} rows");
    }
}

#[test]
fn a_flush_that_fails_at_any_statement_is_tried_again() {
    let mut acme = Acme::new();
    let key = acme.connect("okta");
    acme.scim_with("POST", "/Users", &json!({ "userName": "a", "nope": 1 }), &key, &[]);
    acme.wait(60);
    let before = acme.dump();
    let told_before = told(&acme.requests(""));
    let failures = acme.alarm_failing_everywhere(|acme, statements| {
        assert!(acme.dump() == before, "at {statements}");
    });
    assert!(failures > 4, "requests, traffic, warnings");
    assert_eq!(told(&acme.requests("")), told_before);
}

#[test]
fn requests_of_revoked_and_disabled_keys_are_kept_too() {
    let mut acme = Acme::new();
    let key = acme.mint(&["scim"]);
    let id = acme.admin("GET", "/keys", &Value::Null).json()["items"][1]["id"].clone();
    acme.admin("DELETE", &format!("/keys/{}", id.as_str().expect("an id")), &Value::Null);
    assert_eq!(acme.scim_with("GET", "/Users", &Value::Null, &key, &[]).status, 401);
    let last = acme.last_request();
    assert_eq!(
        (&last["status"], &last["key"], &last["connection"]),
        (&json!(401), &id, &Value::Null)
    );
    let key = acme.connection_key("off", "disabled");
    assert_eq!(acme.scim_with("GET", "/Users", &Value::Null, &key, &[]).status, 403);
    let last = acme.last_request();
    assert_eq!((&last["status"], &last["connection"]), (&json!(403), &json!("off")));
}

#[test]
fn another_tenants_requests_are_not_among_them() {
    let (mut acme, mut other) = (Acme::new(), Acme::named("other"));
    other.user("bob");
    let before = told(&acme.requests(""));
    other.user("eve");
    assert_eq!(told(&acme.requests("")), before);
    let theirs = acme.ask("GET", "/v1/tenants/acme/requests", &Value::Null, &other.key);
    assert_eq!(theirs.status, 401);
    assert_eq!(acme.ask("GET", "/v1/tenants/acme/requests", &Value::Null, ADMIN).status, 200);
}
