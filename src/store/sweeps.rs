//! Deleted resources whose membership rows are still to be removed, in bounded steps.
//!
//! A deletion is immediate for every reader, since readers join memberships with resources; the
//! rows themselves can wait. A position is never given twice.

use super::{Param, Pos, Sql, StoreError};

/// Puts a resource's membership rows off to the next alarm.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn add(sql: &dyn Sql, pos: Pos) -> Result<(), StoreError> {
    sql.query("INSERT INTO sweeps (pos) VALUES (?1)", &[Param::Integer(pos.value())])?;
    Ok(())
}

/// One resource whose rows are still to be removed.
pub fn first(sql: &dyn Sql) -> Result<Option<Pos>, StoreError> {
    let rows = sql.query("SELECT pos FROM sweeps LIMIT 1", &[])?;
    rows.first().map(|row| row.integer(0).map(Pos::stored)).transpose()
}

/// Notes that a resource's rows have been removed.
pub fn done(sql: &dyn Sql, pos: Pos) -> Result<(), StoreError> {
    sql.query("DELETE FROM sweeps WHERE pos = +?1", &[Param::Integer(pos.value())])?;
    Ok(())
}

/// Removes the memberships of a deleted resource in one group.
pub fn leave(sql: &dyn Sql, group: Pos, member: Pos) -> Result<i64, StoreError> {
    let rows = sql.query(
        "DELETE FROM members WHERE grp = +?1 AND member = +?2 RETURNING 1",
        &[Param::Integer(group.value()), Param::Integer(member.value())],
    )?;
    Ok(i64::try_from(rows.len()).unwrap_or(i64::MAX))
}

/// Removes members of a deleted group, at most `limit`; whether there may be more.
pub fn empty(sql: &dyn Sql, group: Pos, limit: usize) -> Result<bool, StoreError> {
    let rows = sql.query(
        "DELETE FROM members WHERE (grp, member, origin) IN
            (SELECT grp, member, origin FROM members WHERE grp = +?1 LIMIT +?2) RETURNING 1",
        &[Param::Integer(group.value()), Param::count(limit)],
    )?;
    let more = rows.len() >= limit;
    if !more {
        sql.query("DELETE FROM dangling WHERE grp = +?1", &[Param::Integer(group.value())])?;
    }
    Ok(more)
}
