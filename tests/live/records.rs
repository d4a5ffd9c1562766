//! Tenants' records as wrangler writes them, and tenants that have none.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::ask::{Ask, Cost};
use crate::deployment::{deployment, fresh_slug};
use crate::log;
use crate::tenant::Tenant;

#[test]
fn wrangler_makes_a_tenant_that_works_on_the_next_request() {
    let slug = fresh_slug("wrangler");
    Ask::admin("GET", &format!("/v1/tenants/{slug}")).is(404);
    deployment().kv_key(&["put", &format!("tenant:{slug}"), "{}"]);
    let acme = Tenant::of(slug);
    let id = acme.user("ada");
    assert_eq!(acme.scim("GET", &format!("/Users/{id}")).is(200).id(), id);
    let shown = acme.admin("GET", "").is(200).json();
    assert_eq!(shown, json!({ "id": acme.slug, "status": "active" }));
}

#[test]
fn a_malformed_record_is_503_until_it_is_mended() {
    let slug = fresh_slug("malformed");
    let record = format!("tenant:{slug}");
    deployment().kv_key(&["put", &record, r#"{"status":"paused"}"#]);
    let keys = format!("/v1/tenants/{slug}/keys");
    let reply = Ask::admin("GET", &keys).is(503);
    reply.is_problem("unavailable");
    assert_eq!(reply.cost(), Cost::default());
    let scim = Ask::admin("GET", &format!("/t/{slug}/scim/v2/Users")).is(503);
    scim.is_scim_error("");
    // Who has no key learns nothing, and the operator what it is.
    let token = |slug: &str| {
        let form =
            format!("grant_type=client_credentials&client_id={slug}.okta&client_secret=guess");
        let ask = Ask::new("POST", &format!("/t/{slug}/oauth/token"));
        ask.header("content-type", "application/x-www-form-urlencoded").body(form).is(401)
    };
    let reply = token(&slug);
    assert_eq!(reply.body, token("no-such-tenant").body);
    let line = &log::lines(reply.header("x-request-id"))[0];
    let cause = line["cause"].as_str().expect("a cause");
    assert!(cause.contains("`status`") && cause.contains(&slug), "{cause}");
    deployment().kv_key(&["put", &record, "{}"]);
    Ask::admin("GET", &keys).is(200);
}

#[test]
fn an_unknown_tenant_is_404_for_the_administrator_and_401_for_everybody_else() {
    let acme = Tenant::new("known");
    let slug = fresh_slug("unknown");
    let scim = format!("/t/{slug}/scim/v2/Users");
    let admin = format!("/v1/tenants/{slug}/keys");

    let answers = [
        Ask::admin("GET", &scim).is(404),
        Ask::new("GET", &scim).is(401),
        Ask::new("GET", &scim).bearer(&acme.key).is(401),
    ];
    for answer in answers {
        assert_eq!(answer.is_scim_error("").cost(), Cost::default());
    }
    let answers = [
        Ask::admin("GET", &admin).is(404),
        Ask::admin("POST", &admin).json(&json!({ "name": "k", "scopes": ["scim"] })).is(404),
        Ask::new("GET", &admin).is(401),
        Ask::new("GET", &admin).bearer(&acme.key).is(401),
    ];
    for answer in answers {
        let code = if answer.status == 404 { "not_found" } else { "unauthorized" };
        assert_eq!(answer.is_problem(code).cost(), Cost::default());
    }

    assert!(has_database(&acme.slug), "a tenant that has woken has a database where we look");
    assert!(!has_database(&slug), "no object has woken");
}

/// Whether the runtime keeps a database for a tenant's object.
///
/// The object's id follows from its class and name, as workerd's `ActorIdFactoryImpl` has it: a
/// keyed digest of the name, followed by a keyed digest of that.
pub(crate) fn has_database(slug: &str) -> bool {
    const CLASS: &str = "muster-TenantObject";
    let key = Sha256::digest(CLASS);
    let mut id = hmac(&key, format!("tenant:{slug}").as_bytes())[..16].to_vec();
    id.extend_from_slice(&hmac(&key, &id)[..16]);
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = deployment().persist.join("v3/do").join(CLASS);
    folder.join(format!("{id}.sqlite")).exists()
}

/// HMAC-SHA-256 (RFC 2104) with a key of 32 bytes.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}
