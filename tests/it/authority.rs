//! Whose word counts for attributes of users that a connection manages.

use serde_json::{Value, json};

use crate::attribute_rules::faults;
use crate::declared::{URN, staff};
use crate::steps::patch_op;
use crate::support::Acme;

const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";

fn replace(path: &str, value: &str) -> Value {
    json!([{ "op": "replace", "path": path, "value": value }])
}

/// A tenant with a user that a connection manages, the user's path, and the connection's key.
fn given(authority: Value) -> (Acme, String, String) {
    let mut acme = Acme::new();
    acme.policy(&json!({ "authority": authority }));
    let key = acme.connect("okta");
    let ada = json!({ "userName": "ada", "externalId": "e", "title": "Dr", "nickName": "a" });
    let made = acme.with_key(&key, |acme| acme.post("/Users", &ada));
    (acme, format!("/Users/{}", made["id"].as_str().unwrap()), key)
}

#[test]
fn bb_16_what_an_identity_provider_says_is_not_an_administrators_to_change() {
    let (mut acme, path, key) = given(json!({ "title": "idp", DEPARTMENT: "idp" }));
    let told = "`title` is what connection `okta` says it is";
    acme.refused("PATCH", &path, &patch_op(&replace("title", "Prof")), (400, "mutability", told));
    let clears = json!({ "userName": "ada", "externalId": "e" });
    acme.refused("PUT", &path, &clears, (400, "mutability", told));
    let told = format!("`{DEPARTMENT}` is what connection `okta` says it is");
    acme.refused("PATCH", &path, &patch_op(&replace(DEPARTMENT, "R")), (400, "mutability", &told));
    acme.patch(&path, &replace("nickName", "b"));
    acme.patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }]));
    acme.with_key(&key, |acme| acme.patch(&path, &replace("title", "Prof")));
    let own = format!("/Users/{}", acme.user("bob"));
    acme.patch(&own, &replace("title", "Dr"));
    acme.policy(&json!({ "authority": { "title": "shared" } }));
    acme.patch(&path, &replace("title", "Dr"));
    let last = acme.events().pop().unwrap();
    assert_eq!(
        (&last["type"], &last["data"]["drifted"]),
        (&json!("user.updated"), &json!(["title"]))
    );
    acme.patch(&path, &replace("nickName", "c"));
    assert_eq!(acme.events().pop().unwrap()["data"].get("drifted"), None);
}

#[test]
fn bz_08_an_identity_provider_has_the_last_word_on_what_is_shared() {
    let (mut acme, path, key) = given(json!({ "title": "shared" }));
    acme.patch(&path, &replace("title", "Prof"));
    let again = json!({ "userName": "ada", "externalId": "e", "title": "Dr", "nickName": "a" });
    let put = acme.with_key(&key, |acme| acme.put(&path, &again));
    assert_eq!(put["title"], "Dr");
    let last = acme.events().pop().unwrap();
    assert_eq!(
        (&last["data"]["changed"], &last["data"]["previous"]["title"]),
        (&json!(["title"]), &json!("Prof"))
    );
    assert_eq!(last["data"]["overwrote"], json!(["title"]));
    acme.with_key(&key, |acme| acme.patch(&path, &replace("title", "Sir")));
    assert_eq!(acme.events().pop().unwrap()["data"].get("overwrote"), None, "it is told once");
}

#[test]
fn bz_08_what_drifts_is_reported_until_the_identity_provider_writes_it() {
    let shared = json!({ "title": "shared", "name": "shared", "locale": "shared" });
    let (mut acme, path, key) = given(shared);
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(drift(&mut acme, ""), json!({ "items": [] }));
    acme.with_key(&key, |acme| acme.patch(&path, &replace("locale", "de")));
    assert_eq!(drift(&mut acme, ""), json!({ "items": [] }), "that is its own word");
    acme.patch(&path, &replace("title", "Prof"));
    let since = acme.events().pop().unwrap()["data"]["seq"].clone();
    acme.patch(&path, &replace("name.givenName", "Augusta"));
    acme.patch(&path, &replace("title", "Lady"));
    let title = json!({ "id": id, "connection": "okta", "path": "title", "since": since });
    let first = drift(&mut acme, "?limit=1");
    assert_eq!(first["items"][0]["path"], "name");
    let next = first["next"].as_str().expect("another page");
    let second = json!({ "items": [title] });
    assert_eq!(drift(&mut acme, &format!("?limit=1&cursor={next}")), second);
    acme.sleep();
    acme.with_key(&key, |acme| acme.patch(&path, &replace("name.familyName", "King")));
    assert_eq!(acme.events().pop().unwrap()["data"]["overwrote"], json!(["name"]));
    assert_eq!(drift(&mut acme, ""), second);
    acme.with_key(&key, |acme| acme.delete(&path));
    assert_eq!((drift(&mut acme, ""), acme.rows("drifts")), (json!({ "items": [] }), 0));
    let detail = "`cursor` is none of this list";
    acme.admin_refused("GET", "/drift?cursor=x", &Value::Null, (400, "malformed", detail));
}

#[test]
fn what_drifts_of_users_who_are_nobodys_any_more_is_forgotten() {
    let (mut acme, path, _) = given(json!({ "title": "shared" }));
    acme.patch(&path, &replace("title", "Prof"));
    assert_eq!(acme.rows("drifts"), 1);
    assert!(acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null).status < 300);
    acme.settle();
    assert_eq!(acme.rows("drifts"), 0);
}

#[test]
fn what_a_connection_has_asked_for_is_its_word_though_somebody_lets_it_happen() {
    for (asks, drifts) in [(true, 0), (false, 1)] {
        let (mut acme, path, key) = given(json!({ "active": "shared" }));
        let id = path.rsplit('/').next().unwrap().to_owned();
        let grants = format!("/users/{id}/grants");
        acme.admin("POST", &grants, &json!({ "role": "owner" }));
        acme.admin("POST", "/connections/okta/activate", &Value::Null);
        acme.policy(&json!({ "guards": [{ "role": "owner", "min": 1 }] }));
        let key = if asks { key } else { acme.key.clone() };
        let body = patch_op(&replace("active", "false"));
        assert_eq!(acme.scim_with("PATCH", &path, &body, &key, &[]).status, 400);
        acme.policy(&json!({ "guards": [] }));
        let number = acme.changes("")[0]["id"].as_str().unwrap().to_owned();
        let before = acme.rows("drifts");
        let behind = acme.events().len();
        assert_eq!(acme.decide(&number, "approve").status, 200);
        assert_eq!(acme.rows("drifts") - before, drifts);
        let events = acme.events();
        let event = events[behind..].iter().find(|one| one["type"] == "user.deactivated").unwrap();
        assert_eq!(event["data"].get("drifted").is_some(), drifts == 1, "{event}");
    }
}

fn drift(acme: &mut Acme, query: &str) -> Value {
    acme.admin("GET", &format!("/drift{query}"), &Value::Null).json()
}

#[test]
fn what_is_an_administrators_a_connection_writes_in_vain_and_goes_on() {
    let (mut acme, path, key) = given(json!({ "nickName": "admin", DEPARTMENT: "admin" }));
    assert_eq!(acme.get(&path).get("nickName"), None);
    acme.patch(&path, &replace("nickName", "mine"));
    let sent =
        json!({ "userName": "ada", "externalId": "e", "title": "Prof", "nickName": "theirs" });
    let put = acme.with_key(&key, |acme| acme.put(&path, &sent));
    assert_eq!((&put["title"], &put["nickName"]), (&json!("Prof"), &json!("mine")));
    acme.with_key(&key, |acme| {
        acme.changes_nothing("PATCH", &path, &patch_op(&replace("nickName", "x")))
    });
    acme.with_key(&key, |acme| {
        acme.changes_nothing("PATCH", &path, &patch_op(&replace(DEPARTMENT, "x")))
    });
    let health = acme.admin("GET", "/connections/okta/health", &Value::Null).json();
    assert_eq!(health["warnings"][0]["code"], "authority_ignored", "{health}");
}

#[test]
fn authority_with_a_fault_is_refused_with_its_place() {
    let mut acme = Acme::new();
    let mut many = serde_json::Map::new();
    (0..=muster::limits::ATTRIBUTE_RULES)
        .for_each(|n| drop(many.insert(n.to_string(), json!("idp"))));
    let document = json!({ "schemas": [staff()], "authority": {
        "title": "idp", "Title": "admin", "nope": "idp", "nickName": "me", "name.familyName": "idp",
        "userName": "admin", "emails[type eq \"work\"]": "idp", "groups": "idp",
        format!("{URN}:badge"): "admin",
    } });
    let whole = "is no attribute as a whole that users may lack";
    let told = faults(&mut acme, &document);
    assert_eq!(
        told,
        [
            "/authority/Title is there already".to_owned(),
            "/authority/nope unknown attribute `nope`".to_owned(),
            "/authority/nickName is none of idp, admin, shared".to_owned(),
            format!("/authority/name.familyName {whole}"),
            format!("/authority/userName {whole}"),
            format!("/authority/emails[type eq \"work\"] {whole}"),
            "/authority/groups is no attribute that a client writes and that is kept".to_owned(),
        ]
    );
    assert_eq!(faults(&mut acme, &json!({ "authority": [] })), ["/authority is not an object"]);
    let told = faults(&mut acme, &json!({ "authority": many }));
    assert_eq!(told, ["/authority has more than 50 entries"]);
}
