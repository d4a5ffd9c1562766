//! What the log may tell of a resource's values.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Resource, each_mut};
use crate::scim::schema::{Attribute, Returned, TypeSchema, split_sub, split_urn};

impl Resource {
    /// What may be told of the values at canonical paths, null being no value; and the paths of which
    /// something is not told. RFC 7643 §7: what is never returned is not told in any other way, and its
    /// path neither. Of what refers to another resource, ids are told and nothing else: the rest is what
    /// somebody else is called, who may want it forgotten.
    pub fn told(
        &self,
        paths: &[String],
        schema: TypeSchema<'_>,
    ) -> (Map<String, Value>, Vec<String>) {
        let is_secret = |one: &Attribute| one.returned == Returned::Never;
        let (mut told, mut left_out) = (Map::new(), Vec::new());
        for path in paths {
            let (urn, names) = split_urn(path);
            let (name, sub) = split_sub(names);
            let Some(found) = schema.attribute(urn, name) else { continue };
            let attribute = found.attribute;
            let part = sub.and_then(|sub| attribute.sub(sub));
            if is_secret(attribute) || part.is_some_and(is_secret) {
                continue;
            }
            let mut value = self.value(path).cloned().unwrap_or_default();
            for fields in each_mut(&mut value).iter_mut().filter_map(Value::as_object_mut) {
                fields.retain(|name, _| !attribute.sub(name).is_some_and(is_secret));
            }
            if value.is_null() || attribute.sub(REFERENCE).is_none() {
                told.insert(path.clone(), value);
                continue;
            }
            let ids = match sub {
                None => ids_in(&value),
                Some(VALUE) => own_id(&value).cloned(),
                Some(_) => None,
            };
            if ids.as_ref() != Some(&value) {
                left_out.push(path.clone());
            }
            told.extend(ids.map(|ids| (path.clone(), ids)));
        }
        (told, left_out)
    }
}

/// The ids in the values of an attribute, if there are any.
fn ids_in(values: &Value) -> Option<Value> {
    let id = |one: &Value| {
        let id = own_id(one.get(VALUE)?)?.clone();
        Some(Map::from_iter([(VALUE.to_owned(), id)]).into())
    };
    let ids: Vec<Value> = values.as_array()?.iter().filter_map(id).collect();
    (!ids.is_empty()).then(|| ids.into())
}

/// An id as this service gives it, which names nobody; those of others may.
fn own_id(value: &Value) -> Option<&Value> {
    let id = Uuid::try_parse(value.as_str()?).ok()?;
    (id.get_version_num() == 7).then_some(value)
}

const REFERENCE: &str = "$ref";
const VALUE: &str = "value";
