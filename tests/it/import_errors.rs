//! What no export says, and an import refuses.

use std::slice;

use muster::limits;
use serde_json::{Value, json};

use crate::steps::texts;
use crate::support::Acme;
use crate::transfer::small;

#[test]
fn resources_that_follow_the_last_place_of_an_import_are_listed() {
    let (mut acme, _) = small();
    let pages = acme.export(1_000);
    let mut other = Acme::named("other");
    other.takes(&pages[0]);
    let late = format!("\"position\":{}", (1_i64 << 40) + limits::IMPORT_PLACE);
    let resource = pages[1].lines().next().expect("a resource");
    let line = resource.replace("\"position\":1099511627777", &late);
    assert_eq!(other.takes(&line), [1, 0, 0]);
    other.user("after");
    assert_eq!(texts(&other.get("/Users"), "userName"), ["u0", "after"]);
}

#[test]
fn a_connection_that_nobody_could_make_is_not_imported() {
    let (mut acme, _) = small();
    let pages = acme.export(1_000);
    let line = pages[0].lines().find(|line| line.contains("\"connection\"")).expect("a line");
    let mut other = Acme::named("other");
    for (name, value) in [
        ("id", json!("Not A Slug/..")),
        ("id", json!("import")),
        ("displayName", json!("")),
        ("preset", json!("nope")),
        ("compat", json!({ "x": 1 })),
        ("state", json!("odd")),
        ("adopt", json!("maybe")),
        ("version", json!(0)),
        ("created", json!(i64::MAX)),
        ("version", json!(limits::IMPORT_VERSION + 1)),
    ] {
        let mut odd: Value = serde_json::from_str(line).expect("JSON");
        odd[name] = value.clone();
        let problem = other.refuses_import(&odd.to_string(), (422, "faulty"));
        let faults = json!([{ "path": "/1", "detail": "is no connection" }]);
        assert_eq!(problem["faults"], faults, "{name} {value}");
    }
    assert_eq!(other.takes(line), [1, 0, 0]);
}

#[test]
fn policies_that_no_tenant_could_have_are_not_imported() {
    const URN: &str = "urn:a:b:User";
    let attribute = |name: &str| json!({ "name": name, "type": "string", "searchable": true });
    let schema = json!({
        "id": URN, "name": "s", "resourceTypes": ["User"],
        "attributes": [attribute("x"), attribute("y")],
    });
    let settings = |version: i64, schemas: &[Value], (x, y): (u8, u8)| {
        let numbers = json!({ format!("{URN}:x"): x, format!("{URN}:y"): y });
        let policies = json!({ "version": version, "schemas": schemas });
        json!({ "kind": "settings", "policies": policies, "numbers": numbers }).to_string()
    };
    let mut unknown = schema.clone();
    unknown["resourceTypes"] = json!(["Nothing"]);
    let own = slice::from_ref(&schema);
    let mut acme = Acme::named("acme");
    for (line, path) in [
        (settings(3, own, (64, 64)), "/1/policies/schemas"),
        (settings(3, own, (1, 64)), "/1/policies/schemas"),
        (settings(3, own, (64, 128)), "/1/policies/schemas"),
        (settings(0, own, (64, 65)), "/1/policies/version"),
        (settings(-1, own, (64, 65)), "/1/policies/version"),
        (settings(limits::IMPORT_VERSION + 1, own, (64, 65)), "/1/policies/version"),
        (settings(3, &[schema.clone(), schema.clone()], (64, 65)), "/1/policies/schemas/1/id"),
        (settings(3, &[unknown], (64, 65)), "/1/policies/schemas/0/resourceTypes"),
    ] {
        let problem = acme.refuses_import(&line, (422, "faulty"));
        assert_eq!(problem["faults"][0]["path"], path, "{line}: {problem}");
    }
    let mut long = schema.clone();
    let described = |mut one: Value| {
        one["description"] = json!("x".repeat(limits::DESCRIPTION_CHARACTERS));
        one
    };
    let many = (0..limits::SCHEMA_ATTRIBUTES).map(|number| {
        let parts =
            (0..10).map(|part| described(json!({ "name": format!("p{part}"), "type": "string" })));
        let parts: Vec<Value> = parts.collect();
        described(
            json!({ "name": format!("a{number}"), "type": "complex", "subAttributes": parts }),
        )
    });
    long["attributes"] = many.collect();
    acme.refuses_import(&settings(3, &[long], (64, 65)), (413, "payload_too_large"));
    assert_eq!(acme.takes(&settings(3, own, (65, 64))), [1, 0, 0]);
}

#[test]
fn a_document_that_no_tenant_could_have_is_not_imported() {
    let (mut acme, _) = small();
    let pages = acme.export(1_000);
    let mut other = Acme::named("other");
    other.takes(&pages[0]);
    let line = pages[1].lines().next().expect("a resource");
    for (pointer, value) in [
        ("/document/password", json!("hunter2")),
        ("/document/nope", json!(1)),
        ("/document/username", json!("u0")),
        ("/document/groups", json!([])),
        ("/document/userName", Value::Null),
        ("/document/userName", json!(5)),
        ("/document/userName", json!("")),
        ("/document/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", json!({ "x": 1 })),
        ("/document/meta/created", json!("yesterday")),
        ("/document/meta/lastModified", json!("2026-01-01T00:00:00Z")),
        ("/version", json!(limits::IMPORT_VERSION + 1)),
    ] {
        let mut odd: Value = serde_json::from_str(line).expect("JSON");
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        odd.pointer_mut(parent).expect("an object")[name] = value.clone();
        if pointer == "/version" {
            odd["document"]["meta"]["version"] = json!(format!("W/\"{value}\""));
        }
        let problem = other.refuses_import(&odd.to_string(), (422, "faulty"));
        assert_eq!(problem["faults"][0]["path"], "/1", "{pointer} {value}");
    }
    let odd = line.replacen("\"resource\"", "\"odd\"", 1).replacen('{', "{\"end\":true,", 1);
    other.refuses_import(&odd, (422, "faulty"));
    let stray = line.replacen('{', "{\"next\":\"x\",", 1);
    assert_eq!(other.takes(&stray), [1, 0, 0], "a line with a kind ends no page");
    assert_eq!(other.takes(line), [0, 1, 0]);
}
