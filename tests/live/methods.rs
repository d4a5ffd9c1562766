//! Methods: which endpoint takes which, and what the others are told.

use crate::ask::Ask;
use crate::tenant::Tenant;

const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PURGE"];

#[test]
fn a_method_that_an_endpoint_does_not_take_is_405_with_those_that_it_takes() {
    let acme = Tenant::new("methods");
    let id = acme.user("ada");
    for (path, allowed) in [
        ("/Users", "GET, POST"),
        ("/Groups", "GET, POST"),
        (&format!("/Users/{id}"), "GET, PUT, PATCH, DELETE"),
        ("/Groups/x", "GET, PUT, PATCH, DELETE"),
        ("/Users/.search", "POST"),
        ("/.search", "POST"),
        ("/Bulk", "POST"),
        ("/Me", "GET, POST, PUT, PATCH, DELETE"),
        ("/ServiceProviderConfig", "GET"),
        ("/ResourceTypes", "GET"),
        ("/ResourceTypes/User", "GET"),
        ("/Schemas", "GET"),
        ("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "GET"),
    ] {
        for method in METHODS.into_iter().filter(|method| !allowed.contains(method)) {
            let reply = acme.scim(method, path).is(405);
            assert_eq!(reply.header("allow"), allowed, "{method} {path}");
            match method {
                "HEAD" => assert_eq!(reply.text(), ""),
                _ => drop(reply.is_scim_error("")),
            }
        }
    }
    acme.scim("GET", &format!("/Users/{id}")).is(200);
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
