//! A URL, split into its raw parts.

use crate::limits;

/// A URL in its raw parts.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Url<'a> {
    /// Scheme and authority: `https://example.com`.
    pub origin: &'a str,
    /// The path, still percent-encoded.
    pub path: &'a str,
    /// What stands between `?` and `#`.
    pub query: &'a str,
}

impl<'a> Url<'a> {
    /// Splits an absolute URL; `None` when it has no scheme or is too long.
    pub fn split(raw: &'a str) -> Option<Self> {
        if raw.len() > limits::URL_BYTES {
            return None;
        }
        let (scheme, rest) = raw.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let origin = raw.get(..scheme.len().checked_add(3)?.checked_add(authority.len())?)?;
        let target = raw.get(origin.len()..)?;
        let target = target.split_once('#').map_or(target, |(before, _)| before);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Some(Self { origin, path, query })
    }

    /// Host and port.
    pub fn authority(&self) -> &'a str {
        self.origin.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// Whether it is https, the scheme's name having no case.
    pub fn is_secure(&self) -> bool {
        self.origin
            .split_once("://")
            .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https"))
    }

    /// Whether the URL's path is one of SCIM's, so that its errors are too.
    pub fn is_scim(&self) -> bool {
        let below_tenant = self.path.strip_prefix("/t/").map(|path| path.split('/').nth(1));
        let is_other = |name| [Some("oauth"), Some(".well-known")].contains(&name);
        below_tenant.is_some_and(|name| !is_other(name)) || self.path.starts_with("/scim/")
    }
}
