//! RFC 7644 §3.7: what each operation of a Bulk request comes to, and what it leaves.

use muster::limits;
use muster::scim::urn;
use serde_json::{Value, json};

use crate::steps::{patch_op, texts};
use crate::support::Acme;

/// The body of a Bulk request.
pub(crate) fn bulk_request(operations: &Value) -> Value {
    json!({ "schemas": [urn::BULK_REQUEST], "Operations": operations })
}

/// A POST of a Bulk request.
pub(crate) fn post(path: &str, bulk_id: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": path, "bulkId": bulk_id, "data": data })
}

/// A group of what `bulkId`s name.
pub(crate) fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<_> =
        members.iter().map(|m| json!({ "value": format!("bulkId:{m}") })).collect();
    post("/Groups", name, json!({ "displayName": name, "members": members }))
}

/// A user of a name.
pub(crate) fn user(name: &str) -> Value {
    post("/Users", name, json!({ "userName": name }))
}

impl Acme {
    /// The answers to the operations of a Bulk request.
    #[track_caller]
    pub(crate) fn bulk(&mut self, operations: &Value) -> Vec<Value> {
        let reply = self.scim("POST", "/Bulk", &bulk_request(operations));
        let body = reply.json();
        assert_eq!((reply.status, &body["schemas"]), (200, &json!([urn::BULK_RESPONSE])), "{body}");
        body["Operations"].as_array().expect("a list").clone()
    }
}

/// The statuses of answers, in one text.
pub(crate) fn statuses(answers: &[Value]) -> String {
    let status = |answer: &Value| answer["status"].as_str().expect("a text").to_owned();
    answers.iter().map(status).collect::<Vec<_>>().join(" ")
}

/// The id at the end of an answer's location.
pub(crate) fn id_of(answer: &Value) -> String {
    let location = answer["location"].as_str().expect("a location");
    location.rsplit('/').next().expect("an id").to_owned()
}

#[test]
fn every_operation_has_its_answer_in_the_order_of_the_request() {
    let mut acme = Acme::new();
    let [ada, bob, cyd] = ["ada", "bob", "cyd"].map(|name| acme.user(name));
    let base = "https://muster.test/t/acme/scim/v2";
    let title = json!([{ "op": "add", "path": "title", "value": "Pilot" }]);
    let answers = acme.bulk(&json!([
        post("/Users", "one", json!({ "userName": "dan" })),
        { "method": "PUT", "path": format!("/Users/{ada}"), "data": { "userName": "eve" } },
        { "method": "PATCH", "path": format!("/Users/{bob}"), "bulkId": "b", "data": patch_op(&title) },
        { "method": "DELETE", "path": format!("/Users/{cyd}") },
        post("/Users", "two", json!({ "userName": "BOB" })),
        { "method": "PUT", "path": "/Users/nobody", "data": { "userName": "x" } },
    ]));
    let dan = id_of(&answers[0]);
    let taken = "another resource has this `userName`";
    let error = |status: &str, detail: &str| json!({ "schemas": [urn::ERROR], "status": status, "detail": detail });
    let mut conflict = error("409", taken);
    conflict["scimType"] = "uniqueness".into();
    assert_eq!(
        json!(answers),
        json!([
            { "location": format!("{base}/Users/{dan}"), "method": "POST", "bulkId": "one", "version": "W/\"1\"", "status": "201" },
            { "location": format!("{base}/Users/{ada}"), "method": "PUT", "version": "W/\"2\"", "status": "200" },
            { "location": format!("{base}/Users/{bob}"), "method": "PATCH", "bulkId": "b", "version": "W/\"2\"", "status": "200" },
            { "location": format!("{base}/Users/{cyd}"), "method": "DELETE", "status": "204" },
            { "method": "POST", "bulkId": "two", "status": "409", "response": conflict },
            { "location": format!("{base}/Users/nobody"), "method": "PUT", "status": "404",
              "response": error("404", "there is no such resource") },
        ])
    );
    assert_eq!(texts(&acme.get("/Users"), "userName"), ["eve", "bob", "dan"]);
    assert_eq!(acme.get(&format!("/Users/{bob}"))["title"], "Pilot");
    let types = ["user.created", "user.updated", "user.updated", "user.deleted"];
    assert_eq!(acme.event_types(4), types);
}

#[test]
fn a_reference_is_to_what_a_post_makes_wherever_it_stands() {
    let mut acme = Acme::new();
    let manager = json!({ "userName": "ada", (urn::ENTERPRISE_USER): { "manager": { "value": "bulkId:bob" } } });
    let replace =
        json!([{ "op": "replace", "path": "members", "value": [{ "value": "bulkId:ada" }] }]);
    let put = json!({ "userName": "bob", "title": "bulkId:crew", "nickName": "x bulkId:crew" });
    let answers = acme.bulk(&json!([
        { "method": "PUT", "path": "/Users/bulkId%3Abob/", "data": put },
        { "method": "PATCH", "path": "/Groups/bulkId:all", "data": patch_op(&replace) },
        group("all", &["crew", "ada", "cyd"]),
        group("crew", &["bob"]),
        post("/Users", "ada", manager),
        user("bob"),
        user("cyd"),
        { "method": "DELETE", "path": "/Users/bulkId:cyd" },
    ]));
    assert_eq!(statuses(&answers), "200 200 201 201 201 201 201 204");
    let [all, crew, ada, bob] = [2, 3, 4, 5].map(|place| id_of(&answers[place]));
    assert_eq!(id_of(&answers[0]), bob, "the place of what a reference was to");
    assert_eq!(acme.get(&format!("/Users/{ada}"))[urn::ENTERPRISE_USER]["manager"]["value"], bob);
    let shown = acme.get(&format!("/Users/{bob}"));
    assert_eq!((&shown["title"], &shown["nickName"]), (&json!(crew), &json!("x bulkId:crew")));
    assert_eq!(texts(&acme.get(&format!("/Groups/{all}"))["members"], "value"), [ada]);
    assert_eq!(texts(&acme.get(&format!("/Groups/{crew}"))["members"], "value"), [bob]);
}

#[test]
fn what_is_referred_to_comes_first_and_all_else_stays_in_its_order() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let crew = acme.group("crew", &[]);
    let members = |op: &str, value: &str| {
        let op = json!([{ "op": op, "path": "members", "value": [{ "value": value }] }]);
        json!({ "method": "PATCH", "path": format!("/Groups/{crew}"), "data": patch_op(&op) })
    };
    let add = members("add", "bulkId:bob");
    let answers = acme.bulk(&json!([add, members("replace", &ada), user("bob")]));
    assert_eq!(statuses(&answers), "200 200 201");
    assert_eq!(answers[1]["version"], "W/\"3\"");
    assert_eq!(texts(&acme.get(&format!("/Groups/{crew}"))["members"], "value"), [ada]);
}

#[test]
fn a_circle_is_made_as_if_each_had_been_made_with_its_members() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let before = acme.events().len();
    let mut left = group("left", &["right", "bob"]);
    left["data"]["members"].as_array_mut().unwrap().push(json!({ "value": ada }));
    let managed = |name: &str, by: &str| {
        let manager = json!({ "manager": { "value": format!("bulkId:{by}") } });
        post("/Users", name, json!({ "userName": name, (urn::ENTERPRISE_USER): manager }))
    };
    let answers = acme.bulk(&json!([
        left,
        group("right", &["left"]),
        managed("bob", "cyd"),
        managed("cyd", "bob"),
        managed("own", "own"),
    ]));
    assert_eq!(statuses(&answers), "201 201 201 201 201");
    assert!(answers.iter().all(|answer| answer["version"] == "W/\"1\""), "{answers:?}");
    let [left, right, bob, cyd, own] = [0, 1, 2, 3, 4].map(|place| id_of(&answers[place]));
    let mut shown = acme.get(&format!("/Groups/{left}"));
    assert_eq!(texts(&shown["members"], "value"), [ada.as_str(), &bob, &right]);
    assert_eq!(shown["meta"].take()["version"], "W/\"1\"");
    assert_eq!(texts(&acme.get(&format!("/Groups/{right}"))["members"], "value"), [left.as_str()]);
    for (user, manager) in [(&bob, &cyd), (&cyd, &bob), (&own, &own)] {
        let shown = acme.get(&format!("/Users/{user}"));
        assert_eq!(shown[urn::ENTERPRISE_USER]["manager"]["value"], **manager);
    }
    let mut types = vec!["user.created"; 2];
    types.extend(["group.created", "group.created", "group.member.added", "group.member.added"]);
    types.push("user.created");
    assert_eq!(acme.event_types(before), types);
    let groups = acme.get(&format!("/Users/{ada}"));
    assert_eq!(texts(&groups["groups"], "value"), [left, right], "the nesting is known at once");
    acme.sleep();
    assert_eq!(acme.get("/Users")["totalResults"], 4);
}

#[test]
fn a_delete_has_no_data_to_refer_with() {
    let mut acme = Acme::new();
    // The one who is made again would be the one who was deleted.
    acme.policy(&json!({ "deprovision": { "relink": "never" } }));
    let bob = acme.user("bob");
    let delete = |name: &str| json!({ "method": "DELETE", "path": format!("/Users/{bob}"), "data": [format!("bulkId:{name}")] });
    assert_eq!(statuses(&acme.bulk(&json!([delete("bob"), user("bob")]))), "204 201");
    assert_eq!(statuses(&acme.bulk(&json!([delete("nobody")]))), "404");
}

#[test]
fn what_costs_a_conforming_client_nothing_is_read() {
    let mut acme = Acme::new();
    let patch = json!({ "op": "add", "path": "title", "value": "x" });
    let body = json!({ "OPERATIONS": [
        { "Method": "post", "PATH": "Users/", "BulkID": "a", "Data": { "userName": "ada" }, "version": null },
        { "method": "Patch", "path": "/Users/bulkId:a", "data": { "Operations": patch }, "more": 1 },
    ], "failonerrors": "2" });
    let answers = acme.scim("POST", "/Bulk", &body).json();
    assert_eq!(statuses(answers["Operations"].as_array().unwrap()), "201 200", "{answers}");
    let single = acme.scim("POST", "/Bulk", &json!({ "Operations": user("bob") })).json();
    assert_eq!(single["Operations"][0]["status"], "201");
    assert!(acme.bulk(&json!([])).is_empty());
    let alias = format!("{}/scim/v2/acme", crate::support::ORIGIN);
    let key = acme.key.clone();
    let reply = acme.ask("POST", "/scim/v2/acme/Bulk", &bulk_request(&json!([user("cyd")])), &key);
    let location = reply.json()["Operations"][0]["location"].as_str().unwrap().to_owned();
    assert!(location.starts_with(&format!("{alias}/Users/")), "{location}");
}

#[test]
fn after_so_many_errors_nothing_more_is_done() {
    let fails = json!({ "method": "DELETE", "path": "/Users/nobody" });
    for (most, expected) in [
        (json!(1), "201 404"),
        (json!(2), "201 404 201 404"),
        (json!(3), "201 404 201 404 201"),
        (json!(u64::MAX), "201 404 201 404 201"),
        (Value::Null, "201 404 201 404 201"),
    ] {
        let mut acme = Acme::new();
        let mut body = bulk_request(&json!([user("a"), fails, user("b"), fails, user("c")]));
        body["failOnErrors"] = most;
        let reply = acme.scim("POST", "/Bulk", &body);
        let answers = reply.json()["Operations"].as_array().unwrap().clone();
        assert_eq!((reply.status, statuses(&answers).as_str()), (200, expected), "{body}");
        let created = expected.matches("201").count();
        assert_eq!(acme.get("/Users")["totalResults"], created, "what was done stays");
    }
}

#[test]
fn a_circle_that_fails_counts_as_many_errors_as_it_has_operations() {
    let mut acme = Acme::new();
    let mut body = bulk_request(&json!([
        group("a", &["b"]),
        post("/Groups", "b", json!({ "members": ["bulkId:a"] })),
        user("c"),
    ]));
    body["failOnErrors"] = 2.into();
    let reply = acme.scim("POST", "/Bulk", &body).json();
    assert_eq!(statuses(reply["Operations"].as_array().unwrap()), "409 400");
}

#[test]
fn a_version_is_a_condition_of_its_operation_alone() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let put = |version: &str, title: &str| {
        json!({ "method": "PUT", "path": format!("/Users/{ada}"), "version": version,
            "data": { "userName": "ada", "title": title } })
    };
    let operations =
        json!([put("W/\"1\"", "a"), put("W/\"1\"", "b"), put("\"2\"", "c"), put("*", "c")]);
    let key = acme.key.clone();
    let headers = [("If-Match", "W/\"9\""), ("If-None-Match", "*"), ("Prefer", "return=minimal")];
    let reply = acme.scim_with("POST", "/Bulk", &bulk_request(&operations), &key, &headers);
    let answers = reply.json()["Operations"].as_array().unwrap().clone();
    assert_eq!(statuses(&answers), "200 412 200 200");
    assert_eq!(texts(&json!(answers), "version"), ["W/\"2\"", "", "W/\"3\"", "W/\"3\""]);
}

#[test]
fn a_patch_has_the_status_that_it_would_have_alone() {
    let mut acme = Acme::new();
    let key = acme.connect("entra");
    let members: Vec<String> = acme.populate(limits::PATCH_SHOWN_MEMBERS as usize + 1);
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let large = acme.group("large", &members);
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "new" }]);
    let operation = json!([{ "method": "PATCH", "path": format!("/Groups/{large}"), "data": patch_op(&rename) }]);
    assert_eq!(statuses(&acme.bulk(&operation)), "204");
    let op = json!([user("x"), { "method": "PATCH", "path": "/Users/bulkId:x",
        "data": patch_op(&json!([{ "op": "add", "path": "title", "value": "x" }])) }]);
    let reply = acme.scim_with("POST", "/Bulk", &bulk_request(&op), &key, &[]);
    assert_eq!(statuses(reply.json()["Operations"].as_array().unwrap()), "201 204");
}
