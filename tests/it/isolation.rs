//! Two tenants that are alike in everything, to the ids of their users and keys: what one of them
//! gave is of no use to the other all the same. The attempts over HTTP are in the live tests.

use muster::http::TokenStep;
use serde_json::{Value, json};

use crate::scenario::Server as _;
use crate::sqlite::Sqlite;
use crate::steps::{check_error, check_problem};
use crate::support::Acme;

/// Two tenants with the same users, ids and keys' ids, and what one of them alone has.
fn twins() -> (Acme, Acme) {
    let mut twins = ["acme", "globex"].map(Acme::named);
    for twin in &mut twins {
        for name in ["ada", "bob", "eve"] {
            twin.user(name);
        }
    }
    let [acme, globex] = twins;
    (acme, globex)
}

fn ids(acme: &mut Acme) -> Vec<String> {
    let users = acme.get("/Users");
    users["Resources"].as_array().unwrap().iter().map(|user| user["id"].to_string()).collect()
}

fn cursor(acme: &mut Acme) -> String {
    acme.get("/Users?cursor=&count=1")["nextCursor"].as_str().unwrap().to_owned()
}

#[test]
fn a_key_of_the_twin_opens_nothing() {
    let (mut acme, mut globex) = twins();
    assert_eq!(ids(&mut acme), ids(&mut globex), "the same ids");
    let key_id =
        |acme: &mut Acme| acme.admin("GET", "/keys", &Value::Null).json()["items"][0]["id"].clone();
    assert_eq!(key_id(&mut acme), key_id(&mut globex), "the same keys but for their tenant");
    let before = acme.dump();
    for (method, path) in [
        ("GET", "/t/acme/scim/v2/Users"),
        ("POST", "/t/acme/scim/v2/Users"),
        ("GET", "/scim/v2/acme/Users"),
        ("GET", "/t/acme/scim/v2/Schemas"),
        ("GET", "/t/acme/scim/v2/Nothing"),
        ("GET", "/v1/tenants/acme/keys"),
        ("GET", "/v1/tenants/acme/events"),
    ] {
        let refused = acme.ask(method, path, &json!({ "userName": "mallory" }), &globex.key);
        let status = if path.ends_with("Nothing") { 404 } else { 401 };
        assert_eq!(refused.status, status, "{method} {path}: {}", refused.json());
    }
    assert_eq!(acme.dump(), before);
}

#[test]
fn a_cursor_of_the_twin_leads_nowhere() {
    let (mut acme, mut globex) = twins();
    let (own, foreign) = (cursor(&mut acme), cursor(&mut globex));
    assert_ne!(own, foreign);
    assert!(acme.get(&format!("/Users?cursor={own}&count=1"))["Resources"].is_array());
    let path = format!("/Users?cursor={foreign}&count=1");
    let detail = "the cursor was not given to this client for this query";
    acme.refused("GET", &path, &Value::Null, (400, "invalidCursor", detail));
}

#[test]
fn a_client_of_the_twin_is_nobody() {
    let (mut acme, mut globex) = twins();
    let ((id, secret), (foreign, same)) = (acme.client(), globex.client());
    assert_eq!((secret.as_str(), foreign.as_str()), (same.as_str(), "globex.gallery"));
    let ask = |acme: &mut Acme, client: &str| {
        let form = "grant_type=client_credentials";
        acme.token(&[], &format!("{form}&client_id={client}&client_secret={secret}"))
    };
    let token = ask(&mut globex, &foreign).json()["access_token"].clone();
    let unknown = ask(&mut acme, "nobody.gallery");
    assert_eq!((unknown.status, &unknown.json()["error"]), (401, &json!("invalid_client")));
    for client in [&*foreign, "globex.nobody", "acme.nobody", "acme.globex.gallery"] {
        let refused = ask(&mut acme, client);
        assert_eq!((refused.status, refused.body), (401, unknown.body.clone()), "{client}");
    }
    assert_eq!(ask(&mut acme, &id).status, 200);
    let token = token.as_str().expect("a token");
    let refused = acme.scim_with("GET", "/Users", &Value::Null, token, &[]);
    assert_eq!(refused.status, 401, "the same secret, the same row, another tenant");
    assert_eq!(globex.scim_with("GET", "/Users", &Value::Null, token, &[]).status, 200);
}

#[test]
fn what_the_twin_does_is_its_own() {
    let (mut acme, mut globex) = twins();
    let before = (acme.dump(), acme.events());
    let ada = ids(&mut globex)[0].replace('"', "");
    let path = format!("/Users/{ada}");
    let etag = acme.scim("GET", &path, &Value::Null).headers["etag"].clone();
    globex.scim("PUT", &path, &json!({ "userName": "ada", "title": "of-globex-alone" }));
    globex.group("Builders", &[&ada]);
    assert_eq!((acme.dump(), acme.events()), before);
    let key = acme.key.clone();
    let read = acme.scim_with("GET", &path, &Value::Null, &key, &[("if-none-match", &etag)]);
    assert_eq!(read.status, 304, "the version of one is not that of the other");
    globex.scim("DELETE", &path, &Value::Null);
    assert_eq!(acme.get(&path)["userName"], "ada");
}

#[test]
fn nobody_but_the_administrator_makes_tables() {
    let mut acme = Acme::new();
    acme.connect("okta");
    let secret = acme.admin("POST", "/connections/okta/secrets", &Value::Null).json();
    let secret = secret["clientSecret"].as_str().unwrap().to_owned();
    // Everything is deleted, and what was under way comes after it.
    acme.sql = Sqlite::new();
    acme.sleep();
    let form = format!("grant_type=client_credentials&client_id=acme.okta&client_secret={secret}");
    let assertion = TokenStep::Trust { connection: None, issuer: "i".into(), subject: "s".into() };
    let key = acme.key.clone();
    let body = json!({ "userName": "ada" });
    for _ in 0..2 {
        let reply = acme.scim("POST", "/Users", &body);
        check_error(&reply, (401, "", "the key has been revoked"), "SCIM");
        let reply = acme.ask("POST", "/v1/tenants/acme/schemas", &json!({}), &key);
        check_problem(&reply, (401, "unauthorized", "the key has been revoked"), "the admin API");
        for reply in [acme.token(&[], &form), acme.token_step(&assertion)] {
            assert_eq!((reply.status, &reply.json()["error"]), (401, &json!("invalid_client")));
        }
        assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), None);
        acme.alarm().unwrap();
        assert_eq!(acme.rows("sqlite_master"), 0, "nothing has come to be");
        acme.sleep();
    }
    assert_eq!(acme.admin("GET", "/keys", &Value::Null).json(), json!({ "items": [] }));
    assert!(acme.rows("sqlite_master") > 0);
    let key = acme.mint(&["scim"]);
    acme.sleep();
    assert_eq!(acme.scim_with("POST", "/Users", &body, &key, &[]).status, 201);
}
