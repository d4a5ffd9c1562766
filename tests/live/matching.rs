//! Users who are there before their identity provider, over HTTP: imported, proposed, linked, unlinked.

use serde_json::{Value, json};

use crate::tenant::Tenant;

const ROWS: usize = 1_000;

#[test]
fn users_are_imported_matched_with_a_connection_and_unlinked() {
    let acme = Tenant::connected("matching", "okta");
    let row = |number: usize| format!("u{number},u{number}@acme.test\n");
    let table: String =
        ["userName,emails\n".to_owned()].into_iter().chain((1..=ROWS).map(row)).collect();
    let import = |query: &str| {
        let ask = acme.admin("POST", &format!("/imports{query}"));
        ask.header("content-type", "text/csv").body(table.clone())
    };
    assert_eq!(import("?dryRun=true").is(200).json()["created"], ROWS);
    let begun = import("").is(201).json();
    assert_eq!((&begun["created"], &begun["failed"]), (&json!(ROWS), &json!(0)));
    let next = format!("/{}?part=2", begun["id"].as_str().expect("an id"));
    assert_eq!(import(&next).is(200).json()["unchanged"], ROWS);
    let refused = acme.admin("POST", "/imports").header("content-type", "text/plain").body("x");
    refused.is(415);

    let made = json!({ "userName": "U7", "emails": [{ "value": "u7@acme.test" }] });
    acme.scim("POST", "/Users").json(&made).is(409).is_scim_error("uniqueness");
    let proposed = acme.admin("GET", "/matches?connection=okta").is(200).json();
    let (id, user) = (&proposed["items"][0]["id"], &proposed["items"][0]["user"]);
    let (id, user) = (id.as_str().expect("an id"), user.as_str().expect("an id"));
    acme.admin("POST", &format!("/matches/{id}/accept")).is(200);
    assert_eq!(acme.scim("POST", "/Users").json(&made).is(201).json()["id"], user);

    let decision = json!({ "connection": "okta" });
    acme.admin("POST", &format!("/users/{user}/unlink")).json(&decision).is(200);
    acme.scim("GET", &format!("/Users/{user}")).is(404);
    let total = |reply: Value| reply["totalResults"].as_u64().expect("a count");
    assert_eq!(total(acme.scim("GET", "/Users?count=1").is(200).json()), ROWS as u64 - 1);
    acme.admin("POST", &format!("/users/{user}/link")).json(&decision).is(200);
    acme.scim("GET", &format!("/Users/{user}")).is(200);
    assert_eq!(total(acme.scim("GET", "/Users?count=1").is(200).json()), ROWS as u64);
}
