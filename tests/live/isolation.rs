//! Attempts to cross from one tenant to another, numbered. Both tenants have all the same names, of
//! users, groups, keys and connections. Each attempt is answered as if the other tenant were not
//! there, and by the same way: the edge reads nothing, and no object of a tenant that does not exist
//! is woken. Those of OAuth clients are in [`crate::isolation_clients`].

use serde_json::{Value, json};

use crate::ask::{Ask, Cost};
use crate::deployment::{deployment, fresh_slug};
use crate::scenario::Reply;
use crate::tenant::Tenant;
use crate::wire::exchange;

/// What a tenant of these tests has.
struct Party {
    tenant: Tenant,
    ada: String,
    group: String,
}

impl Party {
    fn new(name: &str, secret: &str) -> Self {
        let tenant = Tenant::new(name);
        let connection = json!({ "id": "okta", "displayName": "Okta" });
        tenant.admin("POST", "/connections").json(&connection).is(201);
        let user = json!({ "userName": "ada", "externalId": "e-1", "title": secret });
        let ada = tenant.scim("POST", "/Users").json(&user).is(201).id();
        let group = tenant.group("Builders", &[&ada]);
        Self { tenant, ada, group }
    }

    fn dump(&self) -> String {
        let users = self.tenant.scim("GET", "/Users").is(200).text();
        users + &self.tenant.scim("GET", "/Groups").is(200).text()
    }
}

/// What the other tenant alone has.
const SECRET: &str = "of-globex-alone";

fn parties() -> (Party, Party) {
    (Party::new("iso-a", "of-acme"), Party::new("iso-b", SECRET))
}

/// A raw request with acme's key.
fn raw(acme: &Tenant, line: &str, headers: &[&str]) -> Reply {
    let bearer = format!("authorization: Bearer {}", acme.key);
    let headers: Vec<&str> = headers.iter().copied().chain([&*bearer]).collect();
    exchange(line, &headers, b"")
}

fn refused(number: usize, reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "attempt {number}: {}", reply.text());
    assert!(!reply.text().contains(SECRET), "attempt {number}: {}", reply.text());
}

/// All that an answer tells but for its time, its name in the log, and what it cost.
pub(crate) fn told(reply: &Reply) -> (u16, String, Vec<String>) {
    let apart = ["date", "server-timing", "x-request-id"];
    let headers = reply.headers.iter().filter(|(name, _)| !apart.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| format!("{name}: {value}"));
    (reply.status, reply.text(), headers.collect())
}

#[test]
fn paths_lead_to_no_other_tenant() {
    let (acme, globex) = parties();
    let (a, b, id) = (&*acme.tenant.slug, &*globex.tenant.slug, &*globex.ada);
    let (before, nobody) = (globex.dump(), fresh_slug("iso-nobody"));
    let foreign = raw(&acme.tenant, &format!("GET /t/{nobody}/scim/v2/Users"), &[]);
    for (number, (path, status)) in (1..).zip([
        (format!("/t/{b}/scim/v2/Users"), 401),
        (format!("/t/{b}/scim/v2/Users/{id}"), 401),
        (format!("/scim/v2/{b}/Users"), 401),
        (format!("/t/{a}/../{b}/scim/v2/Users"), 404),
        (format!("/t/{a}/%2e%2e/{b}/scim/v2/Users"), 404),
        (format!("/t/{a}/%252e%252e/{b}/scim/v2/Users"), 404),
        (format!("/t/{a}%2F..%2F{b}/scim/v2/Users"), 404),
        (format!("/t/{a}%252F..%252F{b}/scim/v2/Users"), 404),
        (format!("/t/{a}/scim/v2/Users/..%2F..%2F..%2F..%2F{b}%2Fscim%2Fv2%2FUsers"), 404),
        (format!("/t/{a}/scim/v2/Users/%2e%2e%2f%2e%2e%2f{b}"), 404),
        (format!("/t/{a}/scim/v2/Users/%252e%252e%252f{b}"), 404),
        (format!("/t/{a}\\..\\{b}/scim/v2/Users"), 404),
        (format!("/t/{a}/./scim/v2/../../{b}/scim/v2/Users"), 404),
        (format!("/t//{b}/scim/v2/Users"), 404),
        (format!("//t/{b}/scim/v2/Users"), 404),
        (format!("/t/{b};x=1/scim/v2/Users"), 404),
        (format!("/t/{b}%00/scim/v2/Users"), 404),
        (format!("/t/{b}./scim/v2/Users"), 404),
        (format!("/t/{b}%2E/scim/v2/Users"), 404),
        (format!("/t/{}/scim/v2/Users", b.to_uppercase()), 404),
        (format!("/t/{}/scim/v2/Users", b.replacen('i', "%69", 1)), 404),
        (format!("/t/{}/scim/v2/Users", b.replacen('i', "%C4%B1", 1)), 404),
        (format!("/t/{}/scim/v2/Users", b.replacen('i', "%EF%BD%89", 1)), 404),
        (format!("/t/{a},{b}/scim/v2/Users"), 404),
        (format!("/scim/v2/{a}/../{b}/Users"), 404),
        (format!("/scim/v2/{a}/{b}/Users"), 404),
        (format!("/scim/v2/{a}%2F..%2F{b}/Users"), 404),
        (format!("/v1/tenants/{b}/events"), 401),
        (format!("/v1/tenants/{b}/connections/okta"), 401),
        (format!("/v1/tenants/{a}/../{b}/events"), 404),
        (format!("/v1/tenants/{a}%2F..%2F{b}/events"), 404),
        (format!("/v1/tenants/{a}/keys/..%2F..%2F{b}%2Fkeys"), 404),
        (format!("/v1/tenants/{b}"), 401),
        ("/v1/tenants".to_owned(), 403),
    ]) {
        let reply = raw(&acme.tenant, &format!("GET {path}"), &[]);
        // Who is on the way may resolve dots; the path then names the other tenant openly.
        let dots = ["/../", "/%2e%2e/", "\\..\\"].iter().any(|dots| path.contains(dots));
        refused(number, &reply, if dots && reply.status == 401 { 401 } else { status });
        if path.starts_with(&format!("/t/{b}/scim")) {
            assert_eq!(reply.text(), foreign.text(), "as a tenant that does not exist");
        }
        if reply.status != 404 || !path.contains("/Users/") && !path.contains("/keys/") {
            assert_eq!(reply.cost(), Cost::default(), "attempt {number}: the edge alone");
        }
    }
    assert_eq!(globex.dump(), before);
}

#[test]
fn headers_and_queries_lead_to_no_other_tenant() {
    let (acme, globex) = parties();
    let (own, base) = (acme.tenant.path(), globex.tenant.path());
    let host = deployment().authority();
    let forged = r#"{"key":{"id":"x","jti":"x","scopes":["scim"]}}"#;
    for (number, (header, status)) in (35..).zip([
        ("x-muster-principal: \"admin\"".to_owned(), 401),
        (format!("x-muster-principal: {forged}"), 401),
        ("x-muster-trace: {}".to_owned(), 401),
        (format!("x-forwarded-host: users-{}.example.com", acme.tenant.slug), 401),
        (format!("x-original-url: {own}/Users"), 401),
        (format!("x-rewrite-url: {own}/Users"), 401),
        (format!("forwarded: host={host};proto=https"), 401),
        ("x-http-method-override: POST".to_owned(), 401),
        (format!("x-tenant: {}", acme.tenant.slug), 401),
    ]) {
        let reply = raw(&acme.tenant, &format!("GET {base}/Users"), &[&header]);
        refused(number, &reply, status);
        assert_eq!(reply.cost(), Cost::default(), "{header}");
    }
    let spoofed = exchange(&format!("GET {base}/Users"), &["x-muster-principal: \"admin\""], b"");
    refused(44, &spoofed, 401);
    for (number, query) in (45..).zip([
        format!("tenant={}", globex.tenant.slug),
        format!("filter=id%20eq%20%22{}%22", globex.ada),
        format!("filter=title%20eq%20%22{SECRET}%22"),
    ]) {
        let reply = raw(&acme.tenant, &format!("GET {own}/Users?{query}"), &[]);
        refused(number, &reply, 200);
    }
}

#[test]
fn what_one_tenant_gave_is_of_no_use_to_another() {
    let (acme, globex) = parties();
    let (one, other) = (&acme.tenant, &globex.tenant);
    one.user("bob");
    other.user("bob");
    let before = globex.dump();
    let foreign = format!("/Users/{}", globex.ada);
    let unknown = one.scim("GET", "/Users/01890000-0000-7000-8000-000000000000").is(404).text();
    let etag = other.scim("GET", &foreign).is(200).header("etag").to_owned();
    let cursor = other.scim("GET", "/Users?cursor=&count=1").is(200).field("/nextCursor");
    let keys = other.admin("GET", "/keys").is(200);
    let key = keys.field("/items/0/id");
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "title", "value": "taken" }],
    });
    let bulk = |path: &str, data: Value| {
        let operation = json!({ "method": "POST", "path": path, "bulkId": "b", "data": data });
        one.scim("POST", "/Bulk").json(&json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [operation],
        }))
    };
    let member = json!({ "displayName": "Stolen", "members": [{ "value": globex.ada }] });
    let of_group = json!({ "op": "add", "path": "members", "value": [{ "value": globex.ada }] });
    let group = format!("/Groups/{}", acme.group);
    let manager = json!({
        "userName": "eve",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": globex.ada } },
    });
    for (number, (ask, status)) in (48..).zip([
        (one.scim("GET", &foreign), 404),
        (one.scim("GET", &foreign).header("if-none-match", etag.as_str()), 404),
        (one.scim("PUT", &foreign).header("if-match", etag.as_str()).json(&manager), 404),
        (one.scim("PATCH", &foreign).header("if-match", etag.as_str()).json(&patch), 404),
        (one.scim("DELETE", &foreign).header("if-match", etag.as_str()), 404),
        (one.scim("GET", &format!("/Groups/{}", globex.group)), 404),
        (one.scim("GET", &format!("/Users?cursor={cursor}&count=1")), 400),
        (one.scim("POST", "/Groups").json(&member), 400),
        (one.patch(&group, &of_group), 400),
        (bulk("/Groups", member.clone()), 200),
        (bulk("/Users/bulkId:of-globex", json!({})), 200),
        (bulk(&format!("{}/Users", other.path()), json!({ "userName": "eve" })), 200),
        (one.scim("POST", "/Users").json(&manager), 201),
        (one.scim("GET", "/Schemas/urn:globex:staff"), 404),
        (one.admin("GET", &format!("/keys/{key}")), 404),
        (one.admin("DELETE", &format!("/keys/{key}")), 404),
        (one.admin("GET", "/connections/globex"), 404),
        (one.admin("GET", "/events?after=999999"), 422),
        (
            one.admin("POST", "/keys")
                .json(&json!({ "name": "k", "scopes": ["scim"], "connection": other.slug })),
            422,
        ),
        (other.anonymous("GET", "/Users").bearer(&one.key), 401),
        (one.anonymous("GET", "/Users").bearer(&other.key), 401),
    ]) {
        let reply = ask.send();
        refused(number, &reply, status);
        if (48..53).contains(&number) {
            let text = reply.text().replace(&globex.ada, "");
            let unknown = unknown.replace("01890000-0000-7000-8000-000000000000", "");
            assert_eq!(text, unknown, "attempt {number}: as what does not exist");
        }
        if number == 60 {
            // RFC 7643 leaves a manager unchecked: it is kept as sent and shows nothing.
            assert!(!reply.text().contains("\"displayName\""), "{}", reply.text());
        }
    }
    assert_eq!(globex.dump(), before, "nothing has come of any of it");
    let events = one.admin("GET", "/events?limit=1000").is(200).text();
    assert!(!events.contains(SECRET) && !events.contains("\"taken\""), "{events}");
}

#[test]
fn a_foreign_tenant_and_one_that_does_not_exist_are_told_apart_by_nothing() {
    let (acme, globex) = parties();
    let nobody = fresh_slug("iso-unknown");
    for path in ["/Users", "/Users/x", "/Nothing", "/Bulk", "/Schemas"] {
        for method in ["GET", "POST", "DELETE"] {
            let ask = |slug: &str| {
                Ask::new(method, &format!("/t/{slug}/scim/v2{path}"))
                    .bearer(&acme.tenant.key)
                    .send()
            };
            let (foreign, unknown) = (ask(&globex.tenant.slug), ask(&nobody));
            assert_eq!(told(&foreign), told(&unknown), "{method} {path}");
            assert_eq!(foreign.cost(), Cost::default());
        }
    }
    assert!(!crate::records::has_database(&nobody), "no object has woken");
}
