//! Rows of those who follow the log: each has its own place in it, behind which it goes on.

use super::{Param, Row, Sql, StoreError};

/// How far a follower is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FollowerRow {
    /// The place of the last event that it has dealt with.
    pub after: i64,
    /// How often its next step has failed.
    pub failures: i64,
    /// When that is tried again, in milliseconds since the epoch.
    pub due: i64,
}

impl FollowerRow {
    /// Where it is when its step has failed: at the same place, and each time for longer; twice as long,
    /// from a second to so many milliseconds.
    #[must_use]
    pub fn failed(self, now: i64, most: i64) -> Self {
        let failures = self.failures.saturating_add(1);
        let exponent = u32::try_from(self.failures).unwrap_or(u32::MAX);
        let pause = 2_i64.checked_pow(exponent).map_or(most, |times| times.saturating_mul(1_000));
        Self { failures, due: now.saturating_add(pause.min(most)), ..self }
    }
}

/// How far one is, if it is there.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn read(sql: &dyn Sql, name: &str) -> Result<Option<FollowerRow>, StoreError> {
    let statement = "SELECT after, failures, due FROM followers WHERE name = +?1";
    let rows = sql.query(statement, &[Param::Text(name)])?;
    let read = |row: &Row| {
        let (after, failures, due) = (row.integer(0)?, row.integer(1)?, row.integer(2)?);
        Ok(FollowerRow { after, failures, due })
    };
    rows.first().map(read).transpose()
}

/// The places of all of them, by their names.
pub fn places(sql: &dyn Sql) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = sql.query("SELECT name, after FROM followers", &[])?;
    rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.integer(1)?))).collect()
}

/// Notes how far one is.
pub fn write(sql: &dyn Sql, name: &str, row: FollowerRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO followers (name, after, failures, due) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (name) DO UPDATE SET after = ?2, failures = ?3, due = ?4",
        &[
            Param::Text(name),
            Param::Integer(row.after),
            Param::Integer(row.failures),
            Param::Integer(row.due),
        ],
    )?;
    Ok(())
}

/// Notes that it follows no more.
pub fn delete(sql: &dyn Sql, name: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM followers WHERE name = +?1", &[Param::Text(name)])?;
    Ok(())
}

/// When one's last steps were done, and how far they had come; a JSON array, if that is noted of it.
pub fn steps(sql: &dyn Sql, name: &str) -> Result<Option<String>, StoreError> {
    let rows = sql.query("SELECT steps FROM followers WHERE name = +?1", &[Param::Text(name)])?;
    let text = |row: &Row| Ok(row.text_or_null(0)?.map(str::to_owned));
    rows.first().map_or(Ok(None), text)
}

/// Notes how far one is, and its last steps.
pub fn write_steps(
    sql: &dyn Sql,
    name: &str,
    row: FollowerRow,
    steps: &str,
) -> Result<(), StoreError> {
    sql.query(
        "INSERT OR REPLACE INTO followers (name, after, failures, due, steps)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        &[
            Param::Text(name),
            Param::Integer(row.after),
            Param::Integer(row.failures),
            Param::Integer(row.due),
            Param::Text(steps),
        ],
    )?;
    Ok(())
}
