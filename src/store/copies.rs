//! Rows of the copies that the edge reads: which there may be, and what has to be copied although no
//! event names it.

use super::{Param, Pos, Row, Sql, StoreError};

/// What becomes of a tenant's copies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DirectoryRow {
    /// `on`, `off` or `erasing`.
    pub state: String,
    /// Which secret gives the names.
    pub names_by: String,
    /// The place behind which all are made anew, as long as they are.
    pub pass: Option<Pos>,
    /// Since when they are made, in seconds since the epoch.
    pub since: i64,
}

/// The copies that there may be of one resource.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CopyRow {
    /// Under which names.
    pub names: Vec<String>,
    /// The `externalId` that gives one of them: others may have it, too.
    pub external: Option<String>,
}

/// What becomes of the copies, if there are any.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn directory(sql: &dyn Sql) -> Result<Option<DirectoryRow>, StoreError> {
    let rows = sql.query("SELECT state, names_by, pass, since FROM directory WHERE id = 1", &[])?;
    let read = |row: &Row| {
        Ok(DirectoryRow {
            state: row.text(0)?.to_owned(),
            names_by: row.text(1)?.to_owned(),
            pass: row.integer_or_null(2)?.map(Pos::stored),
            since: row.integer(3)?,
        })
    };
    rows.first().map(read).transpose()
}

/// Whether there are any, in tables of whatever version.
pub fn are_there(sql: &dyn Sql) -> Result<bool, StoreError> {
    let table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'directory' LIMIT 1";
    Ok(!sql.query(table, &[])?.is_empty() && directory(sql)?.is_some())
}

/// Notes what becomes of them.
pub fn set_directory(sql: &dyn Sql, row: &DirectoryRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO directory (id, state, names_by, pass, since) VALUES (1, ?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET state = ?1, names_by = ?2, pass = ?3, since = ?4",
        &[
            Param::Text(&row.state),
            Param::Text(&row.names_by),
            row.pass.map_or(Param::Null, |pos| Param::Integer(pos.value())),
            Param::Integer(row.since),
        ],
    )?;
    Ok(())
}

/// Notes that there are none any more.
pub fn end(sql: &dyn Sql) -> Result<(), StoreError> {
    for statement in ["DELETE FROM directory", "DELETE FROM touches", "DELETE FROM copies"] {
        sql.query(statement, &[])?;
    }
    Ok(())
}

/// The copies that there may be of a resource.
pub fn of(sql: &dyn Sql, id: &str) -> Result<Option<CopyRow>, StoreError> {
    let rows =
        sql.query("SELECT id, names, external FROM copies WHERE id = +?1", &[Param::Text(id)])?;
    Ok(rows.first().map(read).transpose()?.map(|(_, row)| row))
}

/// Those of some resources, at most `limit`.
pub fn first(sql: &dyn Sql, limit: usize) -> Result<Vec<(String, CopyRow)>, StoreError> {
    let statement = "SELECT id, names, external FROM copies ORDER BY id LIMIT +?1";
    sql.query(statement, &[Param::count(limit)])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<(String, CopyRow), StoreError> {
    let names = row.text(1)?.split_ascii_whitespace().map(str::to_owned).collect();
    let external = row.text_or_null(2)?.map(str::to_owned);
    Ok((row.text(0)?.to_owned(), CopyRow { names, external }))
}

/// Notes which copies there may be of a resource; none for nothing.
pub fn put(sql: &dyn Sql, id: &str, row: Option<&CopyRow>) -> Result<(), StoreError> {
    let Some(CopyRow { names, external }) = row else {
        sql.query("DELETE FROM copies WHERE id = +?1", &[Param::Text(id)])?;
        return Ok(());
    };
    let names = names.join(" ");
    sql.query(
        "INSERT INTO copies (id, names, external) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET names = ?2, external = ?3",
        &[
            Param::Text(id),
            Param::Text(&names),
            external.as_deref().map_or(Param::Null, Param::Text),
        ],
    )?;
    Ok(())
}

/// Notes that a resource has changed, and no event names it.
pub fn touch(sql: &dyn Sql, pos: Pos) -> Result<(), StoreError> {
    sql.query("INSERT INTO touches (pos) VALUES (?1)", &[Param::Integer(pos.value())])?;
    Ok(())
}

/// The first of these resources, at most `limit`, each with its number.
pub fn touched(sql: &dyn Sql, limit: usize) -> Result<Vec<(i64, Pos)>, StoreError> {
    let statement = "SELECT number, pos FROM touches ORDER BY number LIMIT +?1";
    let rows = sql.query(statement, &[Param::count(limit)])?;
    rows.iter().map(|row| Ok((row.integer(0)?, Pos::stored(row.integer(1)?)))).collect()
}

/// Notes that they have been copied, up to a number.
pub fn untouch(sql: &dyn Sql, until: i64) -> Result<(), StoreError> {
    sql.query("DELETE FROM touches WHERE number <= +?1", &[Param::Integer(until)])?;
    Ok(())
}
