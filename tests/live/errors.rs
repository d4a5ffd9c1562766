//! What a client is told that asks for what cannot be: an error of RFC 7644 §3.12 each time.

use muster::limits;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::tenant::Tenant;
use crate::wire::exchange;

/// One more than the Worker takes.
const TOO_MANY_BYTES: usize = limits::BODY_BYTES + 1;

#[test]
fn a_malformed_body_is_invalid_syntax_and_says_where() {
    let acme = Tenant::new("syntax");
    let id = acme.user("ada");
    for (method, path) in [
        ("POST", "/Users".to_owned()),
        ("PUT", format!("/Users/{id}")),
        ("PATCH", format!("/Users/{id}")),
        ("POST", "/Groups".to_owned()),
        ("POST", "/.search".to_owned()),
        ("POST", "/Users/.search".to_owned()),
    ] {
        let ask = acme.scim(method, &path).header("content-type", "application/scim+json");
        let reply = ask.body("{\"userName\":\n oops}").is(400);
        reply.is_scim_error("invalidSyntax");
        let detail = reply.field("/detail");
        assert!(detail.contains("line 2, column 2"), "{detail}");
    }
}

#[test]
fn another_media_type_is_415() {
    let acme = Tenant::new("media-type");
    let id = acme.user("ada");
    for (method, path) in [
        ("POST", "/Users".to_owned()),
        ("PUT", format!("/Users/{id}")),
        ("PATCH", format!("/Users/{id}")),
        ("POST", "/Users/.search".to_owned()),
    ] {
        for media_type in
            ["text/plain", "application/xml", "application/x-www-form-urlencoded", "json", "/", "é"]
        {
            let ask = acme.scim(method, &path).header("content-type", media_type);
            ask.body(r#"{"userName":"bob"}"#).is(415).is_scim_error("");
        }
    }
    for (position, media_type) in
        ["application/scim+json", "application/json", "Application/JSON ; charset=utf-8"]
            .iter()
            .enumerate()
    {
        let body = json!({ "userName": format!("bob{position}") }).to_string();
        acme.scim("POST", "/Users").header("content-type", *media_type).body(body).is(201);
    }
}

#[test]
fn a_compressed_body_is_415_and_a_byte_order_mark_is_passed_over() {
    let acme = Tenant::new("encoded");
    let body = r#"{"userName":"bob"}"#;
    let ask = acme.scim("POST", "/Users").header("content-type", "application/json");
    for (coding, status) in [("gzip", 415), ("br", 415), ("identity", 201)] {
        ask.clone().header("content-encoding", coding).body(body).is(status);
    }
    ask.body("\u{feff}{\"userName\":\"ada\"}").is(201);
}

#[test]
fn a_body_over_the_limit_is_413_however_it_is_sent() {
    let acme = Tenant::new("large");
    let line = format!("POST {}/Users", acme.path());
    let bearer = format!("authorization: Bearer {}", acme.key);
    let body = vec![b' '; TOO_MANY_BYTES];

    let length = format!("content-length: {TOO_MANY_BYTES}");
    let sized = exchange(&line, &[&bearer, "content-type: application/json", &length], &body);
    assert_eq!(sized.status, 413, "{}", sized.text());
    sized.is_scim_error("");

    let chunk = format!("{TOO_MANY_BYTES:x}\r\n");
    let chunked = [chunk.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    let headers = [&*bearer, "content-type: application/json", "transfer-encoding: chunked"];
    let chunked = exchange(&line, &headers, &chunked);
    assert_eq!(chunked.status, 413, "{}", chunked.text());
    chunked.is_scim_error("");

    let admin = acme.admin("POST", "/keys").header("content-type", "application/json");
    admin.body(body).is(413).is_problem("payload_too_large");
    assert_eq!(acme.scim("GET", "/Users").is(200).json()["totalResults"], 0);
}

#[test]
fn a_resource_that_no_row_holds_is_413() {
    let acme = Tenant::new("fat");
    let body = json!({ "userName": "ada", "title": "x".repeat(limits::RESOURCE_BYTES) });
    acme.scim("POST", "/Users").json(&body).is(413).is_scim_error("");
    acme.user("ada");
}

#[test]
fn a_url_over_the_limit_is_414() {
    let acme = Tenant::new("long");
    let long = "x".repeat(limits::URL_BYTES);
    acme.scim("GET", &format!("/Users?filter={long}")).is(414).is_scim_error("");
    acme.scim("GET", &format!("/Users/{long}")).is(414).is_scim_error("");
    acme.admin("GET", &format!("/events?after={long}")).is(414).is_problem("uri_too_long");
}

#[test]
fn a_bad_filter_is_invalid_filter_and_says_where() {
    let acme = Tenant::new("filter");
    for (filter, place) in [
        ("userName eq", "position 11"),
        ("userName xx \"a\"", "position 9"),
        ("(userName eq \"a\"", "position 16"),
        ("userName eq \"a", "position"),
        ("emails[type eq \"work\"", "position"),
        ("nickNam eq \"a\"", "position"),
        ("active gt true", "position"),
    ] {
        let encoded = filter.replace(' ', "%20").replace('"', "%22");
        let asked = acme.scim("GET", &format!("/Users?filter={encoded}")).is(400);
        asked.is_scim_error("invalidFilter");
        assert!(asked.field("/detail").contains(place), "{filter}: {}", asked.text());
        let searched = acme.scim("POST", "/Users/.search").json(&json!({ "filter": filter }));
        assert_eq!(searched.is(400).json(), asked.json());
    }
}

#[test]
fn a_body_that_does_not_fit_the_schema_is_400() {
    let acme = Tenant::new("fit");
    for (path, body) in [
        ("/Users", json!({})),
        ("/Users", json!({ "userName": "" })),
        ("/Users", json!({ "userName": true })),
        ("/Users", json!({ "userName": null })),
        ("/Users", json!({ "userName": ["a", "b"] })),
        ("/Users", json!({ "userName": "a", "active": "perhaps" })),
        ("/Users", json!({ "userName": "a", "name": "Ada" })),
        ("/Users", json!({ "userName": "a", "emails": [{ "value": true }] })),
        ("/Groups", json!({})),
        ("/Groups", json!({ "displayName": { "a": 1 } })),
    ] {
        let reply = acme.scim("POST", path).json(&body).is(400);
        let scim_type = reply.field("/scimType");
        assert!(["invalidValue", "invalidSyntax"].contains(&scim_type.as_str()), "{scim_type}");
        reply.is_scim_error(&scim_type);
    }
    for collection in ["/Users", "/Groups"] {
        assert_eq!(acme.scim("GET", collection).is(200).json()["totalResults"], 0);
    }
}

#[test]
fn an_unknown_member_is_400() {
    let acme = Tenant::new("member");
    let stranger = json!({ "value": "019a0000-0000-7000-8000-000000000000" });
    let body = json!({ "displayName": "Builders", "members": [stranger] });
    acme.scim("POST", "/Groups").json(&body).is(400).is_scim_error("invalidValue");
    let path = format!("/Groups/{}", acme.group("Builders", &[]));
    acme.scim("PUT", &path).json(&body).is(400).is_scim_error("invalidValue");
    let add = json!({ "op": "add", "path": "members", "value": [stranger] });
    acme.patch(&path, &add).is(400).is_scim_error("invalidValue");
    assert!(acme.scim("GET", &path).is(200).json()["members"].is_null());
}

#[test]
fn a_name_that_is_taken_is_409() {
    let acme = Tenant::new("taken");
    acme.user("ada");
    let bob = format!("/Users/{}", acme.user("bob"));
    for name in ["ada", "ADA"] {
        let body = json!({ "userName": name });
        acme.scim("POST", "/Users").json(&body).is(409).is_scim_error("uniqueness");
        acme.scim("PUT", &bob).json(&body).is(409).is_scim_error("uniqueness");
        let replace = json!({ "op": "replace", "path": "userName", "value": name });
        acme.patch(&bob, &replace).is(409).is_scim_error("uniqueness");
    }
    assert_eq!(acme.scim("GET", &bob).is(200).field("/userName"), "bob");
}

#[test]
fn a_stale_version_is_412_and_the_one_that_is_there_passes() {
    let acme = Tenant::new("version");
    let path = format!("/Users/{}", acme.user("ada"));
    let first = acme.scim("GET", &path).is(200);
    let etag = first.header("etag").to_owned();
    assert_eq!(first.field("/meta/version"), etag);
    acme.scim("GET", &path).header("if-none-match", etag.as_str()).is(304);

    let put =
        |title: &str| acme.scim("PUT", &path).json(&json!({ "userName": "ada", "title": title }));
    let second = put("A").header("if-match", etag.as_str()).is(200);
    assert_ne!(second.header("etag"), etag);
    put("B").header("if-match", etag.as_str()).is(412).is_scim_error("");
    let replace = json!({ "op": "replace", "path": "title", "value": "B" });
    acme.patch(&path, &replace).header("if-match", etag.as_str()).is(412).is_scim_error("");
    acme.scim("DELETE", &path).header("if-match", etag.as_str()).is(412).is_scim_error("");
    assert_eq!(acme.scim("GET", &path).is(200).json(), second.json());
    acme.scim("DELETE", &path).header("if-match", second.header("etag")).is(204);
    acme.scim("GET", &path).is(404).is_scim_error("");
}

#[test]
fn what_is_not_there_is_404_and_what_is_not_built_is_501() {
    let acme = Tenant::new("absent");
    let group = acme.group("Builders", &[]);
    for path in [
        "/Users/019a0000-0000-7000-8000-000000000000".to_owned(),
        format!("/Users/{group}"),
        "/Users/x".to_owned(),
        "/Schemas/urn:none".to_owned(),
        "/ResourceTypes/None".to_owned(),
    ] {
        acme.scim("GET", &path).is(404).is_scim_error("");
    }
    let path = "/Users/019a0000-0000-7000-8000-000000000000";
    acme.scim("PUT", path).json(&json!({ "userName": "a" })).is(404).is_scim_error("");
    acme.patch(path, &json!({ "op": "remove", "path": "title" })).is(404).is_scim_error("");
    acme.scim("DELETE", path).is(404).is_scim_error("");
    acme.scim("GET", "/Me").is(501).is_scim_error("");
    acme.scim("POST", "/Bulk").json(&json!({})).is(501).is_scim_error("");
    acme.scim("GET", "/Schemas?filter=id%20pr").is(403).is_scim_error("");
}

#[test]
fn errors_come_in_the_media_type_that_was_asked_for() {
    let acme = Tenant::new("accept");
    let ask = acme.scim("GET", "/Users/x").header("accept", "application/json");
    assert_eq!(ask.is(404).header("content-type"), "application/json");
    let body: Value = acme.scim("GET", "/Users").header("accept", "*/*").is(200).json();
    assert_eq!(body["Resources"], json!([]));
    let health = Ask::new("GET", "/healthz").is(200);
    assert_eq!(health.text(), "");
}
