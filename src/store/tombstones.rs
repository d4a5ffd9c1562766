//! Rows of users who were deleted: their ids, and digests of what they were called by. No name is in
//! them.

use super::{Param, Row, Sql, StoreError};

/// What is left of a user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TombstoneRow {
    /// The id.
    pub id: String,
    /// The connection that managed the user, if one did.
    pub connection: Option<String>,
    /// A digest of the connection and `userName`.
    pub name: String,
    /// A digest of the connection and `externalId`, if there was one.
    pub external: Option<String>,
    /// What became of the access.
    pub fate: String,
    /// The last version's number.
    pub rev: i64,
    /// When it was, in milliseconds since the epoch.
    pub deleted: i64,
    /// Until when it is remembered.
    pub until: i64,
    /// What the user held, as a JSON array, where that was not the end of it.
    pub grants: Option<String>,
}

/// What the tenant's digests are salted with, once there has been one.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn salt(sql: &dyn Sql) -> Result<Option<String>, StoreError> {
    let rows = sql.query("SELECT value FROM salts WHERE id = 1", &[])?;
    rows.first().map(|row| row.text(0).map(str::to_owned)).transpose()
}

/// Sets that salt, which never changes.
pub fn set_salt(sql: &dyn Sql, salt: &str) -> Result<(), StoreError> {
    sql.query("INSERT INTO salts (id, value) VALUES (1, ?1)", &[Param::Text(salt)])?;
    Ok(())
}

/// When the first of them is to be forgotten.
pub fn first_until(sql: &dyn Sql) -> Result<Option<i64>, StoreError> {
    let rows = sql.query("SELECT until FROM tombstones ORDER BY until LIMIT 1", &[])?;
    rows.first().map(|row| row.integer(0)).transpose()
}

/// Adds one.
pub fn add(sql: &dyn Sql, row: &TombstoneRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO tombstones (id, connection, name, external, fate, rev, deleted, until, grants)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &[
            Param::Text(&row.id),
            text(row.connection.as_deref()),
            Param::Text(&row.name),
            text(row.external.as_deref()),
            Param::Text(&row.fate),
            Param::Integer(row.rev),
            Param::Integer(row.deleted),
            Param::Integer(row.until),
            text(row.grants.as_deref()),
        ],
    )?;
    Ok(())
}

/// Those of a name that are remembered at a moment, the latest first, at most two.
pub fn named(sql: &dyn Sql, digest: &str, now: i64) -> Result<Vec<TombstoneRow>, StoreError> {
    const STATEMENT: &str =
        "SELECT id, connection, name, external, fate, rev, deleted, until, grants FROM tombstones
         WHERE name = +?1 AND until > +?2 ORDER BY deleted DESC, id DESC LIMIT 2";
    let rows = sql.query(STATEMENT, &[Param::Text(digest), Param::Integer(now)])?;
    rows.iter().map(read).collect()
}

/// Those of an `externalId` that are remembered at a moment, at most two.
pub fn identified(sql: &dyn Sql, digest: &str, now: i64) -> Result<Vec<TombstoneRow>, StoreError> {
    const STATEMENT: &str =
        "SELECT id, connection, name, external, fate, rev, deleted, until, grants FROM tombstones
         WHERE external = +?1 AND until > +?2 LIMIT 2";
    let rows = sql.query(STATEMENT, &[Param::Text(digest), Param::Integer(now)])?;
    rows.iter().map(read).collect()
}

/// Removes one, whose user is back.
pub fn remove(sql: &dyn Sql, id: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM tombstones WHERE id = +?1", &[Param::Text(id)])?;
    Ok(())
}

/// Removes those that were to be remembered until a moment, at most so many, and what else is kept by
/// their ids.
pub fn forget(sql: &dyn Sql, now: i64, most: usize) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM suspensions WHERE user IN (
            SELECT id FROM tombstones WHERE until <= +?1 ORDER BY until, id LIMIT +?2)",
        "DELETE FROM tombstones WHERE id IN (
            SELECT id FROM tombstones WHERE until <= +?1 ORDER BY until, id LIMIT +?2)",
    ] {
        sql.query(statement, &[Param::Integer(now), Param::count(most)])?;
    }
    Ok(())
}

fn text(text: Option<&str>) -> Param<'_> {
    text.map_or(Param::Null, Param::Text)
}

fn read(row: &Row) -> Result<TombstoneRow, StoreError> {
    Ok(TombstoneRow {
        id: row.text(0)?.to_owned(),
        connection: row.text_or_null(1)?.map(str::to_owned),
        name: row.text(2)?.to_owned(),
        external: row.text_or_null(3)?.map(str::to_owned),
        fate: row.text(4)?.to_owned(),
        rev: row.integer(5)?,
        deleted: row.integer(6)?,
        until: row.integer(7)?,
        grants: row.text_or_null(8)?.map(str::to_owned),
    })
}

/// The one of an id that is remembered at a moment.
pub fn of(sql: &dyn Sql, id: &str, now: i64) -> Result<Option<TombstoneRow>, StoreError> {
    const STATEMENT: &str =
        "SELECT id, connection, name, external, fate, rev, deleted, until, grants FROM tombstones
         WHERE id = +?1 AND until > +?2";
    let rows = sql.query(STATEMENT, &[Param::Text(id), Param::Integer(now)])?;
    rows.first().map(read).transpose()
}

/// Those that are the first to be forgotten at a moment, at most so many.
pub fn due(sql: &dyn Sql, now: i64, most: usize) -> Result<Vec<TombstoneRow>, StoreError> {
    const STATEMENT: &str =
        "SELECT id, connection, name, external, fate, rev, deleted, until, grants FROM tombstones
         WHERE until <= +?1 ORDER BY until, id LIMIT +?2";
    let rows = sql.query(STATEMENT, &[Param::Integer(now), Param::count(most)])?;
    rows.iter().map(read).collect()
}
