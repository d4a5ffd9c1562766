//! Rows of requests that are answered later: how far each has come, what is left of it to be done and
//! what has become of the rest.

use super::{Param, Row, Sql, StoreError};
use crate::limits;

/// A request that is answered later.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AsyncRow {
    /// Its transaction's id; those of later ones are greater.
    pub txn: String,
    /// Who has asked, as JSON.
    pub asker: String,
    /// The connection of that key.
    pub connection: Option<String>,
    /// How many operations it has.
    pub operations: i64,
    /// How many errors there may be before those that are left are not run.
    pub fail_on_errors: Option<i64>,
    /// In how many parts it is worked off.
    pub parts: i64,
    /// Which of them is next, from 0.
    pub next: i64,
    /// How many operations have run.
    pub done: i64,
    /// How many of these failed.
    pub errors: i64,
    /// How often the next part failed within the service.
    pub failures: i64,
    /// Until when its result is kept, in milliseconds since the epoch; none as long as it is under way.
    pub expires: Option<i64>,
    /// The ids of what its operations have made.
    pub ids: Vec<u8>,
}

/// What is kept of a request in pieces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Operations that are still to be done.
    Operations,
    /// What has become of operations.
    Results,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Operations => "operations",
            Self::Results => "results",
        }
    }
}

/// The request of a transaction.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn of(sql: &dyn Sql, txn: &str) -> Result<Option<AsyncRow>, StoreError> {
    const STATEMENT: &str =
        "SELECT txn, asker, connection, operations, fail_on_errors, parts, next,
            done, errors, failures, expires, ids
         FROM async_requests WHERE txn = +?1";
    sql.query(STATEMENT, &[Param::Text(txn)])?.first().map(read).transpose()
}

/// The first that is under way.
pub fn first(sql: &dyn Sql) -> Result<Option<AsyncRow>, StoreError> {
    const STATEMENT: &str =
        "SELECT txn, asker, connection, operations, fail_on_errors, parts, next,
            done, errors, failures, expires, ids
         FROM async_requests WHERE expires IS NULL ORDER BY txn LIMIT 1";
    sql.query(STATEMENT, &[])?.first().map(read).transpose()
}

/// How many are under way, and when the first result is to be forgotten.
pub fn standing(sql: &dyn Sql) -> Result<(i64, Option<i64>), StoreError> {
    let rows =
        sql.query("SELECT count(*) - count(expires), min(expires) FROM async_requests", &[])?;
    let read = |row: &Row| Ok((row.integer(0)?, row.integer_or_null(1)?));
    rows.first().map_or(Ok((0, None)), read)
}

/// Writes a request, or how far it has come.
pub fn write(sql: &dyn Sql, row: &AsyncRow) -> Result<(), StoreError> {
    let optional = |number: Option<i64>| number.map_or(Param::Null, Param::Integer);
    sql.query(
        "INSERT INTO async_requests (txn, asker, connection, operations, fail_on_errors, parts,
            next, done, errors, failures, expires, ids)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (txn) DO UPDATE SET next = ?7, done = ?8, errors = ?9, failures = ?10,
            expires = ?11, ids = ?12",
        &[
            Param::Text(&row.txn),
            Param::Text(&row.asker),
            row.connection.as_deref().map_or(Param::Null, Param::Text),
            Param::Integer(row.operations),
            optional(row.fail_on_errors),
            Param::Integer(row.parts),
            Param::Integer(row.next),
            Param::Integer(row.done),
            Param::Integer(row.errors),
            Param::Integer(row.failures),
            optional(row.expires),
            Param::Blob(&row.ids),
        ],
    )?;
    Ok(())
}

/// Notes that the next part of the first that is under way has failed.
pub fn note_failure(sql: &dyn Sql) -> Result<(), StoreError> {
    sql.query(
        "UPDATE async_requests SET failures = failures + 1 WHERE txn =
            (SELECT txn FROM async_requests WHERE expires IS NULL ORDER BY txn LIMIT 1)",
        &[],
    )?;
    Ok(())
}

/// Keeps a part of a request, or of its result.
pub fn put(sql: &dyn Sql, txn: &str, kind: Kind, part: i64, data: &[u8]) -> Result<(), StoreError> {
    for (piece, data) in (0..).zip(data.chunks(limits::ASYNC_PIECE_BYTES)) {
        sql.query(
            "INSERT INTO async_pieces (txn, kind, part, piece, data) VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                Param::Text(txn),
                Param::Text(kind.name()),
                Param::Integer(part),
                Param::Integer(piece),
                Param::Blob(data),
            ],
        )?;
    }
    Ok(())
}

/// A part of a request, or of its result; empty where there is none.
pub fn part(sql: &dyn Sql, txn: &str, kind: Kind, part: i64) -> Result<Vec<u8>, StoreError> {
    const STATEMENT: &str = "SELECT data FROM async_pieces
         WHERE txn = +?1 AND kind = +?2 AND part = +?3 ORDER BY piece";
    let params = [Param::Text(txn), Param::Text(kind.name()), Param::Integer(part)];
    let rows = sql.query(STATEMENT, &params)?;
    let mut whole = Vec::new();
    for row in &rows {
        whole.extend_from_slice(row.bytes(0)?);
    }
    Ok(whole)
}

/// Removes a part of a request.
pub fn remove_part(sql: &dyn Sql, txn: &str, part: i64) -> Result<(), StoreError> {
    sql.query(
        "DELETE FROM async_pieces WHERE txn = +?1 AND kind = +?2 AND part = +?3",
        &[Param::Text(txn), Param::Text(Kind::Operations.name()), Param::Integer(part)],
    )?;
    Ok(())
}

/// Removes what of a request is still to be done.
pub fn remove_operations(sql: &dyn Sql, txn: &str) -> Result<(), StoreError> {
    sql.query(
        "DELETE FROM async_pieces WHERE txn = +?1 AND kind = +?2",
        &[Param::Text(txn), Param::Text(Kind::Operations.name())],
    )?;
    Ok(())
}

/// The first whose result is to be forgotten by a time.
pub fn expired(sql: &dyn Sql, now: i64) -> Result<Option<String>, StoreError> {
    let statement = "SELECT txn FROM async_requests WHERE expires <= +?1 LIMIT 1";
    text(&sql.query(statement, &[Param::Integer(now)])?)
}

/// The last of those that are behind so many results.
pub fn behind(sql: &dyn Sql, most: usize) -> Result<Option<String>, StoreError> {
    let statement = "SELECT txn FROM async_requests WHERE expires IS NOT NULL
         ORDER BY txn DESC LIMIT 1 OFFSET +?1";
    text(&sql.query(statement, &[Param::count(most)])?)
}

/// Forgets a request with all that is kept of it.
pub fn forget(sql: &dyn Sql, txn: &str) -> Result<(), StoreError> {
    for table in ["async_pieces", "async_requests"] {
        sql.query(&format!("DELETE FROM {table} WHERE txn = +?1"), &[Param::Text(txn)])?;
    }
    Ok(())
}

/// The first of a connection.
pub fn of_connection(sql: &dyn Sql, connection: &str) -> Result<Option<String>, StoreError> {
    let statement = "SELECT txn FROM async_requests WHERE connection = +?1 LIMIT 1";
    text(&sql.query(statement, &[Param::Text(connection)])?)
}

fn text(rows: &[Row]) -> Result<Option<String>, StoreError> {
    rows.first().map(|row| row.text(0).map(str::to_owned)).transpose()
}

fn read(row: &Row) -> Result<AsyncRow, StoreError> {
    Ok(AsyncRow {
        txn: row.text(0)?.to_owned(),
        asker: row.text(1)?.to_owned(),
        connection: row.text_or_null(2)?.map(str::to_owned),
        operations: row.integer(3)?,
        fail_on_errors: row.integer_or_null(4)?,
        parts: row.integer(5)?,
        next: row.integer(6)?,
        done: row.integer(7)?,
        errors: row.integer(8)?,
        failures: row.integer(9)?,
        expires: row.integer_or_null(10)?,
        ids: row.bytes(11)?.to_vec(),
    })
}
