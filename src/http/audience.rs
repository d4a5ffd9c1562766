//! Who may ask for what a path names.

use super::{Method, Route, StreamAction};
use crate::auth::Scope;

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
    /// A key of the tenant with all of these scopes, and the deployment's administrator.
    KeyWithAll(&'static [Scope]),
}

impl Audience {
    /// Whether keys may ask.
    pub(super) const fn is_a_keys(self) -> bool {
        matches!(self, Self::Key(_) | Self::KeyWithAll(_))
    }
}

impl Route {
    /// Who may ask for the route with a method.
    pub(super) fn audience(&self, method: Method) -> Audience {
        match self {
            Self::Health | Self::Token(_) | Self::KeySet(_) => Audience::Public,
            Self::Tenants | Self::Tenant(_) | Self::Import(_) => Audience::Admin,
            Self::OpenApi | Self::Presets | Self::Preset(_) => Audience::Key(&[]),
            Self::Keys(_)
            | Self::Key(..)
            | Self::Rotation(..)
            | Self::Secrets(..)
            | Self::Secret(..)
            | Self::Trusts(..)
            | Self::Trust(..) => Audience::Key(&[Scope::KeysWrite]),
            Self::Connections(_)
            | Self::Connection(..)
            | Self::ConnectionAction(..)
            | Self::ImportConnection(_)
            | Self::ConnectionHealth(..)
            | Self::ConnectionTest(..)
            | Self::Requests(_)
            | Self::Imports(_)
            | Self::UserImport(..)
            | Self::Matches(_)
            | Self::UserChanges(..)
            | Self::Changes(_)
            | Self::Policies(_)
            | Self::PolicyPart(..)
            | Self::MappingDiagnostics(..)
            | Self::Drift(_)
            | Self::Recompute(_)
            | Self::Schemas(_)
            | Self::Schema(..) => Audience::Key(if method.is_safe() {
                &[Scope::ConfigRead]
            } else {
                &[Scope::ConfigWrite]
            }),
            Self::Access(_) | Self::UserAccess(..) | Self::UserTimeline(..) => {
                Audience::Key(&[Scope::AccessRead])
            }
            Self::UserGrants(..) => Audience::Key(if method.is_safe() {
                &[Scope::AccessRead]
            } else {
                &[Scope::ChangesDecide]
            }),
            Self::AccessDecision(..)
            | Self::AccessDecisions(..)
            | Self::LinkDecision(..)
            | Self::MatchDecision(..)
            | Self::ChangeDecision(..)
            | Self::ChangesDecision(..) => Audience::Key(&[Scope::ChangesDecide]),
            Self::Events(_) | Self::Snapshot(_) | Self::StreamAction(_, _, StreamAction::Poll) => {
                Audience::Key(&[Scope::EventsRead])
            }
            // Where events go, and of which types they are, says who may read them.
            Self::Streams(_) | Self::Stream(..)
                if matches!(method, Method::Post | Method::Patch) =>
            {
                Audience::KeyWithAll(&[Scope::StreamsWrite, Scope::EventsRead])
            }
            Self::Streams(_) | Self::Stream(..) | Self::StreamAction(..) => {
                Audience::Key(&[Scope::StreamsWrite])
            }
            Self::Export(_) => Audience::Key(&[Scope::DataExport]),
            Self::Scim { target, .. } => Audience::Key(target.scopes(method)),
        }
    }
}
