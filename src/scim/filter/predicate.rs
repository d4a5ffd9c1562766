//! A bound filter: every name an attribute of a schema, every literal a value of its type.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::{CompareOp, Decimal};
use crate::scim::fold::fold;
use crate::scim::schema::{AttributeType, Found};
use crate::scim::value::Place;

/// RFC 7644 §3.4.2.2: a filter bound to a schema. It can be evaluated, and cannot fail any more.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// All hold.
    And(Vec<Self>),
    /// At least one holds.
    Or(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// A value of the target compares so; for `ne`, also when the target has none.
    Compare {
        /// What is compared.
        target: Target,
        /// How.
        op: CompareOp,
        /// With what.
        value: Comparand,
    },
    /// The target has a value that is not empty.
    Present(Target),
    /// One and the same value of the target satisfies the predicate, whose own targets are
    /// sub-attributes of that value.
    Any {
        /// The attribute in front of the brackets.
        target: Target,
        /// What is asked of each of its values.
        predicate: Box<Self>,
    },
}

/// RFC 7644 §3.10: an attribute or sub-attribute as a schema defines it, in canonical case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// The URN of the extension that has the attribute; none for the core schema.
    pub extension: Option<String>,
    /// The attribute.
    pub name: String,
    /// The sub-attribute.
    pub sub: Option<String>,
    /// The type of the values.
    pub kind: AttributeType,
    /// Whether case matters when they are compared.
    pub case_exact: bool,
    /// Whether there may be several.
    pub multi_valued: bool,
}

/// RFC 7643 §2.3: what values are compared with, in the form that their type has for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparand {
    /// A text, folded unless its target is `case_exact`.
    Text(String),
    /// A boolean.
    Boolean(bool),
    /// A number.
    Number(Decimal),
    /// A point in time.
    Instant(DateTime<Utc>),
}

impl Predicate {
    /// Whether the core schema's attribute of a canonical name is needed to evaluate this.
    pub fn mentions(&self, name: &str) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.mentions(name)),
            Self::Not(part) => part.mentions(name),
            Self::Compare { target, .. } | Self::Present(target) | Self::Any { target, .. } => {
                target.extension.is_none() && target.name == name
            }
        }
    }
}

impl Predicate {
    /// How many comparisons it makes of a resource, `pr` included.
    pub fn comparisons(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::comparisons).sum(),
            Self::Not(part) | Self::Any { predicate: part, .. } => part.comparisons(),
            Self::Compare { .. } | Self::Present(_) => 1,
        }
    }
}

impl Target {
    pub(in crate::scim) fn new(place: Place<'_>) -> Self {
        let Found { extension, attribute } = place.found;
        let leaf = place.attribute();
        Self {
            extension: extension.map(str::to_owned),
            name: attribute.name.clone(),
            sub: place.sub.map(|sub| sub.name.clone()),
            kind: leaf.kind,
            case_exact: leaf.compares_case_exact(),
            multi_valued: attribute.multi_valued || leaf.multi_valued,
        }
    }

    /// The canonical path, such as `userName`, `emails.value` or `urn:…:User:department`.
    pub fn path(&self) -> String {
        let Self { extension, name, sub, .. } = self;
        let (urn, colon) = extension.as_deref().map_or(("", ""), |urn| (urn, ":"));
        let (dot, sub) = sub.as_deref().map_or(("", ""), |sub| (".", sub));
        format!("{urn}{colon}{name}{dot}{sub}")
    }
}

impl Comparand {
    /// The value that a literal's text stands for: a target's type decides, not the quotes.
    ///
    /// Entra quotes booleans (`primary eq "True"`), PingOne quotes nothing.
    pub(super) fn parse(text: &str, op: CompareOp, target: &Target) -> Option<Self> {
        Some(match target.kind {
            AttributeType::Boolean => Self::Boolean(boolean(text)?),
            AttributeType::Integer | AttributeType::Decimal => Self::Number(Decimal::parse(text)?),
            AttributeType::DateTime if !op.is_substring() => Self::Instant(instant(text)?),
            _ if target.case_exact => Self::Text(text.to_owned()),
            _ => Self::Text(fold(text)),
        })
    }
}

/// RFC 7643 §2.3.5: an `xsd:dateTime`, of any offset; without one it is taken as UTC.
pub(in crate::scim) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let local = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
    DateTime::parse_from_rfc3339(text)
        .map(|zoned| zoned.to_utc())
        .or_else(|_| local().map(|local| local.and_utc()))
        .ok()
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
