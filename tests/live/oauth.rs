//! OAuth 2.0 client credentials over HTTP: what the edge answers, and what the tenant's object does.

use base64ct::{Base64, Encoding as _};
use serde_json::{Value, json};

use crate::ask::{Ask, Cost};
use crate::scenario::{Reply, Server as _};
use crate::tenant::Tenant;

const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn token(tenant: &str, body: &str) -> Ask {
    let ask = Ask::new("POST", &format!("/t/{tenant}/oauth/token"));
    ask.header("content-type", FORM).body(body)
}

pub(crate) fn form(id: &str, secret: &str) -> String {
    format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")
}

pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", Base64::encode_string(format!("{id}:{secret}").as_bytes()))
}

/// An error of RFC 6749 §5.2.
fn is_refused(reply: &Reply, error: &str) {
    assert_eq!(reply.json()["error"], error, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    reply.cost();
}

#[test]
fn a_token_by_basic_or_by_the_body_opens_scim_until_its_secret_is_revoked() {
    let mut acme = Tenant::new("oauth");
    let (id, secret) = acme.client();
    assert_eq!(id, format!("{}.gallery", acme.slug));
    let by_body = token(&acme.slug, &form(&id, &secret)).is(200);
    let by_basic = token(&acme.slug, "grant_type=client_credentials&scope=scim.users:read");
    let by_basic = by_basic.header("authorization", basic(&id, &secret)).is(200);
    for (reply, scope, status) in [(by_body, "scim", 201), (by_basic, "scim.users:read", 403)] {
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.cost().written, 0);
        let answer = reply.json();
        assert_eq!((&answer["expires_in"], &answer["scope"]), (&json!(3600), &json!(scope)));
        assert_eq!(answer["token_type"], "Bearer");
        let token = reply.field("/access_token");
        acme.anonymous("GET", "/Users").bearer(&token).is(200);
        let user = json!({ "userName": scope });
        acme.anonymous("POST", "/Users").bearer(&token).json(&user).is(status);
    }
    let live = token(&acme.slug, &form(&id, &secret)).is(200).field("/access_token");
    let secrets = acme.admin("GET", "/connections/gallery/secrets").is(200);
    assert!(!secrets.text().contains(&secret));
    let path = format!("/connections/gallery/secrets/{}", secrets.field("/items/0/id"));
    acme.admin("DELETE", &path).is(204);
    acme.anonymous("GET", "/Users").bearer(&live).is(401).is_scim_error("");
    is_refused(&token(&acme.slug, &form(&id, &secret)).is(401), "invalid_client");
}

#[test]
fn an_unknown_tenant_or_client_is_answered_like_a_wrong_secret() {
    let mut acme = Tenant::new("oauth-wrong");
    let (id, secret) = acme.client();
    let wrong = token(&acme.slug, &form(&id, "guess")).is(401);
    is_refused(&wrong, "invalid_client");
    assert_eq!(wrong.header("www-authenticate"), "Basic realm=\"muster\"");
    let slug = acme.slug.as_str();
    for (tenant, client) in [
        (slug, format!("{slug}.nobody")),
        (slug, "other.gallery".to_owned()),
        (slug, slug.to_owned()),
        ("no-such-tenant", "no-such-tenant.gallery".to_owned()),
        ("no-such-tenant", id.clone()),
    ] {
        for ask in [
            token(tenant, &form(&client, &secret)),
            token(tenant, "grant_type=client_credentials")
                .header("authorization", basic(&client, &secret)),
        ] {
            let reply = ask.is(401);
            assert_eq!(reply.body, wrong.body, "{tenant} {client}");
            assert_eq!(reply.header("www-authenticate"), wrong.header("www-authenticate"));
            assert_eq!(reply.cost(), Cost::default());
        }
    }
    acme.admin("PATCH", "").json(&json!({ "status": "suspended" })).is(200);
    let suspended = token(slug, &form(&id, &secret)).is(401);
    assert_eq!(suspended.body, wrong.body);
}

#[test]
fn what_is_no_request_for_a_token_wakes_nobody() {
    let acme = Tenant::new("oauth-odd");
    let slug = acme.slug.as_str();
    let both = token(slug, &form("x", "y")).header("authorization", basic("x", "y")).is(400);
    is_refused(&both, "invalid_request");
    is_refused(&token(slug, "grant_type=password").is(400), "unsupported_grant_type");
    is_refused(&token(slug, "").is(400), "invalid_request");
    is_refused(&token(slug, &"x".repeat(20_000)).is(413), "invalid_request");
    let json = Ask::new("POST", &format!("/t/{slug}/oauth/token")).json(&Value::Null);
    is_refused(&json.is(400), "invalid_request");
    let get = Ask::new("GET", &format!("/t/{slug}/oauth/token")).is(405);
    assert_eq!(get.is_problem("method_not_allowed").header("allow"), "POST");
}
