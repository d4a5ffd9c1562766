//! A recorded fact, and the name of each kind.
//!
//! One change is one event, appended in the transaction of its change.

use serde_json::{Map, Value, json};

/// What happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "`name` says what each is called on the wire")]
pub enum EventKind {
    UserCreated,
    UserUpdated,
    UserActivated,
    UserDeactivated,
    UserDeleted,
    GroupCreated,
    GroupUpdated,
    GroupDeleted,
    GroupMemberAdded,
    GroupMemberRemoved,
    ConnectionCreated,
    KeyCreated,
    KeyRevoked,
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
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserCreated => "user.created",
            Self::UserUpdated => "user.updated",
            Self::UserActivated => "user.activated",
            Self::UserDeactivated => "user.deactivated",
            Self::UserDeleted => "user.deleted",
            Self::GroupCreated => "group.created",
            Self::GroupUpdated => "group.updated",
            Self::GroupDeleted => "group.deleted",
            Self::GroupMemberAdded => "group.member.added",
            Self::GroupMemberRemoved => "group.member.removed",
            Self::ConnectionCreated => "connection.created",
            Self::KeyCreated => "key.created",
            Self::KeyRevoked => "key.revoked",
        }
    }

    /// The type of thing that the event is about.
    pub const fn resource_type(self) -> &'static str {
        match self {
            Self::UserCreated
            | Self::UserUpdated
            | Self::UserActivated
            | Self::UserDeactivated
            | Self::UserDeleted => "User",
            Self::GroupCreated
            | Self::GroupUpdated
            | Self::GroupDeleted
            | Self::GroupMemberAdded
            | Self::GroupMemberRemoved => "Group",
            Self::ConnectionCreated => "Connection",
            Self::KeyCreated | Self::KeyRevoked => "Key",
        }
    }
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
