//! Where users come from: `urn:muster:scim:1.0:User`, read-only.

use muster::limits;
use muster::scim::urn::{MUSTER_USER, USER};
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::steps::{patch_op, texts};
use crate::support::Acme;

/// A tenant with a user made by hand and one by a connection; its key, and the paths of both.
fn given() -> (Acme, String, [String; 2]) {
    let mut acme = Acme::new();
    let key = acme.connect("okta");
    let bob = acme.user("bob");
    let ada = acme.with_key(&key, |acme| acme.user("ada"));
    (acme, key, [bob, ada].map(|id| format!("/Users/{id}")))
}

/// The names of the users for whom a filter on the extension's attributes holds.
#[track_caller]
fn check(acme: &mut Acme, filter: &str, names: &[&str]) {
    for (places, filter) in [(0, filter.to_owned()), (1, format!("userName pr and {filter}"))] {
        let filter = filter.replace('@', &format!("{MUSTER_USER}:"));
        let list = acme.list("/Users", &[("filter", &filter)]);
        assert_eq!(texts(&list["Resources"], "userName"), names, "{filter} {places}");
        assert_eq!(list["totalResults"], json!(names.len()), "{filter}");
    }
}

#[test]
fn bd_17_users_by_hand_and_by_scim_are_listed_together() {
    let (mut acme, key, _) = given();
    for key in [acme.key.clone(), key] {
        let list = acme.with_key(&key, |acme| acme.get("/Users"));
        assert_eq!(texts(&list["Resources"], "userName"), ["bob", "ada"]);
        let told: Vec<&Value> =
            list["Resources"].as_array().unwrap().iter().map(|user| &user[MUSTER_USER]).collect();
        let expected =
            [&json!({ "origin": "admin" }), &json!({ "origin": "scim:okta", "managedBy": "okta" })];
        assert_eq!(told, expected);
    }
}

#[test]
fn bd_19_where_a_user_comes_from_is_shown_and_filtered() {
    let (mut acme, key, [bob, _]) = given();
    check(&mut acme, "@origin eq \"admin\"", &["bob"]);
    check(&mut acme, "@origin eq \"ADMIN\"", &[]);
    check(&mut acme, "@origin ne \"admin\"", &["ada"]);
    check(&mut acme, "@origin sw \"scim:\"", &["ada"]);
    check(&mut acme, "@managedBy eq \"okta\"", &["ada"]);
    check(&mut acme, "@managedBy pr", &["ada"]);
    check(&mut acme, "not (@managedBy pr)", &["bob"]);
    check(&mut acme, "@managedBy eq null", &["bob"]);
    check(&mut acme, "@origin pr", &["bob", "ada"]);
    // Taking up is what changes the manager, and nothing changes the origin.
    acme.with_key(&key, |acme| {
        acme.patch(&bob, &json!([{ "op": "replace", "path": "title", "value": "Dev" }]))
    });
    check(&mut acme, "@managedBy eq \"okta\"", &["bob", "ada"]);
    check(&mut acme, "@origin eq \"admin\"", &["bob"]);
    acme.admin("DELETE", "/connections/okta?users=keep", &Value::Null);
    check(&mut acme, "@managedBy pr", &[]);
    check(&mut acme, "@origin eq \"scim:okta\"", &["ada"]);
    let sorted = acme.get(&format!("/Users?sortBy={MUSTER_USER}:origin&sortOrder=descending"));
    assert_eq!(texts(&sorted["Resources"], "userName"), ["ada", "bob"]);
}

#[test]
fn jb_12_nobody_was_seen_as_long_as_nobody_signs_in() {
    let (mut acme, ..) = given();
    check(&mut acme, "@lastSeenAt lt \"2026-08-01T00:00:00Z\"", &[]);
    check(&mut acme, "@lastSeenAt pr", &[]);
    check(&mut acme, "not (@lastSeenAt pr)", &["bob", "ada"]);
}

#[test]
fn what_was_read_can_be_written_back_and_patched_it_cannot_be() {
    let (mut acme, key, [bob, ada]) = given();
    for path in [&bob, &ada] {
        let read = acme.get(path);
        assert_eq!(read["schemas"], json!([USER, MUSTER_USER]));
        acme.changes_nothing("PUT", path, &read);
    }
    let mut sent = acme.get(&bob);
    sent["userName"] = json!("cyd");
    sent[MUSTER_USER] = json!({ "origin": "scim:okta", "managedBy": "okta", "lastSeenAt": "x" });
    let made = acme.post("/Users", &sent);
    assert_eq!(made[MUSTER_USER], json!({ "origin": "admin" }));
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    assert_eq!(acme.get(&path), made);
    let strict = acme.connect("strict");
    acme.with_key(&strict, |acme| {
        sent["userName"] = json!("dan");
        let manager = json!({ "origin": "scim:strict", "managedBy": "strict" });
        assert_eq!(acme.post("/Users", &sent)[MUSTER_USER], manager);
    });
    for key in [acme.key.clone(), key] {
        for operation in [
            json!({ "op": "replace", "path": format!("{MUSTER_USER}:origin"), "value": "x" }),
            json!({ "op": "add", "path": MUSTER_USER, "value": { "managedBy": "x" } }),
            json!({ "op": "remove", "path": format!("{MUSTER_USER}:managedBy") }),
            json!({ "op": "remove", "path": MUSTER_USER }),
            json!({ "op": "replace", "value": { MUSTER_USER: { "origin": "x" } } }),
        ] {
            let body = patch_op(&json!([operation]));
            let before = acme.dump();
            let reply = acme.scim_with("PATCH", &ada, &body, &key, &[]);
            let told = (reply.status, reply.json()["scimType"].clone());
            assert_eq!((told, acme.dump() == before), ((400, json!("mutability")), true), "{body}");
        }
    }
    // Its names mean nothing without its URN: whoever sends them means something else.
    let odd = patch_op(&json!([{ "op": "add", "path": "origin", "value": "x" }]));
    acme.changes_nothing("PATCH", &ada, &odd);
}

#[test]
fn it_is_projected_and_its_urn_is_there_where_its_values_are() {
    let (mut acme, _, [_, ada]) = given();
    let whole = json!({ "origin": "scim:okta", "managedBy": "okta" });
    for (query, shown) in [
        ("".to_owned(), Some(whole.clone())),
        ("?attributes=userName".to_owned(), None),
        (format!("?attributes={MUSTER_USER}"), Some(whole)),
        (format!("?attributes={MUSTER_USER}:origin"), Some(json!({ "origin": "scim:okta" }))),
        (format!("?excludedAttributes={MUSTER_USER}"), None),
        (format!("?excludedAttributes={MUSTER_USER}:origin"), Some(json!({ "managedBy": "okta" }))),
    ] {
        let urns = shown.as_ref().map_or(json!([USER]), |_| json!([USER, MUSTER_USER]));
        let user = acme.get(&format!("{ada}{query}"));
        assert_eq!((user.get(MUSTER_USER), &user["schemas"]), (shown.as_ref(), &urns), "{query}");
        let list = acme.get(&format!("/Users{query}"));
        assert_eq!(list["Resources"][1], user);
    }
}

#[test]
fn among_more_users_than_are_evaluated_it_is_filtered_all_the_same() {
    let mut acme = Acme::new();
    acme.populate(limits::SCAN_CANDIDATES + 1);
    let key = acme.connect("okta");
    acme.with_key(&key, |acme| ["ada", "bob"].map(|name| acme.user(name)));
    check(&mut acme, "@origin eq \"scim:okta\"", &["ada", "bob"]);
    check(&mut acme, "@managedBy pr", &["ada", "bob"]);
    check(&mut acme, "@lastSeenAt lt \"2026-08-01T00:00:00Z\"", &[]);
    acme.sql.query("UPDATE resources SET manager = 'entra' WHERE manager IS NULL", &[]).unwrap();
    check(&mut acme, "not (@managedBy ne \"okta\")", &["ada", "bob"]);
}
