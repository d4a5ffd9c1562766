//! Rows of events: the log, in order, and the chain of hashes over it.
//!
//! Each event has its link of the chain in its own row. Events of databases that are older than the
//! chain have none: it begins behind them.

mod kept;

use super::{Param, Row, Sql, StoreError};

pub use kept::{
    Anchor, Chained, about_erased, anchor, chained, erase, first_time, forget_until, hash_at,
    oldest,
};

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

/// The last event's place and its hash, if it is in the chain.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn last(sql: &dyn Sql) -> Result<Option<Anchor>, StoreError> {
    let rows = sql.query("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1", &[])?;
    rows.first().map(Anchor::read).transpose()
}

/// Appends an event, with its salt and its hash.
pub fn append(sql: &dyn Sql, event: &EventRow, salt: &[u8], hash: &[u8]) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO events (seq, time, type, data, salt, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &[
            Param::Integer(event.seq),
            Param::Integer(event.time),
            Param::Text(&event.kind),
            Param::Text(&event.data),
            Param::Blob(salt),
            Param::Blob(hash),
        ],
    )?;
    Ok(())
}

/// Part of the log: the events behind one place, up to another, of one type, or family of types, and of
/// one actor if they are given.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    /// The place behind which it begins.
    pub after: i64,
    /// The last place in it.
    pub until: i64,
    /// The type, or what a family of them begins with and a star.
    pub kind: Option<&'a str>,
    /// Who did it.
    pub actor: Option<&'a str>,
}

impl<'a> Span<'a> {
    /// The parameters `?1` to `?4` of a statement that ends with [`IN_SPAN`].
    fn params(self) -> [Param<'a>; 4] {
        let text = |text: Option<&'a str>| text.map_or(Param::Null, Param::Text);
        let (after, until) = (Param::Integer(self.after), Param::Integer(self.until));
        [after, until, text(self.kind), text(self.actor)]
    }
}

const IN_SPAN: &str = "FROM events WHERE seq > +?1 AND seq <= +?2
     AND (?3 IS NULL OR type GLOB +?3) AND (?4 IS NULL OR data->>'$.actor' = +?4) ORDER BY seq";

/// The places of the events in a span, at most `limit`, and how many bytes their data has.
pub fn sizes(sql: &dyn Sql, span: Span<'_>, limit: usize) -> Result<Vec<(i64, i64)>, StoreError> {
    let [after, until, kind, actor] = span.params();
    let limit = Param::count(limit);
    let statement = format!("SELECT seq, octet_length(data) {IN_SPAN} LIMIT +?5");
    let rows = sql.query(&statement, &[after, until, kind, actor, limit])?;
    rows.iter().map(|row| Ok((row.integer(0)?, row.integer(1)?))).collect()
}

/// The events behind a place that name an id, the latest first, at most `limit`.
pub fn about(
    sql: &dyn Sql,
    after: i64,
    id: &str,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    let rows = sql.query(
        "SELECT seq, time, type, data FROM events WHERE seq > +?1 AND instr(data, ?2) > 0
         ORDER BY seq DESC LIMIT +?3",
        &[Param::Integer(after), Param::Text(id), Param::count(limit)],
    )?;
    rows.iter().map(row_of).collect()
}

/// The events in a span, in order.
pub fn read(sql: &dyn Sql, span: Span<'_>) -> Result<Vec<EventRow>, StoreError> {
    let rows = sql.query(&format!("SELECT seq, time, type, data {IN_SPAN}"), &span.params())?;
    rows.iter().map(row_of).collect()
}

/// The event at a place, if it is there.
pub fn at(sql: &dyn Sql, seq: i64) -> Result<Option<EventRow>, StoreError> {
    let span = Span { after: seq.saturating_sub(1), until: seq, kind: None, actor: None };
    read(sql, span).map(|events| events.into_iter().next())
}

fn row_of(row: &Row) -> Result<EventRow, StoreError> {
    Ok(EventRow {
        seq: row.integer(0)?,
        time: row.integer(1)?,
        kind: row.text(2)?.to_owned(),
        data: row.text(3)?.to_owned(),
    })
}

/// Of which thing an event behind a place tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Told {
    /// The event's place.
    pub seq: i64,
    /// Its type.
    pub kind: String,
    /// The id of what it is about.
    pub id: String,
}

/// Of what the events behind a place tell, in order, at most `limit` of them.
pub fn told(sql: &dyn Sql, after: i64, limit: usize) -> Result<Vec<Told>, StoreError> {
    let rows = sql.query(
        "SELECT seq, type, data->>'$.id' FROM events WHERE seq > +?1 ORDER BY seq LIMIT +?2",
        &[Param::Integer(after), Param::count(limit)],
    )?;
    let read = |row: &Row| {
        let id = row.text_or_null(2)?.unwrap_or_default().to_owned();
        Ok(Told { seq: row.integer(0)?, kind: row.text(1)?.to_owned(), id })
    };
    rows.iter().map(read).collect()
}
