//! `matching`: by which attributes a user who is told of is taken for one who is there.

use serde_json::Value;

use super::reading::entries;
use crate::scim::schema::{Fault, TypeSchema};

/// Paths of attributes by which users are found, in the order in which they are asked.
#[derive(Clone, Debug)]
pub struct Matching(Vec<String>);

/// In what two users agree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Agreement {
    /// The paths of the attributes, in the policy's order.
    pub paths: Vec<String>,
    /// How sure it is that they are one, of 100.
    pub confidence: i64,
}

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
        for (at, value) in entries(value, &format!("/{NAME}"), faults) {
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

    /// How sure it is that two users are one, `agrees` being whether a value of an attribute is both's,
    /// if both have any: of these attributes, the share that agrees. None where none does.
    pub fn agreement(&self, agrees: impl Fn(&str) -> Option<bool>) -> Option<Agreement> {
        let known = self.0.iter().filter_map(|path| Some((path, agrees(path)?)));
        let known: Vec<(&String, bool)> = known.collect();
        let agreeing = known.iter().filter(|(_, agrees)| *agrees);
        let paths: Vec<String> = agreeing.map(|(path, _)| (*path).clone()).collect();
        let count = |many: usize| i64::try_from(many).unwrap_or(i64::MAX);
        let confidence = count(paths.len()).saturating_mul(100).checked_div(count(known.len()))?;
        (!paths.is_empty()).then_some(Agreement { paths, confidence })
    }

    /// The paths, in their order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
