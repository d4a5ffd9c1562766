//! Rows of imports of users: how far each has come, and what has become of its rows.

use super::{Param, Row, Sql, StoreError};

/// An import.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ImportRow {
    /// Its id; those of later ones are greater.
    pub id: String,
    /// When it began, in milliseconds since the epoch.
    pub begun: i64,
    /// How many of its parts are done.
    pub parts: i64,
    /// How many users it has made.
    pub created: i64,
    /// How many it has changed.
    pub updated: i64,
    /// How many were as it says.
    pub unchanged: i64,
    /// How many of its rows were refused.
    pub failed: i64,
    /// Which of them, and why: a JSON array.
    pub errors: String,
}

/// The import of an id.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn by_id(sql: &dyn Sql, id: &str) -> Result<Option<ImportRow>, StoreError> {
    const STATEMENT: &str = "SELECT id, begun, parts, created, updated, unchanged, failed, errors
         FROM imports WHERE id = +?1";
    let rows = sql.query(STATEMENT, &[Param::Text(id)])?;
    rows.first().map(read).transpose()
}

/// All of them, in the order in which they began.
pub fn all(sql: &dyn Sql) -> Result<Vec<ImportRow>, StoreError> {
    const STATEMENT: &str = "SELECT id, begun, parts, created, updated, unchanged, failed, errors
         FROM imports ORDER BY id";
    sql.query(STATEMENT, &[])?.iter().map(read).collect()
}

/// Writes how far one has come.
pub fn write(sql: &dyn Sql, row: &ImportRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT OR REPLACE INTO imports
            (id, begun, parts, created, updated, unchanged, failed, errors)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[
            Param::Text(&row.id),
            Param::Integer(row.begun),
            Param::Integer(row.parts),
            Param::Integer(row.created),
            Param::Integer(row.updated),
            Param::Integer(row.unchanged),
            Param::Integer(row.failed),
            Param::Text(&row.errors),
        ],
    )?;
    Ok(())
}

/// Forgets all but so many of the last.
pub fn keep_last(sql: &dyn Sql, most: usize) -> Result<(), StoreError> {
    sql.query(
        "DELETE FROM imports
         WHERE id IN (SELECT id FROM imports ORDER BY id DESC LIMIT -1 OFFSET +?1)",
        &[Param::count(most)],
    )?;
    Ok(())
}

fn read(row: &Row) -> Result<ImportRow, StoreError> {
    Ok(ImportRow {
        id: row.text(0)?.to_owned(),
        begun: row.integer(1)?,
        parts: row.integer(2)?,
        created: row.integer(3)?,
        updated: row.integer(4)?,
        unchanged: row.integer(5)?,
        failed: row.integer(6)?,
        errors: row.text(7)?.to_owned(),
    })
}
