//! The clock steps back: what is shown does not, what expires does so by the clock, and nothing
//! waits for the clock to be there again.

use chrono::{DateTime, TimeDelta, Utc};
use muster::auth::{Algorithm, Jwks, JwksCache, Known};
use muster::limits;
use muster::policy::RateLimit;
use muster::store::Sql as _;
use muster::tenant::Bucket;
use proptest::collection::vec;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::fuzz_requests::{Subject, asked};
use crate::steps::{ids, patch_op};
use crate::support::{ADMIN, Acme, gate};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// A time in a resource's `meta`.
#[track_caller]
fn time(resource: &Value, name: &str) -> DateTime<Utc> {
    let text = resource["meta"][name].as_str().unwrap_or_else(|| panic!("no {name}: {resource}"));
    text.parse().expect("a time")
}

fn title(text: &str) -> Value {
    json!([{ "op": "replace", "path": "title", "value": text }])
}

#[test]
fn a_resource_is_never_changed_before_it_was() {
    let mut acme = Acme::new();
    let (ada, bob) = (acme.user("ada"), acme.user("bob"));
    let (user, group) = (format!("/Users/{ada}"), format!("/Groups/{}", acme.group("crew", &[])));
    let created = acme.now;
    let members = |op: &str| json!([{ "op": op, "path": "members", "value": [{ "value": bob }] }]);
    acme.wait(-HOUR);
    for (path, operations) in [
        (&user, title("a")),
        (&group, members("add")),
        (&user, title("b")),
        (&group, members("remove")),
    ] {
        let before = acme.get(path);
        acme.patch(path, &operations);
        let after = acme.get(path);
        assert_eq!((time(&after, "created"), time(&after, "lastModified")), (created, created));
        assert_ne!(after["meta"]["version"], before["meta"]["version"], "it is another version");
    }
    acme.put(&user, &json!({ "userName": "ada" }));
    assert_eq!(time(&acme.get(&user), "lastModified"), created);
    // By the alarm that takes a deleted member out of its groups.
    acme.patch(&group, &members("add"));
    acme.delete(&format!("/Users/{bob}"));
    acme.alarms();
    assert_eq!(time(&acme.get(&group), "lastModified"), created);
    acme.wait(HOUR + 1);
    acme.patch(&user, &title("c"));
    assert_eq!(time(&acme.get(&user), "lastModified"), created + TimeDelta::seconds(1));
}

#[test]
fn a_group_that_a_newcomer_joins_by_name_is_not_changed_before_it_was() {
    let mut acme = Acme::connected("entra");
    let body = json!({ "displayName": "crew", "members": [{ "value": "zoe" }] });
    let group = acme.post("/Groups", &body);
    acme.wait(-HOUR);
    acme.user("zoe");
    let after = acme.get(&format!("/Groups/{}", group["id"].as_str().expect("an id")));
    assert_ne!(after["meta"]["version"], group["meta"]["version"]);
    assert_eq!(time(&after, "lastModified"), time(&group, "created"));
}

#[test]
fn the_log_is_in_the_order_of_its_places_and_says_what_the_clock_said() {
    let mut acme = Acme::new();
    let mut told = Vec::new();
    for (number, step) in [0, 10, -DAY, 1, -1, DAY].into_iter().enumerate() {
        acme.wait(step);
        acme.user(&format!("u{number}"));
        told.push(acme.now);
    }
    let events = acme.admin("GET", "/events?type=user.created", &Value::Null).json();
    let events = events["items"].as_array().expect("items").clone();
    let times: Vec<DateTime<Utc>> = events
        .iter()
        .map(|event| event["timestamp"].as_str().expect("a time").parse().expect("a time"))
        .collect();
    assert_eq!(times, told);
    let seqs: Vec<i64> = events.iter().filter_map(|one| one["data"]["seq"].as_i64()).collect();
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
    let names = ["u0", "u1", "u2", "u3", "u4", "u5"];
    assert_eq!(crate::steps::texts(&acme.get("/Users"), "userName"), names, "in order of creation");
}

#[test]
fn a_cursor_lives_by_the_clock() {
    let mut acme = Acme::new();
    for number in 0..4 {
        acme.user(&format!("u{number}"));
    }
    let first = acme.list("/Users", &[("cursor", ""), ("count", "2")]);
    let cursor = first["nextCursor"].as_str().expect("a cursor").to_owned();
    let made = acme.now;
    let at = |acme: &mut Acme, seconds: i64| {
        acme.now = made + TimeDelta::seconds(seconds);
        let path = format!("/Users?count=2&cursor={cursor}");
        let reply = acme.scim("GET", &path, &Value::Null);
        (reply.status, reply.json()["scimType"].as_str().map(str::to_owned))
    };
    let expired = (400, Some("expiredCursor".to_owned()));
    assert_eq!(at(&mut acme, -1), (200, None));
    assert_eq!(at(&mut acme, -DAY), (200, None), "a step back does not break a walk");
    assert_eq!(at(&mut acme, limits::CURSOR_TTL_SECONDS), expired, "nor does it make one eternal");
    assert_eq!(at(&mut acme, limits::CURSOR_TTL_SECONDS - 1), (200, None));
    assert_eq!(at(&mut acme, DAY), expired);
}

#[test]
fn a_walk_by_time_of_creation_ends_and_shows_everyone_once() {
    let mut acme = Acme::new();
    for number in 0..12 {
        acme.user(&format!("u{number}"));
        acme.wait(if number % 3 == 0 { -HOUR } else { 61 });
    }
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let query = [("sortBy", "meta.created"), ("count", "5"), ("cursor", cursor.as_str())];
        let page = acme.list("/Users", &query);
        seen.extend(ids(&page));
        acme.wait(-7);
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    seen.sort();
    assert_eq!(seen, ids(&acme.get("/Users")));
}

#[test]
fn a_key_expires_by_the_clock_and_stays_revoked() {
    let mut acme = Acme::new();
    let mint = |acme: &mut Acme| {
        acme.mint_with(&json!({ "name": "brief", "scopes": ["scim"], "ttl": "PT1H" }))
    };
    let status =
        |acme: &mut Acme, key: &str| acme.scim_with("GET", "/Users", &Value::Null, key, &[]).status;
    let brief = mint(&mut acme);
    acme.wait(-DAY);
    assert_eq!(status(&mut acme, &brief), 200, "though it was made tomorrow");
    acme.wait(DAY + HOUR);
    assert_eq!(status(&mut acme, &brief), 401);
    acme.wait(-HOUR);
    assert_eq!(status(&mut acme, &brief), 200, "its hour is not over");
    let id = gate().key_ring.verify(&brief, acme.now).expect("a key").sub;
    assert_eq!(acme.admin("DELETE", &format!("/keys/{id}"), &Value::Null).status, 204);
    for step in [0, -DAY, -DAY, 2 * DAY] {
        acme.wait(step);
        assert_eq!(status(&mut acme, &brief), 401, "revoked at any time");
    }
    // The rows of keys that have expired are forgotten when another is made: these do not return.
    let gone = mint(&mut acme);
    acme.wait(2 * HOUR);
    mint(&mut acme);
    acme.wait(-2 * HOUR);
    assert_eq!(status(&mut acme, &gone), 401);
}

#[test]
fn a_request_that_is_sent_again_after_the_clock_stepped_back_is_done_once() {
    let mut acme = Acme::new();
    let send = |acme: &mut Acme| {
        let url = format!("{}/v1/tenants/acme/connections", crate::support::ORIGIN);
        let headers = [("Idempotency-Key".to_owned(), "a".to_owned())].into();
        let body = json!({ "id": "okta", "displayName": "Okta" }).to_string();
        acme.fetch("POST", &url, &headers, body.as_bytes(), ADMIN)
    };
    assert_eq!(send(&mut acme).status, 201);
    for step in [-1, -DAY, -30 * DAY] {
        acme.wait(step);
        let again = send(&mut acme);
        assert_eq!((again.status, again.headers["idempotency-replayed"].as_str()), (201, "true"));
    }
    acme.wait(31 * DAY + 1 + limits::IDEMPOTENCY_TTL_SECONDS);
    assert_eq!(send(&mut acme).status, 409, "and its day ends");
}

#[test]
fn what_waits_to_be_written_does_not_wait_for_the_clock() {
    let mut acme = Acme::new();
    acme.settle();
    acme.get("/Users");
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), Some(limits::FLUSH_MILLISECONDS));
    acme.wait(-DAY);
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), Some(0), "else in a day");
    let written = |acme: &Acme| {
        let entries = acme.sql.query("SELECT sum(count) FROM requests", &[]).expect("SQLite reads");
        (entries[0].integer(0).expect("a count"), acme.rows("keys WHERE used IS NOT NULL"))
    };
    assert_eq!(written(&acme), (1, 0), "that a key was made");
    acme.alarms();
    assert_eq!(written(&acme), (2, 1));
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), None);
    acme.get("/Users");
    let left = acme.tenant.alarm_in_milliseconds(acme.now);
    assert_eq!(left, Some(limits::FLUSH_MILLISECONDS.min(limits::KEY_USES_FLUSH_SECONDS * 1_000)));
}

#[test]
fn a_key_set_of_the_future_is_asked_for_anew() {
    const PAUSE: i64 = limits::JWKS_PAUSE_MILLISECONDS;
    let mut kept = JwksCache::default();
    let look = |kept: &JwksCache, now| kept.look("u", "k", Algorithm::Es256, now);
    let read = |kept: &mut JwksCache, now| {
        kept.ask("u", now);
        kept.note("u", Jwks::parse(br#"{"keys":[]}"#).expect("a set"), now);
    };
    read(&mut kept, 10 * PAUSE);
    assert_eq!(look(&kept, 10 * PAUSE), Known::Nothing);
    assert_eq!(
        look(&kept, 9 * PAUSE),
        Known::Ask,
        "rather than nobody's key until the clock is there"
    );
    read(&mut kept, 9 * PAUSE);
    assert_eq!(look(&kept, 9 * PAUSE), Known::Nothing);
    kept.ask("u", 8 * PAUSE);
    assert_eq!(
        look(&kept, 8 * PAUSE),
        Known::Unavailable,
        "what was read then is not taken for new"
    );
    assert_eq!(look(&kept, 7 * PAUSE), Known::Ask);
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 64, ..Config::default() })]

    #[test]
    fn a_bucket_never_holds_more_than_it_may_whatever_the_clock_does(
        per_second in 1_u32..2_000,
        burst in 1_u32..2_000,
        steps in vec(-100_000_i64..100_000, 1..200),
    ) {
        let limit = RateLimit { per_second, burst };
        let (mut bucket, mut now, mut granted, mut passed) = (Bucket::default(), 0, 0_u64, 0_u64);
        for step in steps {
            now += step;
            // The first request finds a full bucket, however long ago the beginning is.
            passed += step.max(0).unsigned_abs();
            let taken = bucket.take(limit, 1_790_000_000_000 + now);
            granted += u64::from(taken.granted);
            prop_assert!(taken.quota.remaining < u64::from(burst).max(1), "{:?}", taken);
            prop_assert!(taken.retry_after >= 1 && taken.retry_after <= 1 + u64::from(burst));
            prop_assert!(granted * 1_000 <= u64::from(burst) * 1_000 + passed * u64::from(per_second));
        }
        // From wherever the clock is, a second brings at least one.
        prop_assert!(bucket.take(limit, 1_790_000_000_000 + now + 1_000).granted);
    }

    #[test]
    fn any_requests_are_answered_while_the_clock_leaps(
        preset in select(&[None, Some("entra"), Some("strict")][..]),
        requests in vec((asked(), select(&[0, 1, -1, HOUR, -HOUR, DAY, -DAY, -3 * DAY][..])), 1..8),
    ) {
        let mut subject = Subject::new(preset);
        for (asked, step) in &requests {
            subject.acme.wait(*step);
            subject.ask(asked);
            subject.acme.alarms();
        }
        subject.is_well();
        for path in ["/Users?count=1000", "/Groups?count=1000"] {
            let list = subject.acme.get(path);
            let listed = ids(&list);
            prop_assert!(listed.is_sorted(), "{:?}", listed);
            for resource in list["Resources"].as_array().into_iter().flatten() {
                prop_assert!(time(resource, "created") <= time(resource, "lastModified"));
            }
        }
        let rest = patch_op(&title("still here"));
        let all = subject.acme.get("/Users?count=1");
        if let Some(id) = ids(&all).first() {
            let before = time(&all["Resources"][0], "lastModified");
            subject.acme.wait(-DAY);
            let reply = subject.acme.scim("PATCH", &format!("/Users/{id}"), &rest);
            prop_assert_eq!(reply.status, 200, "{}", reply.json());
            prop_assert!(time(&reply.json(), "lastModified") >= before);
        }
    }
}
