//! What has gone wrong elsewhere with those who leave, return or come twice, each as a test of the
//! behaviour that guards against it.

use std::slice;

use serde_json::{Value, json};

use crate::given::ENTERPRISE;
use crate::steps::{ids, patch_op, texts};
use crate::support::Acme;

const TAKEN: (u16, &str, &str) = (409, "uniqueness", "another resource has this `userName`");

/// A tenant with Ada, who is in a group; her path and the group's.
fn given() -> (Acme, String, String) {
    let mut acme = Acme::new();
    let ada = acme.post("/Users", &ada());
    let id = ada["id"].as_str().expect("an id");
    let (user, group) = (format!("/Users/{id}"), format!("/Groups/{}", acme.group("crew", &[id])));
    (acme, user, group)
}

fn ada() -> Value {
    json!({ "userName": "ada@x", "externalId": "e-1", "title": "Poet", "active": true })
}

fn active(value: Value) -> Value {
    json!([{ "op": "replace", "value": { "active": value } }])
}

/// Who had been deprovisioned could not be assigned again: the name was taken, and by nobody who
/// could be found (better-auth #11111).
#[test]
fn who_was_deactivated_is_found_and_activated_again() {
    let requests = [
        ("PATCH", patch_op(&active(json!(true)))),
        ("PATCH", patch_op(&json!([{ "op": "Replace", "path": "active", "value": "True" }]))),
        ("PUT", ada()),
    ];
    for (method, body) in requests {
        let (mut acme, user, group) = given();
        let id = user.trim_start_matches("/Users/").to_owned();
        acme.patch(&user, &active(json!(false)));
        acme.refused("POST", "/Users", &ada(), TAKEN);
        for filter in [r#"userName eq "ADA@X""#, r#"externalId eq "e-1""#] {
            assert_eq!(acme.found("/Users", filter), slice::from_ref(&id), "{filter}");
        }
        let events = acme.events().len();
        let reply = acme.scim(method, &user, &body);
        assert_eq!((reply.status, &reply.json()["active"]), (200, &json!(true)), "{body}");
        assert_eq!(acme.event_types(events), ["user.activated"], "{body}");
        assert_eq!(texts(&acme.get(&group)["members"], "value"), [id]);
    }
}

/// Who had been deleted could not be made again, since the old row still held the name
/// (django-scim2 #83).
#[test]
fn who_was_deleted_is_made_again_at_once() {
    let (mut acme, user, group) = given();
    acme.delete(&user);
    let again = acme.post("/Users", &ada());
    let id = again["id"].as_str().expect("an id").to_owned();
    assert_eq!(again["meta"]["version"], "W/\"2\"", "no version of the old one is the new one's");
    assert_eq!(again.get("groups"), None, "nothing of the old one clings to it");
    for filter in [r#"userName eq "ada@x""#, r#"externalId eq "e-1""#] {
        assert_eq!(acme.found("/Users", filter), slice::from_ref(&id), "{filter}");
    }
    acme.alarms();
    assert_eq!(acme.get(&group).get("members"), None);
    assert_eq!(ids(&acme.get("/Users")), [id]);
}

/// Deactivating deleted the user, and activating it again found nobody (fusionauth-issues #3244,
/// #3311).
#[test]
fn who_is_deactivated_is_still_there_with_all_that_is_known() {
    let (mut acme, user, _) = given();
    let mut expected = acme.get(&user);
    acme.patch(&user, &active(json!(false)));
    let shown = acme.get(&user);
    expected["active"] = json!(false);
    expected["meta"] = shown["meta"].clone();
    assert_eq!(shown, expected);
    assert_eq!(acme.get("/Users")["totalResults"], 1);
    let back = json!([{ "op": "Replace", "path": "active", "value": "True" }]);
    assert_eq!(acme.patch(&user, &back).status, 200);
    assert_eq!(acme.get(&user)["active"], true);
}

/// Accounts that were there before an identity provider came stayed inactive when it linked them
/// (snipe-it #14481).
#[test]
fn a_connection_activates_a_user_that_was_there_before_it() {
    let mut acme = Acme::new();
    for preset in ["entra", "onelogin", "generic"] {
        let body = json!({ "userName": format!("ada@{preset}"), "active": false });
        let path = format!("/Users/{}", acme.made("/Users", &body));
        let key = acme.connect(preset);
        let link = json!([
            { "op": "Replace", "path": "active", "value": "True" },
            { "op": "Add", "path": "externalId", "value": preset },
        ]);
        let reply = acme.scim_with("PATCH", &path, &patch_op(&link), &key, &[]);
        assert!(reply.status < 300, "{preset}");
        let shown = acme.get(&path);
        assert_eq!((&shown["active"], &shown["externalId"]), (&json!(true), &json!(preset)));
    }
}

/// A deactivation took effect with the second cycle, or not at all (snipe-it #19526).
#[test]
fn a_deactivation_takes_effect_with_the_first_request_and_the_second_is_none() {
    let (mut acme, user, _) = given();
    let body = patch_op(&active(json!(false)));
    acme.patch(&user, &body["Operations"]);
    assert_eq!(acme.found("/Users", "active eq false").len(), 1);
    assert_eq!(acme.found("/Users", "active eq true").len(), 0);
    acme.changes_nothing("PATCH", &user, &body);
    // Nor does the change of another attribute bring anybody back.
    acme.patch(&user, &json!([{ "op": "replace", "path": "title", "value": "x" }]));
    assert_eq!(acme.get(&user)["active"], false);
}

/// A user could not be deleted while others referred to it (getprobo/probo #1277).
#[test]
fn a_user_to_whom_others_refer_is_deleted_all_the_same() {
    let (mut acme, user, group) = given();
    let id = user.trim_start_matches("/Users/").to_owned();
    let report = json!({ "userName": "bob", ENTERPRISE: { "manager": { "value": id } } });
    let report = acme.post("/Users", &report);
    acme.delete(&user);
    acme.refused("GET", &user, &Value::Null, (404, "", "there is no such resource"));
    assert_eq!(acme.get(&group).get("members"), None);
    let report = acme.get(&format!("/Users/{}", report["id"].as_str().expect("an id")));
    assert_eq!(report[ENTERPRISE]["manager"]["value"], json!(id), "as it was said");
    acme.alarms();
    assert_eq!(acme.rows("members"), 0);
}

/// A provider that never deletes sends `active: false` for good; the user and its memberships are
/// the application's to end (parabol #12557).
#[test]
fn a_provider_that_never_deletes_is_served_by_deactivation() {
    for value in [json!(false), json!("false")] {
        let (mut acme, user, group) = given();
        let mut put = ada();
        put["active"] = value;
        assert_eq!(acme.put(&user, &put)["active"], false);
        acme.changes_nothing("PUT", &user, &put);
        let id = user.trim_start_matches("/Users/");
        assert_eq!(texts(&acme.get(&group)["members"], "value"), [id]);
    }
}

/// A user that was there already was answered as made, where a provider's own test wants 409
/// (snipe-it #13854).
#[test]
fn a_user_that_is_there_is_not_made_again() {
    let (mut acme, ..) = given();
    let upper = json!({ "userName": "ADA@X" });
    for body in [ada(), json!({ "userName": "ada@x" }), upper] {
        acme.refused("POST", "/Users", &body, TAKEN);
    }
    acme.post("/Users", &json!({ "userName": "bob", "externalId": "e-1" }));
    assert_eq!(acme.get("/Users")["totalResults"], 2, "an externalId may be shared");
}
