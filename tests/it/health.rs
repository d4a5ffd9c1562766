//! Whether a connection works: its health, and the checklist for the one who sets it up.

use muster::http::TokenStep;
use muster::limits;
use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::steps::{check_problem, patch_op};
use crate::support::Acme;

impl Acme {
    fn health(&mut self, connection: &str) -> Value {
        let path = format!("/connections/{connection}/health");
        let reply = self.admin("GET", &path, &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.json()
    }

    fn test(&mut self, connection: &str) -> Value {
        let path = format!("/connections/{connection}/test");
        let before = self.dump();
        let reply = self.admin("POST", &path, &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.json());
        assert_eq!(self.dump(), before, "a test changes nothing");
        reply.json()
    }

    /// The results of the checklist, in order.
    fn results(&mut self, connection: &str) -> Vec<String> {
        let tested = self.test(connection);
        let checks = tested["checks"].as_array().expect("checks").iter();
        checks.map(|check| check["result"].as_str().expect("a result").to_owned()).collect()
    }

    fn hint(&mut self, connection: &str, name: &str) -> String {
        let tested = self.test(connection);
        let mut checks = tested["checks"].as_array().expect("checks").iter();
        let check = checks.find(|check| check["check"] == name).expect("the check");
        check["hint"].as_str().unwrap_or_default().to_owned()
    }

    fn try_user(&mut self, key: &str, name: &str) -> Reply {
        let body = json!({ "userName": name, "externalId": name });
        self.scim_with("POST", "/Users", &body, key, &[])
    }
}

fn statuses(acme: &mut Acme) -> String {
    acme.health("entra")["status"].as_str().expect("a status").to_owned()
}

#[test]
fn bz_25_a_connection_is_healthy_degraded_or_silent() {
    let mut acme = Acme::new();
    let key = acme.connect("entra");
    let never = json!({
        "status": "silent", "lastSuccess": null, "lastFailure": null, "errorRate": 0.0,
        "requests": 0, "warnings": [],
    });
    assert_eq!(acme.health("entra"), never);
    for number in 0..9 {
        assert_eq!(acme.try_user(&key, &number.to_string()).status, 201);
    }
    acme.wait(60);
    assert_eq!(acme.try_user(&key, "0").status, 409);
    let healthy = json!({
        "status": "healthy", "lastSuccess": "2026-09-21T14:13:20.000Z",
        "lastFailure": "2026-09-21T14:14:20.000Z", "errorRate": 0.1, "requests": 10, "warnings": [],
    });
    assert_eq!(acme.health("entra"), healthy);
    assert!((limits::ERROR_PERCENT - 10.0).abs() < 0.001, "one of ten is at the bound");
    assert_eq!(acme.try_user(&key, "1").status, 409);
    assert_eq!(acme.health("entra")["errorRate"], 0.181);
    assert_eq!(statuses(&mut acme), "degraded");
    acme.settle();
    acme.sleep();
    assert_eq!(statuses(&mut acme), "degraded", "what is written tells the same");
    acme.wait(2 * limits::CYCLE_MILLISECONDS / 1_000);
    assert_eq!(statuses(&mut acme), "degraded", "two cycles are not over");
    acme.wait(1);
    assert_eq!(statuses(&mut acme), "silent");
    // What failed a day ago says nothing of today.
    acme.wait(limits::HEALTH_MILLISECONDS / 1_000);
    acme.scim_with("GET", "/Users", &Value::Null, &key, &[]);
    let health = acme.health("entra");
    assert_eq!((&health["status"], &health["requests"]), (&json!("healthy"), &json!(1)));
    assert_eq!(health["errorRate"], 0.0);
}

#[test]
fn who_looks_for_what_is_not_there_has_not_failed() {
    let mut acme = Acme::new();
    let key = acme.connect("entra");
    assert_eq!(acme.scim_with("GET", "/Users/none", &Value::Null, &key, &[]).status, 404);
    assert_eq!(statuses(&mut acme), "healthy");
    assert_eq!(acme.scim_with("DELETE", "/Users/none", &Value::Null, &key, &[]).status, 404);
    assert_eq!(acme.health("entra")["errorRate"], 0.5);
}

#[test]
fn a_busy_connection_does_not_make_another_one_silent() {
    let mut acme = Acme::new();
    let (entra, okta) = (acme.connect("entra"), acme.connect("okta"));
    acme.try_user(&entra, "ada");
    acme.settle();
    for _ in 0..limits::REQUESTS {
        acme.scim_with("GET", "/Users?count=0", &Value::Null, &okta, &[]);
    }
    for asleep in [false, true] {
        let health = acme.health("entra");
        assert_eq!((&health["status"], &health["requests"]), (&json!("healthy"), &json!(0)));
        assert_eq!(acme.results("entra")[3], "pass", "what was seen once stays seen");
        acme.settle();
        if asleep {
            acme.sleep();
        }
    }
}

#[test]
fn attributes_that_no_schema_knows_are_warned_of() {
    let mut acme = Acme::new();
    let (entra, okta) = (acme.connect("entra"), acme.connect("okta"));
    let body = json!({
        "userName": "ada", "externalId": "e", "nope": 1, "name": { "nick": "SECRET" }, "SECRET@x": 1,
        "urn:acme:1.0:User": { "badge": "SECRET" },
    });
    let created = acme.scim_with("POST", "/Users", &body, &entra, &[]);
    assert_eq!(created.status, 201);
    let path = format!("/Users/{}", created.json()["id"].as_str().expect("an id"));
    acme.wait(30);
    let operation = json!([{ "op": "add", "path": "later", "value": 1 }]);
    acme.scim_with("PATCH", &path, &patch_op(&operation), &entra, &[]);
    acme.scim_with(
        "PUT",
        &path,
        &json!({ "userName": "ada", "externalId": "e", "nope": 2 }),
        &entra,
        &[],
    );
    let warnings = acme.health("entra")["warnings"].clone();
    assert!(!warnings.to_string().contains("SECRET"), "{warnings}");
    let paths = |warnings: &Value| -> Vec<String> {
        let listed = warnings.as_array().expect("warnings").iter();
        let mut paths: Vec<String> =
            listed.map(|one| one["path"].as_str().expect("a path").to_owned()).collect();
        paths.sort();
        paths
    };
    for path in ["later", "name.nick", "nope", "urn:acme:1.0:User", "…"] {
        assert!(paths(&warnings).contains(&path.to_owned()), "{path}: {warnings}");
    }
    assert_eq!(warnings[1]["firstSeen"], "2026-09-21T14:13:20.000Z");
    assert_eq!(acme.health("okta")["warnings"], json!([]));
    assert_eq!(acme.rows("warnings"), 0, "nothing is written before the alarm");
    acme.settle();
    let rows = acme.rows("warnings");
    assert_eq!(rows, paths(&warnings).len() as i64, "one row a path");
    acme.sleep();
    acme.scim_with(
        "PUT",
        &path,
        &json!({ "userName": "ada", "externalId": "e", "nope": 2 }),
        &entra,
        &[],
    );
    acme.scim_with(
        "POST",
        "/Users",
        &json!({ "userName": "bob", "externalId": "b", "nope": 2 }),
        &okta,
        &[],
    );
    assert_eq!(paths(&acme.health("entra")["warnings"]), paths(&warnings));
    acme.settle();
    assert_eq!(acme.rows("warnings"), rows + 1, "a path that is known is not written again");
    assert_eq!(acme.health("entra")["warnings"][0]["firstSeen"], warnings[0]["firstSeen"]);
}

#[test]
fn so_many_warnings_are_kept() {
    let mut acme = Acme::new();
    let key = acme.connect("entra");
    let most = limits::WARNINGS_PER_CONNECTION;
    let many = |from: usize, count: usize| {
        let mut body = json!({ "userName": format!("u{from}"), "externalId": "e" });
        for number in from..from + count {
            body[format!("x{number}")] = json!(1);
        }
        body
    };
    let send = |acme: &mut Acme, body: &Value| {
        assert_eq!(acme.scim_with("POST", "/Users", body, &key, &[]).status, 201);
    };
    let listed = |acme: &mut Acme| acme.health("entra")["warnings"].as_array().map(Vec::len);
    send(&mut acme, &many(0, most - 1));
    assert_eq!(listed(&mut acme), Some(most - 1));
    send(&mut acme, &many(most - 1, 2));
    assert_eq!(listed(&mut acme), Some(most));
    acme.settle();
    assert_eq!((listed(&mut acme), acme.rows("warnings")), (Some(most), most as i64));
    send(&mut acme, &many(most + 1, limits::WARNINGS + 5));
    acme.settle();
    assert_eq!(acme.rows("warnings"), most as i64);
}

#[test]
fn the_checklist_follows_what_a_client_does() {
    let mut acme = Acme::new();
    let connection = json!({ "id": "okta", "displayName": "Okta", "preset": "okta" });
    acme.admin("POST", "/connections", &connection);
    let (pass, fail, pending) = ("pass", "fail", "pending");
    assert_eq!(acme.results("okta"), [pending, fail, pending, pending, pending, pending]);
    assert!(acme.hint("okta", "reached").contains("https://muster.test/t/acme/scim/v2"));
    assert!(acme.hint("okta", "keyValid").contains("\"connection\":\"okta\""));
    let body = json!({ "name": "Okta", "scopes": ["scim"], "connection": "okta" });
    let key = acme.mint_with(&body);
    assert_eq!(acme.results("okta"), [pending; 6]);
    acme.scim_with("GET", "/Users?filter=userName+eq+%22x%22", &Value::Null, &key, &[]);
    assert_eq!(acme.results("okta"), [pass, pass, pass, pending, pending, pending]);
    assert_eq!(acme.try_user(&key, "").status, 400);
    assert_eq!(acme.results("okta"), [pass, pass, pass, fail, pending, pending]);
    assert!(acme.hint("okta", "create").contains("400 (invalidValue)"));
    let created = acme.try_user(&key, "ada");
    assert_eq!(acme.results("okta"), [pass, pass, pass, pass, pending, pending]);
    let path = format!("/Users/{}", created.json()["id"].as_str().expect("an id"));
    let title = patch_op(&json!([{ "op": "replace", "path": "title", "value": "x" }]));
    acme.scim_with("PATCH", &path, &title, &key, &[]);
    assert_eq!(acme.results("okta"), [pass, pass, pass, pass, pass, pending]);
    assert!(acme.hint("okta", "deactivate").contains("Deactivate Users"));
    let active = patch_op(&json!([{ "op": "replace", "path": "active", "value": false }]));
    acme.scim_with("PATCH", &path, &active, &key, &[]);
    let tested = acme.test("okta");
    assert_eq!(tested["passed"], true);
    let names = ["reached", "keyValid", "lookup", "create", "patch", "deactivate"];
    let all: Vec<Value> =
        names.iter().map(|name| json!({ "check": name, "result": "pass" })).collect();
    assert_eq!(tested["checks"], json!(all));
    acme.settle();
    acme.sleep();
    assert_eq!(acme.test("okta"), tested);
}

#[test]
fn a_bulk_request_counts_as_what_it_does() {
    let mut acme = Acme::new();
    let key = acme.connect("generic");
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "a", "data": { "userName": "ada" } },
        { "method": "DELETE", "path": "/Users/bulkId:a" },
    ]);
    let reply = acme.scim_with("POST", "/Bulk", &json!({ "Operations": operations }), &key, &[]);
    assert_eq!(reply.status, 200, "{}", reply.json());
    assert_eq!(acme.results("generic"), ["pass", "pass", "pending", "pass", "pending", "pass"]);
}

#[test]
fn the_checklist_tells_of_keys_that_open_nothing() {
    let mut acme = Acme::new();
    let key = acme.connect("entra");
    acme.try_user(&key, "ada");
    assert_eq!(acme.results("entra")[1], "pass");
    let keys = acme.admin("GET", "/keys", &Value::Null).json();
    let id = keys["items"][1]["id"].as_str().expect("an id").to_owned();
    acme.admin("DELETE", &format!("/keys/{id}"), &Value::Null);
    assert_eq!(acme.results("entra")[1], "fail");
    assert!(acme.hint("entra", "keyValid").contains("Secret Token"));
    acme.connection_key("off", "disabled");
    assert_eq!(acme.hint("off", "keyValid"), "The connection is disabled; its keys open nothing.");
}

#[test]
fn a_connection_that_is_opened_by_tokens_needs_no_key() {
    for (what, body, token) in [
        ("secrets", Value::Null, "a secret"),
        ("trusts", json!({ "issuer": "https://ci.example.com", "subject": "x" }), "a trust"),
    ] {
        let mut acme = Acme::new();
        let connection = json!({ "id": "entra", "displayName": "Entra", "preset": "entra" });
        acme.admin("POST", "/connections", &connection);
        assert_eq!(acme.results("entra")[1], "fail");
        let shown = acme.admin("POST", &format!("/connections/entra/{what}"), &body).json();
        assert_eq!(acme.results("entra")[1], "pending", "{token} can be used");
        let id = shown["id"].as_str().expect("an id");
        let secret = shown["clientSecret"].as_str();
        let answer = match secret {
            Some(secret) => acme.token(
                &[],
                &format!(
                    "grant_type=client_credentials&client_id=acme.entra&client_secret={secret}"
                ),
            ),
            None => acme.token_step(&TokenStep::Trusted { trust: id.to_owned(), scope: None }),
        };
        let bearer = answer.json()["access_token"].as_str().expect("a token").to_owned();
        assert_eq!(acme.try_user(&bearer, "ada").status, 201);
        assert_eq!(acme.results("entra")[1], "pass", "{token} was used");
        if secret.is_some() {
            acme.wait(limits::SECRET_TTL_SECONDS_MIN);
        } else {
            acme.admin("DELETE", &format!("/connections/entra/trusts/{id}"), &Value::Null);
        }
        assert_eq!(acme.results("entra")[1], "fail", "{token} is no more");
        assert!(acme.hint("entra", "keyValid").contains("a secret or a trust"));
    }
}

#[test]
fn the_checklist_tells_of_a_client_whose_key_was_revoked() {
    let mut acme = Acme::new();
    let key = acme.connect("okta");
    acme.try_user(&key, "ada");
    let keys = acme.admin("GET", "/keys", &Value::Null).json();
    let id = keys["items"][1]["id"].as_str().expect("an id").to_owned();
    let another = json!({ "name": "new", "scopes": ["scim"], "connection": "okta" });
    let another = acme.mint_with(&another);
    acme.admin("DELETE", &format!("/keys/{id}"), &Value::Null);
    assert_eq!(acme.results("okta")[1], "pass", "nobody has come with it since");
    for asleep in [false, true] {
        assert_eq!(acme.try_user(&key, "bob").status, 401);
        if asleep {
            acme.settle();
            acme.sleep();
        }
        assert_eq!(acme.results("okta")[1], "fail");
        assert!(acme.hint("okta", "keyValid").contains("expired or been revoked"));
    }
    acme.try_user(&another, "bob");
    assert_eq!(acme.results("okta")[1], "pass");
    // Who comes with the key of a connection that is gone is nobody's client.
    acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null);
    assert_eq!(acme.try_user(&key, "cyd").status, 401);
    acme.connect("okta");
    assert_eq!(acme.results("okta"), ["pending"; 6]);
}

#[test]
fn another_connection_of_the_same_id_begins_anew() {
    for settled in [false, true] {
        let mut acme = Acme::new();
        let (old, other) = (acme.connect("okta"), acme.connect("entra"));
        let body = json!({ "userName": "ada", "nope": 1 });
        assert_eq!(acme.scim_with("POST", "/Users", &body, &old, &[]).status, 201);
        acme.try_user(&other, "bob");
        if settled {
            acme.settle();
        }
        assert_eq!(acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null).status, 204);
        acme.connect("okta");
        assert_eq!(acme.results("okta"), ["pending"; 6], "{settled}");
        let health = acme.health("okta");
        assert_eq!((&health["requests"], &health["status"]), (&json!(0), &json!("silent")));
        assert_eq!(health["warnings"], json!([]));
        let listed = |acme: &mut Acme, connection: &str| {
            let path = format!("/requests?connection={connection}");
            acme.admin("GET", &path, &Value::Null).json()["items"].as_array().map(Vec::len)
        };
        assert_eq!((listed(&mut acme, "okta"), listed(&mut acme, "entra")), (Some(0), Some(1)));
        let all = acme.admin("GET", "/requests", &Value::Null).json();
        let made = all["items"].as_array().expect("items").iter();
        let made: Vec<&Value> = made.filter(|one| one["route"] == "scim.User.list").collect();
        assert_eq!(made.len(), 2, "the request itself is kept, with its key");
        assert!(made.iter().all(|one| one["key"].is_string()), "{all}");
    }
}

#[test]
fn every_preset_has_hints_in_plain_words() {
    let mut acme = Acme::new();
    for preset in ["entra", "okta", "onelogin"] {
        acme.connect(preset);
        for check in acme.test(preset)["checks"].as_array().expect("checks") {
            let hint = check["hint"].as_str().expect("a hint");
            assert!(hint.ends_with('.') && hint.len() > 20 && !hint.contains("  "), "{hint}");
        }
    }
    assert!(acme.hint("entra", "reached").contains("Tenant URL"));
    assert!(acme.hint("okta", "reached").contains("SCIM connector base URL"));
}

#[test]
fn what_is_no_connection_has_no_health() {
    let mut acme = Acme::new();
    for (method, path) in [("GET", "/connections/x/health"), ("POST", "/connections/x/test")] {
        check_problem(
            &acme.admin(method, path, &Value::Null),
            (404, "not_found", "there is no such connection"),
            path,
        );
    }
}
