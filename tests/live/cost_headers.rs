//! What a request cost is told with every answer, refusals included.

use muster::limits;
use serde_json::json;

use crate::ask::{Ask, Cost};
use crate::deployment::deployment;
use crate::tenant::Tenant;

#[test]
fn every_answer_says_what_it_cost() {
    let acme = Tenant::new("costs");
    let path = format!("/Users/{}", acme.user("ada"));
    let slug = &acme.slug;
    let name = json!({ "userName": "ada" });
    let etag = acme.scim("GET", &path).is(200).header("etag").to_owned();
    for (status, ask) in [
        (200, acme.scim("GET", "/Users")),
        (200, acme.scim("GET", "/Schemas")),
        (201, acme.scim("POST", "/Users").json(&json!({ "userName": "bob" }))),
        (304, acme.scim("GET", &path).header("if-none-match", etag)),
        (400, acme.scim("GET", "/Users?filter=x")),
        (401, acme.anonymous("GET", "/Users")),
        (403, acme.scim("GET", "/Schemas?filter=x")),
        (404, acme.scim("GET", "/Nothing")),
        (405, acme.scim("DELETE", "/Users")),
        (409, acme.scim("POST", "/Users").json(&name)),
        (412, acme.scim("PUT", &path).header("if-match", "W/\"0\"").json(&name)),
        (415, acme.scim("POST", "/Users").header("content-type", "text/plain").body("x")),
        (501, acme.scim("GET", "/Me")),
        (204, acme.scim("DELETE", &path)),
        (200, acme.admin("GET", "")),
        (200, Ask::admin("GET", "/v1/tenants")),
        (200, acme.admin("GET", "/keys")),
        (200, acme.admin("GET", "/events")),
        (400, Ask::admin("POST", "/v1/tenants").json(&json!([]))),
        (401, Ask::new("GET", "/v1/tenants")),
        (403, Ask::new("GET", "/v1/tenants").bearer(&acme.key)),
        (404, Ask::admin("GET", "/v1/nothing")),
        (404, acme.admin("GET", "/keys/x")),
        (405, Ask::admin("PUT", "/v1/tenants")),
        (409, Ask::admin("POST", "/v1/tenants").json(&json!({ "id": slug }))),
        (422, acme.admin("DELETE", "")),
        (204, acme.admin("DELETE", &format!("?confirm={slug}"))),
    ] {
        ask.is(status).cost();
    }
}

#[test]
fn what_the_edge_refuses_costs_no_row() {
    let acme = Tenant::new("refused");
    acme.user("ada");
    let reader = acme.mint(&["events:read"]);
    let long = "x".repeat(limits::URL_BYTES);
    for (status, ask) in [
        (401, acme.anonymous("GET", "/Users")),
        (401, acme.anonymous("GET", "/Users").bearer("guess")),
        (403, acme.anonymous("GET", "/Users").bearer(&reader)),
        (403, acme.anonymous("GET", "/Users").bearer(&deployment().admin_token)),
        (404, acme.scim("GET", "/Nothing")),
        (405, acme.scim("PUT", "/Users")),
        (414, acme.scim("GET", &format!("/Users?filter={long}"))),
    ] {
        assert_eq!(ask.is(status).cost(), Cost::default());
    }
}

#[test]
fn reading_writes_no_row() {
    let acme = Tenant::new("reading");
    let ada = acme.user("ada");
    let group = acme.group("Builders", &[&ada]);
    for path in [
        "/Users".to_owned(),
        format!("/Users/{ada}"),
        "/Users?filter=title%20pr".to_owned(),
        "/Groups".to_owned(),
        format!("/Groups/{group}"),
        "/Schemas".to_owned(),
    ] {
        assert_eq!(acme.scim("GET", &path).is(200).cost().written, 0, "{path}");
    }
    let search = acme.scim("POST", "/.search").json(&json!({ "filter": "title pr" }));
    assert_eq!(search.is(200).cost().written, 0);
    assert_eq!(acme.admin("GET", "/events").is(200).cost().written, 0);
}
