//! Users who stay away: suspended by alarm after as long as the tenant says.

use chrono::{DateTime, TimeDelta};
use muster::limits;
use muster::scim::urn::MUSTER_USER;
use muster::store::{Pos, sightings};
use serde_json::{Value, json};

use crate::access::{check_refused, mapping};
use crate::costs::check_plan;
use crate::support::{ADMIN, Acme};

const DAY: i64 = 86_400;

impl Acme {
    /// A user signs in. Nothing does that yet but a test.
    fn see(&mut self, place: i64, seconds_ago: i64) -> String {
        let seen = self.now - TimeDelta::seconds(seconds_ago);
        let text = seen.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        sightings::note(&self.sql, Pos::new(1, place), &text).expect("SQLite writes");
        self.sleep();
        self.get("/Users?count=0");
        text
    }

    /// Lets time go by, with the alarms that are wanted in it; how many were.
    fn days(&mut self, days: i64) -> usize {
        self.pass(days * DAY)
    }

    fn pass(&mut self, seconds: i64) -> usize {
        let end = self.now + TimeDelta::seconds(seconds);
        let mut alarms = 0;
        while let Some(delay) = self.tenant.alarm_in_milliseconds(self.now) {
            if self.now + TimeDelta::milliseconds(delay) > end {
                break;
            }
            self.now += TimeDelta::milliseconds(delay);
            self.alarm().expect("the alarm does its step");
            alarms += 1;
        }
        self.now = end;
        alarms
    }

    fn statuses(&mut self, users: &[&String]) -> Vec<Value> {
        users.iter().map(|id| self.access(id)["status"].clone()).collect()
    }
}

/// A tenant in which everybody has a role and may stay away for 90 days.
fn given() -> Acme {
    let mut acme = Acme::new();
    acme.policy(&json!({
        "staleAfter": "P90D", "mappings": [mapping("m", "userName pr", &["r"])],
    }));
    acme
}

#[test]
fn bb_20_who_has_not_been_seen_for_90_days_is_suspended_on_day_91() {
    let mut acme = given();
    let [ada, bob, eve] = ["ada", "bob", "eve"].map(|name| acme.user(name));
    let last = acme.see(1, 0);
    acme.days(89);
    acme.see(2, 0);
    acme.pass(60);
    assert_eq!(acme.days(1), 0, "nobody is stale, so nothing is woken");
    assert_eq!(acme.statuses(&[&ada, &bob, &eve]), ["granted"; 3]);
    let seen = acme.events().len();
    acme.days(1);
    // Whoever was never seen is not known to have stayed away.
    assert_eq!(acme.statuses(&[&ada, &bob, &eve]), ["suspended", "granted", "granted"]);
    assert_eq!(acme.event_types(seen), ["user.stale", "user.access.changed"]);
    let event = acme.events()[seen]["data"].clone();
    assert_eq!((&event["id"], &event["lastSeenAt"]), (&json!(ada), &json!(last)));
    let access = acme.access(&ada);
    assert_eq!((&access["reasons"], &access["grants"]), (&json!(["stale"]), &json!([])));
    acme.check_recomputed();
}

/// Who is about to lose a role, since the access of all is being computed anew, is no holder that a
/// guard can count on.
#[test]
fn nobody_is_suspended_whose_role_the_other_holder_is_about_to_lose() {
    let mut acme = Acme::new();
    let bob = acme.populate(limits::ACCESS_USERS + 2).pop().unwrap();
    let ada = acme.user("ada");
    let grant = json!({ "role": "owner" });
    assert_eq!(acme.admin("POST", &format!("/users/{ada}/grants"), &grant).status, 201);
    let of_bob =
        mapping("m", &format!("userName eq \"u{}\"", limits::ACCESS_USERS + 2), &["owner"]);
    acme.policy(&json!({ "guards": [{ "role": "owner" }], "mappings": [of_bob] }));
    acme.alarms();
    acme.see(limits::ACCESS_USERS as i64 + 3, 200 * DAY);
    acme.policy(&json!({ "staleAfter": "P90D", "mappings": [] }));
    assert_eq!((acme.held(&ada).len(), acme.held(&bob).len()), (1, 1), "not yet");
    acme.days(3);
    assert_eq!((acme.held(&ada).len(), acme.held(&bob).len()), (1, 0));
}

#[test]
fn jb_02_who_was_seen_and_when_is_told_and_found() {
    let mut acme = given();
    let (ada, _) = (acme.user("ada"), acme.user("bob"));
    let last = acme.see(1, 40 * DAY);
    let shown = acme.get(&format!("/Users/{ada}"));
    assert_eq!(shown[MUSTER_USER], json!({ "origin": "admin", "lastSeenAt": last }));
    for (filter, expected) in [("lt", true), ("le", true), ("gt", false)] {
        let at = (acme.now - TimeDelta::days(30)).format("%Y-%m-%dT%H:%M:%SZ");
        let filter = format!("{MUSTER_USER}:lastSeenAt {filter} \"{at}\"");
        assert_eq!(acme.found("/Users", &filter).contains(&ada), expected, "{filter}");
    }
    let orphans = acme.found("/Users", &format!("not ({MUSTER_USER}:lastSeenAt pr)"));
    assert_eq!(orphans.len(), 1);
    let version = shown["meta"]["version"].clone();
    assert_eq!(version, "W/\"1\"", "a sign-in is no change of the record");
}

#[test]
fn who_is_restored_stays_until_seen_and_away_again() {
    let mut acme = given();
    let ada = acme.user("ada");
    acme.see(1, 100 * DAY);
    acme.days(1);
    assert_eq!(acme.statuses(&[&ada]), ["suspended"]);
    acme.admin("POST", &format!("/users/{ada}/restore"), &Value::Null);
    acme.sleep();
    acme.get("/Users?count=0");
    acme.days(30);
    assert_eq!(acme.statuses(&[&ada]), ["granted"]);
    acme.see(1, 0);
    acme.days(92);
    assert_eq!(acme.statuses(&[&ada]), ["suspended"]);
    // By hand it is another matter, and told as that.
    acme.admin("POST", &format!("/users/{ada}/suspend"), &Value::Null);
    assert_eq!(acme.access(&ada)["reasons"], json!(["suspended"]));
}

#[test]
fn a_user_of_a_connection_and_one_whom_a_guard_needs_are_left() {
    let mut acme = given();
    let key = acme.connection_key("okta", "active");
    let ada = acme.pushed(&key, &json!({ "userName": "ada" }));
    let [bob, eve] = ["bob", "eve"].map(|name| acme.user(name));
    acme.policy(&json!({
        "mappings": [mapping("m", "userName pr", &["r"]), mapping("o", "userName ne \"ada\"", &["owner"])],
        "guards": [{ "role": "owner", "min": 1 }],
    }));
    for place in 1..=3 {
        acme.see(place, (200 - place) * DAY);
    }
    acme.days(1);
    assert_eq!(acme.statuses(&[&ada, &bob, &eve]), ["granted", "suspended", "granted"]);
    acme.check_recomputed();
}

#[test]
fn many_are_suspended_in_steps_and_once_a_day() {
    let mut acme = Acme::new();
    acme.populate(limits::ACCESS_STEP + 10);
    for place in 1..=limits::ACCESS_STEP + 10 {
        let at =
            DateTime::from_timestamp(1_700_000_000, 0).unwrap().format("%Y-%m-%dT%H:%M:%S%.3fZ");
        sightings::note(&acme.sql, Pos::new(1, place as i64), &at.to_string()).unwrap();
    }
    acme.policy(&json!({ "staleAfter": "P1D" }));
    assert!(acme.sweeps());
    acme.sql.statements();
    acme.alarm().unwrap();
    let statements = acme.sql.statements();
    let walked = statements.iter().find(|one| one.contains("last_seen IS NOT NULL")).unwrap();
    check_plan(&acme, walked);
    assert_eq!(acme.rows("suspensions"), limits::ACCESS_STEP as i64);
    acme.alarms();
    assert_eq!(acme.rows("suspensions"), limits::ACCESS_STEP as i64 + 10);
    // Those who become stale in the course of a day are suspended together after it.
    for place in 1..=5 {
        acme.see(place, place * 3_600);
    }
    let filter = json!({ "filter": "userName pr" });
    assert_eq!(acme.ask("POST", "/v1/tenants/acme/users/restore", &filter, ADMIN).status, 200);
    acme.pass(60);
    assert!(acme.days(5) <= 2);
    assert_eq!(acme.rows("suspensions"), 5);
}

#[test]
fn an_alarm_that_fails_suspends_nobody_and_is_tried_again() {
    let mut acme = given();
    acme.user("ada");
    acme.see(1, 100 * DAY);
    acme.alarm_failing_everywhere(|acme, _| assert_eq!(acme.rows("suspensions"), 0));
    assert_eq!(acme.rows("suspensions"), 1);
}

#[test]
fn how_long_is_a_duration_of_a_day_to_ten_years() {
    let mut acme = Acme::new();
    assert_eq!(acme.admin("GET", "/policies", &Value::Null).json()["staleAfter"], Value::Null);
    let day = format!("PT{}S", limits::STALE_SECONDS_LEAST);
    let most = format!("PT{}S", limits::STALE_SECONDS);
    for (given, shown) in
        [(json!(day), json!("P1D")), (json!(most), json!("P3650D")), (Value::Null, Value::Null)]
    {
        assert_eq!(acme.policy(&json!({ "staleAfter": given }))["staleAfter"], shown);
    }
    for bad in [json!("PT86399S"), json!("P3651D"), json!("soon"), json!(90), json!({})] {
        let reply = acme.admin("PUT", "/policies", &json!({ "staleAfter": bad }));
        check_refused(&reply, 422, "faulty");
        assert_eq!(reply.json()["faults"][0]["path"], "/staleAfter");
    }
}
