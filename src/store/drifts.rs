//! Rows of what keys without a connection have changed of users that a connection manages, and that the
//! connection has not written since.

use super::{Param, Pos, Row, Sql, StoreError};

/// An attribute of a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DriftRow {
    /// Where the user is.
    pub pos: Pos,
    /// The user's id.
    pub id: String,
    /// The connection that manages the user.
    pub connection: String,
    /// The attribute.
    pub path: String,
    /// The place of the event that tells of the change.
    pub since: i64,
}

/// Whether there is any.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn any(sql: &dyn Sql) -> Result<bool, StoreError> {
    Ok(!sql.query("SELECT 1 FROM drifts LIMIT 1", &[])?.is_empty())
}

/// The attributes of a user.
pub fn of_user(sql: &dyn Sql, user: Pos) -> Result<Vec<String>, StoreError> {
    let statement = "SELECT path FROM drifts WHERE pos = +?1 ORDER BY path";
    let rows = sql.query(statement, &[Param::Integer(user.value())])?;
    rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
}

/// Adds an attribute; one that is there already stays as it is.
pub fn add(sql: &dyn Sql, user: Pos, path: &str, since: i64) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO drifts (pos, path, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        &[Param::Integer(user.value()), Param::Text(path), Param::Integer(since)],
    )?;
    Ok(())
}

/// Removes an attribute.
pub fn remove(sql: &dyn Sql, user: Pos, path: &str) -> Result<(), StoreError> {
    let statement = "DELETE FROM drifts WHERE pos = +?1 AND path = +?2";
    sql.query(statement, &[Param::Integer(user.value()), Param::Text(path)])?;
    Ok(())
}

/// Removes all of a user.
pub fn remove_all(sql: &dyn Sql, user: Pos) -> Result<(), StoreError> {
    sql.query("DELETE FROM drifts WHERE pos = +?1", &[Param::Integer(user.value())])?;
    Ok(())
}

/// Those behind a user's attribute, in order, at most `limit`, of users that a connection manages.
pub fn page(
    sql: &dyn Sql,
    (pos, path): (i64, &str),
    limit: usize,
) -> Result<Vec<DriftRow>, StoreError> {
    let rows = sql.query(
        "SELECT pos, id, manager, path, since FROM drifts JOIN resources USING (pos)
         WHERE (pos, path) > (+?1, +?2) AND manager IS NOT NULL ORDER BY pos, path LIMIT +?3",
        &[Param::Integer(pos), Param::Text(path), Param::count(limit)],
    )?;
    let read = |row: &Row| {
        Ok(DriftRow {
            pos: Pos::stored(row.integer(0)?),
            id: row.text(1)?.to_owned(),
            connection: row.text(2)?.to_owned(),
            path: row.text(3)?.to_owned(),
            since: row.integer(4)?,
        })
    };
    rows.iter().map(read).collect()
}
