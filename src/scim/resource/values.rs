//! RFC 7644 §3.5.2 within one attribute: how its values change.
//!
//! A single-valued attribute counts as a list of at most one value, so that `name.familyName` and
//! `emails[type eq "work"].value` go the same way. What goes in is canonical already.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::each;
use crate::gather::Gather as _;
use crate::scim::filter::index_key;
use crate::scim::fold::fold;
use crate::scim::schema::{Attribute, Found, Mutability};
use crate::scim::value::{Element, Place};

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

    /// Where the values are that a predicate selects.
    pub(super) fn positions(&self, selects: impl Fn(&Value) -> bool) -> Vec<usize> {
        let values = self.list.iter().enumerate();
        values.filter(|(_, value)| selects(value)).map(|(index, _)| index).collect()
    }

    /// The place behind the last value.
    pub(super) fn end(&self) -> usize {
        self.list.len()
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

    /// Entra, JumpCloud: drops the values that a `remove` lists. One that names no `type` means the
    /// values of every type.
    pub(super) fn remove(&mut self, listed: Vec<Element<'a>>) {
        let attribute = self.attribute;
        let listed: BTreeSet<(String, String)> = listed
            .into_iter()
            .filter_map(|element| canonical(attribute, written(Value::Null, element)))
            .map(|value| identity(attribute, &value))
            .gathered();
        self.list.retain(|value| {
            let (value, kind) = identity(attribute, value);
            let of_any_kind = (value.clone(), String::new());
            !listed.contains(&(value, kind)) && !listed.contains(&of_any_kind)
        });
    }

    /// RFC 7644 §3.5.2.1: appends to the values, or writes over the only one.
    pub(super) fn add(&mut self, element: Element<'a>) {
        let index = if self.attribute.multi_valued { self.end() } else { 0 };
        self.write(index, element);
    }

    /// Writes a value, or parts of one, to a place; the place behind the last value is new.
    pub(super) fn write(&mut self, index: usize, element: Element<'a>) {
        if index == self.end() {
            self.list.push(Value::Null);
        }
        let Some(value) = self.list.get_mut(index) else { return };
        if element.part(PRIMARY) == Some(&Value::Bool(true)) {
            self.primary.get_or_insert(index);
        }
        *value = written(value.take(), element);
    }

    /// The attribute's value in canonical form; `None` where it is unassigned.
    pub(super) fn finish(self) -> Option<Value> {
        let Self { attribute, list, primary } = self;
        let mut values: Vec<Value> = Vec::with_capacity(list.len());
        let (mut places, mut last) = (BTreeMap::new(), None);
        for (index, value) in list.into_iter().enumerate() {
            let Some(value) = canonical(attribute, value) else { continue };
            let place = *places.entry(identity(attribute, &value)).or_insert(values.len());
            if primary == Some(index) {
                last = Some(place);
            }
            match values.get_mut(place) {
                None => values.push(value),
                Some(same) => *same = united(attribute, same.take(), value),
            }
        }
        if !attribute.multi_valued {
            return values.pop();
        }
        keep_one_primary(&mut values, last);
        (!values.is_empty()).then_some(Value::Array(values))
    }
}

/// RFC 7643 §7 `required`: an attribute that has no value, or the parts that one of its values has
/// not.
pub(super) fn lacking<'a>(found: Found<'a>, value: Option<&Value>) -> Vec<Place<'a>> {
    let Found { attribute, .. } = found;
    let Some(value) = value else {
        return attribute.required.then(|| found.into()).into_iter().collect();
    };
    let is_asked_for = |sub: &&Attribute| sub.required && sub.mutability.keeps_values();
    let lacks = |sub: &&Attribute| each(value).iter().any(|one| one.get(&sub.name).is_none());
    let parts = attribute.sub_attributes.iter().filter(is_asked_for).filter(lacks);
    parts.map(|sub| Place { found, sub: Some(sub) }).collect()
}

/// RFC 7643 §7 `immutable`, of a part of an attribute with several values: whether one of these has
/// another part now. A value that is gone has none; its `value` and `type` tell which one it is.
pub(super) fn alters(attribute: &Attribute, sub: &Attribute, old: &Value, new: &Value) -> bool {
    let part = |value| (identity(attribute, value), Value::get(value, &sub.name));
    let new: BTreeMap<_, _> = each(new).iter().map(part).gathered();
    let mut old = each(old).iter().map(part);
    old.any(|(which, part)| part.is_some() && new.get(&which).is_some_and(|now| *now != part))
}

/// RFC 7643 §2.4: at most one value is primary. RFC 7644 §3.5.2: the one that was made so last.
fn keep_one_primary(values: &mut [Value], last: Option<usize>) {
    let is_primary = |value: &Value| value.get(PRIMARY) == Some(&Value::Bool(true));
    let kept = last.or_else(|| values.iter().position(is_primary));
    let others = values.iter_mut().enumerate().filter(|(index, _)| Some(*index) != kept);
    for (_, value) in others {
        if let Some(primary @ Value::Bool(true)) = value.get_mut(PRIMARY) {
            *primary = Value::Bool(false);
        }
    }
}

/// An element written over a value: the parts that it does not name stay.
fn written(value: Value, element: Element<'_>) -> Value {
    let parts = match element {
        Element::Simple(new) => return new,
        Element::Complex(parts) => parts,
    };
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

/// Two forms of one value, of which the later knows better.
fn united(attribute: &Attribute, earlier: Value, later: Value) -> Value {
    match (earlier, later) {
        (Value::Object(mut earlier), Value::Object(later)) => {
            earlier.extend(later);
            canonical(attribute, Value::Object(earlier)).unwrap_or_default()
        }
        (_, later) => later,
    }
}

/// A value with its sub-attributes in the schema's order; `None` where nothing is left of it.
fn canonical(attribute: &Attribute, value: Value) -> Option<Value> {
    let mut fields = match value {
        Value::Null => return None,
        Value::Object(fields) => fields,
        value => return Some(value),
    };
    // RFC 7643 §7 writeOnly: such a part is accepted, and not kept.
    let kept = attribute.sub_attributes.iter().filter(|s| s.mutability != Mutability::WriteOnly);
    let fields: Map<String, Value> =
        kept.filter_map(|sub| fields.remove_entry(&sub.name)).collect();
    // `type` and `primary` label a value. Of an e-mail whose `value` is cleared they are the rest.
    let has_labels = attribute.multi_valued && attribute.sub(PRIMARY).is_some();
    let labels: &[&str] = if has_labels { &["type", PRIMARY] } else { &[] };
    let is_empty = fields.keys().all(|name| labels.contains(&name.as_str()));
    (!is_empty).then_some(Value::Object(fields))
}

/// What tells a canonical value from others. RFC 7643 §2.4: no two have one `value` and one `type`.
fn identity(attribute: &Attribute, value: &Value) -> (String, String) {
    let part = |name: &str| match (attribute.sub(name)?, value.get(name)?) {
        (sub, Value::String(text)) => Some(folded(sub, text)),
        (sub, other) => index_key(sub, other),
    };
    match (value, part("value")) {
        (Value::String(text), _) => (folded(attribute, text), String::new()),
        (_, Some(value)) => (value, part("type").unwrap_or_default()),
        (Value::Object(fields), None) => {
            let fields = fields.iter().filter(|(name, _)| *name != PRIMARY);
            (String::new(), fields.map(|(name, value)| format!("{name}\0{value}\0")).collect())
        }
        (_, None) => {
            let key = index_key(attribute, value);
            (String::new(), key.unwrap_or_else(|| value.to_string()))
        }
    }
}

/// RFC 7643 §2.2 `caseExact`: the form in which equal texts are the same.
fn folded(attribute: &Attribute, text: &str) -> String {
    if attribute.compares_case_exact() { text.to_owned() } else { fold(text) }
}

/// RFC 7643 §2.4.
const PRIMARY: &str = "primary";
