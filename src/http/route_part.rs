//! The segments of paths: what their texts are, and what the last ones stand for where several make one
//! route.

use percent_encoding::percent_decode_str;

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

/// What is asked of a stream beside reading and writing it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each is the path's last segment")]
pub enum StreamAction {
    Test,
    Replay,
    RotateSecret,
    Deliveries,
    Changes,
    Poll,
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

impl StreamAction {
    pub(super) fn parse(segment: &str) -> Option<Self> {
        match segment {
            "test" => Some(Self::Test),
            "replay" => Some(Self::Replay),
            "rotate-secret" => Some(Self::RotateSecret),
            "deliveries" => Some(Self::Deliveries),
            "changes" => Some(Self::Changes),
            "poll" => Some(Self::Poll),
            _ => None,
        }
    }
}

/// The segments of a path, but for one trailing slash.
pub(super) fn segments(path: &str) -> Option<Vec<&str>> {
    let path = path.strip_prefix('/')?;
    Some(path.strip_suffix('/').unwrap_or(path).split('/').collect())
}

/// One segment's text. A slash that was encoded stays part of the segment.
///
/// What the runtime would resolve or drop on the way to the object (dot segments, backslashes,
/// control characters) is refused, lest the object see another route than the gate.
pub(super) fn decode(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    let resolved = matches!(&*text, "" | "." | "..")
        || segment.contains(|c: char| c == '\\' || c.is_ascii_control());
    (!resolved).then(|| text.into_owned())
}
