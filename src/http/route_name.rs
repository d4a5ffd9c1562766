//! What a route is called where no name, id or value may be shown.

use super::{Route, ScimTarget};
use crate::scim::schema::Registry;

impl Route {
    /// The route with every part that varies replaced: `/Users/{id}`, `/v1/tenants/{t}/keys`.
    pub fn name(&self) -> String {
        let below = match self {
            Self::Health => return "/healthz".to_owned(),
            Self::Presets => return "/v1/presets".to_owned(),
            Self::Preset(_) => return "/v1/presets/{p}".to_owned(),
            Self::Tenants => return "/v1/tenants".to_owned(),
            Self::Scim { target, .. } => return target.name(),
            Self::Tenant(_) => "",
            Self::Keys(_) => "/keys",
            Self::Key(..) => "/keys/{k}",
            Self::Connections(_) => "/connections",
            Self::Connection(..) => "/connections/{c}",
            Self::ConnectionHealth(..) => "/connections/{c}/health",
            Self::ConnectionTest(..) => "/connections/{c}/test",
            Self::Requests(_) => "/requests",
            Self::Events(_) => "/events",
            Self::Export(_) => "/export",
            Self::Import(_) => "/import",
            Self::Policies(_) => "/policies",
            Self::Schemas(_) => "/schemas",
            Self::Schema(..) => "/schemas/{urn}",
        };
        format!("/v1/tenants/{{t}}{below}")
    }

    /// The id in a path of the admin API that names one thing of a tenant.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::Key(_, id)
            | Self::Connection(_, id)
            | Self::ConnectionHealth(_, id)
            | Self::ConnectionTest(_, id)
            | Self::Schema(_, id) => Some(id),
            _ => None,
        }
    }
}

impl ScimTarget {
    /// The path below the SCIM base with an id as `{id}`.
    pub fn name(&self) -> String {
        let endpoint = |number: &u8| {
            let schema = Registry::whole().type_numbered(*number);
            schema.map_or("", |schema| schema.resource_type.endpoint.as_str())
        };
        match self {
            Self::ServiceProviderConfig => "/ServiceProviderConfig".to_owned(),
            Self::ResourceTypes => "/ResourceTypes".to_owned(),
            Self::ResourceType(_) => "/ResourceTypes/{id}".to_owned(),
            Self::Schemas => "/Schemas".to_owned(),
            Self::Schema(_) => "/Schemas/{urn}".to_owned(),
            Self::Collection(number) => endpoint(number).to_owned(),
            Self::Resource(number, _) => format!("{}/{{id}}", endpoint(number)),
            Self::Search(None) => "/.search".to_owned(),
            Self::Search(Some(number)) => format!("{}/.search", endpoint(number)),
            Self::Bulk => "/Bulk".to_owned(),
            Self::Me => "/Me".to_owned(),
        }
    }
}
