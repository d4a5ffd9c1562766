//! RFC 7644 §3.4.2.2: the filter language.
//!
//! A filter goes three steps: [`Filter::parse`] reads the text (`parse`), [`Filter::bind`] gives
//! its names and literals the meaning that a schema gives them (`bind`), [`Predicate::matches`]
//! asks it of a resource (`eval`). What can fail fails in the first two; a predicate only answers.

mod bind;
mod decimal;
mod eval;
mod key;
mod parse;
mod patch_path;
mod predicate;

use std::fmt;
use std::ops::Deref;

use super::compat::Compat;
use super::path::{AttrPath, SyntaxError};

pub use decimal::Decimal;
pub use key::index_key;
pub use patch_path::Path;
pub(super) use predicate::instant;
pub use predicate::{Comparand, Predicate, Target};

/// RFC 7644 Figure 1 `FILTER`, and `valFilter` within brackets.
///
/// Conjunctions and disjunctions are n-ary, so that only parentheses, `not` and brackets nest.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// `a and b and c`: all hold.
    And(Vec<Self>),
    /// `a or b or c`: at least one holds.
    Or(Vec<Self>),
    /// `not (a)`.
    Not(Box<Self>),
    /// `userName eq "bjensen"`.
    AttrExp(AttrExp),
    /// `emails[type eq "work"]`.
    ValuePath(ValuePath),
}

/// RFC 7644 Figure 1 `attrExp`: an attribute and what is asked of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AttrExp {
    /// The attribute.
    pub path: Located<AttrPath>,
    /// What is asked.
    pub test: Test,
}

/// RFC 7644 Figure 1 `valuePath`: one value of the attribute satisfies all that the brackets ask.
#[derive(Clone, Debug, PartialEq)]
pub struct ValuePath {
    /// The attribute, without a sub-attribute.
    pub path: Located<AttrPath>,
    /// What is asked of the value.
    pub filter: Box<Filter>,
}

/// RFC 7644 Figure 1: what an `attrExp` asks of its attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `pr`: it has a value.
    Present,
    /// `eq "bjensen"`: it has a value that compares so.
    Compare(Located<CompareOp>, Located<CompValue>),
}

/// RFC 7644 Figure 1 `compareOp`, in the order of Table 3.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum CompareOp {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

/// RFC 7644 Figure 1 `compValue`: a literal as written, before an attribute's type is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CompValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A JSON number, in the digits it was written with.
    Number(String),
    /// A JSON string; or a text without quotes, where that is forgiven.
    String(String),
}

/// Something read from a text, and where. Equal things are equal wherever they stood.
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// What was read.
    pub value: T,
    /// The byte at which it starts.
    pub position: usize,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// When the text is no `FILTER`, or passes `limits::FILTER_BYTES`, `FILTER_DEPTH` or
    /// `FILTER_COMPARISONS`.
    pub fn parse(text: &str, compat: &Compat) -> Result<Self, SyntaxError> {
        parse::Parser::new(text, compat).whole_filter()
    }

    /// How many comparisons it makes of a resource, `pr` included.
    pub fn comparisons(&self) -> usize {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().map(Self::comparisons).sum(),
            Self::Not(filter) | Self::ValuePath(ValuePath { filter, .. }) => filter.comparisons(),
            Self::AttrExp(_) => 1,
        }
    }

    /// The conjunction of some filters; conjunctions among them are spread out.
    pub fn and(filters: Vec<Self>) -> Self {
        let spread = |filter| match filter {
            Self::And(filters) => filters,
            other => vec![other],
        };
        let filters: Vec<Self> = filters.into_iter().flat_map(spread).collect();
        <[Self; 1]>::try_from(filters).map_or_else(Self::And, |[only]| only)
    }

    /// The disjunction of some filters; disjunctions among them are spread out.
    pub fn or(filters: Vec<Self>) -> Self {
        let spread = |filter| match filter {
            Self::Or(filters) => filters,
            other => vec![other],
        };
        let filters: Vec<Self> = filters.into_iter().flat_map(spread).collect();
        <[Self; 1]>::try_from(filters).map_or_else(Self::Or, |[only]| only)
    }
}

impl CompareOp {
    /// All of them, in the order of Table 3.
    pub const ALL: [Self; 9] =
        [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// The operator's name in a filter.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    /// Whether the operator looks into a text: `co`, `sw`, `ew`.
    pub const fn is_substring(self) -> bool {
        matches!(self, Self::Co | Self::Sw | Self::Ew)
    }

    /// Whether the operator needs an order: `gt`, `ge`, `lt`, `le`.
    pub const fn is_ordering(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }
}

impl CompValue {
    /// The text of the literal; `null` has none.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Null => None,
            Self::Boolean(true) => Some("true"),
            Self::Boolean(false) => Some("false"),
            Self::Number(text) | Self::String(text) => Some(text),
        }
    }
}

impl<T> Located<T> {
    /// A fault in what was read.
    fn error(&self, message: String) -> SyntaxError {
        SyntaxError::new(self.position, message)
    }
}

/// What is made by hand stands nowhere.
impl<T> From<T> for Located<T> {
    fn from(value: T) -> Self {
        Self { value, position: 0 }
    }
}

impl<T: fmt::Display> fmt::Display for Located<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Located<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(filters) => write_joined(f, filters, " and "),
            Self::Or(filters) => write_joined(f, filters, " or "),
            Self::Not(filter) => write!(f, "not ({filter})"),
            Self::AttrExp(AttrExp { path, test }) => write!(f, "{path} {test}"),
            Self::ValuePath(ValuePath { path, filter }) => write!(f, "{path}[{filter}]"),
        }
    }
}

/// `and` binds closer than `or`, so a disjunction inside a conjunction needs its parentheses.
fn write_joined(f: &mut fmt::Formatter<'_>, filters: &[Filter], joint: &str) -> fmt::Result {
    for (index, filter) in filters.iter().enumerate() {
        if index > 0 {
            f.write_str(joint)?;
        }
        match filter {
            Filter::Or(_) => write!(f, "({filter})")?,
            _ => write!(f, "{filter}")?,
        }
    }
    Ok(())
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present => f.write_str("pr"),
            Self::Compare(op, value) => write!(f, "{op} {value}"),
        }
    }
}

impl fmt::Display for CompareOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for CompValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => {
                f.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
            }
            literal => f.write_str(literal.text().unwrap_or("null")),
        }
    }
}
