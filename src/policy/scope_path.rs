//! Where a grant holds: a path such as `company`, `org/finance` or `org/finance/app/crm`.

use std::fmt;

use crate::limits;

/// The scope of a grant.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ScopePath(String);

impl ScopePath {
    /// Reads a path: names of letters, digits, `.`, `_` and `-`, with `/` between them.
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = |name: &str| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        };
        let is_path = text.len() <= limits::SCOPE_PATH_BYTES && text.split('/').all(is_name);
        is_path.then(|| Self(text.to_owned()))
    }

    /// The scope of what names none.
    pub fn company() -> Self {
        Self("company".to_owned())
    }

    /// A path that was stored.
    pub fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether another scope is this one or lies below it.
    pub fn covers(&self, other: &Self) -> bool {
        let below = other.0.strip_prefix(&self.0);
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for ScopePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
