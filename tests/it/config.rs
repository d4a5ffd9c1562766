//! The policy document in a tenant's record: when the object takes it, what it makes of it, and what
//! is refused whole.

use muster::http::{ConfigStep, Response};
use muster::limits;
use muster::registry::{Config, TenantRecord};
use muster::tenant::Tenant;
use serde_json::{Value, json};

use crate::declared::staff;
use crate::sqlite::Sqlite;
use crate::support::Acme;

fn config(document: &Value) -> Config {
    let record = json!({ "config": document }).to_string();
    TenantRecord::parse(record.as_bytes()).expect("a record").config.expect("a document")
}

fn offer(acme: &mut Acme, document: &Value, founds: bool) -> u16 {
    acme.configure(&ConfigStep::Offer { tag: config(document).tag(), founds }, "").status
}

fn bring(acme: &mut Acme, document: &Value, sent: bool) -> Response {
    let config = config(document);
    acme.configure(&ConfigStep::Bring { tag: config.tag(), sent }, &config.to_text())
}

/// A document of KV, as the edge tells of it; what it is refused with, if it is brought.
fn told(acme: &mut Acme, document: &Value) -> Option<Value> {
    match offer(acme, document, false) {
        200 => {
            let response = bring(acme, document, false);
            (response.status != 204).then(|| body(&response))
        }
        status => {
            assert_eq!(status, 204);
            None
        }
    }
}

fn body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).expect("a problem")
}

fn paths(problem: &Value) -> Vec<&str> {
    problem["faults"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect()
}

fn policies(acme: &mut Acme) -> Value {
    acme.admin("GET", "/policies", &Value::Null).json()
}

fn connection(acme: &mut Acme, id: &str) -> Value {
    acme.admin("GET", &format!("/connections/{id}"), &Value::Null).json()
}

/// A tenant without tables.
fn unborn() -> Acme {
    let mut acme = Acme::new();
    (acme.sql, acme.tenant) = (Sqlite::new(), Tenant::default());
    acme
}

fn roles(version: i64, on: bool) -> Value {
    json!({ "version": version, "features": { "roles": on } })
}

#[test]
fn a_later_version_is_applied_and_no_other() {
    let mut acme = Acme::new();
    assert_eq!(told(&mut acme, &roles(7, true)), None);
    let held = policies(&mut acme);
    assert_eq!((&held["version"], &held["features"]["roles"]), (&json!(7), &json!(true)));
    let before = acme.dump();
    for version in [0, 1, 7] {
        assert_eq!(offer(&mut acme, &roles(version, false), false), 204, "{version}");
        assert_eq!(bring(&mut acme, &roles(version, false), false).status, 204, "{version}");
    }
    assert_eq!(acme.dump(), before, "it is ignored");
    let edit = json!({ "features": { "agents": true } });
    assert_eq!(acme.admin("PUT", "/policies", &edit).json()["version"], 8);
    assert_eq!(told(&mut acme, &roles(8, false)), None);
    assert_eq!(policies(&mut acme)["features"]["roles"], true, "an edit by API raised the version");
    assert_eq!(told(&mut acme, &roles(9, false)), None);
    let held = policies(&mut acme);
    assert_eq!((&held["version"], &held["features"]["roles"]), (&json!(9), &json!(false)));
    assert_eq!(held["features"]["agents"], true, "what it does not mention stays");
}

#[test]
fn its_mappings_change_access_at_once() {
    let mut acme = Acme::new();
    let user = acme.made("/Users", &json!({ "userName": "ada", "title": "Lead" }));
    let mapping = json!({ "id": "m", "condition": "title eq \"Lead\"",
        "grants": [{ "role": "lead", "scope": "company" }] });
    assert_eq!(told(&mut acme, &json!({ "version": 2, "mappings": [mapping] })), None);
    assert_eq!(acme.held(&user), ["lead@company"]);
    assert_eq!(told(&mut acme, &json!({ "version": 3, "mappings": [] })), None);
    assert!(acme.held(&user).is_empty());
    acme.check_recomputed();
}

#[test]
fn a_document_without_a_version_counts_as_the_first() {
    let mut acme = Acme::new();
    let document = json!({ "features": { "roles": true } });
    assert_eq!(told(&mut acme, &document), None);
    assert_eq!(policies(&mut acme)["version"], 1);
    assert_eq!(offer(&mut acme, &json!({ "schemas": [staff()] }), false), 204);
    acme.sleep();
    assert_eq!(offer(&mut acme, &document, false), 204);
    assert_eq!(policies(&mut acme)["features"]["roles"], true, "read from its row");
}

#[test]
fn what_it_did_is_in_the_feed() {
    let mut acme = Acme::new();
    let connections = json!({ "okta": { "preset": "okta", "state": "active" } });
    let document =
        json!({ "version": 3, "features": { "roles": true }, "connections": connections });
    assert_eq!(told(&mut acme, &document), None);
    let events = acme.events();
    let types = ["tenant.updated", "tenant.feature.enabled", "connection.created"];
    assert_eq!(acme.event_types(1), types);
    let data = &events[1]["data"];
    let said = (&data["changed"], &data["version"], &data["config"], &data["actor"]);
    let changed = json!(["features", "connections"]);
    assert_eq!(said, (&changed, &json!(3), &json!(true), &json!("admin")));
    // A version that says nothing new is a fact all the same: what it is above is ignored from now on.
    assert_eq!(told(&mut acme, &json!({ "version": 4 })), None);
    assert_eq!(acme.events()[4]["data"]["changed"], json!([]));
}

#[test]
fn what_is_offered_costs_an_object_that_is_awake_nothing() {
    let mut acme = Acme::new();
    assert_eq!(told(&mut acme, &roles(2, true)), None);
    acme.sql.fail_after(Some(0));
    assert_eq!(offer(&mut acme, &roles(2, true), false), 204);
    assert_eq!(offer(&mut acme, &roles(3, true), false), 200);
    acme.sql.fail_after(None);
}

#[test]
fn a_faulty_document_is_refused_whole_with_the_place_of_every_fault() {
    let mut acme = Acme::new();
    assert_eq!(told(&mut acme, &roles(2, true)), None);
    let before = acme.dump();
    let faulty = json!({
        "version": 3,
        "features": { "roles": false, "time/travel": true },
        "rateLimit": { "perSecond": -1 },
        "colour": "red",
        "connections": {
            "okta": { "preset": "nope", "state": "gone", "adopt": 7, "size": 1, "compat": { "x": 1 } },
            "entra": { "kind": "saml", "displayName": " " },
            "Bad Id": {},
            "text": "scim",
            "odd": { "id": "other" },
        },
    });
    let problem = told(&mut acme, &faulty).expect("a refusal");
    assert_eq!((&problem["status"], &problem["code"]), (&json!(422), &json!("faulty")));
    let expected = [
        "/config/features/time~1travel",
        "/config/rateLimit/perSecond",
        "/config/colour",
        "/config/connections/okta/adopt",
        "/config/connections/okta/size",
        "/config/connections/okta/state",
        "/config/connections/okta/preset",
        "/config/connections/entra/displayName",
        "/config/connections/entra/kind",
        "/config/connections/Bad Id/id",
        "/config/connections/text",
        "/config/connections/odd/id",
    ];
    assert_eq!(paths(&problem), expected, "{problem}");
    assert_eq!(acme.dump(), before);
    assert_eq!(policies(&mut acme)["features"]["roles"], true, "the tenant keeps what it had");
    acme.user("ada");
}

#[test]
fn what_was_refused_is_not_asked_for_again_until_it_is_mended() {
    let mut acme = Acme::new();
    let faulty = json!({ "version": 3, "colour": "red" });
    let refused = bring(&mut acme, &faulty, false);
    let cause = refused.cause.expect("the log is told");
    assert!(cause.contains("/config/colour"), "{cause}");
    assert_eq!(offer(&mut acme, &faulty, false), 204);
    assert_eq!(bring(&mut acme, &faulty, false).cause, None, "once");
    // The same version, mended; and the faulty one again, to an object that has slept.
    assert_eq!(offer(&mut acme, &roles(3, true), false), 200);
    acme.sleep();
    assert_eq!(offer(&mut acme, &faulty, false), 200);
    assert_eq!(told(&mut acme, &roles(3, true)), None);
    assert_eq!(policies(&mut acme)["version"], 3);
}

#[test]
fn what_the_administrator_sends_is_applied_or_refused() {
    let mut acme = Acme::new();
    assert_eq!(bring(&mut acme, &roles(5, true), true).status, 204);
    // What would change nothing may be sent again, as after an answer that was lost.
    for version in [1, 5] {
        assert_eq!(bring(&mut acme, &roles(version, true), true).status, 204);
        let refused = bring(&mut acme, &roles(version, false), true);
        assert_eq!((refused.status, &refused.cause), (409, &None));
        let detail = "the tenant's policies are of version 5; `config` needs a later `version`";
        assert_eq!(body(&refused)["detail"], detail);
    }
    let refused = bring(&mut acme, &json!({ "version": 6, "colour": "red" }), true);
    assert_eq!((refused.status, paths(&body(&refused))), (422, vec!["/config/colour"]));
    assert_eq!(refused.cause, None, "who sent it is told");
    assert_eq!(policies(&mut acme)["version"], 5);
}

#[test]
fn the_administrator_alone_begins_a_tenants_tables() {
    let mut acme = unborn();
    assert_eq!(offer(&mut acme, &roles(1, true), false), 404);
    assert_eq!(offer(&mut acme, &roles(1, true), true), 200);
    assert_eq!(acme.dump(), unborn().dump());
    let refused = bring(&mut acme, &json!({ "colour": "red" }), true);
    assert_eq!(refused.status, 422);
    assert_eq!(acme.dump(), unborn().dump(), "a document that is refused leaves nothing behind");
    assert_eq!(offer(&mut acme, &roles(1, true), false), 404);
    assert_eq!(bring(&mut acme, &roles(1, true), true).status, 204);
    assert_eq!(policies(&mut acme)["features"]["roles"], true);
}

#[test]
fn a_document_is_applied_whole_wherever_it_breaks_off() {
    let document = json!({
        "version": 2, "features": { "roles": true }, "connections": { "okta": {}, "entra": {} },
    });
    let mut acme = unborn();
    let empty = acme.dump();
    let (done, statements) = acme.failing_everywhere(
        |acme| bring(acme, &document, true).status,
        |acme, _, status| {
            assert_eq!(status, 500);
            assert_eq!(acme.dump(), empty);
        },
    );
    assert_eq!(done, 204);
    assert!(statements > 10);
    assert_eq!(policies(&mut acme)["version"], 2);
    assert_eq!(connection(&mut acme, "entra")["preset"], "generic");
}

#[test]
fn a_schema_that_values_contradict_is_a_conflict_and_requests_go_on() {
    let mut acme = Acme::new();
    assert_eq!(told(&mut acme, &json!({ "version": 1, "schemas": [staff()] })), None);
    let urn = staff()["id"].as_str().unwrap().to_owned();
    let ada = acme.post("/Users", &json!({ "userName": "ada", urn: { "grade": "a" } }));
    let refused = told(&mut acme, &json!({ "version": 2, "schemas": [] })).expect("a refusal");
    assert_eq!((&refused["status"], &refused["code"]), (&json!(409), &json!("conflict")));
    assert_eq!(acme.get(&format!("/Users/{}", ada["id"].as_str().unwrap()))["userName"], "ada");
}

#[test]
fn connections_are_made_and_changed_and_never_deleted() {
    let mut acme = Acme::new();
    let own = json!({ "id": "own", "displayName": "Own" });
    assert_eq!(acme.admin("POST", "/connections", &own).status, 201);
    let entra = json!({
        "kind": "scim", "preset": "entra", "adopt": "onCreate", "displayName": "Entra ID",
        "state": "active", "compat": { "dangling_members": true },
    });
    let wrong = json!({ "connections": { "entra": entra } });
    let problem = told(&mut acme, &wrong).expect("a refusal");
    assert_eq!(paths(&problem), ["/config/connections/entra/compat/dangling_members"]);

    let document = json!({ "connections": { "okta": {}, "entra": {
        "kind": "scim", "preset": "entra", "adopt": "onCreate", "displayName": "Entra ID",
        "state": "active", "compat": { "danglingMembers": false },
    } } });
    assert_eq!(told(&mut acme, &document), None);
    let made = connection(&mut acme, "entra");
    let shown = (&made["preset"], &made["adopt"], &made["displayName"], &made["state"]);
    assert_eq!(shown, (&json!("entra"), &json!("onCreate"), &json!("Entra ID"), &json!("active")));
    let okta = connection(&mut acme, "okta");
    let shown = (&okta["preset"], &okta["adopt"], &okta["displayName"], &okta["state"]);
    assert_eq!(shown, (&json!("generic"), &json!("onWrite"), &json!("okta"), &json!("draft")));

    let seen = acme.events().len();
    let later = json!({ "version": 2, "connections": {
        "entra": { "adopt": "never", "compat": { "danglingMembers": null } },
        "okta": { "state": "active" },
    } });
    assert_eq!(told(&mut acme, &later), None);
    let types = ["tenant.updated", "connection.updated", "connection.activated"];
    assert_eq!(acme.event_types(seen), types);
    acme.sleep();
    let changed = connection(&mut acme, "entra");
    assert_eq!((&changed["adopt"], &changed["compat"]), (&json!("never"), &json!({})));
    assert_eq!((&changed["preset"], &changed["state"]), (&json!("entra"), &json!("active")));
    assert_eq!(told(&mut acme, &json!({ "version": 3, "connections": {} })), None);
    for id in ["own", "okta", "entra"] {
        assert_eq!(connection(&mut acme, id)["id"], id);
    }
}

#[test]
fn a_declared_connection_is_held_to_what_holds_for_any() {
    let mut acme = Acme::new();
    let declared = |connections: Value| json!({ "version": 9, "connections": connections });
    let first = json!({ "a": { "state": "active", "displayName": "A" }, "b": {} });
    assert_eq!(told(&mut acme, &json!({ "connections": first })), None);
    for (connections, fault) in [
        (json!({ "a": { "state": "draft" } }), "/a/state"),
        (json!({ "a": { "kind": "saml" } }), "/a/kind"),
        (json!({ "a": { "id": "c" } }), "/a/id"),
        (json!({ "a": { "displayName": null } }), "/a/displayName"),
        (json!({ "a": 7 }), "/a"),
        (json!({ "c": { "displayName": "A" } }), "/c/displayName"),
        (json!({ "a": { "displayName": "b" } }), "/a/displayName"),
        (json!({ "import": {} }), "/import/id"),
    ] {
        let problem = told(&mut acme, &declared(connections.clone())).expect("a refusal");
        assert_eq!(paths(&problem), [format!("/config/connections{fault}")], "{connections}");
    }
    let both = json!({ "c": { "displayName": "X" }, "d": { "displayName": "X" } });
    let problem = told(&mut acme, &declared(both)).expect("a refusal");
    assert_eq!(
        paths(&problem),
        ["/config/connections/c/displayName", "/config/connections/d/displayName"]
    );
    for whole in [json!([]), json!(null)] {
        let problem = told(&mut acme, &declared(whole)).expect("a refusal");
        assert_eq!(paths(&problem), ["/config/connections"]);
    }
    let many = (0..limits::CONNECTIONS_PER_TENANT).map(|n| (format!("c{n}"), json!({}))).collect();
    let problem = told(&mut acme, &declared(Value::Object(many))).expect("a refusal");
    assert_eq!(paths(&problem), ["/config/connections"]);
}

#[test]
fn the_policies_by_api_declare_connections_too() {
    let mut acme = Acme::new();
    let document = json!({ "connections": { "okta": { "preset": "okta" } } });
    let tried = acme.admin("PUT", "/policies?dryRun=true", &document).json();
    let change = &tried["changes"][0];
    assert_eq!((&change["path"], &change["before"]), (&json!("/connections/okta"), &Value::Null));
    assert_eq!((&change["after"]["preset"], acme.rows("connections")), (&json!("okta"), 0));
    assert_eq!(acme.admin("PUT", "/policies", &document).json()["version"], 1);
    assert_eq!(connection(&mut acme, "okta")["preset"], "okta");
    let before = acme.dump();
    assert_eq!(acme.admin("PUT", "/policies", &document).json()["version"], 1);
    assert_eq!(acme.dump(), before, "no change, no write");
    let faulty = json!({ "connections": { "okta": { "preset": "nope" } } });
    let refused = acme.admin("PUT", "/policies", &faulty);
    assert_eq!((refused.status, paths(&refused.json())), (422, vec!["/connections/okta/preset"]));

    // What a connection's key may not do by the one way it may not do by the other.
    let body = json!({ "name": "k", "scopes": ["config:write"], "connection": "okta" });
    let key = acme.mint_with(&body);
    let path = format!("/v1/tenants/{}/policies", acme.slug());
    let adopt = json!({ "connections": { "okta": { "adopt": "onCreate" } } });
    assert_eq!(acme.ask("PUT", &path, &adopt, &key).status, 403);
    let other = json!({ "features": { "agents": true } });
    assert_eq!(acme.ask("PUT", &path, &other, &key).status, 200);
}

#[test]
fn a_document_that_forbids_copies_is_seen_by_the_edge() {
    for (document, forbids) in [
        (json!({ "edgeReads": false }), true),
        (json!({ "edgeReads": true }), false),
        (json!({ "edgeReads": "false" }), false),
        (json!({}), false),
    ] {
        assert_eq!(config(&document).forbids_copies(), forbids, "{document}");
    }
}

#[test]
fn jb_24_a_grant_for_coming_from_a_connection_whose_groups_decide_is_refused_in_kv_too() {
    let mut acme = Acme::new();
    let okta = json!({ "version": 1, "connections": { "okta": { "groupSource": "idp" } } });
    assert_eq!(told(&mut acme, &okta), None);
    let grants = json!([{ "role": "r" }]);
    let linked =
        json!({ "id": "m", "trigger": "identity.linked", "connection": "okta", "grants": grants });
    let before = acme.dump();
    let problem = told(&mut acme, &json!({ "version": 2, "mappings": [linked] })).unwrap();
    assert_eq!(problem["code"], "group_source_conflict");
    assert_eq!(paths(&problem), ["/config/mappings/0/trigger"]);
    assert_eq!(acme.dump(), before);
}
