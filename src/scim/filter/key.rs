//! Values and literals as an index holds them: equal texts for equal values.

use chrono::SecondsFormat;
use serde_json::Value;

use super::predicate::instant;
use super::{Comparand, Decimal};
use crate::scim::fold::fold;
use crate::scim::schema::{Attribute, AttributeType};

impl Comparand {
    /// The key under which an index holds the values that are equal to this one.
    pub fn key(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Boolean(boolean) => boolean.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Instant(instant) => instant.to_rfc3339_opts(SecondsFormat::Nanos, true),
        }
    }
}

/// The key under which an index holds an attribute's value; `None` for what no index holds.
pub fn index_key(attribute: &Attribute, value: &Value) -> Option<String> {
    let comparand = match (attribute.kind, value) {
        (AttributeType::DateTime, Value::String(text)) => Comparand::Instant(instant(text)?),
        (_, Value::String(text)) if attribute.compares_case_exact() => return Some(text.clone()),
        (_, Value::String(text)) => return Some(fold(text)),
        (_, Value::Number(number)) => Comparand::Number(Decimal::parse(&number.to_string())?),
        (_, Value::Bool(boolean)) => Comparand::Boolean(*boolean),
        _ => return None,
    };
    Some(comparand.key())
}
