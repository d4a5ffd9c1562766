//! What a URL names. It is parsed once, from its raw text; what does not parse is 404.

use super::route_part::{
    AccessAction, ChangeAction, ConnectionAction, LinkAction, MatchAction, PolicyPart,
    StreamAction, decode, segments,
};
use super::{Method, ScimTarget, TenantHost, Url};
use crate::registry::Slug;

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
    /// `/v1/tenants/{t}/keys/{k}/rotate`
    Rotation(Slug, String),
    /// `/v1/tenants/{t}/connections`
    Connections(Slug),
    /// `/v1/tenants/{t}/connections/{c}`
    Connection(Slug, String),
    /// `/v1/tenants/{t}/connections/{c}/{action}`
    ConnectionAction(Slug, String, ConnectionAction),
    /// `/v1/tenants/{t}/connections/import`
    ImportConnection(Slug),
    /// `/v1/tenants/{t}/connections/{c}/secrets`
    Secrets(Slug, String),
    /// `/v1/tenants/{t}/connections/{c}/secrets/{s}`
    Secret(Slug, String, String),
    /// `/v1/tenants/{t}/connections/{c}/trusts`
    Trusts(Slug, String),
    /// `/v1/tenants/{t}/connections/{c}/trusts/{i}`
    Trust(Slug, String, String),
    /// `/t/{t}/oauth/token`
    Token(Slug),
    /// `/t/{t}/.well-known/jwks.json`
    KeySet(Slug),
    /// `/v1/tenants/{t}/connections/{c}/health`
    ConnectionHealth(Slug, String),
    /// `/v1/tenants/{t}/connections/{c}/test`
    ConnectionTest(Slug, String),
    /// `/v1/tenants/{t}/users/{id}/{action}`
    AccessDecision(Slug, String, AccessAction),
    /// `/v1/tenants/{t}/users/{action}`
    AccessDecisions(Slug, AccessAction),
    /// `/v1/tenants/{t}/users/{id}/link` or `/unlink`
    LinkDecision(Slug, String, LinkAction),
    /// `/v1/tenants/{t}/requests`
    Requests(Slug),
    /// `/v1/tenants/{t}/events`
    Events(Slug),
    /// `/v1/tenants/{t}/streams`
    Streams(Slug),
    /// `/v1/tenants/{t}/streams/{s}`
    Stream(Slug, String),
    /// `/v1/tenants/{t}/streams/{s}/{action}`
    StreamAction(Slug, String, StreamAction),
    /// `/v1/tenants/{t}/snapshot`
    Snapshot(Slug),
    /// `/v1/tenants/{t}/export`
    Export(Slug),
    /// `/v1/tenants/{t}/import`
    Import(Slug),
    /// `/v1/tenants/{t}/imports`
    Imports(Slug),
    /// `/v1/tenants/{t}/imports/{i}`
    UserImport(Slug, String),
    /// `/v1/tenants/{t}/matches`
    Matches(Slug),
    /// `/v1/tenants/{t}/matches/{m}/{action}`
    MatchDecision(Slug, String, MatchAction),
    /// `/v1/tenants/{t}/policies`
    Policies(Slug),
    /// `/v1/tenants/{t}/mappings`, `/roles` or `/attribute-maps`
    PolicyPart(Slug, PolicyPart),
    /// `/v1/tenants/{t}/mappings/{m}/diagnostics`
    MappingDiagnostics(Slug, String),
    /// `/v1/tenants/{t}/drift`
    Drift(Slug),
    /// `/v1/tenants/{t}/recompute`
    Recompute(Slug),
    /// `/v1/tenants/{t}/access`
    Access(Slug),
    /// `/v1/tenants/{t}/users/{id}/access`
    UserAccess(Slug, String),
    /// `/v1/tenants/{t}/users/{id}/timeline`
    UserTimeline(Slug, String),
    /// `/v1/tenants/{t}/users/{id}/grants`
    UserGrants(Slug, String),
    /// `/v1/tenants/{t}/users/{id}/changes`
    UserChanges(Slug, String),
    /// `/v1/tenants/{t}/changes`
    Changes(Slug),
    /// `/v1/tenants/{t}/changes/{action}`
    ChangesDecision(Slug, ChangeAction),
    /// `/v1/tenants/{t}/changes/{id}/{action}`
    ChangeDecision(Slug, String, ChangeAction),
    /// `/v1/tenants/{t}/schemas`
    Schemas(Slug),
    /// `/v1/tenants/{t}/schemas/{urn}`
    Schema(Slug, String),
    /// `/v1/openapi.json`
    OpenApi,
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

impl Route {
    /// Reads a URL; `None` is 404.
    ///
    /// A tenant's own host knows `/healthz` and that tenant's `/scim/v2`, nothing else: what names a
    /// tenant there is the host alone. On every other host the path names it.
    pub fn of(url: &Url<'_>, hosts: Option<&TenantHost>) -> Option<Self> {
        let Some(tenant) = hosts.and_then(|hosts| hosts.tenant(url.authority())) else {
            return Self::parse(url.path);
        };
        match segments(url.path)?.as_slice() {
            ["healthz"] => Some(Self::Health),
            ["scim", "v2", rest @ ..] => {
                let target = ScimTarget::parse(rest)?;
                Some(Self::Scim { tenant, base: "/scim/v2".to_owned(), target })
            }
            _ => None,
        }
    }

    /// Reads a path of a host that is no tenant's; `None` is 404. One trailing slash is allowed.
    pub fn parse(path: &str) -> Option<Self> {
        let segments = segments(path)?;
        match segments.as_slice() {
            ["healthz"] => Some(Self::Health),
            ["v1", "tenants"] => Some(Self::Tenants),
            ["v1", "openapi.json"] => Some(Self::OpenApi),
            ["v1", "presets"] => Some(Self::Presets),
            ["v1", "presets", preset] => Some(Self::Preset(decode(preset)?)),
            ["v1", "tenants", tenant, rest @ ..] => Self::admin(Slug::parse(tenant)?, rest),
            ["t", tenant, "scim", "v2", rest @ ..] => {
                Self::scim(tenant, format!("/t/{tenant}/scim/v2"), rest)
            }
            ["t", tenant, "oauth", "token"] => Some(Self::Token(Slug::parse(tenant)?)),
            ["t", tenant, ".well-known", "jwks.json"] => Some(Self::KeySet(Slug::parse(tenant)?)),
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
            ["keys", key, "rotate"] => Some(Self::Rotation(tenant, decode(key)?)),
            ["connections", rest @ ..] => Self::connections(tenant, rest),
            ["requests"] => Some(Self::Requests(tenant)),
            ["events"] => Some(Self::Events(tenant)),
            ["streams", rest @ ..] => Self::streams(tenant, rest),
            ["snapshot"] => Some(Self::Snapshot(tenant)),
            ["export"] => Some(Self::Export(tenant)),
            ["import"] => Some(Self::Import(tenant)),
            ["imports"] => Some(Self::Imports(tenant)),
            ["imports", import] => Some(Self::UserImport(tenant, decode(import)?)),
            ["matches"] => Some(Self::Matches(tenant)),
            ["matches", id, action] => {
                Some(Self::MatchDecision(tenant, decode(id)?, MatchAction::parse(action)?))
            }
            ["policies"] => Some(Self::Policies(tenant)),
            ["mappings"] => Some(Self::PolicyPart(tenant, PolicyPart::Mappings)),
            ["roles"] => Some(Self::PolicyPart(tenant, PolicyPart::Roles)),
            ["attribute-maps"] => Some(Self::PolicyPart(tenant, PolicyPart::AttributeMaps)),
            ["mappings", mapping, "diagnostics"] => {
                Some(Self::MappingDiagnostics(tenant, decode(mapping)?))
            }
            ["drift"] => Some(Self::Drift(tenant)),
            ["recompute"] => Some(Self::Recompute(tenant)),
            ["access"] => Some(Self::Access(tenant)),
            ["users", user, "access"] => Some(Self::UserAccess(tenant, decode(user)?)),
            ["users", user, "timeline"] => Some(Self::UserTimeline(tenant, decode(user)?)),
            ["users", user, "grants"] => Some(Self::UserGrants(tenant, decode(user)?)),
            ["users", user, "changes"] => Some(Self::UserChanges(tenant, decode(user)?)),
            ["changes"] => Some(Self::Changes(tenant)),
            ["changes", action] => {
                let action = ChangeAction::parse(action)?;
                (action != ChangeAction::Retry).then_some(Self::ChangesDecision(tenant, action))
            }
            ["changes", change, action] => {
                let action = ChangeAction::parse(action)?;
                Some(Self::ChangeDecision(tenant, decode(change)?, action))
            }
            ["users", user, action] => Self::decision(tenant, decode(user)?, action),
            ["users", action] => Some(Self::AccessDecisions(tenant, AccessAction::parse(action)?)),
            ["schemas"] => Some(Self::Schemas(tenant)),
            ["schemas", urn] => Some(Self::Schema(tenant, decode(urn)?)),
            _ => None,
        }
    }

    fn connections(tenant: Slug, rest: &[&str]) -> Option<Self> {
        match rest {
            [] => Some(Self::Connections(tenant)),
            [IMPORT] => Some(Self::ImportConnection(tenant)),
            [connection] => Some(Self::Connection(tenant, decode(connection)?)),
            [connection, "health"] => Some(Self::ConnectionHealth(tenant, decode(connection)?)),
            [connection, "test"] => Some(Self::ConnectionTest(tenant, decode(connection)?)),
            [connection, "secrets"] => Some(Self::Secrets(tenant, decode(connection)?)),
            [connection, "secrets", secret] => {
                Some(Self::Secret(tenant, decode(connection)?, decode(secret)?))
            }
            [connection, "trusts"] => Some(Self::Trusts(tenant, decode(connection)?)),
            [connection, "trusts", trust] => {
                Some(Self::Trust(tenant, decode(connection)?, decode(trust)?))
            }
            [connection, action] => {
                let action = ConnectionAction::parse(action)?;
                Some(Self::ConnectionAction(tenant, decode(connection)?, action))
            }
            _ => None,
        }
    }

    fn streams(tenant: Slug, rest: &[&str]) -> Option<Self> {
        match rest {
            [] => Some(Self::Streams(tenant)),
            [stream] => Some(Self::Stream(tenant, decode(stream)?)),
            [stream, action] => {
                let action = StreamAction::parse(action)?;
                Some(Self::StreamAction(tenant, decode(stream)?, action))
            }
            _ => None,
        }
    }

    /// What is decided of a user.
    fn decision(tenant: Slug, user: String, action: &str) -> Option<Self> {
        match (AccessAction::parse(action), LinkAction::parse(action)) {
            (Some(action), _) => Some(Self::AccessDecision(tenant, user, action)),
            (_, Some(action)) => Some(Self::LinkDecision(tenant, user, action)),
            _ => None,
        }
    }

    fn scim(tenant: &str, base: String, rest: &[&str]) -> Option<Self> {
        Some(Self::Scim { tenant: Slug::parse(tenant)?, base, target: ScimTarget::parse(rest)? })
    }

    /// The tenant that the route belongs to.
    pub fn tenant(&self) -> Option<&Slug> {
        match self {
            Self::Health | Self::Tenants | Self::OpenApi | Self::Presets | Self::Preset(_) => None,
            Self::Tenant(tenant)
            | Self::Keys(tenant)
            | Self::Key(tenant, _)
            | Self::Rotation(tenant, _)
            | Self::Secrets(tenant, _)
            | Self::Secret(tenant, ..)
            | Self::Trusts(tenant, _)
            | Self::Trust(tenant, ..)
            | Self::Token(tenant)
            | Self::KeySet(tenant)
            | Self::Connections(tenant)
            | Self::Connection(tenant, _)
            | Self::ConnectionAction(tenant, ..)
            | Self::ImportConnection(tenant)
            | Self::ConnectionHealth(tenant, _)
            | Self::ConnectionTest(tenant, _)
            | Self::AccessDecision(tenant, ..)
            | Self::AccessDecisions(tenant, _)
            | Self::LinkDecision(tenant, ..)
            | Self::Requests(tenant)
            | Self::Events(tenant)
            | Self::Streams(tenant)
            | Self::Stream(tenant, _)
            | Self::StreamAction(tenant, ..)
            | Self::Snapshot(tenant)
            | Self::Export(tenant)
            | Self::Import(tenant)
            | Self::Imports(tenant)
            | Self::UserImport(tenant, _)
            | Self::Matches(tenant)
            | Self::MatchDecision(tenant, ..)
            | Self::Policies(tenant)
            | Self::PolicyPart(tenant, _)
            | Self::MappingDiagnostics(tenant, _)
            | Self::Drift(tenant)
            | Self::Recompute(tenant)
            | Self::Access(tenant)
            | Self::UserAccess(tenant, _)
            | Self::UserTimeline(tenant, _)
            | Self::UserGrants(tenant, _)
            | Self::UserChanges(tenant, _)
            | Self::Changes(tenant)
            | Self::ChangesDecision(tenant, _)
            | Self::ChangeDecision(tenant, ..)
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
        use Method::{Delete, Get, Patch, Post, Put};
        match self {
            Self::Health
            | Self::Events(_)
            | Self::Snapshot(_)
            | Self::KeySet(_)
            | Self::ConnectionHealth(..)
            | Self::Requests(_)
            | Self::Export(_)
            | Self::OpenApi
            | Self::Presets
            | Self::Preset(_)
            | Self::MappingDiagnostics(..)
            | Self::Drift(_)
            | Self::Access(_)
            | Self::UserAccess(..)
            | Self::UserTimeline(..)
            | Self::Matches(_)
            | Self::UserChanges(..)
            | Self::Changes(_)
            | Self::StreamAction(_, _, StreamAction::Deliveries | StreamAction::Changes)
            | Self::ConnectionAction(_, _, ConnectionAction::Export) => &[Get],
            Self::ConnectionAction(..)
            | Self::ImportConnection(_)
            | Self::ConnectionTest(..)
            | Self::AccessDecision(..)
            | Self::AccessDecisions(..)
            | Self::LinkDecision(..)
            | Self::MatchDecision(..)
            | Self::ChangesDecision(..)
            | Self::ChangeDecision(..)
            | Self::StreamAction(..)
            | Self::Import(_) => &[Post],
            Self::Tenants
            | Self::Streams(_)
            | Self::Keys(_)
            | Self::Connections(_)
            | Self::Secrets(..)
            | Self::Trusts(..)
            | Self::Imports(_)
            | Self::UserImport(..)
            | Self::Recompute(_) => &[Get, Post],
            Self::Tenant(_) | Self::Connection(..) | Self::Stream(..) => &[Get, Patch, Delete],
            Self::Key(..) => &[Get, Delete],
            Self::Rotation(..) | Self::Token(_) => &[Post],
            Self::Secret(..) | Self::Trust(..) => &[Delete],
            Self::UserGrants(..) => &[Get, Post, Delete],
            Self::Policies(_) | Self::PolicyPart(..) => &[Get, Put],
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
}

/// The segment behind `connections` that is no connection's id.
pub const IMPORT: &str = "import";
