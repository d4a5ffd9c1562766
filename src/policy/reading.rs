//! What the readers of the policy document's parts have in common: each tells the place of every fault.

use serde_json::{Map, Value};

use crate::limits;
use crate::scim::schema::{Fault, TypeSchema};
use crate::scim::selector::Selector;

/// Reads an object.
pub(super) fn object<'v>(
    value: &'v Value,
    at: &str,
    faults: &mut Vec<Fault>,
) -> Option<&'v Map<String, Value>> {
    let fields = value.as_object();
    if fields.is_none() {
        faults.push(Fault::new(at, "is not an object"));
    }
    fields
}

/// Reads an object that has no fields but those known.
pub(super) fn object_of<'v>(
    known: &[&str],
    value: &'v Value,
    at: &str,
    faults: &mut Vec<Fault>,
) -> Option<&'v Map<String, Value>> {
    let fields = object(value, at, faults)?;
    let others = fields.keys().filter(|name| !known.contains(&name.as_str()));
    faults.extend(others.map(|name| unknown(at, name)));
    Some(fields)
}

/// A field that no version up to this one has.
pub(super) fn unknown(at: &str, name: &str) -> Fault {
    Fault::within(at, name, "is not known to this version")
}

/// The elements of a list that stands at a place and has at most so many.
pub(super) fn list<'v>(value: &'v Value, at: &str, most: usize) -> Result<&'v [Value], Vec<Fault>> {
    match value {
        Value::Array(list) if list.len() <= most => Ok(list),
        Value::Array(_) => Err(vec![Fault::new(at, format!("has more than {most}"))]),
        _ => Err(vec![Fault::new(at, "is not a list")]),
    }
}

/// Reads a list of at most so many entries as the policy document has them.
pub(super) fn entries<'v>(
    value: &'v Value,
    at: &str,
    faults: &mut Vec<Fault>,
) -> Vec<(String, &'v Value)> {
    let list = match value {
        Value::Array(list) if list.len() <= limits::ATTRIBUTE_RULES => list.as_slice(),
        Value::Array(_) => {
            let most = limits::ATTRIBUTE_RULES;
            faults.push(Fault::new(at, format_args!("has more than {most} entries")));
            &[]
        }
        _ => {
            faults.push(Fault::new(at, "is not a list"));
            &[]
        }
    };
    list.iter().enumerate().map(|(index, value)| (format!("{at}/{index}"), value)).collect()
}

/// Reads the path of an attribute that clients write.
pub(super) fn written(
    value: &Value,
    at: &str,
    users: TypeSchema<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Selector> {
    let selector = selector(value, at, users, faults)?;
    if selector.is_kept() {
        return Some(selector);
    }
    faults.push(Fault::new(at, "is no attribute that a client writes and that is kept"));
    None
}

/// Reads the path of an attribute.
fn selector(
    value: &Value,
    at: &str,
    users: TypeSchema<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Selector> {
    let Value::String(text) = value else {
        faults.push(Fault::new(at, "is not a text"));
        return None;
    };
    match Selector::parse(text, users) {
        Ok(selector) => Some(selector),
        Err(error) => {
            faults.push(Fault::new(at, error.message()));
            None
        }
    }
}

/// Whether a text may name a role, or a group that is granted.
pub(super) fn is_name(text: &str) -> bool {
    (1..=limits::ROLE_CHARACTERS).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
}
