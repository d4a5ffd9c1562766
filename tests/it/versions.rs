//! RFC 7644 §3.14: versions, and requests that depend on one.

use serde_json::{Value, json};

use crate::steps::{check_error, patch_op};
use crate::support::Acme;

/// The version of what is at a path, which the ETag repeats.
#[track_caller]
fn version(acme: &mut Acme, path: &str) -> String {
    let reply = acme.scim("GET", path, &Value::Null);
    let version = reply.json()["meta"]["version"].as_str().expect("a version").to_owned();
    assert_eq!(reply.headers["etag"], version);
    version
}

fn ask(acme: &mut Acme, method: &str, path: &str, header: (&str, &str)) -> (u16, usize) {
    let key = acme.key.clone();
    let body = match method {
        "PUT" => json!({ "userName": "ada", "displayName": "ada", "nickName": header.1 }),
        "PATCH" => {
            patch_op(&json!([{ "op": "replace", "path": "displayName", "value": header.1 }]))
        }
        _ => Value::Null,
    };
    let reply = acme.scim_with(method, path, &body, &key, &[header]);
    if reply.status == 412 {
        let detail = "the resource has changed since the version given";
        check_error(&reply, (412, "", detail), method);
    }
    (reply.status, reply.body.len())
}

/// A user and a group, each in its second version; their paths.
fn given() -> (Acme, [String; 2]) {
    let mut acme = Acme::new();
    let paths =
        [format!("/Users/{}", acme.user("ada")), format!("/Groups/{}", acme.group("x", &[]))];
    for path in &paths {
        acme.patch(path, &json!([{ "op": "replace", "path": "displayName", "value": "second" }]));
        assert_eq!(version(&mut acme, path), "W/\"2\"");
    }
    (acme, paths)
}

#[test]
fn a_write_that_depends_on_another_version_is_412() {
    let (mut acme, paths) = given();
    let before = acme.dump();
    for path in &paths {
        for method in ["PUT", "PATCH", "DELETE"] {
            for stale in ["W/\"1\"", "\"1\"", "W/\"3\"", "W/\"1\", W/\"3\"", "2x", "\"\"", "W/"] {
                assert_eq!(ask(&mut acme, method, path, ("If-Match", stale)).0, 412, "{stale}");
            }
        }
    }
    assert_eq!(acme.dump(), before);
    let absent = ask(&mut acme, "DELETE", "/Users/nobody", ("If-Match", "W/\"1\""));
    assert_eq!(absent.0, 404);
}

#[test]
fn a_write_that_depends_on_the_version_there_is_done() {
    for current in ["W/\"2\"", "\"2\"", "*", "W/\"1\", W/\"2\"", " W/\"2\" "] {
        for method in ["PUT", "PATCH", "DELETE"] {
            let (mut acme, paths) = given();
            for path in &paths {
                let (status, _) = ask(&mut acme, method, path, ("If-Match", current));
                assert!([200, 204].contains(&status), "{method} {current}: {status}");
            }
        }
    }
}

#[test]
fn a_read_of_a_version_that_is_known_is_304() {
    let (mut acme, paths) = given();
    for path in &paths {
        for known in ["W/\"2\"", "\"2\"", "*", "W/\"7\", W/\"2\""] {
            assert_eq!(ask(&mut acme, "GET", path, ("If-None-Match", known)), (304, 0), "{known}");
        }
        for other in ["W/\"1\"", "\"22\"", "W/\"1\", W/\"3\""] {
            assert_eq!(ask(&mut acme, "GET", path, ("If-None-Match", other)).0, 200, "{other}");
        }
        let key = acme.key.clone();
        let header = [("If-None-Match", "W/\"2\"")];
        let reply = acme.scim_with("GET", path, &Value::Null, &key, &header);
        assert_eq!(reply.headers["etag"], "W/\"2\"");
    }
}

#[test]
fn a_version_changes_with_each_change_and_only_then() {
    let (mut acme, [user, group]) = given();
    let id = user.trim_start_matches("/Users/").to_owned();
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
    for (path, operations, expected) in [
        (&group, &add, ["W/\"2\"", "W/\"3\""]),
        (&group, &add, ["W/\"2\"", "W/\"3\""]),
        (&user, &json!([{ "op": "replace", "value": { "title": "x" } }]), ["W/\"3\"", "W/\"3\""]),
        (&user, &json!([{ "op": "replace", "value": { "title": "x" } }]), ["W/\"3\"", "W/\"3\""]),
        (&group, &json!([{ "op": "remove", "path": "members" }]), ["W/\"3\"", "W/\"4\""]),
    ] {
        let reply = acme.patch(path, operations);
        let versions = [version(&mut acme, &user), version(&mut acme, &group)];
        assert_eq!(versions, expected, "{operations}");
        let own = versions.into_iter().nth(usize::from(path == &group)).expect("a version");
        assert_eq!(reply.headers["etag"], own, "{operations}");
    }
}
