//! How a declaration of schemas is refused: whole, with every fault and its place.

use muster::limits;
use serde_json::{Value, json};

use crate::declared::{URN, acme, staff};
use crate::steps::check_problem;
use crate::support::Acme;

/// The places of the faults of a declaration, which is refused and leaves every row as it was.
#[track_caller]
fn faults(acme: &mut Acme, method: &str, path: &str, body: &Value) -> Vec<String> {
    let before = acme.dump();
    let reply = acme.admin(method, path, body);
    check_problem(&reply, (422, "faulty", ""), &body.to_string());
    assert_eq!(acme.dump(), before, "{body} wrote");
    let faults = reply.json()["faults"].as_array().unwrap().clone();
    let said = |fault: &Value| format!("{} {}", fault["path"], fault["detail"]).replace('"', "");
    faults.iter().map(said).collect()
}

fn schema(fields: Value) -> Value {
    let mut schema = json!({ "id": URN, "attributes": [{ "name": "desk" , "type": "string" }] });
    schema.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    schema
}

fn with_attribute(fields: Value) -> Value {
    let mut attribute = json!({ "name": "desk", "type": "string" });
    attribute.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    schema(json!({ "attributes": [attribute] }))
}

#[test]
fn a_schema_that_cannot_be_is_refused() {
    let mut acme = Acme::new();
    let (no_urn, reserved, taken) = ("is no URN such as", "begins like", "is taken by another");
    for (fields, place, detail) in [
        (json!({ "id": "" }), "/id", no_urn),
        (json!({ "id": "staff" }), "/id", no_urn),
        (json!({ "id": "urn:acme" }), "/id", no_urn),
        (json!({ "id": "urn:acme:a b" }), "/id", no_urn),
        (json!({ "id": "urn:acme:\"x" }), "/id", no_urn),
        (json!({ "id": "urn:acme::x" }), "/id", no_urn),
        (json!({ "id": "http://acme:x" }), "/id", no_urn),
        (json!({ "id": 7 }), "/id", "is not a text"),
        (json!({ "id": "urn:Muster:scim:1.0:User" }), "/id", reserved),
        (json!({ "id": "urn:ietf:params:scim:api:x" }), "/id", reserved),
        (json!({ "id": "urn:ietf:params:scim:schemas:core:2.0:user" }), "/id", taken),
        (json!({ "id": "urn:ietf:params:scim:schemas:core:2.0:User:x" }), "/id", taken),
        (json!({ "id": "urn:ietf:params:scim:schemas:core:2.0:Agent" }), "/id", taken),
        (json!({ "name": [] }), "/name", "is not a text"),
        (json!({ "resourceTypes": "User" }), "/resourceTypes", "is not a list of texts"),
        (json!({ "resourceTypes": [] }), "/resourceTypes", "is not a list of some of User, Group"),
        (json!({ "resourceTypes": ["user"] }), "/resourceTypes", "is not a list of some of"),
        (json!({ "resourceTypes": ["User", "User"] }), "/resourceTypes", "is not a list of some"),
        (json!({ "required": "yes" }), "/required", "is not true or false"),
        (json!({ "attributes": {} }), "/attributes", "is not a list of attributes"),
        (json!({ "attributes": [] }), "/attributes", "is empty"),
        (json!({ "attributes": [7] }), "/attributes/0", "is not an object"),
        (json!({ "extra/~": 1 }), "/extra~1~0", "is not known here"),
    ] {
        let body = schema(fields);
        let faults = faults(&mut acme, "POST", "/schemas", &body);
        let expected = format!("{place} {detail}");
        assert!(faults.iter().any(|fault| fault.starts_with(&expected)), "{body}: {faults:?}");
    }
}

#[test]
fn an_attribute_that_cannot_be_is_refused() {
    let mut acme = Acme::new();
    let (no_name, common) = ("is no attribute's name", "is the name of an attribute that every");
    let part = json!([{ "name": "city" , "type": "string" }]);
    for (fields, member, detail) in [
        (json!({ "name": "" }), "name", no_name),
        (json!({ "name": "1st" }), "name", no_name),
        (json!({ "name": "a b" }), "name", no_name),
        (json!({ "name": "a.b" }), "name", no_name),
        (json!({ "name": "$ref" }), "name", no_name),
        (json!({ "name": "ID" }), "name", common),
        (json!({ "name": "schemas" }), "name", common),
        (json!({ "type": "text" }), "type", "is not a data type of SCIM"),
        (json!({ "multiValued": 1 }), "multiValued", "is not true or false"),
        (json!({ "mutability": "write" }), "mutability", "is not one of readOnly, readWrite"),
        (json!({ "returned": "yes" }), "returned", "is not one of always"),
        (json!({ "uniqueness": true }), "uniqueness", "is not one of none"),
        (json!({ "canonicalValues": [1] }), "canonicalValues", "is not a list of texts"),
        (json!({ "type": "complex" }), "subAttributes", "is missing"),
        (json!({ "subAttributes": part }), "subAttributes", "belongs to an attribute of type"),
        (json!({ "referenceTypes": ["User"] }), "referenceTypes", "belongs to an attribute of"),
        (json!({ "type": "boolean", "uniqueness": "server" }), "uniqueness", "is none for all"),
        (json!({ "type": "boolean", "searchable": true }), "searchable", "is false for complex"),
        (json!({ "type": "binary", "searchable": true }), "searchable", "is false for complex"),
        (
            json!({ "type": "complex", "searchable": true, "subAttributes": part }),
            "searchable",
            "is false for complex",
        ),
        (json!({ "mutability": "writeOnly", "searchable": true }), "mutability", "is writeOnly"),
        (json!({ "mutability": "writeOnly", "uniqueness": "global" }), "mutability", "is write"),
        (json!({ "returned": "never", "searchable": true }), "returned", "is never"),
        (json!({ "mutability": "readOnly", "required": true }), "required", "is true, but nobody"),
        (json!({ "sortable": true }), "sortable", "is not known here"),
    ] {
        let body = with_attribute(fields);
        let expected = format!("/attributes/0/{member} {detail}");
        let faults = faults(&mut acme, "POST", "/schemas", &body);
        assert!(faults.iter().any(|fault| fault.starts_with(&expected)), "{body}: {faults:?}");
    }
    let nested = json!({ "type": "complex", "subAttributes": [
        { "name": "a", "type": "complex", "subAttributes": part },
        { "name": "b", "type": "string" },
        { "name": "B", "type": "string" },
    ] });
    let found = faults(&mut acme, "POST", "/schemas", &with_attribute(nested));
    assert_eq!(
        found,
        [
            "/attributes/0/subAttributes/0/type is complex within a complex attribute",
            "/attributes/0/subAttributes/2/name is taken",
        ]
    );
}

#[test]
fn every_fault_is_told_at_once_and_where_it_is() {
    let mut acme = acme();
    let bad = json!({ "id": "x", "attributes": [{ "name": "1" }, { "type": "text" }] });
    let expected = |at: &str| {
        [
            format!(
                "{at}/id is no URN such as urn:acme:scim:1.0:User, of letters, digits, hyphens, underscores and dots"
            ),
            format!(
                "{at}/attributes/0/name is no attribute's name: a letter, then letters, digits, hyphens and underscores"
            ),
            format!("{at}/attributes/1/type is not a data type of SCIM"),
            format!(
                "{at}/attributes/1/name is no attribute's name: a letter, then letters, digits, hyphens and underscores"
            ),
        ]
    };
    assert_eq!(faults(&mut acme, "POST", "/schemas", &bad), expected(""));
    let list = json!({ "items": [staff(), bad] });
    assert_eq!(faults(&mut acme, "PUT", "/schemas", &list), expected("/items/1"));
    let document = json!({ "schemas": [staff(), bad], "reviews": {}, "features": { "x": true } });
    let found = faults(&mut acme, "PUT", "/policies", &document);
    assert_eq!(found[..4], expected("/schemas/1"));
    assert_eq!(found[4], "/reviews is not known to this version");
    assert_eq!(found[5], "/features/x is not known to this version");
}

#[test]
fn one_path_means_one_thing() {
    let mut acme = Acme::new();
    let pair = |one: &str, other: &str| json!({ "items": [schema(json!({ "id": one })), schema(json!({ "id": other }))] });
    for (one, other) in [
        ("urn:acme:a", "urn:acme:a"),
        ("urn:acme:a", "URN:ACME:A"),
        ("urn:acme:a", "urn:acme:a:b"),
        ("urn:acme:a:b", "urn:acme:a"),
    ] {
        let found = faults(&mut acme, "PUT", "/schemas", &pair(one, other));
        let detail = "is taken by another schema, or one's id goes on where the other's ends";
        assert_eq!(found, [format!("/items/1/id {detail}")]);
    }
    assert_eq!(acme.admin("PUT", "/schemas", &pair("urn:acme:a", "urn:acme:ab")).status, 200);
}

#[test]
fn what_values_would_contradict_is_refused_while_there_are_any() {
    let mut acme = acme();
    let user =
        json!({ "userName": "ada", URN: { "grade": "a", "desk": "4", "house": { "city": "x" } } });
    let path = format!("/Users/{}", acme.made("/Users", &user));
    let desk = |fields: Value| {
        let mut changed = staff();
        changed["attributes"][1]
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        changed
    };
    let mut without_desk = staff();
    without_desk["attributes"].as_array_mut().unwrap().remove(1);
    let mut other_type = staff();
    other_type["resourceTypes"] = json!(["Group"]);
    let mut home = staff();
    home["attributes"][15]["subAttributes"][0]["type"] = "integer".into();
    let changed = "which is so changed that they would not fit";
    let detail = |of: &str| format!("a resource of type User has values of `{URN}{of}`, {changed}");
    for (body, of) in [
        (desk(json!({ "type": "integer" })), ":desk"),
        (desk(json!({ "multiValued": true })), ":desk"),
        (desk(json!({ "caseExact": true })), ":desk"),
        (desk(json!({ "searchable": false })), ":desk"),
        (desk(json!({ "uniqueness": "server" })), ":desk"),
        (desk(json!({ "mutability": "readOnly" })), ":desk"),
        (without_desk, ":desk"),
        (home, ":house"),
        (other_type, ""),
    ] {
        acme.admin_refused(
            "PUT",
            &format!("/schemas/{URN}"),
            &body,
            (409, "conflict", &detail(of)),
        );
    }
    let gone = (409, "conflict", &*detail(""));
    acme.admin_refused("DELETE", &format!("/schemas/{URN}"), &Value::Null, gone);
    acme.admin_refused("PUT", "/policies", &json!({ "schemas": [] }), gone);
    // What no value contradicts is taken, and so is all of it once the values are gone.
    let wider = desk(json!({ "returned": "request", "description": "x" }));
    assert_eq!(acme.admin("PUT", &format!("/schemas/{URN}"), &wider).status, 200);
    acme.patch(&path, &json!([{ "op": "remove", "path": URN }]));
    assert_eq!(acme.admin("DELETE", &format!("/schemas/{URN}"), &Value::Null).status, 204);
}

#[test]
fn many_resources_are_not_looked_through_for_values() {
    let mut acme = acme();
    let more = limits::SCHEMA_SCAN + 1;
    let statement = format!("INSERT INTO types (number, live, last) VALUES (1, {more}, {more})");
    muster::store::Sql::query(&acme.sql, &statement, &[]).unwrap();
    acme.sleep();
    let detail = format!(
        "there are more than {} resources that might have values of it",
        limits::SCHEMA_SCAN
    );
    let refused = (409, "conflict", &*detail);
    acme.admin_refused("DELETE", &format!("/schemas/{URN}"), &Value::Null, refused);
}

#[test]
fn what_a_tenant_declares_is_bounded() {
    let mut acme = Acme::new();
    let named = |n: usize| schema(json!({ "id": format!("urn:acme:s{n}") }));
    let schemas = |n: usize| json!({ "items": (0..n).map(named).collect::<Vec<_>>() });
    let attributes = |n: usize, searchable: bool| {
        let one =
            |n| json!({ "name": format!("a{n}"), "type": "string", "searchable": searchable });
        json!({ "items": [schema(json!({ "attributes": (0..n).map(one).collect::<Vec<_>>() }))] })
    };
    let field = |name: &str, length: usize| json!({ "items": [schema(json!({ name: "x".repeat(length) }))] });
    let urn = |length: usize| json!({ "items": [schema(json!({ "id": format!("urn:a:{}", "x".repeat(length - 6)) }))] });
    let name =
        |length: usize| json!({ "items": [with_attribute(json!({ "name": "x".repeat(length) }))] });
    let values =
        |n: usize| json!({ "items": [with_attribute(json!({ "canonicalValues": vec!["x"; n] }))] });
    for (fits, exceeds, fault) in [
        (
            schemas(limits::SCHEMAS_PER_TENANT),
            schemas(limits::SCHEMAS_PER_TENANT + 1),
            "/items has more than 20 schemas",
        ),
        (
            attributes(limits::SCHEMA_ATTRIBUTES, false),
            attributes(limits::SCHEMA_ATTRIBUTES + 1, false),
            "/items/0/attributes has more than 100 entries",
        ),
        (
            attributes(limits::SEARCHABLE_ATTRIBUTES, true),
            attributes(limits::SEARCHABLE_ATTRIBUTES + 1, true),
            "/items has more than 32 searchable attributes",
        ),
        (
            urn(limits::URN_CHARACTERS),
            urn(limits::URN_CHARACTERS + 1),
            "/items/0/id is longer than 200 characters",
        ),
        (
            name(limits::ATTRIBUTE_NAME_CHARACTERS),
            name(limits::ATTRIBUTE_NAME_CHARACTERS + 1),
            "/items/0/attributes/0/name is longer than 64 characters",
        ),
        (
            field("description", limits::DESCRIPTION_CHARACTERS),
            field("description", limits::DESCRIPTION_CHARACTERS + 1),
            "/items/0/description is longer than 1000 characters",
        ),
        (
            values(limits::SCHEMA_VALUES),
            values(limits::SCHEMA_VALUES + 1),
            "/items/0/attributes/0/canonicalValues has more than 100 texts, or one of over 200 characters",
        ),
    ] {
        assert_eq!(faults(&mut acme, "PUT", "/schemas", &exceeds), [fault]);
        let reply = acme.admin("PUT", "/schemas", &fits);
        assert_eq!(reply.status, 200, "{fault}: {}", reply.json());
    }
}

#[test]
fn a_declaration_is_an_object_and_its_id_that_of_its_path() {
    let mut acme = acme();
    let path = format!("/schemas/{URN}");
    let other = schema(json!({ "id": "urn:acme:other" }));
    acme.admin_refused(
        "PUT",
        &path,
        &other,
        (422, "contradictory", "`id` is not that of the path"),
    );
    let only = "the body must be an object with `items` and nothing else";
    for body in [json!({}), json!({ "items": [], "more": 1 }), json!({ "schemas": [] })] {
        acme.admin_refused("PUT", "/schemas", &body, (400, "malformed", only));
    }
    let list = (400, "malformed", "the body is not a JSON object");
    acme.admin_refused("POST", "/schemas", &json!([]), list);
    assert_eq!(
        faults(&mut acme, "PUT", "/schemas", &json!({ "items": {} })),
        ["/items is not a list"]
    );
}

#[test]
fn only_who_may_configure_declares() {
    let mut acme = Acme::new();
    let reader = acme.mint(&["config:read"]);
    let scim = acme.mint(&["scim"]);
    let (tenant, body) = ("/v1/tenants/acme", staff());
    for path in ["/schemas", "/schemas/urn:x:y", "/policies"] {
        let path = format!("{tenant}{path}");
        assert_eq!(acme.ask("GET", &path, &Value::Null, &scim).status, 403, "{path}");
        assert_ne!(acme.ask("GET", &path, &Value::Null, &reader).status, 403, "{path}");
        assert_eq!(acme.ask("PUT", &path, &body, &reader).status, 403, "{path}");
    }
    assert_eq!(acme.ask("POST", &format!("{tenant}/schemas"), &body, &reader).status, 403);
    assert_eq!(
        acme.ask("DELETE", &format!("{tenant}/schemas/urn:x:y"), &body, &reader).status,
        403
    );
}
