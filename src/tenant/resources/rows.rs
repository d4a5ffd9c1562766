//! What of a resource is written and removed, and how a change of it is told.

use chrono::{DateTime, Utc};

use crate::event::Verb;
use crate::limits;
use crate::scim::resource::Resource;
use crate::scim::schema::{TypeSchema, USER};
use crate::scim::{ErrorKind, ScimError};
use crate::store::resources::{self, ResourceRow};
use crate::store::{Pos, Sql, StoreError, grants, members, sweeps, transfer};
use crate::tenant::document::Document;
use crate::tenant::drift;
use crate::tenant::lookups::lookup_keys;
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
    memory.forget_hidden(sql, row.pos)?;
    memory.bookmarks.deleted(row.pos);
    if number == USER {
        memory.forget_changes(sql, &document.id)?;
    }
    if memory.any_moved && number == USER {
        transfer::forget_moved(sql, row.pos)?;
    }
    if memory.any_grants && number == USER {
        memory.note_gone(&grants::of_user(sql, row.pos)?);
        grants::delete_of(sql, row.pos)?;
    }
    drift::forget(sql, memory, row.pos)?;
    memory.dirty.touch(row.pos);
    memory.touch_name(row.pos, &document.resource);
    if row.members > 0 || members::in_any_group(sql, row.pos)? {
        sweeps::add(sql, row.pos)?;
        memory.sweeping = true;
    }
    Ok(())
}

/// Writes the next version of a group that has so many members more, if it is there; its id.
pub(in crate::tenant) fn grow(
    sql: &dyn Sql,
    group: Pos,
    by: i64,
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    let Some(row) = resources::at(sql, group)? else { return Ok(None) };
    let document = Document::decode(&row.doc)?;
    let rev = row.rev.saturating_add(1);
    let members = row.members.saturating_add(by).max(0);
    let doc = document.encode(rev, now);
    resources::update(sql, &ResourceRow { rev, members, doc, ..row })?;
    Ok(Some(document.id))
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
    match (before.is_active(), after.is_active()) {
        (true, false) => Verb::Deactivated,
        (false, true) => Verb::Activated,
        _ => Verb::Updated,
    }
}
