//! Rows of people who are to be forgotten: of whom the log still tells. One pass over the log sees to
//! all who are there when it begins.

use super::{Param, Row, Sql, StoreError};

/// A pass over the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pass {
    /// The place behind which it goes on.
    pub after: i64,
    /// The last place that it looks at.
    pub until: i64,
}

/// Has the log forget somebody.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn add(sql: &dyn Sql, user: &str) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO erasures (user, taken) VALUES (?1, 0)
         ON CONFLICT (user) DO UPDATE SET taken = 0",
        &[Param::Text(user)],
    )?;
    Ok(())
}

/// Has it forget somebody no more, who is back.
pub fn remove(sql: &dyn Sql, user: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM erasures WHERE user = +?1", &[Param::Text(user)])?;
    Ok(())
}

/// Whether anybody is still to be forgotten.
pub fn any(sql: &dyn Sql) -> Result<bool, StoreError> {
    Ok(!sql.query("SELECT 1 FROM erasures LIMIT 1", &[])?.is_empty())
}

/// The pass that is under way, if one is.
pub fn pass(sql: &dyn Sql) -> Result<Option<Pass>, StoreError> {
    let rows = sql.query("SELECT after, until FROM erasing WHERE id = 1", &[])?;
    let read = |row: &Row| Ok(Pass { after: row.integer(0)?, until: row.integer(1)? });
    rows.first().map(read).transpose()
}

/// Notes how far a pass is.
pub fn write(sql: &dyn Sql, pass: Pass) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO erasing (id, after, until) VALUES (1, ?1, ?2)
         ON CONFLICT (id) DO UPDATE SET after = ?1, until = ?2",
        &[Param::Integer(pass.after), Param::Integer(pass.until)],
    )?;
    Ok(())
}

/// Takes those who are there, at most so many, into the pass that begins.
pub fn take(sql: &dyn Sql, most: usize) -> Result<(), StoreError> {
    sql.query(
        "UPDATE erasures SET taken = 1 WHERE user IN (SELECT user FROM erasures LIMIT +?1)",
        &[Param::count(most)],
    )?;
    Ok(())
}

/// Notes that a pass is through, and those in it are forgotten, with what receivers have answered to
/// events that name their ids, alone or behind a path.
pub fn end(sql: &dyn Sql) -> Result<(), StoreError> {
    sql.query(
        "UPDATE deliveries SET answer = NULL WHERE answer IS NOT NULL AND EXISTS (
            SELECT 1 FROM events e CROSS JOIN json_tree(e.data) j
            CROSS JOIN erasures x ON x.user = substr(j.atom, -36)
            WHERE e.seq = deliveries.seq AND x.taken = 1)",
        &[],
    )?;
    sql.query("DELETE FROM erasures WHERE taken = 1", &[])?;
    sql.query("DELETE FROM erasing", &[])?;
    Ok(())
}
