//! RFC 9967 §2.5.1: Bulk requests that are answered later, in steps of which each is a transaction.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use muster::http::Refusal;
use muster::limits;
use muster::registry::Slug;
use muster::scim::urn;
use muster::store::{Sql as _, StoreError};
use muster::tenant::Means;
use proptest::collection::{btree_set, vec};
use proptest::prelude::{any, prop_assert_eq, proptest};
use proptest::sample::Index;
use proptest::test_runner::Config;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use crate::bulk::{bulk_request, group, id_of, post, statuses, user};
use crate::bulk_laws::{Edges, operation};
use crate::scenario::Reply;
use crate::steps::{check_error, patch_op};
use crate::support::{Acme, fill};

pub(crate) const LATER: [(&str, &str); 1] = [("Prefer", "respond-async")];

impl Acme {
    /// The edge's alarm, as far as it works requests off.
    pub(crate) fn work_off(
        &mut self,
        now: DateTime<Utc>,
        refused: Option<&Refusal>,
    ) -> Result<(), StoreError> {
        if !self.tenant.is_working_off() {
            return Ok(());
        }
        let tenant = Slug::parse(self.slug()).expect("a slug");
        let random = &mut self.random;
        let means = &mut Means {
            now,
            random: &mut |bytes| fill(random, bytes),
            normalize: &|text| text.nfkc().collect(),
            key_ring: &self.gate.key_ring,
        };
        self.tenant.work_off(&self.sql, &tenant, means, refused)
    }

    /// One step of what is worked off.
    pub(crate) fn step_off(&mut self) {
        self.work_off(self.now, None).expect("the alarm does a part");
    }

    /// A Bulk request that is answered later.
    pub(crate) fn send_later(&mut self, operations: &Value, key: &str) -> Reply {
        self.scim_with("POST", "/Bulk", &bulk_request(operations), key, &LATER)
    }

    /// The same, whose transaction this is.
    #[track_caller]
    pub(crate) fn later(&mut self, operations: &Value) -> String {
        let key = self.key.clone();
        let reply = self.send_later(operations, &key);
        assert_eq!(reply.status, 202, "{}", reply.json());
        reply.headers["set-txn"].clone()
    }

    /// What has become of its operations.
    #[track_caller]
    pub(crate) fn outcome(&mut self, txn: &str) -> Vec<Value> {
        let body = self.get(&format!("/Async/{txn}"));
        assert_eq!(body["schemas"], json!([urn::BULK_RESPONSE]), "{body}");
        body["Operations"].as_array().expect("a list").clone()
    }

    /// The events of asynchronous requests, without what all events have.
    pub(crate) fn completed(&mut self) -> Vec<Value> {
        let page = self.admin("GET", "/events?limit=1000&type=async.completed", &Value::Null);
        let items = page.json()["items"].as_array().expect("items").clone();
        items.into_iter().map(|event| event["data"].clone()).collect()
    }
}

/// So many users that are made.
pub(crate) fn users(count: usize) -> Vec<Value> {
    (0..count).map(|number| user(&format!("u{number}"))).collect()
}

#[test]
fn a_request_answered_later_is_accepted_worked_off_and_told() {
    let mut acme = Acme::new();
    let before = acme.events().len();
    let dup = json!({ "userName": "u0" });
    let mut operations = users(limits::ASYNC_STEP_OPERATIONS);
    operations.push(post("/Users", "dup", dup));
    operations.push(json!({ "method": "DELETE", "path": "/Users/bulkId:u1" }));
    let reply = acme.send_later(&json!(operations), &acme.key.clone());
    assert_eq!((reply.status, reply.body.len()), (202, 0));
    let txn = reply.headers["set-txn"].clone();
    assert_eq!(reply.headers["preference-applied"], "respond-async");
    let location = &reply.headers["location"];
    assert_eq!(*location, format!("https://muster.test/t/acme/scim/v2/Async/{txn}"));
    let path = format!("/Async/{txn}");
    let progress = |done: usize, errors: usize| {
        json!({ "schemas": ["urn:muster:scim:1.0:AsyncProgress"], "txn": txn,
            "operations": 102, "done": done, "errors": errors })
    };
    let reply = acme.scim("GET", &path, &Value::Null);
    assert_eq!((reply.status, reply.json()), (202, progress(0, 0)));
    assert_eq!(reply.headers["retry-after"], "1");
    acme.step_off();
    assert_eq!(acme.scim("GET", &path, &Value::Null).json(), progress(100, 0));
    assert_eq!(acme.rows("resources"), 100);
    acme.step_off();
    let answers = acme.outcome(&txn);
    assert_eq!((answers.len(), statuses(&answers[99..])), (102, "201 409 204".to_owned()));
    let first = format!("https://muster.test/t/acme/scim/v2/Users/{}", id_of(&answers[0]));
    assert_eq!(answers[0]["location"], first);
    let pieces = acme.sql.query("SELECT DISTINCT kind FROM async_pieces", &[]).expect("rows");
    assert_eq!(
        (pieces.len(), pieces[0].text(0)),
        (1, Ok("results")),
        "what was to be done is gone"
    );
    // Each operation is told of, in the order in which they ran, and then the whole.
    let told = acme.completed();
    assert_eq!((told.len(), acme.events().len() - before), (103, 101 + 103));
    let data = |event: &Value, seq: &Value, rest: Value| {
        let mut data = json!({ "tenant": "acme", "seq": seq, "resourceType": "Async", "id": txn,
            "connection": null, "actor": event["actor"] });
        data.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        assert_eq!(*event, data);
    };
    let location = format!("/Users/{}", id_of(&answers[0]));
    data(
        &told[0],
        &told[0]["seq"],
        json!({ "txn": format!("{txn}:0"), "method": "POST",
        "status": "201", "location": location, "version": "W/\"1\"" }),
    );
    let error = json!({ "schemas": [urn::ERROR], "status": "409", "scimType": "uniqueness",
        "detail": "a value that must be unique is already in use" });
    data(
        &told[100],
        &told[100]["seq"],
        json!({ "txn": format!("{txn}:100"), "method": "POST",
        "status": "409", "response": error }),
    );
    data(
        &told[101],
        &told[101]["seq"],
        json!({ "txn": format!("{txn}:101"), "method": "DELETE",
        "status": "204", "location": format!("/Users/{}", id_of(&answers[1])) }),
    );
    data(
        &told[102],
        &told[102]["seq"],
        json!({ "txn": txn, "method": "POST", "status": "200",
        "location": path, "operations": 102, "errors": 1 }),
    );
}

#[test]
fn what_is_done_at_once_is_answered_at_once_whatever_is_preferred() {
    let mut acme = Acme::new();
    let key = acme.key.clone();
    let ada = json!({ "userName": "ada" });
    let made = acme.scim_with("POST", "/Users", &ada, &key, &LATER);
    assert_eq!((made.status, made.headers.get("set-txn")), (201, None));
    let path = format!("/Users/{}", made.json()["id"].as_str().expect("an id"));
    assert_eq!(acme.scim_with("GET", &path, &Value::Null, &key, &LATER).status, 200);
    assert_eq!(acme.scim_with("DELETE", &path, &Value::Null, &key, &LATER).status, 204);
    let prefer = [("Prefer", "return=minimal, Respond-Async; x=1")];
    let reply = acme.scim_with("POST", "/Bulk", &bulk_request(&json!([])), &key, &prefer);
    assert_eq!(reply.status, 202);
    acme.alarms();
    assert_eq!(acme.outcome(&reply.headers["set-txn"]), Vec::<Value>::new());
}

#[test]
fn who_would_wait_for_a_while_is_answered_at_once_where_that_can_be() {
    let mut acme = Acme::new();
    let key = acme.key.clone();
    let most = users(limits::BULK_OPERATIONS);
    let more = users(limits::BULK_OPERATIONS + 1);
    for (operations, prefer, status) in [
        (&users(1), "respond-async, wait=1", 200),
        (&users(1), "Wait = \"10\" , respond-async", 200),
        (&most, "respond-async, wait=10", 200),
        (&more, "respond-async, wait=10", 202),
        (&users(1), "respond-async, wait=0", 202),
        (&users(1), "respond-async, wait", 202),
        (&users(1), "respond-async, wait=-1", 202),
        (&users(1), "respond-async, awaits=1", 202),
    ] {
        let body = bulk_request(&json!(operations));
        let reply = acme.scim_with("POST", "/Bulk", &body, &key, &[("Prefer", prefer)]);
        assert_eq!((reply.status, reply.headers.contains_key("set-txn")), (status, status == 202));
    }
}

#[test]
fn what_is_no_bulk_request_is_refused_at_once() {
    let mut acme = Acme::new();
    let key = acme.key.clone();
    let wrong = json!([{ "method": "POST", "path": "/Users" }, { "method": "GET", "path": "/" }]);
    for (body, detail) in [
        (json!([]), "the body is not a JSON object"),
        (json!({ "schemas": [urn::BULK_REQUEST] }), "`Operations` must be a list of operations"),
        (
            bulk_request(&wrong),
            "operation 2: `method` must be one of `POST`, `PUT`, `PATCH` and `DELETE`",
        ),
    ] {
        let before = acme.dump();
        let reply = acme.scim_with("POST", "/Bulk", &body, &key, &LATER);
        check_error(&reply, (400, "invalidSyntax", detail), detail);
        assert_eq!(acme.dump(), before);
    }
    let url = format!("https://muster.test/t/{}/scim/v2/Bulk", acme.slug());
    let headers = BTreeMap::from(LATER.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let reply = acme.fetch("POST", &url, &headers, b"{\n1}", &key);
    let detail = "the body is not JSON at line 2, column 1";
    check_error(&reply, (400, "invalidSyntax", detail), detail);
    let nothing = acme.scim("GET", "/Async/x", &Value::Null);
    check_error(&nothing, (404, "", "there is no such resource"), "unknown");
}

/// All that is in the tables but what tells of asynchronous requests.
fn kept(acme: &mut Acme) -> (crate::steps::Dump, Vec<Value>) {
    let mut dump = acme.dump();
    dump.retain(|name, _| name != "events" && !name.starts_with("async"));
    let mut events = acme.events();
    events.retain(|event| event["type"] != "async.completed");
    events.iter_mut().for_each(|event| event["data"]["seq"] = Value::Null);
    events.iter_mut().for_each(|event| event["id"] = Value::Null);
    (dump, events)
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 12, ..Config::default() })]

    #[test]
    fn a_request_leaves_and_answers_later_what_it_does_at_once(
        edges in vec(btree_set(0_usize..230, 0..3), 230),
        kinds in vec(any::<Index>(), 230),
        posts in btree_set(0_usize..230, 100..200),
        circles in any::<bool>(),
        most in 1_usize..400,
    ) {
        let edges: Edges = edges.iter().enumerate().map(|(place, to)| {
            let goes = |to: &&usize| circles || (**to * 7 % 230) > (place * 7 % 230);
            let to: BTreeSet<usize> = to.iter().filter(goes).copied().collect();
            let deletes = !posts.contains(&place) && kinds[place].index(6) == 0;
            if deletes { to.into_iter().take(1).collect() } else { to }
        }).collect();
        let operations: Vec<Value> = edges.iter().enumerate()
            .map(|(place, to)| operation(place, kinds[place], to, &posts)).collect();
        let mut body = bulk_request(&json!(operations));
        body["failOnErrors"] = most.into();
        let (mut one, mut other) = (Acme::new(), Acme::new());
        // So that both have drawn as many lots.
        one.later(&json!([]));
        one.alarms();
        let at_once = one.scim("POST", "/Bulk", &body);
        prop_assert_eq!(at_once.status, 200);
        let key = other.key.clone();
        let txn = other.scim_with("POST", "/Bulk", &body, &key, &LATER).headers["set-txn"].clone();
        loop {
            // It falls asleep behind each step.
            other.sleep();
            other.get("/Users?count=0");
            if !other.tenant.is_working_off() {
                break;
            }
            other.step_off();
        }
        prop_assert_eq!(other.outcome(&txn), at_once.json()["Operations"].as_array().unwrap().clone());
        prop_assert_eq!(kept(&mut other), kept(&mut one));
    }
}

#[test]
fn a_step_that_fails_at_any_statement_leaves_nothing_and_is_done_once() {
    let mut acme = Acme::new();
    let large = |name: &str| {
        let title = "x".repeat(limits::ASYNC_STEP_BYTES * 2 / 3);
        post("/Users", name, json!({ "userName": name, "title": title }))
    };
    let add = json!([{ "op": "add", "path": "title", "value": "short" }]);
    let rename = json!({ "method": "PATCH", "path": "/Users/bulkId:ada", "data": patch_op(&add) });
    let txn = acme.later(&json!([large("ada"), large("bob"), rename, group("g", &["ada", "bob"])]));
    let mut steps = 0;
    while acme.tenant.is_working_off() {
        let before = acme.dump();
        let step = |acme: &mut Acme| {
            // An alarm that was set wakes the object.
            acme.alarm().and_then(|()| acme.work_off(acme.now, None))
        };
        let (done, count) = acme.failing_everywhere(step, |acme, statements, done| {
            assert!(done.is_err(), "at {statements}");
            assert_eq!(acme.dump(), before, "at {statements}");
        });
        done.expect("the alarm does a part");
        assert!(count > 5, "{count}");
        acme.sleep();
        acme.get("/Users?count=0");
        steps += 1;
    }
    assert_eq!(steps, 2, "the last two run with the second");
    assert_eq!(statuses(&acme.outcome(&txn)), "201 201 200 201");
    assert_eq!((acme.rows("resources"), acme.rows("members")), (3, 2));
    assert_eq!(acme.completed().len(), 5);
}

#[test]
fn as_many_operations_as_may_be_are_done() {
    let mut acme = Acme::new();
    let most = limits::ASYNC_BULK_OPERATIONS;
    let mut operations = users(most - 101);
    // References lead back and forth over many steps.
    let named = |group: usize| (0..50).map(|n| format!("u{}", group + n * 190)).collect::<Vec<_>>();
    operations.splice(
        0..0,
        (0..100).map(|number| {
            let members = named(number);
            group(&format!("g{number}"), &members.iter().map(String::as_str).collect::<Vec<_>>())
        }),
    );
    operations.push(json!({ "method": "DELETE", "path": "/Users/bulkId:u9898" }));
    let txn = acme.later(&json!(operations));
    acme.user("meanwhile");
    acme.alarms();
    let answers = acme.outcome(&txn);
    assert_eq!(answers.len(), most);
    assert!(answers[..most - 1].iter().all(|answer| answer["status"] == "201"));
    assert_eq!(answers[most - 1]["status"], "204");
    assert_eq!(acme.get("/Users?count=0")["totalResults"], most - 101);
    assert_eq!(
        (acme.get("/Groups?count=0")["totalResults"].clone(), acme.rows("members")),
        (100.into(), 5_000)
    );
    operations.push(user("more"));
    let before = acme.dump();
    let reply = acme.send_later(&json!(operations), &acme.key.clone());
    check_error(&reply, (413, "", "the request exceeds maxOperations (10000)"), "one more");
    assert_eq!(acme.dump(), before);
}
