//! The description of the API, which the edge answers by itself.

use serde_json::json;

use crate::ask::Ask;
use crate::tenant::Tenant;

const PATH: &str = "/v1/openapi.json";

#[test]
fn any_key_and_the_administrator_read_the_description() {
    let key = Tenant::new("openapi").mint(&["jit"]);
    let reply = Ask::new("GET", PATH).bearer(&key).is(200);
    assert_eq!(reply.header("content-type"), "application/json");
    let document = reply.json();
    assert_eq!(document["openapi"], json!("3.1.0"));
    assert!(document["paths"]["/t/{tenant}/scim/v2/Users/{id}"]["patch"].is_object());
    assert_eq!(Ask::admin("GET", PATH).is(200).json(), document);
}

#[test]
fn the_description_is_for_those_who_have_a_key_and_only_read() {
    let key = Tenant::new("no-openapi").key;
    Ask::new("GET", PATH).is(401);
    Ask::new("GET", PATH).bearer("guess").is(401);
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        assert_eq!(Ask::new(method, PATH).bearer(&key).is(405).header("allow"), "GET, HEAD");
    }
}
