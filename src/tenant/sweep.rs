//! What a deletion put off: its membership rows, removed by alarm in bounded steps.

use chrono::{DateTime, Utc};

use super::document::Document;
use crate::limits;
use crate::scim::schema::GROUP;
use crate::store::resources::{self, ResourceRow};
use crate::store::{Pos, Sql, StoreError, members, sweeps};

/// Does one step; whether more is left.
pub(super) fn step(sql: &dyn Sql, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let Some(deleted) = sweeps::first(sql)? else { return Ok(false) };
    let more = deleted.type_number() == GROUP && sweeps::empty(sql, deleted, limits::SWEEP_ROWS)?;
    let groups =
        if more { Vec::new() } else { members::groups_of(sql, deleted, limits::SWEEP_GROUPS)? };
    for group in &groups {
        leave(sql, *group, deleted, now)?;
    }
    if !more && groups.len() < limits::SWEEP_GROUPS {
        sweeps::done(sql, deleted)?;
    }
    Ok(sweeps::first(sql)?.is_some())
}

/// Removes a deleted resource from a group, whose version changes with its members.
fn leave(sql: &dyn Sql, group: Pos, deleted: Pos, now: DateTime<Utc>) -> Result<(), StoreError> {
    let left = sweeps::leave(sql, group, deleted)?;
    let Some(row) = resources::at(sql, group)? else { return Ok(()) };
    let document = Document::decode(&row.doc)?;
    let rev = row.rev.saturating_add(1);
    let after = ResourceRow {
        rev,
        members: row.members.saturating_sub(left).max(0),
        doc: document.encode(rev, now),
        ..row
    };
    resources::update(sql, &after)
}
