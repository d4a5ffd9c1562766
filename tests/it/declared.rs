//! Schemas that a tenant declares: stored, validated, filterable, patchable, advertised.

use muster::scim::urn;
use serde_json::{Value, json};

use crate::steps::{check_error, check_problem};
use crate::support::Acme;

/// The schema of these tests.
pub(crate) const URN: &str = "urn:acme:scim:extension:staff:1.0:User";

/// An attribute of every type, and of every characteristic but the defaults.
pub(crate) fn staff() -> Value {
    json!({
        "id": URN,
        "name": "Staff",
        "description": "What Acme knows of its people.",
        "resourceTypes": ["User"],
        "required": false,
        "attributes": [
            { "name": "badge", "type": "string", "caseExact": true, "uniqueness": "server" },
            { "name": "desk", "type": "string", "searchable": true },
            { "name": "floor", "type": "integer", "searchable": true },
            { "name": "load", "type": "decimal" },
            { "name": "remote", "type": "boolean" },
            { "name": "joined", "type": "dateTime", "searchable": true },
            { "name": "site", "type": "reference", "referenceTypes": ["external"] },
            { "name": "grade", "type": "string", "required": true, "canonicalValues": ["a", "b"] },
            { "name": "born", "type": "string", "mutability": "immutable" },
            { "name": "score", "type": "integer", "mutability": "readOnly" },
            { "name": "pin", "type": "string", "mutability": "writeOnly", "returned": "never" },
            { "name": "notes", "type": "string", "returned": "request" },
            { "name": "secret", "type": "string", "returned": "never" },
            { "name": "tags", "type": "string", "multiValued": true },
            {
                "name": "cars", "type": "complex", "multiValued": true, "subAttributes": [
                    { "name": "value", "type": "string", "searchable": true },
                    { "name": "type", "type": "string" },
                    { "name": "primary", "type": "boolean" },
                ],
            },
            { "name": "house", "type": "complex", "subAttributes": [
                { "name": "city", "type": "string", "required": true },
                { "name": "rooms", "type": "integer" },
            ] },
        ],
    })
}

/// A tenant that has declared it.
pub(crate) fn acme() -> Acme {
    let mut acme = Acme::new();
    let reply = acme.admin("POST", "/schemas", &staff());
    assert_eq!(reply.status, 201, "{}", reply.json());
    acme
}

/// A user with a value of each attribute that a client may write.
fn ada() -> Value {
    json!({
        "userName": "ada",
        URN: {
            "badge": "A1", "desk": "Straße 4", "floor": 7, "load": 0.5, "remote": true,
            "joined": "2026-01-31T09:00:00+01:00", "site": "https://acme.example/north",
            "grade": "a", "born": "1815", "notes": "keen", "secret": "s", "pin": "1234",
            "tags": ["x", "y"],
            "cars": [{ "value": "AB 1", "type": "work", "primary": true }, { "value": "CD 2" }],
            "house": { "city": "London", "rooms": 9 },
        },
    })
}

#[test]
fn its_values_are_stored_and_shown_as_its_attributes_say() {
    let mut acme = acme();
    let made = acme.post("/Users", &ada());
    let mut shown = ada()[URN].clone();
    for hidden in ["notes", "secret", "pin"] {
        shown.as_object_mut().unwrap().shift_remove(hidden);
    }
    assert_eq!(made[URN], shown);
    assert_eq!(made["schemas"], json!([urn::USER, URN, urn::MUSTER_USER]));
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    acme.sleep();
    assert_eq!(acme.get(&path)[URN], shown);
    assert_eq!(acme.list("/Users", &[])["Resources"][0][URN], shown, "in a list too");
    let asked = |names: &str| format!("{path}?attributes={URN}:{names}");
    assert_eq!(acme.get(&asked("notes"))[URN], json!({ "notes": "keen" }));
    assert_eq!(acme.get(&asked("secret")).get(URN), None, "never is never");
    assert_eq!(acme.get(&asked("house.city"))[URN], json!({ "house": { "city": "London" } }));
    assert_eq!(acme.get(&format!("{path}?excludedAttributes={URN}")).get(URN), None);
    let stored = format!("{:?}", acme.dump());
    assert!(stored.contains("keen") && !stored.contains("1234"), "writeOnly is not kept");
}

#[test]
fn a_value_that_does_not_fit_is_refused() {
    let mut acme = acme();
    for (name, value, detail) in [
        ("badge", json!({}), "must be a string"),
        ("floor", json!(1.5), "must be a whole number"),
        ("load", json!("much"), "must be a number"),
        ("remote", json!("perhaps"), "must be a boolean"),
        ("joined", json!("yesterday"), "must be a dateTime such as 2026-01-31T08:00:00Z"),
        ("house", json!("London"), "must be an object"),
    ] {
        let body = json!({ "userName": "ada", URN: { "grade": "a", name: value } });
        let reply = acme.scim("POST", "/Users", &body);
        check_error(&reply, (400, "invalidValue", &format!("`{URN}:{name}` {detail}")), name);
    }
    let detail = format!("`{URN}:grade` is required");
    let without = json!({ "userName": "ada", URN: { "desk": "4" } });
    acme.refused("POST", "/Users", &without, (400, "invalidValue", &detail));
    acme.post("/Users", &json!({ "userName": "bob" }));
}

#[test]
fn a_required_schema_is_asked_for() {
    let mut acme = Acme::new();
    let mut schema = staff();
    schema["required"] = true.into();
    assert_eq!(acme.admin("POST", "/schemas", &schema).status, 201);
    let detail = format!("`{URN}:grade` is required");
    acme.refused("POST", "/Users", &json!({ "userName": "bob" }), (400, "invalidValue", &detail));
    acme.post("/Users", &ada());
}

#[test]
fn what_is_required_later_does_not_stand_in_the_way_of_deactivation() {
    let mut acme = Acme::new();
    let bob = acme.user("bob");
    let mut schema = staff();
    schema["required"] = true.into();
    assert_eq!(acme.admin("POST", "/schemas", &schema).status, 201);
    acme.patch(
        &format!("/Users/{bob}"),
        &json!([{ "op": "replace", "value": { "active": false } }]),
    );
    assert_eq!(acme.get(&format!("/Users/{bob}"))["active"], false);
}

#[test]
fn every_attribute_can_be_filtered_by() {
    let mut acme = acme();
    let ada = acme.made("/Users", &ada());
    let other = json!({ "userName": "bob", URN: { "grade": "b", "floor": 70, "badge": "a1" } });
    acme.post("/Users", &other);
    for filter in [
        "badge eq \"A1\"",
        "desk eq \"STRASSE 4\"",
        "desk sw \"stra\"",
        "floor eq 7",
        "floor eq 7.0",
        "floor lt 8 and floor ge 7",
        "load gt 0.25",
        "remote eq true",
        "joined eq \"2026-01-31T08:00:00Z\"",
        "joined lt \"2026-02-01T00:00:00Z\"",
        "site ew \"north\"",
        "notes co \"ee\"",
        "tags eq \"Y\"",
        "cars.value eq \"ab 1\"",
        "cars[type eq \"work\" and value sw \"ab\"]",
        "cars[primary eq true].value eq \"AB 1\"",
        "house.city eq \"london\"",
        "house pr",
    ] {
        for prefix in ["", "urn:ACME:scim:extension:staff:1.0:user:"] {
            let filter = match filter.strip_prefix("floor lt 8 and ") {
                Some(rest) => format!("{prefix}floor lt 8 and {prefix}{rest}"),
                None => format!("{prefix}{filter}"),
            };
            assert_eq!(acme.found("/Users", &filter), [ada.as_str()], "{filter}");
        }
    }
    let detail = format!("`{URN}:secret` cannot be filtered at position 0");
    let path = crate::steps::with_query("/Users", &[("filter", &format!("{URN}:secret pr"))]);
    acme.refused("GET", &path, &Value::Null, (400, "invalidFilter", &detail));
}

#[test]
fn searchable_attributes_are_found_by_index_at_any_size() {
    let mut acme = acme();
    let users = acme.populate(muster::limits::SCAN_CANDIDATES + 10);
    let path = format!("/Users/{}", users[17]);
    let set = |value: Value| json!([{ "op": "add", "path": URN, "value": value }]);
    acme.patch(&path, &set(json!({ "grade": "a", "desk": "4 B", "floor": 3 })));
    let two = [("desk eq \"4 b\"", "1"), ("floor eq 3", "1"), ("floor eq 4", "0")];
    for (filter, total) in two {
        let list = acme.list("/Users", &[("filter", &format!("{URN}:{filter}"))]);
        assert_eq!(list["totalResults"].to_string(), total, "{filter}");
    }
    acme.patch(&path, &set(json!({ "floor": 4 })));
    assert_eq!(acme.found("/Users", &format!("{URN}:floor eq 4")), [users[17].as_str()]);
    assert_eq!(acme.found("/Users", &format!("{URN}:floor eq 3")), [""; 0], "the old key is gone");
    acme.delete(&path);
    assert_eq!(acme.found("/Users", &format!("{URN}:floor eq 4")), [""; 0]);
}

#[test]
fn a_unique_value_is_taken_once() {
    let mut acme = acme();
    let ada = acme.made("/Users", &ada());
    let detail = format!("another resource has this `{URN}:badge`");
    let bob = |badge: &str| json!({ "userName": "bob", URN: { "grade": "b", "badge": badge } });
    acme.refused("POST", "/Users", &bob("A1"), (409, "uniqueness", &detail));
    let bob = acme.made("/Users", &bob("a1"));
    let op = json!([{ "op": "replace", "path": format!("{URN}:badge"), "value": "A1" }]);
    let body = crate::steps::patch_op(&op);
    acme.refused("PATCH", &format!("/Users/{bob}"), &body, (409, "uniqueness", &detail));
    acme.delete(&format!("/Users/{ada}"));
    acme.patch(&format!("/Users/{bob}"), &op);
}

#[test]
fn its_attributes_can_be_patched_by_every_way_of_naming_them() {
    let mut acme = acme();
    let path = format!("/Users/{}", acme.made("/Users", &ada()));
    for (operation, at, value) in [
        (
            json!({ "op": "replace", "path": format!("{URN}:desk"), "value": "5" }),
            "/desk",
            json!("5"),
        ),
        (json!({ "op": "Replace", "path": "desk", "value": "6" }), "/desk", json!("6")),
        (json!({ "op": "add", "value": { URN: { "desk": "7" } } }), "/desk", json!("7")),
        (json!({ "op": "add", "value": { (format!("{URN}:desk")): "8" } }), "/desk", json!("8")),
        (
            json!({ "op": "replace", "path": format!("{URN}:house.rooms"), "value": "11" }),
            "/house/rooms",
            json!(11),
        ),
        (
            json!({ "op": "add", "path": format!("{URN}:tags"), "value": ["z", "X"] }),
            "/tags",
            json!(["X", "y", "z"]),
        ),
        (
            json!({ "op": "replace", "path": format!("{URN}:cars[type eq \"work\"].value"), "value": "EF" }),
            "/cars/0/value",
            json!("EF"),
        ),
        (
            json!({ "op": "remove", "path": format!("{URN}:cars[value eq \"cd 2\"]") }),
            "/cars/1",
            Value::Null,
        ),
        (json!({ "op": "remove", "path": format!("{URN}:remote") }), "/remote", Value::Null),
    ] {
        acme.patch(&path, &json!([operation]));
        let shown = acme.get(&path)[URN].pointer(at).cloned().unwrap_or_default();
        assert_eq!(shown, value, "{operation}");
    }
    for (name, scim_type, detail) in [
        ("born", "mutability", "cannot be changed once it has a value"),
        ("score", "mutability", "is readOnly"),
    ] {
        let op = json!([{ "op": "replace", "path": format!("{URN}:{name}"), "value": "7" }]);
        let detail = match name {
            "score" => format!("operation 1: `{URN}:{name}` {detail}"),
            _ => format!("`{URN}:{name}` {detail}"),
        };
        acme.refused("PATCH", &path, &crate::steps::patch_op(&op), (400, scim_type, &detail));
    }
    let id = acme.made("/Users", &json!({ "userName": "bob", URN: { "grade": "b" } }));
    let path = format!("/Users/{id}");
    acme.patch(&path, &json!([{ "op": "remove", "path": URN }]));
    let left = acme.get(&path);
    assert_eq!((left.get(URN), &left["schemas"]), (None, &json!([urn::USER, urn::MUSTER_USER])));
}

#[test]
fn it_is_advertised() {
    let mut acme = acme();
    let key = acme.mint(&["scim.users:read"]);
    let schema = acme.scim_with("GET", &format!("/Schemas/{URN}"), &Value::Null, &key, &[]).json();
    assert_eq!((&schema["id"], &schema["name"]), (&json!(URN), &json!("Staff")));
    let names: Vec<&Value> =
        schema["attributes"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    let declared = staff();
    let expected: Vec<&Value> =
        declared["attributes"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, expected);
    assert!(!schema.to_string().contains("searchable"), "RFC 7643 knows no such characteristic");
    let kind = acme.get("/ResourceTypes/User");
    let listed = kind["schemaExtensions"].as_array().unwrap();
    assert!(listed.contains(&json!({ "schema": URN, "required": false })), "{kind}");
    assert_eq!(acme.get("/Schemas")["totalResults"], 6);
    let mut other = Acme::named("other");
    assert_eq!(other.get("/Schemas")["totalResults"], 5, "of another tenant it is not");
}

#[test]
fn a_group_can_be_extended_too() {
    let mut acme = Acme::new();
    let urn = "urn:acme:scim:Team";
    let schema = json!({
        "id": urn, "resourceTypes": ["Group", "User"],
        "attributes": [{ "name": "cost", "type": "integer", "searchable": true }],
    });
    assert_eq!(acme.admin("POST", "/schemas", &schema).status, 201);
    let body = json!({ "displayName": "Builders", urn: { "cost": 4711 } });
    let group = acme.post("/Groups", &body);
    let user = acme.post("/Users", &json!({ "userName": "ada", urn: { "cost": 4711 } }));
    for (path, one) in [("/Groups", &group), ("/Users", &user)] {
        assert_eq!(acme.found(path, "cost eq 4711"), [one["id"].as_str().unwrap()]);
    }
}

#[test]
fn it_is_read_replaced_and_withdrawn_by_itself() {
    let mut acme = acme();
    let path = format!("/schemas/{URN}");
    let read = acme.admin("GET", &path, &Value::Null);
    let mut shown = read.json();
    assert_eq!((&*read.headers["etag"], &shown["id"]), ("\"1\"", &json!(URN)));
    assert_eq!(shown["attributes"][1]["searchable"], true);
    assert_eq!(shown["attributes"][0]["mutability"], "readWrite", "defaults are spelled out");
    assert_eq!(acme.admin("GET", "/schemas", &Value::Null).json(), json!({ "items": [shown] }));
    // What was read can be written back, and that changes nothing.
    let before = acme.dump();
    assert_eq!(acme.admin("PUT", &path, &shown).json(), shown);
    assert_eq!(acme.dump(), before);
    shown["name"] = "People".into();
    let replaced = acme.admin("PUT", &path, &shown);
    assert_eq!((replaced.status, &*replaced.headers["etag"]), (200, "\"2\""));
    assert_eq!(acme.get(&format!("/Schemas/{URN}"))["name"], "People");
    let again = acme.admin("POST", "/schemas", &shown);
    check_problem(&again, (409, "conflict", "the tenant has declared a schema of this id"), "POST");
    assert_eq!(acme.admin("DELETE", &path, &Value::Null).status, 204);
    assert_eq!(acme.admin("GET", &path, &Value::Null).status, 404);
    assert_eq!(acme.admin("DELETE", &path, &Value::Null).status, 404);
    assert_eq!(acme.scim("GET", &format!("/Schemas/{URN}"), &Value::Null).status, 404);
    assert_eq!(acme.event_types(1), ["tenant.updated"; 3]);
}
