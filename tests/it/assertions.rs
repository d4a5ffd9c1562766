//! What another issuer says of a workload (RFC 7523 §3), and the keys by which it is verified.

use std::slice;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, Utc};
use muster::auth::{Algorithm, Assertion, Jwks, JwksCache, Known};
use muster::limits;
use serde_json::{Value, json};

const NOW: i64 = 1_790_000_000;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn encode(part: &Value) -> String {
    Base64UrlUnpadded::encode_string(part.to_string().as_bytes())
}

/// An assertion, of which nobody has verified the signature.
pub(crate) fn assertion(header: &Value, claims: &Value) -> String {
    format!("{}.{}.c2lnbmF0dXJl", encode(header), encode(claims))
}

fn header() -> Value {
    json!({ "alg": "ES256", "kid": "k-1", "typ": "JWT" })
}

fn claims() -> Value {
    json!({ "iss": "https://ci.example.com", "sub": "deploy", "aud": "muster", "exp": NOW + 300 })
}

/// A value with one member changed; null takes it away.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    match value {
        Value::Null => drop(object.as_object_mut().unwrap().shift_remove(name)),
        value => object[name] = value,
    }
    object
}

#[test]
fn an_assertion_is_read_as_it_says() {
    let token = assertion(&header(), &claims());
    let read = Assertion::parse(&token).unwrap();
    assert_eq!((read.algorithm, &*read.kid), (Algorithm::Es256, "k-1"));
    assert_eq!((&*read.issuer, &*read.subject), ("https://ci.example.com", "deploy"));
    assert_eq!(read.signed, token.rsplit_once('.').unwrap().0.as_bytes());
    assert_eq!(read.signature, b"signature");
    let rsa = assertion(&with(header(), "alg", json!("RS256")), &claims());
    assert_eq!(Assertion::parse(&rsa).unwrap().algorithm, Algorithm::Rs256);
}

#[test]
fn what_is_no_assertion_of_a_kind_that_is_taken_is_refused() {
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("None")),
        ("alg", json!("HS256")),
        ("alg", json!("RS512")),
        ("alg", json!("ES384")),
        ("alg", json!("PS256")),
        ("alg", json!("es256")),
        ("alg", json!(["ES256"])),
        ("alg", Value::Null),
        ("kid", Value::Null),
        ("kid", json!(1)),
        ("crit", json!(["b64"])),
    ] {
        let token = assertion(&with(header(), name, value.clone()), &claims());
        assert_eq!(Assertion::parse(&token), None, "{name} {value}");
    }
    for (name, value) in [
        ("iss", Value::Null),
        ("sub", Value::Null),
        ("sub", json!(7)),
        ("aud", Value::Null),
        ("aud", json!({})),
        ("exp", Value::Null),
        ("exp", json!("soon")),
        ("nbf", json!("now")),
        ("nbf", json!([NOW])),
    ] {
        let token = assertion(&header(), &with(claims(), name, value.clone()));
        assert_eq!(Assertion::parse(&token), None, "{name} {value}");
    }
    let token = assertion(&header(), &claims());
    let [head, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };
    for token in [
        String::new(),
        "..".to_owned(),
        format!("{head}.{payload}"),
        format!("{head}.{payload}.{signature}.x"),
        format!("{head}.{payload}.!"),
        format!("{head}.{payload}.{signature}="),
        format!("{}.{payload}.{signature}", encode(&json!([]))),
        format!("{head}.x.{signature}"),
    ] {
        assert_eq!(Assertion::parse(&token), None, "{token}");
    }
    let long = |length: usize| {
        let empty = assertion(&header(), &with(claims(), "x", json!(""))).len();
        let filler = "x".repeat((length - empty) * 3 / 4);
        assertion(&header(), &with(claims(), "x", json!(filler)))
    };
    let (fits, longer) =
        (long(limits::ASSERTION_CHARACTERS), long(limits::ASSERTION_CHARACTERS + 4));
    assert!(fits.len() <= limits::ASSERTION_CHARACTERS && Assertion::parse(&fits).is_some());
    assert!(longer.len() > limits::ASSERTION_CHARACTERS);
    assert_eq!(Assertion::parse(&longer), None);
}

#[test]
fn an_assertion_holds_for_its_audience_and_its_time_give_or_take_a_minute() {
    const SKEW: i64 = limits::ASSERTION_SKEW_SECONDS;
    let read = |claims: &Value| Assertion::parse(&assertion(&header(), claims)).unwrap();
    for (audience, holds) in [
        (json!("muster"), true),
        (json!(["other", "muster"]), true),
        (json!(["other"]), false),
        (json!([]), false),
        (json!([7]), false),
        (json!("Muster"), false),
        (json!(""), false),
    ] {
        let one = read(&with(claims(), "aud", audience.clone()));
        assert_eq!(one.holds("muster", at(NOW)), holds, "{audience}");
    }
    let brief = read(&with(claims(), "nbf", json!(NOW)));
    for (now, holds) in [
        (NOW, true),
        (NOW - SKEW, true),
        (NOW - SKEW - 1, false),
        (NOW + 300 + SKEW - 1, true),
        (NOW + 300 + SKEW, false),
    ] {
        assert_eq!(brief.holds("muster", at(now)), holds, "{now}");
    }
    for extreme in [json!(i64::MIN), json!(i64::MAX), json!(u64::MAX), json!(-1e300), json!(1e300)]
    {
        let odd = read(&with(with(claims(), "exp", extreme.clone()), "nbf", extreme.clone()));
        assert!(!odd.holds("muster", at(NOW)), "{extreme}");
    }
    let fraction = |seconds: i64| json!(seconds as f64 + 0.75);
    let fine = read(&with(with(claims(), "exp", fraction(NOW + 300)), "nbf", fraction(NOW)));
    for now in [NOW - SKEW - 1, NOW - SKEW, NOW + 299 + SKEW, NOW + 300 + SKEW] {
        let expected = brief.holds("muster", at(now));
        assert_eq!(fine.holds("muster", at(now)), expected, "whole seconds count: {now}");
    }
}

fn bytes(length: usize) -> String {
    Base64UrlUnpadded::encode_string(&vec![7; length])
}

fn ec(kid: &str) -> Value {
    json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": bytes(32), "y": bytes(32) })
}

fn rsa(kid: &str) -> Value {
    json!({ "kty": "RSA", "kid": kid, "n": bytes(256), "e": "AQAB", "use": "sig", "alg": "RS256" })
}

fn set(keys: &[Value]) -> Jwks {
    Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

#[test]
fn a_key_verifies_by_the_algorithm_of_its_type_alone() {
    let keys = set(&[ec("k-1"), rsa("k-2")]);
    let ec = keys.key("k-1", Algorithm::Es256).unwrap();
    let names = |key: &muster::auth::Jwk| key.members.iter().map(|(n, _)| *n).collect::<Vec<_>>();
    assert_eq!(names(ec), ["kty", "crv", "x", "y"]);
    assert_eq!(names(keys.key("k-2", Algorithm::Rs256).unwrap()), ["kty", "n", "e"]);
    assert_eq!(keys.key("k-1", Algorithm::Rs256), None);
    assert_eq!(keys.key("k-2", Algorithm::Es256), None);
    assert_eq!(keys.key("k-3", Algorithm::Es256), None);
}

#[test]
fn keys_of_other_kinds_and_uses_are_passed_over() {
    for key in [
        json!({ "kty": "oct", "kid": "k", "k": bytes(32) }),
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": bytes(32) }),
        json!(null),
        json!("key"),
        with(ec("k"), "crv", json!("P-384")),
        with(ec("k"), "x", json!(bytes(31))),
        with(ec("k"), "y", Value::Null),
        with(ec("k"), "kid", Value::Null),
        with(ec("k"), "use", json!("enc")),
        with(ec("k"), "alg", json!("RS256")),
        with(rsa("k"), "n", json!(bytes(128))),
        with(rsa("k"), "n", json!(bytes(1_025))),
        with(rsa("k"), "n", json!("!")),
        with(rsa("k"), "e", Value::Null),
        with(rsa("k"), "e", json!("")),
        with(rsa("k"), "e", json!("!")),
        with(rsa("k"), "e", json!(bytes(9))),
        with(rsa("k"), "key_ops", json!([])),
        with(rsa("k"), "key_ops", json!("verify")),
        with(ec("k"), "key_ops", json!(["sign", "Verify"])),
        with(rsa("k"), "use", json!("enc")),
        with(rsa("k"), "alg", json!("RS512")),
        with(rsa("k"), "alg", json!("HS256")),
    ] {
        assert_eq!(set(slice::from_ref(&key)), Jwks::default(), "{key}");
    }
    for key in
        [with(rsa("k"), "e", json!(bytes(8))), with(ec("k"), "key_ops", json!(["sign", "verify"]))]
    {
        assert_ne!(set(slice::from_ref(&key)), Jwks::default(), "{key}");
    }
    for body in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":"x"}"#] {
        assert_eq!(Jwks::parse(body.as_bytes()), None, "{body}");
    }
    let mut many = vec![rsa("other"); limits::JWKS_KEYS];
    many.push(ec("last"));
    assert_eq!(set(&many).key("last", Algorithm::Es256), None);
    many.swap(0, limits::JWKS_KEYS);
    assert!(set(&many).key("last", Algorithm::Es256).is_some());
}

#[test]
fn a_key_set_is_kept_for_a_while_and_asked_for_once_when_a_key_is_missing() {
    const TTL: i64 = limits::JWKS_TTL_MILLISECONDS;
    const PAUSE: i64 = limits::JWKS_PAUSE_MILLISECONDS;
    let mut kept = JwksCache::default();
    let look = |kept: &JwksCache, kid: &str, now| kept.look("u", kid, Algorithm::Es256, now);
    let known = |kept: &JwksCache, kid: &str, now| matches!(look(kept, kid, now), Known::Key(_));
    assert_eq!(look(&kept, "k-1", 0), Known::Ask);
    kept.ask("u", 0);
    kept.note("u", set(&[ec("k-1")]), 0);
    assert!(known(&kept, "k-1", 0) && known(&kept, "k-1", TTL - 1));
    assert_eq!(look(&kept, "k-1", TTL), Known::Ask);
    assert_eq!(look(&kept, "k-2", PAUSE - 1), Known::Nothing, "a moment ago there was none");
    assert_eq!(look(&kept, "k-2", PAUSE), Known::Ask);
    kept.ask("u", PAUSE);
    kept.note("u", set(&[ec("k-2")]), PAUSE);
    assert!(known(&kept, "k-2", PAUSE));
    assert_eq!(look(&kept, "k-1", PAUSE), Known::Nothing, "it was taken away");
    kept.ask("u", 2 * PAUSE);
    assert!(known(&kept, "k-2", 2 * PAUSE), "a failure forgets nothing");
    assert_eq!(look(&kept, "k-1", 2 * PAUSE), Known::Unavailable, "it may be there by now");
    assert_eq!(look(&kept, "k-2", PAUSE + TTL), Known::Ask);
    kept.ask("u", PAUSE + TTL);
    assert_eq!(look(&kept, "k-2", PAUSE + TTL), Known::Unavailable, "and prolongs nothing");
    assert_eq!(look(&kept, "k-2", 2 * PAUSE + TTL), Known::Ask);
}

#[test]
fn a_key_set_that_is_being_asked_for_is_asked_for_by_nobody_else() {
    const PAUSE: i64 = limits::JWKS_PAUSE_MILLISECONDS;
    let mut kept = JwksCache::default();
    let look = |kept: &JwksCache, kid: &str, now| kept.look("u", kid, Algorithm::Es256, now);
    kept.ask("u", 0);
    for kid in ["k-1", "k-2", "k-3"] {
        assert_eq!(look(&kept, kid, 0), Known::Unavailable, "{kid}");
        assert_eq!(look(&kept, kid, PAUSE - 1), Known::Unavailable, "{kid}");
        assert_eq!(look(&kept, kid, PAUSE), Known::Ask, "{kid}");
    }
    // The first answer comes behind that to the second asking.
    kept.ask("u", PAUSE);
    kept.note("u", set(&[ec("new")]), PAUSE);
    kept.note("u", set(&[ec("old")]), 0);
    assert!(matches!(look(&kept, "new", PAUSE), Known::Key(_)));
    assert_eq!(look(&kept, "old", PAUSE), Known::Nothing);
    // One that comes before it tells what there was, and not what there is not.
    kept.ask("u", 2 * PAUSE);
    kept.ask("u", 3 * PAUSE);
    kept.note("u", set(&[ec("newer")]), 2 * PAUSE);
    assert!(matches!(look(&kept, "newer", 3 * PAUSE), Known::Key(_)));
    assert_eq!(look(&kept, "newest", 3 * PAUSE), Known::Unavailable);
}

#[test]
fn a_key_set_that_cannot_be_read_is_not_asked_for_at_once() {
    let mut kept = JwksCache::default();
    kept.ask("u", 0);
    let look = |kept: &JwksCache, source, now| kept.look(source, "k", Algorithm::Es256, now);
    assert_eq!(look(&kept, "u", limits::JWKS_PAUSE_MILLISECONDS - 1), Known::Unavailable);
    assert_eq!(look(&kept, "u", limits::JWKS_PAUSE_MILLISECONDS), Known::Ask);
    assert_eq!(look(&kept, "other", 0), Known::Ask);
    for number in 1..limits::JWKS_KEPT {
        kept.ask(&number.to_string(), 0);
    }
    kept.ask("1", 0);
    assert_eq!(look(&kept, "u", 0), Known::Unavailable, "there is room");
    kept.ask("one more", 0);
    assert_eq!(look(&kept, "u", 0), Known::Ask, "it begins anew");
    kept.note("u", set(&[ec("k")]), 0);
    assert_eq!(look(&kept, "u", 0), Known::Ask, "an answer to what is forgotten is, too");
}
