//! The `PATH` of a PATCH operation: RFC 7644 §3.5.2, Figure 7. Its brackets hold a filter.

use std::fmt;

use super::Filter;
use super::parse::Parser;
use crate::scim::compat::Compat;
use crate::scim::path::{AttrPath, SyntaxError, write_sub};

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

impl Path {
    /// Reads the `path` of a PATCH operation.
    ///
    /// # Errors
    /// When the text is no `PATH`, or passes `limits::PATH_BYTES` or a bound on filters.
    pub fn parse(text: &str, compat: &Compat) -> Result<Self, SyntaxError> {
        Parser::new(text, compat).whole_path()
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
