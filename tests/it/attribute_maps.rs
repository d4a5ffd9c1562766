//! Attribute maps: what users' attributes are to an application.

use muster::limits;
use muster::tenant::StreamBatch;
use serde_json::{Value, json};

use crate::hooks::{Sent, URL, status};
use crate::steps::patch_op;
use crate::support::Acme;

fn map(attributes: &Value) -> Value {
    let targets = ["license", "mail", "name", "from", "seats"];
    json!({ "items": [{ "id": "crm", "targets": targets, "attributes": attributes }] })
}

/// A tenant with one map, and what that makes of a user.
fn mapped(attributes: &Value, user: &Value) -> Value {
    let mut acme = Acme::new();
    let map = map(attributes);
    let reply = acme.admin("PUT", "/attribute-maps", &map);
    assert_eq!((reply.status, reply.json()), (200, map.clone()));
    acme.sleep();
    assert_eq!(acme.admin("GET", "/attribute-maps", &Value::Null).json(), map);
    let id = acme.made("/Users", user);
    let access = acme.admin("GET", &format!("/users/{id}/access?map=crm"), &Value::Null).json();
    let found = acme.admin("GET", "/access?userName=ada&map=crm", &Value::Null).json();
    assert_eq!(access, found);
    let plain = acme.access(&id);
    assert_eq!((plain.get("mapped"), plain.get("warnings")), (None, None), "nobody has asked");
    json!([access["mapped"], access.get("warnings")])
}

fn faults(attributes: &Value) -> Vec<(String, String)> {
    let mut acme = Acme::new();
    let reply = acme.admin("PUT", "/attribute-maps", &map(attributes));
    assert_eq!(reply.status, 422, "{attributes}");
    assert_eq!(acme.rows("policies"), 0);
    let text = |fault: &Value, field: &str| fault[field].as_str().unwrap().to_owned();
    let faults = reply.json()["faults"].as_array().unwrap().clone();
    faults.iter().map(|fault| (text(fault, "path"), text(fault, "detail"))).collect()
}

#[test]
fn ol_05_entitlements_and_attributes_get_the_names_of_the_application() {
    let attributes = json!([
        { "target": "license", "source": "entitlements[type eq \"license\"].value" },
        { "target": "mail", "source": ["emails[type eq \"work\"].value", "emails.value"] },
        { "target": "name", "template": "{name.givenName} {{{name.familyName}}}" },
        { "target": "from", "constant": "muster" },
        { "target": "seats", "source": "title", "default": 3, "warnIfMissing": true },
    ]);
    let ada = json!({ "userName": "ada", "name": { "givenName": "Ada", "familyName": "King" },
        "emails": [{ "value": "a@home.example", "type": "home" }],
        "entitlements": [{ "value": "x", "type": "other" }, { "value": "E5", "type": "license" }] });
    let values = json!({ "license": "E5", "mail": "a@home.example", "name": "Ada {King}",
        "from": "muster", "seats": 3 });
    let warnings = json!([{ "code": "attribute_missing", "targets": ["seats"] }]);
    assert_eq!(mapped(&attributes, &ada), json!([values, warnings]));
}

#[test]
fn ol_05_what_a_user_lacks_is_left_out_and_warned_of_where_that_is_asked_for() {
    let attributes = json!([
        { "target": "license", "source": "entitlements[type eq \"license\"].value" },
        { "target": "mail", "source": "emails.value", "warnIfMissing": true },
        { "target": "name", "template": "{name.givenName} {name.familyName}", "warnIfMissing": true },
    ]);
    let ada = json!({ "userName": "ada", "name": { "givenName": "Ada" } });
    let warnings = json!([{ "code": "attribute_missing", "targets": ["mail", "name"] }]);
    assert_eq!(mapped(&attributes, &ada), json!([{}, warnings]));
}

/// A webhook tells of users by the names of its application, with the values of when it is sent.
#[test]
fn ol_05_a_webhook_has_what_the_user_is_to_its_application() {
    let mut acme = Acme::new();
    let attributes = json!([
        { "target": "license", "source": "entitlements[type eq \"license\"].value" },
        { "target": "seats", "source": "title", "warnIfMissing": true },
    ]);
    acme.admin("PUT", "/attribute-maps", &map(&attributes));
    let made = acme.stream(&json!({ "id": "crm", "url": URL, "attributeMap": "crm" }));
    assert_eq!(made["attributeMap"], "crm");
    acme.hook("plain");
    acme.sleep();
    let licensed = |value: &str| json!([{ "value": value, "type": "license" }]);
    let ada = acme.made("/Users", &json!({ "userName": "ada", "entitlements": licensed("E3") }));
    let change = json!([{ "op": "replace", "path": "entitlements", "value": licensed("E5") }]);
    assert_eq!(acme.scim("PATCH", &format!("/Users/{ada}"), &patch_op(&change)).status, 200);
    acme.group("crew", &[&ada]);
    let sent: Vec<Value> = acme.deliver(|_| status(204)).iter().map(told).collect();
    let with = |kind: &str| json!([kind, { "license": "E5" }, ["seats"]]);
    let of = |kind: &str| json!([kind, null, null]);
    let (mapped, plain): (Vec<&Value>, Vec<&Value>) =
        sent.iter().partition(|one| !one[1].is_null());
    assert_eq!(mapped, [&with("user.created"), &with("user.updated")]);
    let others = [of("user.created"), of("user.updated"), of("group.member.added")];
    assert!(others.iter().all(|other| plain.contains(&other)), "{plain:?}");
    // Of who is gone there is nothing to tell, nor is there without the map.
    assert_eq!(acme.scim("DELETE", &format!("/Users/{ada}"), &Value::Null).status, 204);
    acme.admin("DELETE", "/streams/plain", &Value::Null);
    assert!(acme.deliver(|_| status(204)).iter().all(|sent| sent.body["data"]["mapped"].is_null()));
    acme.admin("PUT", "/attribute-maps", &json!({ "items": [] }));
    acme.user("bob");
    let sent: Vec<Value> = acme.deliver(|_| status(204)).iter().map(told).collect();
    assert_eq!(sent, [of("tenant.updated"), of("user.created")]);
}

/// What users are to an application may be much longer than the events about them.
#[test]
fn a_step_ends_where_its_messages_are_large() {
    let mut acme = Acme::new();
    let attributes = json!([{ "target": "name", "source": "title" }]);
    acme.admin("PUT", "/attribute-maps", &map(&attributes));
    acme.stream(&json!({ "id": "crm", "url": URL, "types": ["user.*"], "attributeMap": "crm" }));
    let title = "x".repeat(limits::PAGE_BYTES / 3);
    for name in ["ada", "bob", "eve", "dan", "kim"] {
        acme.made("/Users", &json!({ "userName": name, "title": title }));
    }
    let mut batches = acme.batches().unwrap();
    assert_eq!(batches.iter().map(StreamBatch::len).collect::<Vec<_>>(), [3]);
    acme.hand_over(&mut batches[0], &mut |_| status(204));
    acme.land(&batches[0]).unwrap();
    acme.wait(2);
    assert_eq!(acme.deliver(|_| status(204)).len(), 2);
}

/// What came of a message: its type, what is mapped, and what is missed.
fn told(sent: &Sent) -> Value {
    let data = &sent.body["data"];
    json!([sent.body["type"], data["mapped"], data["warnings"][0]["targets"]])
}

#[test]
fn a_webhook_is_mapped_by_who_may_read_users_and_by_a_map_that_there_is() {
    let mut acme = Acme::new();
    acme.admin("PUT", "/attribute-maps", &map(&json!([])));
    acme.hook("crm");
    let unknown = (422, "contradictory", "`attributeMap` is no attribute map of this tenant");
    let body = json!({ "url": URL, "attributeMap": "erp" });
    acme.admin_refused("POST", "/streams", &body, unknown);
    acme.admin_refused("PATCH", "/streams/crm", &json!({ "attributeMap": "erp" }), unknown);
    let of_tokens = (400, "malformed", "`attributeMap` is no field of such a stream");
    let body = json!({ "kind": "setPoll", "attributeMap": "crm" });
    acme.admin_refused("POST", "/streams", &body, of_tokens);
    let key = acme.mint(&["streams:write", "events:read"]);
    let path = format!("/v1/tenants/{}/streams/crm", acme.slug());
    let by_map = json!({ "attributeMap": "crm" });
    assert_eq!(acme.ask("PATCH", &path, &by_map, &key).status, 403);
    let key = acme.mint(&["streams:write", "events:read", "scim.users:read"]);
    assert_eq!(acme.ask("PATCH", &path, &by_map, &key).json()["attributeMap"], "crm");
    let changed = acme.events().pop().unwrap();
    assert_eq!(changed["data"]["changed"], json!(["attributeMap"]));
    // Nor does whoever may not read users have them told elsewhere, or of other events.
    let key = acme.mint(&["streams:write", "events:read"]);
    for elsewhere in [json!({ "url": format!("{URL}/x") }), json!({ "types": ["user.*"] })] {
        assert_eq!(acme.ask("PATCH", &path, &elsewhere, &key).status, 403);
    }
    let none = acme.admin("PATCH", "/streams/crm", &json!({ "attributeMap": null }));
    assert_eq!(none.json().get("attributeMap"), None);
}

#[test]
fn ol_25_an_unknown_target_is_refused_with_those_there_are() {
    assert_eq!(
        faults(&json!([{ "target": "licence", "constant": "E5" }])),
        [(
            "/attributeMaps/0/attributes/0/target".to_owned(),
            "is none of license, mail, name, from, seats".to_owned()
        )]
    );
}

#[test]
fn maps_with_faults_are_refused_with_the_place_of_each() {
    let long = "x".repeat(limits::TEMPLATE_BYTES + 1);
    let many = vec!["title"; limits::ATTRIBUTE_SOURCES + 1];
    let of = |fields: Value| {
        let mut attribute = json!({ "target": "mail" });
        attribute.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        faults(&json!([attribute])).into_iter().map(|(at, detail)| {
            format!("{} {detail}", at.trim_start_matches("/attributeMaps/0/attributes/0"))
        })
    };
    let one = " has not one of `source`, `template` and `constant`";
    for (fields, fault) in [
        (json!({}), one),
        (json!({ "source": "title", "constant": 1 }), one),
        (json!({ "source": [] }), "/source is not one path, or a list of 1 to 10"),
        (json!({ "source": many }), "/source is not one path, or a list of 1 to 10"),
        (json!({ "source": "nope" }), "/source unknown attribute `nope`"),
        (
            json!({ "source": "groups" }),
            "/source is no attribute that a client writes and that is kept",
        ),
        (json!({ "template": "{title" }), "/template has a brace that is alone"),
        (json!({ "template": "title}" }), "/template has a brace that is alone"),
        (json!({ "template": long }), "/template is no text of at most 1000 bytes"),
        (json!({ "constant": long }), "/constant is longer than 1000 bytes"),
        (json!({ "constant": [] }), "/constant is no text, number, true or false"),
        (json!({ "constant": 1, "default": null }), "/default is no text, number, true or false"),
        (json!({ "constant": 1, "warnIfMissing": 1 }), "/warnIfMissing is not true or false"),
        (json!({ "constant": 1, "form": 1 }), "/form is not known to this version"),
        (json!({ "constant": 1, "target": "" }), "/target is no name of 1 to 200 characters"),
    ] {
        assert_eq!(of(fields.clone()).collect::<Vec<_>>(), [fault], "{fields}");
    }
    let twice = json!([{ "target": "mail", "constant": 1 }, { "target": "mail", "constant": 2 }]);
    let at = "/attributeMaps/0/attributes/1/target".to_owned();
    assert_eq!(faults(&twice), [(at, "is that of another attribute".to_owned())]);
}

#[test]
fn a_schema_stays_as_long_as_a_map_names_it() {
    let mut acme = Acme::new();
    let urn = "urn:example:badge:1.0:User";
    let schema = json!({ "id": urn, "name": "Badge", "resourceTypes": ["User"],
        "attributes": [{ "name": "badge", "type": "string" }] });
    let map = json!({ "id": "crm", "targets": ["badge"],
        "attributes": [{ "target": "badge", "source": format!("{urn}:badge") }] });
    let both = json!({ "schemas": [schema], "attributeMaps": [map] });
    acme.policy(&both);
    let reply = acme.admin("PUT", "/policies", &json!({ "schemas": [] }));
    let place = "/attributeMaps/0/attributes/0/source";
    assert_eq!((reply.status, &reply.json()["faults"][0]["path"]), (422, &json!(place)));
    let gone = json!({ "schemas": [], "attributeMaps": [] });
    acme.policy(&gone);
}

#[test]
fn a_map_that_is_not_there_is_refused() {
    let mut acme = Acme::new();
    let id = acme.user("ada");
    let detail = "`map` is no attribute map of this tenant";
    let path = format!("/users/{id}/access?map=crm");
    acme.admin_refused("GET", &path, &Value::Null, (400, "malformed", detail));
}

#[test]
fn a_map_tells_attributes_and_so_needs_their_scope() {
    let mut acme = Acme::new();
    let id = acme.user("ada");
    acme.policy(&json!({ "attributeMaps": [{ "id": "crm", "targets": [], "attributes": [] }] }));
    for (scopes, status) in
        [(&["access:read"][..], 403), (&["access:read", "scim.users:read"], 200)]
    {
        let key = acme.mint_with(&json!({ "name": "app", "scopes": scopes }));
        let path = format!("/v1/tenants/acme/users/{id}/access?map=crm");
        assert_eq!(acme.ask("GET", &path, &Value::Null, &key).status, status);
    }
}
