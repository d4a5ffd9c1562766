//! Groups that are roles to the application, and who sees them.

use muster::scim::urn;
use serde_json::{Value, json};

use crate::steps::{check_problem, ids, patch_op, texts};
use crate::support::Acme;

const KIND: &str = "urn:muster:scim:1.0:Group:kind";

fn of_kind(name: &str, kind: &str) -> Value {
    json!({ "displayName": name, urn::GROUP_KIND: { "kind": kind } })
}

/// A tenant with a group of each sort, and the key of a connection.
fn given() -> (Acme, String) {
    let mut acme = Acme::new();
    acme.group("plain", &[]);
    for (name, kind) in
        [("crew", "directory"), ("writer", "role"), ("reader", "role"), ("crm", "app")]
    {
        acme.post("/Groups", &of_kind(name, kind));
    }
    let key = acme.connect("okta");
    (acme, key)
}

fn see(acme: &mut Acme, kinds: Value) {
    let reply = acme.admin("PATCH", "/connections/okta", &json!({ "visibleGroups": kinds }));
    assert_eq!(reply.status, 200, "{}", reply.json());
}

#[test]
fn bd_13_a_group_may_be_a_role() {
    let mut acme = Acme::new();
    let ada = acme.user("ada");
    let mut body = of_kind("writer", "role");
    body["members"] = json!([{ "value": ada }]);
    let role = acme.made("/Groups", &body);
    let shown = acme.get(&format!("/Groups/{role}"));
    assert_eq!(shown["members"][0]["value"], ada);
    assert_eq!(
        (&shown[urn::GROUP_KIND]["kind"], &shown["schemas"]),
        (&json!("role"), &json!([urn::GROUP, urn::GROUP_KIND]))
    );
    acme.group("plain", &[]);
    assert_eq!(acme.found("/Groups", &format!("{KIND} eq \"role\"")), [role]);
    let unknown = of_kind("x", "Role");
    let told = "`urn:muster:scim:1.0:Group:kind` is none of directory, provider, role, app";
    acme.refused("POST", "/Groups", &unknown, (400, "invalidValue", told));
}

#[test]
fn bd_14_a_connection_may_see_roles_alone() {
    let (mut acme, key) = given();
    let all = texts(&acme.get("/Groups"), "displayName");
    assert_eq!(all, ["plain", "crew", "writer", "reader", "crm"]);
    let listed = ids(&acme.get("/Groups"));
    let other = listed[0].clone();
    acme.key = key;
    assert_eq!(texts(&acme.get("/Groups"), "displayName"), all);
    see(&mut acme, json!(["role"]));
    acme.sleep();
    let roles = acme.get("/Groups");
    assert_eq!(
        (texts(&roles, "displayName"), &roles["totalResults"]),
        (vec!["writer".to_owned(), "reader".to_owned()], &json!(2))
    );
    let sorted = acme.list("/Groups", &[("sortBy", "displayName"), ("count", "1")]);
    assert_eq!(
        (texts(&sorted, "displayName"), &sorted["totalResults"]),
        (vec!["reader".to_owned()], &json!(2))
    );
    assert_eq!(acme.found("/Groups", "displayName eq \"plain\"").len(), 0);
    assert_eq!(acme.found("/Groups", "displayName co \"r\"").len(), 2);
    let searched =
        acme.scim("POST", "/.search", &json!({ "schemas": [urn::SEARCH_REQUEST] })).json();
    assert_eq!(searched["totalResults"], 2);

    let path = format!("/Groups/{other}");
    assert_eq!(acme.scim("GET", &path, &Value::Null).status, 404);
    let rename = patch_op(&json!([{ "op": "replace", "path": "displayName", "value": "b" }]));
    for (method, body) in
        [("PATCH", &rename), ("PUT", &json!({ "displayName": "b" })), ("DELETE", &Value::Null)]
    {
        assert_eq!(acme.scim(method, &path, body).status, 404, "{method}");
    }
    assert_eq!(acme.get(&format!("/Groups/{}", listed[2]))["displayName"], "writer");
    see(&mut acme, json!(["app", "directory"]));
    assert_eq!(texts(&acme.get("/Groups"), "displayName"), ["plain", "crew", "crm"]);
    assert_eq!(acme.get(&path)["displayName"], "plain");
    see(&mut acme, Value::Null);
    assert_eq!(texts(&acme.get("/Groups"), "displayName"), all);
}

#[test]
fn a_connection_reads_the_kind_and_does_not_write_it() {
    let (mut acme, key) = given();
    acme.key = key;
    let kind = |acme: &mut Acme| {
        acme.get(&format!("/Schemas/{}", urn::GROUP_KIND))["attributes"][0]["mutability"].clone()
    };
    assert_eq!(kind(&mut acme), "readOnly");
    let made = acme.post("/Groups", &of_kind("mine", "role"));
    assert_eq!((made.get(urn::GROUP_KIND), &made["schemas"]), (None, &json!([urn::GROUP])));
    let path = format!("/Groups/{}", made["id"].as_str().unwrap());
    let set = json!([{ "op": "add", "path": KIND, "value": "role" }]);
    let told = "`urn:muster:scim:1.0:Group:kind` is readOnly for this connection";
    acme.refused("PATCH", &path, &patch_op(&set), (400, "mutability", told));
    let admin = acme.mint(&["scim"]);
    acme.with_key(&admin, |acme| {
        assert_eq!(kind(acme), "readWrite");
        acme.patch(&path, &set);
    });
    let put = acme.put(&path, &json!({ "displayName": "ours" }));
    assert_eq!(
        (&put["displayName"], &put[urn::GROUP_KIND]["kind"]),
        (&json!("ours"), &json!("role"))
    );
    assert_eq!(acme.found("/Groups", &format!("{KIND} eq \"role\"")).len(), 3);
}

#[test]
fn kinds_that_are_none_are_refused() {
    let (mut acme, _) = given();
    for kinds in [json!([]), json!("role"), json!(["role", "Role"]), json!([7])] {
        let reply = acme.admin("PATCH", "/connections/okta", &json!({ "visibleGroups": kinds }));
        let told = "`visibleGroups` is no list of directory, provider, role and app";
        check_problem(&reply, (400, "malformed", told), &kinds.to_string());
    }
}
