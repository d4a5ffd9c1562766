//! Users who are there before their identity provider: taken up, proposed, matched.

use muster::http::{MatchAction, Route};
use muster::limits;
use muster::registry::Slug;
use muster::scim::urn;
use muster::store::matches as rows;
use serde_json::{Value, json};

use crate::bulk::bulk_request;
use crate::scenario::Reply;
use crate::steps::{Refused, check_error, check_problem, patch_op};
use crate::support::Acme;

const TAKEN: Refused<'static> = (409, "uniqueness", "another resource has this `userName`");

impl Acme {
    /// The open proposals.
    #[track_caller]
    fn proposals(&mut self, query: &str) -> Vec<Value> {
        let reply = self.admin("GET", &format!("/matches{query}"), &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()["items"].as_array().expect("items").clone()
    }

    fn decide_match(&mut self, id: &str, action: &str) -> Reply {
        self.admin("POST", &format!("/matches/{id}/{action}"), &Value::Null)
    }

    /// A POST by a key that is refused since the name is taken.
    #[track_caller]
    fn is_taken(&mut self, key: &str, body: &Value) {
        let reply = self.scim_with("POST", "/Users", body, key, &[]);
        check_error(&reply, TAKEN, &body.to_string());
    }

    fn granted(&mut self, id: &str) -> Value {
        self.access(id)["grants"].clone()
    }
}

fn ada() -> Value {
    json!({ "userName": "ADA", "externalId": "E1", "emails": [{ "value": "Ada@acme.test" }] })
}

/// A tenant with an active connection, its key, and a user who is nobody's and has a grant by hand.
fn given() -> (Acme, String, String) {
    let mut acme = Acme::new();
    let okta = acme.connect("okta");
    acme.admin("POST", "/connections/okta/activate", &Value::Null);
    let made = json!({ "userName": "ada", "emails": [{ "value": "ada@acme.test" }], "title": "x" });
    let id = acme.made("/Users", &made);
    acme.admin("POST", &format!("/users/{id}/grants"), &json!({ "role": "author" }));
    (acme, okta, id)
}

#[test]
fn bd_23_who_is_there_already_is_taken_up_where_the_connection_does_that() {
    let (mut acme, okta, id) = given();
    acme.is_taken(&okta, &ada());
    assert_eq!(acme.get(&format!("/Users/{id}"))[urn::MUSTER_USER], json!({ "origin": "admin" }));
    acme.admin("PATCH", "/connections/okta", &json!({ "adopt": "onCreate" }));
    let before = acme.granted(&id);
    let behind = acme.events().len();
    let reply = acme.scim_with("POST", "/Users", &ada(), &okta, &[]);
    assert_eq!((reply.status, &reply.json()["id"]), (201, &json!(id)));
    assert_eq!(acme.event_types(behind), ["user.linked", "user.updated"]);
    let origins = json!({ "origin": "admin", "managedBy": "okta" });
    assert_eq!(acme.get(&format!("/Users/{id}"))[urn::MUSTER_USER], origins);
    assert_eq!(acme.granted(&id), before);
    assert_eq!(before, json!([{ "role": "author", "scope": "company", "source": "admin" }]));
}

#[test]
fn bd_23_who_may_be_meant_is_proposed_and_matched_by_hand() {
    let (mut acme, okta, id) = given();
    let keys = json!({ "matching": ["userName", "emails.value", "externalId"] });
    acme.policy(&keys);
    assert_eq!(acme.proposals(""), Vec::<Value>::new());
    acme.is_taken(&okta, &ada());
    let proposed = json!({
        "id": format!("okta:{id}"), "connection": "okta", "user": id,
        "matched": ["userName", "emails.value"], "confidence": 100, "state": "open",
        "createdAt": "2026-09-21T14:13:20.000Z",
    });
    let known = acme.dump();
    acme.wait(60);
    acme.is_taken(&okta, &ada());
    assert_eq!(acme.dump(), known, "it is written once");
    acme.sleep();
    assert_eq!(json!(acme.proposals("?connection=okta")), json!([proposed]));
    assert_eq!(acme.proposals("?connection=entra"), Vec::<Value>::new());
    let stored = format!("{:?}", acme.dump()["matches"]);
    assert!(!stored.contains("acme.test") && !stored.contains("E1"), "{stored}");

    let (before, behind) = (acme.granted(&id), acme.events().len());
    let accepted = acme.decide_match(&format!("okta:{id}"), "accept");
    let mut expected = proposed;
    expected["state"] = "accepted".into();
    assert_eq!((accepted.status, accepted.json()), (200, expected.clone()));
    assert_eq!(acme.event_types(behind), ["user.linked"]);
    assert_eq!(acme.events()[behind]["data"]["connection"], "okta");
    assert_eq!(acme.granted(&id), before);
    assert_eq!(acme.proposals(""), Vec::<Value>::new());
    // Twice is as once.
    assert_eq!(acme.decide_match(&format!("okta:{id}"), "accept").json(), expected);
    assert_eq!(acme.events().len(), behind + 1);
    // Unless the two have been parted since.
    acme.sets_link(&id, "okta", false);
    assert_eq!(acme.decide_match(&format!("okta:{id}"), "accept").json(), expected);
    assert_eq!(acme.get(&format!("/Users/{id}"))["urn:muster:scim:1.0:User"]["managedBy"], "okta");
    // The connection, which knows of nothing, makes the user and gets the old one; once.
    acme.sleep();
    let reply = acme.scim_with("POST", "/Users", &ada(), &okta, &[]);
    assert_eq!((reply.status, &reply.json()["id"]), (201, &json!(id)));
    assert_eq!((&reply.json()["externalId"], reply.json().get("title")), (&json!("E1"), None));
    acme.is_taken(&okta, &ada());
    assert_eq!(acme.rows("matches"), 0);
}

#[test]
fn bd_23_a_pair_that_was_rejected_is_not_proposed_again() {
    let (mut acme, okta, id) = given();
    acme.is_taken(&okta, &ada());
    let rejected = acme.decide_match(&format!("okta:{id}"), "reject");
    assert_eq!((rejected.status, &rejected.json()["state"]), (200, &json!("rejected")));
    acme.is_taken(&okta, &ada());
    assert_eq!(acme.proposals(""), Vec::<Value>::new());
    acme.sleep();
    acme.is_taken(&okta, &ada());
    assert_eq!(acme.proposals(""), Vec::<Value>::new());
    // Another connection may mean the same user.
    let entra = acme.connect("entra");
    acme.is_taken(&entra, &ada());
    assert_eq!(acme.proposals("")[0]["connection"], "entra");
    // Whoever has rejected may think better of it.
    assert_eq!(acme.decide_match(&format!("okta:{id}"), "accept").status, 200);
    let conflict = acme.decide_match(&format!("entra:{id}"), "accept");
    check_problem(&conflict, (409, "conflict", "a connection manages this user"), "");
    assert_eq!(acme.proposals(""), Vec::<Value>::new(), "the user is somebody's");
}

#[test]
fn confidence_is_how_much_agrees_of_what_both_have() {
    let mut acme = Acme::new();
    let okta = acme.connect("okta");
    let keys = json!({ "matching": ["externalId", "userName", "emails.value"] });
    acme.policy(&keys);
    let person = |name: &str, id: &str, address: &str| json!({ "userName": name, "externalId": id, "emails": [{ "value": address }] });
    acme.post("/Users", &person("ada", "e1", "x@acme.test"));
    acme.post("/Users", &json!({ "userName": "bob", "emails": [{ "value": "ada@acme.test" }] }));
    acme.post("/Users", &json!({ "userName": "eve", "externalId": "E1" }));
    acme.post("/Users", &json!({ "userName": "none" }));
    acme.is_taken(&okta, &person("ADA", "E1", "ADA@acme.test"));
    let said = |one: &Value| (one["matched"].clone(), one["confidence"].as_i64().unwrap());
    let found: Vec<_> = acme.proposals("").iter().map(said).collect();
    // An `externalId` is exact; others are compared without case.
    let expected =
        [(json!(["userName"]), 33), (json!(["emails.value"]), 50), (json!(["externalId"]), 50)];
    assert_eq!(found, expected);
    acme.is_taken(&okta, &json!({ "userName": "ada" }));
    assert_eq!(said(&acme.proposals("")[0]), (json!(["userName"]), 100));
    acme.policy(&json!({ "matching": [] }));
    let entra = acme.connect("entra");
    acme.is_taken(&entra, &person("ADA", "E1", "ADA@acme.test"));
    assert_eq!(acme.proposals("?connection=entra"), Vec::<Value>::new());
}

#[test]
fn only_users_who_are_nobodys_are_proposed_and_only_to_connections() {
    let (mut acme, okta, id) = given();
    let entra = acme.connect("entra");
    acme.scim_with("POST", "/Users", &json!({ "userName": "eve" }), &entra, &[]);
    let before = acme.dump();
    acme.is_taken(&okta, &json!({ "userName": "eve" }));
    let key = acme.key.clone();
    acme.is_taken(&key, &ada());
    assert_eq!(acme.dump(), before);
    // Of operations of a Bulk request, those that are refused are kept with those that are done.
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "1", "data": { "userName": "new" } },
        { "method": "POST", "path": "/Users", "bulkId": "2", "data": ada() },
    ]);
    let bulk = acme.scim_with("POST", "/Bulk", &bulk_request(&operations), &okta, &[]).json();
    assert_eq!(bulk["Operations"][1]["status"], "409");
    assert_eq!(acme.proposals("")[0]["user"], id.as_str());
    // Who is taken up by a write is proposed no more, nor is who was deleted.
    let title = patch_op(&json!([{ "op": "add", "path": "title", "value": "y" }]));
    acme.scim_with("PATCH", &format!("/Users/{id}"), &title, &entra, &[]);
    assert_eq!(acme.proposals(""), Vec::<Value>::new());
    acme.delete(&format!("/Users/{id}"));
    let gone = acme.decide_match(&format!("okta:{id}"), "accept");
    check_problem(&gone, (404, "not_found", "there is no such match"), "");
}

#[test]
fn who_was_unlinked_is_proposed_to_the_connection_that_makes_the_same_user() {
    let (mut acme, okta, id) = given();
    acme.sets_link(&id, "okta", true);
    acme.sets_link(&id, "okta", false);
    acme.admin("PATCH", "/connections/okta", &json!({ "adopt": "onCreate" }));
    acme.is_taken(&okta, &ada());
    assert_eq!(acme.decide_match(&format!("okta:{id}"), "accept").status, 200);
    let seen = acme.scim_with("GET", &format!("/Users/{id}"), &Value::Null, &okta, &[]);
    assert_eq!((seen.status, acme.rows("hidden")), (200, 0));
}

#[test]
fn proposals_are_paged_bounded_and_leave_with_their_connection() {
    let mut acme = Acme::new();
    let okta = acme.connect("okta");
    let most = limits::MATCHES_PER_CONNECTION;
    acme.populate(most + 2);
    for number in 1..=most + 1 {
        acme.is_taken(&okta, &json!({ "userName": format!("u{number}") }));
    }
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let page = acme.admin("GET", &format!("/matches?limit=400{next}"), &Value::Null).json();
        found.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    let ids: std::collections::BTreeSet<&str> =
        found.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!((found.len(), ids.len()), (most, most));
    // There is room again for as many as are somebody's by now.
    let user = found[0]["user"].as_str().unwrap().to_owned();
    acme.sets_link(&user, "okta", true);
    acme.is_taken(&okta, &json!({ "userName": format!("u{}", most + 2) }));
    assert_eq!(acme.rows("matches"), i64::try_from(most).unwrap());
    assert_eq!(acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null).status, 204);
    acme.alarms();
    assert_eq!(acme.rows("matches"), 0);
}

#[test]
fn one_value_means_so_many_users_at_most() {
    let mut acme = Acme::new();
    let okta = acme.connect("okta");
    acme.policy(&json!({ "matching": ["emails.value"] }));
    let user = |name: String| json!({ "userName": name, "emails": [{ "value": "a@x" }] });
    for number in 0..=limits::MATCH_CANDIDATES {
        acme.post("/Users", &user(format!("u{number}")));
    }
    acme.is_taken(&okta, &user("u0".to_owned()));
    assert_eq!(acme.proposals("").len(), limits::MATCH_CANDIDATES);
}

#[test]
fn proposals_are_decided_by_keys_without_a_connection() {
    let (mut acme, okta, id) = given();
    acme.is_taken(&okta, &ada());
    let path = format!("/v1/tenants/acme/matches/okta:{id}/accept");
    let bound = json!({ "name": "k", "scopes": ["changes:decide"], "connection": "okta" });
    let bound = acme.mint_with(&bound);
    let reply = acme.ask("POST", &path, &Value::Null, &bound);
    let detail = "the key of a connection decides about no links";
    check_problem(&reply, (403, "insufficient_scope", detail), "");
    let reads = acme.mint(&["config:read"]);
    assert_eq!(acme.ask("POST", &path, &Value::Null, &reads).status, 403);
    assert_eq!(acme.ask("GET", "/v1/tenants/acme/matches", &Value::Null, &reads).status, 200);
    for other in ["okta", "okta:nobody", &format!("entra:{id}"), &id] {
        let missing = (404, "not_found", "there is no such match");
        acme.admin_refused("POST", &format!("/matches/{other}/reject"), &Value::Null, missing);
    }
    let key = acme.mint(&["changes:decide"]);
    assert_eq!(acme.ask("POST", &path, &Value::Null, &key).status, 200);
    let row = rows::of(&acme.sql, "okta", muster::store::Pos::new(1, 1)).unwrap().unwrap();
    assert_eq!(row.state, rows::ACCEPTED);
}

#[test]
fn proposals_have_paths_of_their_own() {
    let acme = || Slug::parse("acme").unwrap();
    let route = |path: &str| Route::parse(&format!("/v1/tenants/acme{path}"));
    assert_eq!(route("/matches"), Some(Route::Matches(acme())));
    let decision = |action| Some(Route::MatchDecision(acme(), "okta:u-1".to_owned(), action));
    assert_eq!(route("/matches/okta:u-1/accept"), decision(MatchAction::Accept));
    assert_eq!(route("/matches/okta%3Au-1/reject"), decision(MatchAction::Reject));
    assert_eq!((route("/matches/okta:u-1"), route("/matches/okta:u-1/x")), (None, None));
}

#[test]
fn a_refusal_that_fails_at_any_statement_leaves_nothing() {
    let (mut acme, okta, _) = given();
    let before = acme.dump();
    let make = |acme: &mut Acme| acme.scim_with("POST", "/Users", &ada(), &okta, &[]);
    let (reply, _) = acme.failing_everywhere(make, |acme, statements, reply| {
        assert_eq!((reply.status, acme.dump() == before), (500, true), "at {statements}");
    });
    check_error(&reply, TAKEN, "");
    assert_eq!(acme.proposals("").len(), 1);
}
