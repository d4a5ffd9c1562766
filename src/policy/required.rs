//! `requiredAttributes`: what every user of the tenant must have.

use serde_json::{Map, Value};

use super::reading::{entries, written};
use crate::scim::schema::{Fault, Schema, TypeSchema};
use crate::scim::selector::Selector;

/// Paths of attributes.
#[derive(Clone, Debug, Default)]
pub struct Required(Vec<Selector>);

/// Its name in the policy document.
pub(super) const NAME: &str = "requiredAttributes";

impl Required {
    /// Reads what a policy document says; faults are added to those there are.
    pub(super) fn read(value: &Value, users: TypeSchema<'_>, faults: &mut Vec<Fault>) -> Self {
        let mut paths: Vec<Selector> = Vec::new();
        for (at, value) in entries(value, &format!("/{NAME}"), faults) {
            match written(value, &at, users, faults) {
                Some(path) if paths.contains(&path) => {
                    faults.push(Fault::new(at, "is there already"));
                }
                path => paths.extend(path),
            }
        }
        Self(paths)
    }

    /// What the document says of it.
    pub(super) fn to_json(&self) -> Value {
        self.0.iter().map(Selector::to_string).collect()
    }

    /// Those of which a user has no value.
    pub fn missing(&self, user: &Map<String, Value>) -> Vec<&Selector> {
        self.0.iter().filter(|path| path.values(user).is_empty()).collect()
    }

    /// Says in a schema what of its attributes is required.
    pub fn show_in(&self, schema: &mut Schema) {
        for path in &self.0 {
            path.require_in(schema);
        }
    }
}
