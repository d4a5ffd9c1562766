//! RFC 7644 §3.12: what a client is told, byte for byte, and that it is told nothing it sent.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::scenario::{Reply, Server as _};
use crate::steps::{Refused, check_error, patch_op};
use crate::support::Acme;

/// Sends bytes with a media type.
fn send(acme: &mut Acme, method: &str, path: &str, media_type: Option<&str>, body: &[u8]) -> Reply {
    let header = media_type.map(|value| ("Content-Type".to_owned(), value.to_owned()));
    acme.send(method, path, &header.into_iter().collect::<BTreeMap<_, _>>(), body)
}

#[track_caller]
fn check(acme: &mut Acme, method: &str, path: &str, body: &Value, error: Refused<'_>) {
    acme.refused(method, path, body, error);
}

#[test]
fn a_body_that_is_no_json_is_told_where() {
    let mut acme = Acme::new();
    let user = format!("/Users/{}", acme.user("ada"));
    let before = acme.dump();
    for (body, place) in [
        (&br#"{"userName": "Lovelace", }"#[..], "line 1, column 26"),
        (b"{\n  \"userName\": \"Lovelace", "line 2, column 23"),
        (b"", "line 1, column 0"),
        (b"Lovelace", "line 1, column 1"),
        (br#"{"userName": "\x"}"#, "line 1, column 16"),
        (b"{\"userName\": \"Love\xfface\"}", "line 1, column 19"),
        (br#"{"userName": "Lovelace"} {}"#, "line 1, column 26"),
    ] {
        let detail = format!("the body is not JSON at {place}");
        for (method, path) in [
            ("POST", "/Users"),
            ("PUT", &user),
            ("PATCH", &user),
            ("POST", "/.search"),
            ("POST", "/Bulk"),
        ] {
            let reply = send(&mut acme, method, path, Some("application/scim+json"), body);
            check_error(&reply, (400, "invalidSyntax", &detail), &String::from_utf8_lossy(body));
        }
    }
    let deep = "[".repeat(100_000);
    for (body, detail) in [
        (deep.as_str(), "the body is nested too deeply at line 1, column 128"),
        (
            r#"{"userName": 1e999}"#,
            "the body has a number that is out of range at line 1, column 18",
        ),
    ] {
        let reply = send(&mut acme, "POST", "/Users", None, body.as_bytes());
        check_error(&reply, (400, "invalidSyntax", detail), detail);
    }
    assert_eq!(acme.dump(), before);
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let mut acme = Acme::new();
    let user = format!("/Users/{}", acme.user("ada"));
    for body in [json!([]), json!("Lovelace"), json!(7), json!([{ "userName": "Lovelace" }])] {
        for (method, path) in [
            ("POST", "/Groups"),
            ("PUT", &user),
            ("PATCH", &user),
            ("POST", "/Users/.search"),
            ("POST", "/Bulk"),
        ] {
            let error = (400, "invalidSyntax", "the body is not a JSON object");
            check(&mut acme, method, path, &body, error);
        }
    }
}

#[test]
fn a_media_type_other_than_json_is_415() {
    let mut acme = Acme::new();
    let before = acme.dump();
    let body = json!({ "userName": "ada" }).to_string();
    for refused in
        ["text/plain", "application/xml", "application/jsonp", "multipart/form-data; a=b", "json"]
    {
        let reply = send(&mut acme, "POST", "/Users", Some(refused), body.as_bytes());
        let detail = "the body must be application/scim+json or application/json";
        check_error(&reply, (415, "", detail), refused);
    }
    assert_eq!(acme.dump(), before);
    for (number, taken) in [
        None,
        Some("application/scim+json"),
        Some("application/json"),
        Some("Application/JSON; charset=utf-8"),
        Some(" application/scim+json ;charset=UTF-8"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "userName": format!("u{number}") }).to_string();
        assert_eq!(
            send(&mut acme, "POST", "/Users", taken, body.as_bytes()).status,
            201,
            "{taken:?}"
        );
    }
}

#[test]
fn a_value_that_does_not_fit_is_told_by_its_path() {
    let mut acme = Acme::new();
    let user = format!("/Users/{}", acme.user("ada"));
    for (body, detail) in [
        (json!({ "title": "Countess" }), "`userName` is required"),
        (json!({ "userName": "" }), "`userName` is required"),
        (json!({ "userName": null }), "`userName` is required"),
        (json!({ "userName": ["Lovelace", "Byron"] }), "`userName` must be a string"),
        (json!({ "userName": { "a": "Lovelace" } }), "`userName` must be a string"),
        (json!({ "userName": "a", "active": "Lovelace" }), "`active` must be a boolean"),
        (json!({ "userName": "a", "name": "Lovelace" }), "`name` must be an object"),
        (
            json!({ "userName": "a", "name": { "givenName": true } }),
            "`name.givenName` must be a string",
        ),
        (
            json!({ "userName": "a", "emails": [{ "value": ["Lovelace", "x"] }] }),
            "`emails.value` must be a string",
        ),
    ] {
        let error = (400, "invalidValue", detail);
        check(&mut acme, "POST", "/Users", &body, error);
        check(&mut acme, "PUT", &user, &body, error);
    }
}

#[test]
fn a_filter_that_means_nothing_is_told_by_its_position() {
    let mut acme = Acme::new();
    for (filter, detail) in [
        (
            "userName",
            "expected an operator: eq, ne, co, sw, ew, gt, ge, lt, le or pr at position 8",
        ),
        ("userName eq", "expected a value at position 11"),
        (
            "userName is \"Lovelace\"",
            "expected an operator: eq, ne, co, sw, ew, gt, ge, lt, le or pr at position 9",
        ),
        ("(userName eq \"Lovelace\"", "expected `and`, `or` or `)` at position 23"),
        ("userName eq \"Lovelace\" and", "expected an attribute at position 26"),
        ("colour eq \"Lovelace\"", "unknown attribute `colour` at position 0"),
        ("active gt true", "`active` has no `gt` at position 7"),
        ("active eq \"Lovelace\"", "`active` takes true or false at position 10"),
        (
            "meta.created gt \"Lovelace\"",
            "`meta.created` takes a dateTime such as 2026-01-31T08:00:00Z at position 16",
        ),
    ] {
        let error = (400, "invalidFilter", detail);
        let query: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        check(&mut acme, "GET", &format!("/Users?filter={query}"), &Value::Null, error);
        check(&mut acme, "POST", "/Users/.search", &json!({ "filter": filter }), error);
    }
}

#[test]
fn an_operation_that_cannot_be_applied_is_told_by_its_number() {
    let mut acme = Acme::new();
    let body = json!({ "userName": "ada", "emails": [{ "value": "a@b", "type": "work" }] });
    let user = format!("/Users/{}", acme.made("/Users", &body));
    let fine = json!({ "op": "replace", "path": "title", "value": "Countess" });
    let filtered = |filter: &str| format!("emails[{filter}].value");
    for (operation, scim_type) in [
        (json!({ "op": "copy", "path": "title", "value": "Lovelace" }), "invalidSyntax"),
        (json!({ "op": "replace", "path": "title" }), "invalidValue"),
        (json!({ "op": "replace", "value": "Lovelace" }), "invalidValue"),
        (json!({ "op": "replace", "path": "active", "value": "Lovelace" }), "invalidValue"),
        (json!({ "op": "replace", "path": "1title", "value": "Lovelace" }), "invalidPath"),
        (json!({ "op": "replace", "path": "title[x pr]", "value": "Lovelace" }), "invalidPath"),
        (json!({ "op": "replace", "path": filtered("x eq 1"), "value": "x" }), "invalidFilter"),
        (json!({ "op": "replace", "path": filtered("type sw \"x\""), "value": "x" }), "noTarget"),
        (json!({ "op": "remove" }), "noTarget"),
        (json!({ "op": "remove", "path": "userName" }), "mutability"),
        (json!({ "op": "replace", "path": "id", "value": "Lovelace" }), "mutability"),
    ] {
        let before = acme.dump();
        let reply = acme.scim("PATCH", &user, &patch_op(&json!([fine, operation])));
        let detail = reply.json()["detail"].as_str().unwrap_or_default().to_owned();
        check_error(&reply, (400, scim_type, &detail), &operation.to_string());
        assert!(detail.starts_with("operation 2: "), "{operation}: {detail}");
        assert_eq!(acme.dump(), before, "{operation}");
    }
    for (body, detail) in [
        (json!({}), "`Operations` must be a list of one or more operations"),
        (json!({ "Operations": [] }), "`Operations` must be a list of one or more operations"),
        (
            json!({ "Operations": "Lovelace" }),
            "`Operations` must be a list of one or more operations",
        ),
        (json!({ "Operations": ["Lovelace"] }), "operation 1: must be an object"),
    ] {
        check(&mut acme, "PATCH", &user, &body, (400, "invalidSyntax", detail));
    }
}

#[test]
fn what_is_not_there_is_404_and_what_is_not_done_is_501() {
    let mut acme = Acme::new();
    let (user, group) = (acme.user("ada"), acme.group("crew", &[]));
    let operations = json!([{ "op": "remove", "path": "title" }]);
    let body = json!({ "userName": "x", "displayName": "x", "Operations": operations });
    let absent = (404, "", "there is no such resource");
    for path in [
        "/Users/nobody".to_owned(),
        "/Users/%00".to_owned(),
        format!("/Users/{}", user.to_uppercase()),
        format!("/Users/{group}"),
        format!("/Groups/{user}"),
    ] {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            check(&mut acme, method, &path, &body, absent);
        }
    }
    let no_path = (404, "", "there is no such path");
    for path in ["/Robots", "/users", "/Users/a/b", "", "/Users//", "/../acme/Users", "/Users/%ff"]
    {
        for method in ["GET", "POST", "DELETE"] {
            check(&mut acme, method, path, &body, no_path);
        }
    }
    let not_done = (501, "", "this operation is not supported");
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        check(&mut acme, method, "/Me", &body, not_done);
    }
    for (method, path, allow) in [
        ("DELETE", "/Users".to_owned(), "GET, HEAD, POST"),
        ("POST", format!("/Users/{user}"), "GET, HEAD, PUT, PATCH, DELETE"),
        ("GET", "/Users/.search".to_owned(), "POST"),
        ("OPTIONS", "/Groups".to_owned(), "GET, HEAD, POST"),
    ] {
        let reply = acme.scim(method, &path, &body);
        check_error(&reply, (405, "", "the endpoint does not take this method"), &path);
        assert_eq!(reply.headers["allow"], allow, "{method} {path}");
    }
}

#[test]
fn an_error_is_of_the_media_type_that_was_asked_for() {
    let mut acme = Acme::new();
    let key = acme.key.clone();
    for (accept, expected) in [
        ("application/json", "application/json"),
        ("application/scim+json", "application/scim+json"),
        ("application/scim+json, application/json;q=0.5", "application/scim+json"),
        ("*/*", "application/scim+json"),
    ] {
        let header = [("Accept", accept)];
        let reply = acme.scim_with("GET", "/Users/nobody", &Value::Null, &key, &header);
        assert_eq!((reply.status, reply.headers["content-type"].as_str()), (404, expected));
        let reply = acme.scim_with("GET", "/Users", &Value::Null, &key, &header);
        assert_eq!((reply.status, reply.headers["content-type"].as_str()), (200, expected));
    }
}

#[test]
fn no_error_repeats_what_was_sent() {
    let mut acme = Acme::new();
    let secret = "Lovelace";
    let id = acme.made("/Users", &json!({ "userName": secret, "emails": [{ "value": secret }] }));
    let path = format!("/Users/{id}");
    let group = format!("/Groups/{}", acme.group("crew", &[]));
    let op = |op: &str, path: &str, value: Value| {
        patch_op(&json!([{ "op": op, "path": path, "value": value }]))
    };
    for (method, path, body) in [
        ("POST", "/Users", json!({ "userName": secret.to_uppercase() })),
        ("POST", "/Users", json!({ "userName": "x", "active": secret })),
        ("POST", "/Users", json!({ "userName": "x", "emails": { "value": [secret, secret] } })),
        ("POST", "/Groups", json!({ "displayName": secret, "members": [secret] })),
        ("POST", "/Groups", json!({ "displayName": secret, "members": [{ "display": secret }] })),
        ("PUT", &path, json!({ "userName": { "secret": secret } })),
        ("PATCH", &path, op("replace", "active", json!(secret))),
        ("PATCH", &path, op("replace", "name", json!(secret))),
        ("PATCH", &path, op("replace", "emails[value eq \"Lovelace\"", json!("x"))),
        (
            "PATCH",
            &path,
            op("replace", "emails[not (value ne \"Lovelace\") and type eq \"x\"].type", json!("x")),
        ),
        ("PATCH", &path, op("replace", "title[value eq \"Lovelace\"]", json!("x"))),
        ("PATCH", &group, op("add", "members", json!([secret]))),
        ("PATCH", &group, op("replace", "members[value eq \"Lovelace\"].display", json!("x"))),
        ("POST", "/.search", json!({ "filter": "userName eq \"Lovelace\" or" })),
        ("POST", "/.search", json!({ "filter": "active eq \"Lovelace\"" })),
        ("POST", "/.search", json!({ "count": secret })),
        ("GET", "/Users/Lovelace", Value::Null),
        ("GET", "/Users?startIndex=Lovelace", Value::Null),
    ] {
        let reply = acme.scim(method, path, &body);
        assert!((400..500).contains(&reply.status), "{method} {path} {body}: {}", reply.status);
        let text = String::from_utf8_lossy(&reply.body).to_lowercase();
        assert!(!text.contains("lovelace"), "{method} {path} {body}: {text}");
    }
}
