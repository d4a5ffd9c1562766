//! Which events security event tokens tell of, member by member: RFC 9967 §2.4 and §2.5.

use muster::event::token::URIS;
use muster::scim::urn;
use serde_json::{Value, json};

use crate::async_requests::LATER;
use crate::bulk::{bulk_request, post};
use crate::hooks::{URL, status};
use crate::steps::patch_op;
use crate::support::{Acme, ORIGIN};

const EVENT: &str = "urn:ietf:params:scim:event:";

fn given(types: &[&str]) -> Acme {
    let mut acme = Acme::new();
    for id in ["crm", "erp"] {
        acme.stream(&json!({ "id": id, "kind": "setPush", "url": URL, "types": types }));
    }
    acme
}

/// The events of what one stream is sent, by the ends of their URIs; the other is told the same.
fn told(acme: &mut Acme) -> Vec<Value> {
    let sent = acme.deliver_for(60, |_| status(202));
    let of = |id: &str| -> Vec<Value> {
        let own = sent.iter().filter(|one| one.id.ends_with(id));
        own.map(|one| {
            let mut events = one.body["events"].clone();
            let events = events.as_object_mut().expect("events");
            let names: Vec<String> = events.keys().cloned().collect();
            for name in names {
                assert!(URIS.contains(&name.as_str()), "{name}");
                let told = events.remove(&name).expect("an event");
                events.insert(name.replace(EVENT, ""), told);
            }
            json!({ "txn": one.body["txn"], "sub_id": one.body["sub_id"], "events": events })
        })
        .collect()
    };
    let (crm, erp) = (of("_crm"), of("_erp"));
    assert_eq!(crm, erp, "whoever is told of it, it is the same transaction");
    crm
}

#[test]
fn what_a_put_and_a_patch_change_is_told_each_in_its_words_and_beside_a_deactivation() {
    let mut acme = given(&["user.*"]);
    let path = format!("/Users/{}", acme.user("ada"));
    let set = |values: Value| patch_op(&json!([{ "op": "replace", "value": values }]));
    acme.put(&path, &json!({ "userName": "ada", "name": { "familyName": "King" } }));
    acme.scim("PATCH", &path, &set(json!({ "title": "Dr" })));
    acme.scim("PATCH", &path, &set(json!({ "active": false })));
    acme.scim("PATCH", &path, &set(json!({ "active": true, "title": "Prof" })));
    acme.put(&path, &json!({ "userName": "ada", "active": false }));
    acme.delete(&path);
    let events: Vec<Value> = told(&mut acme).into_iter().map(|one| one["events"].clone()).collect();
    let said = |attributes: &[&str]| json!({ "attributes": attributes });
    let expected = [
        json!({ "prov:create:notice": said(&["userName"]) }),
        json!({ "prov:put:notice": said(&["name.familyName"]) }),
        json!({ "prov:patch:notice": said(&["title"]) }),
        json!({ "prov:deactivate": {} }),
        json!({ "prov:activate": {}, "prov:patch:notice": said(&["title", "active"]) }),
        json!({ "prov:deactivate": {},
            "prov:put:notice": said(&["name.familyName", "title", "active"]) }),
        json!({ "prov:delete": {} }),
    ];
    assert_eq!(events, expected);
}

#[test]
fn what_is_imported_is_told_by_its_attributes() {
    let mut acme = Acme::new();
    acme.user("ada");
    let exported = acme.export(1_000).concat();
    let mut other = given(&["user.*"]);
    assert_eq!(other.import(&exported).status, 200);
    let all = told(&mut other);
    assert_eq!(all[0]["events"], json!({ "prov:create:notice": { "attributes": ["userName"] } }));
}

#[test]
fn what_became_of_a_request_that_is_answered_later_is_told_operation_by_operation() {
    let mut acme = given(&["async.*"]);
    let bob = acme.user("bob");
    let title = json!([{ "op": "add", "path": "title", "value": "Dr" }]);
    let operations = json!([
        post("/Users", "ada@example.com", json!({ "userName": "ada" })),
        post("/Users", "dup", json!({ "userName": "bob" })),
        { "method": "PATCH", "path": format!("/Users/{bob}"), "data": patch_op(&title) },
        { "method": "DELETE", "path": "/Users/nobody@example.com" },
        { "method": "DELETE", "path": format!("/Users/{bob}") },
    ]);
    let key = acme.key.clone();
    let reply = acme.scim_with("POST", "/Bulk", &bulk_request(&operations), &key, &LATER);
    let txn = reply.headers["set-txn"].clone();
    acme.step_off();
    let made = acme.found("/Users", "userName eq \"ada\"")[0].clone();
    let (ada, bob) = (format!("/Users/{made}"), format!("/Users/{bob}"));
    let result = format!("/Async/{txn}");
    let base = format!("{ORIGIN}/t/acme/scim/v2");
    let failed = |status: &str, kind: Option<&str>, detail: &str| {
        let mut error = json!({ "schemas": [urn::ERROR], "status": status, "detail": detail });
        if let Some(kind) = kind {
            error["scimType"] = kind.into();
        }
        error
    };
    let expect = |at: &str, uri: &str, told: Value| {
        json!({ "txn": format!("{txn}{at}"), "sub_id": { "format": "scim", "uri": uri },
            "events": { "misc:asyncresp": told } })
    };
    let taken = failed("409", Some("uniqueness"), "a value that must be unique is already in use");
    let unknown = failed("404", None, "there is no such resource");
    let expected = [
        expect(
            ":0",
            &ada,
            json!({ "method": "POST", "status": "201", "version": "W/\"1\"",
            "location": format!("{base}{ada}") }),
        ),
        // There is no resource that it is about, and nobody's name is in it.
        expect(":1", &result, json!({ "method": "POST", "status": "409", "response": taken })),
        expect(
            ":2",
            &bob,
            json!({ "method": "PATCH", "status": "200", "version": "W/\"2\"",
            "location": format!("{base}{bob}") }),
        ),
        expect(":3", &result, json!({ "method": "DELETE", "status": "404", "response": unknown })),
        expect(
            ":4",
            &bob,
            json!({ "method": "DELETE", "status": "204",
            "location": format!("{base}{bob}") }),
        ),
        // What `Set-Txn` said itself: all of it is done.
        expect(
            "",
            &result,
            json!({ "method": "POST", "status": "200",
            "location": format!("{base}{result}") }),
        ),
    ];
    assert_eq!(told(&mut acme), expected);
}
