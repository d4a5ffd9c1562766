//! Rows of users whose access somebody has suspended. By id, so that one who is deleted and comes back
//! comes back suspended.

use serde_json::Value;

use super::{Param, Pos, Sql, StoreError};

/// Whether the access of a user is suspended: one row.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn has(sql: &dyn Sql, user: &str) -> Result<bool, StoreError> {
    let rows = sql.query("SELECT 1 FROM suspensions WHERE user = +?1", &[Param::Text(user)])?;
    Ok(!rows.is_empty())
}

/// Those of some users whose access is not as it is to be: suspended, or not. With their ids.
pub fn unlike(
    sql: &dyn Sql,
    users: &[Pos],
    suspended: bool,
) -> Result<Vec<(Pos, String)>, StoreError> {
    let users: Value = users.iter().map(|pos| Value::from(pos.value())).collect();
    let rows = sql.query(
        "SELECT r.pos, r.id FROM json_each(?1) j CROSS JOIN resources r ON r.pos = j.value
         LEFT JOIN suspensions s ON s.user = r.id WHERE (s.user IS NULL) = +?2",
        &[Param::Text(&users.to_string()), Param::Integer(suspended.into())],
    )?;
    rows.iter().map(|row| Ok((Pos::stored(row.integer(0)?), row.text(1)?.to_owned()))).collect()
}

/// Suspends the access of a user, at a time in milliseconds since the epoch.
pub fn add(sql: &dyn Sql, user: &str, now: i64) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO suspensions (user, since) VALUES (?1, ?2)",
        &[Param::Text(user), Param::Integer(now)],
    )?;
    Ok(())
}

/// Restores it.
pub fn remove(sql: &dyn Sql, user: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM suspensions WHERE user = +?1", &[Param::Text(user)])?;
    Ok(())
}
