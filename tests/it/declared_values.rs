//! What the characteristics of a declared attribute do to values, and which of them go together.

use serde_json::{Value, json};

use crate::declared::URN;
use crate::steps::check_problem;
use crate::support::Acme;

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
fn a_schema_has_a_name_that_a_path_can_end_with() {
    for id in ["urn:acme:scim:2.0", "urn:acme:scim:v1.0", "urn:acme:scim:1"] {
        let mut acme = Acme::new();
        let body = json!({ "id": id, "attributes": [{ "name": "desk", "type": "string" }] });
        let reply = acme.admin("POST", "/schemas", &body);
        check_problem(&reply, (422, "faulty", ""), id);
        assert_eq!(reply.json()["faults"][0]["path"], "/id");
    }
}
