//! A tenant of one test.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::ask::Ask;
use crate::deployment::{deployment, fresh_slug};
use crate::scenario::{Reply, Server};

/// A fresh tenant with a key for everything that there is.
pub(crate) struct Tenant {
    pub(crate) slug: String,
    pub(crate) key: String,
}

impl Tenant {
    /// Makes a tenant; the name is for whoever reads the server's state.
    pub(crate) fn new(name: &str) -> Self {
        let slug = fresh_slug(name);
        Ask::admin("POST", "/v1/tenants").json(&json!({ "id": slug })).is(201);
        Self::of(slug)
    }

    /// The tenant that is there already, with a new key.
    pub(crate) fn of(slug: String) -> Self {
        let mut tenant = Self { slug, key: String::new() };
        tenant.key = tenant.mint(&["scim", "events:read", "keys:write", "config:write"]);
        tenant
    }

    /// A fresh tenant whose key is bound to a connection with a preset.
    pub(crate) fn connected(name: &str, preset: &str) -> Self {
        let mut tenant = Self::new(name);
        let connection = json!({ "id": preset, "displayName": preset, "preset": preset });
        tenant.admin("POST", "/connections").json(&connection).is(201);
        let body = json!({ "name": preset, "scopes": ["scim"], "connection": preset });
        tenant.key = tenant.mint_with(&body).field("/key");
        tenant
    }

    /// A new key with scopes.
    pub(crate) fn mint(&self, scopes: &[&str]) -> String {
        self.mint_with(&json!({ "name": "test", "scopes": scopes })).field("/key")
    }

    /// A new key as asked for, and what the answer says of it.
    pub(crate) fn mint_with(&self, body: &Value) -> Reply {
        self.admin("POST", "/keys").json(body).is(201)
    }

    /// A request of the administrator for a path below the tenant's.
    pub(crate) fn admin(&self, method: &str, path: &str) -> Ask {
        self.ask_by(&deployment().admin_token, method, path)
    }

    /// The same with any key.
    pub(crate) fn ask_by(&self, key: &str, method: &str, path: &str) -> Ask {
        Ask::new(method, &format!("/v1/tenants/{}{path}", self.slug)).bearer(key)
    }

    /// A request with the tenant's key for a path below its SCIM base.
    pub(crate) fn scim(&self, method: &str, path: &str) -> Ask {
        self.anonymous(method, path).bearer(&self.key)
    }

    /// A request without a key for a path below the tenant's SCIM base.
    pub(crate) fn anonymous(&self, method: &str, path: &str) -> Ask {
        Ask::new(method, &format!("{}{path}", self.path()))
    }

    /// The path of the tenant's SCIM base.
    pub(crate) fn path(&self) -> String {
        format!("/t/{}/scim/v2", self.slug)
    }

    /// Adds a user; its id.
    pub(crate) fn user(&self, name: &str) -> String {
        self.scim("POST", "/Users").json(&json!({ "userName": name })).is(201).id()
    }

    /// Adds users by one Bulk request; their ids in this order.
    pub(crate) fn users(&self, bodies: &[Value]) -> Vec<String> {
        let operation = |(number, data): (usize, &Value)| {
            let bulk_id = format!("u{number}");
            json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data })
        };
        let operations: Vec<Value> = bodies.iter().enumerate().map(operation).collect();
        let body = json!({ "schemas": [BULK_REQUEST], "Operations": operations });
        let reply = self.scim("POST", "/Bulk").json(&body).is(200).json();
        let answers = reply["Operations"].as_array().expect("each operation is answered");
        let id = |answer: &Value| {
            let location = answer["location"].as_str().unwrap_or_else(|| panic!("{answer}"));
            location.rsplit('/').next().expect("a location ends with the id").to_owned()
        };
        answers.iter().map(id).collect()
    }

    /// Adds a group with members; its id.
    pub(crate) fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "displayName": name, "members": members });
        self.scim("POST", "/Groups").json(&body).is(201).id()
    }

    /// A PATCH with one operation.
    pub(crate) fn patch(&self, path: &str, operation: &Value) -> Ask {
        self.scim("PATCH", path).json(&json!({ "schemas": [PATCH_OP], "Operations": [operation] }))
    }
}

impl Server for Tenant {
    fn base(&self) -> String {
        format!("{}{}", deployment().url, self.path())
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &BTreeMap<String, String>,
        body: &[u8],
    ) -> Reply {
        let ask = match headers.contains_key("Authorization") {
            true => self.anonymous(method, path).body(body),
            false => self.scim(method, path).body(body),
        };
        headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value.as_str())).send()
    }

    fn client(&mut self) -> (String, String) {
        let connection = json!({ "id": "gallery", "displayName": "Gallery", "preset": "entra" });
        self.admin("POST", "/connections").json(&connection).is(201);
        let made = self.admin("POST", "/connections/gallery/secrets").is(201);
        (made.field("/clientId"), made.field("/clientSecret"))
    }

    fn request_token(&mut self, headers: &BTreeMap<String, String>, body: &[u8]) -> Reply {
        let ask = Ask::new("POST", &format!("/t/{}/oauth/token", self.slug)).body(body);
        headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value.as_str())).send()
    }
}

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
