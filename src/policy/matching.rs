//! `matching`: by which attributes a user who is told of is taken for one who is there.

use serde_json::Value;

use super::attributes::entries;
use crate::scim::schema::{Fault, TypeSchema};

/// Paths of attributes by which users are found, in the order in which they are asked.
#[derive(Clone, Debug)]
pub struct Matching(Vec<String>);

/// Its name in the policy document.
pub(super) const NAME: &str = "matching";

impl Default for Matching {
    fn default() -> Self {
        Self(vec!["userName".to_owned()])
    }
}

impl Matching {
    /// Reads what a policy document says; faults are added to those there are.
    pub(super) fn read(value: &Value, users: TypeSchema<'_>, faults: &mut Vec<Fault>) -> Self {
        let mut paths: Vec<String> = Vec::new();
        let entries: Vec<_> = entries(value, &format!("/{NAME}"), faults).collect();
        for (at, value) in entries {
            let named = |path: &str| value.as_str().is_some_and(|t| t.eq_ignore_ascii_case(path));
            let mut lookups = users.resource_type.lookups.iter();
            match lookups.find(|lookup| named(&lookup.path)) {
                None => faults.push(Fault::new(at, "is no attribute by which users are found")),
                Some(lookup) if paths.contains(&lookup.path) => {
                    faults.push(Fault::new(at, "is there already"));
                }
                Some(lookup) => paths.push(lookup.path.clone()),
            }
        }
        Self(paths)
    }

    /// What the document says of it.
    pub(super) fn to_json(&self) -> Value {
        self.0.iter().map(String::as_str).collect()
    }

    /// The paths, in their order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
