//! What was read is written back: nothing changes by that, and no row is written.

use serde_json::{Value, json};

use crate::access::mapping;
use crate::declared::{URN, staff};
use crate::steps::patch_op;
use crate::support::Acme;

/// A tenant that has something of everything that is read and written as a whole; the paths of its
/// resources, and a key of its connection.
fn full() -> (Acme, Vec<String>, String) {
    let mut acme = Acme::new();
    acme.policy(&json!({
        "features": { "roles": true, "agents": true },
        "schemas": [staff()],
        "roles": [{ "value": "modeler", "max": 1, "overflow": "reader", "rebalance": true }],
        "mappings": [mapping("m", "userName pr", &["modeler"])],
        "attributeMaps": [{ "id": "crm", "targets": ["mail"],
            "attributes": [{ "target": "mail", "source": ["emails.value"], "warnIfMissing": true }] }],
        "constraints": [{ "path": "title", "maxLength": 99 }],
        "guards": [{ "role": "owner", "min": 1 }],
        "unmapped": { "default": "keep", "org/x": "revoke" },
        "massChangeBrake": { "percent": 20, "min": 25 },
    }));
    let key = acme.connection_key("okta", "active");
    acme.hook("crm");
    let ada = json!({ "userName": "ada", "externalId": "x", "title": "T", "active": true,
        "name": { "givenName": "Ada" }, "emails": [{ "value": "a@b", "primary": true }],
        URN: { "badge": "B", "floor": 3, "grade": "a" } });
    let ada = acme.pushed(&key, &ada);
    let bob = json!({ "userName": "bob", "emails": [{ "value": "b@b" }],
        URN: { "grade": "b" },
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": ada } } });
    let bob = acme.made("/Users", &bob);
    let members = json!([{ "value": ada, "display": "A" }, { "value": bob, "display": "B" }]);
    let crew = json!({ "displayName": "Crew", "members": members,
        "urn:muster:scim:1.0:Group": { "kind": "role" } });
    let crew = acme.made("/Groups", &crew);
    let all = acme.group("All", &[&ada, &bob, &crew]);
    let role = acme.made("/Roles", &json!({ "value": "modeler", "display": "Modeler" }));
    let other = json!({ "value": "reader", "supported": true, "totalAssignmentsPermitted": 7 });
    let other = acme.made("/Roles", &other);
    let entitlement =
        json!({ "value": "e", "totalAssignmentsPermitted": 5, "totalAssignmentsUsed": 3 });
    let entitlement = acme.made("/Entitlements", &entitlement);
    let agent = json!({ "name": "scribe", "subject": "s", "owners": [{ "value": ada }] });
    let agent = acme.made("/Agents", &agent);
    let application = acme.made("/AgenticApplications", &json!({ "name": "desk", "active": true }));
    let paths = vec![
        format!("/Users/{ada}"),
        format!("/Users/{bob}"),
        format!("/Groups/{crew}"),
        format!("/Groups/{all}"),
        format!("/Roles/{role}"),
        format!("/Roles/{other}"),
        format!("/Entitlements/{entitlement}"),
        format!("/Agents/{agent}"),
        format!("/AgenticApplications/{application}"),
    ];
    (acme, paths, key)
}

#[test]
fn what_was_read_is_put_back_and_nothing_changes() {
    let (mut acme, resources, key) = full();
    for path in ["policies", "mappings", "roles", "attribute-maps", "schemas"]
        .map(|part| format!("/{part}"))
        .into_iter()
        .chain([format!("/schemas/{URN}")])
    {
        let read = acme.admin("GET", &path, &Value::Null).json();
        let before = acme.dump();
        let reply = acme.admin("PUT", &path, &read);
        assert_eq!((reply.status, reply.json()), (200, read), "{path}");
        assert!(acme.dump() == before, "{path} wrote");
    }
    for path in &resources {
        for key in [acme.key.clone(), key.clone()] {
            let read = acme.scim_with("GET", path, &Value::Null, &key, &[]).json();
            let before = acme.dump();
            let reply = acme.scim_with("PUT", path, &read, &key, &[]);
            // A connection takes up what is nobody's by a write, and then it is its own.
            if key != acme.key && read["urn:muster:scim:1.0:User"]["origin"] == "admin" {
                continue;
            }
            assert_eq!((reply.status, reply.json()), (200, read), "{path}");
            assert!(key != acme.key || acme.dump() == before, "{path} wrote");
        }
    }
}

#[test]
fn what_was_read_is_merged_and_nothing_changes() {
    let (mut acme, _, _) = full();
    let read = acme.admin("GET", "/connections/okta", &Value::Null).json();
    let before = acme.dump();
    let reply = acme.admin("PATCH", "/connections/okta", &read);
    assert_eq!((reply.status, reply.json()), (200, read));
    assert!(acme.dump() == before, "it wrote");
    // A patch of a stream says what is to change.
    let read = acme.shown_stream("crm");
    let detail = "`id` is no field of a stream that is changed";
    acme.admin_refused("PATCH", "/streams/crm", &read, (400, "malformed", detail));
}

#[test]
fn what_a_quota_tells_of_its_role_is_not_stored() {
    let (mut acme, resources, _) = full();
    let role = &resources[4];
    let told = |acme: &mut Acme| {
        let read = acme.get(role);
        ["totalAssignmentsPermitted", "totalAssignmentsUsed"].map(|name| read[name].clone())
    };
    let mut read = acme.get(role);
    read["display"] = json!("Another");
    read["totalAssignmentsPermitted"] = json!(99);
    assert_eq!(acme.put(role, &read)["display"], "Another");
    assert_eq!(told(&mut acme), [json!(1), json!(1)]);
    for path in ["totalAssignmentsUsed", "limitedAssignmentsPermitted"] {
        let value = if path == "totalAssignmentsUsed" { json!(7) } else { json!(false) };
        let body = patch_op(&json!([{ "op": "replace", "path": path, "value": value }]));
        let detail = format!("`{path}` is readOnly: the role has a quota");
        acme.refused("PATCH", role, &body, (400, "mutability", &detail));
    }
    let lead = json!({ "value": "lead", "totalAssignmentsPermitted": 3 });
    let lead = format!("/Roles/{}", acme.made("/Roles", &lead));
    acme.policy(&json!({ "roles": [{ "value": "lead", "max": 9 }] }));
    assert_eq!(told(&mut acme), [Value::Null, Value::Null], "no quota tells anything any more");
    let read = acme.get(&lead);
    assert_eq!(read["totalAssignmentsPermitted"], 9);
    acme.put(&lead, &read);
    acme.policy(&json!({ "roles": [] }));
    assert_eq!(
        acme.get(&lead)["totalAssignmentsPermitted"],
        3,
        "what was said before there was one"
    );
}

#[test]
fn members_that_were_read_are_put_back_and_keep_their_own_names() {
    let mut acme = Acme::new();
    let user = json!({ "userName": "ada", "displayName": "Ada Maiden" });
    let ada = acme.made("/Users", &user);
    let group = format!("/Groups/{}", acme.group("All", &[&ada]));
    let entra = acme.connect("entra");
    let kept = json!([{ "op": "add", "path": "members", "value": [{ "value": "not-yet" }] }]);
    assert!(
        acme.with_key(&entra, |acme| acme.scim("PATCH", &group, &patch_op(&kept))).status < 300
    );
    let read = acme.get(&group);
    assert_eq!(read["members"].as_array().map(Vec::len), Some(2));
    let before = acme.dump();
    assert_eq!(acme.put(&group, &read), read);
    let value = &read["members"];
    let replace = json!([{ "op": "replace", "path": "members", "value": value }]);
    assert!(acme.scim("PATCH", &group, &patch_op(&replace)).status < 300);
    assert!(acme.dump() == before, "it wrote");
    let value = json!([{ "op": "replace", "path": "displayName", "value": "Ada Married" }]);
    assert!(acme.scim("PATCH", &format!("/Users/{ada}"), &patch_op(&value)).status < 300);
    assert_eq!(acme.get(&group)["members"][0]["display"], "Ada Married");
    // Another name is one that was given.
    let mut read = acme.get(&group);
    read["members"][0]["display"] = json!("The boss");
    assert_eq!(acme.put(&group, &read)["members"][0]["display"], "The boss");
    let unknown = json!([{ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }]);
    assert_eq!(acme.scim("PATCH", &group, &patch_op(&unknown)).status, 400);
}
