//! Attribute paths (RFC 7644 §3.10), and why one or a filter is refused.
//!
//! What a path names is decided against a schema by those who use it.

use std::borrow::Cow;
use std::fmt;

use super::error::{ErrorKind, ScimError};
use crate::limits;

/// RFC 7644 §3.10 `attrPath`: `[URI ":"] ATTRNAME ["." ATTRNAME]`, in the case it was written in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AttrPath {
    /// The URN in front of the last colon.
    pub urn: Option<String>,
    /// The attribute's name.
    pub name: String,
    /// The sub-attribute's name.
    pub sub: Option<String>,
}

/// Why a filter or a path was refused, and at which byte of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SyntaxError {
    position: usize,
    message: Cow<'static, str>,
    in_filter: bool,
}

impl AttrPath {
    /// Reads an attribute path, such as an entry of `attributes` (RFC 7644 §3.9).
    ///
    /// # Errors
    /// When the text is no `attrPath`.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let path = Some(text).filter(|text| text.len() <= limits::PATH_BYTES).and_then(Self::split);
        path.ok_or_else(|| SyntaxError::new(0, "no attribute path"))
    }

    /// Splits at the last colon, then at a dot behind it: URNs hold dots too (`core:2.0:User`).
    pub(super) fn split(text: &str) -> Option<Self> {
        let (urn, rest) =
            text.rsplit_once(':').map_or((None, text), |(urn, rest)| (Some(urn), rest));
        let whole = (rest, None);
        let (name, sub) = rest.split_once('.').map_or(whole, |(name, sub)| (name, Some(sub)));
        let is_name = is_attr_name(name) && sub.is_none_or(is_attr_name);
        // What a URN ends with need not look like a name: `urn:acme:scim:2.0`.
        let is_end = !is_name && urn.is_some() && is_urn_part(rest);
        let behind = || rest.rsplit_once('.').filter(|(_, sub)| is_attr_name(sub));
        let (name, sub) = match is_end {
            true => behind().map_or(whole, |(name, sub)| (name, Some(sub))),
            false => (name, sub),
        };
        let valid = urn.is_none_or(is_urn) && (is_name || is_end);
        valid.then(|| Self {
            urn: urn.map(str::to_owned),
            name: name.to_owned(),
            sub: sub.map(str::to_owned),
        })
    }

    /// The whole path read as one URN: what a bare `urn:…:enterprise:2.0:User` may mean.
    pub fn whole_urn(&self) -> Option<String> {
        match self {
            Self { urn: Some(urn), name, sub: None } => Some(format!("{urn}:{name}")),
            _ => None,
        }
    }
}

impl SyntaxError {
    /// A fault at a byte of the text; the message starts in lower case and has no full stop.
    pub(super) fn new(position: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self { position, message: message.into(), in_filter: false }
    }

    /// The same fault, known to lie in a filter or in the brackets of a path.
    pub(super) fn in_filter(self) -> Self {
        Self { in_filter: true, ..self }
    }

    /// The byte of the text, counted from 0, at which it stops making sense.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// What is wrong there.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The answer when the text was a `filter`.
    pub fn into_filter_error(self) -> ScimError {
        ScimError::new(ErrorKind::InvalidFilter, self.to_string())
    }

    /// The answer when the text was a `path`. RFC 7644 Table 9: a fault within its brackets is
    /// `invalidFilter`.
    pub fn into_path_error(self) -> ScimError {
        let kind = if self.in_filter { ErrorKind::InvalidFilter } else { ErrorKind::InvalidPath };
        ScimError::new(kind, self.to_string())
    }
}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.name)?;
        write_sub(f, self.sub.as_deref())
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at position {}", self.message, self.position)
    }
}

impl std::error::Error for SyntaxError {}

pub(super) fn write_sub(f: &mut fmt::Formatter<'_>, sub: Option<&str>) -> fmt::Result {
    sub.map_or(Ok(()), |sub| write!(f, ".{sub}"))
}

/// RFC 7643 §2.1 `ATTRNAME`. `$` may also come first, for `$ref` does not fit the rule otherwise.
pub(super) fn is_attr_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '$' | '-' | '_'))
}

/// What may stand between two colons of a schema's URN, or behind the last.
pub(super) fn is_urn_part(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// A URI as far as a path needs it; whether a schema has it is for the schema to say.
fn is_urn(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_graphic())
}
