//! Rows of what is known of recent requests: the ring in batches, what each connection has done, and
//! the attributes that it sends in vain.

use super::{Param, Sql, StoreError};

/// A batch of the ring: where it begins, and how many requests it holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Batch {
    /// The number of its first request.
    pub first: i64,
    /// How many requests it holds.
    pub count: i64,
}

impl Batch {
    /// The number of its last request.
    pub const fn end(self) -> i64 {
        self.first.saturating_add(self.count).saturating_sub(1)
    }
}

/// What is known of a connection's requests, of all time. Moments are milliseconds since the epoch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Traffic {
    /// When a request last succeeded.
    pub last_success: Option<i64>,
    /// When a request last failed.
    pub last_failure: Option<i64>,
    /// What has succeeded at least once, a bit each.
    pub seen: i64,
}

/// An attribute that a connection sends and no schema knows, and when it was first seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    /// The attribute's path.
    pub path: String,
    /// When, in milliseconds since the epoch.
    pub first: i64,
}

/// The last batch.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn last(sql: &dyn Sql) -> Result<Option<Batch>, StoreError> {
    let statement =
        "SELECT first, count FROM requests WHERE first = (SELECT max(first) FROM requests)";
    let rows = sql.query(statement, &[])?;
    let read = |row: &super::Row| Ok(Batch { first: row.integer(0)?, count: row.integer(1)? });
    rows.first().map(read).transpose()
}

/// Adds a batch of requests, one line each.
pub fn insert(sql: &dyn Sql, batch: Batch, lines: &str) -> Result<(), StoreError> {
    let Batch { first, count } = batch;
    sql.query(
        "INSERT INTO requests (first, count, lines) VALUES (?1, ?2, ?3)",
        &[Param::Integer(first), Param::Integer(count), Param::Text(lines)],
    )?;
    Ok(())
}

/// Adds requests to a batch that is there.
pub fn extend(sql: &dyn Sql, first: i64, count: i64, lines: &str) -> Result<(), StoreError> {
    sql.query(
        "UPDATE requests SET count = count + ?2, lines = lines || ?3 WHERE first = +?1",
        &[Param::Integer(first), Param::Integer(count), Param::Text(lines)],
    )?;
    Ok(())
}

/// Puts other lines, as many, in the place of a batch's.
pub fn replace(sql: &dyn Sql, first: i64, lines: &str) -> Result<(), StoreError> {
    sql.query(
        "UPDATE requests SET lines = ?2 WHERE first = +?1",
        &[Param::Integer(first), Param::Text(lines)],
    )?;
    Ok(())
}

/// Forgets the batches that begin before a number.
pub fn forget_before(sql: &dyn Sql, first: i64) -> Result<(), StoreError> {
    sql.query("DELETE FROM requests WHERE first < +?1", &[Param::Integer(first)])?;
    Ok(())
}

/// All batches in order, with their lines.
pub fn all(sql: &dyn Sql) -> Result<Vec<(i64, String)>, StoreError> {
    let rows = sql.query("SELECT first, lines FROM requests ORDER BY first", &[])?;
    rows.iter().map(|row| Ok((row.integer(0)?, row.text(1)?.to_owned()))).collect()
}

/// What is known of a connection's requests.
pub fn traffic(sql: &dyn Sql, connection: &str) -> Result<Traffic, StoreError> {
    let statement = "SELECT coalesce(last_success, -1), coalesce(last_failure, -1), seen
         FROM traffic WHERE connection = +?1";
    let rows = sql.query(statement, &[Param::Text(connection)])?;
    let Some(row) = rows.first() else { return Ok(Traffic::default()) };
    let moment = |column| row.integer(column).map(|at| (at >= 0).then_some(at));
    Ok(Traffic { last_success: moment(0)?, last_failure: moment(1)?, seen: row.integer(2)? })
}

/// Adds to what is known of a connection's requests.
pub fn add_traffic(sql: &dyn Sql, connection: &str, new: Traffic) -> Result<(), StoreError> {
    let moment = |at: Option<i64>| at.map_or(Param::Null, Param::Integer);
    sql.query(
        "INSERT INTO traffic (connection, last_success, last_failure, seen) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (connection) DO UPDATE SET
            last_success = coalesce(excluded.last_success, last_success),
            last_failure = coalesce(excluded.last_failure, last_failure),
            seen = seen | excluded.seen",
        &[
            Param::Text(connection),
            moment(new.last_success),
            moment(new.last_failure),
            Param::Integer(new.seen),
        ],
    )?;
    Ok(())
}

/// The attributes that a connection sends in vain, in order.
pub fn warnings(sql: &dyn Sql, connection: &str) -> Result<Vec<Warning>, StoreError> {
    let statement = "SELECT path, first FROM warnings WHERE connection = +?1 ORDER BY path";
    let rows = sql.query(statement, &[Param::Text(connection)])?;
    rows.iter()
        .map(|row| Ok(Warning { path: row.text(0)?.to_owned(), first: row.integer(1)? }))
        .collect()
}

/// Adds an attribute that a connection sends in vain, unless it is there or so many are.
pub fn warn(
    sql: &dyn Sql,
    connection: &str,
    warning: &Warning,
    most: usize,
) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO warnings (connection, path, first) SELECT ?1, ?2, ?3
         WHERE (SELECT count(*) FROM warnings WHERE connection = +?1) < +?4
         ON CONFLICT (connection, path) DO NOTHING",
        &[
            Param::Text(connection),
            Param::Text(&warning.path),
            Param::Integer(warning.first),
            Param::count(most),
        ],
    )?;
    Ok(())
}

/// Forgets what is known of a connection.
pub fn forget(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM traffic WHERE connection = +?1",
        "DELETE FROM warnings WHERE connection = +?1",
    ] {
        sql.query(statement, &[Param::Text(connection)])?;
    }
    Ok(())
}
