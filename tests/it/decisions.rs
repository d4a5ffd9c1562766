//! Access that is suspended and restored in one call, for all for whom a filter holds.

use muster::http::{AccessAction, Route};
use muster::limits;
use muster::registry::Slug;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::access::check_refused;
use crate::scenario::Reply;
use crate::steps::check_problem;
use crate::support::{ADMIN, Acme};

impl Acme {
    fn decide_all(&mut self, path: &str, filter: &str, key: &str) -> Reply {
        let path = format!("/v1/tenants/{}/users/{path}", self.slug());
        self.ask("POST", &path, &json!({ "filter": filter }), key)
    }
}

#[test]
fn jb_12_one_call_suspends_all_for_whom_a_filter_holds() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [{ "id": "m", "grants": [{ "role": "r" }] }] }));
    let key = acme.mint(&["changes:decide"]);
    let [ada, adam, bob] = ["ada", "adam", "bob"].map(|name| acme.user(name));
    let (filter, seen) = ("userName sw \"ad\"", acme.events().len());
    let told = acme.decide_all("suspend?dryRun=true", filter, &key);
    assert_eq!(told.json(), json!({ "dryRun": true, "users": 2, "ids": [ada, adam] }));
    assert_eq!((acme.rows("suspensions"), acme.events().len()), (0, seen));
    let body = |suspended: bool, ids: &[&String]| {
        let users = ids.len();
        json!({ "suspended": suspended, "users": users, "done": users, "ids": ids })
    };
    let done = acme.decide_all("suspend", filter, &key);
    assert_eq!((done.status, done.json()), (200, body(true, &[&ada, &adam])));
    let statuses =
        |acme: &mut Acme| [&ada, &adam, &bob].map(|id| acme.access(id)["status"].clone());
    assert_eq!(statuses(&mut acme), ["suspended", "suspended", "granted"]);
    assert_eq!(acme.event_types(seen), ["user.access.changed"; 4]);
    // Sent again, it touches nobody.
    assert_eq!(acme.decide_all("suspend", filter, &key).json(), body(true, &[]));
    assert_eq!(acme.events().len(), seen + 4);
    let restored = acme.decide_all("restore", "userName eq \"ada\" or userName eq \"bob\"", &key);
    assert_eq!(restored.json(), body(false, &[&ada]));
    assert_eq!(statuses(&mut acme), ["granted", "suspended", "granted"]);
    acme.check_recomputed();
}

#[test]
fn a_dry_run_says_what_a_guard_would() {
    let mut acme = Acme::new();
    acme.policy(&json!({ "mappings": [{ "id": "m", "grants": [{ "role": "r" }] }],
                         "guards": [{ "role": "r", "min": 1 }] }));
    let [ada, bob] = ["ada", "bob"].map(|name| acme.user(name));
    let before = acme.dump();
    let told = acme.decide_all("suspend?dryRun=true", "id pr", ADMIN).json();
    let words = told["refused"].as_str().expect("words").to_owned();
    assert_eq!(told, json!({ "dryRun": true, "users": 2, "ids": [ada, bob], "refused": words }));
    let one = acme.decide_all("suspend?dryRun=true", "userName eq \"ada\"", ADMIN).json();
    assert_eq!(one, json!({ "dryRun": true, "users": 1, "ids": [ada] }));
    let refused = acme.decide_all("suspend", "id pr", ADMIN);
    check_problem(&refused, (409, "conflict", &words), "the decision itself");
    assert_eq!(acme.dump(), before);
    acme.user("eve");
    assert_eq!(acme.access(&ada)["status"], "granted", "memory is as it was");
}

#[test]
fn many_users_are_suspended_by_alarm_whatever_happens_meanwhile() {
    let mut acme = Acme::new();
    let count = 2 * limits::ACCESS_USERS + 300;
    let users = acme.populate(count);
    let done = acme.decide_all("suspend", "userName pr", ADMIN);
    let counts = |body: &Value| (body["users"].clone(), body["done"].clone());
    assert_eq!(done.status, 202);
    assert_eq!(counts(&done.json()), (json!(count), json!(limits::ACCESS_USERS)));
    assert_eq!(done.json()["ids"].as_array().unwrap().len(), limits::PREVIEW_EXAMPLES);
    acme.delete(&format!("/Users/{}", users[count - 1]));
    acme.sleep();
    acme.get("/Users?count=0");
    let alarm = Acme::alarm;
    acme.sql.fail_after(Some(limits::ACCESS_STEP));
    assert!(alarm(&mut acme).is_err());
    acme.sql.fail_after(None);
    assert_eq!(acme.rows("suspensions"), limits::ACCESS_USERS as i64);
    alarm(&mut acme).expect("the alarm does its step");
    assert_eq!(acme.rows("suspensions"), (limits::ACCESS_USERS + limits::ACCESS_STEP) as i64);
    acme.alarms();
    assert_eq!((acme.rows("suspensions"), acme.rows("decisions")), (count as i64 - 1, 0));
    let again = acme.decide_all("suspend", "userName pr", ADMIN);
    assert_eq!((again.status, again.json()["users"].clone()), (200, json!(0)));
}

#[test]
fn a_key_of_a_connection_decides_of_its_own_alone() {
    let mut acme = Acme::new();
    let okta = acme.connect("okta");
    acme.user("bob");
    let own = acme.pushed(&okta, &json!({ "userName": "ada" }));
    let body = json!({ "name": "k", "scopes": ["changes:decide"], "connection": "okta" });
    let key = acme.mint_with(&body);
    assert_eq!(acme.decide_all("suspend", "userName pr", &key).json()["ids"], json!([own]));
    assert_eq!(acme.decide_all("suspend", "userName pr", &okta).status, 403, "another scope");
}

#[test]
fn what_is_put_off_stays_the_connections_and_is_of_its_own_then() {
    let mut acme = Acme::new();
    let users = acme.populate(limits::ACCESS_USERS + 3);
    acme.connect("okta");
    acme.sql.query("UPDATE resources SET manager = 'okta'", &[]).unwrap();
    let body = json!({ "name": "k", "scopes": ["changes:decide"], "connection": "okta" });
    let key = acme.mint_with(&body);
    assert_eq!(acme.decide_all("suspend", "userName pr", &key).status, 202);
    let seen = acme.rows("events");
    let [.., gone, other, own] = users.as_slice() else { panic!("three are left") };
    for (user, manager) in [(gone, "NULL"), (other, "'entra'")] {
        let statement = format!("UPDATE resources SET manager = {manager} WHERE id = '{user}'");
        acme.sql.query(&statement, &[]).unwrap();
    }
    acme.sleep();
    acme.get("/Users?count=0");
    acme.alarms();
    assert_eq!(acme.rows("suspensions"), limits::ACCESS_USERS as i64 + 1);
    let events = acme.admin("GET", &format!("/events?after={seen}"), &Value::Null).json();
    let events = events["items"].as_array().unwrap();
    let told: Vec<_> =
        events.iter().map(|event| (&event["data"]["id"], &event["data"]["connection"])).collect();
    assert_eq!(told, [(&json!(own), &json!("okta"))]);
}

#[test]
fn no_guard_is_broken() {
    let mut acme = Acme::new();
    acme.populate(limits::ACCESS_USERS);
    acme.policy(&json!({
        "mappings": [{ "id": "m", "condition": "title eq \"x\"", "grants": [{ "role": "owner" }] }],
        "guards": [{ "role": "owner", "min": 1 }],
    }));
    acme.post("/Users", &json!({ "userName": "zoe", "title": "x" }));
    check_refused(&acme.decide_all("suspend", "userName eq \"zoe\"", ADMIN), 409, "conflict");
    check_refused(&acme.decide_all("suspend", "userName pr", ADMIN), 409, "conflict");
    assert_eq!((acme.rows("suspensions"), acme.rows("decisions")), (0, 0));
}

#[test]
fn what_is_no_filter_of_users_is_refused() {
    let mut acme = Acme::new();
    acme.user("ada");
    for filter in ["", "userName", "nothing eq \"x\"", &"x".repeat(limits::FILTER_BYTES + 1)] {
        check_refused(&acme.decide_all("suspend", filter, ADMIN), 400, "malformed");
    }
    for body in [json!({}), json!({ "filter": 1 }), json!({ "filter": "id pr", "all": true })] {
        check_refused(&acme.admin("POST", "/users/restore", &body), 400, "malformed");
    }
    let asked = acme.decide_all("suspend?dryRun=yes", "id pr", ADMIN);
    check_refused(&asked, 400, "malformed");
    assert_eq!(acme.rows("suspensions"), 0);
}

#[test]
fn only_so_many_decisions_wait() {
    let mut acme = Acme::new();
    acme.populate(2 * limits::ACCESS_USERS + 1);
    for _ in 1..limits::DECISIONS {
        let waiting =
            "INSERT INTO decisions (suspended, actor, users, done) VALUES (1, 'x', '[]', 0)";
        acme.sql.query(waiting, &[]).expect("SQLite writes");
    }
    assert_eq!(acme.decide_all("suspend", "userName pr", ADMIN).status, 202);
    check_refused(&acme.decide_all("suspend", "userName pr", ADMIN), 409, "conflict");
    acme.alarms();
    assert_eq!(acme.decide_all("restore", "userName pr", ADMIN).status, 202);
}

#[test]
fn a_decision_about_many_has_a_path_of_its_own() {
    for (segment, action) in
        [("suspend", AccessAction::Suspend), ("restore", AccessAction::Restore)]
    {
        let expected = Route::AccessDecisions(Slug::parse("acme").unwrap(), action);
        assert_eq!(Route::parse(&format!("/v1/tenants/acme/users/{segment}")), Some(expected));
    }
    for path in ["/v1/tenants/acme/users", "/v1/tenants/acme/users/forget"] {
        assert_eq!(Route::parse(path), None);
    }
}
