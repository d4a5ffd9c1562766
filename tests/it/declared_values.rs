//! What the characteristics of a declared attribute do to values, and which of them go together.

use std::collections::BTreeMap;

use muster::limits;
use serde_json::{Value, json};

use crate::declared::URN;
use crate::steps::check_problem;
use crate::support::{Acme, ORIGIN};

/// A tenant whose users have attributes.
fn with(attributes: &Value) -> Acme {
    let mut acme = Acme::new();
    let body = json!({ "id": URN, "attributes": attributes });
    let reply = acme.admin("POST", "/schemas", &body);
    assert_eq!(reply.status, 201, "{}", reply.json());
    acme
}

/// The user `ada` with values of them; where it is.
fn ada(acme: &mut Acme, values: &Value) -> String {
    let made = acme.post("/Users", &json!({ "userName": "ada", URN: values }));
    format!("/Users/{}", made["id"].as_str().expect("an id"))
}

/// The faults of a declaration of one attribute; none where it is taken.
fn faults(acme: &mut Acme, attribute: &Value) -> Vec<String> {
    let body = json!({ "id": URN, "attributes": [attribute] });
    let reply = acme.admin("PUT", &format!("/schemas/{URN}"), &body);
    let faults = reply.json()["faults"].as_array().cloned().unwrap_or_default();
    if faults.is_empty() {
        // Whatever was taken is read again as it was.
        acme.sleep();
        assert_eq!(
            acme.admin("GET", &format!("/schemas/{URN}"), &Value::Null).json(),
            reply.json()
        );
    }
    let said = |fault: &Value| format!("{} {}", fault["path"], fault["detail"]).replace('"', "");
    faults.iter().map(said).collect()
}

#[test]
fn whatever_goes_together_is_read_again_from_its_row() {
    let mut acme = Acme::new();
    let parts = json!([{ "name": "city", "type": "string" }]);
    for kind in ["string", "boolean", "integer", "dateTime", "reference", "binary", "complex"] {
        for mutability in ["readOnly", "readWrite", "immutable", "writeOnly"] {
            for returned in ["always", "never", "default", "request"] {
                for (uniqueness, searchable) in
                    [("none", false), ("none", true), ("server", false), ("global", true)]
                {
                    let mut one = json!({
                        "name": "x", "type": kind, "mutability": mutability, "returned": returned,
                        "uniqueness": uniqueness, "searchable": searchable,
                    });
                    if kind == "complex" {
                        one["subAttributes"] = parts.clone();
                    }
                    faults(&mut acme, &one);
                    one["name"] = "part".into();
                    if kind != "complex" {
                        let owner = json!({ "name": "x", "type": "complex", "returned": returned,
                            "subAttributes": [one] });
                        faults(&mut acme, &owner);
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_never_returned_is_not_told_by_a_conflict() {
    let mut acme = Acme::new();
    let unique =
        json!({ "name": "pin", "type": "string", "returned": "never", "uniqueness": "server" });
    assert_eq!(
        faults(&mut acme, &unique),
        ["/attributes/0/returned is never, so that nobody may find or compare it"]
    );
}

#[test]
fn what_is_not_kept_cannot_be_required() {
    let mut acme = Acme::new();
    let part =
        json!({ "name": "pin", "type": "string", "mutability": "writeOnly", "required": true });
    let fault = "required is true, but nobody can write a value that is kept";
    assert_eq!(faults(&mut acme, &part), [format!("/attributes/0/{fault}")]);
    let owner = json!({ "name": "login", "type": "complex", "subAttributes": [part] });
    assert_eq!(faults(&mut acme, &owner), [format!("/attributes/0/subAttributes/0/{fault}")]);
}

#[test]
fn a_part_that_is_write_only_is_not_kept() {
    for returned in ["default", "never"] {
        for several in [false, true] {
            let mut acme = with(&json!([{
                "name": "login", "type": "complex", "multiValued": several, "subAttributes": [
                    { "name": "name", "type": "string" },
                    { "name": "pin", "type": "string", "mutability": "writeOnly", "returned": returned },
                ],
            }]));
            let value = json!({ "name": "ada", "pin": "1815" });
            let values = json!({ "login": if several { json!([value]) } else { value } });
            let path = ada(&mut acme, &values);
            acme.patch(
                &path,
                &json!([{ "op": "add", "path": format!("{URN}:login.pin"), "value": "1816" }]),
            );
            let shown = acme.get(&path)[URN]["login"].to_string();
            assert!(shown.contains("ada") && !shown.contains("181"), "{shown}");
            assert!(!format!("{:?}", acme.dump()).contains("181"), "{returned} {several}");
        }
    }
}

#[test]
fn references_that_differ_in_case_are_two() {
    let mut acme = with(&json!([{ "name": "sites", "type": "reference", "multiValued": true }]));
    let both = json!({ "sites": ["https://acme.example/A", "https://acme.example/a"] });
    let path = ada(&mut acme, &both);
    assert_eq!(acme.get(&path)[URN], both);
}

#[test]
fn a_required_part_is_asked_for_in_each_value() {
    let parts = json!([
        { "name": "city", "type": "string", "required": true }, { "name": "rooms", "type": "integer" }
    ]);
    let mut acme = with(&json!([
        { "name": "house", "type": "complex", "subAttributes": parts },
        { "name": "flats", "type": "complex", "multiValued": true, "subAttributes": parts },
    ]));
    let path = ada(&mut acme, &json!({ "house": { "city": "x", "rooms": 1 } }));
    for (name, value) in
        [("house", json!({ "rooms": 2 })), ("flats", json!([{ "city": "x" }, { "rooms": 2 }]))]
    {
        let detail = format!("`{URN}:{name}.city` is required");
        let body = json!({ "userName": "bob", URN: { name: value } });
        acme.refused("POST", "/Users", &body, (400, "invalidValue", &detail));
    }
    let remove = json!([{ "op": "remove", "path": format!("{URN}:house.city") }]);
    let detail = format!("operation 1: `{URN}:house.city` is required");
    let body = crate::steps::patch_op(&remove);
    acme.refused("PATCH", &path, &body, (400, "mutability", &detail));
    acme.patch(&path, &json!([{ "op": "remove", "path": format!("{URN}:house") }]));
}

#[test]
fn an_immutable_part_of_a_single_value_stays() {
    let mut acme = with(&json!([{ "name": "house", "type": "complex", "subAttributes": [
        { "name": "city", "type": "string", "mutability": "immutable" },
        { "name": "rooms", "type": "integer" },
    ] }]));
    let path = ada(&mut acme, &json!({ "house": { "rooms": 1 } }));
    let set = |city: &str| json!([{ "op": "replace", "path": format!("{URN}:house.city"), "value": city }]);
    acme.patch(&path, &set("London"));
    let detail = format!("`{URN}:house.city` cannot be changed once it has a value");
    let refused = (400, "mutability", &*detail);
    acme.refused("PATCH", &path, &crate::steps::patch_op(&set("Paris")), refused);
    let other = json!({ "userName": "ada", URN: { "house": { "city": "Paris" } } });
    acme.refused("PUT", &path, &other, refused);
    acme.patch(&path, &set("London"));
}

#[test]
fn a_policy_document_is_bounded_as_a_whole() {
    let mut acme = Acme::new();
    let schema = |number: usize| {
        let part = |n: usize| {
            json!({ "name": format!("p{n}"), "type": "string",
            "description": "x".repeat(limits::DESCRIPTION_CHARACTERS) })
        };
        let parts: Vec<Value> = (0..limits::SCHEMA_ATTRIBUTES).map(part).collect();
        let one = |n: usize| json!({ "name": format!("a{n}"), "type": "complex", "subAttributes": parts });
        let attributes: Vec<Value> = (0..6).map(one).collect();
        json!({ "id": format!("urn:acme:s{number}"), "attributes": attributes })
    };
    assert_eq!(acme.admin("POST", "/schemas", &schema(0)).status, 201);
    let before = acme.dump();
    let detail = format!("the policy document has more than {} bytes", limits::POLICY_BYTES);
    let refused = (413, "payload_too_large", &*detail);
    check_problem(&acme.admin("POST", "/schemas", &schema(1)), refused, "as stored");
    let both = json!({ "items": [schema(0), schema(1)] });
    check_problem(&acme.admin("PUT", "/schemas", &both), refused, "as sent");
    assert_eq!(acme.dump(), before);
}

#[test]
fn so_many_faults_are_told_and_no_more() {
    let mut acme = Acme::new();
    let names = (0..limits::FAULTS + 1).map(|n| (format!("x{n}"), Value::Null)).collect();
    let reply = acme.admin("PUT", "/policies", &Value::Object(names));
    assert_eq!(reply.json()["faults"].as_array().map(Vec::len), Some(limits::FAULTS));
}

#[test]
fn what_is_never_returned_is_not_told_by_an_event() {
    let never = |name: &str| json!({ "name": name, "type": "string", "returned": "never" });
    let parts = json!([{ "name": "name", "type": "string" }, never("pin")]);
    let mut acme = with(&json!([
        never("secret"),
        { "name": "vault", "type": "complex", "returned": "never", "subAttributes": parts },
        { "name": "login", "type": "complex", "subAttributes": parts },
        { "name": "logins", "type": "complex", "multiValued": true, "subAttributes": parts },
    ]));
    let value = json!({ "name": "n1", "pin": "p1" });
    let path = ada(
        &mut acme,
        &json!({ "secret": "p1", "vault": value, "login": value, "logins": [value] }),
    );
    let stored = format!("{:?}", acme.dump());
    assert!(stored.contains("p1"), "it is kept");
    let value = json!({ "name": "n2", "pin": "p2" });
    let set = json!({ URN: { "secret": "p2", "vault": value, "login": value, "logins": [value] } });
    acme.patch(&path, &json!([{ "op": "replace", "value": set }]));
    let events = acme.events();
    let data = &events.last().expect("an event")["data"];
    let at = |name: &str| format!("{URN}:{name}");
    let changed =
        ["secret", "vault.name", "vault.pin", "login.name", "login.pin", "logins"].map(at);
    assert_eq!(data["changed"], json!(changed));
    let told = json!({ (at("login.name")): "n1", (at("logins")): [{ "name": "n1" }, ] });
    assert_eq!(data["previous"], told);
}

#[test]
fn a_number_is_kept_to_its_last_digit_or_refused() {
    let mut acme = with(&json!([
        { "name": "count", "type": "integer", "searchable": true },
        { "name": "share", "type": "decimal" },
    ]));
    let digits = "9".repeat(1_001);
    for (number, (name, text, status, scim_type)) in (1..).zip([
        ("count", "9007199254740993", 201, ""),
        ("count", "-9007199254740993", 201, ""),
        ("count", "18446744073709551615", 201, ""),
        ("count", "18446744073709551616", 400, "invalidValue"),
        ("count", "-0", 400, "invalidValue"),
        ("count", "1e400", 400, "invalidSyntax"),
        ("count", &digits, 400, "invalidSyntax"),
        ("share", "-0.0", 201, ""),
        ("share", "1e308", 201, ""),
        ("share", "1e-400", 201, ""),
        ("share", "-1e400", 400, "invalidSyntax"),
        ("share", &format!("0.{digits}"), 201, ""),
        ("share", &format!("1e{digits}"), 400, "invalidSyntax"),
    ]) {
        let body = format!(r#"{{"userName":"u{number}","{URN}":{{"{name}":{text}}}}}"#);
        let (url, key) = (format!("{ORIGIN}/t/acme/scim/v2/Users"), acme.key.clone());
        let reply = acme.fetch("POST", &url, &BTreeMap::new(), body.as_bytes(), &key);
        assert_eq!(reply.status, status, "{name} {number}: {}", reply.json());
        assert_eq!(reply.json()["scimType"].as_str().unwrap_or_default(), scim_type, "{number}");
        if (name, status) == ("count", 201) {
            assert_eq!(reply.json()[URN]["count"].to_string(), text);
        }
    }
    let found = |acme: &mut Acme, count: &str| {
        acme.found("/Users", &format!("{URN}:count eq {count}")).len()
    };
    assert_eq!(found(&mut acme, "9007199254740993"), 1);
    assert_eq!(found(&mut acme, "9007199254740992"), 0, "which a double takes for the same");
    assert_eq!(found(&mut acme, "18446744073709551615"), 1);
}
