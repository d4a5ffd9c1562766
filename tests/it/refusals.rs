//! Refusals below `/v1`: what is asked for and not meant so is refused, and the answer says why.

use std::collections::BTreeMap;

use muster::http::{Refusal, Url};
use serde_json::{Value, json};

use crate::steps::check_problem;
use crate::support::{ADMIN, Acme, ORIGIN};

/// Lines of an export with one that ends a page, if they have none.
pub(crate) fn ended(lines: &str) -> String {
    let last = lines.trim_end().lines().last().unwrap_or_default();
    let begins = ["{\"next\"", "{\"end\""].iter().any(|begin| last.starts_with(begin));
    let ends = begins && !last.contains("\"kind\"");
    if ends { lines.to_owned() } else { format!("{lines}\n{{\"end\":true,\"seq\":0}}\n") }
}

#[test]
fn an_import_that_was_cut_is_refused() {
    let mut acme = Acme::new();
    acme.user("ada");
    let whole = acme.export(1_000).concat();
    let mut other = Acme::named("other");
    let url = format!("{ORIGIN}/v1/tenants/other/import");
    let mut import = |lines: &[u8]| other.fetch("POST", &url, &BTreeMap::new(), lines, ADMIN);
    let lines: Vec<&str> = whole.lines().collect();
    let ends: Vec<usize> = (0..lines.len()).filter(|n| lines[*n].contains("\"next\"")).collect();
    let detail = "the body was cut: its last line does not end a page of an export";
    for count in (0..lines.len()).filter(|count| *count == 0 || !ends.contains(&(count - 1))) {
        let reply = import(lines[..count].join("\n").as_bytes());
        check_problem(&reply, (400, "malformed", detail), &format!("{count} lines"));
    }
    assert_eq!(import(whole.as_bytes()).status, 200);
}

#[test]
fn a_part_of_no_import_is_refused() {
    let mut acme = Acme::new();
    let headers = BTreeMap::from([("Content-Type".to_owned(), "text/csv".to_owned())]);
    let detail = "`part` is of an import that has begun, `…/imports/{id}`";
    for (part, status) in [("0", 400), ("2", 400), ("1", 201)] {
        let url = format!("{ORIGIN}/v1/tenants/acme/imports?part={part}");
        let reply = acme.fetch("POST", &url, &headers, b"userName\nada\n", ADMIN);
        assert_eq!(reply.status, status, "{part}");
        if status == 400 {
            check_problem(&reply, (400, "malformed", detail), part);
        }
    }
    assert_eq!(acme.rows("imports"), 1);
}

#[test]
fn a_request_that_says_nothing_takes_no_fields() {
    let mut acme = Acme::new();
    acme.connect("okta");
    let id = acme.user("ada");
    for (path, of) in [
        (format!("/users/{id}/suspend"), "such a decision"),
        (format!("/users/{id}/restore"), "such a decision"),
        ("/matches/okta:1/accept".to_owned(), "such a decision"),
        ("/recompute".to_owned(), "a computation"),
        ("/connections/okta/disable".to_owned(), "such a request"),
        ("/connections/okta/test".to_owned(), "a test"),
    ] {
        let detail = format!("`foo` is no field of {of}");
        acme.admin_refused("POST", &path, &json!({ "foo": 1 }), (400, "malformed", &detail));
    }
    for path in [format!("/users/{id}/suspend"), "/recompute".to_owned()] {
        assert_eq!(acme.admin("POST", &path, &json!({})).status, 200, "{path}");
    }
}

#[test]
fn what_is_not_there_is_told_by_its_kind() {
    let mut acme = Acme::new();
    acme.connect("okta");
    let id = acme.user("ada");
    let grants = format!("/users/{id}/grants");
    acme.admin("POST", &grants, &json!({ "role": "owner", "scope": "org/finance" }));
    let in_scope = "grant in this scope, which is `company` unless `scope` says another";
    for (method, path, what) in [
        ("GET", "/connections/none", "connection"),
        ("GET", "/connections/none/health", "connection"),
        ("GET", "/connections/none/secrets", "connection"),
        ("DELETE", "/connections/okta/secrets/none", "secret"),
        ("DELETE", "/connections/okta/trusts/none", "trust"),
        ("GET", "/keys/none", "key"),
        ("POST", "/keys/none/rotate", "key"),
        ("GET", "/streams/none", "stream"),
        ("GET", "/imports/none", "import"),
        ("GET", "/schemas/urn:none", "schema"),
        ("GET", "/mappings/none/diagnostics", "mapping"),
        ("GET", "/users/none/access", "user"),
        ("GET", "/users/none/timeline", "user"),
        ("GET", "/access?userName=none", "user"),
        ("POST", "/users/none/suspend", "user"),
        ("POST", "/changes/1/approve", "change"),
        ("POST", "/matches/okta:1/accept", "match"),
        ("DELETE", &format!("{grants}?role=owner"), in_scope),
    ] {
        let detail = format!("there is no such {what}");
        acme.admin_refused(method, path, &Value::Null, (404, "not_found", &detail));
    }
    let with_scope = format!("{grants}?role=owner&scope=org/finance");
    assert_eq!(acme.admin("DELETE", &with_scope, &Value::Null).status, 204);
}

#[test]
fn a_scope_that_is_missing_is_named() {
    let mut acme = Acme::new();
    let key = acme.mint(&["jit"]);
    for (path, detail) in [
        ("/keys", "the key lacks the scope `keys:write`"),
        ("", "this is the administrator's alone"),
    ] {
        let path = format!("/v1/tenants/acme{path}");
        let reply = acme.ask("GET", &path, &Value::Null, &key);
        check_problem(&reply, (403, "insufficient_scope", detail), &path);
    }
    let users = acme.scim_with("GET", "/.search", &Value::Null, &key, &[]);
    assert_eq!(users.status, 405);
    let found = acme.scim_with("POST", "/.search", &json!({}), &key, &[]).json();
    let detail = "the key lacks the scope `scim.users:read` or `scim.groups:read`";
    assert_eq!(found["detail"], detail);
}

#[test]
fn public_keys_are_none_of_scim() {
    for (path, scim) in [
        ("/t/acme/.well-known/jwks.json", false),
        ("/t/acme/oauth/token", false),
        ("/t/acme/scim/v2/Users", true),
        ("/t/acme/elsewhere", true),
    ] {
        let url = format!("{ORIGIN}{path}");
        let url = Url::split(&url).unwrap();
        assert_eq!(url.is_scim(), scim, "{path}");
        let refused = Refusal::MethodNotAllowed(&[]).to_response(url.is_scim());
        let expected = if scim { "application/scim+json" } else { "application/problem+json" };
        assert_eq!(refused.header("content-type"), Some(expected));
    }
}

#[test]
fn what_is_missing_is_not_called_something_else() {
    let mut acme = Acme::new();
    let missing = (400, "malformed", "`url` is missing");
    acme.admin_refused("POST", "/streams", &json!({}), missing);
    let feed = json!({ "name": "a\nb", "scopes": ["scim"] });
    acme.admin_refused(
        "POST",
        "/keys",
        &feed,
        (400, "malformed", "`name` has a control character"),
    );
}
