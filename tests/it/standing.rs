//! Who may touch whom: what a connection manages, what nobody does, what another does.

use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::bulk::bulk_request;
use crate::scenario::Reply;
use crate::steps::{Refused, check_error, patch_op, texts};
use crate::support::Acme;

const ANOTHERS: Refused<'_> = (403, "", "another connection manages this resource");
const NOT_DELETED: Refused<'_> =
    (403, "", "no connection manages this resource, so none deletes it");
const NOT_DEACTIVATED: Refused<'_> =
    (403, "", "no connection manages this resource, so none deactivates it");
const NOT_TAKEN_UP: Refused<'_> =
    (403, "", "this connection does not take up what it did not make");

/// A tenant with a connection that takes up what an `adopt` says, and its key.
fn given(adopt: &str) -> (Acme, String) {
    let mut acme = Acme::new();
    let key = acme.connect("okta");
    acme.admin("PATCH", "/connections/okta", &json!({ "adopt": adopt }));
    (acme, key)
}

fn set(path: &str, value: Value) -> Value {
    patch_op(&json!([{ "op": "replace", "path": path, "value": value }]))
}

fn user(name: &str) -> Value {
    json!({ "userName": name })
}

impl Acme {
    /// Who manages a resource.
    fn manager(&self, path: &str) -> Option<String> {
        let id = path.rsplit('/').next().unwrap();
        let statement = format!("SELECT manager FROM resources WHERE id = '{id}'");
        let rows = self.sql.query(&statement, &[]).unwrap();
        rows[0].text_or_null(0).unwrap().map(str::to_owned)
    }

    fn by(&mut self, key: &str, method: &str, path: &str, body: &Value) -> Reply {
        self.scim_with(method, path, body, key, &[])
    }

    /// A request by a key that is refused, and leaves every row as it was.
    #[track_caller]
    fn refused_by(&mut self, key: &str, request: (&str, &str, &Value), error: Refused<'_>) {
        let (method, path, body) = request;
        self.with_key(key, |acme| acme.refused(method, path, body, error));
    }
}

#[test]
fn whoever_makes_a_resource_manages_it() {
    let (mut acme, key) = given("onWrite");
    for (path, body) in [("/Users", user("ada")), ("/Groups", json!({ "displayName": "g" }))] {
        let made = acme.by(&key, "POST", path, &body).json();
        let id = made["id"].as_str().unwrap();
        assert_eq!(acme.manager(id).as_deref(), Some("okta"));
    }
    let nobodys = acme.user("bob");
    assert_eq!(acme.manager(&nobodys), None);
    // A key without a connection changes what a connection manages, and does not begin to manage it.
    let ada = acme.found("/Users", "userName eq \"ada\"").remove(0);
    acme.patch(&format!("/Users/{ada}"), &set("active", json!(false))["Operations"]);
    assert_eq!(acme.manager(&ada).as_deref(), Some("okta"));
    acme.delete(&format!("/Users/{ada}"));
}

#[test]
fn what_another_connection_manages_is_read_and_not_written() {
    let (mut acme, key) = given("onCreate");
    let other = acme.connect("entra");
    let (id, group) = acme.with_key(&other, |acme| (acme.user("ada"), acme.group("g", &[])));
    let (user_path, group_path) = (format!("/Users/{id}"), format!("/Groups/{group}"));
    let join = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
    for (path, body) in [(&user_path, user("ada")), (&group_path, json!({ "displayName": "g" }))] {
        assert_eq!(acme.by(&key, "GET", path, &Value::Null).status, 200);
        for (method, body) in [
            ("PUT", &body),
            ("PATCH", &set("externalId", json!("x"))),
            ("PATCH", &patch_op(&json!([{ "op": "remove", "path": "externalId" }]))),
            ("DELETE", &Value::Null),
        ] {
            acme.refused_by(&key, (method, path, body), ANOTHERS);
            let stale = acme.scim_with(method, path, body, &key, &[("If-Match", "W/\"9\"")]);
            check_error(&stale, ANOTHERS, "whatever version it names");
        }
    }
    acme.refused_by(&key, ("PATCH", &group_path, &patch_op(&join)), ANOTHERS);
    let taken = (409, "uniqueness", "another resource has this `userName`");
    acme.refused_by(&key, ("POST", "/Users", &user("ADA")), taken);
    // It may add any user to its own groups.
    let own = acme.with_key(&key, |acme| acme.group("own", &[&id]));
    assert_eq!(texts(&acme.get(&format!("/Groups/{own}"))["members"], "value"), [id]);
    assert_eq!(acme.manager(&user_path).as_deref(), Some("entra"));
}

#[test]
fn a_user_that_is_nobodys_is_taken_up_by_the_first_write() {
    for (number, (method, body, told)) in [
        ("PUT", json!({ "userName": "ada", "title": "Dev" }), vec!["user.linked", "user.updated"]),
        ("PUT", user("ada"), vec!["user.linked"]),
        ("PATCH", set("title", json!("Dev")), vec!["user.linked", "user.updated"]),
        ("PATCH", set("userName", json!("ada")), vec!["user.linked"]),
        ("PATCH", set("active", json!(true)), vec!["user.linked", "user.updated"]),
    ]
    .into_iter()
    .enumerate()
    {
        let (mut acme, key) = given("onWrite");
        let path = format!("/Users/{}", acme.user("ada"));
        let behind = acme.events().len();
        let reply = acme.by(&key, method, &path, &body);
        assert_eq!(reply.status, 200, "{number}: {}", reply.json());
        assert_eq!(acme.manager(&path).as_deref(), Some("okta"));
        assert_eq!(acme.event_types(behind), told, "{number}");
        let linked = &acme.events()[behind]["data"];
        assert_eq!((&linked["connection"], &linked["id"]), (&json!("okta"), &reply.json()["id"]));
        // The version is that of what is shown.
        let version = if told.len() == 1 { "W/\"1\"" } else { "W/\"2\"" };
        assert_eq!(reply.json()["meta"]["version"], version, "{number}");
        acme.with_key(&key, |acme| acme.changes_nothing(method, &path, &body));
        acme.sleep();
        acme.with_key(&key, |acme| acme.delete(&path));
    }
}

#[test]
fn ol_10_users_of_others_are_left_untouched() {
    let (mut acme, key) = given("onWrite");
    let bob = format!("/Users/{}", acme.user("bob"));
    let before = acme.get(&bob);
    acme.refused_by(&key, ("DELETE", &bob, &Value::Null), NOT_DELETED);
    let off = json!({ "userName": "bob", "active": false });
    for (method, body) in [("PUT", &off), ("PATCH", &set("active", json!(false)))] {
        acme.refused_by(&key, (method, &bob, body), NOT_DEACTIVATED);
    }
    assert_eq!(acme.get(&bob), before);
    // A whole synchronisation of its own users, twice, and then their removal.
    let rows = |acme: &Acme| {
        let statement = "SELECT doc, manager, origin FROM resources WHERE manager IS NULL";
        acme.sql.query(statement, &[]).unwrap()
    };
    let foreign = rows(&acme);
    let behind = acme.events().len();
    acme.with_key(&key, |acme| {
        let ids = ["ada", "cyd"].map(|name| acme.user(name));
        for _ in 0..2 {
            acme.get("/Users?count=100");
            for (id, name) in ids.iter().zip(["ada", "cyd"]) {
                acme.put(&format!("/Users/{id}"), &json!({ "userName": name, "title": "Dev" }));
            }
        }
        for id in ids {
            acme.patch(&format!("/Users/{id}"), &set("active", json!(false))["Operations"]);
            acme.delete(&format!("/Users/{id}"));
        }
    });
    assert_eq!(rows(&acme), foreign);
    let told = acme.events().split_off(behind);
    assert!(told.len() > 6 && told.iter().all(|event| event["data"]["id"] != before["id"]));
}

#[test]
fn who_is_not_active_is_not_deactivated_by_a_write_that_says_so() {
    let (mut acme, key) = given("onWrite");
    let body = json!({ "userName": "ada", "active": false });
    let id = acme.made("/Users", &body);
    let path = format!("/Users/{id}");
    assert_eq!(acme.by(&key, "PATCH", &path, &set("active", json!(false))).status, 200);
    assert_eq!(acme.manager(&path).as_deref(), Some("okta"));
}

#[test]
fn a_connection_may_take_up_nothing() {
    let (mut acme, key) = given("never");
    let path = format!("/Users/{}", acme.user("ada"));
    for (method, body) in [("PUT", user("ada")), ("PATCH", set("title", json!("Dev")))] {
        acme.refused_by(&key, (method, &path, &body), NOT_TAKEN_UP);
    }
    acme.refused_by(&key, ("DELETE", &path, &Value::Null), NOT_DELETED);
    let group = format!("/Groups/{}", acme.group("g", &[]));
    let rename = set("displayName", json!("h"));
    acme.refused_by(&key, ("PATCH", &group, &rename), NOT_TAKEN_UP);
    let join = json!([{ "op": "add", "path": "members", "value": [{ "value": path[7..] }] }]);
    assert_eq!(acme.by(&key, "PATCH", &group, &patch_op(&join)).status, 200);
    let taken = (409, "uniqueness", "another resource has this `userName`");
    check_error(&acme.by(&key, "POST", "/Users", &user("ada")), taken, "nor is its name");
    assert_eq!(acme.manager(&path), None);
}

#[test]
fn a_group_that_is_nobodys_is_taken_up_by_a_write_of_its_attributes_alone() {
    let (mut acme, key) = given("onWrite");
    let ada = acme.user("ada");
    let path = format!("/Groups/{}", acme.group("g", &[]));
    let join = json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]);
    let whole = json!({ "displayName": "g", "members": [{ "value": ada }] });
    for (method, body) in [("PATCH", patch_op(&join)), ("PUT", whole)] {
        assert_eq!(acme.by(&key, method, &path, &body).status, 200);
        assert_eq!(acme.manager(&path), None, "{method}");
    }
    acme.refused_by(&key, ("DELETE", &path, &Value::Null), NOT_DELETED);
    let behind = acme.events().len();
    let rename = set("displayName", json!("h"));
    assert_eq!(acme.by(&key, "PATCH", &path, &rename).status, 200);
    assert_eq!(acme.manager(&path).as_deref(), Some("okta"));
    assert_eq!(acme.event_types(behind), ["group.linked", "group.updated"]);
    acme.with_key(&key, |acme| acme.delete(&path));
}

#[test]
fn a_post_of_a_taken_name_takes_up_who_is_nobodys_where_the_connection_does_that() {
    let (mut acme, key) = given("onCreate");
    let id = acme.made(
        "/Users",
        &json!({ "userName": "ada", "title": "Dev", "emails": [{ "value": "a@x" }] }),
    );
    let crew = acme.group("crew", &[&id]);
    let behind = acme.events().len();
    let off = json!({ "userName": "ada", "active": false });
    acme.refused_by(&key, ("POST", "/Users", &off), NOT_DEACTIVATED);
    let body = json!({ "userName": "ADA", "externalId": "e" });
    let reply = acme.by(&key, "POST", "/Users", &body);
    let shown = reply.json();
    assert_eq!((reply.status, &shown["id"]), (201, &json!(id)));
    assert!(reply.headers["location"].ends_with(&id));
    assert_eq!((&shown["userName"], shown.get("title")), (&json!("ADA"), None));
    assert_eq!(acme.get(&format!("/Users/{id}"))["groups"][0]["value"], json!(crew));
    assert_eq!(acme.event_types(behind), ["user.linked", "user.updated"]);
    let taken = (409, "uniqueness", "another resource has this `userName`");
    acme.refused_by(&key, ("POST", "/Users", &body), taken);
    assert_eq!(acme.get("/Users")["totalResults"], 1);
}

#[test]
fn each_operation_of_a_bulk_request_is_judged_by_itself() {
    let (mut acme, key) = given("onCreate");
    let other = acme.connect("entra");
    let others = acme.with_key(&other, |acme| acme.user("other"));
    let [ada, bob] = ["ada", "bob"].map(|name| acme.user(name));
    acme.user("cyd");
    let request = bulk_request(&json!([
        { "method": "DELETE", "path": format!("/Users/{others}") },
        { "method": "PUT", "path": format!("/Users/{others}"), "data": user("other") },
        { "method": "DELETE", "path": format!("/Users/{ada}") },
        { "method": "PATCH", "path": format!("/Users/{ada}"), "data": set("active", json!(false)) },
        { "method": "PUT", "path": format!("/Users/{bob}"), "data": user("bob") },
        { "method": "DELETE", "path": format!("/Users/{bob}") },
        { "method": "POST", "path": "/Users", "bulkId": "c", "data": user("cyd") },
        { "method": "DELETE", "path": "/Users/bulkId:c" },
        { "method": "POST", "path": "/Users", "bulkId": "o", "data": user("other") },
    ]));
    let reply = acme.by(&key, "POST", "/Bulk", &request).json();
    let expected = ["403", "403", "403", "403", "200", "204", "201", "204", "409"];
    assert_eq!(texts(&reply["Operations"], "status"), expected);
    assert_eq!(texts(&acme.get("/Users"), "userName"), ["other", "ada"]);
}

#[test]
fn taking_up_that_fails_at_any_statement_leaves_nothing() {
    for (method, body) in [
        ("PUT", user("ada")),
        ("PATCH", set("title", json!("Dev"))),
        ("POST", json!({ "userName": "ada", "title": "Dev" })),
    ] {
        let (mut acme, key) = given("onCreate");
        let id = acme.user("ada");
        let path = if method == "POST" { "/Users".to_owned() } else { format!("/Users/{id}") };
        let before = acme.dump();
        let take_up = |acme: &mut Acme| acme.by(&key, method, &path, &body);
        let (reply, _) = acme.failing_everywhere(take_up, |acme, statements, reply| {
            assert_eq!((reply.status, acme.dump() == before), (500, true), "{method} {statements}");
        });
        assert!(reply.status < 300, "{method}: {}", reply.json());
        assert_eq!(acme.manager(&id).as_deref(), Some("okta"));
    }
}

#[test]
fn what_was_made_before_there_were_managers_is_managed_by_whoever_made_it() {
    let (mut acme, key) = given("onWrite");
    let own = acme.with_key(&key, |acme| acme.user("ada"));
    let nobodys = acme.user("bob");
    acme.back_to(5);
    acme.get("/Users");
    assert_eq!((acme.manager(&own).as_deref(), acme.manager(&nobodys)), (Some("okta"), None));
    acme.with_key(&key, |acme| acme.delete(&format!("/Users/{own}")));
}
