//! RFC 7644 §3.5.2 within one attribute: how its values change.
//!
//! A single-valued attribute counts as a list of at most one value, so that `name.familyName` and
//! `emails[type eq "work"].value` go the same way. What goes in is canonical already.

use serde_json::{Map, Value};

use crate::scim::fold::fold;
use crate::scim::schema::Attribute;
use crate::scim::value::{Element, Parts};

/// The values of one attribute while an operation works on them.
#[derive(Debug)]
pub(super) struct Values<'a> {
    attribute: &'a Attribute,
    list: Vec<Value>,
    /// The value that the operation makes the primary one; the first, where it makes several.
    primary: Option<usize>,
}

impl<'a> Values<'a> {
    /// What the attribute holds before the operation.
    pub(super) fn new(attribute: &'a Attribute, value: Option<Value>) -> Self {
        let list = match value {
            Some(Value::Array(list)) if attribute.multi_valued => list,
            value => value.into_iter().collect(),
        };
        Self { attribute, list, primary: None }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Where the values are that a predicate selects.
    pub(super) fn positions(&self, selects: impl Fn(&Value) -> bool) -> Vec<usize> {
        let values = self.list.iter().enumerate();
        values.filter(|(_, value)| selects(value)).map(|(index, _)| index).collect()
    }

    /// Drops all values.
    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    /// Drops a value but keeps its place.
    pub(super) fn clear_at(&mut self, index: usize) {
        if let Some(value) = self.list.get_mut(index) {
            *value = Value::Null;
        }
    }

    /// Entra, JumpCloud: drops the values that a `remove` lists.
    pub(super) fn remove(&mut self, listed: &[Element<'a>]) {
        let attribute = self.attribute;
        self.list.retain(|value| !listed.iter().any(|each| is_meant(attribute, value, each)));
    }

    /// RFC 7644 §3.5.2.1: a value that is there is not added again, but takes over the new parts.
    pub(super) fn add(&mut self, element: Element<'a>) {
        let attribute = self.attribute;
        let is_there = |value| !attribute.multi_valued || is_same(attribute, value, &element);
        let index = self.list.iter().position(is_there).unwrap_or(self.list.len());
        self.write(index, element);
    }

    /// Writes a value, or parts of one, to a place; the one behind the last is new.
    pub(super) fn write(&mut self, index: usize, element: Element<'a>) {
        if index == self.list.len() {
            self.list.push(Value::Null);
        }
        let Some(value) = self.list.get_mut(index) else { return };
        match element {
            Element::Simple(new) => *value = new,
            Element::Complex(parts) => {
                if part(&parts, PRIMARY) == Some(&Value::Bool(true)) {
                    self.primary.get_or_insert(index);
                }
                *value = merged(value.take(), parts);
            }
        }
    }

    /// The attribute's value in canonical form; `None` where it is unassigned.
    pub(super) fn finish(mut self) -> Option<Value> {
        self.keep_one_primary();
        let Self { attribute, list, .. } = self;
        let mut values = list.into_iter().filter_map(|value| canonical(attribute, value));
        if !attribute.multi_valued {
            return values.next();
        }
        let values: Vec<Value> = values.collect();
        (!values.is_empty()).then_some(Value::Array(values))
    }

    /// RFC 7643 §2.4: at most one value is primary. RFC 7644 §3.5.2: the one made so last.
    fn keep_one_primary(&mut self) {
        let is_primary = |value: &Value| value.get(PRIMARY) == Some(&Value::Bool(true));
        let kept = self.primary.or_else(|| self.list.iter().position(is_primary));
        let others = self.list.iter_mut().enumerate().filter(|(index, _)| Some(*index) != kept);
        for (_, value) in others {
            if let Some(primary @ Value::Bool(true)) = value.get_mut(PRIMARY) {
                *primary = Value::Bool(false);
            }
        }
    }
}

/// The parts written over a complex value.
fn merged(value: Value, parts: Parts<'_>) -> Value {
    let mut fields = match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    // A `$ref` is the URI of what `value` names, so it does not outlive it.
    if parts.iter().any(|(sub, new)| sub.name == "value" && fields.get("value") != new.as_ref()) {
        fields.shift_remove("$ref");
    }
    for (sub, new) in parts {
        match new {
            Some(new) => fields.insert(sub.name.clone(), new),
            None => fields.shift_remove(&sub.name),
        };
    }
    Value::Object(fields)
}

/// A value with its sub-attributes in the schema's order; `None` where nothing is left of it.
fn canonical(attribute: &Attribute, value: Value) -> Option<Value> {
    let mut fields = match value {
        Value::Null => return None,
        Value::Object(fields) => fields,
        value => return Some(value),
    };
    let fields: Map<String, Value> =
        attribute.sub_attributes.iter().filter_map(|sub| fields.remove_entry(&sub.name)).collect();
    // `type` and `primary` label a value. Of an e-mail whose `value` is cleared they are the rest.
    let labels: &[&str] = if attribute.multi_valued { &["type", PRIMARY] } else { &[] };
    let is_empty = fields.keys().all(|name| labels.contains(&name.as_str()));
    (!is_empty).then_some(Value::Object(fields))
}

/// Whether an element is a value over again. RFC 7643 §2.4: `value` and `type` tell values apart.
fn is_same(attribute: &Attribute, value: &Value, element: &Element<'_>) -> bool {
    compares(attribute, value, element, |there| there.is_none())
}

/// Whether an element means a value. It need not spell out all of it.
fn is_meant(attribute: &Attribute, value: &Value, element: &Element<'_>) -> bool {
    compares(attribute, value, element, |_| true)
}

/// Compares an element with a value in what tells values apart, or in everything where it has no
/// `value`; `otherwise` decides about the parts that the element does not have.
fn compares(
    attribute: &Attribute,
    value: &Value,
    element: &Element<'_>,
    otherwise: impl Fn(Option<&Value>) -> bool,
) -> bool {
    let parts = match element {
        Element::Simple(new) => return equal(attribute, value, new),
        Element::Complex(parts) => parts,
    };
    let has_value = part(parts, "value").is_some();
    let mut subs = attribute.sub_attributes.iter();
    element.has_value()
        && subs.all(|sub| match (value.get(&sub.name), part(parts, &sub.name)) {
            _ if has_value && sub.name != "value" && sub.name != "type" => true,
            (there, None) => otherwise(there),
            (there, Some(new)) => there.is_some_and(|there| equal(sub, there, new)),
        })
}

/// RFC 7643 §2.2 `caseExact`.
fn equal(attribute: &Attribute, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) if !attribute.case_exact => {
            let is_ascii = a.is_ascii() && b.is_ascii();
            if is_ascii { a.eq_ignore_ascii_case(b) } else { fold(a) == fold(b) }
        }
        (a, b) => a == b,
    }
}

fn part<'p>(parts: &'p Parts<'_>, name: &str) -> Option<&'p Value> {
    parts.iter().rev().find(|(sub, _)| sub.name == name).and_then(|(_, value)| value.as_ref())
}

/// RFC 7643 §2.4.
const PRIMARY: &str = "primary";
