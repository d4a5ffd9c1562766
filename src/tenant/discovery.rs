//! Discovery (RFC 7644 §4): what this server can do, from the table that makes it do it.

use serde_json::{Map, Value, json};

use super::streams::Stream;
use super::work::{Answer, Failure, Work};
use crate::event::token::{ANSWERED, URIS};
use crate::limits;
use crate::scim::schema::{Schema, TypeSchema};
use crate::scim::{ErrorKind, ScimError, urn};

impl Work<'_, '_> {
    /// `GET /ServiceProviderConfig`, RFC 7643 §5, RFC 9865 §4, and RFC 9967 §4 where a
    /// stream tells of events by tokens.
    pub(super) fn service_provider_config(&self) -> Answer {
        self.unfiltered()?;
        let unsupported = json!({ "supported": false });
        let features = self.memory.policy.features;
        let mut config = json!({
            "schemas": [urn::SERVICE_PROVIDER_CONFIG],
            "patch": { "supported": true },
            "bulk": {
                "supported": features.bulk,
                "maxOperations": limits::BULK_OPERATIONS,
                "maxPayloadSize": limits::BODY_BYTES,
            },
            "filter": { "supported": true, "maxResults": limits::PAGE_RESOURCES },
            "changePassword": unsupported,
            "sort": { "supported": true },
            "etag": { "supported": true },
            "pagination": {
                "cursor": true,
                "index": true,
                "defaultPaginationMethod": "index",
                "defaultPageSize": limits::PAGE_RESOURCES_DEFAULT,
                "maxPageSize": limits::PAGE_RESOURCES,
                "cursorTimeout": limits::CURSOR_TTL_SECONDS,
            },
            "authenticationSchemes": [{
                "type": "oauthbearertoken",
                "name": "API key",
                "description": "A key of the tenant, sent as a bearer token",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": true,
            }],
            "meta": {
                "resourceType": "ServiceProviderConfig",
                "location": format!("{}/ServiceProviderConfig", self.request().base),
            },
        });
        if let Some(fields) = config.as_object_mut() {
            if features.roles {
                fields.insert("RolesAndEntitlements".to_owned(), roles_and_entitlements());
            }
            if self.memory.streams.all().iter().any(Stream::tells_tokens) {
                fields.insert("securityEvents".to_owned(), security_events(features.bulk));
            }
            if features.agents {
                let all = ["supported", "agentsSupported", "agenticApplicationsSupported"];
                fields.insert("agentExtension".to_owned(), yes(all));
            }
        }
        Ok(self.scim(200, config.to_string().into_bytes()))
    }

    /// `GET /ResourceTypes`.
    pub(super) fn resource_types(&self) -> Answer {
        self.unfiltered()?;
        let types = self.registry().types().map(|schema| self.described_type(schema));
        self.listed(&types.collect::<Vec<_>>())
    }

    /// `GET /ResourceTypes/{id}`.
    pub(super) fn resource_type(&self, id: &str) -> Answer {
        let schema = self.registry().types().find(|schema| schema.resource_type.id == id);
        let described = self.described_type(schema.ok_or(ErrorKind::NotFound)?);
        Ok(self.scim(200, described.to_string().into_bytes()))
    }

    /// `GET /Schemas`.
    pub(super) fn schemas(&self) -> Answer {
        self.unfiltered()?;
        let schemas = self.registry().schemas().iter().map(|s| self.described_schema(s));
        self.listed(&schemas.collect::<Vec<_>>())
    }

    /// `GET /Schemas/{urn}`.
    pub(super) fn schema(&self, urn: &str) -> Answer {
        let schema = self.registry().schema(urn).ok_or(ErrorKind::NotFound)?;
        Ok(self.scim(200, self.described_schema(schema).to_string().into_bytes()))
    }

    /// RFC 7644 §4: a filter on discovery is 403, lest a client take it for applied.
    fn unfiltered(&self) -> Result<(), Failure> {
        match self.request().query.value("filter") {
            None => Ok(()),
            Some(_) => {
                let detail = "discovery endpoints cannot be filtered";
                Err(ScimError::new(ErrorKind::Forbidden, detail).into())
            }
        }
    }

    fn listed(&self, resources: &[Value]) -> Answer {
        let list = json!({
            "schemas": [urn::LIST_RESPONSE],
            "totalResults": resources.len(),
            "startIndex": 1,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        });
        Ok(self.scim(200, list.to_string().into_bytes()))
    }

    fn described_type(&self, schema: TypeSchema<'_>) -> Value {
        let resource_type = schema.resource_type;
        json!({
            "schemas": [urn::RESOURCE_TYPE],
            "id": resource_type.id,
            "name": resource_type.name,
            "endpoint": resource_type.endpoint,
            "description": resource_type.description,
            "schema": resource_type.schema,
            "schemaExtensions": resource_type.schema_extensions,
            "meta": {
                "resourceType": "ResourceType",
                "location": format!("{}/ResourceTypes/{}", self.request().base, resource_type.id),
            },
        })
    }

    fn described_schema(&self, schema: &Schema) -> Value {
        let schema = self.with_rules(schema);
        json!({
            "schemas": [urn::SCHEMA],
            "id": schema.id,
            "name": schema.name,
            "description": schema.description,
            "attributes": schema.attributes,
            "meta": {
                "resourceType": "Schema",
                "location": format!("{}/Schemas/{}", self.request().base, schema.id),
            },
        })
    }
}

/// RFC 9967 §4: of what tokens tell, and whether a Bulk request may be answered later.
fn security_events(bulk: bool) -> Value {
    let uris: Vec<&str> = URIS.into_iter().filter(|uri| bulk || *uri != ANSWERED).collect();
    json!({ "asyncRequest": if bulk { "request" } else { "none" }, "eventUris": uris })
}

/// draft-ietf-scim-roles-entitlements §3.1: what a user's roles and entitlements may be.
fn roles_and_entitlements() -> Value {
    json!({
        "roles": yes(["supported", "multipleRolesSupported", "primarySupported", "typeSupported"]),
        "entitlements": yes([
            "supported",
            "multipleEntitlementsSupported",
            "primarySupported",
            "typeSupported",
        ]),
    })
}

/// An object of members that are true.
fn yes<const N: usize>(names: [&str; N]) -> Value {
    names.into_iter().map(|name| (name.to_owned(), Value::Bool(true))).collect::<Map<_, _>>().into()
}
