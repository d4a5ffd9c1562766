//! `Idempotency-Key`: a POST of the admin API that is sent again is done once.

use std::collections::BTreeMap;

use muster::http::openapi;
use muster::limits;
use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::steps::check_problem;
use crate::support::{ADMIN, Acme, ORIGIN};

impl Acme {
    /// A POST below the tenant with an `Idempotency-Key`.
    fn keyed(&mut self, path: &str, body: &Value, idempotency_key: &str, bearer: &str) -> Reply {
        let url = format!("{ORIGIN}/v1/tenants/acme{path}");
        let headers = [("Idempotency-Key".to_owned(), idempotency_key.to_owned())];
        let headers = BTreeMap::from(headers);
        self.fetch("POST", &url, &headers, body.to_string().as_bytes(), bearer)
    }

    fn connection_ids(&mut self) -> Vec<String> {
        let listed = self.admin("GET", "/connections", &Value::Null).json();
        let items = listed["items"].as_array().expect("items").iter();
        items.map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    }
}

fn connection(id: &str) -> Value {
    json!({ "id": id, "displayName": id })
}

fn replayed(reply: &Reply) -> bool {
    reply.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
}

#[test]
fn what_is_sent_again_is_answered_again_and_done_once() {
    let mut acme = Acme::new();
    let first = acme.keyed("/connections", &connection("okta"), "a", ADMIN);
    assert_eq!((first.status, replayed(&first)), (201, false));
    let before = acme.dump();
    acme.sleep();
    let again = acme.keyed("/connections", &connection("okta"), "a", ADMIN);
    assert_eq!((again.status, replayed(&again)), (201, true));
    assert_eq!(again.json(), first.json());
    assert_eq!(again.headers["content-type"], "application/json");
    assert_eq!(again.headers["cache-control"], "no-store");
    assert_eq!(acme.dump(), before);
    // Without a key, or with another one, it is another request.
    assert_eq!(acme.admin("POST", "/connections", &connection("okta")).status, 409);
    assert_eq!(acme.keyed("/connections", &connection("okta"), "b", ADMIN).status, 409);
}

#[test]
fn a_refusal_is_answered_again_and_leaves_nothing_else() {
    let mut acme = Acme::new();
    let (events, keys) = (acme.rows("events"), acme.rows("keys"));
    let body = json!({ "name": "x", "scopes": ["root"] });
    let first = acme.keyed("/keys", &body, "a", ADMIN);
    check_problem(&first, (400, "malformed", "`root` is no scope"), "a refusal");
    let again = acme.keyed("/keys", &body, "a", ADMIN);
    assert!(replayed(&again));
    assert_eq!((again.status, again.json()), (400, first.json()));
    assert_eq!(again.headers["content-type"], "application/problem+json");
    assert_eq!((acme.rows("events"), acme.rows("keys")), (events, keys));
}

#[test]
fn the_same_key_with_another_body_is_refused() {
    let mut acme = Acme::new();
    assert_eq!(acme.keyed("/connections", &connection("okta"), "a", ADMIN).status, 201);
    let before = acme.dump();
    let other = acme.keyed("/connections", &connection("entra"), "a", ADMIN);
    let detail = "this `Idempotency-Key` was sent with another query or body";
    check_problem(&other, (422, "contradictory", detail), "another body");
    assert_eq!(acme.dump(), before);
}

#[test]
fn the_same_key_with_another_query_is_refused() {
    let mut acme = Acme::new();
    let schema = json!({
        "id": "urn:acme:scim:extension:staff:1.0:User", "name": "Staff", "resourceTypes": ["User"],
        "attributes": [{ "name": "badge", "type": "string" }],
    });
    let tried = acme.keyed("/schemas?dryRun=true", &schema, "a", ADMIN);
    assert_eq!((tried.status, replayed(&tried)), (200, false));
    let detail = "this `Idempotency-Key` was sent with another query or body";
    for query in ["", "?dryRun=false", "?dryRun=true&dryRun=true", "?dryRun=true&x="] {
        let path = format!("/schemas{query}");
        let other = acme.keyed(&path, &schema, "a", ADMIN);
        check_problem(&other, (422, "contradictory", detail), query);
    }
    assert!(replayed(&acme.keyed("/schemas?dryRun=true", &schema, "a", ADMIN)));
    let done = acme.keyed("/schemas", &schema, "b", ADMIN);
    assert_eq!((done.status, replayed(&done)), (201, false));
}

#[test]
fn a_key_is_of_one_principal_and_one_path() {
    let mut acme = Acme::new();
    let config = acme.mint(&["config:write"]);
    assert_eq!(acme.keyed("/connections", &connection("okta"), "a", ADMIN).status, 201);
    let theirs = acme.keyed("/connections", &connection("entra"), "a", &config);
    assert_eq!((theirs.status, replayed(&theirs)), (201, false));
    let key = json!({ "name": "x", "scopes": ["scim"] });
    let elsewhere = acme.keyed("/keys", &key, "a", ADMIN);
    assert_eq!((elsewhere.status, replayed(&elsewhere)), (201, false));
    assert_eq!(acme.connection_ids(), ["entra", "okta"]);
}

#[test]
fn a_secret_is_shown_once_and_not_kept() {
    let mut acme = Acme::new();
    let body = json!({ "name": "x", "scopes": ["scim"] });
    let first = acme.keyed("/keys", &body, "a", ADMIN).json();
    let secret = first["key"].as_str().expect("a key").to_owned();
    let again = acme.keyed("/keys", &body, "a", ADMIN);
    assert_eq!((again.status, replayed(&again)), (201, true));
    let mut without = first;
    without.as_object_mut().expect("an object").shift_remove("key");
    assert_eq!(again.json(), without);
    // Neither the secret nor the text by which the client asked is in any row, as text or bytes.
    let hex = |text: &str| format!("{:?}", text.as_bytes());
    let dump = format!("{:?}", acme.dump());
    let inner = |text: &str| hex(text).trim_matches(['[', ']']).to_owned();
    assert!(!dump.contains(&secret) && !dump.contains(&inner(&secret)));
    assert!(dump.contains(&inner("\"scopes\":[\"scim\"]")), "bodies are seen in this form");
}

#[test]
fn an_answer_is_kept_for_a_day() {
    let mut acme = Acme::new();
    acme.keyed("/connections", &connection("okta"), "a", ADMIN);
    acme.wait(limits::IDEMPOTENCY_TTL_SECONDS - 1);
    assert!(replayed(&acme.keyed("/connections", &connection("okta"), "a", ADMIN)));
    acme.wait(1);
    let late = acme.keyed("/connections", &connection("okta"), "a", ADMIN);
    assert_eq!((late.status, replayed(&late)), (409, false));
    assert_eq!(acme.rows("idempotency"), 1, "what has expired is swept");
}

#[test]
fn so_many_answers_are_kept() {
    let mut acme = Acme::new();
    let body = json!({});
    for number in 0..limits::IDEMPOTENCY_KEYS {
        assert_eq!(acme.keyed("/connections", &body, &number.to_string(), ADMIN).status, 400);
    }
    let detail = "too many requests with an Idempotency-Key were made within a day";
    let before = acme.dump();
    let one_more = acme.keyed("/connections", &connection("okta"), "x", ADMIN);
    check_problem(&one_more, (409, "conflict", detail), "one more");
    assert!(acme.dump() == before);
    assert!(replayed(&acme.keyed("/connections", &body, "0", ADMIN)), "what is kept is answered");
    acme.wait(limits::IDEMPOTENCY_TTL_SECONDS);
    assert_eq!(acme.keyed("/connections", &connection("okta"), "x", ADMIN).status, 201);
    assert_eq!(acme.rows("idempotency"), 1);
}

#[test]
fn a_key_has_so_many_characters() {
    let mut acme = Acme::new();
    let most = limits::IDEMPOTENCY_KEY_CHARACTERS;
    let long = acme.keyed("/connections", &connection("okta"), &"é".repeat(most + 1), ADMIN);
    let detail = format!("`Idempotency-Key` has more than {most} characters");
    check_problem(&long, (400, "malformed", &detail), "a long key");
    assert_eq!(
        acme.keyed("/connections", &connection("okta"), &"é".repeat(most), ADMIN).status,
        201
    );
}

#[test]
fn a_large_answer_is_kept_without_its_body() {
    let mut acme = Acme::new();
    let attribute = |number: usize| {
        let description = "x".repeat(limits::DESCRIPTION_CHARACTERS);
        let parts: Vec<Value> = (0..30)
            .map(|part| json!({ "name": format!("p{part}"), "type": "string", "description": description }))
            .collect();
        json!({ "name": format!("a{number}"), "type": "complex", "subAttributes": parts })
    };
    let urn = "urn:acme:scim:extension:staff:1.0:User";
    let schema = |attributes: usize| {
        let attributes: Vec<Value> = (0..attributes).map(attribute).collect();
        json!({ "id": urn, "name": "Staff", "resourceTypes": ["User"], "attributes": attributes })
    };
    let first = acme.keyed("/schemas", &schema(20), "a", ADMIN);
    assert_eq!(first.status, 201);
    assert!(first.body.len() > limits::IDEMPOTENCY_BODY_BYTES);
    let again = acme.keyed("/schemas", &schema(20), "a", ADMIN);
    assert_eq!((again.status, again.body.len(), replayed(&again)), (201, 0, true));
}

#[test]
fn a_failure_of_the_service_is_not_kept() {
    let mut acme = Acme::new();
    let create = |acme: &mut Acme| acme.keyed("/connections", &connection("okta"), "a", ADMIN);
    let (reply, count) = acme.failing_everywhere(create, |acme, statements, reply| {
        assert_eq!(reply.status, 500, "at {statements}");
        acme.sleep();
        assert_eq!((acme.rows("idempotency"), acme.rows("connections")), (0, 0));
    });
    assert_eq!((reply.status, replayed(&reply)), (201, false));
    assert!(count > 3, "it has failed at several places");
    assert!(replayed(&acme.keyed("/connections", &connection("okta"), "a", ADMIN)));
}

#[test]
fn what_is_no_post_of_the_admin_api_is_done_as_often_as_it_is_sent() {
    let mut acme = Acme::new();
    let headers = [("Idempotency-Key", "a")];
    let key = acme.key.clone();
    for (name, status) in [("ada", 201), ("bob", 201), ("ada", 409)] {
        let body = json!({ "userName": name });
        assert_eq!(acme.scim_with("POST", "/Users", &body, &key, &headers).status, status);
    }
    // Nor is what something comes of outside, or is signed there.
    acme.hook("crm");
    acme.stream(&json!({ "id": "erp", "kind": "setPoll" }));
    for (path, status) in [("/streams/crm/test", 202), ("/streams/erp/poll", 200)] {
        for _ in 0..2 {
            let reply = acme.keyed(path, &json!({}), "b", ADMIN);
            assert_eq!((reply.status, replayed(&reply)), (status, false), "{path}");
        }
    }
    assert_eq!(acme.rows("idempotency"), 0);
    let described: Value = serde_json::from_slice(&openapi().body).expect("JSON");
    for (action, takes) in [("replay", true), ("test", false), ("poll", false)] {
        let path = format!("/v1/tenants/{{tenant}}/streams/{{stream}}/{action}");
        let post = described["paths"][path]["post"].to_string();
        assert_eq!(post.contains("idempotencyKey"), takes, "{post}");
    }
}
