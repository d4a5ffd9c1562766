//! A recorded fact, and the name of each kind.
//!
//! One change is one event, appended in the transaction of its change.

pub mod chain;
mod kinds;
pub mod token;

use std::borrow::Cow;

pub use kinds::is_type;
use serde_json::{Map, Value, json};

use crate::limits;
use crate::scim::schema::{Registry, ResourceType};

/// What happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "`name` says what each is called on the wire")]
pub enum EventKind {
    /// To a resource of the type with a number.
    Resource(u8, Verb),
    UserAccessChanged,
    UserStale,
    ChangePending,
    ChangeApproved,
    ChangeRejected,
    ChangeFailed,
    GroupMemberAdded,
    GroupMemberRemoved,
    ConnectionCreated,
    ConnectionUpdated,
    ConnectionActivated,
    ConnectionDisabled,
    ConnectionDeleted,
    SecretCreated,
    SecretRevoked,
    TrustCreated,
    TrustRevoked,
    KeyCreated,
    KeyRotated,
    KeyRevoked,
    StreamCreated,
    StreamUpdated,
    StreamDisabled,
    StreamDeleted,
    TenantUpdated,
    TenantFeatureEnabled,
    AsyncCompleted,
}

/// What happened to a resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "`name` says what each is called on the wire")]
pub enum Verb {
    Created,
    Updated,
    Activated,
    Deactivated,
    Deleted,
    Linked,
    Unlinked,
}

/// A fact about to be recorded.
#[derive(Clone, Debug)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// To which resource, connection or key.
    pub id: String,
    /// The members of `data` that only this kind has.
    pub details: Map<String, Value>,
}

impl EventKind {
    /// The type as consumers see it.
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Resource(number, verb) => {
                let prefix = resource_type(number).map_or("resource", |one| one.event.as_str());
                return Cow::Owned(format!("{prefix}.{}", verb.name()));
            }
            Self::UserAccessChanged => "user.access.changed",
            Self::UserStale => "user.stale",
            Self::ChangePending => "change.pending",
            Self::ChangeApproved => "change.approved",
            Self::ChangeRejected => "change.rejected",
            Self::ChangeFailed => "change.failed",
            Self::GroupMemberAdded => "group.member.added",
            Self::GroupMemberRemoved => "group.member.removed",
            Self::ConnectionCreated => "connection.created",
            Self::ConnectionUpdated => "connection.updated",
            Self::ConnectionActivated => "connection.activated",
            Self::ConnectionDisabled => "connection.disabled",
            Self::ConnectionDeleted => "connection.deleted",
            Self::SecretCreated => "connection.secret.created",
            Self::SecretRevoked => "connection.secret.revoked",
            Self::TrustCreated => "connection.trust.created",
            Self::TrustRevoked => "connection.trust.revoked",
            Self::KeyCreated => "key.created",
            Self::KeyRotated => "key.rotated",
            Self::KeyRevoked => "key.revoked",
            Self::StreamCreated => "stream.created",
            Self::StreamUpdated => "stream.updated",
            Self::StreamDisabled => "stream.disabled",
            Self::StreamDeleted => "stream.deleted",
            Self::TenantUpdated => "tenant.updated",
            Self::TenantFeatureEnabled => "tenant.feature.enabled",
            Self::AsyncCompleted => "async.completed",
        })
    }

    /// The type of thing that the event is about.
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Resource(number, _) => resource_type(number).map_or("", |one| one.id.as_str()),
            Self::UserAccessChanged
            | Self::UserStale
            | Self::ChangePending
            | Self::ChangeApproved
            | Self::ChangeRejected
            | Self::ChangeFailed => "User",
            Self::GroupMemberAdded | Self::GroupMemberRemoved => "Group",
            Self::ConnectionCreated
            | Self::ConnectionUpdated
            | Self::ConnectionActivated
            | Self::ConnectionDisabled
            | Self::ConnectionDeleted
            | Self::SecretCreated
            | Self::SecretRevoked
            | Self::TrustCreated
            | Self::TrustRevoked => "Connection",
            Self::KeyCreated | Self::KeyRotated | Self::KeyRevoked => "Key",
            Self::StreamCreated
            | Self::StreamUpdated
            | Self::StreamDisabled
            | Self::StreamDeleted => "Stream",
            Self::TenantUpdated | Self::TenantFeatureEnabled => "Tenant",
            Self::AsyncCompleted => "Async",
        }
    }
}

impl Verb {
    /// The end of the type as consumers see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Activated => "activated",
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
            Self::Linked => "linked",
            Self::Unlinked => "unlinked",
        }
    }
}

fn resource_type(number: u8) -> Option<&'static ResourceType> {
    Registry::whole().type_numbered(number).map(|schema| schema.resource_type)
}

impl Event {
    /// A fact without details.
    pub fn new(kind: EventKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into(), details: Map::new() }
    }

    /// The fact with one detail more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The fact with what was there before, path by path. What is too large for an event is left out, and
    /// `previousOmitted` says what that is, with what else was.
    #[must_use]
    pub fn previously(self, (previous, left_out): (Map<String, Value>, Vec<String>)) -> Self {
        let mut bytes = 0_usize;
        let (told, omitted): (Vec<_>, Vec<_>) = previous.into_iter().partition(|(_, value)| {
            let with = bytes.saturating_add(value.to_string().len());
            let fits = with <= limits::PREVIOUS_BYTES;
            if fits {
                bytes = with;
            }
            fits
        });
        let event = self.with("previous", told.into_iter().collect::<Map<_, _>>());
        let omitted = omitted.into_iter().map(|(path, _)| path);
        let paths: Vec<String> = left_out.into_iter().chain(omitted).collect();
        if paths.is_empty() { event } else { event.with("previousOmitted", paths) }
    }

    /// The fact with who takes over from the user that it is about, if that is said: by which rule
    /// somebody was looked for, and whom it found.
    #[must_use]
    pub fn succeeded(self, successor: Option<(String, String)>) -> Self {
        match successor {
            Some((to, rule)) => self.with("succession", json!({ "to": to, "rule": rule })),
            None => self,
        }
    }

    /// The part of `data` that is stored: all but the tenant and the place in the log.
    pub fn data(&self, actor: &str, connection: Option<&str>) -> String {
        let mut data = json!({
            "resourceType": self.kind.resource_type(),
            "id": self.id,
            "connection": connection,
            "actor": actor,
        });
        if let Some(fields) = data.as_object_mut() {
            fields.extend(self.details.clone());
        }
        data.to_string()
    }
}

/// What is left of the data of an event about a person who is to be forgotten: what it is about, so
/// that who follows the log forgets as well.
pub fn erased(data: &str) -> String {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    let left = json!({
        "resourceType": data.get("resourceType"),
        "id": data.get("id"),
        "erased": true,
    });
    left.to_string()
}
