//! Rows of brakes: how many users' access each connection has ended of late, where the tenant holds
//! that to a number.

use super::{Param, Row, Sql, StoreError};

/// What is known of a connection.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BrakeRow {
    /// The connection.
    pub connection: String,
    /// Since when it is counted, in milliseconds since the epoch.
    pub since: i64,
    /// How many there were.
    pub users: i64,
    /// How many of them it has deleted.
    pub gone: i64,
    /// How many users it managed before, once that mattered.
    pub managed: Option<i64>,
    /// `counting`, `holding` or `released`.
    pub state: String,
    /// What somebody has decided about all that it holds, as long as that is being carried out: a JSON
    /// object.
    pub deciding: Option<String>,
}

/// The state of one that has not stopped anything yet.
pub const COUNTING: &str = "counting";
/// The state of one that holds everything.
pub const HOLDING: &str = "holding";
/// The state of one that somebody has let go.
pub const RELEASED: &str = "released";

/// All of them.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn all(sql: &dyn Sql) -> Result<Vec<BrakeRow>, StoreError> {
    let rows = sql.query(
        "SELECT connection, since, users, gone, managed, state, deciding FROM brakes",
        &[],
    )?;
    let read = |row: &Row| {
        Ok(BrakeRow {
            connection: row.text(0)?.to_owned(),
            since: row.integer(1)?,
            users: row.integer(2)?,
            gone: row.integer(3)?,
            managed: row.integer_or_null(4)?,
            state: row.text(5)?.to_owned(),
            deciding: row.text_or_null(6)?.map(str::to_owned),
        })
    };
    rows.iter().map(read).collect()
}

/// Writes a row.
pub fn put(sql: &dyn Sql, row: &BrakeRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO brakes (connection, since, users, gone, managed, state, deciding)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (connection)
         DO UPDATE SET since = ?2, users = ?3, gone = ?4, managed = ?5, state = ?6, deciding = ?7",
        &[
            Param::Text(&row.connection),
            Param::Integer(row.since),
            Param::Integer(row.users),
            Param::Integer(row.gone),
            row.managed.map_or(Param::Null, Param::Integer),
            Param::Text(&row.state),
            row.deciding.as_deref().map_or(Param::Null, Param::Text),
        ],
    )?;
    Ok(())
}

/// Removes a row, and whom it has counted.
pub fn delete(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM brakes WHERE connection = +?1", &[Param::Text(connection)])?;
    forget_counted(sql, connection)
}

/// Whether a user is among those of whom a connection has ended the access.
pub fn is_counted(sql: &dyn Sql, connection: &str, user: &str) -> Result<bool, StoreError> {
    let rows = sql.query(
        "SELECT 1 FROM brake_users WHERE connection = +?1 AND user = +?2",
        &[Param::Text(connection), Param::Text(user)],
    )?;
    Ok(!rows.is_empty())
}

/// Counts a user among them.
pub fn count(sql: &dyn Sql, connection: &str, user: &str) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO brake_users (connection, user) VALUES (?1, ?2)",
        &[Param::Text(connection), Param::Text(user)],
    )?;
    Ok(())
}

/// Forgets whom it has counted of a connection.
pub fn forget_counted(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM brake_users WHERE connection = +?1", &[Param::Text(connection)])?;
    Ok(())
}

/// How many of a type's resources a connection manages: of the first `limit`, and how many those are.
pub fn managed(
    sql: &dyn Sql,
    connection: &str,
    (low, high): (super::Pos, super::Pos),
    limit: usize,
) -> Result<(i64, i64), StoreError> {
    let rows = sql.query(
        "SELECT count(*), coalesce(sum(manager IS +?1), 0) FROM (
            SELECT manager FROM resources WHERE pos > +?2 AND pos < +?3 LIMIT +?4)",
        &[
            Param::Text(connection),
            Param::Integer(low.value()),
            Param::Integer(high.value()),
            Param::count(limit),
        ],
    )?;
    rows.first().map_or(Ok((0, 0)), |row| Ok((row.integer(0)?, row.integer(1)?)))
}
