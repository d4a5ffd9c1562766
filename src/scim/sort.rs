//! RFC 7644 §3.4.2.3: the order of a list by the values of an attribute.
//!
//! [`Sort::bind`] gives the attribute's name its meaning in a type, [`SortKey::value`] reads the
//! one value of a resource that counts, [`Sort::compare`] orders two of them. That resources which
//! compare as equal stay in the order of creation is for whoever sorts.

use std::cmp::Ordering;
use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::compat::Compat;
use super::error::{ErrorKind, ScimError};
use super::filter::{Decimal, instant};
use super::fold::fold;
use super::path::AttrPath;
use super::schema::{AttributeType, Returned, TypeSchema};
use super::value::{Meaning, Place, resolve};

/// RFC 7644 §3.4.2.3 `sortBy` and `sortOrder`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sort {
    by: AttrPath,
    order: SortOrder,
}

/// RFC 7644 §3.4.2.3 `sortOrder`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum SortOrder {
    #[default]
    Ascending,
    Descending,
}

/// The attribute by which resources of one type are sorted.
#[derive(Clone, Copy, Debug)]
pub struct SortKey<'a>(Place<'a>);

/// RFC 7643 §2.3: a value in the form in which its type is ordered.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum SortValue {
    /// A boolean; `false` comes first.
    Boolean(bool),
    /// A number.
    Number(Decimal),
    /// A point in time.
    Instant(DateTime<Utc>),
    /// A text, folded unless its attribute is case-exact; ordered by its code points.
    Text(String),
}

impl Sort {
    /// Reads the two parameters; without the first there is no order to apply the second to.
    ///
    /// # Errors
    /// `invalidValue`: RFC 7644 Table 9 has it for queries, and `invalidPath` for PATCH alone.
    pub fn parse(by: Option<&str>, order: Option<&str>) -> Result<Option<Self>, ScimError> {
        let named = |text: &&str| !text.trim().is_empty();
        let Some(by) = by.filter(named) else { return Ok(None) };
        let order = order.filter(named).map_or(Ok(SortOrder::default()), SortOrder::parse)?;
        let by = AttrPath::parse(by.trim()).map_err(|_| invalid("is no attribute path"))?;
        Ok(Some(Self { by, order }))
    }

    /// What the attribute's name means in a type.
    ///
    /// # Errors
    /// `invalidValue` when the type has no such attribute, or none that could be ordered.
    pub fn bind<'a>(
        &self,
        schema: TypeSchema<'a>,
        compat: &Compat,
    ) -> Result<SortKey<'a>, ScimError> {
        let by = &self.by;
        let Some(Meaning::Place(mut place)) = resolve(schema, by, compat) else {
            return Err(invalid(format!("names the unknown attribute `{by}`")));
        };
        if place.attribute().kind == AttributeType::Complex {
            // RFC 7644 §3.4.2.3: a complex attribute is sorted by a sub-attribute, to be named. As
            // in a filter, `emails` stands for `emails.value`.
            let value = place.attribute().sub("value");
            place.sub =
                Some(value.ok_or_else(|| invalid(format!("`{by}` needs a sub-attribute")))?);
        }
        // The order would tell a secret bit by bit.
        if [place.found.attribute, place.attribute()].iter().any(|a| a.returned == Returned::Never)
        {
            return Err(invalid(format!("cannot be `{by}`")));
        }
        Ok(SortKey(place))
    }

    /// Whether the greatest value comes first.
    pub fn is_descending(&self) -> bool {
        self.order == SortOrder::Descending
    }

    /// Which of two resources comes first, by their values.
    pub fn compare(&self, one: Option<&SortValue>, other: Option<&SortValue>) -> Ordering {
        // RFC 7644 §3.4.2.3: what has no value is last when ascending, first when descending.
        let ascending = match (one, other) {
            (Some(one), Some(other)) => one.cmp(other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        };
        match self.order {
            SortOrder::Ascending => ascending,
            SortOrder::Descending => ascending.reverse(),
        }
    }
}

impl SortOrder {
    fn parse(text: &str) -> Result<Self, ScimError> {
        match text.trim().to_ascii_lowercase().as_str() {
            "ascending" => Ok(Self::Ascending),
            "descending" => Ok(Self::Descending),
            _ => {
                let detail = "`sortOrder` is neither `ascending` nor `descending`";
                Err(ScimError::new(ErrorKind::InvalidValue, detail))
            }
        }
    }
}

impl SortKey<'_> {
    /// Whether it is the core schema's attribute of a canonical name, or a part of it.
    pub fn mentions(&self, name: &str) -> bool {
        self.0.found.extension.is_none() && self.0.found.attribute.name == name
    }

    /// The attribute's canonical path, such as `userName`.
    pub fn path(&self) -> String {
        self.0.to_string()
    }

    /// Whether a resource has one value of it at most.
    pub fn is_single_valued(&self) -> bool {
        !self.0.found.attribute.multi_valued && !self.0.attribute().multi_valued
    }

    /// The value of a text that is stored in the form in which it is ordered.
    pub fn stored(&self, text: String) -> Option<SortValue> {
        match self.0.attribute().kind {
            AttributeType::DateTime => instant(&text).map(SortValue::Instant),
            _ => Some(SortValue::Text(text)),
        }
    }

    /// The value of a resource in canonical form that counts: of several the primary one or, if
    /// there is none, the first.
    pub fn value(&self, resource: &Map<String, Value>) -> Option<SortValue> {
        let Place { found, sub } = self.0;
        let fields = match found.extension {
            None => Some(resource),
            Some(urn) => resource.get(urn).and_then(Value::as_object),
        };
        let value = match fields?.get(&found.attribute.name)? {
            Value::Array(values) => {
                let primary =
                    values.iter().find(|value| value.get("primary") == Some(&true.into()));
                primary.or_else(|| values.first())?
            }
            value => value,
        };
        self.typed(sub.map_or(Some(value), |sub| value.get(&sub.name))?)
    }

    fn typed(&self, value: &Value) -> Option<SortValue> {
        let attribute = self.0.attribute();
        Some(match (attribute.kind, value) {
            (_, Value::Bool(value)) => SortValue::Boolean(*value),
            (_, Value::Number(value)) => SortValue::Number(Decimal::parse(&value.to_string())?),
            (AttributeType::DateTime, Value::String(text)) => SortValue::Instant(instant(text)?),
            (_, Value::String(text)) if attribute.compares_case_exact() => {
                SortValue::Text(text.clone())
            }
            (_, Value::String(text)) => SortValue::Text(fold(text)),
            (_, Value::Null | Value::Array(_) | Value::Object(_)) => return None,
        })
    }
}

impl SortValue {
    /// The bytes of its text.
    pub const fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            _ => 0,
        }
    }
}

/// The two parameters as one text, equal for equal orders.
impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match self.order {
            SortOrder::Ascending => "ascending",
            SortOrder::Descending => "descending",
        };
        write!(f, "{} {order}", self.by)
    }
}

fn invalid(what: impl fmt::Display) -> ScimError {
    ScimError::new(ErrorKind::InvalidValue, format!("`sortBy` {what}"))
}
