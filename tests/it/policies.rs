//! The policy document: read, amended whole or not at all, tried without effect.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::declared::{URN, staff};
use crate::scenario::Reply;
use crate::steps::check_problem;
use crate::support::{ADMIN, Acme, ORIGIN};

fn put(acme: &mut Acme, query: &str, body: &Value, if_match: &str) -> Reply {
    let headers = BTreeMap::from([("if-match".to_owned(), if_match.to_owned())]);
    let url = format!("{ORIGIN}/v1/tenants/acme/policies{query}");
    acme.fetch("PUT", &url, &headers, body.to_string().as_bytes(), ADMIN)
}

#[test]
fn what_was_never_said_has_its_defaults() {
    let mut acme = Acme::new();
    let before = acme.dump();
    let read = acme.admin("GET", "/policies", &Value::Null);
    let features = json!({ "scim": true, "bulk": true, "roles": false, "agents": false });
    let limit = json!({ "perSecond": 200, "burst": 1000 });
    let deprovision = json!({
        "deactivated": "suspend", "deleted": "delete", "retain": "P30D", "relink": "always",
    });
    let review = json!({ "create": "auto", "update": "auto", "deactivate": "auto",
        "delete": "auto", "reactivate": "auto" });
    assert_eq!(
        read.json(),
        json!({ "version": 0, "features": features, "rateLimit": limit, "schemas": [],
            "deprovision": deprovision, "staleAfter": null, "retainEvents": null,
            "groups": "full", "edgeReads": false, "mappings": [], "mappingMode": "union", "unmapped": "keep",
            "roles": [], "review": review, "massChangeBrake": null, "guards": [], "succession": [],
            "requiredAttributes": [], "constraints": [], "authority": {}, "attributeMaps": [],
            "matching": ["userName"] })
    );
    assert_eq!(read.headers["etag"], "\"0\"");
    for nothing in [json!({}), json!({ "features": {} }), read.json(), json!({ "schemas": [] })] {
        assert_eq!(acme.admin("PUT", "/policies", &nothing).json(), read.json(), "{nothing}");
    }
    assert_eq!(acme.dump(), before, "no change, no write");
}

#[test]
fn a_document_changes_what_it_mentions() {
    let mut acme = Acme::new();
    let first =
        acme.admin("PUT", "/policies", &json!({ "version": 7, "features": { "roles": true } }));
    assert_eq!((first.status, &*first.headers["etag"]), (200, "\"1\""));
    let second = acme.admin("PUT", "/policies", &json!({ "schemas": [staff()] })).json();
    assert_eq!((&second["version"], &second["features"]["roles"]), (&json!(2), &json!(true)));
    assert_eq!(second["schemas"][0]["id"], URN);
    acme.sleep();
    assert_eq!(acme.admin("GET", "/policies", &Value::Null).json(), second, "read from its row");
    assert_eq!(acme.rows("policies"), 1);
    let events: Vec<Value> =
        acme.events().into_iter().skip(1).map(|one| one["data"].clone()).collect();
    // What was switched on between them is a fact of its own.
    assert_eq!((&events[0]["changed"], &events[0]["version"]), (&json!(["features"]), &json!(1)));
    assert_eq!(
        (&events[2]["changed"], &events[2]["resourceType"]),
        (&json!(["schemas"]), &json!("Tenant"))
    );
}

#[test]
fn what_might_be_meant_as_a_trial_is_refused_and_changes_nothing() {
    let mut acme = Acme::new();
    let document = json!({ "features": { "agents": true } });
    let before = acme.dump();
    for query in ["?dryRun", "?dryRun=", "?dryRun=1", "?dryRun=yes", "?dryrun=true%20"] {
        for (method, path, body) in [
            ("PUT", "/policies", &document),
            ("PUT", "/schemas", &json!({ "items": [staff()] })),
            ("POST", "/schemas", &staff()),
        ] {
            let reply = acme.admin(method, &format!("{path}{query}"), body);
            let detail = "`dryRun` is neither true nor false";
            check_problem(&reply, (400, "malformed", detail), query);
        }
    }
    assert_eq!(acme.dump(), before);
    for (query, version) in [("?dryRun=TRUE", 0), ("?dryRun=False", 1)] {
        acme.admin("PUT", &format!("/policies{query}"), &document);
        assert_eq!(acme.admin("GET", "/policies", &Value::Null).json()["version"], version);
    }
}

#[test]
fn a_change_is_tried_without_effect() {
    let mut acme = Acme::new();
    let before = acme.dump();
    let document = json!({ "features": { "agents": true }, "schemas": [] });
    let tried = acme.admin("PUT", "/policies?dryRun=true", &document).json();
    let features = |agents| json!({ "scim": true, "bulk": true, "roles": false, "agents": agents });
    assert_eq!(
        tried,
        json!({ "dryRun": true, "changes": [
            { "path": "/features", "before": features(false), "after": features(true) },
        ] })
    );
    let declared = acme.admin("POST", "/schemas?dryRun=true", &staff()).json();
    assert_eq!(declared["changes"][0]["path"], "/schemas");
    for value in ["1", "yes", ""] {
        let reply = acme.admin("PUT", &format!("/policies?dryRun={value}"), &document);
        let detail = "`dryRun` is neither true nor false";
        check_problem(&reply, (400, "malformed", detail), value);
    }
    assert_eq!(acme.dump(), before);
    assert_eq!(acme.scim("GET", "/Agents", &Value::Null).status, 404);
}

#[test]
fn what_an_earlier_version_took_stands() {
    let mut acme = Acme::new();
    let schema = json!({ "id": "urn:acme:scim:User", "attributes": [
        { "name": "badge", "type": "string", "uniqueness": "server", "returned": "request" },
        { "name": "pin", "type": "string", "mutability": "writeOnly" },
    ] });
    assert_eq!(acme.admin("POST", "/schemas", &schema).status, 201);
    // The rules were once less strict than they are.
    let stored = "UPDATE policies SET numbers = replace(numbers, 'scim:User', 'scim:2.0'),
        document = replace(replace(json_set(document, '$.schemas[0].attributes[1].required', json('true')),
            'scim:User', 'scim:2.0'), '\"request\"', '\"never\"')";
    muster::store::Sql::query(&acme.sql, stored, &[]).expect("SQLite writes");
    acme.sleep();
    let urn = "urn:acme:scim:2.0";
    assert_eq!(acme.admin("GET", &format!("/schemas/{urn}"), &Value::Null).json()["id"], urn);
    let ada = json!({ "userName": "ada", urn: { "badge": "A1", "pin": "1" } });
    assert_eq!(acme.post("/Users", &ada)["schemas"][1], urn);
    let bob = json!({ "userName": "bob", urn: { "badge": "a1" } });
    assert_eq!(acme.scim("POST", "/Users", &bob).status, 409);
    let features = json!({ "features": { "agents": true } });
    acme.policy(&features);
}

#[test]
fn whether_a_change_is_only_tried_is_said_clearly() {
    let mut acme = Acme::new();
    let before = acme.dump();
    let document = json!({ "features": { "agents": true } });
    let detail = "`dryRun` is neither true nor false";
    for query in ["?dryRun=1", "?dryRun=yes", "?dryRun=", "?dryRun"] {
        let path = format!("/policies{query}");
        acme.admin_refused("PUT", &path, &document, (400, "malformed", detail));
    }
    assert_eq!(acme.dump(), before);
    assert_eq!(acme.admin("PUT", "/policies?dryRun=False", &document).json()["version"], 1);
}

#[test]
fn a_change_may_ask_for_the_version_that_it_was_made_for() {
    let mut acme = Acme::new();
    let document = json!({ "features": { "agents": true } });
    let stale = put(&mut acme, "", &document, "\"1\"");
    check_problem(&stale, (412, "precondition_failed", ""), "stale");
    assert_eq!(put(&mut acme, "", &document, "\"0\"").status, 200);
    assert_eq!(put(&mut acme, "", &document, "\"0\"").status, 412);
    assert_eq!(put(&mut acme, "", &document, "\"7\", \"1\"").status, 200, "one of a list");
    assert_eq!(put(&mut acme, "", &document, "*").status, 200);
}

#[test]
fn a_document_of_an_earlier_version_changes_nothing() {
    let mut acme = Acme::new();
    let read = acme.policy(&json!({ "features": { "agents": true } }));
    let mut mine = read.clone();
    mine["features"]["roles"] = json!(true);
    let mut others = read.clone();
    others["groups"] = json!("membershipOnly");
    let detail = "the tenant's policies are of version 2; the document is of an earlier version";
    let outdated = (409, "conflict", detail);
    assert_eq!(acme.policy(&others)["version"], 2);
    for path in ["/policies", "/policies?dryRun=true"] {
        acme.admin_refused("PUT", path, &mine, outdated);
    }
    acme.admin_refused("PUT", "/policies", &json!({ "version": -1, "groups": "full" }), outdated);
    // One that changes nothing, and one of the version that is there, or says none, are as before.
    let before = acme.dump();
    assert_eq!(acme.policy(&json!({ "version": 1, "groups": "membershipOnly" }))["version"], 2);
    assert_eq!(acme.dump(), before);
    mine["version"] = json!(2);
    assert_eq!(acme.policy(&mine)["version"], 3);
    assert_eq!(acme.policy(&json!({ "groups": "membershipOnly" }))["version"], 4);
    assert_eq!(acme.policy(&json!({ "version": u64::MAX, "groups": "full" }))["version"], 5);
    let faulty = acme.admin("PUT", "/policies", &json!({ "version": 1, "groups": "some" }));
    check_problem(&faulty, (422, "faulty", ""), "what is faulty is told first");
}

#[test]
fn a_document_with_a_fault_changes_nothing() {
    let mut acme = Acme::new();
    let before = acme.dump();
    for (document, fault) in [
        (json!({ "version": "1" }), "/version is not a whole number"),
        (json!({ "features": [] }), "/features is not an object"),
        (json!({ "features": { "roles": 1 } }), "/features/roles is not true or false"),
        (json!({ "features": { "a/b": true } }), "/features/a~1b is not known to this version"),
        (json!({ "guardians": [] }), "/guardians is not known to this version"),
        (json!({ "schemas": {} }), "/schemas is not a list"),
        (
            json!({ "guardians": [], "features": { "agents": true } }),
            "/guardians is not known to this version",
        ),
    ] {
        let reply = acme.admin("PUT", "/policies", &document);
        assert_eq!(reply.status, 422, "{document}");
        let found = &reply.json()["faults"][0];
        let said = format!("{} {}", found["path"], found["detail"]).replace('"', "");
        assert_eq!(said, fault, "{document}");
    }
    assert_eq!(acme.dump(), before);
}

#[test]
fn ol_03_scim_can_be_switched_off_but_for_discovery() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    acme.policy(&json!({ "features": { "scim": false } }));
    let off = (403, "", "SCIM is switched off for this tenant");
    for (method, path) in [
        ("GET", "/Users"),
        ("POST", "/Users"),
        ("GET", &format!("/Users/{ada}")),
        ("DELETE", &format!("/Users/{ada}")),
        ("POST", "/.search"),
        ("POST", "/Bulk"),
    ] {
        acme.refused(method, path, &Value::Null, off);
    }
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas"] {
        acme.get(path);
    }
    acme.policy(&json!({ "features": { "scim": true } }));
    assert_eq!(acme.get(&format!("/Users/{ada}"))["userName"], "ada");
}

#[test]
fn ol_11_bulk_can_be_switched_off_and_discovery_says_so() {
    let mut acme = Acme::new();
    assert_eq!(acme.get("/ServiceProviderConfig")["bulk"]["supported"], true);
    acme.policy(&json!({ "features": { "bulk": false } }));
    assert_eq!(acme.get("/ServiceProviderConfig")["bulk"]["supported"], false);
    let body = json!({ "schemas": [muster::scim::urn::BULK_REQUEST], "Operations": [] });
    assert_eq!(acme.scim("POST", "/Bulk", &body).status, 501);
    let types = |acme: &mut Acme| acme.get("/ResourceTypes")["totalResults"].clone();
    let schemas = |acme: &mut Acme| acme.get("/Schemas")["totalResults"].clone();
    let before = (types(&mut acme), schemas(&mut acme));
    acme.policy(&json!({ "features": { "agents": true } }));
    assert_ne!((types(&mut acme), schemas(&mut acme)), before, "discovery is the tenant's own");
}

#[test]
fn a_change_that_fails_at_any_statement_leaves_nothing() {
    for asleep in [false, true] {
        let mut acme = crate::declared::acme();
        acme.post("/Users", &json!({ "userName": "ada", URN: { "grade": "a" } }));
        let document = json!({ "features": { "agents": true }, "schemas": [staff(), {
            "id": "urn:acme:more", "attributes": [{ "name": "more", "type": "string", "searchable": true }],
        }] });
        let before = acme.dump();
        let put = |acme: &mut Acme| {
            if asleep {
                acme.sleep();
            }
            acme.admin("PUT", "/policies", &document)
        };
        let (reply, count) = acme.failing_everywhere(put, |acme, statements, reply| {
            assert_eq!((reply.status, acme.dump() == before), (500, true), "at {statements}");
            assert_eq!(acme.get("/Schemas")["totalResults"], 6, "in memory neither");
        });
        assert_eq!((reply.status, count > 1), (200, true), "{}", reply.json());
        assert_eq!(acme.get("/Schemas")["totalResults"], 9);
    }
}

#[test]
fn bd_16_a_feature_that_is_switched_on_is_told() {
    let mut acme = Acme::new();
    let told = |acme: &mut Acme, features: Value| {
        let behind = acme.events().len();
        acme.policy(&json!({ "features": features }));
        let events = acme.events().split_off(behind);
        let told = events.iter().filter(|event| event["type"] == "tenant.feature.enabled");
        told.map(|event| event["data"]["feature"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told(&mut acme, json!({ "scim": true, "agents": false })), Vec::<String>::new());
    assert_eq!(told(&mut acme, json!({ "agents": true, "roles": true })), ["roles", "agents"]);
    assert_eq!(told(&mut acme, json!({ "agents": true, "roles": false })), Vec::<String>::new());
    assert_eq!(told(&mut acme, json!({ "scim": false })), Vec::<String>::new());
    assert_eq!(told(&mut acme, json!({ "scim": true, "roles": true })), ["scim", "roles"]);
    let last = acme.events().pop().unwrap();
    assert_eq!(
        (&last["data"]["resourceType"], &last["data"]["actor"]),
        (&json!("Tenant"), &json!("admin"))
    );
}
