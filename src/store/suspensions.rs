//! Rows of users whose access somebody has suspended. By id, so that one who is deleted and comes back
//! comes back suspended.

use super::{Param, Sql, StoreError};

/// Whether the access of a user is suspended: one row.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn has(sql: &dyn Sql, user: &str) -> Result<bool, StoreError> {
    let rows = sql.query("SELECT 1 FROM suspensions WHERE user = +?1", &[Param::Text(user)])?;
    Ok(!rows.is_empty())
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
