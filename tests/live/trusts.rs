//! Workload identity over HTTP: a key server on this machine, and assertions signed by these tests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{AlgorithmExt as _, Header};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::deployment::{deployment, unix_seconds};
use crate::scenario::Reply;
use crate::tenant::Tenant;

/// Signed once with an RSA key that nobody has kept, for the subject `repo:acme/deploy`.
const RS256: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2NpLmV4\
    YW1wbGUuY29tIiwic3ViIjoicmVwbzphY21lL2RlcGxveSIsImF1ZCI6WyJtdXN0ZXItdGVzdHMiLCJvdGhl\
    ciJdLCJleHAiOjQxMDI0NDQ4MDAsIm5iZiI6MTcwMDAwMDAwMH0.H-fjaubxQxIC8ZVWKJfTcxjTItZ-knev\
    _JedCHFnDmfUfwXLs5DEsQulNJwUIDiS9JeLdBpWgjbkVgoPLCJ2PcXUUJujcmNPlolKxDDNPbDlSEzjOXR7\
    YsdIkUZYCXvJzasYOMubnJomypeLlNg6O1BJCJnkMRX0d_APExmJADFMdmtzNAQOGoFyjnXPeni2iyIQE9Iq\
    EwEw8Dxcjbj3SmrdwqsFDsH3v_a18Lyne9fFeZbci1pC2ibQxHbqadLx8eXYMCd3JgCYPTsMt4AD59_Z7gpg\
    FGMqD-lHMcsSx6Ae7HxRsBG7vVB9LCYHgPaIiRVRc8lV7Pqr1nX8orSsJQ";
/// That key's public modulus.
const MODULUS: &str = "ohzpulIUW-KJEKxkXIyEFJPKGKmzt3Modwbn0Q-ZjVb9yml1_EdjOOKQWHND8PfhLE2KEZNcAXYVoO0eC7eq\
    Bi0c2X0BwAtXxKzhXde8BYHRnaMp_LV6CxU_Om5VgUBS4ne0TRCz9UX0Dv7UYftQKqpcJj_ADTVCN-BU0m8K\
    8sxim7hm9xoceYlkeOq7Rq5pV_ZkHoHQfcbWTUPMCehXpmbdzpWixmNvmJJa4J_HrEgbcfEVkc5qI-X--_cw\
    92oZbhD6gWK_1_0_wAjacygyOOI4W9BSo5AUcvU6iU6MSgIeuX-AEUNhLxMC3BWLzFE7lrXujSlda0hkjmS6\
    6V_mfQ";

/// What a server answers by path, and which paths it was asked for.
#[derive(Default)]
struct Answers {
    by_path: Vec<(String, String)>,
    asked: Vec<String>,
}

/// An issuer: a server on this machine, and a key.
pub(crate) struct Issuer {
    pub(crate) url: String,
    answers: Arc<Mutex<Answers>>,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answers = Arc::<Mutex<Answers>>::default();
        let shared = Arc::clone(&answers);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let mut answers = shared.lock().expect("no test has died with the lock");
                let known = answers.by_path.iter().find(|(known, _)| *known == path);
                let (status, body) = match known {
                    Some((_, body)) if body.starts_with("http") => ("302 Found", body.clone()),
                    Some((_, body)) => ("200 OK", body.clone()),
                    None => ("404 Not Found", String::new()),
                };
                answers.asked.push(path);
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nLocation: {}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}",
                    if status.starts_with('3') { &body } else { "" },
                );
                let _ = (&stream).write_all(answer.as_bytes());
            }
        });
        Self { url, answers }
    }

    /// What is answered at a path from now on.
    pub(crate) fn serves(&self, path: &str, body: &Value) {
        let mut answers = self.answers.lock().expect("no test has died with the lock");
        answers.by_path.retain(|(known, _)| known != path);
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        answers.by_path.push((path.to_owned(), body));
    }

    /// How often a path has been asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        let answers = self.answers.lock().expect("no test has died with the lock");
        answers.asked.iter().filter(|asked| *asked == path).count()
    }
}

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a scalar")
}

/// A key of a set.
pub(crate) fn jwk(kid: &str, seed: u8) -> Value {
    let point = signing_key(seed).verifying_key().to_encoded_point(false);
    let encode = |bytes: Option<&_>| {
        let bytes: &[u8] = bytes.map_or(&[], |bytes: &p256::FieldBytes| bytes.as_slice());
        Base64UrlUnpadded::encode_string(bytes)
    };
    json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": encode(point.x()), "y": encode(point.y()) })
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| Base64UrlUnpadded::encode_string(part.to_string().as_bytes());
    format!("{}.{}", encode(header), encode(claims))
}

pub(crate) fn es256(kid: &str, seed: u8, claims: &Value) -> String {
    let signed = unsigned(&json!({ "alg": "ES256", "kid": kid }), claims);
    let signature: Signature = signing_key(seed).sign(signed.as_bytes());
    format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature.to_bytes()))
}

/// A tenant with a connection that trusts.
fn trusting(name: &str, trust: &Value) -> Tenant {
    let acme = Tenant::new(name);
    let connection = json!({ "id": "ci", "displayName": "CI", "preset": "generic" });
    acme.admin("POST", "/connections").json(&connection).is(201);
    acme.admin("POST", "/connections/ci/trusts").json(trust).is(201);
    acme
}

pub(crate) fn ask(acme: &Tenant, assertion: &str) -> Ask {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let form = format!(
        "grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}"
    );
    let ask = Ask::new("POST", &format!("/t/{}/oauth/token", acme.slug));
    ask.header("content-type", "application/x-www-form-urlencoded").body(form)
}

fn opens(acme: &Tenant, reply: &Reply) {
    acme.anonymous("GET", "/Users").bearer(&reply.field("/access_token")).is(200);
}

fn is_unknown(reply: &Reply) {
    assert_eq!(reply.json()["error"], "invalid_client", "{}", reply.text());
    assert_eq!(reply.header("www-authenticate"), "Basic realm=\"muster\"");
}

/// Claims for the address of a tenant's tokens.
pub(crate) fn claims(acme: &Tenant, issuer: &str) -> Value {
    let audience = format!("{}/t/{}/oauth/token", deployment().url, acme.slug);
    json!({ "iss": issuer, "sub": "deploy", "aud": audience, "exp": unix_seconds().saturating_add(300) })
}

#[test]
fn an_assertion_of_a_trusted_issuer_is_exchanged_for_a_token_until_the_trust_ends() {
    let issuer = Issuer::new();
    let keys = format!("{}/keys", issuer.url);
    issuer.serves(
        "/.well-known/openid-configuration",
        &json!({ "issuer": issuer.url, "jwks_uri": keys }),
    );
    issuer.serves("/keys", &json!({ "keys": [jwk("k-1", 1)] }));
    let acme = trusting("trusts", &json!({ "issuer": issuer.url, "subject": "deploy" }));
    let claims = claims(&acme, &issuer.url);
    let assertion = es256("k-1", 1, &claims);
    let reply = ask(&acme, &assertion).is(200);
    assert_eq!(reply.json()["expires_in"], 3600);
    opens(&acme, &reply);
    for _ in 0..3 {
        opens(&acme, &ask(&acme, &assertion).is(200));
    }
    assert_eq!(issuer.asked("/keys"), 1, "the keys are kept");

    let mut changed = claims.clone();
    changed["sub"] = json!("mallory");
    let mut expired = claims.clone();
    expired["exp"] = json!(unix_seconds().saturating_sub(61));
    let mut early = claims.clone();
    early["nbf"] = json!(unix_seconds().saturating_add(120));
    let mut elsewhere = claims.clone();
    elsewhere["aud"] = json!("https://elsewhere.example.com");
    let none = unsigned(&json!({ "alg": "none", "kid": "k-1" }), &claims);
    let (signed, signature) = assertion.rsplit_once('.').expect("a signature");
    let mut longer = claims.clone();
    longer["exp"] = json!(unix_seconds().saturating_add(600));
    let payload = unsigned(&json!({ "alg": "ES256", "kid": "k-1" }), &longer);
    for (what, assertion) in [
        ("another subject", es256("k-1", 1, &changed)),
        ("expired", es256("k-1", 1, &expired)),
        ("not yet", es256("k-1", 1, &early)),
        ("another audience", es256("k-1", 1, &elsewhere)),
        ("another key", es256("k-1", 2, &claims)),
        ("another payload", format!("{payload}.{signature}")),
        ("no signature", format!("{signed}.")),
        ("a short signature", format!("{signed}.AAAA")),
        ("algorithm none", format!("{none}.")),
        ("algorithm HS256", hs256(&claims)),
        ("an unknown key", es256("k-2", 2, &claims)),
    ] {
        let reply = ask(&acme, &assertion).send();
        assert_eq!(reply.status, 401, "{what}: {}", reply.text());
        is_unknown(&reply);
    }
    opens(&acme, &ask(&acme, &assertion).is(200));

    let trusts = acme.admin("GET", "/connections/ci/trusts").is(200);
    let path = format!("/connections/ci/trusts/{}", trusts.field("/items/0/id"));
    acme.admin("DELETE", &path).is(204);
    let token = reply.field("/access_token");
    acme.anonymous("GET", "/Users").bearer(&token).is(401).is_scim_error("");
    is_unknown(&ask(&acme, &assertion).is(401));
}

/// The claims signed with what everybody knows of a public key.
fn hs256(claims: &Value) -> String {
    let secret = jwk("k-1", 1)["x"].as_str().expect("a text").as_bytes().to_vec();
    let header = Header::empty().with_key_id("k-1");
    let claims = jwt_compact::Claims::new(claims.clone());
    Hs256.token(&header, &claims, &Hs256Key::new(secret)).expect("it signs")
}

#[test]
fn an_assertion_signed_with_rsa_is_verified_too() {
    let issuer = Issuer::new();
    let key = json!({ "kty": "RSA", "kid": "rsa-1", "n": MODULUS, "e": "AQAB", "use": "sig" });
    issuer.serves("/jwks", &json!({ "keys": [jwk("rsa-1", 1), key] }));
    let acme = trusting(
        "trusts-rsa",
        &json!({
            "issuer": "https://ci.example.com",
            "subject": "repo:acme/deploy",
            "audience": "muster-tests",
            "jwksUri": format!("{}/jwks", issuer.url),
            "scopes": ["scim.users:read"],
        }),
    );
    let reply = ask(&acme, RS256).is(200);
    assert_eq!(reply.json()["scope"], "scim.users:read");
    opens(&acme, &reply);
    let (signed, signature) = RS256.rsplit_once('.').expect("a signature");
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{signed}.{flipped}{}", signature.split_at(1).1);
    is_unknown(&ask(&acme, &forged).is(401));
}

#[test]
fn an_issuer_that_changes_its_keys_is_asked_again_and_not_too_often() {
    let issuer = Issuer::new();
    issuer.serves("/jwks", &json!({ "keys": [jwk("k-1", 1)] }));
    let trust = json!({
        "issuer": "https://ci.example.com", "subject": "deploy", "jwksUri": format!("{}/jwks", issuer.url),
    });
    let acme = trusting("trusts-rotate", &trust);
    let claims = claims(&acme, "https://ci.example.com");
    for _ in 0..5 {
        is_unknown(&ask(&acme, &es256("k-2", 2, &claims)).is(401));
    }
    assert_eq!(issuer.asked("/jwks"), 1, "one that is missing is asked for once");
    opens(&acme, &ask(&acme, &es256("k-1", 1, &claims)).is(200));
    assert_eq!(issuer.asked("/jwks"), 1);
}

#[test]
fn an_issuer_that_is_slow_is_asked_by_one_request_at_a_time() {
    let issuer = Issuer::new();
    issuer.serves("/jwks", &json!({ "keys": [jwk("k-1", 1)] }));
    let trust = json!({
        "issuer": "https://ci.example.com", "subject": "deploy", "jwksUri": format!("{}/jwks", issuer.url),
    });
    let acme = trusting("trusts-slow", &trust);
    let assertion = es256("k-1", 1, &claims(&acme, "https://ci.example.com"));
    let (told, statuses) = mpsc::channel();
    thread::scope(|scope| {
        // As long as the test holds the answers, the issuer gives none.
        let held = issuer.answers.lock().expect("no test has died with the lock");
        for _ in 0..4 {
            let (told, acme, assertion) = (told.clone(), &acme, &assertion);
            scope.spawn(move || told.send(ask(acme, assertion).send().status));
        }
        let refused: Vec<u16> = statuses.iter().take(3).collect();
        drop(held);
        assert_eq!((refused, statuses.recv()), (vec![503; 3], Ok(200)));
    });
    assert_eq!(issuer.asked("/jwks"), 1);
}

#[test]
fn keys_that_cannot_be_read_are_503_and_nobody_is_followed_elsewhere() {
    let issuer = Issuer::new();
    issuer.serves("/moved", &json!(format!("{}/keys", issuer.url)));
    issuer.serves("/keys", &json!({ "keys": [jwk("k-1", 1)] }));
    issuer.serves("/large", &json!({ "keys": [jwk("k-1", 1)], "x": "x".repeat(70_000) }));
    issuer.serves("/broken", &json!("{"));
    for path in ["/missing", "/moved", "/large", "/broken"] {
        let trust = json!({
            "issuer": "https://ci.example.com", "subject": "deploy", "jwksUri": format!("{}{path}", issuer.url),
        });
        let acme = trusting("trusts-unread", &trust);
        let claims = claims(&acme, "https://ci.example.com");
        for _ in 0..2 {
            let reply = ask(&acme, &es256("k-1", 1, &claims)).is(503);
            assert_eq!(reply.is_problem("unavailable").header("retry-after"), "1");
        }
        assert_eq!(issuer.asked(path), 1, "{path}");
    }
    assert_eq!(issuer.asked("/keys"), 0);
    let acme = Tenant::new("trusts-guard");
    let connection = json!({ "id": "ci", "displayName": "CI" });
    acme.admin("POST", "/connections").json(&connection).is(201);
    for issuer in ["http://localhost:80", "https://10.0.0.1", "http://ci.example.com"] {
        let trust = json!({ "issuer": issuer, "subject": "x" });
        acme.admin("POST", "/connections/ci/trusts")
            .json(&trust)
            .is(422)
            .is_problem("contradictory");
    }
}
