//! Members that were named before they were there: they become members when they appear.

use muster::limits;
use muster::store::{Param, Sql as _};
use serde_json::{Value, json};

use crate::bulk::{bulk_request, group, post, statuses};
use crate::scenario::Reply;
use crate::steps::{check_error, patch_op, texts};
use crate::support::{Acme, ORIGIN};

/// A tenant, the key of a connection that may name whom it likes, and a group of it.
struct Given {
    acme: Acme,
    key: String,
    path: String,
}

impl Given {
    /// A group with members by any text.
    fn new(members: &Value) -> Self {
        let mut acme = Acme::new();
        let key = acme.connect("onelogin");
        let mut given = Self { acme, key, path: String::new() };
        given.path = format!("/Groups/{}", given.group("crew", members));
        given
    }

    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        self.acme.scim_with(method, path, body, &self.key, &[])
    }

    /// What the connection makes; its id.
    #[track_caller]
    fn make(&mut self, path: &str, body: &Value) -> String {
        let reply = self.ask("POST", path, body);
        assert_eq!(reply.status, 201, "{}", reply.json());
        reply.json()["id"].as_str().expect("an id").to_owned()
    }

    #[track_caller]
    fn group(&mut self, name: &str, members: &Value) -> String {
        self.make("/Groups", &json!({ "displayName": name, "members": members }))
    }

    /// A change of members by the connection.
    #[track_caller]
    fn change(&mut self, operation: Value) {
        let path = self.path.clone();
        let reply = self.ask("PATCH", &path, &patch_op(&json!([operation])));
        assert_eq!(reply.status, 200, "{}", reply.json());
    }

    /// The texts that the group shows, and how many rows are counted for it.
    #[track_caller]
    fn check(&mut self, members: &[&str]) {
        let shown = self.acme.get(&self.path);
        assert_eq!(texts(&shown["members"], "value"), members);
        let id = shown["id"].as_str().expect("an id");
        let count = "SELECT members FROM resources WHERE id = +?1";
        let rows = self.acme.sql.query(count, &[Param::Text(id)]).expect("SQLite counts");
        assert_eq!(rows[0].integer(0), Ok(members.len() as i64), "the count of members");
    }
}

fn add(values: Value) -> Value {
    json!({ "op": "add", "path": "members", "value": values })
}

fn remove(values: Value) -> Value {
    json!({ "op": "remove", "path": "members", "value": values })
}

#[test]
fn a_user_that_appears_is_a_member_where_its_name_was_sent_before() {
    let mut given = Given::new(&json!([{ "value": "ADA@x", "display": "Ada" }, "bob@x"]));
    let events = given.acme.events().len();
    let reply = given.acme.scim("POST", "/Users", &json!({ "userName": "ada@X" }));
    let (user, id) = (reply.json(), reply.json()["id"].as_str().expect("an id").to_owned());
    assert_eq!(texts(&user["groups"], "display"), ["crew"], "the answer knows it already");
    assert_eq!(user["meta"]["version"], "W/\"1\"");
    assert_eq!(given.acme.get(&format!("/Users/{id}")), user);
    given.check(&[&id, "bob@x"]);
    let group = given.acme.get(&given.path);
    let reference = format!("{ORIGIN}/t/acme/scim/v2/Users/{id}");
    let expected = json!({ "value": id, "$ref": reference, "type": "User", "display": "Ada",
        "origin": ["scim:onelogin"] });
    assert_eq!((&group["members"][0], &group["meta"]["version"]), (&expected, &json!("W/\"2\"")));
    let told: Vec<Value> = given.acme.events().split_off(events);
    let told: Vec<_> =
        told.iter().map(|e| (e["type"].clone(), e["data"]["members"].clone())).collect();
    let expected = [
        (json!("user.created"), Value::Null),
        (json!("group.member.added"), json!([id])),
        (json!("group.member.removed"), json!([])),
    ];
    assert_eq!(told, expected, "a text is not told");
    let origins = given.acme.sql.query("SELECT origin FROM members", &[]).expect("SQLite reads");
    assert_eq!(origins[0].text(0), Ok("scim:onelogin"), "by whose word it is there");
    assert_eq!(given.acme.found("/Groups", &format!("members.value eq \"{id}\"")).len(), 1);
    given.acme.delete(&format!("/Users/{id}"));
    given.acme.alarms();
    given.check(&["bob@x"]);
}

#[test]
fn a_user_that_gets_the_name_later_is_a_member_from_then_on() {
    for (method, body) in [
        ("PUT", json!({ "userName": "EVE" })),
        ("PATCH", patch_op(&json!([{ "op": "replace", "path": "userName", "value": "Eve" }]))),
        ("PATCH", patch_op(&json!([{ "op": "replace", "path": "externalId", "value": "eve" }]))),
    ] {
        let mut given = Given::new(&json!(["eve"]));
        let id = given.make("/Users", &json!({ "userName": "ada" }));
        given.check(&["eve"]);
        let path = format!("/Users/{id}");
        let reply = given.ask(method, &path, &body);
        assert_eq!(texts(&reply.json()["groups"], "display"), ["crew"], "{body}");
        assert_eq!(reply.json()["meta"]["version"], "W/\"2\"");
        given.check(&[&id]);
        let before = given.acme.dump();
        given.ask(method, &path, &body);
        assert_eq!(given.acme.dump(), before, "{body}");
    }
}

#[test]
fn an_external_id_is_a_name_to_the_connection_that_gave_it_alone() {
    let mut given = Given::new(&json!(["e-1", "E-2"]));
    let body = json!({ "userName": "other", "externalId": "e-1" });
    let other = given.acme.made("/Users", &body);
    given.make("/Users", &json!({ "userName": "case", "externalId": "e-2" }));
    given.check(&["E-2", "e-1"]);
    given.change(add(json!(["e-1"])));
    given.check(&["E-2", "e-1"]);
    let own = given.make("/Users", &json!({ "userName": "own", "externalId": "e-1" }));
    given.check(&[&own, "E-2"]);
    let twin = given.make("/Users", &json!({ "userName": "twin", "externalId": "e-1" }));
    given.change(add(json!([other, twin])));
    given.change(remove(json!(["e-1"])));
    given.check(&[&other, &twin, "E-2"]);
}

#[test]
fn a_group_that_appears_is_a_member_and_so_are_those_in_it() {
    let mut given = Given::new(&json!(["g-1"]));
    let ada = given.make("/Users", &json!({ "userName": "ada" }));
    let inner = json!({ "displayName": "inner", "externalId": "g-1", "members": [ada, "g-1"] });
    let inner = given.make("/Groups", &inner);
    given.check(&[&inner]);
    let groups = given.acme.get(&format!("/Users/{ada}"))["groups"].clone();
    assert_eq!(texts(&groups, "type"), ["indirect", "direct"]);
    // What a group calls itself is not looked for in it.
    let path = given.path.clone();
    given.path = format!("/Groups/{inner}");
    given.check(&[&ada, "g-1"]);
    given.change(add(json!(["g-1"])));
    given.change(remove(json!(["g-1"])));
    given.check(&[&ada]);
    given.path = path;
    given.change(remove(json!(["g-1"])));
    given.check(&[]);
}

#[test]
fn a_member_that_gets_a_name_that_was_sent_is_not_there_twice() {
    let mut given = Given::new(&json!([]));
    let ada = given.make("/Users", &json!({ "userName": "ada", "displayName": "Ada" }));
    given.change(add(json!([ada, "eve", { "value": "EVE", "display": "Eve" }])));
    given.check(&[&ada, "EVE", "eve"]);
    let events = given.acme.events().len();
    given.acme.put(&format!("/Users/{ada}"), &json!({ "userName": "Eve", "displayName": "Ada" }));
    given.check(&[&ada]);
    assert_eq!(given.acme.event_types(events), ["user.updated", "group.member.removed"]);
    assert_eq!(given.acme.get(&given.path)["members"][0]["display"], "Ada");
}

#[test]
fn who_is_there_is_added_and_removed_by_its_names_too() {
    let mut given = Given::new(&json!([]));
    let body = json!({ "userName": "ada@x", "externalId": "e-1" });
    let ada = given.make("/Users", &body);
    for text in ["ADA@X", "e-1", ada.as_str()] {
        for operation in [
            remove(json!([{ "value": text }])),
            json!({ "op": "remove", "path": format!("members[value eq \"{text}\"]") }),
            json!({ "op": "replace", "path": "members", "value": [] }),
        ] {
            let events = given.acme.events().len();
            given.change(add(json!([{ "value": text, "display": "A" }, "ada@x", ada])));
            given.check(&[&ada]);
            given.change(operation);
            given.check(&[]);
            let told = given.acme.events().split_off(events);
            let told: Vec<_> = told.iter().map(|e| e["data"]["members"].clone()).collect();
            assert_eq!(told, [json!([ada]), json!([ada])], "{text}");
        }
    }
    // A replacement that names it otherwise keeps it.
    given.change(add(json!([ada])));
    let before = given.acme.dump();
    let path = given.path.clone();
    given.ask("PUT", &path, &json!({ "displayName": "crew", "members": ["ada@x"] }));
    assert_eq!(given.acme.dump(), before);
}

#[test]
fn the_text_that_was_sent_still_removes_whom_it_became() {
    let mut given = Given::new(&json!(["ada@x", "bob@x"]));
    let ada = given.make("/Users", &json!({ "userName": "ada@x", "externalId": "ada@x" }));
    given.check(&[&ada, "bob@x"]);
    given.change(json!({ "op": "remove", "path": r#"members[value eq "ada@x"]"# }));
    given.check(&["bob@x"]);
}

#[test]
fn a_name_that_was_given_to_the_user_of_another_removes_it_too() {
    let mut given = Given::new(&json!(["e-1"]));
    let ada = given.acme.user("ada");
    let name = json!([{ "op": "add", "path": "externalId", "value": "e-1" }]);
    given.ask("PATCH", &format!("/Users/{ada}"), &patch_op(&name));
    given.check(&[&ada]);
    given.change(add(json!(["e-1"])));
    given.check(&[&ada]);
    given.change(remove(json!(["e-1"])));
    given.check(&[]);
}

#[test]
fn a_key_that_may_not_read_users_learns_no_names_of_theirs() {
    let mut given = Given::new(&json!([]));
    let ada = given.make("/Users", &json!({ "userName": "ada" }));
    given.change(add(json!([ada])));
    let body = json!({ "name": "g", "scopes": ["scim.groups:write"], "connection": "onelogin" });
    given.key = given.acme.mint_with(&body);
    given.change(add(json!(["ada"])));
    given.check(&[&ada, "ada"]);
    given.change(remove(json!(["ada"])));
    given.check(&[&ada]);
}

#[test]
fn an_operation_of_a_bulk_request_binds_as_the_request_for_it_alone_does() {
    let mut given = Given::new(&json!(["dan", "left"]));
    let mut left = group("left", &["right", "dan"]);
    left["data"]["externalId"] = json!("left");
    let operations = json!([
        left,
        group("right", &["left"]),
        post("/Users", "dan", json!({ "userName": "Dan" })),
    ]);
    let answers = given.ask("POST", "/Bulk", &bulk_request(&operations)).json();
    let answers = answers["Operations"].as_array().expect("answers").clone();
    assert_eq!(statuses(&answers), "201 201 201");
    let ids = [2, 0].map(|place: usize| crate::bulk::id_of(&answers[place]));
    given.check(&[&ids[0], &ids[1]]);
    let groups = given.acme.get(&format!("/Users/{}", ids[0]))["groups"].clone();
    assert_eq!(texts(&groups, "display"), ["crew", "left", "right"]);
}

#[test]
fn what_a_refused_operation_named_is_forgotten() {
    let mut given = Given::new(&json!([]));
    let operations = json!([
        group("left", &["right"]),
        { "method": "POST", "path": "/Groups", "bulkId": "right", "data": {
            "displayName": "right", "members": ["bulkId:left", "bulkId:right", "zed"],
        } },
    ]);
    let answers = given.ask("POST", "/Bulk", &bulk_request(&operations)).json();
    assert_eq!(statuses(answers["Operations"].as_array().expect("answers")), "409 400");
    assert_eq!(statements(&mut given.acme, "zed"), statements(&mut Acme::new(), "zed"));
    given.change(add(json!(["eve"])));
    assert_ne!(statements(&mut given.acme, "ada"), statements(&mut Acme::new(), "ada"));
}

/// What it takes to make a user.
fn statements(acme: &mut Acme, name: &str) -> Vec<String> {
    acme.get("/Users?count=0");
    acme.sql.statements();
    acme.user(name);
    acme.sql.statements()
}

#[test]
fn who_was_not_named_costs_one_statement_where_others_were_and_none_elsewhere() {
    let usual = statements(&mut Acme::new(), "ada");
    let mut given = Given::new(&json!(["eve"]));
    for asleep in [false, true] {
        if asleep {
            given.acme.sleep();
        }
        let more = statements(&mut given.acme, if asleep { "ada" } else { "bob" });
        assert_eq!(more.len(), usual.len() + 1);
        let naming = more.iter().find(|statement| !usual.contains(statement)).expect("one more");
        let plan = given.acme.sql.plan(naming);
        assert!(plan.iter().any(|step| step.contains("dangling_by_key")), "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("SCAN d")), "{plan:?}");
    }
    given.acme.sql.statements();
    let operation = json!([{ "op": "replace", "path": "title", "value": "x" }]);
    let user = format!("/Users/{}", given.acme.found("/Users", r#"userName eq "ada""#)[0]);
    given.acme.patch(&user, &operation);
    assert!(!given.acme.sql.statements().iter().any(|s| s.contains("dangling")));
    // Nobody is named any more, which is known again when the object wakes.
    given.change(json!({ "op": "remove", "path": "members" }));
    given.acme.sleep();
    assert_eq!(statements(&mut given.acme, "cyd"), usual);
}

#[test]
fn a_group_that_is_gone_has_no_members_to_come() {
    let mut given = Given::new(&json!(["ada"]));
    given.acme.delete(&given.path);
    assert_eq!(given.acme.rows("dangling"), 1, "it is swept later");
    let ada = given.make("/Users", &json!({ "userName": "ada" }));
    assert_eq!(given.acme.get(&format!("/Users/{ada}")).get("groups"), None);
    assert_eq!(given.acme.rows("members"), 0);
    given.acme.alarms();
    assert_eq!((given.acme.rows("dangling"), given.acme.rows("sweeps")), (0, 0));
}

#[test]
fn a_user_becomes_so_many_members_at_once() {
    let mut given = Given::new(&json!(["ada"]));
    let most = limits::BOUND_MEMBERS;
    let more = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {most})
         INSERT INTO dangling SELECT grp, 'ada', 'scim:' || n, NULL, 'ada' FROM dangling, n"
    );
    given.acme.sql.query(&more, &[]).expect("SQLite writes");
    let before = given.acme.dump();
    let reply = given.ask("POST", "/Users", &json!({ "userName": "ada" }));
    let detail = format!("more than {most} groups name this resource as a member");
    check_error(&reply, (400, "tooMany", &detail), "one too many");
    assert!(given.acme.dump() == before);
    given.acme.sql.query("DELETE FROM dangling WHERE origin = 'scim:1'", &[]).expect("one less");
    given.make("/Users", &json!({ "userName": "ada" }));
    assert_eq!((given.acme.rows("members"), given.acme.rows("dangling")), (most as i64, 0));
}

#[test]
fn texts_that_were_kept_before_they_had_keys_are_bound_too() {
    let mut given = Given::new(&json!(["Ada", "É"]));
    given.acme.back_to(1);
    let names = ["ada", "É"].map(|name| given.make("/Users", &json!({ "userName": name })));
    given.check(&[&names[0], "É"]);
    // Of letters beyond ASCII, it is when it is sent again.
    given.change(add(json!(["É"])));
    given.check(&[&names[0], &names[1]]);
}
