//! How long events are kept, and what of them: the chain, erasure, and the anchor where the log begins.

use super::{EventRow, row_of};
use crate::store::{Param, Row, Sql, StoreError};

/// A place in the log, and the hash of the event there; none for one that is older than the chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Anchor {
    /// The place.
    pub seq: i64,
    /// The hash.
    pub hash: Option<Vec<u8>>,
}

impl Anchor {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { seq: row.integer(0)?, hash: bytes(row, 1)? })
    }
}

/// An event with its link of the chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chained {
    /// The event.
    pub event: EventRow,
    /// With what its payload is salted, as long as that is there.
    pub salt: Option<Vec<u8>>,
    /// The payload's digest, once that is gone.
    pub digest: Option<Vec<u8>>,
    /// Its hash; none for what is older than the chain.
    pub hash: Option<Vec<u8>>,
}

fn bytes(row: &Row, column: usize) -> Result<Option<Vec<u8>>, StoreError> {
    let bytes = row.bytes(column)?;
    Ok((!bytes.is_empty()).then(|| bytes.to_vec()))
}

/// The place behind which the log begins, if its first events have been forgotten.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn anchor(sql: &dyn Sql) -> Result<Option<Anchor>, StoreError> {
    let rows = sql.query("SELECT seq, hash FROM anchor WHERE id = 1", &[])?;
    rows.first().map(Anchor::read).transpose()
}

/// The hash of the event at a place, if there is one.
pub fn hash_at(sql: &dyn Sql, seq: i64) -> Result<Option<Vec<u8>>, StoreError> {
    let rows = sql.query("SELECT hash FROM events WHERE seq = +?1", &[Param::Integer(seq)])?;
    rows.first().map_or(Ok(None), |row| bytes(row, 0))
}

/// The events behind one place, up to another, with what is needed to prove them.
pub fn chained(sql: &dyn Sql, after: i64, until: i64) -> Result<Vec<Chained>, StoreError> {
    let rows = sql.query(
        "SELECT seq, time, type, data, salt, digest, hash FROM events
         WHERE seq > +?1 AND seq <= +?2 ORDER BY seq",
        &[Param::Integer(after), Param::Integer(until)],
    )?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Chained, StoreError> {
    let (salt, digest, hash) = (bytes(row, 4)?, bytes(row, 5)?, bytes(row, 6)?);
    Ok(Chained { event: row_of(row)?, salt, digest, hash })
}

/// When the first event was, in milliseconds since the epoch.
pub fn first_time(sql: &dyn Sql) -> Result<Option<i64>, StoreError> {
    let rows = sql.query("SELECT time FROM events ORDER BY seq LIMIT 1", &[])?;
    rows.first().map(|row| row.integer(0)).transpose()
}

/// The places of the first events, at most `limit`, and when they were.
pub fn oldest(sql: &dyn Sql, limit: usize) -> Result<Vec<(i64, i64)>, StoreError> {
    let statement = "SELECT seq, time FROM events ORDER BY seq LIMIT +?1";
    let rows = sql.query(statement, &[Param::count(limit)])?;
    rows.iter().map(|row| Ok((row.integer(0)?, row.integer(1)?))).collect()
}

/// Forgets the events up to a place, behind which the log begins from then on, with what receivers have
/// answered to them.
pub fn forget_until(sql: &dyn Sql, seq: i64) -> Result<(), StoreError> {
    for statement in [
        "INSERT INTO anchor (id, seq, hash) SELECT 1, seq, hash FROM events WHERE seq = ?1
         ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
        "DELETE FROM events WHERE seq <= ?1",
        "UPDATE deliveries SET answer = NULL WHERE seq <= ?1 AND answer IS NOT NULL",
    ] {
        sql.query(statement, &[Param::Integer(seq)])?;
    }
    Ok(())
}

/// The events behind one place, up to another, about people who are being forgotten, as far as that is
/// not done; at most `limit`. That they were deleted, and that their access has ended, tells nothing of
/// them, and who follows the log has to hear it.
pub fn about_erased(
    sql: &dyn Sql,
    after: i64,
    until: i64,
    limit: usize,
) -> Result<Vec<Chained>, StoreError> {
    let rows = sql.query(
        "SELECT e.seq, e.time, e.type, e.data, e.salt, e.digest, e.hash FROM events e
         CROSS JOIN erasures x ON x.user = e.data->>'$.id'
         WHERE e.seq > +?1 AND e.seq <= +?2 AND x.taken = 1
         AND e.type <> 'user.deleted' AND e.data->>'$.erased' IS NULL
         AND (e.type <> 'user.access.changed' OR e.data->>'$.status' IS NOT 'deprovisioned')
         ORDER BY e.seq LIMIT +?3",
        &[Param::Integer(after), Param::Integer(until), Param::count(limit)],
    )?;
    rows.iter().map(read).collect()
}

/// Leaves `data` of an event and, where it is in the chain, its payload's digest.
pub fn erase(sql: &dyn Sql, seq: i64, data: &str, digest: Option<&[u8]>) -> Result<(), StoreError> {
    sql.query(
        "UPDATE events SET data = ?2, salt = NULL, digest = ?3 WHERE seq = ?1",
        &[Param::Integer(seq), Param::Text(data), digest.map_or(Param::Null, Param::Blob)],
    )?;
    Ok(())
}
