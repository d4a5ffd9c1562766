//! Rows of what five products ask for that any SCIM client can show, each by itself: users and groups as
//! clients write, read, page and delete them. What decides on access has tests of its own.

use std::collections::BTreeMap;
use std::fs;

use muster::scim::urn::{ENTERPRISE_USER, USER};
use serde_json::{Value, json};

use crate::access::mapping;
use crate::scenario::Reply;
use crate::steps::{patch_op, texts};
use crate::support::{Acme, ORIGIN};

fn ada() -> Value {
    json!({
        "schemas": [USER], "userName": "ada@acme.com", "externalId": "e1", "active": true,
        "name": { "givenName": "Ada", "familyName": "Byron" },
        "emails": [{ "value": "ada@acme.com", "type": "work", "primary": true }],
    })
}

impl Acme {
    /// A request with headers, to a path below the base.
    fn typed(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let url = format!("{ORIGIN}/t/acme/scim/v2{path}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let key = self.key.clone();
        self.fetch(method, &url, &headers.collect::<BTreeMap<_, _>>(), body.as_bytes(), &key)
    }
}

#[test]
fn ol_01_users_are_created_updated_and_deleted() {
    let mut acme = Acme::new();
    let created = acme.scim("POST", "/Users", &ada());
    let user = created.json();
    assert_eq!(
        (created.status, &json!(created.headers["location"])),
        (201, &user["meta"]["location"])
    );
    let path = format!("/Users/{}", user["id"].as_str().unwrap());
    assert_eq!(acme.scim("PUT", &path, &ada()).status, 200);
    let title = patch_op(&json!([{ "op": "add", "path": "title", "value": "Dev" }]));
    assert_eq!(acme.scim("PATCH", &path, &title).json()["title"], "Dev");
    assert_eq!(acme.scim("DELETE", &path, &Value::Null).status, 204);
    assert_eq!(acme.scim("GET", &path, &Value::Null).status, 404);
}

#[test]
fn ol_12_what_identity_providers_send_is_replayed() {
    let folder = format!("{}/tests/vectors", env!("CARGO_MANIFEST_DIR"));
    for client in
        ["entra", "okta", "onelogin", "sailpoint", "jumpcloud", "ping", "google", "rippling"]
    {
        let files = fs::read_dir(format!("{folder}/{client}")).unwrap();
        assert!(files.count() > 0, "{client}");
    }
}

#[test]
fn ol_23_entitlements_are_there_where_the_tenant_says_so() {
    let mut acme = Acme::new();
    for (on, status) in [(false, 404), (true, 200)] {
        acme.policy(&json!({ "features": { "roles": on } }));
        assert_eq!(acme.scim("GET", "/Entitlements", &Value::Null).status, status);
        let types = texts(&acme.get("/ResourceTypes"), "name");
        assert_eq!(types.contains(&"Entitlement".to_owned()), on);
    }
}

#[test]
fn ol_24_groups_are_listed_without_a_look_at_members() {
    let mut acme = Acme::new();
    let user = acme.user("ada");
    for number in 0..120 {
        acme.group(&format!("g{number}"), &[&user]);
    }
    acme.sql.statements();
    let (first, second) = ("/Groups?excludedAttributes=members", "&startIndex=101");
    let pages = [acme.get(first), acme.get(&format!("{first}{second}"))];
    let counts = pages.each_ref().map(|page| page["Resources"].as_array().unwrap().len());
    assert_eq!(counts, [100, 20]);
    let statements = acme.sql.statements();
    assert!(!statements.iter().any(|one| one.contains("FROM members")), "{statements:#?}");
    let tag = acme.scim("GET", "/Groups", &Value::Null).json()["Resources"][0].clone();
    let path = format!("/Groups/{}?excludedAttributes=members", tag["id"].as_str().unwrap());
    let same = tag["meta"]["version"].as_str().unwrap().to_owned();
    assert_eq!(acme.typed("GET", &path, &[("If-None-Match", &same)], &Value::Null).status, 304);
}

#[test]
fn ol_36_the_template_of_onelogin_is_understood() {
    let body = json!({ "schemas": ["urn:scim:schemas:core:1.0"], "userName": "ada",
        "emails": { "value": "a@x", "type": "work", "primary": true }, "manager": { "managerId": "26118915" } });
    let made = Acme::connected("onelogin").post("/Users", &body);
    let emails = json!([{ "value": "a@x", "type": "work", "primary": true }]);
    assert_eq!(made["emails"], emails);
    assert!(made["schemas"].as_array().unwrap().contains(&json!(USER)));
    let refused = Acme::connected("strict").scim("POST", "/Users", &body);
    assert_eq!((refused.status, &refused.json()["scimType"]), (400, &json!("invalidSyntax")));
}

#[test]
fn ol_37_a_client_is_answered_in_the_type_that_it_accepts() {
    let mut acme = Acme::new();
    let plain = [("Accept", "application/json")];
    for (headers, expected) in
        [(&[][..], "application/scim+json"), (&plain[..], "application/json")]
    {
        let reply = acme.typed("GET", "/Users", headers, &Value::Null);
        assert!(reply.headers["content-type"].starts_with(expected), "{:?}", reply.headers);
    }
}

#[test]
fn bb_04_nobody_signs_in_by_a_connection_that_is_not_set_up() {
    let mut acme = Acme::new();
    acme.connection_key("c1", "active");
    let before = acme.dump();
    let refused = acme.admin("PATCH", "/connections/c1", &json!({ "jit": { "enabled": true } }));
    assert!((400..500).contains(&refused.status), "{}", refused.json());
    assert_eq!(acme.dump(), before);
}

#[test]
fn jb_06_a_connection_is_tested_by_a_checklist() {
    let mut acme = Acme::new();
    acme.connection_key("c1", "active");
    let tested = acme.admin("POST", "/connections/c1/test", &Value::Null).json();
    for check in tested["checks"].as_array().unwrap() {
        let result = check["result"].as_str().unwrap();
        assert!(["pass", "fail", "pending"].contains(&result), "{check}");
        assert_eq!(check["hint"].is_string(), result != "pass", "{check}");
    }
}

#[test]
fn jb_11_no_password_is_kept_and_whom_a_connection_manages_has_none() {
    let mut acme = Acme::new();
    let key = acme.connection_key("okta", "active");
    let mut body = ada();
    body["password"] = json!("correct horse");
    let made = acme.with_key(&key, |acme| acme.post("/Users", &body));
    assert!(made.get("password").is_none() && !format!("{:?}", acme.dump()).contains("horse"));
    assert_eq!(acme.get("/ServiceProviderConfig")["changePassword"]["supported"], false);
    let id = made["id"].as_str().unwrap();
    assert_eq!(acme.access(id)["authentication"], "federated-only");
    let bob = acme.user("bob");
    assert_eq!(acme.access(&bob).get("authentication"), None);
}

#[test]
fn jb_23_a_group_of_the_identity_provider_is_mapped_by_its_id() {
    let mut acme = Acme::new();
    let key = acme.connection_key("c1", "active");
    let user = acme.pushed(&key, &ada());
    let group = acme.with_key(&key, |acme| acme.group("Eng", &[]));
    let condition = format!("groups.value eq \"{group}\"");
    acme.policy(&json!({ "mappings": [mapping("m", &condition, &["engineer"])] }));
    for (op, held) in [("add", vec!["engineer@company"]), ("remove", vec![])] {
        acme.with_key(&key, |acme| acme.member(op, &group, &user));
        assert_eq!(acme.held(&user), held, "{op}");
    }
    acme.check_recomputed();
}

#[test]
fn bd_01_bd_04_bd_06_jb_05_users_and_their_roles_are_managed_by_standard_scim() {
    let mut acme = Acme::new();
    acme.policy(
        &json!({ "mappings": [mapping("m", "groups.display eq \"Editors\"", &["editor"])] }),
    );
    let key = acme.connection_key("sailpoint", "active");
    let (user, group) = acme.with_key(&key, |acme| {
        let user = acme.made("/Users", &ada());
        let group = acme.group("Editors", &[&user]);
        let users = acme.found("/Users", "userName eq \"ada@acme.com\"");
        let groups = acme.found("/Groups", "displayName eq \"Editors\"");
        assert_eq!([&users[0], &groups[0]], [&user, &group]);
        (user, group)
    });
    assert_eq!(acme.held(&user), ["editor@company"]);
    acme.with_key(&key, |acme| {
        acme.put(&format!("/Groups/{group}"), &json!({ "displayName": "Editors", "members": [] }));
        acme.delete(&format!("/Groups/{group}"));
    });
    assert_eq!(acme.held(&user), Vec::<String>::new());
    acme.with_key(&key, |acme| acme.delete(&format!("/Users/{user}")));
    assert_eq!(acme.get("/Users")["totalResults"], 0);
}

#[test]
fn bd_07_a_body_is_json_and_nothing_else() {
    let mut acme = Acme::new();
    for (name, kind, status) in [
        ("a", "application/scim+json", 201),
        ("b", "application/json; charset=utf-8", 201),
        ("c", "text/plain", 415),
    ] {
        let body = json!({ "userName": name });
        let reply = acme.typed("POST", "/Users", &[("Content-Type", kind)], &body);
        assert_eq!(reply.status, status, "{kind}");
        let is_error = reply.json()["schemas"][0] == "urn:ietf:params:scim:api:messages:2.0:Error";
        assert_eq!(is_error, status == 415);
    }
}

#[test]
fn bd_08_bd_09_a_user_is_named_by_the_id_that_was_given_and_deleted_once() {
    let mut acme = Acme::new();
    let id = acme.made("/Users", &ada());
    assert_eq!(acme.get(&format!("/Users/{id}"))["externalId"], "e1");
    assert_eq!(acme.scim("GET", "/Users/e1", &Value::Null).status, 404);
    for status in [204, 404] {
        assert_eq!(acme.scim("DELETE", &format!("/Users/{id}"), &Value::Null).status, status);
    }
    let key = acme.connection_key("okta", "active");
    assert_ne!(acme.pushed(&key, &ada()), id, "it is never used again for another");
}

#[test]
fn bd_10_users_are_read_in_pages_while_somebody_writes() {
    let mut acme = Acme::new();
    let there = acme.populate(250);
    let (mut seen, mut cursor, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = acme.get(&format!("/Users?count=100&cursor={cursor}"));
        let found = texts(&page["Resources"], "id");
        sizes.push(found.len());
        seen.extend(found);
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = next.to_owned();
        acme.user(&format!("late{}", sizes.len()));
    }
    assert_eq!(sizes.len(), 3);
    assert_eq!(seen.iter().filter(|id| there.contains(id)).count(), 250, "without a gap");
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count, "nobody twice");
}

#[test]
fn bd_11_a_put_clears_what_it_leaves_out_and_no_id_comes_with_it() {
    let mut acme = Acme::new();
    let mut body = ada();
    body["title"] = json!("Dev");
    let id = acme.made("/Users", &body);
    let mut body = ada();
    body["id"] = json!("another");
    let put = acme.put(&format!("/Users/{id}"), &body);
    assert_eq!((put.get("title"), &put["id"]), (None, &json!(id)));
}

#[test]
fn bd_12_a_patch_is_done_whole_or_not_at_all() {
    let mut acme = Acme::new();
    let id = acme.made("/Users", &ada());
    let operations = json!([
        { "op": "replace", "path": "title", "value": "Dev" },
        { "op": "replace", "path": "emails[type eq", "value": "x" },
    ]);
    let path = format!("/Users/{id}");
    assert_eq!(acme.scim("PATCH", &path, &patch_op(&operations)).status, 400);
    assert_eq!(acme.get(&path).get("title"), None);
}

#[test]
fn bz_06_an_initial_cycle_is_taken_at_its_pace_and_no_faster() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "rateLimit": { "perSecond": 25, "burst": 25 } }));
    for number in 0..250 {
        let reply = acme.scim("POST", "/Users", &json!({ "userName": format!("u{number}") }));
        assert_eq!(reply.status, 201, "{number}");
        acme.wait(i64::from(number % 25 == 24));
    }
    let replies: Vec<Reply> =
        (0..26).map(|_| acme.scim("GET", "/Users?count=0", &Value::Null)).collect();
    assert_eq!(replies.iter().filter(|reply| reply.status == 429).count(), 1);
    assert!(replies[25].headers.contains_key("retry-after"));
}

#[test]
fn bz_07_bz_11_all_that_entra_sends_of_a_user_is_kept() {
    let mut acme = Acme::connected("entra");
    let mut sent = json!({
        "schemas": [USER, ENTERPRISE_USER], "externalId": "o1", "userName": "ada@acme.com", "active": true,
        "displayName": "Ada Byron", "title": "Dev", "preferredLanguage": "en-GB", "locale": "en-GB",
        "timezone": "Europe/London", "nickName": "Ada", "userType": "Member", "profileUrl": "https://a.example/ada",
        "name": { "formatted": "Ada Byron", "familyName": "Byron", "givenName": "Ada", "middleName": "K",
            "honorificPrefix": "Ms", "honorificSuffix": "II" },
        "emails": [{ "value": "ada@acme.com", "type": "work", "primary": true }],
        "addresses": [{ "type": "work", "formatted": "1 Road", "streetAddress": "1 Road", "locality": "London",
            "region": "L", "postalCode": "N1", "country": "GB" }],
        "phoneNumbers": [{ "type": "work", "value": "+44 1" }, { "type": "mobile", "value": "+44 2" },
            { "type": "fax", "value": "+44 3" }],
        "roles": [{ "value": "r", "display": "R", "type": "t", "primary": true }],
        ENTERPRISE_USER: { "employeeNumber": "42", "department": "Eng", "costCenter": "c", "division": "d",
            "organization": "o", "manager": { "value": "m1" } },
    });
    let expected = sent.clone();
    sent["active"] = json!("True");
    sent["unheardOf"] = json!("x");
    sent["urn:unheard:of"] = json!({ "x": 1 });
    let made = acme.post("/Users", &sent);
    for (name, value) in expected.as_object().unwrap().iter().filter(|(name, _)| *name != "schemas")
    {
        assert_eq!(&made[name], value, "{name}");
    }
    assert_eq!(made.get("unheardOf"), None);
}

#[test]
fn bz_12_bz_14_entra_updates_and_disables_in_its_own_words() {
    let mut acme = Acme::connected("entra");
    let id = acme.made("/Users", &ada());
    let path = format!("/Users/{id}");
    acme.patch(
        &path,
        &json!([
            { "op": "Replace", "path": "name.givenName", "value": "Augusta" },
            { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "augusta@acme.com" },
            { "op": "Replace", "value": { "title": "Dev", (format!("{ENTERPRISE_USER}:department")): "Eng" } },
        ]),
    );
    let user = acme.get(&path);
    assert_eq!(user["name"]["givenName"], "Augusta");
    assert_eq!(user["emails"][0]["value"], "augusta@acme.com");
    assert_eq!(
        (&user["title"], &user[ENTERPRISE_USER]["department"]),
        (&json!("Dev"), &json!("Eng"))
    );
    acme.patch(&path, &json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    assert_eq!(acme.get(&path)["active"], false);
}

#[test]
fn bz_13_who_was_disabled_and_deleted_is_made_again() {
    for first in [true, false] {
        let mut acme = Acme::connected("entra");
        let path = format!("/Users/{}", acme.made("/Users", &ada()));
        if first {
            acme.patch(&path, &json!([{ "op": "Replace", "path": "active", "value": false }]));
        }
        acme.delete(&path);
        assert_eq!(acme.post("/Users", &ada())["active"], true);
    }
}

#[test]
fn bz_21_a_tenant_has_properties_of_its_own() {
    const OWN: &str = "urn:ietf:params:scim:schemas:extension:bizagi:2.0:UserProperties";
    let mut acme = Acme::new();
    let kinds = ["string", "boolean", "decimal", "integer", "dateTime", "reference"];
    let attributes: Vec<Value> =
        kinds.iter().map(|kind| json!({ "name": format!("{kind}Of"), "type": kind })).collect();
    let tags = json!({ "name": "tags", "type": "string", "multiValued": true });
    let attributes: Vec<Value> = attributes.into_iter().chain([tags]).collect();
    let schema = json!({ "id": OWN, "name": "Properties", "resourceTypes": ["User"], "attributes": attributes });
    assert_eq!(acme.admin("POST", "/schemas", &schema).status, 201);
    assert_eq!(acme.get(&format!("/Schemas/{OWN}"))["attributes"].as_array().unwrap().len(), 7);
    let values = json!({ "stringOf": "x", "booleanOf": true, "decimalOf": 1.5, "integerOf": 3,
        "dateTimeOf": "2026-01-01T00:00:00Z", "referenceOf": "https://a.example", "tags": ["a", "b"] });
    let id = acme.made("/Users", &json!({ "userName": "ada", OWN: values }));
    assert_eq!(acme.get(&format!("/Users/{id}"))[OWN], values);
    assert_eq!(acme.found("/Users", &format!("{OWN}:integerOf gt 2")), [id]);
    let wrong = json!({ "userName": "bob", OWN: { "integerOf": "many" } });
    let refused = acme.scim("POST", "/Users", &wrong);
    assert_eq!((refused.status, &refused.json()["scimType"]), (400, &json!("invalidValue")));
}
