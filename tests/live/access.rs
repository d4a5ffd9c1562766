//! Access over HTTP, and what it costs.

use serde_json::{Value, json};

use crate::scenario::Reply;
use crate::tenant::Tenant;

/// Mappings of the tenant whose costs are counted, one of which matches.
const MAPPINGS: usize = 50;

fn policies(acme: &Tenant, document: &Value) -> Reply {
    acme.admin("PUT", "/policies").json(document).is(200)
}

fn access(acme: &Tenant, key: &str, user: &str) -> Reply {
    acme.ask_by(key, "GET", &format!("/users/{user}/access")).is(200)
}

#[test]
fn the_request_after_a_change_sees_it() {
    let acme = Tenant::new("access");
    let key = acme.mint(&["access:read"]);
    policies(
        &acme,
        &json!({
            "mappings": [{ "id": "m1", "condition": "groups.display eq \"Builders\"", "grants": [{ "role": "builder" }] }],
            "guards": [{ "role": "builder", "min": 1 }],
        }),
    );
    let ada = acme.user("ada");
    let group = acme.group("Builders", &[]);
    assert_eq!(access(&acme, &key, &ada).json()["status"], "none");
    let members = |op: &str| json!({ "op": op, "path": "members", "value": [{ "value": ada }] });
    acme.patch(&format!("/Groups/{group}"), &members("add")).is(200);
    let granted = access(&acme, &key, &ada);
    assert_eq!(granted.field("/grants/0/source"), "mapping:m1");
    acme.patch(&format!("/Groups/{group}"), &members("remove")).is(400).is_scim_error("mutability");
    acme.scim("DELETE", &format!("/Users/{ada}")).is(409);
    assert_eq!(access(&acme, &key, &ada).json(), granted.json(), "the guard has undone it");
    let without =
        acme.admin("PUT", "/policies?dryRun=true").json(&json!({ "mappings": [] })).is(200);
    let counts = &without.json()["access"];
    assert_eq!((&counts["users"], &counts["revoked"]), (&json!(1), &json!(1)));
    let words = without.field("/access/refused");
    let refused = acme.admin("PUT", "/policies").json(&json!({ "mappings": [] })).is(409);
    assert_eq!(refused.field("/detail"), words, "as the preview has said");
    assert_eq!(access(&acme, &key, &ada).json(), granted.json(), "which has left nothing");
    policies(&acme, &json!({ "guards": [] }));
    acme.patch(&format!("/Groups/{group}"), &members("remove")).is(200);
    assert_eq!(access(&acme, &key, &ada).json()["grants"], json!([]));
    acme.admin("GET", "/mappings/m1/diagnostics").is(200);
    let tried = acme.admin("POST", "/recompute?dryRun=true").is(200).json();
    assert_eq!(tried, json!({ "dryRun": true, "differences": [] }));
}

#[test]
fn mappings_cost_what_a_user_has_and_not_what_a_tenant_has() {
    let acme = Tenant::new("mapped");
    let mapping = |number: usize| {
        let condition = format!("groups.display eq \"Team {number}\"");
        json!({ "id": format!("m{number}"), "condition": condition, "grants": [{ "role": format!("r{number}") }] })
    };
    let mappings: Vec<Value> = (0..MAPPINGS).map(mapping).collect();
    let body = |n: usize| json!({ "userName": format!("user{n}"), "active": true });
    let users = acme.users(&(0..1_000).map(body).collect::<Vec<_>>());
    let ids: Vec<&str> = users.iter().map(String::as_str).collect();
    let [one, two] =
        [1, 2].map(|number| acme.group(&format!("Team {number}"), &ids[..number * 400]));
    let add = |user: &str| json!({ "op": "add", "path": "members", "value": [{ "value": user }] });
    let bare = acme.patch(&format!("/Groups/{two}"), &add(ids[900])).is(204).cost();
    policies(&acme, &json!({ "mappings": mappings }));
    // Two memberships, a grant that is there and one more.
    acme.patch(&format!("/Groups/{one}"), &add(ids[950])).is(204);
    let mapped = acme.patch(&format!("/Groups/{two}"), &add(ids[950])).is(204).cost();
    let (memberships, grants) = (2, 2);
    // The user's own row, and the list of those whose memberships do not count.
    let own = 2;
    assert!(
        mapped.read <= bare.read + own + 2 * memberships + grants,
        "{mapped:?} with mappings, {bare:?} without"
    );
    assert!(mapped.written <= bare.written + 1 + 1, "{mapped:?} with mappings, {bare:?} without");
}
