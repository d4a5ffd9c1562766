//! Which values of a resource one means who configures: RFC 7644 §3.5.2 `PATH`, bound to a type's
//! schema, such as `name.familyName` or `emails[type eq "work"].value`.
//!
//! What could fail fails when the path is read; asking a resource for its values cannot.

use std::fmt;

use serde_json::{Map, Value};

use super::compat::Compat;
use super::filter::{Path, Predicate, Target};
use super::path::SyntaxError;
use super::schema::{Attribute, AttributeType, Schema, TypeSchema};
use super::value::{Meaning, Place, resolve};

/// A path with the meaning that a schema gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    text: String,
    target: Target,
    filter: Option<Predicate>,
    is_kept: bool,
    /// The schema that `/Schemas` shows the attribute in.
    schema: String,
}

impl Selector {
    /// Reads a path.
    ///
    /// # Errors
    /// When the text is no `PATH`, names what no schema of the type knows, or filters what has not
    /// several values.
    pub fn parse(text: &str, schema: TypeSchema<'_>) -> Result<Self, SyntaxError> {
        let compat = &Compat::GENERIC;
        let Path { mut attr, filter, sub } = Path::parse(text, compat)?;
        attr.sub = attr.sub.or(sub);
        let Some(Meaning::Place(place)) = resolve(schema, &attr, compat) else {
            return Err(SyntaxError::new(0, format!("unknown attribute `{attr}`")));
        };
        let found = place.found;
        if filter.is_some() && !found.attribute.multi_valued {
            let message = format!("`{}` has not several values", Place::from(found));
            return Err(SyntaxError::new(0, message));
        }
        let (text, filter) = match filter {
            None => (place.to_string(), None),
            Some(filter) => {
                let predicate = filter.bind_values(found.attribute, compat)?;
                let sub = place.sub.map(|sub| format!(".{}", sub.name)).unwrap_or_default();
                (format!("{}[{filter}]{sub}", Place::from(found)), Some(predicate))
            }
        };
        let keeps = |one: &Attribute| one.mutability.keeps_values();
        let is_rows = schema.resource_type.rows.as_deref() == Some(found.attribute.name.as_str());
        Ok(Self {
            text,
            target: Target::new(place),
            filter,
            is_kept: keeps(found.attribute) && place.sub.is_none_or(keeps) && !is_rows,
            schema: found.extension.unwrap_or(&schema.resource_type.schema).to_owned(),
        })
    }

    /// Whether a client may write there and what it writes is kept.
    pub const fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Whether the values are texts.
    pub const fn is_text(&self) -> bool {
        matches!(self.target.kind, AttributeType::String | AttributeType::Reference)
    }

    /// The values that a resource in canonical form has there, those that are empty left out.
    pub fn values<'r>(&self, resource: &'r Map<String, Value>) -> Vec<&'r Value> {
        let values = self.target.values_where(resource, self.filter.as_ref());
        values.filter(|value| !is_empty(value)).collect()
    }

    /// Says in a schema, where the path is one of its attributes' own, that a resource must have it.
    pub fn require_in(&self, schema: &mut Schema) {
        let attribute = match &self.filter {
            None if schema.id == self.schema => {
                schema.attributes.iter_mut().find(|one| one.name == self.target.name)
            }
            _ => None,
        };
        let Some(attribute) = attribute else { return };
        attribute.required = true;
        let mut parts = attribute.sub_attributes.iter_mut();
        if let Some(part) = parts.find(|one| Some(&one.name) == self.target.sub.as_ref()) {
            part.required = true;
        }
    }
}

/// The path, every name in its schema's case.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// RFC 7643 §2.5: what counts as no value.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}
