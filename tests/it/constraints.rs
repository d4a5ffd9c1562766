//! What a tenant says the values of attributes must look like.

use muster::limits;
use serde_json::{Value, json};

use crate::attribute_rules::{faults, ruled};
use crate::steps::patch_op;
use crate::support::Acme;

#[test]
fn bz_24_a_value_that_breaks_a_rule_is_refused_by_the_rules_name() {
    let mut acme = ruled(&json!({ "constraints": [
        { "path": "userName", "pattern": "[^@]+@[^@]+", "maxLength": 25, "message": "user@domain of at most 25 characters" },
        { "path": "phoneNumbers.value", "pattern": "\\+[0-9]{1,3} [0-9 ]+", "maxLength": 20 },
    ] }));
    let ada =
        |name: &str, phone: &str| json!({ "userName": name, "phoneNumbers": [{ "value": phone }] });
    let (name, phone) = ("ada@acme.com", "+31 20 123 4567");
    let long = "a-very-long-name-indeed@acme.com";
    let told = (400, "invalidValue", "`userName`: user@domain of at most 25 characters");
    acme.refused("POST", "/Users", &ada("ada", phone), told);
    acme.refused("POST", "/Users", &ada(long, phone), told);
    let unlike = "`phoneNumbers.value` must match `\\+[0-9]{1,3} [0-9 ]+`";
    for phone in ["020 1234567", "x+31 20 1", "+31 20 1\n", "+31"] {
        acme.refused("POST", "/Users", &ada(name, phone), (400, "invalidValue", unlike));
    }
    let too_long = "`phoneNumbers.value` must have at most 20 characters";
    acme.refused(
        "POST",
        "/Users",
        &ada(name, "+31 20 123 4567 890 1"),
        (400, "invalidValue", too_long),
    );
    let path = format!("/Users/{}", acme.made("/Users", &ada(name, phone)));
    acme.refused("PUT", &path, &ada("ada", phone), told);
    let add =
        patch_op(&json!([{ "op": "add", "path": "phoneNumbers", "value": [{ "value": "12" }] }]));
    acme.refused("PATCH", &path, &add, (400, "invalidValue", unlike));
    acme.put(&path, &json!({ "userName": "eve@acme.com" }));
    acme.sleep();
    acme.refused("PUT", &path, &ada("eve", phone), told);
}

#[test]
fn a_value_that_was_there_before_a_rule_may_stay() {
    let mut acme = Acme::new();
    let mails =
        |values: &[&str]| -> Value { values.iter().map(|v| json!({ "value": v })).collect() };
    let user = |values: &[&str]| json!({ "userName": "old", "emails": mails(values) });
    let path = format!("/Users/{}", acme.made("/Users", &user(&["a"])));
    acme.policy(&json!({ "constraints": [
        { "path": "userName", "minLength": 5 }, { "path": "emails.value", "pattern": ".+@.+" },
    ] }));
    acme.patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }]));
    assert_eq!(acme.put(&path, &user(&["a", "b@c"]))["emails"][1]["value"], "b@c");
    let error = (400, "invalidValue", "`emails.value` must match `.+@.+`");
    acme.refused("PUT", &path, &user(&["a", "b@c", "d"]), error);
    let renamed = json!({ "userName": "élan", "emails": mails(&["a"]) });
    acme.refused(
        "PUT",
        &path,
        &renamed,
        (400, "invalidValue", "`userName` must have at least 5 characters"),
    );
}

#[test]
fn a_rule_with_a_fault_is_refused_with_its_place() {
    let mut acme = Acme::new();
    let long = "a".repeat(limits::PATTERN_BYTES + 1);
    let faults = faults(
        &mut acme,
        &json!({ "constraints": [
        7,
        { "path": "title" },
        { "maxLength": 3 },
        { "path": "titel", "maxLength": -1, "minimum": 1 },
        { "path": "active", "maxLength": 3 },
        { "path": "title", "pattern": "(" },
        { "path": "title", "pattern": "a)|(b" },
        { "path": "title", "pattern": "(a)\\1" },
        { "path": "title", "pattern": long },
        { "path": "title", "pattern": "((a{90}){90}){90}" },
        { "path": "title", "minLength": 3, "maxLength": 2, "message": "x".repeat(limits::NAME_CHARACTERS + 1) },
    ] }),
    );
    let said = |fault: &String| fault.split(": ").next().unwrap_or_default().to_owned();
    assert_eq!(
        faults.iter().map(said).collect::<Vec<_>>(),
        [
            "/constraints/0 is not an object",
            "/constraints/1 says neither pattern nor length",
            "/constraints/2/path is not a text",
            "/constraints/3/maxLength is not a whole number of 0 or more",
            "/constraints/3/minimum is not known to this version",
            "/constraints/3/path unknown attribute `titel`",
            "/constraints/4/path has no texts",
            "/constraints/5/pattern is no pattern",
            "/constraints/6/pattern is no pattern",
            "/constraints/7/pattern is no pattern",
            "/constraints/8/pattern is not a text of at most 512 bytes",
            "/constraints/9/pattern is no pattern",
            "/constraints/10/message is not a text of at most 200 characters",
            "/constraints/10 lets no length pass",
        ]
    );
}

#[test]
fn what_a_pattern_may_cost_is_bounded() {
    // Repetitions of repetitions take others years.
    let rules = json!({ "constraints": [{ "path": "title", "pattern": "(a*)*b" }] });
    let mut acme = ruled(&rules);
    let shown = acme.admin("GET", "/policies", &Value::Null).json();
    assert_eq!(shown["constraints"], rules["constraints"]);
    let titled = |title: String| json!({ "userName": "ada", "title": title });
    let error = (400, "invalidValue", "`title` must match `(a*)*b`");
    acme.refused("POST", "/Users", &titled("a".repeat(limits::MATCHED_BYTES)), error);
    acme.refused("POST", "/Users", &titled("a".repeat(limits::MATCHED_BYTES) + "b"), error);
    acme.post("/Users", &titled("a".repeat(limits::MATCHED_BYTES - 1) + "b"));
    // What a pattern is compiled to: limits::PATTERN_PROGRAM_BYTES.
    acme.policy(&json!({ "constraints": [{ "path": "title", "pattern": "[a-z]{1,200}" }] }));
    let large = format!("[a-z]{{1,{}}}", limits::PATTERN_PROGRAM_BYTES / 16);
    let told =
        faults(&mut acme, &json!({ "constraints": [{ "path": "title", "pattern": large }] }));
    assert!(told[0].starts_with("/constraints/0/pattern is no pattern"), "{told:?}");
}
