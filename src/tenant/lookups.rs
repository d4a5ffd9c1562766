//! The values by which a resource is found: which they are, and which a change adds and drops.

use serde_json::Value;

use super::work::{Failure, Work};
use crate::limits;
use crate::scim::filter::index_key;
use crate::scim::resource::Resource;
use crate::scim::schema::{Lookup, TypeSchema, Uniqueness};
use crate::scim::{ErrorKind, ScimError};
use crate::store::resources::{self, ABSENT, LookupKey};

/// The values by which a resource is found, in the form in which they are compared; and for an
/// attribute by which lists are in order and that has no value, that it has none.
pub(super) fn lookup_keys(resource: &Resource, schema: TypeSchema<'_>) -> Vec<LookupKey> {
    let mut keys = Vec::new();
    for lookup in &schema.resource_type.lookups {
        let Some(leaf) = schema.leaf(&lookup.path) else { continue };
        let before = keys.len();
        let values = resource.values(&lookup.path);
        keys.extend(values.filter_map(|value| Some((lookup.number, index_key(leaf, value)?))));
        let orders = lookup.ordered && schema.is_single_valued(&lookup.path);
        if keys.len() == before && orders {
            keys.push((lookup.number | ABSENT, String::new()));
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

/// The key under which a text is found among an attribute's values, where an index has them.
pub(super) fn key_for(schema: TypeSchema<'_>, path: &str, text: &str) -> Option<LookupKey> {
    let lookup = schema.resource_type.lookup(path)?;
    Some((lookup.number, index_key(schema.leaf(path)?, &Value::from(text))?))
}

/// The keys under which an attribute's values are found, among a resource's.
pub(super) fn keys_of<'k>(
    schema: TypeSchema<'_>,
    path: &str,
    keys: &'k [LookupKey],
) -> impl Iterator<Item = &'k LookupKey> {
    let number = schema.resource_type.lookup(path).map(|lookup| lookup.number);
    keys.iter().filter(move |(other, _)| Some(*other) == number)
}

/// Whether no two resources of a type may have a value that finds them.
pub(super) fn is_unique(lookup: &Lookup, schema: TypeSchema<'_>) -> bool {
    schema.leaf(&lookup.path).is_some_and(|leaf| leaf.uniqueness != Uniqueness::None)
}

/// Those keys that are not among others.
pub(super) fn missing_from(keys: &[LookupKey], others: &[LookupKey]) -> Vec<LookupKey> {
    keys.iter().filter(|key| !others.contains(key)).cloned().collect()
}

impl Work<'_, '_> {
    /// Refuses a value that must be unique and that another resource has.
    pub(super) fn unused(
        &self,
        schema: TypeSchema<'_>,
        gained: &[LookupKey],
    ) -> Result<(), Failure> {
        for lookup in &schema.resource_type.lookups {
            if !is_unique(lookup, schema) {
                continue;
            }
            for key in gained.iter().filter(|(attribute, _)| *attribute == lookup.number) {
                if !resources::find(self.sql, schema.resource_type.number, key, 1)?.is_empty() {
                    let detail = format!("another resource has this `{}`", lookup.path);
                    return Err(ScimError::new(ErrorKind::Uniqueness, detail).into());
                }
            }
        }
        Ok(())
    }
}
