//! Attribute paths: RFC 7644 §3.10 (`attrPath`) and §3.5.2, Figure 7 (`PATH`).
//!
//! What a path looks like is here; `filter::parse` reads it, for the brackets of a path hold a
//! filter. What it names is decided against a schema by those who use it.

use std::borrow::Cow;
use std::fmt;

use super::compat::Compat;
use super::error::{ErrorKind, ScimError};
use super::filter::Filter;
use super::filter::parse::Parser;

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

/// RFC 7644 §3.5.2, Figure 7 `PATH`: `attrPath / valuePath ["." ATTRNAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The attribute; with a filter it has no `sub` of its own.
    pub attr: AttrPath,
    /// The filter in brackets that chooses among the attribute's values.
    pub filter: Option<Filter>,
    /// The sub-attribute behind the brackets.
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
        Parser::new(text, &Compat::STRICT).whole_attr_path()
    }

    /// Splits at the last colon, then at a dot behind it: URNs hold dots too (`core:2.0:User`).
    pub(super) fn split(text: &str) -> Option<Self> {
        let (urn, rest) =
            text.rsplit_once(':').map_or((None, text), |(urn, rest)| (Some(urn), rest));
        let (name, sub) =
            rest.split_once('.').map_or((rest, None), |(name, sub)| (name, Some(sub)));
        let valid = urn.is_none_or(is_urn) && is_attr_name(name) && sub.is_none_or(is_attr_name);
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

impl Path {
    /// Reads the `path` of a PATCH operation.
    ///
    /// # Errors
    /// When the text is no `PATH`, or passes `limits::PATH_BYTES` or a bound on filters.
    pub fn parse(text: &str, compat: &Compat) -> Result<Self, SyntaxError> {
        Parser::new(text, compat).whole_path()
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

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.attr)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        write_sub(f, self.sub.as_deref())
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at position {}", self.message, self.position)
    }
}

impl std::error::Error for SyntaxError {}

fn write_sub(f: &mut fmt::Formatter<'_>, sub: Option<&str>) -> fmt::Result {
    sub.map_or(Ok(()), |sub| write!(f, ".{sub}"))
}

/// RFC 7643 §2.1 `ATTRNAME`. `$` may also come first, for `$ref` does not fit the rule otherwise.
pub(super) fn is_attr_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '$' | '-' | '_'))
}

/// A URI as far as a path needs it; whether a schema has it is for the schema to say.
fn is_urn(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_graphic())
}
