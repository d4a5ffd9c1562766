//! The audit trail: what a tenant, or one of its keys, has done, as lines of JSON.

use serde_json::{Value, json};

use crate::steps::check_problem;
use crate::support::{ADMIN, Acme};

impl Acme {
    /// The lines of a page.
    fn trail(&mut self, query: &str) -> Vec<Value> {
        let reply = self.admin("GET", &format!("/events?format=ndjson&{query}"), &Value::Null);
        assert_eq!(reply.status, 200);
        assert_eq!(reply.headers["content-type"], "application/x-ndjson");
        let text = String::from_utf8(reply.body).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

#[test]
fn the_trail_of_a_tenant_is_read_in_pages_to_its_end() {
    let mut acme = Acme::new();
    for name in ["a", "b", "c"] {
        acme.user(name);
    }
    let (mut walked, mut after) = (Vec::new(), String::from("0"));
    loop {
        let mut page = acme.trail(&format!("limit=2&after={after}"));
        let last = page.pop().expect("a last line");
        walked.extend(page);
        match last["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => {
                assert_eq!(last, json!({ "end": true, "seq": 4 }));
                break;
            }
        }
    }
    assert_eq!(walked, acme.events());
    assert_eq!(acme.trail("after=4"), [json!({ "end": true, "seq": 4 })]);
}

#[test]
fn the_trail_of_a_key_has_what_that_key_did() {
    let mut acme = Acme::new();
    let entra = acme.connect("entra");
    acme.user("ada");
    acme.scim_with("POST", "/Users", &json!({ "userName": "bob" }), &entra, &[]);
    let id = acme.admin("GET", "/keys", &Value::Null).json()["items"][1]["id"].clone();
    let actor = format!("key:{}", id.as_str().expect("an id"));
    let lines = acme.trail(&format!("actor={actor}"));
    let types: Vec<&Value> = lines.iter().map(|line| &line["type"]).collect();
    assert_eq!(types, [&json!("user.created"), &Value::Null]);
    assert_eq!((&lines[0]["data"]["actor"], &lines[0]["data"]["seq"]), (&json!(actor), &json!(5)));
    let listed = acme.admin("GET", &format!("/events?actor={actor}"), &Value::Null).json();
    assert_eq!(listed["items"], json!(lines[..1]));
    assert_eq!(acme.trail("actor=admin&type=key.created").len(), 3);
    assert_eq!(acme.trail("actor=key:none").len(), 1);
}

#[test]
fn a_trail_has_one_of_two_formats() {
    let mut acme = Acme::new();
    let reply = acme.admin("GET", "/events?format=xml", &Value::Null);
    check_problem(&reply, (400, "malformed", "`format` is neither json nor ndjson"), "xml");
    assert_eq!(
        acme.admin("GET", "/events?format=json", &Value::Null).json()["items"],
        json!(acme.events())
    );
    let key = acme.mint(&["data:export"]);
    let refused = acme.ask("GET", "/v1/tenants/acme/events?format=ndjson", &Value::Null, &key);
    assert_eq!(refused.status, 403, "it is the feed, and wants its scope");
    assert_eq!(acme.ask("GET", "/v1/tenants/acme/export", &Value::Null, &key).status, 200);
    assert_eq!(
        acme.ask("GET", "/v1/tenants/acme/events?format=ndjson", &Value::Null, ADMIN).status,
        200
    );
}
