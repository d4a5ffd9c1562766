//! What a URL names. It is parsed once, from its raw text; what does not parse is 404.

use percent_encoding::percent_decode_str;

use super::Method;
use crate::auth::Scope;
use crate::limits;
use crate::registry::Slug;
use crate::scim::schema::{Registry, ScopesOf};

/// A URL in its raw parts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Url<'a> {
    /// Scheme and authority: `https://example.com`.
    pub origin: &'a str,
    /// The path, still percent-encoded.
    pub path: &'a str,
    /// What stands between `?` and `#`.
    pub query: &'a str,
}

/// What a path names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Route {
    /// `/healthz`
    Health,
    /// `/v1/tenants`
    Tenants,
    /// `/v1/tenants/{t}`
    Tenant(Slug),
    /// `/v1/tenants/{t}/keys`
    Keys(Slug),
    /// `/v1/tenants/{t}/keys/{k}`
    Key(Slug, String),
    /// `/v1/tenants/{t}/connections`
    Connections(Slug),
    /// `/v1/tenants/{t}/connections/{c}`
    Connection(Slug, String),
    /// `/v1/tenants/{t}/connections/{c}/health`
    ConnectionHealth(Slug, String),
    /// `/v1/tenants/{t}/connections/{c}/test`
    ConnectionTest(Slug, String),
    /// `/v1/tenants/{t}/requests`
    Requests(Slug),
    /// `/v1/tenants/{t}/events`
    Events(Slug),
    /// `/v1/tenants/{t}/export`
    Export(Slug),
    /// `/v1/tenants/{t}/import`
    Import(Slug),
    /// `/v1/tenants/{t}/policies`
    Policies(Slug),
    /// `/v1/tenants/{t}/schemas`
    Schemas(Slug),
    /// `/v1/tenants/{t}/schemas/{urn}`
    Schema(Slug, String),
    /// `/v1/presets`
    Presets,
    /// `/v1/presets/{p}`
    Preset(String),
    /// Anything below a tenant's SCIM base.
    Scim {
        /// The tenant.
        tenant: Slug,
        /// The path of the base in the form that was called.
        base: String,
        /// What is below it.
        target: ScimTarget,
    },
}

/// What a path below a SCIM base names (RFC 7644 §3.2). A resource type is given by its number.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names are the RFC's endpoints")]
pub enum ScimTarget {
    ServiceProviderConfig,
    ResourceTypes,
    ResourceType(String),
    Schemas,
    Schema(String),
    Collection(u8),
    Resource(u8, String),
    Search(Option<u8>),
    Bulk,
    Me,
}

/// Who may ask for a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Audience {
    /// Anybody.
    Public,
    /// The deployment's administrator.
    Admin,
    /// A key of the tenant (of any, where the path names none) with one of these scopes, or with any
    /// where there are none; below `/v1` the deployment's administrator too.
    Key(&'static [Scope]),
}

impl<'a> Url<'a> {
    /// Splits an absolute URL; `None` when it has no scheme or is too long.
    pub fn split(raw: &'a str) -> Option<Self> {
        if raw.len() > limits::URL_BYTES {
            return None;
        }
        let (scheme, rest) = raw.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let origin = raw.get(..scheme.len().checked_add(3)?.checked_add(authority.len())?)?;
        let target = raw.get(origin.len()..)?;
        let target = target.split_once('#').map_or(target, |(before, _)| before);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Some(Self { origin, path, query })
    }

    /// Whether the URL's path is one of SCIM's, so that its errors are too.
    pub fn is_scim(&self) -> bool {
        self.path.starts_with("/t/") || self.path.starts_with("/scim/")
    }
}

impl Route {
    /// Reads a path; `None` is 404. One trailing slash is allowed.
    pub fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let segments: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
        match segments.as_slice() {
            ["healthz"] => Some(Self::Health),
            ["v1", "tenants"] => Some(Self::Tenants),
            ["v1", "presets"] => Some(Self::Presets),
            ["v1", "presets", preset] => Some(Self::Preset(decode(preset)?)),
            ["v1", "tenants", tenant, rest @ ..] => Self::admin(Slug::parse(tenant)?, rest),
            ["t", tenant, "scim", "v2", rest @ ..] => {
                Self::scim(tenant, format!("/t/{tenant}/scim/v2"), rest)
            }
            ["scim", "v2", tenant, rest @ ..] => {
                Self::scim(tenant, format!("/scim/v2/{tenant}"), rest)
            }
            _ => None,
        }
    }

    fn admin(tenant: Slug, rest: &[&str]) -> Option<Self> {
        match rest {
            [] => Some(Self::Tenant(tenant)),
            ["keys"] => Some(Self::Keys(tenant)),
            ["keys", key] => Some(Self::Key(tenant, decode(key)?)),
            ["connections"] => Some(Self::Connections(tenant)),
            ["connections", connection] => Some(Self::Connection(tenant, decode(connection)?)),
            ["connections", connection, "health"] => {
                Some(Self::ConnectionHealth(tenant, decode(connection)?))
            }
            ["connections", connection, "test"] => {
                Some(Self::ConnectionTest(tenant, decode(connection)?))
            }
            ["requests"] => Some(Self::Requests(tenant)),
            ["events"] => Some(Self::Events(tenant)),
            ["export"] => Some(Self::Export(tenant)),
            ["import"] => Some(Self::Import(tenant)),
            ["policies"] => Some(Self::Policies(tenant)),
            ["schemas"] => Some(Self::Schemas(tenant)),
            ["schemas", urn] => Some(Self::Schema(tenant, decode(urn)?)),
            _ => None,
        }
    }

    fn scim(tenant: &str, base: String, rest: &[&str]) -> Option<Self> {
        Some(Self::Scim { tenant: Slug::parse(tenant)?, base, target: ScimTarget::parse(rest)? })
    }

    /// The tenant that the route belongs to.
    pub fn tenant(&self) -> Option<&Slug> {
        match self {
            Self::Health | Self::Tenants | Self::Presets | Self::Preset(_) => None,
            Self::Tenant(tenant)
            | Self::Keys(tenant)
            | Self::Key(tenant, _)
            | Self::Connections(tenant)
            | Self::Connection(tenant, _)
            | Self::ConnectionHealth(tenant, _)
            | Self::ConnectionTest(tenant, _)
            | Self::Requests(tenant)
            | Self::Events(tenant)
            | Self::Export(tenant)
            | Self::Import(tenant)
            | Self::Policies(tenant)
            | Self::Schemas(tenant)
            | Self::Schema(tenant, _)
            | Self::Scim { tenant, .. } => Some(tenant),
        }
    }

    /// The base URL of the tenant's SCIM endpoints: in the form that was called, else the
    /// canonical one.
    pub fn scim_base(&self, origin: &str) -> String {
        match self {
            Self::Scim { base, .. } => format!("{origin}{base}"),
            _ => {
                let tenant = self.tenant().map_or("", Slug::as_str);
                format!("{origin}/t/{tenant}/scim/v2")
            }
        }
    }

    /// The methods that the route takes; for all others the answer is 405.
    pub const fn methods(&self) -> &'static [Method] {
        use Method::{Delete, Get, Head, Patch, Post, Put};
        match self {
            Self::Health => &[Get, Head],
            Self::Connection(..)
            | Self::ConnectionHealth(..)
            | Self::Requests(_)
            | Self::Events(_)
            | Self::Export(_)
            | Self::Presets
            | Self::Preset(_) => &[Get],
            Self::ConnectionTest(..) | Self::Import(_) => &[Post],
            Self::Tenants | Self::Keys(_) | Self::Connections(_) => &[Get, Post],
            Self::Tenant(_) => &[Get, Patch, Delete],
            Self::Key(..) => &[Get, Delete],
            Self::Policies(_) => &[Get, Put],
            Self::Schemas(_) => &[Get, Put, Post],
            Self::Schema(..) => &[Get, Put, Delete],
            Self::Scim { target, .. } => match target {
                ScimTarget::Collection(_) => &[Get, Post],
                ScimTarget::Resource(..) => &[Get, Put, Patch, Delete],
                // RFC 7644 §3.11: 501, whatever is asked of it.
                ScimTarget::Me => &[Get, Post, Put, Patch, Delete],
                ScimTarget::Search(_) | ScimTarget::Bulk => &[Post],
                _ => &[Get],
            },
        }
    }

    /// Who may ask for the route with a method.
    pub(super) fn audience(&self, method: Method) -> Audience {
        match self {
            Self::Health => Audience::Public,
            Self::Tenants | Self::Tenant(_) | Self::Import(_) => Audience::Admin,
            Self::Presets | Self::Preset(_) => Audience::Key(&[]),
            Self::Keys(_) | Self::Key(..) => Audience::Key(&[Scope::KeysWrite]),
            Self::Connections(_)
            | Self::Connection(..)
            | Self::ConnectionHealth(..)
            | Self::ConnectionTest(..)
            | Self::Requests(_)
            | Self::Policies(_)
            | Self::Schemas(_)
            | Self::Schema(..) => Audience::Key(if method.is_safe() {
                &[Scope::ConfigRead]
            } else {
                &[Scope::ConfigWrite]
            }),
            Self::Events(_) => Audience::Key(&[Scope::EventsRead]),
            Self::Export(_) => Audience::Key(&[Scope::DataExport]),
            Self::Scim { target, .. } => Audience::Key(target.scopes(method)),
        }
    }
}

impl ScimTarget {
    fn parse(rest: &[&str]) -> Option<Self> {
        // Whether the tenant has the type, its object knows.
        let registry = Registry::whole();
        let number = |segment: &str| Some(registry.type_at(segment)?.resource_type.number);
        match rest {
            ["ServiceProviderConfig"] => Some(Self::ServiceProviderConfig),
            ["ResourceTypes"] => Some(Self::ResourceTypes),
            ["ResourceTypes", id] => Some(Self::ResourceType(decode(id)?)),
            ["Schemas"] => Some(Self::Schemas),
            ["Schemas", urn] => Some(Self::Schema(decode(urn)?)),
            ["Me"] => Some(Self::Me),
            ["Bulk"] => Some(Self::Bulk),
            [".search"] => Some(Self::Search(None)),
            [collection, ".search"] => Some(Self::Search(Some(number(collection)?))),
            [collection] => Some(Self::Collection(number(collection)?)),
            [collection, id] => Some(Self::Resource(number(collection)?, decode(id)?)),
            _ => None,
        }
    }

    /// Reads a path below the SCIM base by itself, as an operation of a Bulk request has it (RFC
    /// 7644 §3.7); `None` is 404.
    pub fn relative(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        Self::parse(&path.strip_suffix('/').unwrap_or(path).split('/').collect::<Vec<_>>())
    }

    /// The number of the resource type that it is about, if it is about one.
    pub const fn type_number(&self) -> Option<u8> {
        match self {
            Self::Collection(number) | Self::Resource(number, _) | Self::Search(Some(number)) => {
                Some(*number)
            }
            _ => None,
        }
    }

    /// Whether it tells what the server can do (RFC 7644 §4).
    pub const fn is_discovery(&self) -> bool {
        matches!(
            self,
            Self::ServiceProviderConfig
                | Self::ResourceTypes
                | Self::ResourceType(_)
                | Self::Schemas
                | Self::Schema(_)
        )
    }

    /// The scopes of which one opens the endpoint; none where every key of the tenant does.
    pub fn scopes(&self, method: Method) -> &'static [Scope] {
        let (number, writes) = match self {
            Self::Collection(number) | Self::Resource(number, _) => (*number, !method.is_safe()),
            Self::Search(Some(number)) => (*number, false),
            // Each operation asks for its own.
            Self::Bulk => return &[Scope::UsersWrite, Scope::GroupsWrite],
            Self::Search(None) => return &[Scope::UsersRead, Scope::GroupsRead],
            _ => return &[],
        };
        let of = Registry::whole().type_numbered(number).map(|schema| schema.resource_type.scopes);
        match (of, writes) {
            (None | Some(ScopesOf::Users), false) => &[Scope::UsersRead],
            (None | Some(ScopesOf::Users), true) => &[Scope::UsersWrite],
            (Some(ScopesOf::Groups), false) => &[Scope::GroupsRead],
            (Some(ScopesOf::Groups), true) => &[Scope::GroupsWrite],
        }
    }
}

/// One segment's text. A slash that was encoded stays part of the segment.
///
/// What the runtime would resolve or drop on the way to the object (dot segments, backslashes,
/// control characters) is refused, lest the object see another route than the gate.
fn decode(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    let resolved = matches!(&*text, "" | "." | "..")
        || segment.contains(|c: char| c == '\\' || c.is_ascii_control());
    (!resolved).then(|| text.into_owned())
}
