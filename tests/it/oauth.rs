//! OAuth 2.0 client credentials (RFC 6749 §4.4): secrets of a connection, and tokens for them.

use base64ct::{Base64, Encoding as _};
use muster::auth::Claims;
use muster::limits;
use muster::store::Sql as _;
use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::steps::{Refused, check_error, check_problem};
use crate::support::{Acme, ORIGIN, gate};

const SECRETS: &str = "/connections/entra/secrets";
const NO_SECRET: (u16, &str, &str) = (404, "not_found", "there is no such secret");

/// A tenant with a connection.
fn given() -> Acme {
    let mut acme = Acme::new();
    acme.connect("entra");
    acme
}

/// A new secret as asked for, and what the answer says of it.
fn secret(acme: &mut Acme, body: &Value) -> Value {
    let reply = acme.admin("POST", SECRETS, body);
    assert_eq!(reply.status, 201, "{}", reply.json());
    reply.json()
}

fn text(shown: &Value, name: &str) -> String {
    shown[name].as_str().unwrap().to_owned()
}

/// The form by which a client with a secret asks for a token.
fn form(shown: &Value) -> String {
    let (id, secret) = (text(shown, "clientId"), text(shown, "clientSecret"));
    format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")
}

fn basic(shown: &Value) -> String {
    let pair = format!("{}:{}", text(shown, "clientId"), text(shown, "clientSecret"));
    format!("Basic {}", Base64::encode_string(pair.as_bytes()))
}

/// A token for a secret.
fn token(acme: &mut Acme, shown: &Value) -> String {
    let reply = acme.token(&[], &form(shown));
    assert_eq!(reply.status, 200, "{}", reply.json());
    text(&reply.json(), "access_token")
}

fn claims(acme: &Acme, token: &str) -> Claims {
    gate().key_ring.verify(token, acme.now).unwrap()
}

fn users(acme: &mut Acme, token: &str) -> Reply {
    acme.scim_with("GET", "/Users", &Value::Null, token, &[])
}

#[track_caller]
fn check_refused(reply: &Reply, status: u16, error: &str) {
    let body = reply.json();
    assert_eq!((reply.status, &body["error"]), (status, &json!(error)), "{body}");
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.headers["cache-control"], "no-store");
    let challenge = reply.headers.get("www-authenticate").map(String::as_str);
    assert_eq!(challenge, (status == 401).then_some("Basic realm=\"muster\""));
}

#[test]
fn ol_17_bz_23_a_client_asks_for_a_token_by_basic_or_in_the_body_and_scim_takes_it() {
    let mut acme = given();
    let shown = secret(&mut acme, &Value::Null);
    let body = acme.token(&[], &form(&shown));
    let header = basic(&shown);
    let same = format!("grant_type=client_credentials&client_id={}", text(&shown, "clientId"));
    let by_basic = acme.token(&[("authorization", &header)], "grant_type=client_credentials");
    let with_id = acme.token(&[("authorization", &header)], &same);
    for (name, reply) in [("ada", body), ("bob", by_basic), ("eve", with_id)] {
        assert_eq!(reply.status, 200, "{}", reply.json());
        assert_eq!(reply.headers["cache-control"], "no-store");
        assert_eq!(reply.headers["pragma"], "no-cache");
        let answer = reply.json();
        let token = text(&answer, "access_token");
        let expected = json!({
            "access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": "scim",
        });
        assert_eq!(answer, expected);
        assert!(token.len() <= limits::KEY_CHARACTERS);
        let claims = claims(&acme, &token);
        assert_eq!(claims.exp - claims.iat, limits::TOKEN_TTL_SECONDS);
        assert_eq!((claims.cid.as_deref(), &claims.sub), (Some("entra"), &text(&shown, "id")));
        assert_eq!(users(&mut acme, &token).status, 200);
        let ada = json!({ "userName": name });
        let made = acme.scim_with("POST", "/Users", &ada, &token, &[]);
        assert_eq!(made.status, 201);
        acme.sleep();
        assert_eq!(users(&mut acme, &token).status, 200, "after a sleep");
    }
    let event = acme.events().pop().unwrap()["data"].clone();
    assert_eq!(event["connection"], "entra");
    assert_eq!(event["actor"], format!("key:{}", text(&shown, "id")));
    let late = token(&mut acme, &shown);
    acme.wait(limits::TOKEN_TTL_SECONDS);
    check_error(&users(&mut acme, &late), (401, "", "the key has expired"), "an hour later");
}

#[test]
fn bz_02_a_connection_yields_what_is_pasted_once() {
    let mut acme = given();
    let key = json!({ "name": "Entra", "scopes": ["scim"], "connection": "entra" });
    let key = acme.admin("POST", "/keys", &key).json();
    assert_eq!(text(&key, "scimBaseUrl"), format!("{ORIGIN}/t/acme/scim/v2"));
    let shown = secret(&mut acme, &json!({ "ttl": "P2Y", "scopes": ["scim.users:write"] }));
    let client_secret = text(&shown, "clientSecret");
    assert_eq!(client_secret.len(), 43, "256 bits");
    let expected = json!({
        "id": shown["id"],
        "clientId": "acme.entra",
        "clientSecret": client_secret,
        "scopes": ["scim.users:write"],
        "expiresAt": "2028-09-20T14:13:20.000Z",
        "tokenUrl": format!("{ORIGIN}/t/acme/oauth/token"),
    });
    assert_eq!(shown, expected);
    let list = acme.admin("GET", SECRETS, &Value::Null);
    let listed = json!({ "items": [{
        "id": shown["id"],
        "clientId": "acme.entra",
        "scopes": ["scim.users:write"],
        "createdAt": "2026-09-21T14:13:20.000Z",
        "expiresAt": "2028-09-20T14:13:20.000Z",
        "lastUsedAt": null,
    }]});
    assert_eq!(list.json(), listed);
    let feed = acme.admin("GET", "/events", &Value::Null).json();
    let keys = acme.admin("GET", "/keys", &Value::Null).json();
    let seen = format!("{:?}{feed}{keys}", acme.dump());
    for hidden in [&client_secret, &text(&key, "key")] {
        assert!(!seen.contains(hidden.as_str()), "{hidden} is in {seen}");
    }
    let token = token(&mut acme, &shown);
    assert_eq!(claims(&acme, &token).scope.to_string(), "scim.users:write");
    users(&mut acme, &token);
    let list = acme.admin("GET", SECRETS, &Value::Null).json();
    assert_eq!(list["items"][0]["lastUsedAt"], "2026-09-21T14:13:20.000Z");
    acme.wait(limits::KEY_USES_FLUSH_SECONDS);
    acme.alarms();
    acme.sleep();
    assert_eq!(acme.admin("GET", SECRETS, &Value::Null).json(), list);
}

#[test]
fn a_token_lives_as_long_as_its_secret_and_no_longer() {
    let mut acme = given();
    let (first, second) = (secret(&mut acme, &json!({})), secret(&mut acme, &json!({})));
    let (one, other) = (token(&mut acme, &first), token(&mut acme, &second));
    let path = format!("{SECRETS}/{}", text(&first, "id"));
    assert_eq!(acme.admin("DELETE", &path, &Value::Null).status, 204);
    check_error(&users(&mut acme, &one), (401, "", "the key has been revoked"), "revoked");
    check_refused(&acme.token(&[], &form(&first)), 401, "invalid_client");
    assert_eq!(users(&mut acme, &other).status, 200, "several are live at once");
    acme.admin_refused("DELETE", &path, &Value::Null, NO_SECRET);
    acme.wait(limits::SECRET_TTL_SECONDS_MIN - 600);
    let late = acme.token(&[], &form(&second)).json();
    assert_eq!(late["expires_in"], 600, "none outlives its secret");
    acme.wait(600);
    check_refused(&acme.token(&[], &form(&second)), 401, "invalid_client");
    let types = acme.event_types(3);
    assert_eq!(
        types,
        ["connection.secret.created", "connection.secret.created", "connection.secret.revoked"]
    );
    let event = acme.events().pop().unwrap()["data"].clone();
    assert_eq!((&event["id"], &event["secret"]), (&json!("entra"), &first["id"]));
    assert_eq!(event["resourceType"], "Connection");
}

#[test]
fn a_token_of_a_tenant_that_was_purged_opens_nothing_of_its_successor() {
    let mut before = given();
    let shown = secret(&mut before, &json!({}));
    let token = token(&mut before, &shown);
    let mut after = given();
    check_error(&users(&mut after, &token), (401, "", "the key has been revoked"), "purged");
    secret(&mut after, &json!({}));
    secret(&mut after, &json!({}));
    let own = claims(&before, &token);
    let forged = gate().key_ring.sign(&Claims { jti: "guessed".to_owned(), ..own }).unwrap();
    check_error(&users(&mut before, &forged), (401, "", "the key has been revoked"), "forged");
}

#[test]
fn a_disabled_connection_gives_no_token_and_its_tokens_open_nothing() {
    let mut acme = given();
    let shown = secret(&mut acme, &json!({}));
    let token = token(&mut acme, &shown);
    acme.sql.query("UPDATE connections SET state = 'disabled'", &[]).unwrap();
    acme.sleep();
    let reply = users(&mut acme, &token);
    check_error(&reply, (403, "", "the key's connection is disabled"), "disabled");
    check_refused(&acme.token(&[], &form(&shown)), 400, "unauthorized_client");
    let wrong = form(&shown) + "x";
    check_refused(&acme.token(&[], &wrong), 401, "invalid_client");
}

#[test]
fn whatever_is_wrong_with_a_client_the_answer_is_the_same() {
    let mut acme = given();
    acme.connect("okta");
    let shown = secret(&mut acme, &json!({}));
    let (id, known) = (text(&shown, "clientId"), text(&shown, "clientSecret"));
    let mut answers = Vec::new();
    for (client, secret) in [
        (id.as_str(), "guess"),
        (&id, &known[1..]),
        ("acme.okta", &known),
        ("acme.nobody", &known),
        ("globex.entra", &known),
        ("acme", &known),
        ("acme.", &known),
        (".entra", &known),
        ("acme.entra.x", &known),
        ("acme.ENTRA", &known),
        ("acme.en tra", &known),
    ] {
        let body =
            format!("grant_type=client_credentials&client_id={client}&client_secret={secret}");
        let header = Base64::encode_string(format!("{client}:{secret}").as_bytes());
        let header = format!("Basic {header}");
        for reply in [
            acme.token(&[], &body),
            acme.token(&[("authorization", &header)], "grant_type=client_credentials"),
        ] {
            check_refused(&reply, 401, "invalid_client");
            answers.push(reply.body);
        }
    }
    for (header, body) in [
        ("Bearer x", "grant_type=client_credentials"),
        ("Basic !", "grant_type=client_credentials"),
        ("Basic", "grant_type=client_credentials"),
        ("Basic YQ==", "grant_type=client_credentials"),
        ("Basic /zo=", "grant_type=client_credentials"),
        ("", "grant_type=client_credentials"),
        ("", "grant_type=client_credentials&client_id=acme.entra"),
        ("", "grant_type=client_credentials&client_id=acme.entra&client_secret="),
    ] {
        let reply = acme.token(&[("authorization", header)], body);
        check_refused(&reply, 401, "invalid_client");
        answers.push(reply.body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[test]
fn a_request_for_a_token_that_is_wrong_is_told_how() {
    let mut acme = given();
    let shown = secret(&mut acme, &json!({ "scopes": ["scim.users:read", "scim.groups:write"] }));
    let (right, header) = (form(&shown), basic(&shown));
    let long = format!("{right}&x={}", "x".repeat(limits::TOKEN_REQUEST_BYTES));
    let twice = format!("{right}&client_id=acme.entra");
    let many = |count: usize| (3..count).fold(right.clone(), |form, n| form + &format!("&x{n}="));
    assert_eq!(acme.token(&[], &many(limits::TOKEN_PARAMETERS)).status, 200);
    let too_many = many(limits::TOKEN_PARAMETERS + 1);
    let rest = right.replace("grant_type=client_credentials&", "");
    for (form, status, error) in [
        (rest.as_str(), 400, "invalid_request"),
        (&format!("grant_type=&{rest}"), 400, "invalid_request"),
        (&format!("grant_type=password&{rest}"), 400, "unsupported_grant_type"),
        (&format!("grant_type=authorization_code&{rest}"), 400, "unsupported_grant_type"),
        (&twice, 400, "invalid_request"),
        (&too_many, 400, "invalid_request"),
        (&long, 413, "invalid_request"),
        (&format!("{right}&scope=scim"), 400, "invalid_scope"),
        (&format!("{right}&scope=scim.users:write"), 400, "invalid_scope"),
        (&format!("{right}&scope=scim.users:read+root"), 400, "invalid_scope"),
        (&format!("{right}&scope=+"), 400, "invalid_scope"),
    ] {
        check_refused(&acme.token(&[], form), status, error);
    }
    check_refused(&acme.token(&[("authorization", &header)], &right), 400, "invalid_request");
    let other = "grant_type=client_credentials&client_id=acme.okta";
    check_refused(&acme.token(&[("authorization", &header)], other), 400, "invalid_request");
    for media_type in ["application/json", "text/plain", ""] {
        let reply = acme.token(&[("content-type", media_type)], &right);
        check_refused(&reply, 400, "invalid_request");
    }
    for (asked, granted) in [
        ("", "scim.users:read scim.groups:write"),
        ("scope=", "scim.users:read scim.groups:write"),
        ("scope=scim.groups%3Aread", "scim.groups:read"),
        ("scope=scim.users:read+scim.groups:read&resource=x", "scim.users:read scim.groups:read"),
    ] {
        let reply = acme.token(&[], &format!("{right}&{asked}"));
        assert_eq!(reply.json()["scope"], granted, "{asked}");
        let token = text(&reply.json(), "access_token");
        assert_eq!(claims(&acme, &token).scope.to_string(), granted);
    }
    let form = "application/x-www-form-urlencoded; charset=UTF-8";
    assert_eq!(acme.token(&[("content-type", form)], &right).status, 200);
}

#[test]
fn asking_for_a_token_writes_nothing() {
    let mut acme = given();
    let shown = secret(&mut acme, &json!({}));
    acme.settle();
    let before = acme.dump();
    token(&mut acme, &shown);
    acme.token(&[], "grant_type=client_credentials");
    assert_eq!(acme.dump(), before);
    assert_eq!(acme.tenant.alarm_in_milliseconds(acme.now), None);
}

#[test]
fn a_secret_that_is_asked_for_wrongly_is_not_made() {
    let mut acme = given();
    let no_ttl = "`ttl` is not a duration such as P730D, between P1Y and P3Y";
    let before = acme.dump();
    for (body, detail) in [
        (json!([]), "the body is not a JSON object"),
        (json!({ "name": "x" }), "`name` is no field of a secret"),
        (json!({ "ttl": "P364D" }), no_ttl),
        (json!({ "ttl": "P3YT1S" }), no_ttl),
        (json!({ "ttl": 7 }), no_ttl),
        (json!({ "scopes": "scim" }), "`scopes` is not a list of texts"),
        (json!({ "scopes": [] }), "`scopes` is empty"),
        (json!({ "scopes": ["root"] }), "`root` is no scope"),
    ] {
        acme.admin_refused("POST", SECRETS, &body, (400, "malformed", detail));
    }
    for (method, path) in
        [("POST", "/connections/nobody/secrets"), ("GET", "/connections/nobody/secrets")]
    {
        let refused = (404, "not_found", "there is no such connection");
        acme.admin_refused(method, path, &Value::Null, refused);
    }
    for path in ["/connections/nobody/secrets/x", "/connections/entra/secrets/x"] {
        acme.admin_refused("DELETE", path, &Value::Null, NO_SECRET);
    }
    assert_eq!(acme.dump(), before);
    for ttl in ["P365D", "P1Y", "P2Y", "P3Y"] {
        secret(&mut acme, &json!({ "ttl": ttl }));
    }
    assert_eq!(limits::SECRET_TTL_SECONDS, 3 * limits::SECRET_TTL_SECONDS_MIN);
}

#[test]
fn a_connection_has_so_many_live_secrets_and_no_more() {
    let mut acme = given();
    acme.connect("okta");
    for _ in 0..limits::SECRETS_PER_CONNECTION {
        secret(&mut acme, &json!({}));
    }
    let full: Refused<'_> = (409, "conflict", "the connection has too many secrets");
    acme.admin_refused("POST", SECRETS, &json!({}), full);
    let other = acme.admin("POST", "/connections/okta/secrets", &json!({}));
    assert_eq!(other.status, 201);
    let path = format!("/connections/okta/secrets/{}", text(&other.json(), "id"));
    let crossed = path.replace("okta", "entra");
    acme.admin_refused("DELETE", &crossed, &Value::Null, NO_SECRET);
    acme.wait(limits::SECRET_TTL_SECONDS_MIN);
    secret(&mut acme, &json!({}));
    assert_eq!(acme.rows("secrets"), 1, "expired ones are forgotten");
}

#[test]
fn a_key_gives_a_secret_no_more_than_it_has() {
    let mut acme = given();
    acme.connect("okta");
    let minter = json!({ "name": "x", "scopes": ["keys:write", "scim.users:write"], "connection": "okta", "ttl": "P90D" });
    let minter = acme.mint_with(&minter);
    let more = "a key cannot make one that may do more than itself";
    let other = "a key of a connection makes keys of that connection only";
    let users = json!({ "scopes": ["scim.users:write"] });
    for (connection, body, detail) in [("okta", json!({}), more), ("entra", users.clone(), other)] {
        let path = format!("/v1/tenants/acme/connections/{connection}/secrets");
        let reply = acme.ask("POST", &path, &body, &minter);
        check_problem(&reply, (403, "insufficient_scope", detail), connection);
    }
    let path = "/v1/tenants/acme/connections/okta/secrets";
    let made = acme.ask("POST", path, &users, &minter);
    assert_eq!((made.status, &made.json()["expiresAt"]), (201, &json!("2026-12-20T14:13:20.000Z")));
    let weak = acme.mint(&["scim", "config:write"]);
    let reply = acme.ask("POST", path, &users, &weak);
    let lacks = "the key lacks the scope `keys:write`";
    check_problem(&reply, (403, "insufficient_scope", lacks), "weak");
}
