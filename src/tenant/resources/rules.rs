//! What a tenant asks of its resources beyond their schemas, asked of what a request makes of one.
//!
//! What was so before a rule was made is not for a later request to mend, unless that says the whole
//! of the resource: a PATCH may not take away what is required, nor bring a value that breaks a rule.
//! Deactivating a user never fails for what the user lacks.

use serde_json::Value;

use crate::scim::resource::Resource;
use crate::scim::schema::{Schema, TypeSchema, USER};
use crate::scim::{ErrorKind, ScimError};
use crate::tenant::work::Work;

/// What a request writes, and what is there before.
#[derive(Clone, Copy)]
pub(super) enum Written<'r> {
    /// A resource that is new: POST.
    New,
    /// All of a resource: PUT.
    Over(&'r Resource),
    /// Parts of a resource: PATCH.
    In(&'r Resource),
}

impl<'r> Written<'r> {
    const fn before(self) -> Option<&'r Resource> {
        match self {
            Self::New => None,
            Self::Over(before) | Self::In(before) => Some(before),
        }
    }
}

impl Work<'_, '_> {
    /// Refuses what a resource must not become: 400 `invalidValue`.
    pub(super) fn obey(
        &self,
        schema: TypeSchema<'_>,
        written: Written<'_>,
        after: &Resource,
    ) -> Result<(), ScimError> {
        if schema.resource_type.number != USER {
            return Ok(());
        }
        self.has_what_is_required(written, after)?;
        let (before, after) = (written.before().map(Resource::as_map), after.as_map());
        match self.memory.policy.attributes.constraints.broken(before, after) {
            Some(detail) => Err(ScimError::new(ErrorKind::InvalidValue, detail)),
            None => Ok(()),
        }
    }

    fn has_what_is_required(
        &self,
        written: Written<'_>,
        after: &Resource,
    ) -> Result<(), ScimError> {
        let required = &self.memory.policy.attributes.required;
        let mut missing = required.missing(after.as_map());
        let is_inactive = after.value("active") == Some(&Value::Bool(false));
        match written {
            Written::New => {}
            Written::Over(_) if !is_inactive => {}
            Written::Over(before) | Written::In(before) => {
                let lacked = required.missing(before.as_map());
                missing.retain(|path| !lacked.contains(path));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<String> = missing.iter().map(|path| format!("`{path}`")).collect();
        let detail = format!("this tenant requires {}", missing.join(", "));
        Err(ScimError::new(ErrorKind::InvalidValue, detail))
    }

    /// A schema as the tenant's rules have it.
    pub(in crate::tenant) fn with_rules(&self, schema: &Schema) -> Schema {
        let mut schema = schema.clone();
        self.memory.policy.attributes.required.show_in(&mut schema);
        schema
    }
}
