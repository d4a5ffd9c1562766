//! What a tenant asks of its users' attributes beyond their schemas.

use muster::limits;
use muster::scim::urn;
use serde_json::{Value, json};

use crate::declared::{URN, staff};
use crate::scenario::Reply;
use crate::support::Acme;

/// A tenant with some policies.
pub(crate) fn ruled(document: &Value) -> Acme {
    let mut acme = Acme::new();
    acme.policy(document);
    acme
}

/// The faults that a document is refused with: path and detail of each.
#[track_caller]
pub(crate) fn faults(acme: &mut Acme, document: &Value) -> Vec<String> {
    let before = acme.dump();
    let reply = acme.admin("PUT", "/policies", document);
    assert_eq!((reply.status, acme.dump() == before), (422, true), "{document}");
    let faults = reply.json()["faults"].as_array().cloned().expect("faults");
    let text = |fault: &Value, name: &str| fault[name].as_str().expect("a text").to_owned();
    faults.iter().map(|one| format!("{} {}", text(one, "path"), text(one, "detail"))).collect()
}

fn ada(given: &str, family: &str) -> Value {
    json!({ "userName": "ada", "name": { "givenName": given, "familyName": family },
        "emails": [{ "value": "ada@acme.com", "type": "work" }] })
}

/// What a refused write is told.
fn detail(reply: &Reply) -> (u16, String) {
    let body = reply.json();
    assert_eq!(body["scimType"], "invalidValue", "{body}");
    (reply.status, body["detail"].as_str().expect("a detail").to_owned())
}

#[test]
fn bd_27_what_a_user_must_have_is_asked_for_by_name() {
    let work = "emails[type eq \"work\"].value";
    let mut acme = ruled(&json!({
        "requiredAttributes": ["name.givenname", "name.familyName", "Emails[type eq \"work\"].value"],
    }));
    let shown = acme.admin("GET", "/policies", &Value::Null).json();
    assert_eq!(shown["requiredAttributes"], json!(["name.givenName", "name.familyName", work]));
    let nobody = json!({ "userName": "ada", "emails": [{ "value": "a@b", "type": "home" }] });
    let all = format!("this tenant requires `name.givenName`, `name.familyName`, `{work}`");
    acme.refused("POST", "/Users", &nobody, (400, "invalidValue", &all));
    let none = "this tenant requires `name.familyName`";
    acme.refused("POST", "/Users", &ada("Ada", ""), (400, "invalidValue", none));
    let path = format!("/Users/{}", acme.made("/Users", &ada("Ada", "Byron")));
    acme.refused("PUT", &path, &ada("Ada", ""), (400, "invalidValue", none));
    let remove = crate::steps::patch_op(&json!([{ "op": "remove", "path": "name.familyName" }]));
    acme.refused("PATCH", &path, &remove, (400, "invalidValue", none));
    let bulk = json!({ "schemas": [urn::BULK_REQUEST], "Operations": [
        { "method": "POST", "path": "/Users", "bulkId": "b", "data": ada("", "Byron") },
    ] });
    let answer = acme.scim("POST", "/Bulk", &bulk).json();
    assert_eq!(
        answer["Operations"][0]["response"]["detail"],
        "this tenant requires `name.givenName`"
    );
    assert_eq!(acme.scim("POST", "/Groups", &json!({ "displayName": "g" })).status, 201);
    acme.sleep();
    acme.refused("PUT", &path, &ada("Ada", ""), (400, "invalidValue", none));
}

#[test]
fn bz_09_incomplete_users_are_refused_and_inactive_ones_kept() {
    let mut acme = ruled(&json!({ "requiredAttributes": ["name.familyName"] }));
    let incomplete = json!({ "userName": "bob", "active": true });
    let missing = (400, "invalidValue", "this tenant requires `name.familyName`");
    acme.refused("POST", "/Users", &incomplete, missing);
    let mut disabled = ada("Ada", "Byron");
    disabled["active"] = false.into();
    assert_eq!(acme.post("/Users", &disabled)["active"], false);
}

#[test]
fn who_was_there_before_a_rule_is_not_asked_for_what_a_request_does_not_touch() {
    let mut acme = Acme::new();
    let path = format!("/Users/{}", acme.user("old"));
    acme.policy(&json!({ "requiredAttributes": ["name.familyName", "title"] }));
    acme.patch(&path, &json!([{ "op": "replace", "path": "nickName", "value": "o" }]));
    acme.patch(&path, &json!([{ "op": "replace", "path": "title", "value": "Dr" }]));
    let took = acme.scim(
        "PATCH",
        &path,
        &crate::steps::patch_op(&json!([{ "op": "remove", "path": "title" }])),
    );
    assert_eq!(detail(&took), (400, "this tenant requires `title`".to_owned()));
    let whole = json!({ "userName": "old", "title": "Dr" });
    let asked = acme.scim("PUT", &path, &whole);
    assert_eq!(detail(&asked), (400, "this tenant requires `name.familyName`".to_owned()));
    acme.patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }]));
    acme.patch(&path, &json!([{ "op": "replace", "path": "active", "value": true }]));
    let leaves = json!({ "userName": "old", "title": "Dr", "active": false });
    assert_eq!(acme.put(&path, &leaves)["active"], false, "whoever leaves lacks what it lacks");
    let less = json!({ "userName": "old", "active": false });
    assert_eq!(detail(&acme.scim("PUT", &path, &less)).1, "this tenant requires `title`");
    acme.delete(&path);
}

#[test]
fn what_is_required_is_shown_as_such() {
    let document = json!({ "schemas": [staff()], "requiredAttributes": [
        "name.familyName", "title", format!("{URN}:badge"), "emails[type eq \"work\"].value",
    ] });
    let mut acme = ruled(&document);
    let required = |acme: &mut Acme, urn: &str| -> Vec<String> {
        let schema = acme.get(&format!("/Schemas/{urn}"));
        let attributes = schema["attributes"].as_array().cloned().expect("attributes");
        let is = |one: &&Value| one["required"] == true;
        let name = |one: &Value| one["name"].as_str().expect("a name").to_owned();
        let parts = |one: &Value| {
            let parts = one["subAttributes"].as_array().cloned().unwrap_or_default();
            let parts: Vec<String> = parts.iter().filter(is).map(name).collect();
            std::iter::once(name(one)).chain(parts).collect::<Vec<_>>()
        };
        attributes.iter().filter(is).flat_map(parts).collect()
    };
    assert_eq!(required(&mut acme, urn::USER), ["userName", "name", "familyName", "title"]);
    assert_eq!(required(&mut acme, URN), ["badge", "grade"]);
    acme.policy(&json!({ "requiredAttributes": [] }));
    assert_eq!(required(&mut acme, urn::USER), ["userName"]);
}

#[test]
fn what_cannot_be_required_is_refused_with_its_place() {
    let mut acme = Acme::new();
    let document = json!({ "requiredAttributes": [
        "name.familyName", "nmae", 7, "password", "groups", "name.FamilyName", "title[x eq 1]",
        "emails[typ eq \"work\"]", "id",
    ] });
    assert_eq!(
        faults(&mut acme, &document),
        [
            "/requiredAttributes/1 unknown attribute `nmae`",
            "/requiredAttributes/2 is not a text",
            "/requiredAttributes/3 is no attribute that a client writes and that is kept",
            "/requiredAttributes/4 is no attribute that a client writes and that is kept",
            "/requiredAttributes/5 is there already",
            "/requiredAttributes/6 `title` has not several values",
            "/requiredAttributes/7 unknown attribute `typ`",
            "/requiredAttributes/8 is no attribute that a client writes and that is kept",
        ]
    );
    let whole = faults(&mut acme, &json!({ "requiredAttributes": "title" }));
    assert_eq!(whole, ["/requiredAttributes is not a list"]);
    let many = vec!["title"; limits::ATTRIBUTE_RULES + 1];
    let whole = faults(&mut acme, &json!({ "requiredAttributes": many }));
    assert_eq!(whole, ["/requiredAttributes has more than 50 entries"]);
}

#[test]
fn a_schema_stays_as_long_as_a_rule_names_it() {
    let badge = format!("{URN}:badge");
    let mut acme = ruled(&json!({ "schemas": [staff()], "requiredAttributes": [badge] }));
    let unknown = format!("/requiredAttributes/0 unknown attribute `{badge}`");
    assert_eq!(faults(&mut acme, &json!({ "schemas": [] })), [unknown]);
    acme.sleep();
    acme.policy(&json!({ "schemas": [], "requiredAttributes": [] }));
}
