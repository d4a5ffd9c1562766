//! Workload identity (RFC 7523 §2.2): whom a connection trusts, and what that opens.
//!
//! Signatures are the edge's to verify; the live tests show that it does.

use muster::http::TokenStep;
use muster::limits;
use muster::store::{Param, Sql as _};
use serde_json::{Value, json};

use crate::assertions::assertion;
use crate::scenario::Reply;
use crate::steps::{Refused, check_error, check_problem};
use crate::support::Acme;

const TRUSTS: &str = "/connections/ci/trusts";

fn given() -> Acme {
    let mut acme = Acme::new();
    for id in ["ci", "other"] {
        let connection = json!({ "id": id, "displayName": id });
        assert_eq!(acme.admin("POST", "/connections", &connection).status, 201);
    }
    acme
}

fn github() -> Value {
    json!({ "issuer": "https://token.actions.example.com", "subject": "repo:acme/deploy:ref:main" })
}

/// A new trust; what the answer says of it.
fn trust(acme: &mut Acme, body: &Value) -> Value {
    let reply = acme.admin("POST", TRUSTS, body);
    assert_eq!(reply.status, 201, "{}", reply.json());
    reply.json()
}

/// A form with an assertion of GitHub's.
fn form(more: &str) -> String {
    let header = json!({ "alg": "RS256", "kid": "k" });
    let claims = json!({
        "iss": github()["issuer"], "sub": github()["subject"], "aud": "x", "exp": 1_790_000_060,
    });
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let assertion = assertion(&header, &claims);
    format!(
        "grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}{more}"
    )
}

/// A token for whom an assertion that the edge has verified speaks of.
fn verified(acme: &mut Acme, trust: &Value, scope: Option<&str>) -> Reply {
    let trust = trust["id"].as_str().unwrap().to_owned();
    acme.token_step(&TokenStep::Trusted { trust, scope: scope.map(str::to_owned) })
}

fn users(acme: &mut Acme, token: &str) -> Reply {
    acme.scim_with("GET", "/Users", &Value::Null, token, &[])
}

#[test]
fn a_trust_is_made_listed_and_revoked_and_its_tokens_live_as_long_as_it() {
    let mut acme = given();
    let mut body = github();
    body["audience"] = json!("muster");
    body["jwksUri"] = json!("https://token.actions.example.com/jwks");
    body["scopes"] = json!(["scim.users:read"]);
    let shown = trust(&mut acme, &body);
    let mut expected = json!({ "id": shown["id"] });
    expected.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    expected["createdAt"] = json!("2026-09-21T14:13:20.000Z");
    expected["lastUsedAt"] = Value::Null;
    assert_eq!(shown, expected);
    assert_eq!(acme.admin("GET", TRUSTS, &Value::Null).json(), json!({ "items": [shown] }));
    let step = acme.token(&[], &form(""));
    let how = json!({
        "trust": shown["id"], "audience": "muster", "jwksUri": "https://token.actions.example.com/jwks",
    });
    assert_eq!((step.status, step.json()), (200, how));
    let answer = verified(&mut acme, &shown, None).json();
    assert_eq!(
        (&answer["expires_in"], &answer["scope"]),
        (&json!(3600), &json!("scim.users:read"))
    );
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(users(&mut acme, token).status, 200);
    let list = acme.admin("GET", TRUSTS, &Value::Null).json();
    assert_eq!(list["items"][0]["lastUsedAt"], "2026-09-21T14:13:20.000Z");
    acme.wait(limits::KEY_USES_FLUSH_SECONDS);
    acme.alarms();
    acme.sleep();
    assert_eq!(acme.admin("GET", TRUSTS, &Value::Null).json(), list);
    let refused = verified(&mut acme, &shown, Some("scim"));
    assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_scope")));
    let path = format!("{TRUSTS}/{}", shown["id"].as_str().unwrap());
    let crossed = path.replace("/ci/", "/other/");
    acme.admin_refused(
        "DELETE",
        &crossed,
        &Value::Null,
        (404, "not_found", "there is no such trust"),
    );
    assert_eq!(acme.admin("DELETE", &path, &Value::Null).status, 204);
    check_error(&users(&mut acme, token), (401, "", "the key has been revoked"), "revoked");
    assert_eq!(acme.token(&[], &form("")).status, 401);
    assert_eq!(verified(&mut acme, &shown, None).status, 401);
    let types = acme.event_types(3);
    assert_eq!(types, ["connection.trust.created", "connection.trust.revoked"]);
    for event in acme.events().split_off(3) {
        let data = &event["data"];
        let told = (&data["resourceType"], &data["id"], &data["trust"]);
        assert_eq!(told, (&json!("Connection"), &json!("ci"), &shown["id"]));
    }
}

#[test]
fn an_assertion_of_nobody_who_is_trusted_is_a_client_that_is_not_known() {
    let mut acme = given();
    let unknown = acme.token(&[], &form(""));
    assert_eq!((unknown.status, &unknown.json()["error"]), (401, &json!("invalid_client")));
    let shown = trust(&mut acme, &github());
    for (more, status) in [
        ("", 200),
        ("&client_id=acme.ci", 200),
        ("&client_id=acme.other", 401),
        ("&client_id=globex.ci", 401),
        ("&client_id=x", 401),
    ] {
        let reply = acme.token(&[], &form(more));
        assert_eq!(reply.status, status, "{more}");
        if status == 401 {
            assert_eq!(reply.body, unknown.body, "{more}");
        }
    }
    let other = form("").replace("repo", "x");
    assert_eq!(acme.token(&[], &other).status, 200, "the assertion is encoded");
    for (form, error, status) in [
        (form("&client_secret=x"), "invalid_request", 400),
        (form("").replace("jwt-bearer", "saml2-bearer"), "invalid_request", 400),
        (form("").replace("client_assertion_type", "x"), "invalid_request", 400),
        (form("").replace("client_assertion=", "client_assertion=x"), "invalid_client", 401),
        (form("").replace("client_assertion=", "x="), "invalid_client", 401),
    ] {
        let reply = acme.token(&[], &form);
        assert_eq!((reply.status, &reply.json()["error"]), (status, &json!(error)), "{form}");
    }
    let twice = acme.token(&[("authorization", "Basic eDp5")], &form(""));
    assert_eq!(twice.json()["error"], "invalid_request");
    acme.sql.query("UPDATE connections SET state = 'disabled'", &[]).unwrap();
    acme.sleep();
    let disabled = verified(&mut acme, &shown, None);
    assert_eq!(disabled.json()["error"], "unauthorized_client");
}

#[test]
fn a_trust_that_is_asked_for_wrongly_is_not_made() {
    let mut acme = given();
    let change = |name: &str, value: Value| {
        let mut body = github();
        body[name] = value;
        body
    };
    let long = "x".repeat(limits::TRUST_CHARACTERS + 1);
    for name in ["issuer", "subject", "audience", "jwksUri"] {
        let detail = format!("`{name}` is not a text of 1 to 1000 characters");
        for value in [json!(""), json!(7), json!([]), json!(long)] {
            let refused = (400, "malformed", detail.as_str());
            acme.admin_refused("POST", TRUSTS, &change(name, value), refused);
        }
    }
    for (body, detail) in [
        (json!({}), "`issuer` is not a text of 1 to 1000 characters"),
        (change("subject", Value::Null), "`subject` is not a text of 1 to 1000 characters"),
        (change("id", json!("x")), "`id` is no field of a trust"),
        (change("scopes", json!(["root"])), "`root` is no scope"),
    ] {
        acme.admin_refused("POST", TRUSTS, &body, (400, "malformed", detail));
    }
    for (name, value) in [
        ("issuer", "http://token.actions.example.com"),
        ("issuer", "spiffe://acme/deploy"),
        ("issuer", "http://127.0.0.1:8080"),
        ("issuer", "https://muster.test"),
        ("issuer", &format!("https://ci.example.com/{}", "x".repeat(970))),
        ("jwksUri", "https://10.0.0.1/jwks"),
        ("jwksUri", "https://token.actions.example.com:8443/jwks"),
        ("jwksUri", "http://127.0.0.1:8080/jwks"),
    ] {
        let detail = format!(
            "`{name}` is no address that may be fetched: https, on port 443, with a public name"
        );
        let refused = (422, "contradictory", detail.as_str());
        acme.admin_refused("POST", TRUSTS, &change(name, json!(value)), refused);
    }
    let path = "/connections/nobody/trusts";
    for method in ["GET", "POST"] {
        acme.admin_refused(
            method,
            path,
            &github(),
            (404, "not_found", "there is no such connection"),
        );
    }
    let mut spiffe = change("issuer", json!("spiffe://acme"));
    spiffe["jwksUri"] = json!("https://keys.example.com/");
    trust(&mut acme, &spiffe);
}

#[test]
fn a_subject_is_trusted_once_and_a_connection_trusts_so_many() {
    let mut acme = given();
    trust(&mut acme, &github());
    let again: Refused<'_> = (409, "conflict", "this subject of this issuer is trusted already");
    for path in [TRUSTS, "/connections/other/trusts"] {
        acme.admin_refused("POST", path, &github(), again);
    }
    let numbered = |number: usize| {
        let mut body = github();
        body["subject"] = json!(number.to_string());
        body
    };
    for number in 1..limits::TRUSTS_PER_CONNECTION {
        trust(&mut acme, &numbered(number));
    }
    let full: Refused<'_> = (409, "conflict", "the connection trusts too many");
    acme.admin_refused("POST", TRUSTS, &numbered(0), full);
    assert_eq!(acme.admin("POST", "/connections/other/trusts", &numbered(0)).status, 201);
}

#[test]
fn a_key_trusts_nobody_with_more_than_it_has() {
    let mut acme = given();
    let minter = acme.mint_with(
        &json!({ "name": "x", "scopes": ["keys:write", "scim.users:read"], "connection": "ci" }),
    );
    let more = "a key cannot make one that may do more than itself";
    let other = "a key of a connection makes keys of that connection only";
    let mut little = github();
    little["scopes"] = json!(["scim.users:read"]);
    for (connection, body, detail) in [("ci", github(), more), ("other", little.clone(), other)] {
        let path = format!("/v1/tenants/acme/connections/{connection}/trusts");
        let reply = acme.ask("POST", &path, &body, &minter);
        check_problem(&reply, (403, "insufficient_scope", detail), connection);
    }
    let reply = acme.ask("POST", "/v1/tenants/acme/connections/ci/trusts", &little, &minter);
    assert_eq!(reply.status, 201);
}

#[test]
fn the_edge_alone_asks_in_steps_and_nothing_but_a_step_is_taken() {
    let mut acme = given();
    let step = TokenStep::Trusted { trust: "x".to_owned(), scope: None };
    assert_eq!(step.encode(), r#"{"trusted":{"trust":"x","scope":null}}"#);
    let key = acme.key.clone();
    let body = json!({ "trusted": { "trust": "x", "scope": null } });
    let forms = [acme.token(&[("content-type", "application/json")], &body.to_string())];
    for reply in forms {
        assert_eq!(reply.json()["error"], "invalid_request");
    }
    assert_eq!(users(&mut acme, &key).status, 200);
}

#[test]
fn tokens_make_no_keys() {
    let mut acme = given();
    let secrets = "/connections/ci/secrets";
    let before = acme.dump();
    let detail = "tokens make no keys: `keys:write` is a scope of keys alone";
    let trust =
        json!({ "issuer": "https://ci.example.com", "subject": "x", "scopes": ["keys:write"] });
    for (path, body) in [
        (secrets, json!({ "scopes": ["scim", "keys:write"] })),
        (secrets, json!({ "scopes": ["keys:write"] })),
        (TRUSTS, trust),
    ] {
        acme.admin_refused("POST", path, &body, (422, "contradictory", detail));
    }
    assert_eq!(acme.dump(), before);
    let shown = acme.admin("POST", secrets, &Value::Null).json();
    let secret = shown["clientSecret"].as_str().unwrap();
    let form = format!("grant_type=client_credentials&client_id=acme.ci&client_secret={secret}");
    for (stored, granted) in [
        ("scim keys:write", Some("scim")),
        ("config:write keys:write", Some("config:write")),
        ("keys:write", None),
    ] {
        acme.sql.query("UPDATE secrets SET scopes = ?1", &[Param::Text(stored)]).unwrap();
        acme.sleep();
        let reply = acme.token(&[], &form);
        match granted {
            Some(scope) => assert_eq!(reply.json()["scope"], scope, "{stored}"),
            None => assert_eq!(reply.json()["error"], "invalid_scope"),
        }
        let asked = acme.token(&[], &format!("{form}&scope=keys:write"));
        assert_eq!(asked.json()["error"], "invalid_scope");
    }
}
