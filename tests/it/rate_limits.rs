//! How many requests a tenant may send: the bucket by itself, and a tenant that is held to one.

use chrono::DateTime;
use muster::http::{Exceeded, OAuthError, Quota, Refusal};
use muster::limits;
use muster::policy::RateLimit;
use muster::tenant::{Bucket, Taken, Tenant};
use proptest::collection::vec;
use proptest::prelude::{prop_assert, proptest};
use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::steps::check_problem;
use crate::support::{ADMIN, Acme};

const START: i64 = 1_790_000_000_000;

fn limit(per_second: u32, burst: u32) -> RateLimit {
    RateLimit { per_second, burst }
}

#[test]
fn a_full_bucket_holds_the_burst_and_fills_at_the_rate() {
    let mut bucket = Bucket::default();
    let limit = RateLimit::DEFAULT;
    for left in (0..1_000).rev() {
        let taken = bucket.take(limit, START);
        assert!(taken.granted);
        assert_eq!((taken.quota.limit, taken.quota.remaining), (1_000, left));
    }
    let refused = Taken {
        granted: false,
        quota: Quota { limit: 1_000, remaining: 0, reset: 1_790_000_005 },
        retry_after: 1,
    };
    assert_eq!(bucket.take(limit, START), refused);
    assert_eq!(bucket.take(limit, START + 4), refused, "asking does not put it off");
    assert!(bucket.take(limit, START + 5).granted, "200 a second are one in 5 ms");
    assert!(!bucket.take(limit, START + 5).granted);
    let granted = (0..2_000).filter(|_| bucket.take(limit, START + 1_005).granted).count();
    assert_eq!(granted, 200);
    let granted = (0..2_000).filter(|_| bucket.take(limit, START + 3_600_000).granted).count();
    assert_eq!(granted, 1_000, "it never holds more than the burst");
}

#[test]
fn a_slow_bucket_says_how_long_to_wait() {
    let mut bucket = Bucket::default();
    let limit = limit(1, 1);
    assert!(bucket.take(limit, START).granted);
    assert_eq!(bucket.take(limit, START).retry_after, 1);
    assert!(!bucket.take(limit, START + 999).granted);
    assert!(bucket.take(limit, START + 1_000).granted);
}

#[test]
fn a_limit_that_changes_counts_from_the_next_request() {
    let mut bucket = Bucket::default();
    assert_eq!(bucket.take(limit(10, 1_000), START).quota.remaining, 999);
    assert_eq!(bucket.take(limit(10, 5), START).quota.remaining, 4, "no more than fits now");
    assert_eq!(bucket.take(limit(10, 1_000), START).quota.remaining, 3, "what is gone is gone");
}

#[test]
fn a_clock_that_steps_back_harms_nothing() {
    let mut bucket = Bucket::default();
    let limit = limit(10, 10);
    for _ in 0..10 {
        assert!(bucket.take(limit, START).granted);
    }
    assert!(!bucket.take(limit, START - 86_400_000).granted, "it fills nothing");
    let later = START - 86_400_000 + 100;
    assert!(bucket.take(limit, later).granted, "and from there on the bucket fills again");
    for odd in [i64::MIN, i64::MAX, 0, -1, i64::MIN] {
        bucket.take(limit, odd);
    }
}

proptest! {
    #[test]
    fn there_are_never_more_than_the_burst_and_what_time_brings(
        per_second in 1_u32..2_000,
        burst in 1_u32..2_000,
        pauses in vec(0_i64..1_500, 1..400),
    ) {
        let mut bucket = Bucket::default();
        let mut now = START;
        let mut granted: Vec<i64> = Vec::new();
        for pause in pauses {
            now += pause % 7 * (pause % 300);
            for _ in 0..pause % 5 {
                let taken = bucket.take(limit(per_second, burst), now);
                prop_assert!(taken.retry_after >= 1 && taken.quota.remaining <= u64::from(burst));
                if taken.granted {
                    granted.push(now);
                } else {
                    prop_assert!(taken.quota.remaining == 0);
                    let wait = i64::try_from(taken.retry_after).unwrap() * 1_000;
                    prop_assert!(bucket.clone().take(limit(per_second, burst), now + wait).granted);
                }
            }
        }
        for (first, from) in granted.iter().enumerate() {
            for (last, to) in granted.iter().enumerate().skip(first) {
                let most = i64::from(burst) * 1_000 + i64::from(per_second) * (to - from);
                prop_assert!(i64::try_from(last - first + 1).unwrap() * 1_000 <= most);
            }
        }
    }

    #[test]
    fn whatever_the_clock_does_there_is_no_more_than_it_went_forward(
        steps in vec(-5_000_i64..5_000, 1..300),
    ) {
        let mut bucket = Bucket::default();
        let (mut now, mut forward, mut granted) = (START, 0, 0);
        for step in steps {
            now += step;
            forward += step.max(0);
            granted += i64::from(bucket.take(limit(3, 5), now).granted);
            prop_assert!(granted * 1_000 <= 5_000 + 3 * forward);
        }
    }
}

fn policies(acme: &mut Acme, rate_limit: &Value) -> Reply {
    acme.admin("PUT", "/policies", &json!({ "rateLimit": rate_limit }))
}

#[test]
fn a_tenant_chooses_its_limit() {
    let mut acme = Acme::new();
    for (said, meant) in [
        (json!({ "perSecond": 5, "burst": 7 }), json!({ "perSecond": 5, "burst": 7 })),
        (json!({ "burst": 9 }), json!({ "perSecond": 200, "burst": 9 })),
        (
            json!({ "perSecond": limits::RATE_LIMIT }),
            json!({ "perSecond": limits::RATE_LIMIT, "burst": 1_000 }),
        ),
        (Value::Null, Value::Null),
        (json!({}), json!({ "perSecond": 200, "burst": 1_000 })),
        (json!({ "perSecond": 0, "burst": 0 }), Value::Null),
        (json!(0), Value::Null),
    ] {
        let reply = policies(&mut acme, &said);
        assert_eq!((reply.status, &reply.json()["rateLimit"]), (200, &meant), "{said}");
        acme.sleep();
        assert_eq!(acme.admin("GET", "/policies", &Value::Null).json()["rateLimit"], meant);
    }
    for (said, fault) in [
        (json!(7), "/rateLimit is not an object, null or 0"),
        (json!(false), "/rateLimit is not an object, null or 0"),
        (json!({ "perSecond": -1 }), "/rateLimit/perSecond is not 0 to 1000000"),
        (json!({ "burst": limits::RATE_LIMIT + 1 }), "/rateLimit/burst is not 0 to 1000000"),
        (json!({ "burst": 1.5 }), "/rateLimit/burst is not 0 to 1000000"),
        (json!({ "burst": "9" }), "/rateLimit/burst is not 0 to 1000000"),
        (json!({ "burst": 0 }), "/rateLimit/burst of 0 would refuse every request"),
        (json!({ "per/second": 1 }), "/rateLimit/per~1second is not known to this version"),
    ] {
        let reply = policies(&mut acme, &said);
        let found = &reply.json()["faults"][0];
        let found = format!("{} {}", found["path"], found["detail"]).replace('"', "");
        assert_eq!((reply.status, &*found), (422, fault), "{said}");
    }
}

#[test]
fn a_tenant_is_held_to_its_limit_and_told_what_is_left() {
    let mut acme = Acme::new();
    policies(&mut acme, &json!({ "perSecond": 2, "burst": 3 }));
    for left in ["2", "1", "0"] {
        let reply = acme.scim("GET", "/Nothing", &Value::Null);
        assert_eq!(reply.headers.get("x-rate-limit-remaining"), None, "not the tenant's business");
        let reply = acme.scim("GET", "/Users/nobody", &Value::Null);
        assert_eq!((reply.status, &*reply.headers["x-rate-limit-remaining"]), (404, left));
        assert_eq!(reply.headers["x-rate-limit-limit"], "3");
    }
    let before = acme.dump();
    let refused = acme.scim("POST", "/Users", &json!({ "userName": "ada" }));
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["schemas"], json!([muster::scim::urn::ERROR]));
    assert_eq!(refused.json()["status"], "429");
    for (name, value) in [
        ("retry-after", "1"),
        ("x-rate-limit-limit", "3"),
        ("x-rate-limit-remaining", "0"),
        ("x-rate-limit-reset", "1790000002"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(refused.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    let key = acme.key.clone();
    let events = "/v1/tenants/acme/events";
    let refused = acme.ask("GET", events, &Value::Null, &key);
    check_problem(&refused, (429, "too_many_requests", "too many requests, try again later"), "v1");
    assert_eq!(acme.dump(), before);

    let free = acme.ask("GET", events, &Value::Null, ADMIN);
    assert_eq!((free.status, free.headers.get("x-rate-limit-limit")), (200, None));
    acme.wait(1);
    assert_eq!(acme.scim("POST", "/Users", &json!({ "userName": "ada" })).status, 201);
}

#[test]
fn a_key_that_is_not_live_takes_nothing() {
    let mut acme = Acme::new();
    let revoked = acme.mint(&["scim"]);
    let keys = acme.admin("GET", "/keys", &Value::Null).json();
    let id = keys["items"][1]["id"].as_str().unwrap().to_owned();
    acme.admin("DELETE", &format!("/keys/{id}"), &Value::Null);
    policies(&mut acme, &json!({ "perSecond": 1, "burst": 1 }));
    for _ in 0..3 {
        let refused = acme.scim_with("GET", "/Users", &Value::Null, &revoked, &[]);
        assert_eq!((refused.status, refused.headers.get("x-rate-limit-limit")), (401, None));
    }
    assert_eq!(acme.scim("GET", "/Users", &Value::Null).status, 200);
}

#[test]
fn a_key_whose_connection_is_disabled_is_live_and_counts() {
    let mut acme = Acme::new();
    let key = acme.connect("okta");
    acme.admin("POST", "/connections/okta/disable", &Value::Null);
    policies(&mut acme, &json!({ "perSecond": 1, "burst": 2 }));
    for (status, left) in [(403, "1"), (403, "0"), (429, "0")] {
        let refused = acme.scim_with("GET", "/Users", &Value::Null, &key, &[]);
        assert_eq!((refused.status, &*refused.headers["x-rate-limit-remaining"]), (status, left));
        assert_eq!(refused.headers["x-rate-limit-limit"], "2");
    }
}

#[test]
fn a_bulk_request_is_one_request() {
    let mut acme = Acme::new();
    policies(&mut acme, &json!({ "perSecond": 1, "burst": 2 }));
    let operation = |name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": { "userName": name } });
    let body = json!({
        "schemas": [muster::scim::urn::BULK_REQUEST],
        "Operations": [operation("ada"), operation("bob"), operation("eve")],
    });
    let reply = acme.scim("POST", "/Bulk", &body);
    assert_eq!((reply.status, &*reply.headers["x-rate-limit-remaining"]), (200, "1"));
}

#[test]
fn the_deployments_default_counts_where_it_is_switched_on() {
    for (default, refused) in [(Some(RateLimit::DEFAULT), 3), (None, 0)] {
        let mut acme = Acme::new();
        acme.tenant = Tenant::limited(default);
        let count = |acme: &mut Acme| {
            let asked = (0..1_003).map(|_| acme.scim("GET", "/Me", &Value::Null).status);
            asked.filter(|status| *status == 429).count()
        };
        assert_eq!(count(&mut acme), refused);
    }
    let mut acme = Acme::new();
    acme.tenant = Tenant::limited(Some(RateLimit::DEFAULT));
    policies(&mut acme, &Value::Null);
    assert!(!acme.get("/Users").is_null());
    let reply = acme.scim("GET", "/Users", &Value::Null);
    assert_eq!(reply.headers.get("x-rate-limit-limit"), None, "switched off by the tenant");
}

#[test]
fn what_the_edge_refuses_tells_the_limit_that_wrangler_has() {
    let configuration = include_str!("../../wrangler.toml");
    for (name, limit) in
        [("TENANT_LIMIT", limits::TENANT_LIMIT_REQUESTS), ("KEY_LIMIT", limits::KEY_LIMIT_REQUESTS)]
    {
        let (_, behind) = configuration.split_once(&format!("name = \"{name}\"")).expect(name);
        let period = limits::EDGE_PERIOD_SECONDS;
        let counts = format!("simple = {{ limit = {limit}, period = {period} }}");
        assert_eq!(behind.lines().nth(2), Some(&*counts), "{name}");
    }
    assert_eq!(configuration.matches("[[ratelimits]]").count(), 2);
    let now = DateTime::from_timestamp_millis(START + 1).expect("a time");
    let exceeded = Exceeded::at_the_edge(limits::KEY_LIMIT_REQUESTS, now);
    for (response, media_type) in [
        (Refusal::TooManyRequests(exceeded).to_response(true), "application/scim+json"),
        (Refusal::TooManyRequests(exceeded).to_response(false), "application/problem+json"),
        (OAuthError::TooManyRequests(exceeded).to_response(), "application/json"),
    ] {
        for (name, value) in [
            ("content-type", media_type),
            ("retry-after", "10"),
            ("x-rate-limit-limit", "5000"),
            ("x-rate-limit-remaining", "0"),
            ("x-rate-limit-reset", "1790000011"),
        ] {
            let told: Vec<_> = response.headers.iter().filter(|(told, _)| *told == name).collect();
            assert_eq!(told, [&(name, value.to_owned())], "{media_type}");
        }
        assert_eq!((response.status, response.header("cache-control")), (429, Some("no-store")));
    }
}
