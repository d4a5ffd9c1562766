//! Paths: read once, from their raw text; what does not parse is 404 and is never made to fit.

use serde_json::json;

use crate::tenant::Tenant;
use crate::wire::exchange;

/// The status that a raw path has with a tenant's key.
fn status(acme: &Tenant, path: &str) -> u16 {
    let bearer = format!("authorization: Bearer {}", acme.key);
    exchange(&format!("GET {path}"), &[&bearer], b"").status
}

#[test]
fn unknown_paths_are_404() {
    let acme = Tenant::new("paths");
    let (slug, base) = (&acme.slug, acme.path());
    for path in [
        "/".to_owned(),
        "/t".to_owned(),
        format!("/t/{slug}"),
        format!("/t/{slug}/scim"),
        format!("/t/{slug}/scim/v1/Users"),
        format!("/t/{slug}/scim/v2.0/Users"),
        format!("/T/{slug}/scim/v2/Users"),
        format!("/t/{}/scim/v2/Users", slug.to_uppercase()),
        base.clone(),
        format!("{base}/"),
        format!("{base}/Nothing"),
        format!("{base}/Users/x/y"),
        format!("{base}/Users//"),
        format!("{base}//Users"),
        format!("//t/{slug}/scim/v2/Users"),
        format!("/t//{slug}/scim/v2/Users"),
        format!("/t/{slug}%2Fscim/v2/Users"),
        format!("/t/{slug}%2fscim%2fv2/Users"),
        format!("/t/{slug}/scim%2Fv2/Users"),
        format!("{base}%2FUsers"),
        format!("/t/{slug}%00/scim/v2/Users"),
        format!("/t/{slug};x=1/scim/v2/Users"),
        format!("/t/%2e/{slug}/scim/v2/%2e%2e"),
        format!("{base}/Users%3Fcount=1"),
        format!("/scim/v2/{slug}"),
        format!("/v1/tenants/{slug}/keys/a/b"),
    ] {
        assert_eq!(status(&acme, &path), 404, "{path}");
    }
}

#[test]
fn one_trailing_slash_is_allowed_behind_a_collection_and_a_resource() {
    let acme = Tenant::new("slash");
    let id = acme.user("ada");
    for path in ["/Users/".to_owned(), format!("/Users/{id}/"), "/Schemas/".to_owned()] {
        acme.scim("GET", &path).is(200);
    }
    acme.scim("POST", "/Users/").json(&json!({ "userName": "bob" })).is(201);
}

#[test]
fn dots_never_lead_from_one_tenant_to_another() {
    let (acme, globex) = (Tenant::new("dots-a"), Tenant::new("dots-b"));
    let (a, b) = (&acme.slug, &globex.slug);
    for dots in ["..", "%2e%2e", "%2E%2e", ".%2e", "..%2f", "%2e%2e%2f", "..\\", "%5c..", "...."] {
        for path in [
            format!("/t/{a}/{dots}/{b}/scim/v2/Users"),
            format!("/t/{a}/scim/v2/{dots}/{dots}/{dots}/{b}/scim/v2/Users"),
            format!("/t/{a}/scim/v2/Users/{dots}/{dots}/{dots}/{dots}/{b}/scim/v2/Users"),
            format!("/t/{a}/scim/v2/{dots}/{dots}/{dots}/{dots}/v1/tenants/{b}/events"),
        ] {
            // A proxy on the way may resolve dots; the key then is the other tenant's or none.
            let status = status(&acme, &path);
            assert!([401, 404].contains(&status), "{path}: {status}");
        }
    }
}

#[test]
fn an_encoded_segment_is_one_segment() {
    let acme = Tenant::new("encoded");
    acme.user("ada");
    for id in ["a%2Fb", "%2e%2e%2f", "%00", "%FF", "%C3%28", "%", "%zz", "%F0%9F%98%80", "a+b"] {
        let status = status(&acme, &format!("{}/Users/{id}", acme.path()));
        assert_eq!(status, 404, "{id}");
    }
    let urn = "urn%3Aietf%3Aparams%3Ascim%3Aschemas%3Acore%3A2.0%3AUser";
    acme.scim("GET", &format!("/Schemas/{urn}")).is(200);
}
