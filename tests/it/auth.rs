//! Keys as signed tokens, the ring that signs them, and the administrator's token.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, Utc};
use jwt_compact::alg::{Hs256, Hs256Key, Hs512, Hs512Key};
use jwt_compact::{Algorithm, AlgorithmSignature as _};
use muster::auth::{
    AdminTokens, AdminTokensError, Claims, ISSUER, JtiDigest, KeyRing, KeyRingError, Scopes,
    TokenError,
};
use muster::limits;
use proptest::prelude::{prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::scopes::every_set;
use crate::support::{ADMIN, KEY_RING};

const NOW: i64 = 1_790_000_000;
const SECRET: &[u8] = b"01234567890123456789012345678901";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

fn ring(secret: &str) -> KeyRing {
    KeyRing::parse(secret).unwrap()
}

fn encoded(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

fn header() -> Value {
    json!({ "alg": "HS256", "kid": "k1", "typ": "JWT" })
}

fn claims() -> Value {
    json!({
        "exp": NOW + 60, "iat": NOW - 60, "iss": "muster",
        "sub": "k-1", "jti": "j-1", "tid": "acme", "scope": "scim",
    })
}

/// A token with any header and claims, signed with the ring's own secret.
fn forged(header: &Value, claims: &Value) -> String {
    signed(&Hs256, &Hs256Key::new(SECRET), header, claims)
}

fn signed<A: Algorithm>(
    algorithm: &A,
    key: &A::SigningKey,
    header: &Value,
    claims: &Value,
) -> String {
    let parts = [header, claims].map(|part| encoded(part.to_string().as_bytes())).join(".");
    let signature = algorithm.sign(key, parts.as_bytes());
    format!("{parts}.{}", encoded(&signature.as_bytes()))
}

/// An object with one member set anew; null removes it.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    if value.is_null() {
        drop(members.remove(name))
    } else {
        drop(members.insert(name.to_owned(), value))
    }
    object
}

fn check(token: &str, fault: Option<TokenError>) {
    assert_eq!(ring(KEY_RING).verify(token, now()).err(), fault, "{token}");
}

#[test]
fn a_key_ring_is_kid_and_base64url_by_comma() {
    let long = encoded(SECRET);
    let short = encoded(&SECRET[..limits::SECRET_BYTES_MIN - 1]);
    for (secret, fault) in [
        (format!("k1:{long}"), None),
        (format!("k1:{long}="), None),
        (format!(" k1:{long} , k2:{long} "), None),
        (String::new(), Some(KeyRingError::Malformed)),
        (long.clone(), Some(KeyRingError::Malformed)),
        (format!(":{long}"), Some(KeyRingError::Malformed)),
        (format!("k1:{long},"), Some(KeyRingError::Malformed)),
        (format!("k1:{long};k2:{long}"), Some(KeyRingError::Malformed)),
        (format!("k1:+/{long}"), Some(KeyRingError::Malformed)),
        (
            format!("{}:{long}", "k".repeat(limits::KID_CHARACTERS + 1)),
            Some(KeyRingError::Malformed),
        ),
        ("k1:".to_owned(), Some(KeyRingError::TooShort)),
        (format!("k1:{short}"), Some(KeyRingError::TooShort)),
        (format!("k1:{long},k2:{short}"), Some(KeyRingError::TooShort)),
        (format!("k1:{long},k1:{long}"), Some(KeyRingError::SameName)),
    ] {
        assert_eq!(KeyRing::parse(&secret).err(), fault, "{secret}");
    }
}

#[test]
fn a_ring_rotates_without_an_outage() {
    let (old, new) = (encoded(SECRET), encoded(b"another secret of more than 32 bytes"));
    let claims: Claims = serde_json::from_value(claims()).unwrap();
    let before = ring(&format!("k1:{old}"));
    let during = ring(&format!("k2:{new},k1:{old}"));
    let after = ring(&format!("k2:{new}"));
    let (first, second) = (before.sign(&claims).unwrap(), during.sign(&claims).unwrap());
    for (ring, token, live) in [
        (&before, &first, true),
        (&during, &first, true),
        (&after, &first, false),
        (&before, &second, false),
        (&during, &second, true),
        (&after, &second, true),
        (&ring(&format!("k1:{new}")), &first, false),
    ] {
        let read = ring.verify(token, now());
        assert_eq!(read, if live { Ok(claims.clone()) } else { Err(TokenError::Invalid) });
    }
}

#[test]
fn a_key_says_what_was_signed() {
    check(&forged(&header(), &claims()), None);
    let claims = Claims {
        cid: Some("okta".to_owned()),
        scope: Scopes::parse(["scim", "events:read"]).unwrap(),
        ..serde_json::from_value(claims()).unwrap()
    };
    let token = ring(KEY_RING).sign(&claims).unwrap();
    assert_eq!(ring(KEY_RING).verify(&token, now()), Ok(claims));
}

#[test]
fn a_header_that_is_not_ours_is_refused_however_well_it_is_signed() {
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("None")),
        ("alg", json!("HS384")),
        ("alg", json!("HS512")),
        ("alg", json!("RS256")),
        ("alg", json!("hs256")),
        ("alg", json!(256)),
        ("alg", Value::Null),
        ("kid", json!("k2")),
        ("kid", json!("K1")),
        ("kid", json!("")),
        ("kid", json!(1)),
        ("kid", Value::Null),
        ("cty", json!("cbor")),
    ] {
        check(&forged(&with(header(), name, value), &claims()), Some(TokenError::Invalid));
    }
    let sha512 = with(header(), "alg", json!("HS512"));
    check(&signed(&Hs512, &Hs512Key::new(SECRET), &sha512, &claims()), Some(TokenError::Invalid));
    let stranger = Hs256Key::new(b"a secret that is not in the ring");
    check(&signed(&Hs256, &stranger, &header(), &claims()), Some(TokenError::Invalid));
    check(&forged(&json!([]), &claims()), Some(TokenError::Invalid));
}

#[test]
fn an_unsigned_token_is_refused() {
    for algorithm in ["none", "HS256"] {
        let header = with(header(), "alg", json!(algorithm));
        let token = forged(&header, &claims());
        let (unsigned, _) = token.rsplit_once('.').unwrap();
        check(&format!("{unsigned}."), Some(TokenError::Invalid));
        check(unsigned, Some(TokenError::Invalid));
    }
}

#[test]
fn every_claim_is_required_and_of_its_form() {
    for (name, value) in [
        ("iss", json!("somebody")),
        ("iss", json!("Muster")),
        ("scope", json!("scim root")),
        ("scope", json!(["scim"])),
        ("exp", json!((NOW + 60).to_string())),
        ("exp", json!(1e300)),
        ("exp", json!(i64::MAX)),
        ("iat", json!("now")),
        ("sub", json!(1)),
        ("cid", json!({})),
    ] {
        check(&forged(&header(), &with(claims(), name, value)), Some(TokenError::Invalid));
    }
    for name in ["iss", "sub", "jti", "tid", "scope", "iat", "exp"] {
        check(&forged(&header(), &with(claims(), name, Value::Null)), Some(TokenError::Invalid));
    }
    check(&forged(&header(), &json!([])), Some(TokenError::Invalid));
}

#[test]
fn a_key_has_expired_at_the_very_moment_of_exp() {
    for (exp, fault) in [
        (NOW + 1, None),
        (NOW, Some(TokenError::Expired)),
        (NOW - 1, Some(TokenError::Expired)),
        (0, Some(TokenError::Expired)),
        (-1, Some(TokenError::Expired)),
    ] {
        check(&forged(&header(), &with(claims(), "exp", json!(exp))), fault);
    }
}

#[test]
fn a_key_that_was_verified_is_refused_no_less() {
    let ring = ring(KEY_RING);
    let token = forged(&header(), &claims());
    let verified = ring.verify(&token, now());
    assert!(verified.is_ok());
    assert_eq!(ring.verify(&token, now()), verified);
    for (place, letter) in token.char_indices() {
        for other in ['A', 'Q', '.'].into_iter().filter(|other| *other != letter) {
            let changed = format!("{}{other}{}", &token[..place], &token[place + 1..]);
            assert_eq!(ring.verify(&changed, now()), Err(TokenError::Invalid), "{changed}");
        }
    }
    let later = DateTime::from_timestamp(NOW + 60, 0).unwrap();
    assert_eq!(ring.verify(&token, later), Err(TokenError::Expired));
    assert_eq!(ring.verify(&token, now()), verified);
}

#[test]
fn an_isolate_verifies_any_number_of_keys() {
    let ring = ring(KEY_RING);
    let token =
        |number: usize| forged(&header(), &with(claims(), "sub", json!(format!("k-{number}"))));
    for number in (0..3 * limits::KEYS_VERIFIED).chain(0..3) {
        let verified = ring.verify(&token(number), now()).unwrap();
        assert_eq!(verified.sub, format!("k-{number}"));
    }
}

#[test]
fn a_key_that_is_cut_or_changed_anywhere_is_refused() {
    let token = forged(&header(), &claims());
    for (place, letter) in token.char_indices() {
        check(&token[..place], Some(TokenError::Invalid));
        for other in ['A', 'Q', '_', '.', ' '].into_iter().filter(|other| *other != letter) {
            let changed = format!("{}{other}{}", &token[..place], &token[place + 1..]);
            check(&changed, Some(TokenError::Invalid));
        }
    }
    for longer in ["=", " ", "\n", "A", ".", ".e30"] {
        check(&format!("{token}{longer}"), Some(TokenError::Invalid));
        check(&format!("{longer}{token}"), Some(TokenError::Invalid));
    }
    for garbage in ["", ".", "..", "...", "e30.e30.e30", "ключ.ключ.ключ", "\0.\0.\0"] {
        check(garbage, Some(TokenError::Invalid));
    }
}

#[test]
fn a_token_longer_than_any_key_is_not_read() {
    let mut longest = 0;
    for padding in 0..400 {
        let token = forged(&header(), &with(claims(), "pad", json!("x".repeat(padding))));
        let fits = token.len() <= limits::KEY_CHARACTERS;
        check(&token, (!fits).then_some(TokenError::Invalid));
        longest = if fits { token.len() } else { longest };
    }
    assert!(longest + 2 >= limits::KEY_CHARACTERS, "the bound was met");
}

proptest! {
    #[test]
    fn no_text_is_a_key_by_chance(text in "\\PC{0,80}", parts in "[A-Za-z0-9_-]{0,60}(\\.[A-Za-z0-9_-]{0,60}){0,3}") {
        for token in [text, parts] {
            prop_assert_eq!(ring(KEY_RING).verify(&token, now()), Err(TokenError::Invalid));
        }
    }
}

#[test]
fn the_largest_key_fits_into_its_bound_and_a_common_one_into_half_of_it() {
    let longest = every_set().max_by_key(|set| set.to_string().len()).unwrap();
    let largest = Claims {
        iss: ISSUER.to_owned(),
        sub: "0".repeat(36),
        jti: "j".repeat(22),
        tid: "t".repeat(limits::SLUG_CHARACTERS),
        cid: Some("c".repeat(limits::SLUG_CHARACTERS)),
        scope: longest,
        iat: 9_999_999_999,
        exp: 9_999_999_999,
    };
    let kid = "k".repeat(limits::KID_CHARACTERS);
    let token = ring(&format!("{kid}:{}", encoded(SECRET))).sign(&largest).unwrap();
    assert!(token.len() <= limits::KEY_CHARACTERS, "{} {longest}", token.len());
    let common = Claims {
        tid: "example-corp".to_owned(),
        cid: None,
        scope: Scopes::parse(["scim"]).unwrap(),
        ..largest
    };
    let token = ring(KEY_RING).sign(&common).unwrap();
    assert!(token.len() <= limits::KEY_CHARACTERS / 2, "{}", token.len());
}

#[test]
fn the_administrator_has_one_token_or_two() {
    let other = "another-token-of-the-administrator-987654321";
    let short = &ADMIN[..limits::SECRET_BYTES_MIN - 1];
    for (secret, fault) in [
        (ADMIN.to_owned(), None),
        (format!(" {ADMIN} , {other} "), None),
        (String::new(), Some(AdminTokensError::TooShort)),
        (short.to_owned(), Some(AdminTokensError::TooShort)),
        (format!("{ADMIN},"), Some(AdminTokensError::TooShort)),
        (format!("{ADMIN},{short}"), Some(AdminTokensError::TooShort)),
        (format!("{ADMIN},{other},{other}"), Some(AdminTokensError::TooMany)),
    ] {
        assert_eq!(AdminTokens::parse(&secret).err(), fault, "{secret}");
    }
    let both = AdminTokens::parse(&format!("{ADMIN},{other}")).unwrap();
    let shouted = ADMIN.to_uppercase();
    for (token, known) in [
        (ADMIN, true),
        (other, true),
        ("", false),
        (short, false),
        (&shouted, false),
        (&format!("{ADMIN},{other}"), false),
        (&format!("{ADMIN} "), false),
    ] {
        assert_eq!(both.accept(token), known, "{token}");
    }
    assert!(!AdminTokens::parse(ADMIN).unwrap().accept(other));
}

#[test]
fn a_digest_proves_one_jti() {
    let digest = JtiDigest::of("j-1");
    assert_eq!(JtiDigest::stored(digest.as_str()), digest);
    for other in ["", "j-1", &digest.as_str()[..63], &digest.as_str().to_uppercase()] {
        assert_ne!(JtiDigest::stored(other), digest, "{other}");
    }
    assert_ne!(JtiDigest::of("j-2"), digest);
}
