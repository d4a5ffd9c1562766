//! What a tenant declares of the parts of complex attributes, by POST, PUT, PATCH and the feed; and
//! URNs whose end is no attribute's name.

use muster::scim::urn;
use serde_json::{Value, json};

use crate::steps::check_error;
use crate::support::Acme;

const URN: &str = "urn:acme:fleet:1.0:User";

/// A tenant that has declared an attribute with one value and one with several, whose parts have
/// every characteristic that makes a difference.
fn acme() -> Acme {
    let mut acme = Acme::new();
    let schema = json!({ "id": URN, "attributes": [
        { "name": "grade", "required": true },
        { "name": "secret", "returned": "never" },
        { "name": "house", "type": "complex", "subAttributes": [
            { "name": "city", "required": true },
            { "name": "zip", "mutability": "immutable" },
            { "name": "code", "mutability": "writeOnly" },
            { "name": "lock", "returned": "never" },
        ] },
        { "name": "cars", "type": "complex", "multiValued": true, "subAttributes": [
            { "name": "value", "required": true },
            { "name": "frame", "mutability": "immutable" },
            { "name": "start", "mutability": "writeOnly", "returned": "never" },
            { "name": "alarm", "returned": "never" },
            { "name": "color" },
        ] },
    ] });
    let reply = acme.admin("POST", "/schemas", &schema);
    assert_eq!(reply.status, 201, "{}", reply.json());
    acme
}

fn ada() -> Value {
    json!({ "userName": "ada", URN: {
        "grade": "a",
        "secret": "hush",
        "house": { "city": "Bern", "zip": "3000", "code": "WRITE-ONLY-1", "lock": "7" },
        "cars": [
            { "value": "BE 1", "frame": "f1", "start": "WRITE-ONLY-2", "alarm": "8" },
            { "value": "BE 2" },
        ],
    } })
}

fn path(of: &Value) -> String {
    format!("/Users/{}", of["id"].as_str().unwrap())
}

#[test]
fn a_write_only_part_is_accepted_and_not_kept() {
    let mut acme = acme();
    let made = acme.post("/Users", &ada());
    assert_eq!(made[URN]["house"], json!({ "city": "Bern", "zip": "3000" }));
    let cars = json!([{ "value": "BE 1", "frame": "f1" }, { "value": "BE 2" }]);
    assert_eq!(made[URN]["cars"], cars);
    acme.put(&path(&made), &ada());
    let part = format!(r#"{URN}:cars[value eq "BE 2"].start"#);
    let whole = json!({ URN: { "house": { "code": "WRITE-ONLY-4" } } });
    acme.patch(
        &path(&made),
        &json!([
            { "op": "add", "path": part, "value": "WRITE-ONLY-3" },
            { "op": "replace", "value": whole },
        ]),
    );
    assert_eq!(acme.get(&path(&made)), made, "and nothing has changed");
    assert!(!format!("{:?}", acme.dump()).contains("WRITE-ONLY"));
}

#[test]
fn a_required_part_is_asked_of_every_value() {
    let mut acme = acme();
    for (value, missing) in [
        (json!({ "house": { "zip": "3000" } }), "house.city"),
        (json!({ "house": { "city": "" , "zip": "3000" } }), "house.city"),
        (json!({ "cars": [{ "value": "BE 1" }, { "color": "red" }] }), "cars.value"),
    ] {
        let mut body = json!({ "userName": "bob", URN: value });
        body[URN]["grade"] = "b".into();
        let detail = format!("`{URN}:{missing}` is required");
        acme.refused("POST", "/Users", &body, (400, "invalidValue", &detail));
    }
    let ada = path(&acme.post("/Users", &ada()));
    for (operation, kind, missing) in [
        (
            json!({ "op": "remove", "path": format!("{URN}:house.city") }),
            "mutability",
            "house.city",
        ),
        (
            json!({ "op": "add", "path": format!("{URN}:cars"), "value": { "color": "red" } }),
            "invalidValue",
            "cars.value",
        ),
    ] {
        let body = json!({ "schemas": [urn::PATCH_OP], "Operations": [operation] });
        let detail = format!("operation 1: `{URN}:{missing}` is required");
        acme.refused("PATCH", &ada, &body, (400, kind, &detail));
    }
    acme.patch(&ada, &json!([{ "op": "remove", "path": format!("{URN}:house.lock") }]));
}

#[test]
fn an_immutable_part_keeps_the_value_that_it_has() {
    let mut acme = acme();
    let made = acme.post("/Users", &ada());
    let check = |acme: &mut Acme, body: &Value, part: &str| {
        let detail = format!("`{URN}:{part}` cannot be changed once it has a value");
        let method = if body.get("Operations").is_some() { "PATCH" } else { "PUT" };
        acme.refused(method, &path(&made), body, (400, "mutability", &detail));
    };
    for (place, part) in [("/house/zip", "house.zip"), ("/cars/0/frame", "cars.frame")] {
        let mut body = ada();
        *body[URN].pointer_mut(place).unwrap() = "other".into();
        check(&mut acme, &body, part);
    }
    for (names, part) in [
        ("house.zip", "house.zip"),
        (r#"cars[value eq "be 1"].frame"#, "cars.frame"),
        ("cars.frame", "cars.frame"),
    ] {
        for op in ["add", "replace", "remove"] {
            let operation = json!({ "op": op, "path": format!("{URN}:{names}"), "value": "other" });
            let body = json!({ "schemas": [urn::PATCH_OP], "Operations": [operation] });
            check(&mut acme, &body, part);
        }
    }
    // It may be set where it is not, and goes with its value.
    let frame = format!(r#"{URN}:cars[value eq "BE 2"].frame"#);
    let first = format!(r#"{URN}:cars[value eq "BE 1"]"#);
    acme.patch(
        &path(&made),
        &json!([
            { "op": "add", "path": frame, "value": "f2" },
            { "op": "remove", "path": first },
        ]),
    );
    let left = json!([{ "value": "BE 2", "frame": "f2" }]);
    assert_eq!(acme.get(&path(&made))[URN]["cars"], left);
}

#[test]
fn the_feed_does_not_tell_what_is_never_returned() {
    let mut acme = acme();
    let made = acme.post("/Users", &ada());
    let mut body = ada();
    for (place, value) in [
        ("/secret", "other"),
        ("/grade", "b"),
        ("/house/lock", "other"),
        ("/cars/0/alarm", "other"),
        ("/cars/1/value", "BE 3"),
    ] {
        *body[URN].pointer_mut(place).unwrap() = value.into();
    }
    acme.put(&path(&made), &body);
    let told = acme.events().pop().unwrap()["data"].clone();
    let at = |name: &str| format!("{URN}:{name}");
    let names = ["grade", "secret", "house.lock", "cars"];
    assert_eq!(told["changed"], json!(names.map(at)));
    let cars = json!([{ "value": "BE 1", "frame": "f1" }, { "value": "BE 2" }]);
    assert_eq!(told["previous"], json!({ at("grade"): "a", at("cars"): cars }));
}

#[test]
fn what_one_operation_leaves_missing_a_later_one_may_bring() {
    let mut acme = acme();
    let bob = format!("/Users/{}", acme.user("bob"));
    let add = |name: &str| json!({ "op": "Add", "path": format!("{URN}:{name}"), "value": "x" });
    acme.patch(&bob, &json!([add("house.zip"), add("house.city"), add("grade")]));
    let shown = json!({ "grade": "x", "house": { "city": "x", "zip": "x" } });
    assert_eq!(acme.get(&bob)[URN], shown);
    let eve = format!("/Users/{}", acme.user("eve"));
    let operations = [json!({ "op": "add", "path": "title", "value": "Dr" }), add("house.city")];
    let body = json!({ "schemas": [urn::PATCH_OP], "Operations": operations });
    let detail = format!("operation 2: `{URN}:grade` is required");
    acme.refused("PATCH", &eve, &body, (400, "invalidValue", &detail));
    // What is there may not be taken away in between.
    let body = json!({ "schemas": [urn::PATCH_OP], "Operations": [
        { "op": "remove", "path": "userName" },
        { "op": "add", "path": "userName", "value": "eve" },
    ] });
    let detail = "operation 1: `userName` is required";
    acme.refused("PATCH", &eve, &body, (400, "mutability", detail));
}

#[test]
fn a_schema_is_named_whole_however_its_urn_ends() {
    for schema in ["urn:acme:scim:2.0", "urn:acme:staff.user", "urn:acme:staff:v1.2.x", "urn:a:7"] {
        let mut acme = Acme::new();
        let declared = json!({ "id": schema, "attributes": [{ "name": "badge" }] });
        assert_eq!(acme.admin("POST", "/schemas", &declared).status, 201);
        let body = json!({ "userName": "ada", schema: { "badge": "1" } });
        let ada = path(&acme.post("/Users", &body));
        let dotted = format!("{schema}.badge");
        for (name, value, badge) in [
            (schema, json!({ "badge": "2" }), "2"),
            (&schema.to_uppercase(), json!({ "badge": "3" }), "3"),
            (&format!("{schema}:badge"), json!("4"), "4"),
            (&dotted, json!("5"), "5"),
        ] {
            acme.patch(&ada, &json!([{ "op": "replace", "path": name, "value": value }]));
            assert_eq!(acme.get(&ada)[schema], json!({ "badge": badge }), "{name}");
        }
        assert_eq!(acme.get(&format!("{ada}?attributes={schema}"))[schema]["badge"], "5");
        assert_eq!(acme.get(&format!("{ada}?excludedAttributes={schema}")).get(schema), None);
        assert_eq!(acme.found("/Users", &format!("{schema}:badge eq \"5\"")).len(), 1);
        let whole = format!("/Users?filter={schema}%20pr");
        let detail = format!("unknown attribute `{schema}` at position 0");
        check_error(
            &acme.scim("GET", &whole, &Value::Null),
            (400, "invalidFilter", &detail),
            schema,
        );
        acme.patch(&ada, &json!([{ "op": "remove", "path": schema }]));
        assert_eq!(acme.get(&ada).get(schema), None);
    }
}

#[test]
fn members_of_an_extension_are_no_members_of_the_group() {
    const CLUB: &str = "urn:acme:club:Group";
    let mut acme = Acme::new();
    let schema = json!({ "id": CLUB, "resourceTypes": ["Group"],
        "attributes": [{ "name": "members", "multiValued": true }] });
    assert_eq!(acme.admin("POST", "/schemas", &schema).status, 201);
    let ada = acme.user("ada");
    let club = json!({ "displayName": "club", "members": [{ "value": ada }],
        CLUB: { "members": ["x"] } });
    let club = format!("/Groups/{}", acme.made("/Groups", &club));
    let nothing = json!({ "members": null, CLUB: { "members": null } });
    acme.patch(&club, &json!([{ "op": "replace", "value": nothing }]));
    let left = acme.get(&club);
    assert_eq!((left["members"][0]["value"].as_str(), left.get(CLUB)), (Some(&*ada), None));
}

#[test]
fn values_that_are_numbers_are_told_apart_like_texts() {
    const SEATS: &str = "urn:acme:seats:User";
    let mut acme = Acme::new();
    let schema = json!({ "id": SEATS, "attributes": [
        { "name": "seats", "type": "complex", "multiValued": true, "subAttributes": [
            { "name": "value", "type": "integer" },
            { "name": "type" },
            { "name": "row", "mutability": "immutable" },
        ] },
        { "name": "doors", "type": "decimal", "multiValued": true },
    ] });
    assert_eq!(acme.admin("POST", "/schemas", &schema).status, 201);
    let seats = json!([{ "value": 1, "type": "a", "row": "x" }, { "value": 2, "row": "y" }]);
    let body = json!({ "userName": "ada", SEATS: { "seats": seats, "doors": [1, 2.5, 3] } });
    let ada = path(&acme.post("/Users", &body));
    let mut other = body.clone();
    other[SEATS]["seats"][1]["row"] = "z".into();
    let detail = format!("`{SEATS}:seats.row` cannot be changed once it has a value");
    acme.refused("PUT", &ada, &other, (400, "mutability", &detail));
    let at = |name: &str| format!("{SEATS}:{name}");
    acme.patch(&ada, &json!([
        { "op": "add", "path": at("seats"), "value": [{ "value": 2, "row": "y" }, { "value": 3 }] },
        { "op": "Remove", "path": at("seats"), "value": [{ "value": "1" }, { "value": 3 }] },
        { "op": "remove", "path": at("doors"), "value": [1.0, "2.50"] },
    ]));
    let left = json!({ "seats": [{ "value": 2, "row": "y" }], "doors": [3] });
    assert_eq!(acme.get(&ada)[SEATS], left);
}
