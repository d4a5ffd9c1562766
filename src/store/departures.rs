//! Connections that are leaving: what is still to be done to the resources that they managed, in
//! bounded steps.

use super::{Param, Pos, Row, Sql, StoreError};

/// A connection that is leaving.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DepartureRow {
    /// The connection's id.
    pub connection: String,
    /// What becomes of its users.
    pub users: String,
    /// Who deleted it, as events name them.
    pub actor: String,
    /// Up to where resources have been looked at.
    pub pos: Pos,
    /// How many resources it has left.
    pub done: i64,
    /// Why it goes no further, where a guard does not let it.
    pub stopped: Option<String>,
}

/// Resources that a connection manages, and where the next look begins if there may be more.
pub type Managed = (Vec<Pos>, Option<Pos>);

/// All of them.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn all(sql: &dyn Sql) -> Result<Vec<DepartureRow>, StoreError> {
    const STATEMENT: &str = "SELECT connection, users, actor, pos, done, stopped FROM departures";
    let read = |row: &Row| {
        Ok(DepartureRow {
            connection: row.text(0)?.to_owned(),
            users: row.text(1)?.to_owned(),
            actor: row.text(2)?.to_owned(),
            pos: Pos::stored(row.integer(3)?),
            done: row.integer(4)?,
            stopped: row.text_or_null(5)?.map(str::to_owned),
        })
    };
    sql.query(STATEMENT, &[])?.iter().map(read).collect()
}

/// Notes how far one has come, or that it goes no further.
pub fn write(sql: &dyn Sql, departure: &DepartureRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO departures (connection, users, actor, pos, done, stopped)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (connection)
         DO UPDATE SET users = ?2, actor = ?3, pos = ?4, done = ?5, stopped = ?6",
        &[
            Param::Text(&departure.connection),
            Param::Text(&departure.users),
            Param::Text(&departure.actor),
            Param::Integer(departure.pos.value()),
            Param::Integer(departure.done),
            departure.stopped.as_deref().map_or(Param::Null, Param::Text),
        ],
    )?;
    Ok(())
}

/// Forgets one that is done.
pub fn delete(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM departures WHERE connection = +?1", &[Param::Text(connection)])?;
    Ok(())
}

/// The resources behind a position that a connection manages, at most `limit`, among so many as
/// `scan` says.
pub fn managed(
    sql: &dyn Sql,
    connection: &str,
    after: Pos,
    scan: usize,
    limit: usize,
) -> Result<Managed, StoreError> {
    let after = Param::Integer(after.value());
    let (_, end) = Pos::range(u8::MAX);
    let end = end.value();
    let last = sql.query(
        "SELECT pos FROM resources WHERE pos > +?1 ORDER BY pos LIMIT 1 OFFSET +?2",
        &[after, Param::count(scan.saturating_sub(1))],
    )?;
    let last = last.first().map(|row| row.integer(0)).transpose()?;
    let rows = sql.query(
        "SELECT pos FROM resources WHERE pos > +?1 AND pos <= +?2 AND manager = +?3
         ORDER BY pos LIMIT +?4",
        &[after, Param::Integer(last.unwrap_or(end)), Param::Text(connection), Param::count(limit)],
    )?;
    let found = rows.iter().map(|row| row.integer(0).map(Pos::stored));
    let found = found.collect::<Result<Vec<_>, _>>()?;
    let next = if found.len() >= limit { found.last().copied() } else { last.map(Pos::stored) };
    Ok((found, next))
}
