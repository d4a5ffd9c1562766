//! What routes are called in the log, where a path may not stand.

use std::borrow::Cow;

use super::{
    AccessAction, ChangeAction, ConnectionAction, LinkAction, MatchAction, PolicyPart, Route,
    ScimTarget, StreamAction,
};
use crate::scim::schema::Registry;

impl Route {
    /// The route's name: of what it is about, and nothing of what the client sent.
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Health => "health",
            Self::Tenants => "tenants",
            Self::Tenant(_) => "tenant",
            Self::Keys(_) => "keys",
            Self::Key(..) => "key",
            Self::Rotation(..) => "key.rotate",
            Self::Secrets(..) => "connection.secrets",
            Self::Secret(..) => "connection.secret",
            Self::Trusts(..) => "connection.trusts",
            Self::Trust(..) => "connection.trust",
            Self::Token(_) => "token",
            Self::KeySet(_) => "jwks",
            Self::Connections(_) => "connections",
            Self::Connection(..) => "connection",
            Self::ConnectionAction(_, _, ConnectionAction::Activate) => "connection.activate",
            Self::ConnectionAction(_, _, ConnectionAction::Disable) => "connection.disable",
            Self::ConnectionAction(_, _, ConnectionAction::Export) => "connection.export",
            Self::ImportConnection(_) => "connections.import",
            Self::ConnectionHealth(..) => "connection.health",
            Self::ConnectionTest(..) => "connection.test",
            Self::AccessDecision(_, _, AccessAction::Suspend) => "user.suspend",
            Self::AccessDecision(_, _, AccessAction::Restore) => "user.restore",
            Self::AccessDecisions(_, AccessAction::Suspend) => "users.suspend",
            Self::AccessDecisions(_, AccessAction::Restore) => "users.restore",
            Self::LinkDecision(_, _, LinkAction::Link) => "user.link",
            Self::LinkDecision(_, _, LinkAction::Unlink) => "user.unlink",
            Self::Requests(_) => "requests",
            Self::Streams(_) => "streams",
            Self::Stream(..) => "stream",
            Self::StreamAction(_, _, StreamAction::Test) => "stream.test",
            Self::StreamAction(_, _, StreamAction::Replay) => "stream.replay",
            Self::StreamAction(_, _, StreamAction::RotateSecret) => "stream.rotate-secret",
            Self::StreamAction(_, _, StreamAction::Deliveries) => "stream.deliveries",
            Self::StreamAction(_, _, StreamAction::Changes) => "stream.changes",
            Self::StreamAction(_, _, StreamAction::Poll) => "stream.poll",
            Self::Export(_) => "export",
            Self::Import(_) => "import",
            Self::Imports(_) => "imports",
            Self::UserImport(..) => "imports.part",
            Self::Matches(_) => "matches",
            Self::MatchDecision(_, _, MatchAction::Accept) => "match.accept",
            Self::MatchDecision(_, _, MatchAction::Reject) => "match.reject",
            Self::Events(_) => "events",
            Self::Snapshot(_) => "snapshot",
            Self::Policies(_) => "policies",
            Self::PolicyPart(_, PolicyPart::Mappings) => "mappings",
            Self::PolicyPart(_, PolicyPart::Roles) => "roles",
            Self::PolicyPart(_, PolicyPart::AttributeMaps) => "attribute-maps",
            Self::MappingDiagnostics(..) => "mapping.diagnostics",
            Self::Drift(_) => "drift",
            Self::Recompute(_) => "recompute",
            Self::Access(_) => "access",
            Self::UserAccess(..) => "user.access",
            Self::UserTimeline(..) => "user.timeline",
            Self::UserGrants(..) => "user.grants",
            Self::UserChanges(..) => "user.changes",
            Self::Changes(_) => "changes",
            Self::ChangesDecision(_, ChangeAction::Approve) => "changes.approve",
            Self::ChangesDecision(..) => "changes.reject",
            Self::ChangeDecision(_, _, ChangeAction::Approve) => "change.approve",
            Self::ChangeDecision(_, _, ChangeAction::Reject) => "change.reject",
            Self::ChangeDecision(_, _, ChangeAction::Retry) => "change.retry",
            Self::Schemas(_) => "schemas",
            Self::Schema(..) => "schema",
            Self::OpenApi => "openapi",
            Self::Presets => "presets",
            Self::Preset(_) => "preset",
            Self::Scim { target, .. } => return target.name(),
        })
    }

    /// The id in a path of the admin API that names one thing of a tenant.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::Key(_, id)
            | Self::Rotation(_, id)
            | Self::Connection(_, id)
            | Self::ConnectionAction(_, id, _)
            | Self::ConnectionHealth(_, id)
            | Self::ConnectionTest(_, id)
            | Self::AccessDecision(_, id, _)
            | Self::LinkDecision(_, id, _)
            | Self::Secrets(_, id)
            | Self::Trusts(_, id)
            | Self::Schema(_, id)
            | Self::UserImport(_, id)
            | Self::MatchDecision(_, id, _)
            | Self::MappingDiagnostics(_, id)
            | Self::Stream(_, id)
            | Self::StreamAction(_, id, _)
            | Self::UserAccess(_, id)
            | Self::UserTimeline(_, id)
            | Self::UserGrants(_, id)
            | Self::UserChanges(_, id)
            | Self::ChangeDecision(_, id, _) => Some(id),
            _ => None,
        }
    }
}

impl ScimTarget {
    /// The name of what is below a SCIM base.
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::ServiceProviderConfig => "scim.ServiceProviderConfig",
            Self::ResourceTypes => "scim.ResourceTypes",
            Self::ResourceType(_) => "scim.ResourceType",
            Self::Schemas => "scim.Schemas",
            Self::Schema(_) => "scim.Schema",
            Self::Bulk => "scim.Bulk",
            Self::Async(_) => "scim.Async",
            Self::Me => "scim.Me",
            Self::Search(None) => "scim.search",
            Self::Search(Some(number)) => return Cow::Owned(of_type(*number, ".search")),
            Self::Collection(number) => return Cow::Owned(of_type(*number, ".list")),
            Self::Resource(number, _) => return Cow::Owned(of_type(*number, "")),
        })
    }
}

fn of_type(number: u8, suffix: &str) -> String {
    let schema = Registry::whole().type_numbered(number);
    let id = schema.map_or("unknown", |schema| &*schema.resource_type.id);
    format!("scim.{id}{suffix}")
}
