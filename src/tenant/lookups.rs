//! The values by which a resource is found: which they are, and which a change adds and drops.

use serde_json::Value;

use crate::limits;
use crate::scim::fold::fold;
use crate::scim::resource::Resource;
use crate::scim::schema::{Lookup, TypeSchema, Uniqueness};
use crate::scim::{ErrorKind, ScimError};
use crate::store::resources::{ABSENT, LookupKey};

/// The values by which a resource is found, folded where case does not matter; and for an attribute
/// that may have one value and has none, that it has none.
pub(super) fn lookup_keys(resource: &Resource, schema: TypeSchema<'_>) -> Vec<LookupKey> {
    let mut keys = Vec::new();
    for lookup in &schema.resource_type.lookups {
        let (name, sub) = match lookup.path.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (lookup.path.as_str(), None),
        };
        let Some(found) = schema.attribute(None, name) else { continue };
        let attribute = sub.and_then(|sub| found.attribute.sub(sub)).unwrap_or(found.attribute);
        let texts = texts(resource.as_map().get(name), sub);
        if texts.is_empty() && !found.attribute.multi_valued && !attribute.multi_valued {
            keys.push((lookup.number | ABSENT, String::new()));
        }
        for text in texts {
            let text = if attribute.compares_case_exact() { text.to_owned() } else { fold(text) };
            keys.push((lookup.number, text));
        }
    }
    keys.sort();
    keys.dedup();
    keys
}

/// The values by which a resource is to be found, none of them too long.
pub(super) fn new_keys(
    resource: &Resource,
    schema: TypeSchema<'_>,
) -> Result<Vec<LookupKey>, ScimError> {
    let keys = lookup_keys(resource, schema);
    let too_long = keys.iter().find(|(_, key)| key.len() > limits::LOOKUP_BYTES);
    let mut lookups = schema.resource_type.lookups.iter();
    match too_long.and_then(|(number, _)| lookups.find(|lookup| lookup.number == *number)) {
        None => Ok(keys),
        Some(Lookup { path, .. }) => {
            let detail = format!("`{path}` is longer than {} bytes", limits::LOOKUP_BYTES);
            Err(ScimError::new(ErrorKind::InvalidValue, detail))
        }
    }
}

/// Whether no two resources of a type may have a value that finds them.
pub(super) fn is_unique(lookup: &Lookup, schema: TypeSchema<'_>) -> bool {
    let found = schema.attribute(None, &lookup.path);
    found.is_some_and(|found| found.attribute.uniqueness != Uniqueness::None)
}

/// Those keys that are not among others.
pub(super) fn missing_from(keys: &[LookupKey], others: &[LookupKey]) -> Vec<LookupKey> {
    keys.iter().filter(|key| !others.contains(key)).cloned().collect()
}

/// The texts of an attribute, or of a part of each of its values.
fn texts<'v>(value: Option<&'v Value>, sub: Option<&str>) -> Vec<&'v str> {
    let part = |value: &'v Value| match sub {
        Some(sub) => value.get(sub).and_then(Value::as_str),
        None => value.as_str(),
    };
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(part).collect(),
        Some(value) => part(value).into_iter().collect(),
        None => Vec::new(),
    }
}
