//! A connection that is deleted: what becomes of its users, at once or by alarms.

use muster::auth::{Claims, ISSUER, Scopes, SecretDigest};
use muster::http::TokenStep;
use muster::limits;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::steps::{check_error, check_problem, texts};
use crate::support::{Acme, gate};

/// A tenant whose connection made three users, one of them not active, and a group; a fourth user is
/// another connection's, a fifth nobody's. The paths of the former.
fn given() -> (Acme, String, [String; 4]) {
    let mut acme = Acme::new();
    let [key, other] = ["okta", "entra"].map(|preset| acme.connect(preset));
    let paths = acme.with_key(&key, |acme| {
        let ids = ["ada", "bob", "cyd"].map(|name| acme.user(name));
        let group = acme.group("crew", &[&ids[0], &ids[1]]);
        let [ada, bob, cyd] = ids.map(|id| format!("/Users/{id}"));
        let off = json!([{ "op": "replace", "path": "active", "value": false }]);
        acme.patch(&cyd, &off);
        [ada, bob, cyd, format!("/Groups/{group}")]
    });
    acme.with_key(&other, |acme| acme.user("dan"));
    acme.user("eve");
    (acme, key, paths)
}

fn delete(acme: &mut Acme, users: &str) -> u16 {
    acme.admin("DELETE", &format!("/connections/okta?users={users}"), &Value::Null).status
}

/// How many resources each connection manages, and how many nobody does.
fn managed(acme: &Acme) -> Vec<(Option<String>, i64)> {
    let statement = "SELECT manager, count(*) FROM resources GROUP BY manager ORDER BY manager";
    let rows = acme.sql.query(statement, &[]).unwrap();
    let read = |row: &muster::store::Row| {
        (row.text_or_null(0).unwrap().map(str::to_owned), row.integer(1).unwrap())
    };
    rows.iter().map(read).collect()
}

#[test]
fn it_must_be_said_what_becomes_of_the_users() {
    let (mut acme, ..) = given();
    let detail = "say by `?users=keep`, `suspend` or `delete` what becomes of its users";
    for query in ["", "?users=", "?users=Keep", "?users=purge", "?user=keep"] {
        let path = format!("/connections/okta{query}");
        acme.admin_refused("DELETE", &path, &Value::Null, (422, "contradictory", detail));
    }
}

#[test]
fn its_users_are_kept_suspended_or_deleted_and_nobodys() {
    for (users, left, told) in [
        ("keep", vec!["ada", "bob", "cyd", "dan", "eve"], vec![]),
        ("suspend", vec!["ada", "bob", "cyd", "dan", "eve"], vec!["user.deactivated"; 2]),
        ("delete", vec!["dan", "eve"], vec!["user.deleted"; 3]),
    ] {
        let (mut acme, key, paths) = given();
        let behind = acme.events().len();
        assert_eq!(delete(&mut acme, users), 204, "{users}");
        acme.alarms();
        assert_eq!(texts(&acme.get("/Users"), "userName"), left, "{users}");
        let nobodys = i64::try_from(left.len()).unwrap();
        assert_eq!(managed(&acme), [(None, nobodys), (Some("entra".to_owned()), 1)], "{users}");
        let mut events = acme.events().split_off(behind);
        let first = events.remove(0);
        assert_eq!(
            (&first["type"], &first["data"]["users"]),
            (&json!("connection.deleted"), &json!(users))
        );
        assert_eq!(first["data"]["keys"].as_array().unwrap().len(), 1);
        assert_eq!(texts(&json!(events), "type"), told, "{users}");
        for event in &events {
            let by = (&event["data"]["actor"], &event["data"]["connection"]);
            assert_eq!(by, (&json!("admin"), &json!("okta")));
        }
        if users == "suspend" {
            assert_eq!(acme.get(&paths[0])["active"], json!(false));
            assert_eq!(events[0]["data"]["changed"], json!(["active"]));
            assert_eq!(acme.get(&paths[2])["meta"]["version"], "W/\"2\"", "it was so before");
        }
        let group = acme.get(&paths[3]);
        let members = group["members"].as_array().map_or(0, Vec::len);
        assert_eq!(members, if users == "delete" { 0 } else { 2 });
        let dead = acme.scim_with("GET", "/Users", &Value::Null, &key, &[]);
        assert_eq!(dead.status, 401);
        acme.admin_refused(
            "GET",
            "/connections/okta",
            &Value::Null,
            (404, "not_found", "there is no such connection"),
        );
        assert_eq!((acme.rows("departures"), acme.rows("connections")), (0, 1));
        acme.sleep();
        let count = i64::try_from(left.len()).unwrap();
        assert_eq!(acme.get("/Users")["totalResults"], json!(count));
    }
}

#[test]
fn the_event_lists_the_keys_secrets_and_trusts_that_end_with_it() {
    let (mut acme, ..) = given();
    let trust = json!({ "issuer": "https://ci.example.com", "subject": "sync" });
    let mut made = |path: &str, body: &Value| {
        let reply = acme.admin("POST", path, body);
        assert_eq!(reply.status, 201, "{}", reply.json());
        reply.json()["id"].clone()
    };
    let secrets = [(); 2].map(|()| made("/connections/okta/secrets", &Value::Null));
    let trusts = [made("/connections/okta/trusts", &trust)];
    made("/connections/entra/secrets", &Value::Null);
    assert_eq!(delete(&mut acme, "keep"), 204);
    let ended = acme.events().pop().unwrap();
    assert_eq!(ended["type"], "connection.deleted");
    assert_eq!(ended["data"]["keys"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&ended["data"]["secrets"], &ended["data"]["trusts"]),
        (&json!(secrets), &json!(trusts))
    );
}

#[test]
fn what_it_leaves_can_be_taken_up_by_another() {
    let (mut acme, _, paths) = given();
    delete(&mut acme, "keep");
    let key = acme.connect("google");
    acme.with_key(&key, |acme| {
        acme.patch(&paths[0], &json!([{ "op": "add", "path": "title", "value": "Dev" }]));
        acme.delete(&paths[0]);
    });
    acme.connect("okta");
}

/// As many users as one step cannot do, all of a connection.
fn many(count: usize) -> (Acme, String) {
    let mut acme = Acme::new();
    acme.populate(count);
    let key = acme.connect("okta");
    acme.sql.query("UPDATE resources SET manager = 'okta'", &[]).unwrap();
    (acme, key)
}

#[test]
fn more_users_than_one_step_does_are_done_by_alarms_and_it_shows_how_far_it_is() {
    for users in ["keep", "suspend", "delete"] {
        let count = limits::DEPARTURE_RESOURCES * 2 + 1;
        let (mut acme, key) = many(count);
        let reply = acme.admin("DELETE", &format!("/connections/okta?users={users}"), &Value::Null);
        let done = limits::DEPARTURE_RESOURCES;
        let progress = json!({ "users": users, "done": done });
        assert_eq!((reply.status, &reply.json()["deletion"]), (202, &progress), "{users}");
        let dead = acme.scim_with("GET", "/Users", &Value::Null, &key, &[]);
        assert_eq!(dead.status, 401, "at once");
        let leaving = (409, "conflict", "the connection is being deleted");
        for (method, path) in [
            ("PATCH", "/connections/okta"),
            ("POST", "/connections/okta/activate"),
            ("DELETE", "/connections/okta?users=keep"),
        ] {
            acme.admin_refused(method, path, &json!({}), leaving);
        }
        let body = json!({ "name": "k", "scopes": ["scim"], "connection": "okta" });
        let none = (422, "contradictory", "`connection` is no connection of this tenant");
        acme.admin_refused("POST", "/keys", &body, none);
        let leaves = (409, "conflict", "a connection is being deleted");
        acme.admin_refused("GET", "/export", &Value::Null, leaves);
        // Nothing of it is in memory alone.
        acme.sleep();
        let read = acme.admin("GET", "/connections/okta", &Value::Null).json();
        assert_eq!(read["deletion"], progress);
        acme.alarm().unwrap();
        let read = acme.admin("GET", "/connections/okta", &Value::Null).json();
        assert_eq!(read["deletion"]["done"], json!(done * 2), "{users}");
        acme.sleep();
        acme.get("/Users?count=1");
        assert!(acme.sweeps(), "who wakes goes on");
        acme.alarms();
        acme.admin_refused(
            "GET",
            "/connections/okta",
            &Value::Null,
            (404, "not_found", "there is no such connection"),
        );
        let left = if users == "delete" { 0 } else { i64::try_from(count).unwrap() };
        assert_eq!(acme.get("/Users?count=1")["totalResults"], json!(left), "{users}");
        let managed = acme.sql.query("SELECT 1 FROM resources WHERE manager <> ''", &[]).unwrap();
        assert_eq!((managed.len(), acme.rows("departures")), (0, 0));
        // Two keys, and the connection made and deleted.
        let events = acme.rows("events") - 4;
        assert_eq!(events, if users == "keep" { 0 } else { i64::try_from(count).unwrap() });
    }
}

#[test]
fn what_is_leaving_takes_no_secret_and_no_trust_and_none_outlives_it() {
    let (mut acme, _) = many(limits::DEPARTURE_RESOURCES * 2 + 1);
    let trust = json!({ "issuer": "https://ci.example.com", "subject": "deploy" });
    acme.admin("POST", "/connections/okta/secrets", &Value::Null);
    acme.admin("POST", "/connections/okta/trusts", &trust);
    assert_eq!(delete(&mut acme, "keep"), 202);
    assert_eq!((acme.rows("secrets"), acme.rows("trusts")), (0, 0), "they end at once");
    let leaving = (409, "conflict", "the connection is being deleted");
    acme.admin_refused("POST", "/connections/okta/secrets", &Value::Null, leaving);
    acme.admin_refused("POST", "/connections/okta/trusts", &trust, leaving);
    // Rows that came to be all the same open nothing, and go with it.
    let digest = SecretDigest::of("s");
    for statement in [
        format!(
            "INSERT INTO secrets (id, connection, scopes, digest, jti, created, expires)
             VALUES ('s', 'okta', 'scim', '{}', 'j', 0, 1 << 40)",
            digest.as_str()
        ),
        "INSERT INTO trusts (id, connection, issuer, subject, scopes, jti, created)
         VALUES ('t', 'okta', 'i', 's', 'scim', 'j', 0)"
            .to_owned(),
    ] {
        acme.sql.query(&statement, &[]).unwrap();
    }
    acme.sleep();
    let form = "grant_type=client_credentials&client_id=acme.okta&client_secret=s";
    let by_trust = TokenStep::Trusted { trust: "t".to_owned(), scope: None };
    for reply in [acme.token(&[], form), acme.token_step(&by_trust)] {
        assert_eq!((reply.status, &reply.json()["error"]), (401, &json!("invalid_client")));
    }
    let claims = Claims {
        iss: ISSUER.to_owned(),
        sub: "s".to_owned(),
        jti: "j".to_owned(),
        tid: "acme".to_owned(),
        cid: Some("okta".to_owned()),
        scope: Scopes::parse(["scim"]).unwrap(),
        iat: 0,
        exp: acme.now.timestamp() + 60,
    };
    let token = gate().key_ring.sign(&claims).unwrap();
    let reply = acme.scim_with("GET", "/Users", &Value::Null, &token, &[]);
    check_error(&reply, (401, "", "the key's connection is gone"), "leaving");
    acme.alarms();
    assert_eq!((acme.rows("secrets"), acme.rows("trusts")), (0, 0));
    acme.connect("okta");
    let reply = acme.scim_with("GET", "/Users", &Value::Null, &token, &[]);
    check_error(&reply, (401, "", "the key has been revoked"), "another of its id");
    assert_eq!(acme.token(&[], form).status, 401);
}

#[test]
fn a_step_looks_at_so_many_resources_of_others() {
    let (mut acme, _) = many(limits::DEPARTURE_SCAN + 1);
    let last = "UPDATE resources SET manager = NULL
        WHERE pos < (SELECT max(pos) FROM resources)";
    acme.sql.query(last, &[]).unwrap();
    let reply = acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null);
    assert_eq!((reply.status, &reply.json()["deletion"]["done"]), (202, &json!(0)));
    acme.alarms();
    assert_eq!((acme.rows("departures"), acme.rows("connections")), (0, 0));
}

#[test]
fn a_deletion_that_fails_at_any_statement_leaves_nothing() {
    for users in ["keep", "suspend", "delete"] {
        let (mut acme, key, _) = given();
        let before = acme.dump();
        let path = format!("/connections/okta?users={users}");
        let delete = |acme: &mut Acme| acme.admin("DELETE", &path, &Value::Null);
        let (reply, _) = acme.failing_everywhere(delete, |acme, statements, reply| {
            check_problem(&reply, (500, "internal", ""), users);
            assert!(acme.dump() == before, "{users} at {statements}");
            assert_eq!(acme.with_key(&key, |acme| acme.get("/Users"))["totalResults"], 5);
        });
        assert_eq!(reply.status, 204);
        assert_ne!(acme.dump(), before);
    }
}

#[test]
fn an_alarm_that_fails_at_any_statement_is_tried_again() {
    let (mut acme, _) = many(limits::DEPARTURE_RESOURCES + 2);
    let reply = acme.admin("DELETE", "/connections/okta?users=delete", &Value::Null);
    assert_eq!(reply.status, 202);
    let before = acme.dump();
    let events = acme.events().len();
    acme.alarm_failing_everywhere(|acme, statements| {
        assert!(acme.dump() == before, "at {statements}");
        assert_eq!(acme.get("/Users?count=1")["totalResults"], 2, "as memory has it");
    });
    assert_eq!(acme.get("/Users")["totalResults"], 0);
    assert_eq!(acme.event_types(events), ["user.deleted"; 2]);
    let user = acme.user("next");
    let missing = acme.scim("GET", &format!("/Users/{user}x"), &Value::Null);
    check_error(&missing, (404, "", "there is no such resource"), "missing");
}
