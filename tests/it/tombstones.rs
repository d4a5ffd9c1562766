//! Users who are deleted and come back: who gets the old id, for how long, and what is remembered.

use muster::limits;
use muster::store::{Cell, Sql as _};
use serde_json::{Value, json};

use crate::bulk::bulk_request;
use crate::steps::check_problem;
use crate::support::Acme;

/// A tenant with two connections, and their keys.
fn given() -> (Acme, String, String) {
    let mut acme = Acme::new();
    let (okta, entra) = (acme.connect("okta"), acme.connect("entra"));
    (acme, okta, entra)
}

fn user(name: &str, external_id: &str) -> Value {
    json!({ "userName": name, "externalId": external_id })
}

/// Makes a user and deletes it; the id.
fn bury(acme: &mut Acme, key: &str, body: &Value) -> String {
    let id = acme.pushed(key, body);
    acme.delete_by(key, &id);
    id
}

fn decide(acme: &mut Acme, deprovision: &Value) {
    acme.policy(&json!({ "deprovision": deprovision }));
}

#[test]
fn ol_09_a_deleted_user_is_gone_at_once_and_forgotten_after_retention() {
    let (mut acme, okta, _) = given();
    decide(&mut acme, &json!({ "deactivated": "suspend", "deleted": "delete", "retain": "P30D" }));
    let ada = acme.pushed(&okta, &user("ada@acme.com", "e1"));
    acme.delete_by(&okta, &ada);
    assert_eq!(acme.scim("GET", &format!("/Users/{ada}"), &Value::Null).status, 404);
    assert_eq!(acme.get("/Users")["totalResults"], 0);
    acme.alarms();
    let row = &acme.sql.query("SELECT * FROM tombstones", &[]).unwrap()[0];
    for cell in &row.0 {
        let Cell::Text(text) = cell else { continue };
        assert!(!text.contains("ada") && text != "e1", "no name is kept: {text}");
    }
    assert_eq!(row.0[0], Cell::Text(ada));
    assert_eq!(row.0[4], Cell::Text("delete".to_owned()), "what the access has become");
    let seen = acme.events().len();
    acme.wait(limits::RETAIN_SECONDS_DEFAULT - 1);
    acme.alarm().expect("the alarm does its step");
    assert_eq!(acme.rows("tombstones"), 1);
    acme.sleep();
    acme.get("/Users");
    assert!(acme.tenant.alarm_in_milliseconds(acme.now).is_some_and(|wait| wait <= 1_000));
    acme.wait(1);
    acme.alarms();
    assert_eq!((acme.rows("tombstones"), acme.events().len()), (0, seen));
}

#[test]
fn ol_20_each_fate_is_chosen_by_itself() {
    let mut acme = Acme::new();
    for (name, fates) in [
        ("deactivated", ["suspend", "delete", "keep"]),
        ("deleted", ["suspend", "delete", "keep"]),
        ("relink", ["always", "soft-only", "never"]),
    ] {
        for fate in fates {
            decide(&mut acme, &json!({ name: fate }));
            let held = acme.admin("GET", "/policies", &Value::Null).json();
            assert_eq!(held["deprovision"][name], fate);
        }
    }
    acme.sleep();
    let held = acme.admin("GET", "/policies", &Value::Null).json()["deprovision"].take();
    let last = json!({
        "deactivated": "keep", "deleted": "keep", "retain": "P30D", "relink": "never",
    });
    assert_eq!(held, last, "each stays as it was until it is mentioned");
    for (retain, shown) in
        [("P2W", "P14D"), ("P1Y", "P365D"), ("PT36H", "PT129600S"), ("PT0S", "P0D")]
    {
        decide(&mut acme, &json!({ "retain": retain }));
        let held = acme.admin("GET", "/policies", &Value::Null).json();
        assert_eq!(held["deprovision"]["retain"], shown);
    }
}

#[test]
fn a_faulty_choice_is_refused_with_its_place() {
    let mut acme = Acme::new();
    let beyond = format!("PT{}S", limits::RETAIN_SECONDS + 1);
    let document = json!({ "deprovision": {
        "deactivated": "gone", "deleted": 7, "retain": beyond, "relink": "Always", "colour": 1,
    } });
    let reply = acme.admin("PUT", "/policies", &document);
    check_problem(&reply, (422, "faulty", ""), "faulty");
    let faults = reply.json()["faults"].take();
    let paths: Vec<&str> =
        faults.as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    let expected = ["deactivated", "deleted", "retain", "relink", "colour"];
    assert_eq!(paths, expected.map(|name| format!("/deprovision/{name}")));
    assert_eq!(faults[0]["detail"], "is none of suspend, delete, keep");
    for retain in ["", "P", "30D", "P-1D", "P1M"] {
        let reply = acme.admin("PUT", "/policies", &json!({ "deprovision": { "retain": retain } }));
        assert_eq!(reply.status, 422, "{retain}");
    }
    assert_eq!(acme.admin("PUT", "/policies", &json!({ "deprovision": [] })).status, 422);
    decide(&mut acme, &json!({ "retain": format!("PT{}S", limits::RETAIN_SECONDS) }));
}

#[test]
fn a_person_of_the_same_connection_and_name_gets_the_old_id() {
    let (mut acme, okta, entra) = given();
    let ada = acme.pushed(&okta, &user("ada", "e1"));
    let path = format!("/Users/{ada}");
    let changed = json!({ "userName": "ada", "externalId": "e1", "title": "Dr" });
    assert_eq!(acme.scim("PUT", &path, &changed).status, 200);
    acme.delete_by(&okta, &ada);
    let other = acme.pushed(&entra, &user("Ada", "e1"));
    assert_ne!(other, ada, "another connection's is another person");
    acme.delete_by(&entra, &other);
    let reply = acme.scim_with("POST", "/Users", &user("ADA", "e9"), &okta, &[]);
    assert_eq!((reply.status, &reply.json()["id"]), (201, &json!(ada)));
    assert_eq!(reply.headers["etag"], "W/\"3\"", "no version of old is mistaken for the new one");
    assert_eq!(reply.json().get("title"), None);
    assert_eq!(acme.rows("tombstones"), 1);
    let event = acme.events().pop().unwrap();
    assert_eq!(
        (&event["type"], &event["data"]["relinked"]),
        (&json!("user.created"), &json!(true))
    );
    acme.sleep();
    assert_eq!(acme.pushed(&entra, &user("ada.b", "e1")), other, "by the `externalId`");
    assert_eq!(acme.rows("tombstones"), 0);
}

#[test]
fn what_was_deleted_without_a_connection_comes_back_without_one() {
    let (mut acme, okta, _) = given();
    let key = acme.key.clone();
    let ada = bury(&mut acme, &key, &user("ada", "e1"));
    let okta_s = bury(&mut acme, &okta, &user("ada", "e1"));
    assert_ne!(okta_s, ada);
    assert_eq!(acme.pushed(&key, &user("ada", "e1")), ada);
}

#[test]
fn an_external_id_must_be_of_one_alone() {
    let (mut acme, okta, _) = given();
    let first = acme.pushed(&okta, &user("a", "e1"));
    let second = acme.pushed(&okta, &user("b", "e1"));
    acme.delete_by(&okta, &first);
    acme.delete_by(&okta, &second);
    let new = acme.pushed(&okta, &user("c", "e1"));
    assert!(![&first, &second].contains(&&new), "two have it");
    assert_eq!(acme.pushed(&okta, &user("b", "e1")), second, "the name decides");
    let fresh = acme.pushed(&okta, &user("d", "e1"));
    assert_ne!(fresh, first, "a user has it");
    for id in [&new, &second, &fresh] {
        acme.scim(
            "PATCH",
            &format!("/Users/{id}"),
            &json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": "remove", "path": "externalId" }],
            }),
        );
    }
    assert_ne!(acme.pushed(&okta, &user("x", "E1")), first, "its case counts");
    assert_eq!(acme.pushed(&okta, &user("e", "e1")), first);
    assert_ne!(acme.pushed(&okta, &json!({ "userName": "f" })), first);
}

#[test]
fn the_last_of_a_name_comes_back() {
    let (mut acme, okta, _) = given();
    decide(&mut acme, &json!({ "relink": "never" }));
    let first = bury(&mut acme, &okta, &user("ada", "e1"));
    acme.wait(1);
    let last = bury(&mut acme, &okta, &user("ada", "e2"));
    assert_ne!(first, last, "never");
    decide(&mut acme, &json!({ "relink": "always" }));
    assert_eq!(acme.pushed(&okta, &user("ada", "e1")), last);
}

#[test]
fn a_soft_relink_is_of_those_whose_access_had_not_ended() {
    for (deleted, revived) in [("delete", false), ("suspend", true), ("keep", true)] {
        let (mut acme, okta, _) = given();
        decide(&mut acme, &json!({ "deleted": deleted, "relink": "soft-only" }));
        let ada = bury(&mut acme, &okta, &user("ada", "e1"));
        // What it was then counts, not what would be now.
        decide(&mut acme, &json!({ "deleted": "delete" }));
        assert_eq!(acme.pushed(&okta, &user("ada", "e1")) == ada, revived, "{deleted}");
    }
}

#[test]
fn who_is_imported_again_has_no_tombstone() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let pages = acme.export(1_000);
    acme.delete(&format!("/Users/{ada}"));
    acme.alarms();
    for page in &pages {
        acme.takes(page);
    }
    assert_eq!(acme.rows("tombstones"), 0);
    assert_eq!(
        acme.scim("PUT", &format!("/Users/{ada}"), &json!({ "userName": "eve" })).status,
        200
    );
    assert_ne!(acme.user("ada"), ada);
}

#[test]
fn after_retention_nobody_comes_back() {
    let (mut acme, okta, _) = given();
    decide(&mut acme, &json!({ "retain": "PT1H" }));
    let ada = bury(&mut acme, &okta, &user("ada", "e1"));
    acme.wait(3_600);
    // The alarm may be late.
    assert_eq!(acme.rows("tombstones"), 1);
    assert_ne!(acme.pushed(&okta, &user("ada", "e1")), ada);
    decide(&mut acme, &json!({ "retain": "PT0S" }));
    bury(&mut acme, &okta, &user("bob", "e2"));
    assert_eq!(acme.rows("tombstones"), 1, "what is not retained leaves nothing");
}

#[test]
fn a_tenant_that_deleted_nobody_looks_for_nobody() {
    let mut acme = Acme::new();
    let create = |acme: &mut Acme, name: &str| {
        acme.sql.statements();
        acme.user(name);
        acme.sql.statements()
    };
    let of_none = create(&mut acme, "a");
    assert!(!of_none.iter().any(|statement| statement.contains("tombstones")), "{of_none:?}");
    let id = acme.user("b");
    assert_eq!(acme.scim("DELETE", &format!("/Users/{id}"), &Value::Null).status, 204);
    assert_eq!(create(&mut acme, "c").len(), of_none.len() + 1, "by name");
    let group = acme.group("g", &[]);
    acme.scim("DELETE", &format!("/Groups/{group}"), &Value::Null);
    assert_eq!(acme.rows("tombstones"), 1, "a group has none");
}

#[test]
fn what_is_forgotten_is_forgotten_in_steps() {
    let mut acme = Acme::new();
    decide(&mut acme, &json!({ "retain": "PT1H" }));
    let users = acme.populate(limits::TOMBSTONES_STEP + 1);
    let operations =
        users.iter().map(|id| json!({ "method": "DELETE", "path": format!("/Users/{id}") }));
    let request = bulk_request(&json!(operations.collect::<Vec<_>>()));
    assert_eq!(acme.scim("POST", "/Bulk", &request).status, 200);
    acme.alarms();
    acme.wait(3_600);
    let after = |count: usize| i64::try_from(count).unwrap();
    assert_eq!(acme.rows("tombstones"), after(users.len()));
    acme.alarm().expect("the alarm does its step");
    assert_eq!(acme.rows("tombstones"), 1);
    acme.sleep();
    acme.get("/Users");
    acme.alarm_failing_everywhere(|acme, _| assert_eq!(acme.rows("tombstones"), 1));
    assert_eq!(acme.rows("tombstones"), 0);
}

#[test]
fn an_operation_that_is_refused_leaves_no_tombstone_and_takes_none() {
    let (mut acme, okta, _) = given();
    let ada = bury(&mut acme, &okta, &user("ada", "e1"));
    acme.user("bob");
    let before = acme.rows("tombstones");
    // The name is taken, so the POST that would have revived by `externalId` is refused.
    let request = bulk_request(&json!([
        { "method": "POST", "path": "/Users", "bulkId": "1", "data": user("bob", "e1") },
    ]));
    let reply = acme.scim_with("POST", "/Bulk", &request, &okta, &[]);
    assert_eq!(reply.json()["Operations"][0]["status"], "409");
    assert_eq!(acme.rows("tombstones"), before);
    assert_eq!(acme.pushed(&okta, &user("ada", "e1")), ada);
}
