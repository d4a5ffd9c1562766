//! Answers that are kept for requests that are sent again.

use super::{Param, Sql, StoreError};

/// An answer that is kept, and the request that it is the answer to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeptAnswer {
    /// The digest of who asked, where, and under which key.
    pub key: String,
    /// The digest of the request's body.
    pub request: String,
    /// Until when it is kept, in seconds since the epoch.
    pub expires: i64,
    /// The status.
    pub status: u16,
    /// The headers, as JSON: an object of texts.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

/// The answer kept under a key, unless it has expired.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn find(sql: &dyn Sql, key: &str, now: i64) -> Result<Option<KeptAnswer>, StoreError> {
    const STATEMENT: &str = "SELECT key, request, expires, status, headers, body
        FROM idempotency WHERE key = +?1 AND expires > +?2";
    let rows = sql.query(STATEMENT, &[Param::Text(key), Param::Integer(now)])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let status = u16::try_from(row.integer(3)?);
    Ok(Some(KeptAnswer {
        key: row.text(0)?.to_owned(),
        request: row.text(1)?.to_owned(),
        expires: row.integer(2)?,
        status: status.map_err(|_| StoreError::new("a kept answer has no status"))?,
        headers: row.text(4)?.to_owned(),
        body: row.bytes(5)?.to_vec(),
    }))
}

/// Keeps an answer.
pub fn insert(sql: &dyn Sql, kept: &KeptAnswer) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO idempotency (key, request, expires, status, headers, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &[
            Param::Text(&kept.key),
            Param::Text(&kept.request),
            Param::Integer(kept.expires),
            Param::Integer(kept.status.into()),
            Param::Text(&kept.headers),
            Param::Blob(&kept.body),
        ],
    )?;
    Ok(())
}

/// Forgets the answers that have expired.
pub fn forget_expired(sql: &dyn Sql, now: i64) -> Result<(), StoreError> {
    sql.query("DELETE FROM idempotency WHERE expires <= +?1", &[Param::Integer(now)])?;
    Ok(())
}

/// Whether so many answers are kept, or more.
pub fn are(sql: &dyn Sql, count: usize) -> Result<bool, StoreError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let statement = "SELECT count(*) FROM (SELECT 1 FROM idempotency LIMIT +?1)";
    let rows = sql.query(statement, &[Param::Integer(count)])?;
    rows.first().map_or(Ok(false), |row| Ok(row.integer(0)? >= count))
}
