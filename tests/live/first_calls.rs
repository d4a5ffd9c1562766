//! The first call of an identity provider, over HTTP, to a tenant whose object has never woken.

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::deployment::fresh_slug;
use crate::tenant::Tenant;

const PROBE: &str = "/Users?filter=userName%20eq%20%227c6d2a4e-0000-4000-8000-5f1e2d3c4b5a%22";

#[test]
fn bz_04_the_test_of_a_connection_is_answered_on_both_paths() {
    let acme = Tenant::connected("first-call", "entra");
    for path in [format!("{}{PROBE}", acme.path()), format!("/scim/v2/{}{PROBE}", acme.slug)] {
        let reply = Ask::new("GET", &path).bearer(&acme.key).is(200);
        assert_eq!(reply.json()["totalResults"], 0);
        assert_eq!(reply.json()["Resources"], json!([]));
        assert_eq!(reply.cost().written, 0);
    }
}

#[test]
fn bd_26_a_tenant_has_its_jurisdiction_for_ever() {
    let slug = fresh_slug("jurisdiction");
    let body = json!({ "id": slug, "jurisdiction": "eu", "location": "weur" });
    Ask::admin("POST", "/v1/tenants").json(&body).is(201);
    let path = format!("/v1/tenants/{slug}");
    for other in [json!("us"), Value::Null] {
        let edit = json!({ "jurisdiction": other });
        Ask::admin("PATCH", &path).json(&edit).is(422).is_problem("contradictory");
    }
    Ask::admin("PATCH", &path).json(&json!({ "jurisdiction": "eu" })).is(200);
    let acme = Tenant::of(slug);
    let ada = acme.user("ada");
    // The runtime on this machine has none; the tenant is served all the same.
    assert_eq!(acme.scim("GET", &format!("/Users/{ada}")).is(200).id(), ada);
    assert_eq!(acme.admin("GET", "").is(200).field("/jurisdiction"), "eu");
    acme.admin("DELETE", &format!("?confirm={}", acme.slug)).is(204);
}
