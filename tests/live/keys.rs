//! Keys at the edge: which are refused before any storage, and which the tenant refuses.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::DateTime;
use jwt_compact::alg::{Hs512, Hs512Key};
use jwt_compact::{AlgorithmExt as _, Header};
use muster::auth::{Claims, KeyRing};
use muster::limits;
use serde_json::{Value, json};

use crate::ask::{Ask, Cost};
use crate::deployment::{deployment, unix_seconds};
use crate::scenario::Reply;
use crate::tenant::Tenant;

/// The server's key ring.
fn ring() -> KeyRing {
    KeyRing::parse(&deployment().key_ring).expect("MUSTER_KEY_RING is a key ring")
}

fn now() -> i64 {
    i64::try_from(unix_seconds()).expect("the time fits")
}

/// What a key of the server says.
fn claims(key: &str) -> Claims {
    let now = DateTime::from_timestamp(now(), 0).expect("the time is a date");
    ring().verify(key, now).expect("the server's key verifies with its ring")
}

/// A token with the server's signature.
fn signed(claims: &Claims) -> String {
    ring().sign(claims).expect("claims can be signed")
}

/// A token of three parts, the first two given as JSON.
fn token(header: &Value, payload: &Value, signature: &str) -> String {
    let encode = |part: &Value| Base64UrlUnpadded::encode_string(part.to_string().as_bytes());
    format!("{}.{}.{signature}", encode(header), encode(payload))
}

/// The answer must turn a key away before any storage, with a challenge (RFC 6750 §3).
fn is_challenge(reply: &Reply, error: &str) {
    let challenge = reply.header("www-authenticate");
    assert!(challenge.starts_with("Bearer realm=\"muster\""), "{challenge}");
    let named = challenge.split_once("error=\"").map_or("", |(_, error)| error);
    assert_eq!(named.split('"').next(), Some(error), "{challenge}");
    assert_eq!(reply.cost(), Cost::default());
}

#[test]
fn a_token_that_is_no_live_key_here_is_401_with_a_challenge() {
    let acme = Tenant::new("forged");
    let own = claims(&acme.key);
    let payload = serde_json::to_value(&own).expect("claims are JSON");
    let kid = deployment().key_ring.split(':').next().expect("a kid").to_owned();
    let [header, body, signature] = acme.key.split('.').collect::<Vec<_>>()[..] else {
        panic!("a key has three parts")
    };
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let flipped = [flipped, signature.split_at(1).1].concat();
    let forged = [
        ("unsigned", format!("{header}.{body}.")),
        ("without a signature", format!("{header}.{body}")),
        ("truncated", without_last(&acme.key).to_owned()),
        ("another signature", format!("{header}.{body}.{flipped}")),
        ("another payload", format!("{header}.{}.{signature}", without_last(body))),
        ("oversized", format!("{}{}", acme.key, "A".repeat(limits::KEY_CHARACTERS))),
        ("algorithm none", token(&json!({ "alg": "none", "kid": kid }), &payload, "")),
        (
            "algorithm none, signed",
            token(&json!({ "alg": "none", "kid": kid }), &payload, signature),
        ),
        ("algorithm HS512", hs512(&own, &kid)),
        ("an unknown kid", another_ring("other").sign(&own).expect("it signs")),
        ("another secret under the kid", another_ring(&kid).sign(&own).expect("it signs")),
        ("expired", signed(&Claims { iat: now() - 60, exp: now() - 1, ..own.clone() })),
        ("another issuer", signed(&Claims { iss: "mallory".to_owned(), ..own.clone() })),
        ("not a token", "guess".to_owned()),
        ("dots", "..".to_owned()),
    ];
    for (what, token) in forged {
        for path in [acme.path() + "/Users", format!("/v1/tenants/{}/keys", acme.slug)] {
            let reply = Ask::new("GET", &path).bearer(&token).send();
            assert_eq!(reply.status, 401, "{what}: {}", reply.text());
            is_challenge(&reply, "invalid_token");
        }
    }
    acme.scim("GET", "/Users").is(200);
}

fn without_last(text: &str) -> &str {
    text.split_at(text.len().saturating_sub(1)).0
}

/// The claims signed by another algorithm with the server's secret.
fn hs512(claims: &Claims, kid: &str) -> String {
    let secret = deployment().key_ring.split([':', ',']).nth(1).expect("a secret");
    let secret = Base64UrlUnpadded::decode_vec(secret.trim_end_matches('=')).expect("base64url");
    let payload = jwt_compact::Claims::new(serde_json::to_value(claims).expect("claims are JSON"));
    let header = Header::empty().with_key_id(kid);
    Hs512.token(&header, &payload, &Hs512Key::new(secret)).expect("it signs")
}

/// A ring whose secret the server does not have.
fn another_ring(kid: &str) -> KeyRing {
    let secret = Base64UrlUnpadded::encode_string(&[7; 32]);
    KeyRing::parse(&format!("{kid}:{secret}")).expect("a key ring")
}

#[test]
fn no_credentials_are_401_whatever_the_path() {
    let acme = Tenant::new("nobody");
    for path in [
        acme.path() + "/Users",
        acme.path() + "/ServiceProviderConfig",
        acme.path() + "/Schemas",
        acme.path() + "/nothing",
        "/t/nobody-at-all/scim/v2/Users".to_owned(),
        "/v1/tenants".to_owned(),
        format!("/v1/tenants/{}/keys", acme.slug),
        "/v1/nothing".to_owned(),
        "/".to_owned(),
    ] {
        for ask in [
            Ask::new("GET", &path),
            Ask::new("GET", &path).header("authorization", ""),
            Ask::new("GET", &path).header("authorization", "Bearer"),
            Ask::new("GET", &path).header("authorization", format!("Basic {}", acme.key)),
            Ask::new("GET", &path).header("authorization", acme.key.as_str()),
        ] {
            is_challenge(&ask.is(401), "");
        }
    }
    Ask::new("GET", "/healthz").is(200);
}

#[test]
fn a_key_opens_its_own_tenant_alone() {
    let (acme, globex) = (Tenant::new("acme"), Tenant::new("globex"));
    let id = globex.user("ada");
    for (method, path) in [
        ("GET", "/Users".to_owned()),
        ("GET", format!("/Users/{id}")),
        ("DELETE", format!("/Users/{id}")),
        ("GET", "/Schemas".to_owned()),
        ("GET", "/nothing".to_owned()),
    ] {
        let reply = globex.anonymous(method, &path).bearer(&acme.key).send();
        let expected = if path == "/nothing" { 404 } else { 401 };
        assert_eq!(reply.status, expected, "{method} {path}: {}", reply.text());
        if expected == 401 {
            is_challenge(&reply, "invalid_token");
        }
    }
    let stranger = Claims { tid: globex.slug.clone(), ..claims(&acme.key) };
    let reply = globex.anonymous("GET", "/Users").bearer(&signed(&stranger)).is(401);
    reply.is_scim_error("");

    acme.scim("GET", &format!("/Users/{id}")).is(404).is_scim_error("");
    let member = json!({ "displayName": "G", "members": [{ "value": id }] });
    acme.scim("POST", "/Groups").json(&member).is(400).is_scim_error("invalidValue");
    assert_eq!(acme.scim("GET", "/Users").is(200).json()["totalResults"], 0);
}

#[test]
fn a_missing_scope_is_403_and_names_it() {
    let acme = Tenant::new("scopes");
    let id = acme.user("ada");
    let user = format!("/Users/{id}");
    let group = format!("/Groups/{}", acme.group("Builders", &[&id]));
    let reader = acme.mint(&["scim.users:read"]);
    for (method, path, scope) in [
        ("POST", "/Users", "scim.users:write"),
        ("PUT", &user, "scim.users:write"),
        ("PATCH", &user, "scim.users:write"),
        ("DELETE", &user, "scim.users:write"),
        ("GET", "/Groups", "scim.groups:read"),
        ("GET", &group, "scim.groups:read"),
        ("POST", "/Groups/.search", "scim.groups:read"),
        ("DELETE", &group, "scim.groups:write"),
    ] {
        let reply = acme.anonymous(method, path).bearer(&reader).is(403);
        is_challenge(reply.is_scim_error(""), "insufficient_scope");
        let challenge = reply.header("www-authenticate");
        assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{challenge}");
    }
    let events = acme.ask_by(&reader, "GET", "/events");
    is_challenge(events.is(403).is_problem("insufficient_scope"), "insufficient_scope");
    let seen = acme.anonymous("GET", &user).bearer(&reader).is(200).json();
    assert!(seen["groups"].is_null(), "a key without scim.groups:read sees no groups");
    for path in ["/Users", "/ServiceProviderConfig", "/Schemas", "/ResourceTypes"] {
        acme.anonymous("GET", path).bearer(&reader).is(200);
    }
}

#[test]
fn a_key_never_makes_one_that_may_do_more() {
    let acme = Tenant::new("grow");
    let minter = acme.mint(&["keys:write", "scim.users:read"]);
    let ask = |scopes: Value| {
        acme.ask_by(&minter, "POST", "/keys").json(&json!({ "name": "k", "scopes": scopes }))
    };
    ask(json!(["scim"])).is(403).is_problem("insufficient_scope");
    let made = ask(json!(["scim.users:read"])).is(201);
    acme.anonymous("GET", "/Users").bearer(&made.field("/key")).is(200);
}

#[test]
fn a_revoked_key_fails_on_the_very_next_request() {
    let acme = Tenant::new("revoke");
    for _ in 0..10 {
        let minted = acme.mint_with(&json!({ "name": "k", "scopes": ["scim"] }));
        let key = minted.field("/key");
        acme.anonymous("GET", "/Users").bearer(&key).is(200);
        acme.admin("DELETE", &format!("/keys/{}", minted.id())).is(204);
        let reply = acme.anonymous("GET", "/Users").bearer(&key).is(401);
        assert!(reply.is_scim_error("").header("www-authenticate").contains("invalid_token"));
    }
}

#[test]
fn a_rotated_key_lives_on_for_its_overlap() {
    let acme = Tenant::new("rotate");
    for (overlap, status) in [(json!({}), 200), (json!({ "overlap": "PT0S" }), 401)] {
        let minted = acme.mint_with(&json!({ "name": "k", "scopes": ["scim"] }));
        let rotation = format!("/keys/{}/rotate", minted.id());
        let rotated = acme.admin("POST", &rotation).json(&overlap).is(201);
        let opens = |key: &str| acme.anonymous("GET", "/Users").bearer(key).send().status;
        assert_eq!(opens(&rotated.field("/key")), 200);
        assert_eq!(opens(&minted.field("/key")), status, "{overlap}");
        acme.admin("GET", &rotation).is(405);
    }
}

#[test]
fn the_last_use_of_a_key_writes_nothing_and_sets_no_alarm_where_one_is_set() {
    let acme = Tenant::new("used");
    let minted = acme.mint_with(&json!({ "name": "k", "scopes": ["scim"] }));
    assert!(minted.header("server-timing").contains("alarms;desc=\"0\""), "the first key's is set");
    for _ in 0..4 {
        let next = acme.scim("GET", "/Users").is(200);
        assert!(next.header("server-timing").contains("alarms;desc=\"0\""));
        assert_eq!(next.cost().written, 0);
    }
    let keys = acme.admin("GET", "/keys").is(200).json();
    assert!(keys["items"][0]["lastUsedAt"].is_string(), "{keys}");
}

#[test]
fn a_key_expires_at_its_time() {
    let acme = Tenant::new("expire");
    let minted = acme.mint_with(&json!({ "name": "k", "scopes": ["scim"], "ttl": "P3Y" }));
    let claims = claims(&minted.field("/key"));
    assert_eq!(claims.exp - claims.iat, limits::KEY_TTL_SECONDS);
    assert_eq!(claims.sub, minted.id());
    let later = Claims { exp: claims.exp + 1, ..claims };
    acme.anonymous("GET", "/Users").bearer(&signed(&later)).is(200);
    for ttl in ["P4Y", "PT0S", "soon", "-P1D", ""] {
        let ask = acme.admin("POST", "/keys");
        ask.json(&json!({ "name": "k", "scopes": ["scim"], "ttl": ttl })).is(400);
    }
}

#[test]
fn every_secret_of_the_ring_verifies_and_the_first_signs() {
    let acme = Tenant::new("ring");
    let claims = claims(&acme.key);
    for secret in deployment().key_ring.split(',') {
        let key = KeyRing::parse(secret).expect("a ring of one").sign(&claims).expect("it signs");
        acme.anonymous("GET", "/Users").bearer(&key).is(200);
        assert_eq!(key == acme.key, deployment().key_ring.starts_with(secret));
    }
}

#[test]
fn the_key_of_a_disabled_connection_is_403() {
    let acme = Tenant::new("disabled");
    let connection =
        json!({ "id": "okta", "displayName": "Okta", "kind": "scim", "state": "disabled" });
    acme.admin("POST", "/connections").json(&connection).is(201);
    let minted = acme.mint_with(&json!({ "name": "k", "scopes": ["scim"], "connection": "okta" }));
    acme.anonymous("GET", "/Users").bearer(&minted.field("/key")).is(403).is_scim_error("");
}
