//! Methods: which endpoint takes which, and what the others are told.

use crate::ask::Ask;
use crate::tenant::Tenant;

const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PURGE"];

#[test]
fn a_method_that_an_endpoint_does_not_take_is_405_with_those_that_it_takes() {
    let acme = Tenant::new("methods");
    let id = acme.user("ada");
    for (path, allowed) in [
        ("/Users", "GET, HEAD, POST"),
        ("/Groups", "GET, HEAD, POST"),
        (&format!("/Users/{id}"), "GET, HEAD, PUT, PATCH, DELETE"),
        ("/Groups/x", "GET, HEAD, PUT, PATCH, DELETE"),
        ("/Users/.search", "POST"),
        ("/.search", "POST"),
        ("/Bulk", "POST"),
        ("/Me", "GET, HEAD, POST, PUT, PATCH, DELETE"),
        ("/ServiceProviderConfig", "GET, HEAD"),
        ("/ResourceTypes", "GET, HEAD"),
        ("/ResourceTypes/User", "GET, HEAD"),
        ("/Schemas", "GET, HEAD"),
        ("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "GET, HEAD"),
    ] {
        for method in METHODS.into_iter().filter(|method| !allowed.contains(method)) {
            let reply = acme.scim(method, path).is(405);
            assert_eq!(reply.header("allow"), allowed, "{method} {path}");
            if method != "HEAD" {
                reply.is_scim_error("");
            }
        }
    }
    acme.scim("GET", &format!("/Users/{id}")).is(200);
}

/// RFC 9110 §9.3.2.
#[test]
fn what_is_read_has_a_head() {
    let acme = Tenant::new("head");
    let user = format!("/Users/{}", acme.user("ada"));
    let events = format!("/v1/tenants/{}/events", acme.slug);
    let told = ["content-type", "etag", "cache-control", "allow"];
    for (path, status) in
        [(&*user, 200), ("/Users", 200), ("/Schemas", 200), ("/Users/x", 404), ("/Bulk", 405)]
    {
        let (get, head) = (acme.scim("GET", path), acme.scim("HEAD", path));
        let (get, head) = (get.is(status), head.is(status));
        assert_eq!((get.text().is_empty(), &*head.text()), (false, ""), "{path}");
        for name in told {
            assert_eq!(head.header(name), get.header(name), "{path}, {name}");
        }
    }
    let etag = acme.scim("HEAD", &user).is(200).header("etag").to_owned();
    acme.scim("HEAD", &user).header("if-none-match", etag).is(304);
    acme.anonymous("HEAD", "/Users").is(401);
    let (get, head) = (Ask::admin("GET", &events).is(200), Ask::admin("HEAD", &events).is(200));
    assert_eq!(head.header("content-type"), get.header("content-type"));
    assert_eq!(head.text(), "");
}

#[test]
fn a_method_is_refused_only_to_who_may_know_the_path() {
    let acme = Tenant::new("unknown-method");
    for method in METHODS {
        acme.anonymous(method, "/Schemas").is(401);
        acme.scim(method, "/Nothing").is(404);
    }
}

#[test]
fn health_is_only_read() {
    Ask::new("GET", "/healthz").is(200);
    Ask::new("HEAD", "/healthz").is(200);
    for method in METHODS.into_iter().filter(|method| !["GET", "HEAD"].contains(method)) {
        assert_eq!(Ask::new(method, "/healthz").is(405).header("allow"), "GET, HEAD");
    }
}
