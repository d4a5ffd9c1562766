//! What of a resource is written and removed, and how a change of it is told.

use serde_json::Value;

use crate::event::Verb;
use crate::limits;
use crate::scim::resource::Resource;
use crate::scim::schema::{TypeSchema, USER};
use crate::scim::{ErrorKind, ScimError};
use crate::store::resources::{self, LookupKey, ResourceRow};
use crate::store::{Sql, StoreError, grants, members, sweeps};
use crate::tenant::document::Document;
use crate::tenant::lookups::{is_unique, lookup_keys};
use crate::tenant::memory::Memory;
use crate::tenant::work::{Failure, Work};

/// Removes a resource's rows. Membership rows of it are invisible at once and are removed by alarm.
pub(in crate::tenant) fn take_away(
    sql: &dyn Sql,
    memory: &mut Memory,
    schema: TypeSchema<'_>,
    row: &ResourceRow,
    document: &Document,
) -> Result<(), StoreError> {
    let number = row.pos.type_number();
    let mut count = memory.count(number);
    count.live = count.live.saturating_sub(1);
    resources::delete(sql, row.pos, &lookup_keys(&document.resource, schema), count)?;
    memory.set_count(number, count);
    memory.bookmarks.deleted(row.pos);
    if number == USER {
        memory.forget_changes(sql, row.pos, &document.id)?;
    }
    if memory.any_grants && number == USER {
        memory.note_gone(&grants::of_user(sql, row.pos)?);
        grants::delete_of(sql, row.pos)?;
    }
    memory.dirty.touch(row.pos);
    if row.members > 0 || members::in_any_group(sql, row.pos)? {
        sweeps::add(sql, row.pos)?;
        memory.sweeping = true;
    }
    Ok(())
}

/// A version's document: 413 when a row could not hold it.
pub(super) fn encoded(
    document: &Document,
    rev: i64,
    work: &Work<'_, '_>,
) -> Result<Vec<u8>, Failure> {
    let bytes = document.encode(rev, work.now());
    if bytes.len() > limits::RESOURCE_BYTES {
        let detail = "the resource is too large";
        return Err(ScimError::new(ErrorKind::PayloadTooLarge, detail).into());
    }
    Ok(bytes)
}

/// A write that flips `active` is told as that.
pub(in crate::tenant) fn updated(before: &Resource, after: &Resource) -> Verb {
    let active = |resource: &Resource| resource.as_map().get("active") != Some(&Value::Bool(false));
    match (active(before), active(after)) {
        (true, false) => Verb::Deactivated,
        (false, true) => Verb::Activated,
        _ => Verb::Updated,
    }
}

impl Work<'_, '_> {
    /// Refuses a value that must be unique and that another resource has.
    pub(in crate::tenant) fn unused(
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
