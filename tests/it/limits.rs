//! What happens at each bound of a tenant and beyond it: a specified answer, and never a failure.
//!
//! Bounds of pages, scans and sweeps are tested where these are; those of filters and keys, too.

use muster::limits;
use muster::store::{Param, Sql as _};
use serde_json::{Value, json};

use crate::steps::{Refused, check_error, patch_op, texts, with_query};
use crate::support::Acme;

const TOO_LARGE: Refused<'static> = (413, "", "the resource is too large");

/// A user whose `title` has some bytes.
fn titled(bytes: usize) -> Value {
    json!({ "userName": "ada", "title": "x".repeat(bytes) })
}

#[test]
fn a_resource_has_a_size() {
    let mut acme = Acme::new();
    let fits = limits::RESOURCE_BYTES - 300;
    acme.refused("POST", "/Users", &titled(limits::RESOURCE_BYTES), TOO_LARGE);
    let created = acme.post("/Users", &titled(fits));
    let path = format!("/Users/{}", created["id"].as_str().expect("an id"));
    acme.refused("PUT", &path, &titled(limits::RESOURCE_BYTES), TOO_LARGE);
    let grow = json!([{ "op": "add", "path": "nickName", "value": "x".repeat(1_000) }]);
    acme.refused("PATCH", &path, &patch_op(&grow), TOO_LARGE);
    let grow = json!([{ "op": "add", "path": "nickName", "value": "x" }]);
    assert_eq!(acme.patch(&path, &grow).json()["title"], created["title"]);
    assert_eq!(acme.get("/Users")["itemsPerPage"], 1);
    assert_eq!(acme.found("/Users", "title pr and nickName eq \"x\"").len(), 1);
    acme.delete(&path);
}

#[test]
fn a_value_that_is_looked_up_has_a_size() {
    let mut acme = Acme::new();
    let ada = format!("/Users/{}", acme.user("ada"));
    let most = limits::LOOKUP_BYTES;
    // Three times as many bytes when it is folded.
    for name in ["x".repeat(most + 1), "ΐ".repeat(most / 3), "x".repeat(3_000_000)] {
        for (body, path) in [
            (json!({ "userName": name }), "userName"),
            (
                json!({ "userName": "bob", "externalId": format!("{name}{}", "x".repeat(most)) }),
                "externalId",
            ),
            (
                json!({ "userName": "bob", "emails": [{ "value": name }, { "value": "b" }] }),
                "emails.value",
            ),
        ] {
            let detail = format!("`{path}` is longer than {most} bytes");
            let error = (400, "invalidValue", detail.as_str());
            acme.refused("POST", "/Users", &body, error);
            acme.refused("PUT", &ada, &body, error);
        }
        let detail = format!("`displayName` is longer than {most} bytes");
        let error = (400, "invalidValue", detail.as_str());
        acme.refused("POST", "/Groups", &json!({ "displayName": name }), error);
    }
    acme.user(&"x".repeat(most));
}

#[test]
fn a_patch_has_so_many_operations() {
    let mut acme = Acme::new();
    let path = format!("/Users/{}", acme.user("ada"));
    let operation = json!({ "op": "replace", "path": "title", "value": "x" });
    let operations = |count| patch_op(&Value::Array(vec![operation.clone(); count]));
    let detail = format!("more than {} operations", limits::PATCH_OPERATIONS);
    let error = (400, "tooMany", detail.as_str());
    acme.refused("PATCH", &path, &operations(limits::PATCH_OPERATIONS + 1), error);
    let reply = acme.scim("PATCH", &path, &operations(limits::PATCH_OPERATIONS));
    assert_eq!(reply.json()["meta"]["version"], "W/\"2\"");
}

#[test]
fn a_request_evaluates_so_many_bytes() {
    let mut acme = Acme::new();
    let id = acme.made("/Users", &json!({ "userName": "ada", "title": "x".repeat(900_000) }));
    let path = format!("/Users/{id}");
    let filter = vec!["value eq \"x\""; 50].join(" or ");
    let operation = json!({ "op": "remove", "path": format!("emails[{filter}]") });
    let operations = |count| patch_op(&Value::Array(vec![operation.clone(); count]));
    let most = limits::EVALUATED_BYTES / 50 / 910_000;
    let detail = "the paths compare more than this server computes at once";
    acme.refused("PATCH", &path, &operations(most + 5), (400, "tooMany", detail));
    assert_eq!(acme.scim("PATCH", &path, &operations(most - 5)).status, 200);
    for number in 0..most / 2 {
        let body = json!({ "userName": number.to_string(), "title": "x".repeat(900_000) });
        acme.post("/Users", &body);
    }
    let filter =
        |count| with_query("/Users", &[("filter", &vec!["title eq \"x\""; count].join(" or "))]);
    assert_eq!(acme.get(&filter(50))["totalResults"], 0);
    for number in 0..most / 2 {
        let body = json!({ "userName": format!("b{number}"), "title": "x".repeat(900_000) });
        acme.post("/Users", &body);
    }
    acme.refused("GET", &filter(60), &Value::Null, (400, "tooMany", &too_many()));
}

fn too_many() -> String {
    format!(
        "no index serves this filter, and more than {} resources would have to be searched, more \
         than {} evaluated, or too many bytes",
        limits::PREFILTER_DOCUMENTS,
        limits::SCAN_CANDIDATES
    )
}

#[test]
fn an_attribute_has_so_many_values() {
    let mut acme = Acme::new();
    let most = limits::VALUES_PER_ATTRIBUTE;
    let emails = |count: usize| -> Value {
        (0..count).map(|number| json!({ "value": format!("{number}@example.com") })).collect()
    };
    let detail = format!("`emails` has more than {most} values");
    let body = |count| json!({ "userName": "ada", "emails": emails(count) });
    acme.refused("POST", "/Users", &body(most + 1), (400, "tooMany", &detail));
    let path = format!("/Users/{}", acme.made("/Users", &body(most)));
    let add = json!([{ "op": "add", "path": "emails", "value": [{ "value": "x@example.com" }] }]);
    let detail = format!("operation 1: {detail}");
    acme.refused("PATCH", &path, &patch_op(&add), (400, "tooMany", &detail));
    let last = format!("emails.value eq \"{}@EXAMPLE.com\"", most - 1);
    assert_eq!(acme.found("/Users", &last).len(), 1);
    acme.put(&path, &json!({ "userName": "ada" }));
    // Its name, and that it has neither of two others.
    assert_eq!(acme.rows("lookups"), 3);
}

#[test]
fn as_many_members_as_a_request_may_name_are_written_however_they_are_called() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::MEMBERS_PER_REQUEST);
    let named = |users: &[String], bytes: usize| -> Value {
        let display = "é".repeat(bytes / 2);
        users.iter().map(|id| json!({ "value": id, "display": display })).collect()
    };
    let members = named(&users, 300);
    let path = format!("/Groups/{}", acme.group("all", &[]));
    let put = json!({ "displayName": "all", "members": members });
    assert_eq!(texts(&acme.put(&path, &put)["members"], "value"), users);
    let add = json!([{ "op": "add", "path": "members", "value": members }]);
    let before = acme.dump();
    acme.patch(&path, &add);
    assert!(acme.dump() == before, "nothing is added twice");
    acme.patch(&path, &json!([{ "op": "remove", "path": "members", "value": members }]));
    assert_eq!(acme.rows("members"), 0);
    let some = &users[..limits::MEMBERS_STEP + 500];
    let put = json!({ "displayName": "all", "members": named(some, limits::MEMBER_BYTES) });
    assert_eq!(texts(&acme.put(&path, &put)["members"], "value"), some);
}

#[test]
fn members_that_no_resource_is_are_shown_however_many_they_are() {
    let mut acme = Acme::new();
    let key = acme.connect("entra");
    let path = format!("/Groups/{}", acme.group("all", &[]));
    let mut all = Vec::new();
    for request in 0..3 {
        let value = |number| format!("{request}-{number:04}-{}", "x".repeat(200));
        let values: Vec<String> = (0..limits::MEMBERS_PER_REQUEST / 2).map(value).collect();
        let members: Value = values.iter().map(|value| json!({ "value": value })).collect();
        let add = json!([{ "op": "add", "path": "members", "value": members }]);
        let reply = acme.scim_with("PATCH", &path, &patch_op(&add), &key, &[]);
        assert_eq!(reply.status, 204, "{}", reply.json());
        all.extend(values);
    }
    assert_eq!(texts(&acme.get(&path)["members"], "value"), all);
}

#[test]
fn a_member_has_a_size() {
    let mut acme = Acme::new();
    let (ada, key) = (acme.user("ada"), acme.connect("entra"));
    let path = format!("/Groups/{}", acme.group("all", &[]));
    let most = limits::MEMBER_BYTES;
    let error = (400, "invalidValue", "`members`: value 1 has more than 1024 bytes");
    for member in [
        json!({ "value": "x".repeat(most + 1) }),
        json!({ "value": "x".repeat(3_000_000) }),
        json!({ "value": ada, "display": "x".repeat(most + 1) }),
    ] {
        let remove = json!([{ "op": "remove", "path": "members", "value": [member] }]);
        acme.patch(&path, &remove);
        let add = json!([{ "op": "add", "path": "members", "value": [member] }]);
        let reply = acme.scim_with("PATCH", &path, &patch_op(&add), &key, &[]);
        check_error(&reply, error, "a large member");
    }
}

#[test]
fn a_filter_on_members_is_asked_of_so_many() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::SCAN_CANDIDATES + 1);
    let path = format!("/Groups/{}", acme.group("all", &[]));
    for part in users.chunks(limits::MEMBERS_PER_REQUEST) {
        let members: Value = part.iter().map(|id| json!({ "value": id })).collect();
        acme.patch(&path, &json!([{ "op": "add", "path": "members", "value": members }]));
    }
    let remove = |path: &str| json!([{ "op": "remove", "path": path }]);
    let by_name = remove(r#"members[display eq "u7"]"#);
    let detail = "the request asks for more than this server computes at once";
    acme.refused("PATCH", &path, &patch_op(&by_name), (400, "tooMany", detail));
    acme.patch(&path, &remove(&format!("members[value eq \"{}\"]", users[0])));
    acme.patch(&path, &by_name);
    assert_eq!(acme.rows("members"), limits::SCAN_CANDIDATES as i64 - 1);
    acme.patch(&path, &remove("members"));
    assert_eq!(acme.rows("members"), 0);
}

#[test]
fn a_group_shows_so_many_members_and_without_them_all_the_same() {
    let mut acme = Acme::new();
    let path = format!("/Groups/{}", acme.group("g", &[]));
    let statement = "UPDATE resources SET members = ?1 WHERE members = 0";
    acme.sql.query(statement, &[Param::Integer(limits::MEMBERS_SHOWN + 1)]).expect("a count");
    let detail = format!(
        "a group has more than {} members; read it with excludedAttributes=members and change \
         single members with PATCH",
        limits::MEMBERS_SHOWN
    );
    let error = (400, "tooMany", detail.as_str());
    acme.refused("GET", &path, &Value::Null, error);
    acme.refused("GET", "/Groups", &Value::Null, error);
    acme.refused("PUT", &path, &json!({ "displayName": "h" }), error);
    let all = json!([{ "op": "remove", "path": "members" }]);
    acme.refused("PATCH", &path, &patch_op(&all), error);
    assert_eq!(acme.get(&format!("{path}?excludedAttributes=members"))["displayName"], "g");
    assert_eq!(acme.list("/Groups", &[("attributes", "displayName")])["totalResults"], 1);
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "h" }]);
    assert_eq!(acme.patch(&path, &rename).status, 204);
}

#[test]
fn a_filter_on_members_looks_at_so_many() {
    let mut acme = Acme::new();
    for name in ["g", "h", "i"] {
        acme.group(name, &[]);
    }
    let third = Param::Integer(limits::MEMBERS_SCANNED / 3 + 1);
    acme.sql.query("UPDATE resources SET members = ?1", &[third]).expect("counts");
    let filter = with_query("/Groups", &[("filter", "members.display co \"x\"")]);
    acme.refused("GET", &filter, &Value::Null, (400, "tooMany", &too_many()));
}
