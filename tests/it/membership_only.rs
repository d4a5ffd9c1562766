//! Connections that change who is in a group, and nothing else of it.

use muster::scim::urn;
use serde_json::{Value, json};

use crate::attribute_rules::faults;
use crate::steps::{check_problem, patch_op};
use crate::support::Acme;

const MEMBERS_ONLY: (u16, &str, &str) =
    (403, "", "this connection changes the members of groups and nothing else");
const READ_ONLY: (u16, &str, &str) =
    (400, "mutability", "`displayName` is readOnly for this connection");

/// A tenant with a group of its administrator, whose own key is that of a connection.
fn connected() -> (Acme, String) {
    let mut acme = Acme::new();
    let crew = json!({ "displayName": "crew", "externalId": "e1" });
    let crew = format!("/Groups/{}", acme.made("/Groups", &crew));
    acme.key = acme.connect("okta");
    (acme, crew)
}

/// The mutability of the attributes of groups, as the key is told it.
fn mutability(acme: &mut Acme) -> Vec<String> {
    let schema = acme.get(&format!("/Schemas/{}", urn::GROUP));
    let attributes = schema["attributes"].as_array().expect("attributes").clone();
    attributes
        .iter()
        .map(|one| format!("{} {}", one["name"], one["mutability"]).replace('"', ""))
        .collect()
}

#[test]
fn bd_15_a_connection_may_be_left_the_members_of_groups_and_no_more() {
    let (mut acme, crew) = connected();
    let (ada, bob) = (acme.user("ada"), acme.user("bob"));
    assert_eq!(mutability(&mut acme), ["displayName readWrite", "members readWrite"]);
    acme.policy(&json!({ "groups": "membershipOnly" }));
    acme.sleep();
    assert_eq!(mutability(&mut acme), ["displayName readOnly", "members readWrite"]);
    acme.refused("POST", "/Groups", &json!({ "displayName": "more" }), MEMBERS_ONLY);
    acme.refused("DELETE", &crew, &Value::Null, MEMBERS_ONLY);
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "b" }]);
    acme.refused("PATCH", &crew, &patch_op(&rename), READ_ONLY);
    acme.refused("PUT", &crew, &json!({ "displayName": "b", "members": [] }), READ_ONLY);
    let member = |id: &str| json!([{ "value": id }]);
    let join = json!([{ "op": "add", "path": "members", "value": member(&ada) }]);
    assert_eq!(acme.patch(&crew, &join).json()["members"][0]["value"], ada);
    // What a PUT leaves out is not its client's to clear.
    let put = acme.put(&crew, &json!({ "displayName": "crew", "members": member(&bob) }));
    assert_eq!((&put["members"][0]["value"], &put["externalId"]), (&bob.into(), &json!("e1")));
    let clear = json!([{ "op": "remove", "path": "externalId" }]);
    let told = (400, "mutability", "`externalId` is readOnly for this connection");
    acme.refused("PATCH", &crew, &patch_op(&clear), told);
    let made = json!({ "schemas": [urn::BULK_REQUEST], "Operations": [
        { "method": "POST", "path": "/Groups", "bulkId": "b", "data": { "displayName": "more" } },
    ] });
    assert_eq!(acme.scim("POST", "/Bulk", &made).json()["Operations"][0]["status"], "403");
    acme.user("eve");
}

#[test]
fn a_key_without_a_connection_is_not_held_to_it() {
    let (mut acme, crew) = connected();
    acme.policy(&json!({ "groups": "membershipOnly" }));
    acme.key = acme.mint(&["scim"]);
    assert_eq!(mutability(&mut acme), ["displayName readWrite", "members readWrite"]);
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "b" }]);
    acme.patch(&crew, &rename);
    acme.delete(&crew);
    acme.group("more", &[]);
}

#[test]
fn a_connection_has_its_own_word_on_it() {
    let (mut acme, crew) = connected();
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "b" }]);
    let say = |acme: &mut Acme, value: Value| {
        acme.admin("PATCH", "/connections/okta", &json!({ "groups": value }))
    };
    assert_eq!(say(&mut acme, json!("membershipOnly")).json()["groups"], "membershipOnly");
    acme.sleep();
    acme.refused("PATCH", &crew, &patch_op(&rename), READ_ONLY);
    acme.policy(&json!({ "groups": "membershipOnly" }));
    let event = say(&mut acme, json!("full"));
    assert_eq!(event.status, 200);
    acme.patch(&crew, &rename);
    let none = say(&mut acme, Value::Null).json();
    assert_eq!(none.get("groups"), None, "the tenant's word counts again");
    acme.refused("DELETE", &crew, &Value::Null, MEMBERS_ONLY);
    let told: Vec<Value> =
        acme.events().into_iter().filter(|event| event["type"] == "connection.updated").collect();
    let said = |event: &Value| {
        (event["data"]["changed"].clone(), event["data"]["previous"]["groups"].clone())
    };
    let changed = json!(["groups"]);
    assert_eq!(
        told.iter().map(said).collect::<Vec<_>>(),
        [
            (changed.clone(), Value::Null),
            (changed.clone(), json!("membershipOnly")),
            (changed, json!("full")),
        ]
    );
}

#[test]
fn what_is_neither_is_refused() {
    let (mut acme, _) = connected();
    let told = faults(&mut acme, &json!({ "groups": "none" }));
    assert_eq!(told, ["/groups is neither full nor membershipOnly"]);
    for value in [json!("none"), json!(true)] {
        let reply = acme.admin("PATCH", "/connections/okta", &json!({ "groups": value }));
        check_problem(
            &reply,
            (400, "malformed", "`groups` is neither full nor membershipOnly"),
            "",
        );
    }
}

#[test]
fn a_connections_word_moves_with_the_tenant() {
    let (mut acme, _) = connected();
    acme.admin("PATCH", "/connections/okta", &json!({ "groups": "membershipOnly" }));
    let lines = acme.export(1_000);
    let mut other = Acme::new();
    assert_eq!(other.import(&lines.concat()).status, 200);
    let there = other.admin("GET", "/connections/okta", &Value::Null).json();
    assert_eq!(there["groups"], "membershipOnly");
}
