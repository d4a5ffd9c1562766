//! Rows of users whose access is suspended. By id, so that one who is deleted and comes back
//! comes back suspended.

use serde_json::Value;

use super::{Param, Pos, Row, Sql, StoreError};

/// Why the access of a user is suspended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cause {
    /// Somebody has decided it.
    Hand,
    /// The user has stayed away for too long.
    Stale,
}

/// Why the access of a user is suspended, if it is: one row.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn of(sql: &dyn Sql, user: &str) -> Result<Option<Cause>, StoreError> {
    let rows = sql.query("SELECT stale FROM suspensions WHERE user = +?1", &[Param::Text(user)])?;
    let cause = |row: &Row| Ok(if row.integer(0)? == 0 { Cause::Hand } else { Cause::Stale });
    rows.first().map(cause).transpose()
}

/// Those of some users whose access is not as it is to be: suspended by hand, or not suspended. With
/// their ids. Where a connection decides, those whom it manages alone.
pub fn unlike(
    sql: &dyn Sql,
    users: &[Pos],
    suspended: bool,
    connection: Option<&str>,
) -> Result<Vec<(Pos, String)>, StoreError> {
    let users: Value = users.iter().map(|pos| Value::from(pos.value())).collect();
    let rows = sql.query(
        "SELECT r.pos, r.id FROM json_each(?1) j CROSS JOIN resources r ON r.pos = j.value
         LEFT JOIN suspensions s ON s.user = r.id
         WHERE iif(+?2, coalesce(s.stale, 1), s.user IS NOT NULL)
            AND (+?3 IS NULL OR r.manager = +?3)",
        &[
            Param::Text(&users.to_string()),
            Param::Integer(suspended.into()),
            connection.map_or(Param::Null, Param::Text),
        ],
    )?;
    rows.iter().map(|row| Ok((Pos::stored(row.integer(0)?), row.text(1)?.to_owned()))).collect()
}

/// Suspends the access of a user, at a time in milliseconds since the epoch, for another cause than before.
pub fn add(sql: &dyn Sql, user: &str, now: i64, cause: Cause) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO suspensions (user, since, stale) VALUES (?1, ?2, ?3)
         ON CONFLICT (user) DO UPDATE SET since = ?2, stale = ?3",
        &[Param::Text(user), Param::Integer(now), Param::Integer((cause == Cause::Stale).into())],
    )?;
    Ok(())
}

/// Restores it.
pub fn remove(sql: &dyn Sql, user: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM suspensions WHERE user = +?1", &[Param::Text(user)])?;
    Ok(())
}
