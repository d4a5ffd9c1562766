//! Rows of users that a connection does not see though they are there: those whose deletion by it is
//! not decided yet.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Param, Pos, Row, Sql, StoreError};

/// What a client does not see of the users that there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Veil<'a>(Option<&'a str>);

impl<'a> Veil<'a> {
    /// The users that are hidden from a connection; it costs rows even where none is.
    pub const fn of(connection: &'a str) -> Self {
        Self(Some(connection))
    }

    /// Whether anything may be hidden.
    pub const fn hides(self) -> bool {
        self.0.is_some()
    }

    /// A condition on a position, to stand behind another; its parameter has a number.
    pub(super) fn and(self, column: &str, number: usize) -> String {
        self.0.map_or(String::new(), |_| {
            format!(
                " AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.connection = +?{number}
                    AND h.pos = {column})"
            )
        })
    }

    /// The value of the condition's parameter.
    pub(super) const fn connection(self) -> Option<&'a str> {
        self.0
    }
}

/// How many are hidden from each connection.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn counts(sql: &dyn Sql) -> Result<BTreeMap<String, i64>, StoreError> {
    let rows = sql.query("SELECT connection, count(*) FROM hidden GROUP BY connection", &[])?;
    rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.integer(1)?))).collect()
}

/// Hides a user from a connection.
pub fn add(sql: &dyn Sql, connection: &str, user: Pos) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO hidden (connection, pos) VALUES (?1, ?2)",
        &[Param::Text(connection), Param::Integer(user.value())],
    )?;
    Ok(())
}

/// Shows a user to a connection again.
pub fn remove(sql: &dyn Sql, connection: &str, user: Pos) -> Result<(), StoreError> {
    sql.query(
        "DELETE FROM hidden WHERE connection = +?1 AND pos = +?2",
        &[Param::Text(connection), Param::Integer(user.value())],
    )?;
    Ok(())
}

/// Shows a connection all users again.
pub fn remove_of(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM hidden WHERE connection = +?1", &[Param::Text(connection)])?;
    Ok(())
}

/// Which of some resources are hidden from a connection.
pub fn among(
    sql: &dyn Sql,
    connection: &str,
    positions: &[Pos],
) -> Result<BTreeSet<Pos>, StoreError> {
    let positions: Vec<i64> = positions.iter().map(|pos| pos.value()).collect();
    let rows = sql.query(
        "SELECT h.pos FROM json_each(?2) j CROSS JOIN hidden h
         ON h.connection = +?1 AND h.pos = j.value",
        &[Param::Text(connection), Param::Text(&json!(positions).to_string())],
    )?;
    let read = |row: &Row| row.integer(0).map(Pos::stored);
    rows.iter().map(read).collect()
}
