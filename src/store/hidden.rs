//! Rows of users whom a connection does not see, though they are there.

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
                    AND h.user = {column})"
            )
        })
    }

    /// The value of the condition's parameter.
    pub(super) const fn connection(self) -> Option<&'a str> {
        self.0
    }
}

/// All of them, each with a connection that does not see it.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn all(sql: &dyn Sql) -> Result<Vec<(String, Pos)>, StoreError> {
    let read = |row: &Row| Ok((row.text(0)?.to_owned(), Pos::stored(row.integer(1)?)));
    sql.query("SELECT connection, user FROM hidden", &[])?.iter().map(read).collect()
}

/// Hides a user from a connection.
pub fn add(sql: &dyn Sql, connection: &str, user: Pos) -> Result<(), StoreError> {
    sql.query(
        "INSERT OR IGNORE INTO hidden (connection, user) VALUES (?1, ?2)",
        &[Param::Text(connection), Param::Integer(user.value())],
    )?;
    Ok(())
}

/// Shows it again.
pub fn remove(sql: &dyn Sql, connection: &str, user: Pos) -> Result<(), StoreError> {
    sql.query(
        "DELETE FROM hidden WHERE connection = +?1 AND user = +?2",
        &[Param::Text(connection), Param::Integer(user.value())],
    )?;
    Ok(())
}

/// Forgets whom a connection does not see.
pub fn remove_of(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM hidden WHERE connection = +?1", &[Param::Text(connection)])?;
    Ok(())
}

/// A condition on the column of a member, to stand behind another: that it is not hidden from the
/// connection whose origin is the parameter of a number.
pub(super) fn none(column: &str, origin: usize) -> String {
    format!(
        " AND NOT EXISTS (SELECT 1 FROM hidden h
            WHERE h.connection = substr(+?{origin}, 6) AND h.user = {column})"
    )
}
