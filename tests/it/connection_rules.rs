//! What a connection has in place of its preset's rules, and the rules that need a tenant to show.

use muster::scim::compat::Compat;
use muster::scim::urn::SEARCH_REQUEST;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::steps::{check_error, check_problem, patch_op, texts};
use crate::support::Acme;

impl Acme {
    /// A key that is bound to a new connection with rules of its own.
    fn ruled(&mut self, preset: &str, compat: &Value) -> String {
        let id = format!("c{}", self.rows("connections"));
        let body = json!({ "id": id, "displayName": id, "preset": preset, "compat": compat });
        self.connect_as(&body)
    }

    fn patched_by(&mut self, key: &str, path: &str, operation: &Value) -> Reply {
        self.scim_with("PATCH", path, &patch_op(&json!([operation])), key, &[])
    }
}

#[test]
fn rules_of_its_own_are_shown_stored_and_recorded() {
    let mut acme = Acme::new();
    let compat = json!({ "requireIfMatch": true, "patchResponse": "minimal" });
    let body = json!({ "id": "okta", "displayName": "Okta", "preset": "okta", "compat": compat });
    let reply = acme.admin("POST", "/connections", &body);
    assert_eq!((reply.status, &reply.json()["compat"]), (201, &compat));
    acme.sleep();
    let read = acme.admin("GET", "/connections/okta", &Value::Null).json();
    assert_eq!(read, reply.json());
    let list = acme.admin("GET", "/connections", &Value::Null).json();
    assert_eq!(list["items"], json!([read]));
    let events = acme.events();
    assert_eq!(events.last().unwrap()["data"]["compat"], compat);
}

#[test]
fn a_rule_that_is_none_or_has_no_such_value_is_refused_by_its_name() {
    let mut acme = Acme::new();
    for (compat, detail) in [
        (json!({ "requireIfmatch": true }), "`compat.requireIfmatch` is no rule"),
        (json!({ "require_if_match": true }), "`compat.require_if_match` is no rule"),
        (json!({ "aliases": true, "": true }), "`compat.` is no rule"),
        (json!({ "aliases": "true" }), "`compat.aliases` is neither true nor false"),
        (json!({ "aliases": null }), "`compat.aliases` is neither true nor false"),
        (
            json!({ "aliases": false, "patchResponse": true }),
            "`compat.patchResponse` is neither \"auto\" nor \"minimal\"",
        ),
        (
            json!({ "patchResponse": "Minimal" }),
            "`compat.patchResponse` is neither \"auto\" nor \"minimal\"",
        ),
        (json!([]), "`compat` is not an object"),
        (json!("strict"), "`compat` is not an object"),
        (json!(null), "`compat` is not an object"),
    ] {
        let body = json!({ "id": "okta", "displayName": "Okta", "compat": compat });
        acme.admin_refused("POST", "/connections", &body, (400, "malformed", detail));
    }
}

#[test]
fn every_rule_can_be_turned_either_way_in_every_preset() {
    let mut acme = Acme::new();
    for preset in ["generic", "strict"] {
        for (rule, value) in Compat::GENERIC.to_json() {
            let values = match value {
                Value::Bool(_) => [json!(true), json!(false)],
                _ => [json!("auto"), json!("minimal")],
            };
            for value in values {
                acme.ruled(preset, &json!({ rule.as_str(): value }));
                acme.sql.query("DELETE FROM connections", &[]).unwrap();
                acme.sql.query("DELETE FROM keys", &[]).unwrap();
                acme.sleep();
            }
        }
    }
}

#[test]
fn a_connections_rule_counts_for_its_keys_alone_and_after_waking() {
    let mut acme = Acme::new();
    let strict = acme.ruled("generic", &json!({ "unknownAttributes": false }));
    let lenient = acme.ruled("strict", &json!({ "unknownAttributes": true }));
    let user = |name: &str| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name,
            "shoeSize": 44,
        })
    };
    for round in ["first", "second"] {
        let refused = acme.scim_with("POST", "/Users", &user(round), &strict, &[]);
        check_error(&refused, (400, "invalidSyntax", "no schema knows `shoeSize`"), round);
        let taken = acme.scim_with("POST", "/Users", &user(round), &lenient, &[]);
        assert_eq!(taken.status, 201, "{round}: {}", taken.json());
        assert_eq!(acme.scim("POST", "/Users", &user(&format!("{round}-2"))).status, 201);
        acme.sleep();
    }
}

#[test]
fn a_connection_made_before_there_were_rules_has_none_of_its_own() {
    let mut acme = Acme::new();
    let key = acme.ruled("entra", &json!({}));
    acme.back_to(3);
    let connections = acme.admin("GET", "/connections", &Value::Null).json();
    let shown = &connections["items"][0];
    assert_eq!((&shown["preset"], &shown["compat"]), (&json!("entra"), &json!({})));
    assert_eq!(acme.scim_with("GET", "/Users", &Value::Null, &key, &[]).status, 200);
}

#[test]
fn a_connection_of_a_later_version_is_unavailable_and_the_others_are_not() {
    let mut acme = Acme::new();
    let key = acme.ruled("generic", &json!({}));
    for set in ["preset = 'later'", r#"preset = 'okta', compat = '{"later":true}'"#] {
        acme.sql.query(&format!("UPDATE connections SET {set}"), &[]).unwrap();
        acme.sleep();
        let reply = acme.scim_with("GET", "/Users", &Value::Null, &key, &[]);
        check_error(&reply, (503, "", "the service cannot answer now"), set);
        assert_eq!(acme.scim("GET", "/Users", &Value::Null).status, 200);
        assert_eq!(acme.admin("GET", "/connections", &Value::Null).status, 200);
    }
    let reply = acme.ask("GET", "/v1/tenants/acme/events", &Value::Null, &key);
    check_problem(&reply, (403, "insufficient_scope", "the key lacks the scope `events:read`"), "");
}

const REQUIRED: (u16, &str, &str) =
    (428, "", "send the version to be changed in `If-Match`, in a bulk request as `version`");

#[test]
fn a_write_names_the_version_that_it_changes_where_that_is_required() {
    let mut acme = Acme::new();
    let careless = acme.ruled("generic", &json!({ "requireIfMatch": false }));
    let key = acme.ruled("generic", &json!({ "requireIfMatch": true }));
    let (user, group) = acme.with_key(&key, |acme| (acme.user("ada"), acme.group("crew", &[])));
    for (path, body) in [
        (format!("/Users/{user}"), json!({ "userName": "ada", "title": "Dev" })),
        (format!("/Groups/{group}"), json!({ "displayName": "Crew" })),
    ] {
        let rename = patch_op(&json!([{ "op": "replace", "path": "externalId", "value": "e" }]));
        let before = acme.dump();
        for (method, body) in [("PUT", &body), ("PATCH", &rename), ("DELETE", &Value::Null)] {
            let reply = acme.scim_with(method, &path, body, &key, &[]);
            check_error(&reply, REQUIRED, &format!("{method} {path}"));
            let stale = acme.scim_with(method, &path, body, &key, &[("If-Match", "W/\"9\"")]);
            assert_eq!(stale.status, 412, "{method} {path}");
        }
        assert_eq!(acme.dump(), before);
        let missing = acme.scim_with("PUT", "/Users/nobody", &json!({}), &key, &[]);
        assert_eq!(missing.status, 404);
        // What changes nothing that is there needs none.
        assert_eq!(acme.scim_with("GET", &path, &Value::Null, &key, &[]).status, 200);
        let first = acme.scim_with("PUT", &path, &body, &key, &[("If-Match", "W/\"1\"")]);
        assert_eq!(first.status, 200);
        let etag = first.headers["etag"].clone();
        let second = acme.scim_with("PATCH", &path, &rename, &key, &[("If-Match", &etag)]);
        assert_eq!(second.status, 200);
        assert_eq!(acme.scim("PATCH", &path, &rename).status, 200, "a key without the rule");
        let gone = acme.scim_with("DELETE", &path, &Value::Null, &key, &[("If-Match", "*")]);
        assert_eq!(gone.status, 204);
    }
    let made = acme.scim_with("POST", "/Users", &json!({ "userName": "grace" }), &key, &[]);
    assert_eq!(made.status, 201);
    acme.with_key(&careless, |acme| {
        let path = format!("/Users/{}", acme.user("bob"));
        acme.patch(&path, &json!([{ "op": "add", "path": "title", "value": "Dev" }]));
        acme.delete(&path);
    });
}

#[test]
fn an_operation_of_a_bulk_request_names_its_version_itself() {
    let mut acme = Acme::new();
    let key = acme.ruled("generic", &json!({ "requireIfMatch": true }));
    let id = acme.user("ada");
    let path = format!("/Users/{id}");
    let put = |version: Value, title: &str| {
        json!({
            "method": "PUT", "path": path, "version": version,
            "data": { "userName": "ada", "title": title },
        })
    };
    let body = json!({ "Operations": [
        put(Value::Null, "One"),
        put(json!("W/\"1\""), "Two"),
        put(json!("W/\"1\""), "Three"),
        { "method": "DELETE", "path": path },
        { "method": "POST", "path": "/Users", "data": { "userName": "grace" } },
    ] });
    // The request's own `If-Match` is about no resource.
    let reply = acme.scim_with("POST", "/Bulk", &body, &key, &[("If-Match", "*")]).json();
    assert_eq!(texts(&reply["Operations"], "status"), ["428", "200", "412", "428", "201"]);
    let error = &reply["Operations"][0]["response"];
    assert_eq!((&error["status"], &error["detail"]), (&json!("428"), &json!(REQUIRED.2)));
    assert_eq!(acme.get(&path)["title"], "Two");
}

const UNNAMED: (u16, &str, &str) =
    (400, "mutability", "this connection may not remove all `members` at once without naming them");

#[test]
fn a_group_is_not_emptied_without_naming_its_members_where_that_is_forbidden() {
    let mut acme = Acme::new();
    let free = acme.ruled("generic", &json!({ "removeAllMembers": true }));
    let key = acme.ruled("generic", &json!({ "removeAllMembers": false }));
    let [ada, bob, eve] = ["ada", "bob", "eve"].map(|name| acme.user(name));
    let group = acme.with_key(&key, |acme| acme.group("crew", &[&ada, &bob]));
    let path = format!("/Groups/{group}");
    let (bare, none) = (
        json!({ "op": "remove", "path": "members" }),
        json!({ "op": "replace", "path": "members" }),
    );
    let replace = |ids: &[&String]| {
        let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        let mut operation = none.clone();
        operation["value"] = members.into();
        operation
    };
    let before = acme.dump();
    for operation in [
        bare.clone(),
        replace(&[]),
        // Some set-ups of Entra send only those that are new.
        replace(&[&eve]),
        json!({ "op": "replace", "value": { "members": [] } }),
        json!({ "op": "remove", "path": "members[value pr]" }),
        json!({ "op": "remove", "path": r#"members[type eq "User"]"# }),
    ] {
        let reply = acme.patched_by(&key, &path, &operation);
        check_error(&reply, UNNAMED, &operation.to_string());
    }
    for members in [json!(null), json!([]), json!([{ "value": eve }])] {
        let body = json!({ "displayName": "crew", "members": members });
        check_error(&acme.scim_with("PUT", &path, &body, &key, &[]), UNNAMED, &body.to_string());
    }
    assert_eq!(acme.dump(), before);

    // By name, or with one that stays, all this is as always.
    let by_name = json!({ "op": "remove", "path": "members", "value": [{ "value": ada }] });
    for operation in [replace(&[&bob, &eve]), replace(&[&eve, &ada]), by_name] {
        assert_eq!(acme.patched_by(&key, &path, &operation).status, 200, "{operation}");
    }
    let by_filter = json!({ "op": "remove", "path": format!("members[value eq \"{eve}\"]") });
    let emptied = acme.patched_by(&key, &path, &by_filter);
    assert_eq!((emptied.status, emptied.json().get("members")), (200, None));
    // What is empty may be emptied: Okta pushes an empty group so.
    for operation in [bare.clone(), replace(&[]), replace(&[&bob])] {
        assert_eq!(acme.patched_by(&key, &path, &operation).status, 200, "{operation}");
    }
    acme.delete(&format!("/Users/{bob}"));
    assert_eq!(acme.patched_by(&key, &path, &replace(&[])).status, 200, "of a deleted member");

    let group = acme.with_key(&free, |acme| acme.group("other", &[&ada, &eve]));
    let path = format!("/Groups/{group}");
    assert_eq!(acme.patched_by(&free, &path, &bare).status, 200);
    assert_eq!(acme.get(&path).get("members"), None);
}

#[test]
fn a_search_is_read_by_the_same_rules() {
    let mut acme = Acme::new();
    let strict = acme.ruled("strict", &json!({}));
    let schemas = json!([SEARCH_REQUEST]);
    let undeclared = format!("`schemas` must be `{SEARCH_REQUEST}`");
    for (rule, body, (scim_type, detail)) in [
        ("undeclaredSchemas", json!({}), ("invalidSyntax", &*undeclared)),
        (
            "textForOtherTypes",
            json!({ "schemas": schemas, "count": "1" }),
            ("invalidValue", "`count` is not a whole number"),
        ),
        (
            "singleForList",
            json!({ "schemas": schemas, "attributes": "userName" }),
            ("invalidValue", "`attributes` is not a list of texts"),
        ),
    ] {
        let forgiving = acme.ruled("strict", &json!({ rule: true }));
        for path in ["/.search", "/Users/.search"] {
            let reply = acme.scim_with("POST", path, &body, &strict, &[]);
            check_error(&reply, (400, scim_type, detail), rule);
            for key in [&forgiving, &acme.key.clone()] {
                let reply = acme.scim_with("POST", path, &body, key, &[]);
                assert_eq!(reply.status, 200, "{rule}: {}", reply.json());
            }
        }
    }
    let body = json!({ "schemas": schemas, "count": 1, "attributes": ["userName"] });
    assert_eq!(acme.scim_with("POST", "/.search", &body, &strict, &[]).status, 200);
}

#[test]
fn a_connection_chooses_what_a_patch_is_answered_with() {
    let mut acme = Acme::new();
    let title = json!({ "op": "add", "path": "title", "value": "Dev" });
    for (preset, compat, status) in [
        ("generic", json!({}), 200),
        ("generic", json!({ "patchResponse": "minimal" }), 204),
        ("entra", json!({}), 204),
        ("entra", json!({ "patchResponse": "auto" }), 200),
    ] {
        let key = acme.ruled(preset, &compat);
        let path = format!("/Users/{}", acme.user(&format!("{preset}{status}")));
        let reply = acme.patched_by(&key, &path, &title);
        assert_eq!(reply.status, status, "{preset} {compat}");
        assert_eq!(reply.headers["etag"], "W/\"2\"");
    }
}

#[test]
fn a_connection_chooses_whether_members_may_dangle() {
    let mut acme = Acme::new();
    for (preset, compat, status) in [
        ("generic", json!({ "danglingMembers": true }), 201),
        ("generic", json!({}), 400),
        ("entra", json!({ "danglingMembers": false }), 400),
        ("entra", json!({}), 201),
    ] {
        let key = acme.ruled(preset, &compat);
        let body = json!({ "displayName": "crew", "members": [{ "value": "nobody" }] });
        let reply = acme.scim_with("POST", "/Groups", &body, &key, &[]);
        assert_eq!(reply.status, status, "{preset} {compat}: {}", reply.json());
    }
}

#[test]
fn the_first_address_is_the_primary_one_where_a_body_makes_none_so() {
    let mut acme = Acme::new();
    let first = acme.connect("onelogin");
    let sent = acme.ruled("onelogin", &json!({ "firstEmailPrimary": false }));
    let (a, b) = (json!({ "value": "a@x" }), json!({ "value": "b@x", "primary": false }));
    let marked = |email: &Value| json!({ "value": email["value"], "primary": true });
    for (number, (key, emails, expected)) in (0..).zip([
        (&first, json!([a, b]), json!([marked(&a), b])),
        (&first, json!([b, a]), json!([marked(&b), a])),
        (&first, json!([a, marked(&b)]), json!([a, marked(&b)])),
        (&first, json!("a@x"), json!([marked(&a)])),
        (&first, json!([]), Value::Null),
        (&sent, json!([a, b]), json!([a, b])),
    ]) {
        let mut body = json!({ "userName": format!("u{number}"), "emails": emails });
        let made = acme.scim_with("POST", "/Users", &body, key, &[]).json();
        assert_eq!(made.get("emails").unwrap_or(&Value::Null), &expected, "{emails}");
        let path = format!("/Users/{}", made["id"].as_str().unwrap());
        let again = acme.scim_with("PUT", &path, &body, key, &[]).json();
        assert_eq!(again["meta"]["version"], "W/\"1\"", "{emails} again");
        body["emails"] = json!([b]);
        acme.scim_with("PUT", &path, &body, key, &[]);
        let add = json!({ "op": "add", "path": "emails", "value": [a] });
        let added = acme.patched_by(key, &path, &add).json();
        let b = if *key == first { marked(&b) } else { b.clone() };
        assert_eq!(added["emails"], json!([b, a]), "a PATCH leaves it as it is");
    }
}
