//! When users were last seen, and up to which of them it is settled who has stayed away for too long.
//!
//! A moment is a text of the one form in which documents have them, whose order is that of time.

use super::{Param, Pos, Row, Sql, StoreError};

/// A user who was seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeenUser {
    /// Where the user stands.
    pub pos: Pos,
    /// The id.
    pub id: String,
    /// When the user was last seen.
    pub seen: String,
    /// The connection that manages the user, if one does.
    pub manager: Option<String>,
}

/// Notes when a user was last seen; the version stays.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn note(sql: &dyn Sql, user: Pos, seen: &str) -> Result<(), StoreError> {
    sql.query(
        "UPDATE resources SET last_seen = ?2 WHERE pos = +?1",
        &[Param::Integer(user.value()), Param::Text(seen)],
    )?;
    Ok(())
}

/// Where the last one stands of whom it is settled: nowhere, if it is of nobody.
fn settled(sql: &dyn Sql) -> Result<(String, i64), StoreError> {
    let rows = sql.query("SELECT seen, pos FROM staleness", &[])?;
    let read = |row: &Row| Ok((row.text(0)?.to_owned(), row.integer(1)?));
    rows.first().map_or(Ok((String::new(), 0)), read)
}

/// Those who were seen before all others of whom it is not settled, until a moment or at any time, at
/// most `limit`.
pub fn next(sql: &dyn Sql, until: Option<&str>, limit: usize) -> Result<Vec<SeenUser>, StoreError> {
    let (seen, pos) = settled(sql)?;
    let rows = sql.query(
        "SELECT pos, id, last_seen, manager FROM resources
         WHERE last_seen IS NOT NULL AND (last_seen, pos) > (+?1, +?2) AND last_seen <= +?3
         ORDER BY last_seen, pos LIMIT +?4",
        &[
            Param::Text(&seen),
            Param::Integer(pos),
            // Every BLOB is above every text.
            until.map_or(Param::Blob(&[]), Param::Text),
            Param::count(limit),
        ],
    )?;
    let read = |row: &Row| {
        Ok(SeenUser {
            pos: Pos::stored(row.integer(0)?),
            id: row.text(1)?.to_owned(),
            seen: row.text(2)?.to_owned(),
            manager: row.text_or_null(3)?.map(str::to_owned),
        })
    };
    rows.iter().map(read).collect()
}

/// Notes that it is settled of a user and of all in front.
pub fn settle(sql: &dyn Sql, user: &SeenUser) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO staleness (id, seen, pos) VALUES (1, ?1, ?2)
         ON CONFLICT (id) DO UPDATE SET seen = ?1, pos = ?2",
        &[Param::Text(&user.seen), Param::Integer(user.pos.value())],
    )?;
    Ok(())
}
