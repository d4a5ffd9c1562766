//! Copies for the edge: what is copied, in which order, what is tried again, and that nothing outlives
//! what it is a copy of.

use muster::auth::CopyName;
use muster::limits;
use muster::policy::Copying;
use serde_json::{Value, json};

use crate::access::mapping;
use crate::support::Acme;

/// A tenant with edge reads on.
pub(crate) fn given() -> Acme {
    let mut acme = Acme::new();
    acme.edge_reads(true);
    acme.settle();
    acme
}

/// A step of copying, when one is due; how many operations it has.
pub(crate) fn step(acme: &mut Acme) -> usize {
    acme.wait(2);
    acme.copy(acme.now).unwrap_or(0)
}

/// All that is due.
#[track_caller]
pub(crate) fn check(acme: &mut Acme) {
    acme.wait(2);
    acme.settle();
    acme.check_copies();
    assert_eq!(step(acme), 0, "nothing more is due");
}

pub(crate) fn with_external(acme: &mut Acme, name: &str, external: &str) -> String {
    let body = json!({ "userName": name, "externalId": external });
    acme.made("/Users", &body)
}

pub(crate) fn replace(acme: &mut Acme, user: &str, path: &str, value: &str) {
    let operation = json!([{ "op": "replace", "path": path, "value": value }]);
    acme.patch(&format!("/Users/{user}"), &operation);
}

#[test]
fn without_the_policy_nothing_is_copied_and_nothing_is_due() {
    let mut acme = Acme::new();
    let ada = with_external(&mut acme, "ada", "e1");
    acme.group("crew", &[&ada]);
    acme.settle();
    assert_eq!(step(&mut acme), 0);
    assert!(acme.kv.writes.is_empty());
    assert!(acme.copied_access(&format!("/users/{ada}/access")).is_none());
    for table in ["followers", "directory", "copies", "touches"] {
        assert_eq!(acme.rows(table), 0, "{table}");
    }
}

#[test]
fn it_is_refused_where_copies_cannot_be() {
    let mut acme = Acme::new();
    for copying in [Copying::Confined, Copying::Unbound] {
        acme.copying = copying;
        let refused = acme.admin("PUT", "/policies", &json!({ "edgeReads": true }));
        assert_eq!(refused.status, 422, "{copying:?}");
        assert_eq!(refused.json()["faults"][0]["path"], "/edgeReads");
        assert_eq!(acme.policy(&json!({ "edgeReads": false }))["edgeReads"], false);
    }
    acme.copying = Copying::Possible;
    for value in [json!("true"), json!(1), Value::Null] {
        let refused = acme.admin("PUT", "/policies", &json!({ "edgeReads": value }));
        assert_eq!(refused.status, 422, "{value}");
        assert_eq!(refused.json()["faults"][0]["path"], "/edgeReads");
    }
    let tried = acme.admin("PUT", "/policies?dryRun=true", &json!({ "edgeReads": true }));
    assert_eq!(tried.status, 200);
    acme.settle();
    assert!(acme.kv.there.is_empty());
    acme.edge_reads(true);
    // What is on stays on, whatever else of the policies is changed where the binding has gone.
    acme.copying = Copying::Unbound;
    acme.policy(&json!({ "edgeReads": true, "mappingMode": "highest" }));
}

#[test]
fn a_copy_holds_access_document_and_the_place_in_the_log() {
    let mut acme = given();
    acme.policy(&json!({ "mappings": [mapping("m", "title eq \"Lead\"", &["lead"])] }));
    let body =
        json!({ "userName": "Ada", "externalId": "E1", "title": "Lead", "password": "secret" });
    let ada = acme.made("/Users", &body);
    let crew = acme.group("crew", &[&ada]);
    acme.settle();
    let seq = acme.events().len();
    let names =
        [(CopyName::Id, ada.as_str()), (CopyName::UserName, "ada"), (CopyName::ExternalId, "E1")];
    let read = |acme: &Acme, name: CopyName, id: &str| -> Value {
        serde_json::from_str(&acme.kv.there[&acme.copy_name(name, id)]).expect("JSON")
    };
    let of_ada = read(&acme, CopyName::Id, &ada);
    for (name, identifier) in names {
        assert_eq!(read(&acme, name, identifier), of_ada, "{name:?}");
    }
    let document = of_ada["document"].clone();
    assert_eq!(document["userName"], "Ada");
    assert_eq!(document.get("password"), None);
    let grants = json!([{ "role": "lead", "scope": "company", "source": "mapping:m" }]);
    let access =
        json!({ "id": ada, "status": "granted", "grants": grants, "withheld": [], "reasons": [] });
    let (since, now) = (of_ada["since"].as_i64().expect("a time"), acme.now.timestamp());
    assert!((now - 60..=now).contains(&since), "{since}");
    let copy = json!({ "seq": seq, "since": since, "access": access, "document": document });
    assert_eq!(of_ada, copy);
    let group = json!({
        "id": crew, "displayName": "crew", "externalId": null, "members": 1, "kind": "directory",
    });
    let of_crew = read(&acme, CopyName::Group, &crew);
    assert_eq!(of_crew, json!({ "seq": seq, "group": group }));
    for name in acme.kv.there.keys() {
        assert_eq!(name.len(), 43, "a tag, and nobody's name: {name}");
    }
    check(&mut acme);
}

#[test]
fn a_change_is_copied_and_a_name_that_is_no_longer_one_is_removed() {
    let mut acme = given();
    let ada = with_external(&mut acme, "ada", "e1");
    check(&mut acme);
    for (path, value) in
        [("title", "Lead"), ("userName", "ADA"), ("userName", "eve"), ("externalId", "e2")]
    {
        replace(&mut acme, &ada, path, value);
        check(&mut acme);
    }
    assert!(acme.copied_access("/access?userName=ada").is_none());
    assert!(acme.copied_access("/access?userName=EVE").is_some());
    let body = json!({ "userName": "eve" });
    acme.put(&format!("/Users/{ada}"), &body);
    check(&mut acme);
    let crew = acme.group("crew", &[&ada]);
    check(&mut acme);
    acme.patch(
        &format!("/Groups/{crew}"),
        &json!([{ "op": "replace", "path": "displayName", "value": "team" }]),
    );
    check(&mut acme);
    acme.delete(&format!("/Users/{ada}"));
    check(&mut acme); // The group has one member fewer, though no event says so.
    acme.delete(&format!("/Groups/{crew}"));
    check(&mut acme);
    assert!(acme.kv.there.is_empty());
    assert_eq!(acme.rows("copies"), 0, "nor is any name kept");
}

#[test]
fn the_same_external_id_of_several_is_left_to_the_tenant() {
    let mut acme = given();
    let [ada, bob, eve] =
        ["ada", "bob", "eve"].map(|name| with_external(&mut acme, name, "shared"));
    check(&mut acme);
    let path = "/access?externalId=shared";
    assert!(acme.copied_access(path).is_none());
    acme.delete(&format!("/Users/{ada}"));
    check(&mut acme);
    replace(&mut acme, &bob, "externalId", "own");
    check(&mut acme);
    assert!(acme.copied_access(path).is_some(), "who is left has it");
    replace(&mut acme, &bob, "externalId", "shared");
    check(&mut acme);
    acme.delete(&format!("/Users/{eve}"));
    replace(&mut acme, &bob, "externalId", "own");
    check(&mut acme);
    assert!(acme.copied_access(path).is_none());
}

/// Of each name in KV, what is written is never as of an earlier place in the log than what was.
fn check_order(acme: &Acme) {
    let mut last = std::collections::BTreeMap::new();
    for (name, seq) in &acme.kv.writes {
        if let Some(seq) = seq {
            let before = last.insert(name, *seq).unwrap_or(0);
            assert!(before <= *seq, "{name}: {before}, then {seq}");
        }
    }
}

#[test]
fn a_name_is_written_in_the_order_of_the_log() {
    let mut acme = given();
    let [ada, bob] = ["ada", "bob"].map(|name| acme.user(name));
    acme.settle();
    // Between two steps, a name goes from hand to hand, and comes to be another's.
    for fails_after in [None, Some(0), Some(1), Some(2), Some(3)] {
        replace(&mut acme, &ada, "userName", "other");
        replace(&mut acme, &bob, "userName", "ada");
        acme.kv.fails_after = fails_after;
        acme.wait(2_000);
        assert!(step(&mut acme) > 0);
        replace(&mut acme, &bob, "userName", "bob");
        replace(&mut acme, &ada, "userName", "ada");
        acme.kv.fails_after = None;
        acme.wait(2_000);
        check(&mut acme);
    }
    check_order(&acme);
    let written = acme.kv.writes.len();
    for title in ["a", "b", "c"] {
        replace(&mut acme, &ada, "title", title);
    }
    check(&mut acme);
    assert_eq!(acme.kv.writes.len() - written, 2, "three changes are one copy of each name");
}

#[test]
fn more_than_a_step_has_room_for_is_left_to_the_next_ones() {
    let mut acme = given();
    // Each step ends between users who have taken each other's names.
    let users: Vec<String> = (0..120).map(|n| acme.user(&format!("u{n}"))).collect();
    for n in 0..119 {
        replace(&mut acme, &users[n], "userName", &format!("v{n}"));
        replace(&mut acme, &users[n + 1], "userName", &format!("u{n}"));
    }
    acme.wait(2);
    let mut steps = 0;
    while acme.copy(acme.now).is_some() {
        steps += 1;
    }
    assert!(steps > 1, "a step has at most {} operations", limits::COPY_OPERATIONS);
    check(&mut acme);
    check_order(&acme);
}

#[test]
fn a_step_has_no_more_bytes_than_it_may() {
    let mut acme = given();
    let large = "x".repeat(limits::COPY_BYTES / 10);
    for n in 0..12 {
        acme.post("/Users", &json!({ "userName": format!("u{n}"), "title": large }));
    }
    acme.wait(2);
    let mut steps = 0;
    while acme.copy(acme.now).is_some() {
        steps += 1;
        let bytes: usize = acme.kv.there.values().map(String::len).sum();
        assert!(bytes <= steps * 2 * limits::COPY_BYTES, "{bytes} after {steps}");
    }
    assert!(steps > 1);
    assert_eq!(acme.kv.there.len(), 12 * 2);
}

#[test]
fn what_fails_is_tried_again_later_and_later_and_nothing_is_skipped() {
    let mut acme = given();
    let ada = acme.user("ada");
    acme.kv.fails_after = Some(1);
    acme.wait(20);
    let mut pauses = Vec::new();
    for _ in 0..14 {
        acme.alarm().expect("what else is due is done");
        let delay = acme.tenant.alarm_in_milliseconds(acme.now).expect("it is tried again");
        pauses.push(delay);
        acme.now += chrono::TimeDelta::milliseconds(delay);
        assert!(acme.copy(acme.now).is_some_and(|operations| operations > 0));
        assert_eq!(acme.copy(acme.now), None, "not at once");
    }
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= limits::COPY_RETRY_MILLISECONDS));
    assert!(pauses.last().is_some_and(|last| *last > limits::COPY_RETRY_MILLISECONDS - 2_000));
    replace(&mut acme, &ada, "userName", "eve");
    acme.sleep();
    acme.get("/Users");
    assert_eq!(acme.copy(acme.now), None, "which is remembered");
    acme.kv.fails_after = None;
    acme.wait(limits::COPY_RETRY_MILLISECONDS / 1_000);
    check(&mut acme);
    replace(&mut acme, &ada, "userName", "ada");
    let delay = acme.tenant.alarm_in_milliseconds(acme.now);
    assert!(delay.is_some_and(|delay| delay <= limits::COPY_PAUSE_MILLISECONDS), "it is forgiven");
    check(&mut acme);
}

#[test]
fn a_runtime_that_ends_within_a_step_leaves_nothing_behind() {
    for after in 0..6 {
        let mut acme = given();
        let ada = with_external(&mut acme, "ada", "e1");
        acme.settle();
        for (path, value) in [("userName", "eve"), ("externalId", "e2")] {
            replace(&mut acme, &ada, path, value);
        }
        // Some of it is written, and nobody hears of it.
        acme.wait(2);
        acme.kv.fails_after = Some(after);
        acme.copy_unheard();
        acme.sleep();
        acme.delete(&format!("/Users/{ada}"));
        acme.kv.fails_after = None;
        check(&mut acme);
        assert!(acme.kv.there.is_empty(), "after {after}");
    }
}

#[test]
fn any_statement_of_a_step_may_fail() {
    let mut acme = given();
    let users = [1, 2].map(|n| with_external(&mut acme, &format!("u{n}"), "same"));
    acme.settle();
    replace(&mut acme, &users[0], "externalId", "other");
    acme.wait(2);
    let tried = |acme: &mut Acme| acme.try_copy();
    let (done, statements) = acme.failing_everywhere(tried, |acme, at, done| {
        assert!(done.is_err(), "at {at}");
        acme.wait(limits::COPY_STEP_MILLISECONDS / 1_000);
    });
    assert!(done.is_ok() && statements > 8, "{statements}");
    check(&mut acme);
    check_order(&acme);
}

#[test]
fn there_is_one_step_at_a_time() {
    let mut acme = given();
    let ada = acme.user("ada");
    acme.wait(2);
    acme.copy_unheard();
    replace(&mut acme, &ada, "title", "Lead");
    acme.wait(2);
    // A request that fails has memory read anew; the step is on its way all the same.
    acme.sql.fail_after(Some(0));
    acme.scim("GET", "/Users", &Value::Null);
    acme.sql.fail_after(None);
    acme.get("/Users");
    assert_eq!(acme.copy(acme.now), None);
    assert!(acme.tenant.alarm_in_milliseconds(acme.now).is_some(), "it is waited for");
    acme.wait(limits::COPY_STEP_MILLISECONDS / 1_000);
    check(&mut acme);
}
