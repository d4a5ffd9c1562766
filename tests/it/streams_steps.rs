//! Steps of streams that fail within the service: they come again, and nobody else waits for them.

use chrono::TimeDelta;
use muster::limits;
use muster::store::{Sql as _, has_tables};
use muster::tenant::Tenant;
use serde_json::json;

use crate::hooks::{Sent, URL, status};
use crate::sqlite::Sqlite;
use crate::streams_delivery::{given, retitle};
use crate::support::Acme;

/// A tenant that has put nothing off but a step of a stream.
fn with_a_step() -> Acme {
    let mut acme = given();
    acme.user("ada");
    acme.wait(3_600);
    acme.alarm().expect("the alarm does its step");
    acme
}

impl Acme {
    /// When an alarm is wanted, of a tenant of which memory says nothing.
    fn wanted_in(&self) -> i64 {
        let wanted = self.tenant.alarm_in_milliseconds(self.now).expect("an alarm is wanted");
        assert!((1..=limits::BATCH_LOST_MILLISECONDS).contains(&wanted), "{wanted}");
        wanted
    }
}

#[test]
fn a_step_that_cannot_be_noted_comes_again_by_alarm() {
    let mut acme = with_a_step();
    for statements in 0.. {
        let mut batches = acme.batches().expect("a step");
        acme.hand_over(&mut batches[0], &mut |_| status(204));
        acme.sql.fail_after(Some(statements));
        let landed = acme.land(&batches[0]);
        let has_failed = acme.sql.has_failed();
        acme.sql.fail_after(None);
        assert_eq!(landed.is_err(), has_failed, "at {statements}");
        if !has_failed {
            assert!(statements > 0);
            return;
        }
        acme.now += TimeDelta::milliseconds(acme.wanted_in());
        acme.alarm().expect("the alarm does its step");
        assert!(acme.tenant.hands_over(acme.now), "at {statements}");
    }
}

#[test]
fn a_step_that_cannot_be_made_up_comes_again_by_alarm() {
    let mut acme = with_a_step();
    acme.sql.fail_after(Some(0));
    let (batches, planned) = acme.planned();
    acme.sql.fail_after(None);
    assert!(batches.is_empty() && planned.is_err());
    acme.now += TimeDelta::milliseconds(acme.wanted_in());
    acme.alarm().expect("the alarm does its step");
    assert_eq!(acme.deliver(|_| status(204)).len(), 1);
}

#[test]
fn who_was_purged_has_no_alarm() {
    let mut acme = with_a_step();
    let mut batches = acme.batches().expect("a step");
    acme.hand_over(&mut batches[0], &mut |_| status(204));
    (acme.sql, acme.tenant) = (Sqlite::new(), Tenant::default());
    acme.land(&batches[0]).expect("nothing is noted");
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), None);
    acme.alarm().expect("there is nothing to be done");
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), None);
    assert_eq!(has_tables(&acme.sql), Ok(false));
}

#[test]
fn one_that_fails_to_be_made_up_does_not_delay_others() {
    let mut acme = Acme::new();
    for id in ["a", "m", "z"] {
        let url = format!("{URL}/{id}");
        acme.stream(&json!({ "id": id, "url": url, "types": ["user.created"] }));
    }
    assert!(acme.deliver_for(5, |_| status(204)).is_empty());
    acme.user("ada");
    // The place of a stream that has passed something over is written with its next step.
    let statement = "CREATE TRIGGER broken BEFORE INSERT ON followers WHEN new.name = 'stream:m'
         BEGIN SELECT RAISE(ABORT, 'x'); END";
    acme.sql.query(statement, &[]).expect("a trigger");
    let (mut batches, planned) = acme.planned();
    assert!(planned.is_err(), "it is told");
    let mut urls = Vec::new();
    for batch in &mut batches {
        let sent = acme.hand_over(batch, &mut |_| status(204));
        urls.extend(sent.into_iter().map(|one: Sent| one.url));
        acme.land(batch).expect("it is noted");
    }
    urls.sort_unstable();
    assert_eq!(urls, ["a", "z"].map(|id| format!("{URL}/{id}")));
    acme.wait(5);
    assert!(acme.batches().expect("not yet").is_empty());
    acme.sql.query("DROP TRIGGER broken", &[]).expect("a trigger");
    let late = acme.deliver_for(limits::BATCH_LOST_MILLISECONDS / 1_000, |_| status(204));
    assert_eq!(late.iter().map(|one| one.url.clone()).collect::<Vec<_>>(), [format!("{URL}/m")]);
}

#[test]
fn what_nobody_knows_any_more_is_not_counted() {
    let mut acme = Acme::new();
    acme.stream(&json!({ "id": "crm", "url": URL, "types": ["user.created"] }));
    acme.user("ada");
    acme.deliver(|_| status(503));
    acme.policy(&json!({ "retainEvents": "P7D" }));
    acme.wait(45 * 86_400);
    let bob = acme.user("bob");
    retitle(&mut acme, &bob, "x");
    acme.alarm().expect("the alarm does its step");
    assert_eq!(acme.rows("events"), 2);
    let mut batches = acme.batches().expect("a step");
    assert_eq!((batches[0].len(), acme.rows("deliveries")), (1, 0));
    assert_eq!(acme.shown_stream("crm")["unfinished"], 0);
    acme.hand_over(&mut batches[0], &mut |_| status(204));
    acme.land(&batches[0]).expect("it is noted");
    assert!(!acme.tenant.hands_over(acme.now + TimeDelta::hours(1)), "nothing is left");
}
