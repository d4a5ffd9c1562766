//! What a tenant says of its users' attributes: the parts of the policy document that name them.
//!
//! Their paths mean what the tenant's schemas say, so that they are read when these are known, and
//! read again whenever the document changes: a schema cannot go as long as a rule names it.

use serde_json::{Map, Value};

use super::attribute_maps::{self, AttributeMaps};
use super::authority::{self, Authority};
use super::constraints::{self, Constraints};
use super::matching::{self, Matching};
use super::required::{self, Required};
use crate::scim::schema::{Fault, Registry, USER};

/// Rules about attributes.
#[derive(Clone, Debug, Default)]
pub struct AttributeRules {
    /// What every user must have.
    pub required: Required,
    /// What values must look like.
    pub constraints: Constraints,
    /// Whose word counts.
    pub authority: Authority,
    /// What they are to applications.
    pub maps: AttributeMaps,
    /// By which of them users are taken for one another.
    pub matching: Matching,
}

impl AttributeRules {
    /// Their names in the document.
    pub(super) const NAMES: [&str; 5] =
        [required::NAME, constraints::NAME, authority::NAME, attribute_maps::NAME, matching::NAME];

    /// What a document makes of them; what it does not mention stays as it is.
    pub(super) fn amended(
        &self,
        document: &Map<String, Value>,
        registry: &Registry,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let Some(users) = registry.type_numbered(USER) else { return self.clone() };
        let parts = self.parts().map(|(name, own)| document.get(name).cloned().unwrap_or(own));
        let [required, constraints, authority, maps, matching] = &parts;
        Self {
            required: Required::read(required, users, faults),
            constraints: Constraints::read(constraints, users, faults),
            authority: Authority::read(authority, users, faults),
            maps: AttributeMaps::read(maps, users, faults),
            matching: Matching::read(matching, users, faults),
        }
    }

    /// Each with its name in the document.
    pub(super) fn parts(&self) -> [(&'static str, Value); 5] {
        [
            (required::NAME, self.required.to_json()),
            (constraints::NAME, self.constraints.to_json()),
            (authority::NAME, self.authority.to_json()),
            (attribute_maps::NAME, self.maps.to_json()),
            (matching::NAME, self.matching.to_json()),
        ]
    }
}
