//! What the last segments of paths stand for, where several make one route.

/// A part of the policy document that has a path of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each is the path's last segment")]
pub enum PolicyPart {
    Mappings,
    Roles,
    AttributeMaps,
}

/// What is asked of a connection beside reading and writing it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each is the path's last segment")]
pub enum ConnectionAction {
    Activate,
    Disable,
    Export,
}

/// What is decided of a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each is the path's last segment")]
pub enum ChangeAction {
    Approve,
    Reject,
    Retry,
}

/// What is decided of a proposal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each is the path's last segment")]
pub enum MatchAction {
    Accept,
    Reject,
}

/// What is decided of users' access by hand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each is the path's last segment")]
pub enum AccessAction {
    Suspend,
    Restore,
}

/// What is decided of a user and a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each is the path's last segment")]
pub enum LinkAction {
    Link,
    Unlink,
}

impl ConnectionAction {
    pub(super) fn parse(segment: &str) -> Option<Self> {
        match segment {
            "activate" => Some(Self::Activate),
            "disable" => Some(Self::Disable),
            "export" => Some(Self::Export),
            _ => None,
        }
    }
}

impl AccessAction {
    pub(super) fn parse(segment: &str) -> Option<Self> {
        match segment {
            "suspend" => Some(Self::Suspend),
            "restore" => Some(Self::Restore),
            _ => None,
        }
    }
}

impl LinkAction {
    pub(super) fn parse(segment: &str) -> Option<Self> {
        match segment {
            "link" => Some(Self::Link),
            "unlink" => Some(Self::Unlink),
            _ => None,
        }
    }
}

impl ChangeAction {
    pub(super) fn parse(segment: &str) -> Option<Self> {
        match segment {
            "approve" => Some(Self::Approve),
            "reject" => Some(Self::Reject),
            "retry" => Some(Self::Retry),
            _ => None,
        }
    }
}

impl MatchAction {
    pub(super) fn parse(segment: &str) -> Option<Self> {
        match segment {
            "accept" => Some(Self::Accept),
            "reject" => Some(Self::Reject),
            _ => None,
        }
    }
}
