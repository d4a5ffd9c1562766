//! What is exactly at a bound is taken, and what is one above it is not; `limits` has what is told.

use muster::limits;
use muster::scim::ErrorKind;
use muster::scim::projection::Projection;
use muster::store::{Param, Sql as _};
use serde_json::{Value, json};

use crate::steps::{patch_op, with_query};
use crate::support::Acme;

/// The status of a request.
fn status(acme: &mut Acme, method: &str, path: &str, body: &Value) -> u16 {
    acme.scim(method, path, body).status
}

#[test]
fn a_resource_has_exactly_its_size() {
    let mut acme = Acme::new();
    let titled = |bytes| json!({ "userName": "ada", "title": "x".repeat(bytes) });
    let path = format!("/Users/{}", acme.made("/Users", &titled(500_000)));
    let rows = acme.sql.query("SELECT length(CAST(doc AS BLOB)) FROM resources", &[]);
    let stored = rows.expect("SQLite reads")[0].integer(0).expect("a length") as usize;
    let most = 500_000 + limits::RESOURCE_BYTES - stored;
    assert_eq!(status(&mut acme, "PUT", &path, &titled(most + 1)), 413);
    assert_eq!(status(&mut acme, "PUT", &path, &titled(most)), 200);
    let grow = json!([{ "op": "replace", "path": "userName", "value": "adam" }]);
    assert_eq!(status(&mut acme, "PATCH", &path, &patch_op(&grow)), 413);
    acme.delete(&path);
    assert_eq!(status(&mut acme, "POST", "/Users", &titled(most + 1)), 413);
    assert_eq!(status(&mut acme, "POST", "/Users", &titled(most)), 201);
}

#[test]
fn every_value_that_is_looked_up_has_exactly_its_size() {
    let mut acme = Acme::new();
    for (number, bytes) in [limits::LOOKUP_BYTES, limits::LOOKUP_BYTES + 1].into_iter().enumerate()
    {
        let (name, text) = (number.to_string(), "x".repeat(bytes));
        let expected = [201, 400][number];
        for body in [
            json!({ "userName": text }),
            json!({ "userName": format!("e{name}"), "externalId": text }),
            json!({ "userName": format!("m{name}"), "emails": [{ "value": text }] }),
        ] {
            assert_eq!(status(&mut acme, "POST", "/Users", &body), expected);
        }
        let group = json!({ "displayName": text });
        assert_eq!(status(&mut acme, "POST", "/Groups", &group), expected);
    }
}

#[test]
fn a_members_id_has_exactly_its_size() {
    let mut acme = Acme::new();
    let key = acme.connect("entra");
    let path = format!("/Groups/{}", acme.group("all", &[]));
    for (bytes, expected) in [(limits::MEMBER_BYTES, 204), (limits::MEMBER_BYTES + 1, 400)] {
        let members = json!([{ "value": "x".repeat(bytes) }]);
        let add = json!([{ "op": "add", "path": "members", "value": members }]);
        let reply = acme.scim_with("PATCH", &path, &patch_op(&add), &key, &[]);
        assert_eq!(reply.status, expected, "{bytes}");
    }
    assert_eq!(acme.get(&path)["members"].as_array().map(Vec::len), Some(1));
}

#[test]
fn as_many_members_are_shown_and_looked_at_as_may_be() {
    let mut acme = Acme::new();
    let paths = ["g", "h"].map(|name| format!("/Groups/{}", acme.group(name, &[])));
    let mut with = |members: i64, extra: i64, method: &str, path: &str| {
        for (statement, count) in [
            ("UPDATE resources SET members = ?1", members),
            ("UPDATE resources SET members = members + ?1 WHERE doc LIKE '%\"h\"%'", extra),
        ] {
            acme.sql.query(statement, &[Param::Integer(count)]).expect("counts");
        }
        status(&mut acme, method, path, &Value::Null)
    };
    assert_eq!(with(limits::MEMBERS_SHOWN, 1, "GET", &paths[0]), 200);
    assert_eq!(with(limits::MEMBERS_SHOWN, 1, "GET", &paths[1]), 400);
    let filter = with_query("/Groups", &[("filter", "members.display co \"x\"")]);
    assert_eq!(with(limits::MEMBERS_SCANNED / 2, 0, "GET", &filter), 200);
    assert_eq!(with(limits::MEMBERS_SCANNED / 2, 1, "GET", &filter), 400);
}

#[test]
fn a_list_of_attributes_has_exactly_its_length() {
    let list = "userName,".repeat(limits::PATH_BYTES / 9 + 1);
    let (most, more) = (&list[..limits::PATH_BYTES], &list[..=limits::PATH_BYTES]);
    assert!(Projection::parse(Some(most), None).is_ok());
    assert!(Projection::parse(None, Some(most)).is_ok());
    for error in [Projection::parse(Some(more), None), Projection::parse(None, Some(more))] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidPath);
    }
}

#[test]
fn a_name_has_exactly_its_length() {
    let mut acme = Acme::new();
    let id = "a".repeat(limits::SLUG_CHARACTERS);
    for (name, expected) in
        [("é".repeat(limits::NAME_CHARACTERS), 201), ("é".repeat(limits::NAME_CHARACTERS + 1), 400)]
    {
        let key = json!({ "name": name, "scopes": ["scim"] });
        assert_eq!(acme.admin("POST", "/keys", &key).status, expected);
        let connection = json!({ "id": id, "displayName": name });
        assert_eq!(acme.admin("POST", "/connections", &connection).status, expected);
    }
}
