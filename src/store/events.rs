//! Rows of events: the log, in order.

use super::{Param, Sql, StoreError};

/// A recorded fact as a row holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventRow {
    /// Its place in the log, without gaps.
    pub seq: i64,
    /// When, in milliseconds since the epoch.
    pub time: i64,
    /// Its type, such as `user.created`.
    pub kind: String,
    /// The members of its `data`, as JSON.
    pub data: String,
}

/// The last event's place; 0 before the first.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn last_seq(sql: &dyn Sql) -> Result<i64, StoreError> {
    let rows = sql.query("SELECT seq FROM events ORDER BY seq DESC LIMIT 1", &[])?;
    rows.first().map_or(Ok(0), |row| row.integer(0))
}

/// Appends an event.
pub fn append(sql: &dyn Sql, event: &EventRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO events (seq, time, type, data) VALUES (?1, ?2, ?3, ?4)",
        &[
            Param::Integer(event.seq),
            Param::Integer(event.time),
            Param::Text(&event.kind),
            Param::Text(&event.data),
        ],
    )?;
    Ok(())
}

/// The events behind a place, in order, at most `limit`; of one type if one is given.
pub fn after(
    sql: &dyn Sql,
    seq: i64,
    kind: Option<&str>,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    let limit = Param::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = match kind {
        None => sql.query(
            "SELECT seq, time, type, data FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            &[Param::Integer(seq), limit],
        )?,
        Some(kind) => sql.query(
            "SELECT seq, time, type, data FROM events WHERE seq > ?1 AND type = ?3
             ORDER BY seq LIMIT ?2",
            &[Param::Integer(seq), limit, Param::Text(kind)],
        )?,
    };
    rows.iter()
        .map(|row| {
            Ok(EventRow {
                seq: row.integer(0)?,
                time: row.integer(1)?,
                kind: row.text(2)?.to_owned(),
                data: row.text(3)?.to_owned(),
            })
        })
        .collect()
}
