//! Rows of deliveries that did not go well at first: what is tried again, what is held behind that, what
//! has failed for good, and what went well later. All other events have none.

use super::{Param, Row, Sql, StoreError};

/// A row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeliveryRow {
    /// The event's place in the log.
    pub seq: i64,
    /// What has become of it.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried again, in milliseconds since the epoch.
    pub due: i64,
    /// When it was tried first, in milliseconds since the epoch.
    pub first: Option<i64>,
    /// When it was tried last, in milliseconds since the epoch.
    pub last: Option<i64>,
    /// What went wrong then.
    pub reason: Option<String>,
    /// What the receiver answered then, as far as that was read.
    pub answer: Option<String>,
    /// What the event is about, spaces between the ids.
    pub ids: String,
}

/// The state of what has failed and is tried again.
pub const RETRYING: &str = "retrying";
/// The state of what waits behind such.
pub const HELD: &str = "held";
/// The state of what was tried too often.
pub const FAILED: &str = "failed";
/// The state of what went well in the end.
pub const DELIVERED: &str = "delivered";

const COLUMNS: &str = "seq, state, attempts, due, first, last, reason, answer, ids";

/// The rows of a stream of which something is still to come, in the order of events.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn unfinished(sql: &dyn Sql, stream: &str) -> Result<Vec<DeliveryRow>, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS} FROM deliveries WHERE stream = +?1 AND state IN ('{RETRYING}', '{HELD}')
         ORDER BY seq"
    );
    sql.query(&statement, &[Param::Text(stream)])?.iter().map(read).collect()
}

/// Of those rows, when each is tried again, and what its event is about.
pub fn open(sql: &dyn Sql, stream: &str) -> Result<Vec<(i64, String)>, StoreError> {
    let statement = format!(
        "SELECT due, ids FROM deliveries WHERE stream = +?1 AND state IN ('{RETRYING}', '{HELD}')
         ORDER BY seq"
    );
    let rows = sql.query(&statement, &[Param::Text(stream)])?;
    rows.iter().map(|row| Ok((row.integer(0)?, row.text(1)?.to_owned()))).collect()
}

/// The rows of a stream's events from one place to another.
pub fn between(
    sql: &dyn Sql,
    stream: &str,
    (after, until): (i64, i64),
) -> Result<Vec<DeliveryRow>, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS} FROM deliveries WHERE stream = +?1 AND seq > +?2 AND seq <= +?3
         ORDER BY seq"
    );
    let params = [Param::Text(stream), Param::Integer(after), Param::Integer(until)];
    sql.query(&statement, &params)?.iter().map(read).collect()
}

/// The streams to which the delivery of an event has failed, for good or not.
pub fn failed_of(sql: &dyn Sql, seq: i64) -> Result<Vec<(String, DeliveryRow)>, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS}, stream FROM deliveries WHERE seq = +?1
            AND state IN ('{FAILED}', '{RETRYING}')
         ORDER BY stream"
    );
    let rows = sql.query(&statement, &[Param::Integer(seq)])?;
    rows.iter().map(|row| Ok((row.text(9)?.to_owned(), read(row)?))).collect()
}

/// Writes a row in the place of that of its event, if there is one. What was answered is not kept where it
/// may be about somebody who is forgotten.
pub fn put(sql: &dyn Sql, stream: &str, row: &DeliveryRow) -> Result<(), StoreError> {
    let answer = match row.answer.as_deref() {
        Some(answer) if !names_the_forgotten(sql, row.seq)? => Param::Text(answer),
        _ => Param::Null,
    };
    sql.query(
        "INSERT OR REPLACE INTO deliveries
            (stream, seq, state, attempts, due, first, last, reason, answer, ids)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        &[
            Param::Text(stream),
            Param::Integer(row.seq),
            Param::Text(&row.state),
            Param::Integer(row.attempts),
            Param::Integer(row.due),
            row.first.map_or(Param::Null, Param::Integer),
            row.last.map_or(Param::Null, Param::Integer),
            row.reason.as_deref().map_or(Param::Null, Param::Text),
            answer,
            Param::Text(&row.ids),
        ],
    )?;
    Ok(())
}

/// Whether an event is erased or gone, or names somebody or something of which there is neither a resource
/// nor a tombstone: by an id where one may stand, alone or behind a path.
fn names_the_forgotten(sql: &dyn Sql, seq: i64) -> Result<bool, StoreError> {
    let rows = sql.query(
        "SELECT 1 FROM events e WHERE e.seq = +?1 AND e.data->>'$.erased' IS NULL
         AND NOT EXISTS (SELECT 1 FROM json_tree(e.data) j
            WHERE j.atom LIKE '%-____-7___-____-____________'
            AND CASE j.fullkey
                WHEN '$.id' THEN e.data->>'$.resourceType' = 'User'
                WHEN '$.location' THEN j.atom NOT LIKE '/Async/%'
                ELSE j.path <> '$' AND e.type <> 'connection.deleted' END
            AND NOT EXISTS (SELECT 1 FROM resources r WHERE r.id = substr(j.atom, -36))
            AND NOT EXISTS (SELECT 1 FROM tombstones t WHERE t.id = substr(j.atom, -36)))",
        &[Param::Integer(seq)],
    )?;
    Ok(rows.is_empty())
}

/// Removes the rows of a stream behind a place.
pub fn delete_behind(sql: &dyn Sql, stream: &str, after: i64) -> Result<(), StoreError> {
    let params = [Param::Text(stream), Param::Integer(after)];
    sql.query("DELETE FROM deliveries WHERE stream = +?1 AND seq > +?2", &params)?;
    Ok(())
}

/// Removes one row.
pub fn delete(sql: &dyn Sql, stream: &str, seq: i64) -> Result<(), StoreError> {
    let params = [Param::Text(stream), Param::Integer(seq)];
    sql.query("DELETE FROM deliveries WHERE stream = +?1 AND seq = +?2", &params)?;
    Ok(())
}

/// Removes rows of a stream of which nothing is to come, but for so many: of those that went well the
/// oldest, and then of those that have failed. The place of the last of these, if there is one.
pub fn forget_finished(
    sql: &dyn Sql,
    stream: &str,
    kept: usize,
) -> Result<Option<i64>, StoreError> {
    let statement = format!(
        "DELETE FROM deliveries WHERE stream = +?1 AND seq IN
            (SELECT seq FROM deliveries WHERE stream = +?1 AND state IN ('{FAILED}', '{DELIVERED}')
             ORDER BY state = '{FAILED}' DESC, seq DESC LIMIT -1 OFFSET +?2)
         RETURNING CASE state WHEN '{FAILED}' THEN seq END"
    );
    let forgotten = sql.query(&statement, &[Param::Text(stream), Param::count(kept)])?;
    let places = forgotten.iter().map(|row| row.integer_or_null(0));
    places.collect::<Result<Vec<_>, _>>().map(|places| places.into_iter().flatten().max())
}

fn read(row: &Row) -> Result<DeliveryRow, StoreError> {
    Ok(DeliveryRow {
        seq: row.integer(0)?,
        state: row.text(1)?.to_owned(),
        attempts: row.integer(2)?,
        due: row.integer(3)?,
        first: row.integer_or_null(4)?,
        last: row.integer_or_null(5)?,
        reason: row.text_or_null(6)?.map(str::to_owned),
        answer: row.text_or_null(7)?.map(str::to_owned),
        ids: row.text(8)?.to_owned(),
    })
}
