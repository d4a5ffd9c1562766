//! Shapes of one intent: whatever a client sends for it, the resource is the same afterwards, byte
//! for byte but for its version and times.

use serde_json::{Value, json};

use crate::given::ENTERPRISE;
use crate::steps::{patch_op, state};
use crate::support::Acme;

/// A request: its method and body; a list is the operations of a PATCH.
type Shape = (&'static str, Value);

/// A tenant with users and a group, always the same down to their ids.
struct Given {
    acme: Acme,
    ada: String,
    bob: String,
    user: String,
    group: String,
}

fn ada() -> Value {
    json!({
        "userName": "ada@x",
        "name": { "familyName": "Byron", "givenName": "Ada" },
        "active": true,
        "emails": [{ "value": "ada@x", "type": "work" }],
        ENTERPRISE: { "department": "Engines" },
    })
}

impl Given {
    fn new() -> Self {
        let mut acme = Acme::new();
        let ada = acme.made("/Users", &ada());
        let bob = acme.user("bob");
        let cyd = acme.user("cyd");
        let user = format!("/Users/{ada}");
        let group = format!("/Groups/{}", acme.group("crew", &[&ada, &cyd]));
        Self { acme, ada, bob, user, group }
    }

    /// Sends a shape, of which it changes something; what the resource is then.
    #[track_caller]
    fn take(&mut self, path: &str, (method, body): &Shape) -> String {
        let before = state(self.acme.get(path));
        let body = if body.is_array() { patch_op(body) } else { body.clone() };
        let reply = self.acme.scim(method, path, &body);
        assert!(reply.status < 300, "{method} {body}: {}", reply.json());
        let after = state(self.acme.get(path));
        assert_ne!(after, before, "{method} {body}");
        self.acme.changes_nothing(method, path, &body);
        after
    }
}

/// Shapes for the user, or for the group, after which it is in each case the same.
#[track_caller]
fn check(of_group: bool, prepare: &Value, shapes: impl Fn(&Given) -> Vec<Shape>) -> Value {
    let all = shapes(&Given::new());
    let mut first: Option<String> = None;
    for shape in all {
        let mut given = Given::new();
        let path = if of_group { given.group.clone() } else { given.user.clone() };
        if prepare.is_array() {
            given.acme.patch(&path, prepare);
        }
        let after = given.take(&path, &shape);
        let first = first.get_or_insert_with(|| after.clone());
        assert_eq!(after, *first, "{} {}", shape.0, shape.1);
    }
    serde_json::from_str(&first.expect("there are shapes")).expect("JSON")
}

fn patch(operation: Value) -> Shape {
    ("PATCH", json!([operation]))
}

/// Ada as a PUT sends her, with some attributes others; null where one is left out.
fn put(differences: Value) -> Shape {
    let mut body = ada();
    for (name, value) in differences.as_object().expect("attributes") {
        body[name] = value.clone();
    }
    ("PUT", body)
}

#[test]
fn every_shape_deactivates() {
    let after = check(false, &Value::Null, |_| {
        vec![
            patch(json!({ "op": "replace", "value": { "active": false } })),
            patch(json!({ "op": "replace", "value": { "Active": "False" } })),
            patch(json!({ "op": "replace", "path": "active", "value": false })),
            patch(json!({ "op": "Replace", "path": "active", "value": "False" })),
            patch(json!({ "op": "replace", "path": "active", "value": "false" })),
            patch(json!({ "op": "Add", "path": "active", "value": "False" })),
            patch(json!({ "op": "add", "value": { "active": false } })),
            patch(json!({ "op": "Replace", "path": "active", "value": [{ "value": "False" }] })),
            put(json!({ "active": false })),
            put(json!({ "active": "False" })),
        ]
    });
    assert_eq!((&after["active"], &after["groups"][0]["display"]), (&json!(false), &json!("crew")));
    // Where a client deletes instead, nobody is there, which is no more active than that.
    let mut given = Given::new();
    given.acme.delete(&given.user);
    assert_eq!(given.acme.found("/Users", r#"active eq true and userName eq "ada@x""#).len(), 0);
    assert_eq!(given.acme.event_types(0).last().map(String::as_str), Some("user.deleted"));
}

#[test]
fn every_shape_removes_one_member() {
    let after = check(true, &Value::Null, |given| {
        let (ada, group) = (&given.ada, given.group.trim_start_matches("/Groups/"));
        let cyd = json!([{ "value": last(ada) }]);
        let list = |value: Value| json!({ "op": "Remove", "path": "members", "value": value });
        vec![
            patch(json!({ "op": "remove", "path": format!("members[value eq \"{ada}\"]") })),
            patch(json!({ "op": "Remove", "path": format!("Members[Value Eq \"{ada}\"]") })),
            patch(list(json!([{ "value": ada }]))),
            patch(list(json!([{ "$ref": null, "value": ada }]))),
            patch(list(json!([{ "value": ada, "display": "Ada", "type": "User" }]))),
            patch(list(json!({ "value": ada }))),
            patch(list(json!([ada]))),
            patch(json!({ "op": "replace", "path": "members", "value": cyd })),
            patch(json!({ "op": "replace", "value": { "id": group, "members": cyd } })),
            ("PUT", json!({ "displayName": "crew", "members": cyd })),
            ("PUT", json!({ "id": group, "displayName": "crew", "members": [last(ada)] })),
        ]
    });
    assert_eq!(after["members"].as_array().map(Vec::len), Some(1));
}

/// The id of Cyd, who is made as the second after Ada.
fn last(ada: &str) -> String {
    let given = Given::new();
    assert_eq!(given.ada, ada, "the ids are the same in each tenant");
    let mut acme = given.acme;
    acme.found("/Users", r#"userName eq "cyd""#).remove(0)
}

#[test]
fn every_shape_adds_a_member() {
    let after = check(true, &Value::Null, |given| {
        let (ada, bob) = (&given.ada, &given.bob);
        let add = |value: Value| json!({ "op": "Add", "path": "members", "value": value });
        let all = json!([{ "value": ada }, { "value": bob }, { "value": last(ada) }]);
        vec![
            patch(add(json!([{ "value": bob }]))),
            patch(add(json!([{ "$ref": null, "value": bob }]))),
            patch(add(json!([{ "value": bob, "type": "User", "$ref": "elsewhere" }]))),
            patch(add(json!({ "value": bob }))),
            patch(add(json!([bob]))),
            patch(add(json!(bob))),
            patch(json!({ "op": "add", "value": { "members": [{ "value": bob }] } })),
            patch(json!({ "op": "replace", "path": "members", "value": all })),
            ("PUT", json!({ "displayName": "crew", "members": all })),
        ]
    });
    assert_eq!(after["members"].as_array().map(Vec::len), Some(3));
    // With a name of its own, the member has that one.
    let after = check(true, &Value::Null, |given| {
        let add = |name: &str| {
            let member = json!({ "value": given.bob, name: "Bob" });
            patch(json!({ "op": "add", "path": "members", "value": [member] }))
        };
        vec![add("display"), add("displayName"), add("DISPLAY")]
    });
    assert_eq!(after["members"][1]["display"], "Bob");
}

#[test]
fn every_shape_sets_the_manager() {
    let manager = format!("{ENTERPRISE}:manager");
    let engines = |manager: Value| json!({ "department": "Engines", "manager": manager });
    let after = check(false, &Value::Null, |given| {
        let bob = &given.bob;
        let add =
            |path: &str, value: Value| patch(json!({ "op": "Add", "path": path, "value": value }));
        vec![
            add("manager", json!([{ "value": bob }])),
            add("manager", json!({ "value": bob })),
            add(&manager, json!(bob)),
            add(&manager, json!([bob])),
            add(&format!("{ENTERPRISE}.manager"), json!(bob)),
            add(&format!("{manager}.value"), json!(bob)),
            add("Manager.Value", json!(bob)),
            add("manager", json!({ "Value": bob, "$ref": null })),
            add("manager.managerId", json!(bob)),
            patch(
                json!({ "op": "replace", "path": format!("{ENTERPRISE}.manager"), "value": bob }),
            ),
            patch(json!({ "op": "replace", "value": { manager.as_str(): bob } })),
            patch(json!({ "op": "add", "value": { ENTERPRISE: { "manager": { "value": bob } } } })),
            put(json!({ ENTERPRISE: engines(json!({ "value": bob })) })),
            put(json!({ ENTERPRISE: engines(json!(bob)) })),
            put(json!({ ENTERPRISE: engines(json!([{ "Value": bob }])) })),
        ]
    });
    assert_eq!(after[ENTERPRISE]["manager"].as_object().map(serde_json::Map::len), Some(1));
    // With a reference as it is sent.
    check(false, &Value::Null, |given| {
        let value = json!({ "value": given.bob, "$ref": "https://x/Users/bob" });
        vec![
            patch(json!({ "op": "Add", "path": "manager", "value": [value] })),
            patch(json!({ "op": "Replace", "path": manager, "value": value })),
            put(json!({ ENTERPRISE: engines(value) })),
        ]
    });
}

#[test]
fn every_shape_clears_the_manager() {
    let manager = format!("{ENTERPRISE}:manager");
    let set = json!([{ "op": "add", "path": manager, "value": "m-1" }]);
    let after = check(false, &set, |_| {
        let replace =
            |value: Value| patch(json!({ "op": "Replace", "path": manager, "value": value }));
        vec![
            replace(json!("")),
            replace(json!(null)),
            replace(json!([])),
            replace(json!({ "value": "" })),
            replace(json!({ "value": null, "$ref": null })),
            patch(json!({ "op": "Add", "path": manager, "value": "" })),
            patch(json!({ "op": "remove", "path": manager })),
            patch(json!({ "op": "Remove", "path": "manager" })),
            patch(json!({ "op": "remove", "path": format!("{manager}.value") })),
            patch(json!({ "op": "replace", "value": { ENTERPRISE: { "manager": null } } })),
            put(json!({})),
            put(json!({ ENTERPRISE: { "department": "Engines", "manager": null } })),
            put(json!({ ENTERPRISE: { "department": "Engines", "manager": "" } })),
        ]
    });
    assert_eq!(after[ENTERPRISE], json!({ "department": "Engines" }));
}

#[test]
fn every_shape_sets_the_work_email() {
    let after = check(false, &Value::Null, |_| {
        let work = json!({ "value": "king@x", "type": "work" });
        let path = r#"emails[type eq "work"].value"#;
        let one = |op: &str, path: &str, value: &Value| {
            patch(json!({ "op": op, "path": path, "value": value }))
        };
        vec![
            one("Replace", path, &json!("king@x")),
            one("Add", path, &json!("king@x")),
            one("replace", r#"Emails[Type eq "WORK"].Value"#, &json!(["king@x"])),
            one("replace", r#"emails[type eq "work"]"#, &work),
            one("replace", "emails", &json!([work])),
            one("replace", "emails", &work),
            patch(json!({ "op": "replace", "value": { path: "king@x" } })),
            patch(json!({ "op": "replace", "value": { "emails": [work] } })),
            put(json!({ "emails": [work] })),
            put(json!({ "emails": work })),
        ]
    });
    assert_eq!(after["emails"], json!([{ "value": "king@x", "type": "work" }]));
    // By the old address it is found once, and no second one is made when that is gone.
    let mut given = Given::new();
    let path = r#"emails[value eq "ada@x"].value"#;
    let old = json!([{ "op": "replace", "path": path, "value": "king@x" }]);
    assert_eq!(given.acme.patch(&given.user, &old).json()["emails"], after["emails"]);
    let detail = "operation 1: the path selects no attribute that the operation could act on";
    let error = (400, "noTarget", detail);
    given.acme.refused("PATCH", &given.user, &patch_op(&old), error);
    // Where it is the primary one, as before.
    let primary = json!([{ "op": "add", "path": "emails", "value": [
        { "value": "ada@x", "type": "work", "primary": true },
    ] }]);
    check(false, &primary, |_| {
        let work = json!({ "value": "king@x", "type": "work", "primary": true });
        vec![
            patch(json!({
                "op": "Replace", "path": r#"emails[type eq "work"].value"#, "value": "king@x",
            })),
            patch(json!({
                "op": "Replace", "path": r#"emails[primary eq "True"].value"#, "value": "king@x",
            })),
            put(json!({ "emails": [work] })),
            put(json!({ "emails": { "value": "king@x", "type": "work", "primary": "True" } })),
        ]
    });
}

#[test]
fn every_shape_renames_a_group() {
    let after = check(true, &Value::Null, |given| {
        let (ada, id) = (&given.ada, given.group.trim_start_matches("/Groups/"));
        let members = json!([{ "value": ada }, { "value": last(ada) }]);
        vec![
            patch(json!({ "op": "Replace", "path": "displayName", "value": "team" })),
            patch(json!({ "op": "Add", "path": "DisplayName", "value": "team" })),
            patch(json!({ "op": "replace", "value": { "id": id, "displayName": "team" } })),
            patch(json!({ "op": "replace", "path": "", "value": { "displayName": "team" } })),
            patch(json!({ "op": "replace", "value": { "displayName": "team", "members": null } })),
            ("PUT", json!({ "id": id, "displayName": "team", "members": members })),
            ("PUT", json!({ "displayName": "team", "members": [ada, last(ada)] })),
        ]
    });
    assert_eq!(
        (&after["displayName"], after["members"].as_array().map(Vec::len)),
        (&json!("team"), Some(2))
    );
}
