//! What the messages of RFC 7644 have in common.

use serde_json::{Map, Value};

/// A field of a message. RFC 7643 §2.1: names do not depend on case, those of a message neither.
pub fn field<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A field of a message, which then is null.
pub(super) fn taken(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let mut fields = fields.iter_mut();
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.take())
}

/// Whether `schemas` names one URN and no other.
pub fn is_declared(fields: &Map<String, Value>, urn: &str) -> bool {
    let is_urn = |other: &Value| other.as_str().is_some_and(|u| u.eq_ignore_ascii_case(urn));
    let schemas = field(fields, "schemas").and_then(Value::as_array);
    schemas.is_some_and(|urns| urns.len() == 1 && urns.iter().all(is_urn))
}
