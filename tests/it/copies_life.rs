//! Copies for the edge from the first to the last: switched on and off, under another secret, of a tenant
//! that is deleted or moved.

use muster::auth::{CopyName, KeyRing};
use muster::limits;
use muster::policy::Copying;
use serde_json::{Value, json};

use crate::copies::{check, given, replace, step, with_external};
use crate::support::{ADMIN, Acme, KEY_RING, ORIGIN};

#[test]
fn what_is_there_when_it_is_switched_on_is_copied_in_steps() {
    let mut acme = Acme::new();
    acme.populate(300);
    let ada = with_external(&mut acme, "ada", "e1");
    let crew = acme.group("crew", &[&ada]);
    acme.edge_reads(true);
    acme.wait(2);
    let mut steps = 0;
    while acme.copy(acme.now).is_some() {
        steps += 1;
        if steps == 3 {
            acme.sleep();
            // What is changed meanwhile, here and there of where it has come, is copied as well.
            replace(&mut acme, &ada, "title", "Lead");
            acme.delete("/Users/01900000-0000-7000-8000-000000000001");
            acme.wait(2);
        }
    }
    assert!(steps > 300 * 2 / limits::COPY_OPERATIONS, "{steps}");
    check(&mut acme);
    assert!(acme.kv.there.contains_key(&acme.copy_name(CopyName::Group, &crew)));
    // A pass takes no longer than it must: nobody is copied twice.
    assert!(acme.kv.writes.len() < 300 * 2 + 20, "{}", acme.kv.writes.len());
}

#[test]
fn switching_it_off_removes_all_in_steps() {
    let mut acme = Acme::new();
    acme.populate(150);
    acme.edge_reads(true);
    acme.settle();
    assert_eq!(acme.kv.there.len(), 300);
    acme.edge_reads(false);
    assert!(step(&mut acme) > 0);
    assert!(!acme.kv.there.is_empty(), "a step is bounded");
    acme.user("ada");
    acme.sleep();
    acme.kv.fails_after = Some(3);
    acme.get("/Users?count=0");
    assert!(step(&mut acme) > 0, "it goes on");
    acme.kv.fails_after = None;
    acme.wait(2_000);
    acme.settle();
    assert!(acme.kv.there.is_empty());
    for table in ["followers", "directory", "copies", "touches"] {
        assert_eq!(acme.rows(table), 0, "{table}");
    }
    // Back on while copies are still being removed.
    acme.edge_reads(true);
    acme.settle();
    acme.edge_reads(false);
    step(&mut acme);
    acme.edge_reads(true);
    check(&mut acme);
}

#[test]
fn who_is_deleted_while_copies_are_removed_has_none_when_they_are_back() {
    let mut acme = given();
    let users = acme.populate(150);
    acme.edge_reads(false);
    acme.edge_reads(true);
    acme.settle();
    acme.edge_reads(false);
    step(&mut acme);
    for user in [&users[0], &users[149]] {
        acme.delete(&format!("/Users/{user}"));
    }
    acme.edge_reads(true);
    check(&mut acme);
}

#[test]
fn what_is_to_be_copied_anew_while_it_is_being_copied_is_copied_again() {
    let mut acme = given();
    let okta = acme.connection_key("okta", "pending");
    acme.policy(&json!({ "mappings": [crate::access::mapping("m", "userName pr", &["user"])] }));
    acme.pushed(&okta, &json!({ "userName": "ada" }));
    acme.settle();
    acme.policy(&json!({ "mappingMode": "highest" }));
    acme.wait(2);
    acme.copy_while(|acme| {
        let activate = acme.admin("POST", "/connections/okta/activate", &Value::Null);
        assert_eq!(activate.status, 200);
    });
    check(&mut acme);
    acme.policy(&json!({ "mappingMode": "union" }));
    acme.wait(2);
    acme.copy_while(|acme| drop(acme.policy(&json!({ "mappings": [] }))));
    check(&mut acme);
}

#[test]
fn deleting_the_tenant_removes_the_copies_first() {
    let mut acme = given();
    acme.populate(150);
    acme.policy(&json!({ "edgeReads": false }));
    acme.edge_reads(true);
    acme.settle();
    assert!(acme.tenant.erase(&acme.sql).expect("it begins"));
    assert!(!acme.tenant.is_erased());
    let busy = acme.scim("GET", "/Users", &Value::Null);
    assert_eq!((busy.status, busy.headers["retry-after"].as_str()), (503, "1"));
    acme.kv.fails_after = Some(5);
    step(&mut acme);
    acme.sleep();
    assert_eq!(acme.admin("GET", "/keys", &Value::Null).status, 503, "it is remembered");
    acme.kv.fails_after = None;
    acme.wait(2_000);
    while !acme.tenant.is_erased() {
        assert!(step(&mut acme) > 0);
    }
    assert!(acme.kv.there.is_empty());
}

#[test]
fn a_tenant_without_copies_is_deleted_at_once() {
    let mut acme = Acme::new();
    assert_eq!(acme.tenant.erase(&acme.sql), Ok(false));
    acme.edge_reads(true);
    acme.settle();
    acme.edge_reads(false);
    acme.settle();
    assert_eq!(acme.tenant.erase(&acme.sql), Ok(false));
    acme.back_to(3);
    assert_eq!(acme.tenant.erase(&acme.sql), Ok(false), "whatever its tables are");
}

#[test]
fn another_secret_in_front_of_the_ring_renames_all_copies() {
    const NEW: &str = "k2:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY";
    let mut acme = given();
    let ada = with_external(&mut acme, "ada", "e1");
    acme.group("crew", &[&ada]);
    acme.settle();
    let before: Vec<String> = acme.kv.there.keys().cloned().collect();
    acme.rotate(&format!("{NEW},{KEY_RING}"));
    assert!(acme.copied_access("/access?userName=ada").is_none(), "nothing is read by an old name");
    acme.sleep(); // A deployment begins all objects anew.
    acme.get("/Users");
    check(&mut acme);
    assert!(before.iter().all(|name| !acme.kv.there.contains_key(name)));
    // The old one goes from the ring, before the object has seen the new one.
    acme.rotate(KEY_RING);
    acme.rotate(NEW);
    acme.sleep();
    acme.key = acme.mint(&["scim"]);
    acme.delete(&format!("/Users/{ada}"));
    check(&mut acme);
    assert_eq!(acme.kv.there.len(), 1, "the group");
    let names =
        |ring: &str| KeyRing::parse(ring).expect("a ring").copy_name("acme", CopyName::Id, "x");
    assert_ne!(names(NEW), names(KEY_RING));
    assert_eq!(names(&format!("{NEW},{KEY_RING}")), names(NEW));
}

#[test]
fn an_import_leaves_edge_reads_as_they_are() {
    let mut acme = given();
    acme.user("ada");
    let page = acme.admin("GET", "/export", &Value::Null);
    let mut other = Acme::named("other");
    other.copying = Copying::Confined;
    let path = format!("{}/v1/tenants/other/import", ORIGIN);
    let headers = [("content-type".to_owned(), "application/x-ndjson".to_owned())].into();
    for _ in 0..2 {
        let reply = other.fetch("POST", &path, &headers, &page.body, ADMIN);
        assert_eq!(reply.status, 200, "{}", reply.json());
    }
    let policies = other.admin("GET", "/policies", &Value::Null).json();
    assert_eq!(policies["edgeReads"], false);
    other.settle();
    assert!(other.kv.there.is_empty());
}
