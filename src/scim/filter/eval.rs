//! RFC 7644 §3.4.2.2: whether a resource matches. Total: no resource makes it fail.
//!
//! Where the RFC leaves a choice: an attribute without values is unassigned, which is `null`
//! (RFC 7643 §2.5), so `ne` holds of it and every other comparison does not.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::slice;

use serde_json::{Map, Value};

use super::predicate::instant;
use super::{Comparand, CompareOp, Decimal, Predicate, Target};
use crate::scim::fold::fold;

/// What a predicate is asked of.
#[derive(Clone, Copy)]
enum Subject<'a> {
    /// A resource, by its attributes.
    Resource(&'a Map<String, Value>),
    /// One value of an attribute.
    Element(&'a Value),
}

impl Predicate {
    /// Whether a resource in canonical form matches.
    pub fn matches(&self, resource: &Map<String, Value>) -> bool {
        self.holds(Subject::Resource(resource))
    }

    /// Whether one value of an attribute matches, for a predicate that is bound to its values.
    pub fn matches_value(&self, element: &Value) -> bool {
        self.holds(Subject::Element(element))
    }

    fn holds(&self, subject: Subject<'_>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(subject)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(subject)),
            Self::Not(part) => !part.holds(subject),
            Self::Present(target) => target.values(subject).any(is_present),
            Self::Any { target, predicate } => {
                target.elements(subject).iter().any(|element| predicate.matches_value(element))
            }
            // RFC 7644 §3.4.2.2: one matching value is enough, for `ne` too.
            Self::Compare { target, op, value } => {
                let mut values = target.values(subject).peekable();
                match values.peek() {
                    None => *op == CompareOp::Ne,
                    Some(_) => values.any(|each| value.compares(each, *op, target.case_exact)),
                }
            }
        }
    }
}

impl Target {
    /// The attribute's values; the subject itself where that is one of them.
    fn elements<'a>(&self, subject: Subject<'a>) -> &'a [Value] {
        match subject {
            Subject::Element(element) => slice::from_ref(element),
            Subject::Resource(resource) => {
                let attribute = match &self.extension {
                    None => resource.get(&self.name),
                    Some(urn) => resource.get(urn).and_then(|extension| extension.get(&self.name)),
                };
                attribute.map_or(&[], assigned)
            }
        }
    }

    /// What is compared: the values or, in each of them, those of the sub-attribute.
    fn values<'a>(&self, subject: Subject<'a>) -> impl Iterator<Item = &'a Value> {
        self.elements(subject).iter().flat_map(|element| self.parts(element))
    }

    fn parts<'a>(&self, element: &'a Value) -> &'a [Value] {
        match &self.sub {
            None => assigned(element),
            Some(sub) => element.get(sub).map_or(&[][..], assigned),
        }
    }

    /// The values in a resource in canonical form; of several, those for which a predicate holds.
    pub(in crate::scim) fn values_where<'a>(
        &self,
        resource: &'a Map<String, Value>,
        filter: Option<&Predicate>,
    ) -> impl Iterator<Item = &'a Value> {
        let is_meant = move |one: &&Value| filter.is_none_or(|filter| filter.matches_value(one));
        let elements = self.elements(Subject::Resource(resource)).iter();
        elements.filter(is_meant).flat_map(|element| self.parts(element))
    }
}

impl Comparand {
    /// Whether a resource's value stands in a relation to this one.
    fn compares(&self, value: &Value, op: CompareOp, case_exact: bool) -> bool {
        let order = match (self, value) {
            (Self::Text(text), Value::String(value)) => {
                let value = if case_exact { Cow::Borrowed(value.as_str()) } else { folded(value) };
                match op {
                    CompareOp::Co => return value.contains(text),
                    CompareOp::Sw => return value.starts_with(text),
                    CompareOp::Ew => return value.ends_with(text),
                    _ => Some(value.as_ref().cmp(text)),
                }
            }
            (Self::Boolean(boolean), Value::Bool(value)) => Some(value.cmp(boolean)),
            (Self::Number(number), Value::Number(value)) => {
                Decimal::parse(&value.to_string()).map(|value| value.cmp(number))
            }
            (Self::Instant(moment), Value::String(value)) => {
                instant(value).map(|value| value.cmp(moment))
            }
            _ => None,
        };
        match op {
            CompareOp::Eq => order == Some(Ordering::Equal),
            CompareOp::Ne => order != Some(Ordering::Equal),
            CompareOp::Gt => order.is_some_and(Ordering::is_gt),
            CompareOp::Ge => order.is_some_and(Ordering::is_ge),
            CompareOp::Lt => order.is_some_and(Ordering::is_lt),
            CompareOp::Le => order.is_some_and(Ordering::is_le),
            CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
        }
    }
}

/// RFC 7643 §2.5: `null` and the empty array are no values; a single value is a list of one.
fn assigned(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(values) => values,
        single => slice::from_ref(single),
    }
}

/// RFC 7644 Table 3 `pr`: a value that is not empty or, if complex, has a part that is not.
fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => values.iter().any(is_present),
        Value::Object(parts) => parts.values().any(is_present),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Most texts are in their folded form already, and need no copy.
fn folded(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(fold(text))
}
