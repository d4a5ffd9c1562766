//! Rows of connections: one identity provider each.

use serde_json::{Map, Value};

use super::{Param, Row, Sql, StoreError};

/// A connection's row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConnectionRow {
    /// The id, which never changes.
    pub id: String,
    /// The name for people, unique in the tenant.
    pub display_name: String,
    /// The name of its preset.
    pub preset: String,
    /// What it has in place of its preset's rules.
    pub compat: Map<String, Value>,
    /// Its state.
    pub state: String,
    /// When it was made, in milliseconds since the epoch.
    pub created: i64,
}

/// All connections.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn all(sql: &dyn Sql) -> Result<Vec<ConnectionRow>, StoreError> {
    const STATEMENT: &str =
        "SELECT id, display_name, preset, compat, state, created FROM connections ORDER BY id";
    let read = |row: &Row| {
        Ok(ConnectionRow {
            id: row.text(0)?.to_owned(),
            display_name: row.text(1)?.to_owned(),
            preset: row.text(2)?.to_owned(),
            compat: serde_json::from_str(row.text(3)?)
                .map_err(|_| StoreError::new("the rules of a connection are no JSON object"))?,
            state: row.text(4)?.to_owned(),
            created: row.integer(5)?,
        })
    };
    sql.query(STATEMENT, &[])?.iter().map(read).collect()
}

/// Adds a connection.
pub fn insert(sql: &dyn Sql, connection: &ConnectionRow) -> Result<(), StoreError> {
    let compat = serde_json::to_string(&connection.compat)
        .map_err(|_| StoreError::new("the rules of a connection are not to be written as JSON"))?;
    sql.query(
        "INSERT INTO connections (id, display_name, preset, compat, state, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &[
            Param::Text(&connection.id),
            Param::Text(&connection.display_name),
            Param::Text(&connection.preset),
            Param::Text(&compat),
            Param::Text(&connection.state),
            Param::Integer(connection.created),
        ],
    )?;
    Ok(())
}
