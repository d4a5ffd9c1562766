//! Users unlinked from a connection and linked again, and what a connection sees meanwhile.

use muster::scim::urn;
use serde_json::{Value, json};

use crate::access::mapping;
use crate::bulk::bulk_request;
use crate::scenario::Reply;
use crate::steps::{Refused, check_error, check_problem, ids, patch_op, texts};
use crate::support::{ADMIN, Acme};

const UNKNOWN: Refused<'static> = (404, "", "there is no such resource");

impl Acme {
    fn decide_link(&mut self, id: &str, action: &str, body: &Value) -> Reply {
        self.admin("POST", &format!("/users/{id}/{action}"), body)
    }

    /// Unlinks a user from a connection, or links it again.
    #[track_caller]
    pub(crate) fn sets_link(&mut self, id: &str, connection: &str, linked: bool) {
        let action = if linked { "link" } else { "unlink" };
        let reply = self.decide_link(id, action, &json!({ "connection": connection }));
        let said = json!({ "id": id, "connection": connection, "linked": linked });
        assert_eq!((reply.status, reply.json()), (200, said));
    }

    fn status(&mut self, id: &str) -> String {
        let access = self.access(id);
        access["status"].as_str().expect("a status").to_owned()
    }
}

/// A tenant with an active connection, its key, and three users of it.
fn given() -> (Acme, String, Vec<String>) {
    let mut acme = Acme::new();
    let okta = acme.connect("okta");
    acme.admin("POST", "/connections/okta/activate", &Value::Null);
    let users = acme.with_key(&okta, |acme| ["ada", "bob", "eve"].map(|name| acme.user(name)));
    (acme, okta, users.to_vec())
}

#[test]
fn ol_35_who_is_unlinked_is_unknown_and_who_is_linked_again_is_as_before() {
    let (mut acme, okta, users) = given();
    let ada = &users[0];
    let crew = acme.with_key(&okta, |acme| acme.group("crew", &[ada]));
    let mapping = mapping("m", "groups.display eq \"crew\"", &["r"]);
    acme.policy(&json!({ "mappings": [mapping] }));
    acme.admin("POST", &format!("/users/{ada}/grants"), &json!({ "role": "by-hand" }));
    let before = acme.access(ada);
    assert_eq!(before["status"], "granted");
    let record = acme.get(&format!("/Users/{ada}"));
    let behind = acme.events().len();

    acme.sets_link(ada, "okta", false);
    let access = acme.access(ada);
    assert_eq!((&access["status"], &access["grants"]), (&json!("unknown"), &json!([])));
    assert_eq!(access["reasons"], json!(["unlinked"]));
    assert_eq!(
        acme.get(&format!("/Users/{ada}"))[urn::MUSTER_USER],
        json!({ "origin": "scim:okta" })
    );
    acme.with_key(&okta, |acme| {
        check_error(&acme.scim("GET", &format!("/Users/{ada}"), &Value::Null), UNKNOWN, "");
        assert_eq!(acme.get("/Users")["totalResults"], 2);
    });
    acme.sleep();
    assert_eq!(acme.status(ada), "unknown");
    acme.sets_link(ada, "okta", false);

    acme.sets_link(ada, "okta", true);
    acme.sets_link(ada, "okta", true);
    assert_eq!(acme.access(ada), before);
    assert_eq!(acme.get(&format!("/Users/{ada}")), record);
    let members = acme.with_key(&okta, |acme| acme.get(&format!("/Groups/{crew}")));
    assert_eq!(texts(&members["members"], "value"), [ada.as_str()]);
    let told = ["user.unlinked", "user.access.changed", "user.linked", "user.access.changed"];
    assert_eq!(acme.event_types(behind), told);
    for event in &acme.events()[behind..] {
        let is_link = event["type"] != "user.access.changed";
        let connection = if is_link { json!("okta") } else { Value::Null };
        assert_eq!(
            (&event["data"]["connection"], &event["data"]["id"]),
            (&connection, &json!(ada))
        );
    }
    assert_eq!(acme.rows("hidden"), 0);
}

#[test]
fn what_is_hidden_is_in_no_answer_and_cannot_be_written() {
    let (mut acme, okta, users) = given();
    let [ada, bob, _] = &users[..] else { panic!("three users") };
    acme.sets_link(ada, "okta", false);
    let path = format!("/Users/{ada}");
    acme.with_key(&okta, |acme| {
        for (method, body) in [
            ("GET", Value::Null),
            ("PUT", json!({ "userName": "ada" })),
            ("PATCH", patch_op(&json!([{ "op": "add", "path": "title", "value": "x" }]))),
            ("DELETE", Value::Null),
        ] {
            acme.refused(method, &path, &body, UNKNOWN);
        }
        let operations = json!([{ "method": "DELETE", "path": path }]);
        let bulk = acme.scim("POST", "/Bulk", &bulk_request(&operations)).json();
        assert_eq!(bulk["Operations"][0]["status"], "404");
        for filter in [
            "userName eq \"ada\"".to_owned(),
            format!("id eq \"{ada}\""),
            format!("id eq \"{ada}\" or userName sw \"ad\""),
            "userName co \"ad\"".to_owned(),
            "not (userName eq \"bob\") and userName lt \"b\"".to_owned(),
        ] {
            assert_eq!(acme.found("/Users", &filter), Vec::<String>::new(), "{filter}");
        }
        assert_eq!(acme.found("/Users", "userName pr").len(), 2);
        let search = json!({ "schemas": [urn::SEARCH_REQUEST] });
        let found = acme.scim("POST", "/.search", &search).json();
        assert_eq!(ids(&found), users[1..]);
        // The name is taken all the same, whatever the connection takes up.
        let taken = (409, "uniqueness", "another resource has this `userName`");
        check_error(&acme.scim("POST", "/Users", &json!({ "userName": "ADA" })), taken, "");
    });
    acme.admin("PATCH", "/connections/okta", &json!({ "adopt": "onCreate" }));
    let reply =
        acme.with_key(&okta, |acme| acme.scim("POST", "/Users", &json!({ "userName": "ada" })));
    assert_eq!(reply.status, 409);
    // Others see it, and may take it up.
    assert_eq!(acme.get("/Users")["totalResults"], 3);
    let entra = acme.connect("entra");
    let title = json!([{ "op": "add", "path": "title", "value": "x" }]);
    acme.with_key(&entra, |acme| drop(acme.patch(&path, &title)));
    assert_eq!(acme.get(&path)[urn::MUSTER_USER]["managedBy"], "entra");
    assert_ne!(acme.status(ada), "unknown");
    acme.with_key(&okta, |acme| acme.refused("GET", &path, &Value::Null, UNKNOWN));
    let other = acme.decide_link(ada, "link", &json!({ "connection": "okta" }));
    check_problem(&other, (409, "conflict", "another connection manages this user"), "");
    let other = acme.decide_link(bob, "unlink", &json!({ "connection": "entra" }));
    check_problem(&other, (409, "conflict", "the connection does not manage this user"), "");
    acme.delete(&path);
    assert_eq!(acme.rows("hidden"), 0);
    acme.with_key(&okta, |acme| assert_eq!(acme.get("/Users")["totalResults"], 2));
}

#[test]
fn members_that_are_hidden_are_not_seen_named_or_lost() {
    let (mut acme, okta, users) = given();
    let [ada, bob, eve] = &users[..] else { panic!("three users") };
    let crew = format!("/Groups/{}", acme.with_key(&okta, |acme| acme.group("crew", &[ada, bob])));
    acme.sets_link(ada, "okta", false);
    let listed = |acme: &mut Acme| texts(&acme.get(&crew)["members"], "value");
    let value = |id: &str| json!([{ "value": id }]);
    acme.with_key(&okta, |acme| {
        assert_eq!(listed(acme), [bob.as_str()]);
        let none = Vec::<String>::new();
        assert_eq!(acme.found("/Groups", &format!("members.value eq \"{ada}\"")), none);
        assert_eq!(acme.found("/Groups", "members.display eq \"ada\""), none);
        assert_eq!(acme.found("/Groups", "members.display eq \"bob\"").len(), 1);
        let no_member = (400, "invalidValue", "`members`: value 1 is no user or group here");
        let join = patch_op(&json!([{ "op": "add", "path": "members", "value": value(ada) }]));
        acme.refused("PATCH", &crew, &join, no_member);
        let leave = patch_op(&json!([{ "op": "remove", "path": "members", "value": value(ada) }]));
        acme.changes_nothing("PATCH", &crew, &leave);
        let said = json!({ "displayName": "crew", "members": [{ "value": eve }] });
        assert_eq!(texts(&acme.put(&crew, &said)["members"], "value"), [eve.as_str()]);
    });
    let mut all = listed(&mut acme);
    all.sort();
    let mut expected = vec![ada.clone(), eve.clone()];
    expected.sort();
    assert_eq!(all, expected, "the row of who is hidden stays");
    acme.sets_link(ada, "okta", true);
    acme.with_key(&okta, |acme| assert_eq!(listed(acme), [ada.as_str(), eve.as_str()]));
}

#[test]
fn who_was_named_while_hidden_is_a_member_when_seen_again() {
    let mut acme = Acme::new();
    let entra = acme.connect("entra");
    let (ada, crew) = acme.with_key(&entra, |acme| (acme.user("ada"), acme.group("crew", &[])));
    acme.sets_link(&ada, "entra", false);
    acme.with_key(&entra, |acme| {
        let join = json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]);
        acme.patch(&format!("/Groups/{crew}"), &join);
    });
    assert_eq!((acme.rows("members"), acme.rows("dangling")), (0, 1));
    acme.sets_link(&ada, "entra", true);
    assert_eq!((acme.rows("members"), acme.rows("dangling")), (1, 0));
}

/// The ids of all pages of a list.
fn walked(acme: &mut Acme, query: &str, by_cursor: bool) -> Vec<String> {
    let (mut all, mut next) = (Vec::new(), Some(String::new()));
    while let Some(at) = next {
        let start = match by_cursor {
            true => format!("cursor={at}"),
            false => format!("startIndex={}", all.len() + 1),
        };
        let page = acme.get(&format!("/Users?{start}&{query}"));
        let shown = ids(&page);
        next = match by_cursor {
            true => page["nextCursor"].as_str().map(str::to_owned),
            false => (!shown.is_empty()).then(String::new),
        };
        all.extend(shown);
        assert!(page["totalResults"].as_u64() >= Some(all.len() as u64), "{page}");
    }
    all
}

#[test]
fn pages_are_whole_whoever_is_hidden() {
    let mut acme = Acme::new();
    let okta = acme.connect("okta");
    let users: Vec<String> =
        acme.with_key(&okta, |acme| (0..9).map(|n| acme.user(&format!("u{n}"))).collect());
    for hidden in
        [vec![], vec![0], vec![8], vec![0, 1, 2], vec![3, 4, 6], vec![1, 7, 8], (0..9).collect()]
    {
        for place in &hidden {
            acme.sets_link(&users[*place], "okta", false);
        }
        let seen: Vec<String> = (0..9)
            .filter(|place| !hidden.contains(place))
            .map(|place| users[place].clone())
            .collect();
        acme.with_key(&okta, |acme| {
            assert_eq!(acme.get("/Users?count=0")["totalResults"], seen.len());
            for count in [1, 2, 3, 100] {
                for by_cursor in [true, false] {
                    let of = format!("{hidden:?} {count} {by_cursor}");
                    let query = format!("count={count}");
                    assert_eq!(walked(acme, &query, by_cursor), seen, "{of}");
                    for sort in ["id", "userName", "meta.created"] {
                        let query = format!("{query}&sortBy={sort}");
                        assert_eq!(walked(acme, &query, by_cursor), seen, "{of} {sort}");
                    }
                }
            }
            // And back, from the end.
            if let Some(last) = acme.get("/Users?cursor=&count=4")["nextCursor"].as_str() {
                let page = acme.get(&format!("/Users?count=2&cursor={last}"));
                let back = page["previousCursor"].as_str().expect("a page before").to_owned();
                let before = ids(&acme.get(&format!("/Users?count=3&cursor={back}")));
                assert_eq!(before, seen[1..4]);
            }
        });
        assert_eq!(acme.get("/Users")["totalResults"], 9);
        for place in &hidden {
            acme.sets_link(&users[*place], "okta", true);
        }
    }
}

#[test]
fn a_link_names_the_user_as_the_connection_does() {
    let (mut acme, okta, users) = given();
    let zoe = acme.user("zoe");
    let link = |id: &str| json!({ "connection": "okta", "externalId": id });
    assert_eq!(acme.decide_link(&users[0], "link", &link("E1")).status, 200);
    let taken = acme.decide_link(&zoe, "link", &link("E1"));
    let detail = "the connection manages another user of this `externalId`";
    check_problem(&taken, (409, "conflict", detail), "");
    let behind = acme.events().len();
    assert_eq!(acme.decide_link(&zoe, "link", &link("E2")).status, 200);
    assert_eq!(acme.event_types(behind), ["user.linked", "user.updated"]);
    assert_eq!(acme.found("/Users", "externalId eq \"E2\""), [zoe.as_str()]);
    acme.with_key(&okta, |acme| acme.delete(&format!("/Users/{zoe}")));
    // Of another connection's users, it says nothing.
    let entra = acme.connect("entra");
    acme.with_key(&entra, |acme| {
        acme.post("/Users", &json!({ "userName": "x", "externalId": "E3" }))
    });
    assert_eq!(acme.decide_link(&users[1], "link", &link("E3")).status, 200);
}

#[test]
fn links_are_decided_by_keys_without_a_connection() {
    let (mut acme, _, users) = given();
    let ada = &users[0];
    let path = format!("/v1/tenants/acme/users/{ada}/unlink");
    let body = json!({ "connection": "okta" });
    let bound = json!({ "name": "k", "scopes": ["changes:decide"], "connection": "okta" });
    let bound = acme.mint_with(&bound);
    let detail = "the key of a connection decides about no links";
    let reply = acme.ask("POST", &path, &body, &bound);
    check_problem(&reply, (403, "insufficient_scope", detail), "");
    let lacks = acme.mint(&["config:write"]);
    assert_eq!(acme.ask("POST", &path, &body, &lacks).status, 403);
    for (id, body, problem) in [
        (ada.as_str(), json!({}), (400, "malformed", "`connection` is no text")),
        (ada, json!({ "connection": "x" }), (422, "contradictory", "there is no such connection")),
        (
            ada,
            json!({ "connection": "okta", "x": 1 }),
            (400, "malformed", "`x` is no field of a link"),
        ),
        ("nobody", body.clone(), (404, "not_found", "there is no such user")),
    ] {
        acme.admin_refused("POST", &format!("/users/{id}/unlink"), &body, problem);
        acme.admin_refused("POST", &format!("/users/{id}/link"), &body, problem);
    }
    let long = json!({ "connection": "okta", "externalId": "" });
    let detail = "`externalId` is no text of 1 to 4096 bytes";
    acme.admin_refused("POST", &format!("/users/{ada}/link"), &long, (400, "malformed", detail));
    let key = acme.mint(&["changes:decide"]);
    assert_eq!(acme.ask("POST", &path, &body, &key).status, 200);
    assert_eq!(acme.ask("POST", &path, &body, ADMIN).status, 200);
}

#[test]
fn a_guard_keeps_its_holder_linked_and_a_departure_ends_what_is_unknown() {
    let (mut acme, _, users) = given();
    let ada = &users[0];
    acme.admin("POST", &format!("/users/{ada}/grants"), &json!({ "role": "owner" }));
    acme.policy(&json!({ "guards": [{ "role": "owner", "min": 1 }] }));
    let before = acme.dump();
    let reply = acme.decide_link(ada, "unlink", &json!({ "connection": "okta" }));
    assert_eq!((reply.status, &reply.json()["code"]), (409, &json!("conflict")));
    assert_eq!(acme.dump(), before);
    acme.policy(&json!({ "guards": [] }));
    acme.sets_link(ada, "okta", false);
    assert_eq!(acme.status(ada), "unknown");
    assert_eq!(acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null).status, 204);
    acme.alarms();
    assert_eq!((acme.status(ada), acme.rows("hidden")), ("granted".to_owned(), 0));
}

#[test]
fn an_unlinking_that_fails_at_any_statement_leaves_nothing() {
    let (mut acme, okta, users) = given();
    let ada = &users[0];
    acme.admin("POST", &format!("/users/{ada}/grants"), &json!({ "role": "r" }));
    for action in ["unlink", "link"] {
        let before = acme.dump();
        let decide =
            |acme: &mut Acme| acme.decide_link(ada, action, &json!({ "connection": "okta" }));
        let (reply, _) = acme.failing_everywhere(decide, |acme, statements, reply| {
            assert_eq!((reply.status, acme.dump() == before), (500, true), "at {statements}");
        });
        assert_eq!(reply.status, 200);
        let seen = if action == "link" { 3 } else { 2 };
        acme.with_key(&okta, |acme| assert_eq!(acme.get("/Users")["totalResults"], seen));
    }
}
