//! All types of events, so that one that no event has is told from one that is not there yet.

use super::{EventKind, Verb};
use crate::scim::schema::{Registry, TypeSchema, USER};

/// Whether a text is a type of events, or the beginning of some of them up to a dot, and a star:
/// `user.*`.
pub fn is_type(text: &str) -> bool {
    match text.strip_suffix('*') {
        Some(family) => {
            family.ends_with('.') && EventKind::all().any(|kind| kind.name().starts_with(family))
        }
        None => EventKind::all().any(|kind| kind.name() == text),
    }
}

impl EventKind {
    /// All kinds, those of every resource type that a tenant may have among them.
    pub fn all() -> impl Iterator<Item = Self> {
        let of_types = Registry::whole().types().flat_map(of_type);
        of_types.chain(std::iter::successors(Some(Self::UserAccessChanged), |kind| kind.after()))
    }

    /// The kind that follows one which is of no resource type alone: a new one asks for its place here.
    const fn after(self) -> Option<Self> {
        Some(match self {
            Self::Resource(..) | Self::AsyncCompleted => return None,
            Self::UserAccessChanged => Self::UserStale,
            Self::UserStale => Self::ChangePending,
            Self::ChangePending => Self::ChangeApproved,
            Self::ChangeApproved => Self::ChangeRejected,
            Self::ChangeRejected => Self::ChangeFailed,
            Self::ChangeFailed => Self::GroupMemberAdded,
            Self::GroupMemberAdded => Self::GroupMemberRemoved,
            Self::GroupMemberRemoved => Self::ConnectionCreated,
            Self::ConnectionCreated => Self::ConnectionUpdated,
            Self::ConnectionUpdated => Self::ConnectionActivated,
            Self::ConnectionActivated => Self::ConnectionDisabled,
            Self::ConnectionDisabled => Self::ConnectionDeleted,
            Self::ConnectionDeleted => Self::SecretCreated,
            Self::SecretCreated => Self::SecretRevoked,
            Self::SecretRevoked => Self::TrustCreated,
            Self::TrustCreated => Self::TrustRevoked,
            Self::TrustRevoked => Self::KeyCreated,
            Self::KeyCreated => Self::KeyRotated,
            Self::KeyRotated => Self::KeyRevoked,
            Self::KeyRevoked => Self::StreamCreated,
            Self::StreamCreated => Self::StreamUpdated,
            Self::StreamUpdated => Self::StreamDisabled,
            Self::StreamDisabled => Self::StreamDeleted,
            Self::StreamDeleted => Self::TenantUpdated,
            Self::TenantUpdated => Self::TenantFeatureEnabled,
            Self::TenantFeatureEnabled => Self::AsyncCompleted,
        })
    }
}

/// What befalls resources of a type: those without `active` are not switched off, and users alone are
/// parted from their connection.
fn of_type(schema: TypeSchema<'_>) -> impl Iterator<Item = EventKind> {
    let number = schema.resource_type.number;
    let is_switched = schema.attribute(None, "active").is_some();
    let verbs = [
        (Verb::Created, true),
        (Verb::Updated, true),
        (Verb::Activated, is_switched),
        (Verb::Deactivated, is_switched),
        (Verb::Deleted, true),
        (Verb::Linked, true),
        (Verb::Unlinked, number == USER),
    ];
    let verbs = verbs.into_iter().filter(|(_, befalls)| *befalls);
    verbs.map(move |(verb, _)| EventKind::Resource(number, verb))
}
