//! Delivery: in order for each resource, at least once, and what has failed tried again.

use std::collections::BTreeSet;

use muster::limits;
use serde_json::{Value, json};

use crate::hooks::{Sent, URL, status};
use crate::steps::patch_op;
use crate::support::Acme;

pub(crate) fn given() -> Acme {
    let mut acme = Acme::new();
    acme.hook("crm");
    acme.deliver(|_| status(204));
    acme
}

pub(crate) fn retitle(acme: &mut Acme, user: &str, title: &str) {
    let operation = json!([{ "op": "replace", "path": "title", "value": title }]);
    let reply = acme.scim("PATCH", &format!("/Users/{user}"), &patch_op(&operation));
    assert_eq!(reply.status, 200);
}

fn seqs(sent: &[Sent]) -> Vec<i64> {
    sent.iter().map(Sent::seq).collect()
}

#[test]
fn an_event_is_handed_over_as_the_feed_has_it() {
    let mut acme = given();
    let ada = acme.user("ada");
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), Some(0), "at once");
    let sent = acme.deliver(|_| status(200));
    let [one] = sent.as_slice() else { panic!("{sent:?}") };
    let event = acme.events().pop().expect("an event");
    assert_eq!((&one.body, one.about(), one.url.as_str()), (&event, &*ada, &*format!("{URL}/crm")));
    assert_eq!(one.id, format!("acme_{}_{}", one.seq(), 1_790_000_000_000_i64));
    assert_eq!(one.seconds, 1_790_000_000);
    assert!(acme.deliver(|_| status(200)).is_empty(), "once");
    let [of_ada] = acme.deliveries("crm", "?after=2").try_into().expect("one");
    assert_eq!((&of_ada["status"], &of_ada["webhookId"]), (&json!("delivered"), &json!(one.id)));
    assert_eq!(of_ada["deliveredAt"], "2026-09-21T14:13:20.000Z");
}

/// The signature is that of Standard Webhooks, computed here by other means.
#[test]
fn a_message_is_signed_with_the_secret_that_was_shown() {
    use base64ct::{Base64, Encoding as _};
    use hmac::{Hmac, Mac as _};
    let mut acme = Acme::new();
    let made = acme.hook("crm");
    let secret = made["secret"].as_str().expect("a secret")["whsec_".len()..].to_owned();
    let secret = Base64::decode_vec(&secret).expect("Base64");
    acme.user("ada");
    let one = acme.deliver(|_| status(204)).pop().expect("a message");
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&secret).expect("a key");
    mac.update(format!("{}.{}.{}", one.id, one.seconds, one.text).as_bytes());
    let signature = Base64::encode_string(&mac.finalize().into_bytes());
    assert_eq!(one.signatures, [format!("v1,{signature}")]);
}

#[test]
fn ol_02_one_event_reaches_every_stream() {
    let mut acme = Acme::new();
    acme.hook("crm");
    acme.hook("erp");
    acme.stream(&json!({ "id": "groups", "url": URL, "types": ["group.*"] }));
    let ada = acme.user("ada");
    acme.deliver(|_| status(204));
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    acme.scim("PATCH", &format!("/Users/{ada}"), &patch_op(&off));
    let sent = acme.deliver(|_| status(204));
    let told: BTreeSet<_> =
        sent.iter().map(|one| (one.url.clone(), one.kind(), one.seq())).collect();
    let seq = acme.events().len() as i64;
    let expected = ["crm", "erp"].map(|id| (format!("{URL}/{id}"), "user.deactivated", seq));
    assert_eq!(told, BTreeSet::from(expected));
}

#[test]
fn a_stream_begins_where_it_is_told() {
    let mut acme = Acme::new();
    acme.user("ada");
    acme.stream(&json!({ "id": "all", "url": URL, "after": 0 }));
    acme.stream(&json!({ "id": "rest", "url": format!("{URL}/rest") }));
    acme.user("bob");
    let sent = acme.deliver(|_| status(204));
    let of = |url: &str| -> Vec<i64> {
        sent.iter().filter(|one| one.url == url).map(Sent::seq).collect()
    };
    assert_eq!(of(URL), [1, 2, 3, 4, 5]);
    assert_eq!(of(&format!("{URL}/rest")), [5]);
}

#[test]
fn what_has_failed_holds_back_only_what_is_about_the_same() {
    let mut acme = given();
    let (ada, bob, eve) = (acme.user("ada"), acme.user("bob"), acme.user("eve"));
    acme.deliver(|_| status(204));
    let begun = acme.events().len() as i64;
    retitle(&mut acme, &ada, "1"); // fails
    retitle(&mut acme, &bob, "1");
    acme.group("crew", &[&ada, &eve]); // lists ada among its members by an event of its own
    retitle(&mut acme, &ada, "2"); // held
    retitle(&mut acme, &eve, "1"); // held: behind the group's members
    retitle(&mut acme, &bob, "2");
    let of_ada = |one: &Sent| one.text.contains(&ada);
    let sent = acme.deliver(|one| status(if of_ada(one) { 500 } else { 204 }));
    let told: BTreeSet<i64> = seqs(&sent).into_iter().map(|seq| seq - begun).collect();
    let kinds = acme.event_types(usize::try_from(begun).unwrap());
    assert_eq!(kinds[2..4], ["group.created", "group.member.added"]);
    assert_eq!(told, BTreeSet::from([1, 2, 3, 7]), "{kinds:?}");
    let statuses: Vec<Value> = acme
        .deliveries("crm", &format!("?after={begun}"))
        .iter()
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(
        statuses,
        ["retrying", "delivered", "delivered", "held", "held", "held", "delivered"]
    );
    // Later ones about the same are held, too; others go.
    retitle(&mut acme, &ada, "3");
    retitle(&mut acme, &bob, "3");
    let sent = acme.deliver(|_| status(204));
    assert_eq!(seqs(&sent), [begun + 9]);
    // It survives that the object sleeps.
    acme.sleep();
    acme.wait(10);
    let sent = acme.deliver_for(1, |_| status(204));
    let about_ada: Vec<i64> =
        sent.iter().filter(|one| of_ada(one)).map(|one| one.seq() - begun).collect();
    assert_eq!(about_ada, [1, 4, 5, 8], "in order");
    assert_eq!(sent.len(), 5);
    assert_eq!(acme.shown_stream("crm")["unfinished"], 0);
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now).filter(|due| *due < 1_000), None);
}

#[test]
fn events_about_different_things_go_at_once_and_those_about_the_same_do_not() {
    let mut acme = given();
    let ada = acme.user("ada");
    for title in ["1", "2", "3"] {
        retitle(&mut acme, &ada, title);
    }
    acme.user("bob");
    acme.user("eve");
    let mut batches = acme.batches().expect("a step");
    let [batch] = batches.as_mut_slice() else { panic!("one step") };
    let now = acme.now;
    let mut next = || batch.next_delivery(now);
    let together: Vec<_> = std::iter::from_fn(&mut next).collect();
    assert_eq!(together.len(), 3, "the first about ada, and the others");
    batch.note(&together[0], status(204), now);
    assert!(batch.next_delivery(now).expect("the second").body.contains("user.updated"));
    assert!(batch.next_delivery(now).is_none());
}

#[test]
fn a_step_of_which_nothing_is_heard_comes_again() {
    let mut acme = given();
    acme.user("ada");
    let mut lost = acme.batches().expect("a step");
    let first = acme.hand_over(&mut lost[0], &mut |_| status(204));
    // The runtime was killed: memory is gone, the rows are as they were.
    acme.sleep();
    assert_eq!(acme.admin("GET", "/streams", &Value::Null).status, 200);
    let again = acme.deliver(|_| status(204));
    assert_eq!((&again[0].id, again.len()), (&first[0].id, 1), "the same message");
    // Or only the step is: then it takes as long as one may.
    acme.user("bob");
    let lost = acme.batches().expect("a step");
    assert!(acme.batches().expect("none").is_empty(), "one at a time");
    let delay = acme.tenant.alarm_in_milliseconds(acme.now).expect("an alarm");
    assert!(delay <= limits::BATCH_LOST_MILLISECONDS, "{delay}");
    acme.wait(limits::BATCH_LOST_MILLISECONDS / 1_000);
    assert_eq!(acme.deliver(|_| status(204)).len(), 1);
    let before = acme.dump();
    acme.land(&lost[0]).expect("it comes too late");
    assert_eq!(acme.dump(), before);
}

#[test]
fn a_slow_receiver_ends_its_step_and_what_is_left_is_the_next_one_s() {
    let mut acme = given();
    let ada = acme.user("ada");
    retitle(&mut acme, &ada, "1");
    acme.user("bob");
    retitle(&mut acme, &ada, "2");
    let mut batches = acme.batches().expect("a step");
    let batch = &mut batches[0];
    let (of_ada, of_bob) =
        (batch.next_delivery(acme.now).unwrap(), batch.next_delivery(acme.now).unwrap());
    acme.wait(limits::BATCH_MILLISECONDS / 1_000);
    batch.note(&of_ada, status(204), acme.now);
    batch.note(&of_bob, status(204), acme.now);
    assert!(batch.next_delivery(acme.now).is_none());
    let batch = batches.remove(0);
    acme.land(&batch).expect("it is noted");
    // What was passed is held; what was not is simply next.
    assert_eq!(acme.rows("deliveries"), 1);
    let sent = acme.deliver(|_| status(204));
    assert_eq!(sent.iter().map(Sent::about).collect::<Vec<_>>(), [&ada, &ada]);
    assert!(sent[0].seq() < sent[1].seq());
}

#[test]
fn a_replay_hands_over_everything_behind_a_place_once_more() {
    let mut acme = given();
    let first = acme.events().len();
    for name in ["a", "b", "c"] {
        acme.user(name);
    }
    let sent = acme.deliver(|one| status(if one.seq() == 4 { 500 } else { 204 }));
    acme.user("d");
    // While a step is on its way, too: what comes of that does not count.
    let mut batches = acme.batches().expect("a step");
    let replay = |acme: &mut Acme, after: usize| {
        acme.admin("POST", "/streams/crm/replay", &json!({ "after": after }))
    };
    assert_eq!(replay(&mut acme, first).json()["after"], first);
    acme.hand_over(&mut batches[0], &mut |_| status(204));
    acme.land(&batches[0]).expect("it is noted");
    assert_eq!(acme.rows("deliveries"), 0);
    acme.wait(60);
    let again = acme.deliver(|_| status(204));
    let ids = |sent: &[Sent]| sent.iter().map(|one| one.id.clone()).collect::<BTreeSet<_>>();
    assert!(ids(&again).is_superset(&ids(&sent)));
    assert_eq!(again.len(), 5, "four users, and that it was replayed");
    assert_eq!(replay(&mut acme, 1_000).status, 422);
    acme.user("e");
    let ahead = acme.events().len();
    assert_eq!(replay(&mut acme, ahead).status, 422, "nothing is passed over");
    for body in [json!({}), json!({ "after": "1" }), json!({ "after": 1, "x": 1 })] {
        assert_eq!(acme.admin("POST", "/streams/crm/replay", &body).status, 400, "{body}");
    }
}

#[test]
fn each_statement_may_fail_and_the_step_is_whole_or_comes_again() {
    let mut acme = given();
    let ada = acme.user("ada");
    retitle(&mut acme, &ada, "1");
    acme.user("bob");
    let mut statements = 0;
    loop {
        let before = acme.dump();
        let mut batches = acme.batches().expect("a step");
        let batch = batches.remove(0);
        let mut batch = batch;
        acme.hand_over(&mut batch, &mut |one| status(if one.about() == ada { 500 } else { 204 }));
        acme.sql.fail_after(Some(statements));
        let landed = acme.land(&batch);
        let failed = acme.sql.has_failed();
        acme.sql.fail_after(None);
        if !failed {
            landed.expect("it is noted");
            break;
        }
        assert!(landed.is_err(), "at {statements}");
        assert_eq!(acme.dump(), before, "at {statements}");
        acme.wait(limits::BATCH_LOST_MILLISECONDS / 1_000);
        statements += 1;
    }
    assert!(statements >= 4, "{statements}");
    assert_eq!(acme.rows("deliveries"), 2);
}

#[test]
fn a_dry_run_beside_a_step_changes_nothing_about_it() {
    let mut acme = Acme::new();
    acme.stream(&json!({ "id": "crm", "url": URL, "types": ["user.deleted"] }));
    let ids: Vec<String> = ["a", "b", "c"].map(|name| acme.user(name)).into();
    acme.scim("DELETE", &format!("/Users/{}", ids[0]), &Value::Null);
    let mut batches = acme.batches().expect("a step");
    let mappings = json!([crate::access::mapping("m", "active eq true", &["user"])]);
    let tried = acme.admin("PUT", "/policies?dryRun=true", &json!({ "mappings": mappings }));
    assert_eq!(tried.status, 200, "{}", tried.json());
    acme.hand_over(&mut batches[0], &mut |_| status(204));
    acme.land(&batches[0]).expect("it is noted");
    acme.wait(60);
    assert!(acme.deliver(|_| status(204)).is_empty(), "it does not come twice");
}

#[test]
fn a_step_ends_with_its_stream() {
    let mut acme = given();
    acme.user("ada");
    let batches = acme.batches().expect("a step");
    assert!(acme.tenant.still_hands_over(&batches[0]));
    assert_eq!(acme.admin("PATCH", "/streams/crm", &json!({ "state": "disabled" })).status, 200);
    assert!(!acme.tenant.still_hands_over(&batches[0]));
    assert_eq!(acme.admin("DELETE", "/streams/crm", &Value::Null).status, 204);
    assert!(!acme.tenant.still_hands_over(&batches[0]));
}
