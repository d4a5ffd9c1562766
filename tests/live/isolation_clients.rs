//! Attempts to cross from one tenant to another as an OAuth client, numbered on from those of
//! [`crate::isolation`]. Both tenants have a connection of the same name, and trust the same subject
//! of the same issuer. Whatever of the one is shown to the other is answered like what nobody knows.

use serde_json::json;

use crate::ask::Ask;
use crate::deployment::fresh_slug;
use crate::isolation::told;
use crate::oauth::{basic, form, token};
use crate::scenario::{Reply, Server as _};
use crate::tenant::Tenant;
use crate::trusts::{Issuer, ask, claims, es256, jwk};

/// A tenant, its client's secret, and the ids of what its connection `gallery` has.
struct Party {
    tenant: Tenant,
    client: String,
    secret: String,
    secret_id: String,
    trust_id: String,
}

impl Party {
    fn new(name: &str, issuer: &Issuer) -> Self {
        let mut tenant = Tenant::new(name);
        let (client, secret) = tenant.client();
        let secrets = tenant.admin("GET", "/connections/gallery/secrets").is(200);
        let trust = json!({ "issuer": issuer.url, "subject": "deploy" });
        let trust = tenant.admin("POST", "/connections/gallery/trusts").json(&trust).is(201);
        let (secret_id, trust_id) = (secrets.field("/items/0/id"), trust.id());
        Self { tenant, client, secret, secret_id, trust_id }
    }

    fn by_secret(&self) -> Ask {
        token(&self.tenant.slug, &form(&self.client, &self.secret))
    }
}

/// Two tenants; the former alone has the connection `own`, and an issuer that it alone trusts.
fn parties() -> (Party, Party, [Issuer; 2]) {
    let issuers = [Issuer::new(), Issuer::new()];
    for issuer in &issuers {
        let keys = format!("{}/keys", issuer.url);
        let configuration = json!({ "issuer": issuer.url, "jwks_uri": keys });
        issuer.serves("/.well-known/openid-configuration", &configuration);
        issuer.serves("/keys", &json!({ "keys": [jwk("k-1", 1)] }));
    }
    let [acme, globex] = ["iso-client-a", "iso-client-b"].map(|name| Party::new(name, &issuers[0]));
    let own = json!({ "id": "own", "displayName": "Own" });
    acme.tenant.admin("POST", "/connections").json(&own).is(201);
    let trust = json!({ "issuer": issuers[1].url, "subject": "deploy" });
    acme.tenant.admin("POST", "/connections/own/trusts").json(&trust).is(201);
    (acme, globex, issuers)
}

/// Each attempt is answered as one that nobody could tell from it.
fn refused(from: usize, attempts: impl IntoIterator<Item = Ask>, unknown: &Reply) {
    for (number, attempt) in (from..).zip(attempts) {
        assert_eq!(told(&attempt.send()), told(unknown), "attempt {number}");
    }
}

#[test]
fn a_client_of_one_tenant_is_nobody_to_another() {
    let (acme, globex, _issuers) = parties();
    let (a, b) = (acme.tenant.slug.as_str(), globex.tenant.slug.as_str());
    let nobody = fresh_slug("iso-client-none");
    let unknown = token(&nobody, &form(&format!("{nobody}.gallery"), &acme.secret)).is(401);
    assert_eq!(unknown.json()["error"], "invalid_client");
    let both = |tenant: &str, client: &str, secret: &str| {
        let header = basic(client, secret);
        let by_header = token(tenant, "grant_type=client_credentials");
        [token(tenant, &form(client, secret)), by_header.header("authorization", header)]
    };
    let attempts = [
        both(b, &acme.client, &acme.secret),
        both(b, &globex.client, &acme.secret),
        both(b, &format!("{b}.own"), &acme.secret),
        both(b, &format!("{b}.nobody"), &acme.secret),
        both(b, &format!("{b}.{}", acme.client), &acme.secret),
        both(b, &format!("{a}.own"), &acme.secret),
        both(a, &globex.client, &acme.secret),
        both(a, &globex.client, &globex.secret),
        both(&nobody, &acme.client, &acme.secret),
    ];
    refused(69, attempts.into_iter().flatten(), &unknown);
    assert!(!crate::records::has_database(&nobody), "no object has woken");
    acme.by_secret().is(200);
    globex.by_secret().is(200);
}

#[test]
fn a_token_of_one_tenant_opens_nothing_of_another() {
    let (acme, globex, _issuers) = parties();
    let nobody = fresh_slug("iso-token-none");
    let bearer = acme.by_secret().is(200).field("/access_token");
    acme.tenant.anonymous("GET", "/Users").bearer(&bearer).is(200);
    let asks = |slug: &str, below: &str, method: &str| {
        Ask::new(method, &format!("/t/{slug}/scim/v2{below}")).bearer(&bearer)
    };
    for (number, (method, below)) in
        (87..).zip([("GET", "/Users"), ("POST", "/Users"), ("DELETE", "/Users/x"), ("GET", "/Me")])
    {
        let unknown = asks(&nobody, below, method).is(401);
        refused(number, [asks(&globex.tenant.slug, below, method)], &unknown);
    }
    let admin = |slug: &str, below: &str| {
        Ask::new("GET", &format!("/v1/tenants/{slug}{below}")).bearer(&bearer)
    };
    for (number, below) in (91..).zip(["/connections/gallery/secrets", "/keys", "/events"]) {
        let unknown = admin(&nobody, below).is(401);
        refused(number, [admin(&globex.tenant.slug, below)], &unknown);
    }
    let alias = |slug: &str| Ask::new("GET", &format!("/scim/v2/{slug}/Users")).bearer(&bearer);
    refused(94, [alias(&globex.tenant.slug)], &alias(&nobody).is(401));
}

#[test]
fn an_assertion_for_one_tenant_is_of_no_use_to_another() {
    let (acme, globex, [shared, own]) = parties();
    let nobody = Tenant { slug: fresh_slug("iso-trust-none"), key: String::new() };
    let for_acme = es256("k-1", 1, &claims(&acme.tenant, &shared.url));
    let for_globex = es256("k-1", 1, &claims(&globex.tenant, &shared.url));
    let of_own = es256("k-1", 1, &claims(&globex.tenant, &own.url));
    let unknown = ask(&nobody, &for_acme).is(401);
    assert_eq!(unknown.json()["error"], "invalid_client");
    let named = |to: &Tenant, assertion: &str, client: &str| {
        ask(to, &format!("{assertion}&client_id={client}"))
    };
    let attempts = [
        ask(&globex.tenant, &for_acme),
        ask(&acme.tenant, &for_globex),
        ask(&globex.tenant, &of_own),
        named(&globex.tenant, &for_acme, &acme.client),
        named(&globex.tenant, &for_acme, &globex.client),
        named(&globex.tenant, &for_globex, &acme.client),
        named(&globex.tenant, &for_globex, &format!("{}.own", globex.tenant.slug)),
        named(&globex.tenant, &of_own, &globex.client),
        named(&acme.tenant, &for_acme, &globex.client),
        named(&acme.tenant, &for_acme, &format!("{}.own", acme.tenant.slug)),
    ];
    refused(95, attempts, &unknown);
    assert_eq!(own.asked("/keys"), 0, "an issuer that is not trusted is not asked");
    let mine = named(&acme.tenant, &for_acme, &acme.client).is(200).field("/access_token");
    ask(&globex.tenant, &for_globex).is(200);
    let unknown = nobody.anonymous("GET", "/Users").bearer(&mine).is(401);
    refused(105, [globex.tenant.anonymous("GET", "/Users").bearer(&mine)], &unknown);
}

#[test]
fn what_a_connection_of_one_tenant_has_is_not_there_in_another() {
    let (acme, globex, _issuers) = parties();
    let nobody = fresh_slug("iso-connection-none");
    let (none, gallery) = ("/connections/nobody", "/connections/gallery");
    let id = "01890000-0000-7000-8000-000000000000";
    let asks = |method: &str, path: &str| globex.tenant.admin(method, path).json(&json!({}));
    for (number, (method, foreign, unknown)) in (106..).zip([
        ("GET", "/connections/own/secrets".to_owned(), format!("{none}/secrets")),
        ("POST", "/connections/own/secrets".to_owned(), format!("{none}/secrets")),
        ("GET", "/connections/own/trusts".to_owned(), format!("{none}/trusts")),
        ("POST", "/connections/own/trusts".to_owned(), format!("{none}/trusts")),
        (
            "DELETE",
            format!("{gallery}/secrets/{}", acme.secret_id),
            format!("{gallery}/secrets/{id}"),
        ),
        ("DELETE", format!("{gallery}/trusts/{}", acme.trust_id), format!("{gallery}/trusts/{id}")),
    ]) {
        refused(number, [asks(method, &foreign)], &asks(method, &unknown).is(404));
    }
    for (number, path) in
        (112..).zip(["secrets", "trusts"].map(|what| format!("/connections/gallery/{what}")))
    {
        let asks = |slug: &str, method: &str| {
            let ask = Ask::new(method, &format!("/v1/tenants/{slug}{path}"));
            ask.bearer(&acme.tenant.key).json(&json!({}))
        };
        for method in ["GET", "POST"] {
            let unknown = asks(&nobody, method).is(401);
            refused(number, [asks(&globex.tenant.slug, method)], &unknown);
        }
    }
    acme.by_secret().is(200);
    globex.by_secret().is(200);
}
