//! Receivers that fail: when they are asked again, and when no more.

use std::collections::BTreeSet;

use chrono::DateTime;
use muster::limits;
use muster::policy::{Delivered, hint, retry_after};
use serde_json::{Value, json};

use crate::hooks::{Sent, URL, status};
use crate::streams_delivery::{given, retitle};
use crate::support::Acme;

#[test]
fn it_is_tried_ten_times_each_time_later_and_then_others_go_on() {
    let mut acme = given();
    let ada = acme.user("ada");
    retitle(&mut acme, &ada, "x");
    let mut attempts = Vec::new();
    let began = acme.now.timestamp();
    let only_second = |one: &Sent| one.kind() == "user.updated";
    let sent = acme.deliver_for(4 * 86_400, |one| match one.kind() {
        "user.created" => {
            attempts.push(one.seconds - began);
            status(503)
        }
        _ => status(204),
    });
    let schedule = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    assert_eq!(attempts.len(), schedule.len());
    let mut elapsed = 0.0;
    for (attempt, pause) in attempts.iter().zip(schedule) {
        // Chance adds a tenth at most; the tests' draws half of that.
        elapsed += f64::from(pause) * 1.05;
        let late = *attempt as f64 - elapsed;
        assert!((-2.0..15.0).contains(&late), "{attempt} for {elapsed}");
    }
    assert_eq!(sent.iter().filter(|one| only_second(one)).count(), 1, "and then the next one goes");
    let ids: BTreeSet<&str> =
        sent.iter().filter(|one| one.kind() == "user.created").map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), 1, "each time under the same id");
    let failed = acme.deliveries("crm", "?status=failed");
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (&failed[0]["attempts"], &failed[0]["reason"]),
        (&json!(10), &json!("503 the receiver failed"))
    );
    let told = acme.events().pop().expect("an event");
    assert_eq!(told["type"], "change.failed");
    assert_eq!((&told["data"]["id"], &told["data"]["stream"]), (&json!(ada), &json!("crm")));
}

#[test]
fn a_receiver_says_when_to_come_again() {
    let mut acme = given();
    let busy = |code, seconds| Delivered::Answered {
        status: code,
        retry_after: Some(seconds),
        body: String::new(),
    };
    acme.user("ada");
    acme.user("bob");
    let sent = acme.deliver(|_| busy(429, 120));
    assert!(sent.len() <= limits::DELIVERIES_AT_ONCE, "it is left alone");
    assert_eq!(acme.shown_stream("crm")["pausedUntil"], "2026-09-21T14:15:20.000Z");
    acme.user("eve");
    assert!(acme.deliver_for(100, |_| status(204)).is_empty(), "new events wait, too");
    assert_eq!(acme.deliver_for(60, |_| status(204)).len(), 3);
    // A day is the most; another status is about the one event.
    acme.user("dan");
    acme.deliver(|_| busy(400, 10 * limits::RETRY_AFTER_SECONDS));
    acme.user("fay");
    assert_eq!(acme.deliver(|_| status(204)).len(), 1);
    assert!(acme.deliver_for(limits::RETRY_AFTER_SECONDS - 60, |_| status(204)).is_empty());
    assert_eq!(acme.deliver_for(120, |_| status(204)).len(), 1);
}

#[test]
fn a_pause_is_shown_as_long_as_it_lasts_and_ends_where_a_stream_is_enabled_again() {
    let mut acme = given();
    let busy = |seconds| Delivered::Answered {
        status: 503,
        retry_after: Some(seconds),
        body: String::new(),
    };
    let paused = |acme: &mut Acme| acme.shown_stream("crm")["pausedUntil"].clone();
    acme.user("ada");
    acme.deliver(|_| busy(120));
    assert_ne!(paused(&mut acme), Value::Null);
    for sleeps in [false, true] {
        if sleeps {
            acme.sleep();
        }
        acme.wait(120);
        assert_eq!(paused(&mut acme), Value::Null, "what is past puts nothing off");
    }
    acme.user("bob");
    acme.deliver(|_| busy(3_600));
    for state in ["disabled", "enabled"] {
        acme.admin("PATCH", "/streams/crm", &json!({ "state": state }));
        assert_eq!(paused(&mut acme).is_null(), state == "enabled");
    }
    acme.sleep();
    acme.user("eve");
    let sent = acme.deliver(|_| status(204));
    assert_eq!(sent.iter().filter(|one| one.kind() == "user.created").count(), 1, "at once");
    // It is nobody's to say.
    let body = json!({ "pausedUntil": "2026-09-21T14:15:20.000Z" });
    let detail = "`pausedUntil` is no field of a stream that is changed";
    acme.admin_refused("PATCH", "/streams/crm", &body, (400, "malformed", detail));
    let body = json!({ "url": URL, "pausedUntil": "2026-09-21T14:15:20.000Z" });
    let detail = "`pausedUntil` is no field of a stream";
    acme.admin_refused("POST", "/streams", &body, (400, "malformed", detail));
}

#[test]
fn what_may_help_is_said_of_whatever_a_receiver_has_against_it() {
    let sent = "have the receiver take this stream's signature or credentials, then retry";
    let key = "have the receiver read the tenant's public keys anew, then retry";
    let audience = "give the stream the audience that the receiver expects, then retry";
    let other = "see what the receiver answered, mend it, then retry";
    for (reason, expected) in [
        ("401 invalid authentication", sent),
        ("400 authentication_failed", sent),
        ("access_denied", sent),
        ("400 invalid_key", key),
        ("invalid_key", key),
        ("400 invalid_audience", audience),
        ("invalid_audience", audience),
        ("invalid_issuer", "have the receiver take the tenant's `iss`, then retry"),
        ("400 refused", other),
        ("jwtHdr", other),
        (
            "no connection",
            "check that the receiver is up and its url right; it is tried again by itself",
        ),
        (
            "302 a redirect, which is not followed",
            "give the stream the url to which it is redirected",
        ),
    ] {
        assert_eq!(hint(reason), expected, "{reason}");
    }
}

#[test]
fn when_to_come_again_is_a_number_of_seconds_or_a_date() {
    let now = DateTime::from_timestamp(1_790_000_000, 0).expect("a time");
    for (header, seconds) in [
        ("120", Some(120)),
        (" 0 ", Some(0)),
        ("Mon, 21 Sep 2026 14:14:20 GMT", Some(60)),
        ("Mon, 21 Sep 2026 14:12:20 GMT", Some(-60)),
        ("soon", None),
        ("", None),
    ] {
        assert_eq!(retry_after(header, now), seconds, "{header}");
    }
    let late = |seconds| Delivered::Answered {
        status: 500,
        retry_after: Some(seconds),
        body: String::new(),
    };
    assert_eq!(late(-60).retry_in(1, 0), Some(5_000), "what is past is no reason to hurry");
    assert_eq!(late(60).retry_in(1, 0), Some(60_000));
    assert_eq!(late(i64::MAX).retry_in(1, 0), Some(limits::RETRY_AFTER_SECONDS * 1_000));
    assert_eq!(late(0).retry_in(2, 255), Some(329_882));
}

#[test]
fn what_cannot_be_signed_has_failed_and_is_tried_again_later() {
    let mut acme = given();
    acme.user("ada");
    assert_eq!(acme.deliver(|_| Delivered::Unsigned).len(), 1);
    let [of_ada] = acme.deliveries("crm", "?after=2").try_into().expect("one");
    assert_eq!(
        (&of_ada["status"], &of_ada["attempts"], &of_ada["reason"], &of_ada["hint"]),
        (
            &json!("retrying"),
            &json!(1),
            &json!("not signed"),
            &json!("rotate the stream's secret, then retry")
        )
    );
    assert!(acme.deliver_for(4, |_| status(204)).is_empty());
    assert_eq!(acme.deliver_for(2, |_| Delivered::Unsigned).len(), 1);
    assert!(acme.deliver_for(290, |_| status(204)).is_empty(), "each time for longer");
    assert_eq!(acme.deliver_for(60, |_| status(204)).len(), 1);
}

#[test]
fn a_receiver_that_is_gone_ends_its_stream_and_loses_nothing() {
    let mut acme = given();
    acme.user("ada");
    acme.user("bob");
    acme.deliver(|_| status(410));
    let shown = acme.shown_stream("crm");
    assert_eq!(
        (&shown["state"], &shown["disabledReason"]),
        (&json!("disabled"), &json!("410 gone"))
    );
    let told = acme.events().pop().expect("an event");
    assert_eq!(
        (&told["type"], &told["data"]["reason"]),
        (&json!("stream.disabled"), &json!("410 gone"))
    );
    assert_eq!(told["data"]["actor"], "system");
    assert!(acme.deliver_for(86_400, |_| status(204)).is_empty());
    acme.admin("PATCH", "/streams/crm", &json!({ "state": "enabled" }));
    let sent = acme.deliver_for(60, |_| status(204));
    let created: BTreeSet<&str> =
        sent.iter().filter(|one| one.kind() == "user.created").map(Sent::about).collect();
    assert_eq!(created.len(), 2);
}

#[test]
fn five_days_without_success_end_a_stream() {
    let mut acme = given();
    acme.user("ada");
    let mut day = 0;
    while acme.shown_stream("crm")["state"] == "enabled" && day < 10 {
        acme.user(&format!("of-day-{day}"));
        acme.deliver_for(86_400, |_| Delivered::Unreachable);
        day += 1;
    }
    let days = limits::FAILING_MILLISECONDS / 86_400_000;
    assert_eq!((day, days), (6, 5));
    assert_eq!(
        acme.shown_stream("crm")["disabledReason"],
        "nothing has reached the receiver for five days"
    );
    acme.admin("PATCH", "/streams/crm", &json!({ "state": "enabled" }));
    assert_eq!(acme.shown_stream("crm")["failingSince"], Value::Null);
    // One success is enough.
    acme.user("ok");
    acme.deliver(|_| Delivered::TimedOut);
    assert_ne!(acme.shown_stream("crm")["failingSince"], Value::Null);
    acme.user("ok2");
    acme.deliver(|one| status(if one.text.contains("stream") { 500 } else { 204 }));
    assert_eq!(acme.shown_stream("crm")["failingSince"], Value::Null);
}

#[test]
fn a_receiver_that_is_down_holds_so_many_and_then_the_place_stays() {
    let mut acme = given();
    for number in 0..limits::DELIVERIES_UNFINISHED + 150 {
        acme.user(&format!("u{number}"));
    }
    acme.deliver(|_| Delivered::Unreachable);
    let shown = acme.shown_stream("crm");
    assert_eq!(shown["unfinished"], limits::DELIVERIES_UNFINISHED);
    let waiting = acme.deliveries("crm", "?status=waiting&cursor=500&limit=1000");
    assert_eq!(waiting.len(), 150);
    // And then everything comes.
    let sent = acme.deliver_for(3_600, |_| status(204));
    let users: BTreeSet<&str> = sent.iter().map(Sent::about).collect();
    assert_eq!(users.len(), limits::DELIVERIES_UNFINISHED + 150);
    assert_eq!(acme.shown_stream("crm")["unfinished"], 0);
    assert!(acme.rows("deliveries") <= i64::try_from(limits::DELIVERIES_KEPT).unwrap());
}

#[test]
fn what_a_receiver_holds_that_is_down_has_so_many_bytes_too() {
    const GROUPS: usize = 25;
    let mut acme = Acme::new();
    let name = |number| format!("u{number}");
    let users: Vec<String> =
        (0..limits::MEMBERS_PER_EVENT).map(|number| acme.user(&name(number))).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    acme.stream(&json!({ "id": "crm", "url": URL, "types": ["group.member.added"] }));
    for number in 0..GROUPS {
        acme.group(&format!("g{number}"), &users);
    }
    acme.deliver(|_| Delivered::Unreachable);
    let bytes = acme.sql_texts("SELECT CAST(sum(length(ids)) AS TEXT) FROM deliveries");
    let bytes: usize = bytes[0].parse().expect("a number");
    let (most, of_one) = (limits::DELIVERIES_UNFINISHED_BYTES, 37 * (users.len() + 1));
    assert!((most..most + of_one).contains(&bytes), "{bytes}");
    let place = acme.shown_stream("crm")["after"].clone();
    for sleeps in [false, true] {
        if sleeps {
            acme.sleep();
        }
        let shown = acme.shown_stream("crm");
        assert_eq!((&shown["after"], shown["unfinished"].as_u64()), (&place, Some(15)));
        assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now).filter(|due| *due < 1_000), None);
    }
    // And then everything comes, once.
    let sent = acme.deliver_for(3_600, |_| status(204));
    let seqs: BTreeSet<i64> = sent.iter().map(Sent::seq).collect();
    assert_eq!((sent.len(), seqs.len()), (GROUPS, GROUPS));
    assert_eq!(acme.shown_stream("crm")["unfinished"], 0);
}

#[test]
fn what_has_failed_is_tried_again_as_far_as_there_is_room() {
    let mut acme = Acme::new();
    acme.stream(&json!({ "id": "crm", "url": URL, "types": ["user.created"] }));
    acme.user("lost");
    acme.deliver_for(4 * 86_400, |_| Delivered::Unreachable);
    for number in 0..limits::DELIVERIES_UNFINISHED {
        acme.user(&format!("u{number}"));
    }
    acme.deliver(|_| Delivered::Unreachable);
    let failed = acme.deliveries("crm", "?status=failed")[0]["seq"].to_string();
    let retry = format!("/changes/{failed}/retry");
    let detail = "the stream has as many events that are tried again as it may";
    acme.admin_refused("POST", &retry, &json!({}), (409, "conflict", detail));
    let held = acme.deliveries("crm", "?status=retrying&limit=1")[0]["seq"].to_string();
    let at_once = acme.admin("POST", &format!("/changes/{held}/retry"), &json!({}));
    assert_eq!(at_once.status, 200, "that is tried again anyway");
    acme.deliver_for(600, |_| status(204));
    assert_eq!(acme.admin("POST", &retry, &json!({})).status, 200);
    assert_eq!(acme.deliver_for(2, |_| status(204)).len(), 1);
}

#[test]
fn what_failed_long_ago_is_not_held_against_a_stream_that_was_idle_since() {
    let mut acme = Acme::new();
    acme.stream(&json!({ "id": "crm", "url": URL, "types": ["user.created"] }));
    acme.user("lost");
    acme.deliver_for(4 * 86_400, |_| Delivered::Unreachable);
    assert_eq!(acme.shown_stream("crm")["unfinished"], 0);
    acme.wait(10 * 86_400);
    acme.user("late");
    acme.deliver(|_| Delivered::Unreachable);
    let shown = acme.shown_stream("crm");
    assert_eq!((&shown["state"], &shown["unfinished"]), (&json!("enabled"), &json!(1)));
}
