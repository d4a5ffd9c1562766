//! What is decided of users' access.

/// Whether it is suspended, or restored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each is the path's last segment")]
pub enum AccessAction {
    Suspend,
    Restore,
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
