//! What awaits approval, over HTTP: the connection is answered as always, and somebody decides.

use serde_json::{Value, json};

use crate::tenant::Tenant;

#[test]
fn ol_19_what_a_connection_does_awaits_approval() {
    let acme = Tenant::connected("review", "generic");
    let policy = json!({
        "mappings": [{ "id": "m", "grants": [{ "role": "user" }] }],
        "review": { "create": "manual", "delete": "manual" },
    });
    acme.admin("PUT", "/policies").json(&policy).is(200);
    acme.admin("POST", "/connections/generic/activate").is(200);
    let ada = acme.user("ada");
    let status = || acme.admin("GET", &format!("/users/{ada}/access")).is(200).field("/status");
    let only = || {
        let listed = acme.admin("GET", &format!("/users/{ada}/changes")).is(200).json();
        assert_eq!(acme.admin("GET", "/changes?status=pending").is(200).json(), listed);
        listed["items"][0]["id"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(status(), "pending");
    let approve = format!("/changes/{}/approve", only());
    acme.admin("POST", &approve).json(&json!({ "reason": "hired" })).is(200);
    acme.admin("POST", &approve).is(409).is_problem("conflict");
    assert_eq!(status(), "granted");

    let path = format!("/Users/{ada}");
    acme.scim("DELETE", &path).is(204);
    acme.scim("GET", &path).is(404);
    for list in ["/Users", "/Users?cursor=", "/Users?filter=userName%20eq%20%22ada%22"] {
        assert_eq!(acme.scim("GET", list).is(200).json()["totalResults"], 0, "{list}");
    }
    assert_eq!(status(), "granted");
    acme.admin("POST", &format!("/changes/{}/reject", only())).is(200);
    acme.scim("GET", &path).is(200);
    let tried = acme.admin("POST", "/recompute?dryRun=true").is(200).json();
    assert_eq!(tried["differences"], Value::Array(Vec::new()));
}
