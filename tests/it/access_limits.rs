//! Bounds of mappings, roles and what is looked through for them.

use muster::limits;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::access::mapping;
use crate::support::Acme;

/// The places of the faults of a document.
fn faults(acme: &mut Acme, document: &Value) -> Vec<String> {
    let reply = acme.admin("PUT", "/policies", document);
    if reply.status == 200 {
        return Vec::new();
    }
    assert_eq!((reply.status, &reply.json()["code"]), (422, &json!("faulty")));
    let faults = reply.json()["faults"].clone();
    let path = |fault: &Value| fault["path"].as_str().unwrap().to_owned();
    faults.as_array().unwrap().iter().map(path).collect()
}

#[test]
fn a_list_has_so_many_and_a_name_is_so_long() {
    let mut acme = Acme::new();
    let mappings = |count: usize| -> Value {
        (0..count).map(|n| mapping(&format!("m{n}"), "title pr", &["r"])).collect()
    };
    let grants = |count: usize| -> Value {
        let grants: Value = (0..count).map(|n| json!({ "role": format!("r{n}") })).collect();
        json!([{ "id": "m", "grants": grants }])
    };
    let roles = |count: usize| -> Value {
        (0..count).map(|n| json!({ "value": format!("r{n}") })).collect()
    };
    let scopes = |count: usize| -> Value {
        let scopes = (0..count).map(|n| (format!("s{n}"), json!("keep")));
        Value::Object(scopes.collect())
    };
    let with_id = |bytes: usize| json!([mapping(&"m".repeat(bytes), "title pr", &["r"])]);
    let with_role =
        |characters: usize| json!([mapping("m", "title pr", &[&"\u{e9}".repeat(characters)])]);
    let with_scope = |bytes: usize| json!([{ "id": "m", "grants": [{ "role": "r", "scope": "s".repeat(bytes) }] }]);
    let with_priority =
        |priority: u64| json!([{ "id": "m", "grants": [{ "role": "r" }], "priority": priority }]);
    let max = |max: u32| json!([{ "value": "r", "max": max }]);
    for (part, most, more, at) in [
        ("mappings", mappings(limits::MAPPINGS), mappings(limits::MAPPINGS + 1), "/mappings"),
        (
            "mappings",
            grants(limits::GRANTS_PER_MAPPING),
            grants(limits::GRANTS_PER_MAPPING + 1),
            "/mappings/0/grants",
        ),
        ("roles", roles(limits::ROLES), roles(limits::ROLES + 1), "/roles"),
        (
            "unmapped",
            scopes(limits::UNMAPPED_SCOPES),
            scopes(limits::UNMAPPED_SCOPES + 1),
            "/unmapped",
        ),
        (
            "mappings",
            with_id(limits::MAPPING_ID_CHARACTERS),
            with_id(limits::MAPPING_ID_CHARACTERS + 1),
            "/mappings/0/id",
        ),
        (
            "mappings",
            with_role(limits::ROLE_CHARACTERS),
            with_role(limits::ROLE_CHARACTERS + 1),
            "/mappings/0/grants/0/role",
        ),
        (
            "mappings",
            with_scope(limits::SCOPE_PATH_BYTES),
            with_scope(limits::SCOPE_PATH_BYTES + 1),
            "/mappings/0/grants/0/scope",
        ),
        (
            "mappings",
            with_priority(limits::PRIORITY),
            with_priority(limits::PRIORITY + 1),
            "/mappings/0/priority",
        ),
        ("roles", max(limits::ROLE_HOLDERS), max(limits::ROLE_HOLDERS + 1), "/roles/0/max"),
    ] {
        assert_eq!(faults(&mut acme, &json!({ part: more })), [at]);
        assert_eq!(faults(&mut acme, &json!({ part: most })), Vec::<String>::new(), "{at}");
    }
}

#[test]
fn every_fault_of_a_document_has_its_place_and_nothing_of_it_is_taken() {
    let mut acme = Acme::new();
    let before = acme.dump();
    let found = faults(
        &mut acme,
        &json!({
            "mappings": [
                { "id": "a b", "grants": [] },
                { "id": "m", "condition": "nonsense", "grants": [{ "role": "r", "group": "g" }], "if": 1 },
                { "id": "m", "condition": 7, "trigger": "user.deleted", "grants": [{ "scope": "/" }, 3] },
                { "trigger": "identity.linked", "grants": [{ "role": "r" }], "stop": "no", "priority": 0.5 },
                4,
            ],
            "mappingMode": "some",
            "unmapped": { "default": 7, "a//b": "keep" },
            "roles": [{ "value": "a", "max": 1, "overflow": "b" }, { "value": "b", "max": 1, "overflow": "a" },
                { "overflow": "x" }, { "value": "a", "max": -1 }],
        }),
    );
    for at in [
        "/mappings/0/id",
        "/mappings/0/grants",
        "/mappings/1/condition",
        "/mappings/1/grants/0",
        "/mappings/1/if",
        "/mappings/2/id",
        "/mappings/2/condition",
        "/mappings/2/trigger",
        "/mappings/2/grants/0/scope",
        "/mappings/2/grants/1",
        "/mappings/3",
        "/mappings/3/stop",
        "/mappings/3/priority",
        "/mappings/4",
        "/mappingMode",
        "/unmapped/default",
        "/unmapped/a~1~1b",
        "/roles/0/overflow",
        "/roles/1/overflow",
        "/roles/2",
        "/roles/3/value",
        "/roles/3/max",
    ] {
        assert!(found.contains(&at.to_owned()), "{at}: {found:?}");
    }
    assert_eq!(acme.dump(), before);
}

#[test]
fn so_many_values_are_looked_through_and_so_many_near_misses_told() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [mapping("m", "groups.display eq \"Team\"", &["r"])] }));
    for number in 0..=limits::NEAR_MISSES {
        acme.group(&format!("{}team", " ".repeat(number)), &[]);
    }
    let read = acme.admin("GET", "/mappings/m/diagnostics", &Value::Null).json();
    assert_eq!(read["nearMisses"].as_array().unwrap().len(), limits::NEAR_MISSES);
    acme.sql.statements();
    acme.admin("GET", "/mappings/m/diagnostics", &Value::Null);
    let statements = acme.sql.statements();
    assert!(statements.iter().any(|one| one.contains("LIMIT +?6")), "{}", limits::DIAGNOSED_VALUES);
}

#[test]
fn a_number_in_a_query_is_one_that_the_runtime_carries_exactly() {
    let mut acme = Acme::new();
    for (limit, status) in [(limits::WHOLE_NUMBER, 200), (limits::WHOLE_NUMBER + 1, 400)] {
        let reply = acme.admin("GET", &format!("/keys?limit={limit}"), &Value::Null);
        assert_eq!(reply.status, status, "{limit}");
    }
}

#[test]
fn who_is_kept_out_by_a_quota_is_so_while_all_is_computed_anew() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::ACCESS_USERS + 1);
    let max = |max: usize| json!({ "roles": [{ "value": "modeler", "max": max }] });
    acme.policy(&max(1));
    acme.policy(&json!({ "mappings": [mapping("m", "userName pr", &["modeler"])] }));
    acme.alarms();
    let kept_out = |acme: &mut Acme| {
        let access = acme.access(&users[1]);
        [&access["grants"], &access["reasons"], &access["recomputing"]].map(Value::clone)
    };
    assert_eq!(kept_out(&mut acme), [json!([]), json!(["quota"]), Value::Null]);
    assert_ne!(acme.access(&users[1])["status"], "granted");
    acme.policy(&max(2));
    let expected = [json!([]), json!(["quota"]), json!(true)];
    assert_eq!(kept_out(&mut acme), expected, "though there is a place");
    acme.alarms();
    assert_eq!(acme.held(&users[1]), ["modeler@company"]);
    assert_eq!(acme.access(&users[1])["reasons"], json!([]));
}

#[test]
fn a_step_gives_places_to_so_many_and_no_more() {
    let mut acme = Acme::new();
    acme.populate(2 * limits::ACCESS_USERS);
    acme.policy(&json!({ "roles": [{ "value": "modeler", "max": 3 }] }));
    acme.policy(&json!({ "mappings": [mapping("m", "userName pr", &["modeler"])] }));
    acme.alarms();
    let waiting = |acme: &Acme| {
        let rows = acme.sql.query("SELECT count(*) FROM grants WHERE waiting = 1", &[]).unwrap();
        usize::try_from(rows[0].integer(0).unwrap()).unwrap()
    };
    let waited = waiting(&acme);
    assert_eq!(waited, 2 * limits::ACCESS_USERS - 3);
    // Three lose the role, and nobody who waits qualifies any more.
    acme.policy(&json!({ "mappings": [] }));
    acme.alarm().expect("the alarm does its step");
    let most = limits::ACCESS_USERS + limits::ACCESS_STEP;
    let left = waiting(&acme);
    assert!(left < waited && left >= waited - most, "{left} of {waited}");
    acme.alarms();
    assert_eq!((waiting(&acme), acme.rows("grants")), (0, 0));
}
