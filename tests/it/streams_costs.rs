//! What streams cost, in statements that write.

use muster::limits;
use serde_json::{Value, json};

use crate::costs::check_plan;
use crate::hooks::{URL, status};
use crate::streams_delivery::{given, retitle};
use crate::support::Acme;

/// The writes among statements, but for the numbers of users that are counted in memory.
fn writes(acme: &Acme) -> Vec<String> {
    let is_write = |statement: &String| !statement.trim_start().starts_with("SELECT");
    acme.sql.statements().into_iter().filter(is_write).collect()
}

#[test]
fn a_change_costs_the_same_with_ten_streams_and_a_step_one_row_of_each() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let change = |acme: &mut Acme, title: &str| {
        acme.sql.statements();
        retitle(acme, &ada, title);
        writes(acme)
    };
    let without = change(&mut acme, "1");
    let of_event = without.iter().filter(|statement| statement.contains("INTO events")).count();
    assert_eq!(of_event, 1, "one row, and at most one index: {without:#?}");
    for number in 0..10 {
        acme.hook(&format!("s{number}"));
    }
    acme.deliver(|_| status(204));
    let with = change(&mut acme, "2");
    assert_eq!(with, without);
    for number in 0..20 {
        let bob = acme.user(&format!("u{number}"));
        retitle(&mut acme, &bob, "x");
    }
    acme.sql.statements();
    let sent = acme.deliver(|_| status(204));
    assert_eq!(sent.len(), 10 * 41);
    let (statements, mut written) = (acme.sql.statements(), 0);
    for statement in &statements {
        check_plan(&acme, statement);
        written += usize::from(!statement.trim_start().starts_with("SELECT"));
    }
    assert_eq!(written, 10, "a place of each stream: {statements:#?}");
    assert_eq!(acme.rows("deliveries"), 0);
    acme.sql.statements();
    // A read costs nothing, and what has gone well is due no more.
    assert!(acme.deliver(|_| status(204)).is_empty());
    assert_eq!(acme.sql.statements().len(), 0);
}

#[test]
fn events_of_other_types_are_passed_over_without_a_row() {
    let mut acme = Acme::new();
    acme.stream(&json!({ "id": "rare", "url": URL, "types": ["key.revoked"] }));
    let follower = |acme: &Acme| {
        let rows = acme.sql_texts("SELECT name || ' ' || after FROM followers");
        rows.join("\n")
    };
    let before = follower(&acme);
    for number in 0..limits::BATCH_SCANNED + 5 {
        acme.user(&format!("u{number}"));
    }
    assert!(acme.deliver_for(5, |_| status(204)).is_empty());
    assert_eq!(follower(&acme), before);
    assert_eq!(acme.shown_stream("rare")["after"], acme.events_count());
    for number in 0..limits::PASSED_OVER {
        acme.user(&format!("v{number}"));
    }
    assert!(acme.deliver_for(10, |_| status(204)).is_empty());
    assert_ne!(follower(&acme), before, "so that not all is read again");
    acme.sleep();
    let id = acme.admin("GET", "/keys", &Value::Null).json()["items"][0]["id"].clone();
    acme.admin("DELETE", &format!("/keys/{}", id.as_str().unwrap()), &Value::Null);
    assert_eq!(acme.deliver_for(10, |_| status(204)).len(), 1);
}

#[test]
fn one_alarm_hands_over_so_many_and_the_next_one_the_rest() {
    let mut acme = Acme::new();
    for number in 0..limits::STREAMS_PER_TENANT {
        acme.hook(&format!("s{number:02}"));
    }
    acme.deliver(|_| status(204));
    for number in 0..limits::BATCH_EVENTS {
        acme.user(&format!("u{number}"));
    }
    let mut handed = Vec::new();
    while handed.len() < limits::STREAMS_PER_TENANT {
        let batches = acme.batches().expect("steps");
        let events: usize = batches.iter().map(|batch| batch.len()).sum();
        assert!(events >= limits::BATCH_EVENTS, "somebody's turn");
        assert!(events < limits::ALARM_EVENTS + limits::BATCH_EVENTS, "{events}");
        handed.extend(batches);
    }
    assert_eq!(handed.len(), limits::STREAMS_PER_TENANT);
    assert!(acme.batches().expect("none").is_empty(), "each once");
}

#[test]
fn who_was_told_longest_ago_is_told_first() {
    let mut acme = Acme::new();
    let full = limits::ALARM_EVENTS / limits::BATCH_EVENTS;
    for number in 0..=full {
        acme.hook(&format!("s{number}"));
    }
    acme.deliver(|_| status(204));
    for number in 0..limits::BATCH_EVENTS * 4 {
        acme.user(&format!("u{number}"));
    }
    let mut told: Vec<String> = Vec::new();
    for _ in 0..4 {
        // As an alarm does that waits for receivers as long as a step may be from the next one.
        let mut batches = acme.batches().expect("steps");
        assert_eq!(batches.len(), full);
        for batch in &mut batches {
            let sent = acme.hand_over(batch, &mut |_| status(204));
            told.push(sent[0].url.clone());
            acme.land(batch).expect("it is noted");
        }
        acme.wait(limits::BATCH_PAUSE_MILLISECONDS / 1_000);
    }
    for number in 0..=full {
        let url = format!("{URL}/s{number}");
        let times = told.iter().filter(|one| **one == url).count();
        assert!(times >= 2, "{number} each second time: {told:?}");
    }
}

#[test]
fn it_is_known_when_the_last_steps_were_done() {
    let mut acme = given();
    let first = acme.events().len();
    for number in 0..limits::ACKNOWLEDGEMENTS + 5 {
        acme.user(&format!("u{number}"));
        acme.wait(60);
        assert_eq!(acme.deliver(|_| status(204)).len(), 1);
    }
    acme.sleep();
    let listed = acme.deliveries("crm", &format!("?after={first}&limit=1000"));
    let times: Vec<&str> = listed.iter().map(|one| one["deliveredAt"].as_str().unwrap()).collect();
    assert_eq!(times.len(), limits::ACKNOWLEDGEMENTS + 5);
    assert!(times.is_sorted());
    // Of those before, only that it was by then.
    assert_eq!(times.iter().filter(|time| **time == times[0]).count(), 6);
}
