//! Types behind a feature of the tenant: roles and entitlements (draft-ietf-scim-roles-entitlements),
//! agents and agentic applications (draft-abbey-scim-agent-extension).

use muster::scim::urn;
use serde_json::{Value, json};

use crate::support::Acme;

/// Each type's endpoint, name, feature, and a resource of it.
fn types() -> [(&'static str, &'static str, &'static str, Value); 4] {
    [
        (
            "/Roles",
            "Role",
            "roles",
            json!({ "value": "lead", "display": "Team Lead", "supported": true, "contains": ["member"] }),
        ),
        (
            "/Entitlements",
            "Entitlement",
            "roles",
            json!({ "value": "e-1", "display": "Printing", "totalAssignmentsPermitted": 5 }),
        ),
        (
            "/Agents",
            "Agent",
            "agents",
            json!({
                "name": "scribe", "displayName": "The Scribe", "active": true, "subject": "s-1",
                "protocols": [{ "type": "MCP-Server" }, { "type": "A2A" }],
                "owners": [{ "value": "x" }],
            }),
        ),
        (
            "/AgenticApplications",
            "AgenticApplication",
            "agents",
            json!({
                "name": "desk", "active": true,
                "applicationUrls": [{ "value": "https://desk.example", "type": "sign-on" }],
                "oAuthConfiguration": [{ "clientId": "c", "redirectUri": ["https://a", "https://b"] }],
            }),
        ),
    ]
}

/// A tenant with features.
fn with(features: &Value) -> Acme {
    let mut acme = Acme::new();
    acme.policy(&json!({ "features": features }));
    acme
}

fn all() -> Acme {
    with(&json!({ "roles": true, "agents": true }))
}

fn type_names(acme: &mut Acme) -> Vec<String> {
    crate::steps::texts(&acme.get("/ResourceTypes"), "name")
}

#[test]
fn a_tenant_without_the_feature_knows_nothing_of_them() {
    let mut acme = Acme::new();
    assert_eq!(type_names(&mut acme), ["User", "Group"]);
    for (endpoint, name, _, body) in types() {
        let gone = (404, "", "there is no such resource");
        for (method, path) in [
            ("GET", endpoint.to_owned()),
            ("POST", endpoint.to_owned()),
            ("GET", format!("{endpoint}/x")),
            ("POST", format!("{endpoint}/.search")),
        ] {
            acme.refused(method, &path, if method == "GET" { &Value::Null } else { &body }, gone);
        }
        acme.refused("GET", &format!("/ResourceTypes/{name}"), &Value::Null, gone);
        let schema = format!("/Schemas/urn:ietf:params:scim:schemas:core:2.0:{name}");
        acme.refused("GET", &schema, &Value::Null, gone);
    }
    let config = acme.get("/ServiceProviderConfig");
    assert_eq!((config.get("RolesAndEntitlements"), config.get("agentExtension")), (None, None));
}

#[test]
fn a_feature_brings_its_types_and_no_others() {
    let mut roles = with(&json!({ "roles": true }));
    assert_eq!(type_names(&mut roles), ["User", "Group", "Role", "Entitlement"]);
    let config = roles.get("/ServiceProviderConfig");
    assert_eq!(config["RolesAndEntitlements"]["roles"]["supported"], true);
    assert_eq!(
        config["RolesAndEntitlements"]["entitlements"]["multipleEntitlementsSupported"],
        true
    );
    let mut agents = with(&json!({ "agents": true }));
    assert_eq!(type_names(&mut agents), ["User", "Group", "Agent", "AgenticApplication"]);
    let config = agents.get("/ServiceProviderConfig");
    assert_eq!(config["agentExtension"]["agenticApplicationsSupported"], true);
    assert_eq!(config.get("RolesAndEntitlements"), None);
    agents.sleep();
    assert_eq!(type_names(&mut agents).len(), 4, "it is remembered");
}

#[test]
fn their_resources_live_as_users_do() {
    let mut acme = all();
    for (endpoint, name, _, body) in types() {
        let events = acme.events().len();
        let made = acme.post(endpoint, &body);
        let id = made["id"].as_str().unwrap().to_owned();
        let path = format!("{endpoint}/{id}");
        for (field, value) in body.as_object().unwrap() {
            assert_eq!(made[field], *value, "{name}.{field}");
        }
        assert_eq!(made["meta"]["resourceType"], name);
        assert!(made["meta"]["location"].as_str().unwrap().ends_with(&path));
        assert_eq!(
            made["schemas"],
            json!([format!("urn:ietf:params:scim:schemas:core:2.0:{name}")])
        );
        assert_eq!(acme.get(&path), made);
        let (key, value) = body.as_object().unwrap().iter().next().unwrap();
        let filter = format!("{key} eq {}", json!(value.as_str().unwrap().to_uppercase()));
        assert_eq!(acme.found(endpoint, &filter), [id.as_str()], "{filter}");
        let shown = if name.starts_with("Agent") { "displayName" } else { "display" };
        acme.patch(&path, &json!([{ "op": "replace", "path": shown, "value": "New" }]));
        assert_eq!(acme.get(&path)[shown], "New");
        let mut whole = body.clone();
        whole[shown] = "Newer".into();
        assert_eq!(acme.put(&path, &whole)[shown], "Newer");
        assert_eq!(acme.list(endpoint, &[])["totalResults"], 1);
        acme.delete(&path);
        assert_eq!(acme.scim("GET", &path, &Value::Null).status, 404);
        let prefix = match name {
            "AgenticApplication" => "agenticApplication".to_owned(),
            name => name.to_lowercase(),
        };
        let verbs = ["created", "updated", "updated", "deleted"];
        assert_eq!(acme.event_types(events), verbs.map(|verb| format!("{prefix}.{verb}")));
        assert_eq!(acme.events()[events]["data"]["resourceType"], name);
    }
}

#[test]
fn what_they_need_is_asked_for() {
    let mut acme = all();
    for (endpoint, _, _, body) in types() {
        let required = body.as_object().unwrap().keys().next().unwrap().clone();
        let detail = format!("`{required}` is required");
        acme.refused(
            "POST",
            endpoint,
            &json!({ "externalId": "x" }),
            (400, "invalidValue", &detail),
        );
    }
    for endpoint in ["/Agents", "/AgenticApplications"] {
        acme.post(endpoint, &json!({ "name": "One" }));
        let detail = "another resource has this `name`";
        acme.refused("POST", endpoint, &json!({ "name": "ONE" }), (409, "uniqueness", detail));
    }
}

#[test]
fn an_agent_can_be_switched_off_and_be_in_groups() {
    let mut acme = all();
    let agent = acme.post("/Agents", &json!({ "name": "scribe", "active": true }));
    let id = agent["id"].as_str().unwrap().to_owned();
    let path = format!("/Agents/{id}");
    acme.patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }]));
    acme.patch(&path, &json!([{ "op": "replace", "path": "active", "value": true }]));
    assert_eq!(acme.event_types(5), ["agent.deactivated", "agent.activated"]);
    let group = acme.group("Robots", &[&id]);
    let member = &acme.get(&format!("/Groups/{group}"))["members"][0];
    assert_eq!((&member["value"], &member["type"]), (&json!(id), &json!("Agent")));
    assert!(member["$ref"].as_str().unwrap().ends_with(&path));
    assert_eq!(acme.get(&path)["groups"][0]["value"], json!(group));
    let schema = acme.get(&format!("/Schemas/{}", urn::GROUP));
    let parts = schema["attributes"][1]["subAttributes"].as_array().unwrap().clone();
    let kinds = json!(["User", "Group", "Agent"]);
    assert_eq!((&parts[1]["referenceTypes"], &parts[3]["canonicalValues"]), (&kinds, &kinds));
}

#[test]
fn a_role_is_no_member() {
    let mut acme = all();
    let role = acme.post("/Roles", &json!({ "value": "lead" }));
    let body = json!({ "displayName": "x", "members": [{ "value": role["id"] }] });
    let detail = "`members`: value 1 is no user or group here";
    acme.refused("POST", "/Groups", &body, (400, "invalidValue", detail));
}

#[test]
fn the_server_searches_all_types() {
    let mut acme = all();
    for (endpoint, _, _, body) in types() {
        acme.post(endpoint, &body);
    }
    acme.user("ada");
    let found = acme.scim("POST", "/.search", &json!({ "filter": "meta.created pr" })).json();
    assert_eq!(found["totalResults"], 5, "{found}");
}

#[test]
fn a_feature_that_is_switched_off_hides_and_does_not_delete() {
    let mut acme = all();
    let role = acme.post("/Roles", &json!({ "value": "lead" }));
    let path = format!("/Roles/{}", role["id"].as_str().unwrap());
    for on in [false, true] {
        acme.policy(&json!({ "features": { "roles": on } }));
        assert_eq!(acme.scim("GET", &path, &Value::Null).status, if on { 200 } else { 404 });
    }
    assert_eq!(acme.get(&path), role);
}

#[test]
fn a_group_with_hidden_members_can_be_written_back() {
    let mut acme = all();
    let id = acme.made("/Agents", &json!({ "name": "scribe" }));
    let path = format!("/Groups/{}", acme.group("Robots", &[&id]));
    acme.policy(&json!({ "features": { "agents": false } }));
    let shown = acme.get(&path);
    assert_eq!(shown["members"][0]["value"], json!(id));
    assert_eq!(acme.put(&path, &shown), shown);
}

#[test]
fn scopes_of_users_open_them() {
    let mut acme = all();
    let reader = acme.mint(&["scim.users:read"]);
    let groups = acme.mint(&["scim.groups:write"]);
    for (endpoint, _, _, body) in types() {
        assert_eq!(acme.scim_with("GET", endpoint, &Value::Null, &reader, &[]).status, 200);
        assert_eq!(acme.scim_with("POST", endpoint, &body, &reader, &[]).status, 403);
        assert_eq!(acme.scim_with("GET", endpoint, &Value::Null, &groups, &[]).status, 403);
    }
}
