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
    /// When it takes up what nobody manages.
    pub adopt: String,
    /// Which of its users it provides with access: a filter; all of them, where there is none.
    pub in_scope: Option<String>,
    /// Whether it has ever been active, so that what it says counts.
    pub activated: bool,
    /// What it says in place of the tenant's policies.
    pub options: Map<String, Value>,
    /// Its version's number.
    pub rev: i64,
    /// When it was made, in milliseconds since the epoch.
    pub created: i64,
}

/// All connections.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn all(sql: &dyn Sql) -> Result<Vec<ConnectionRow>, StoreError> {
    const STATEMENT: &str =
        "SELECT id, display_name, preset, compat, state, adopt, rev, created, in_scope, activated,
            options
         FROM connections ORDER BY id";
    let read = |row: &Row| {
        Ok(ConnectionRow {
            id: row.text(0)?.to_owned(),
            display_name: row.text(1)?.to_owned(),
            preset: row.text(2)?.to_owned(),
            compat: object(row.text(3)?)?,
            state: row.text(4)?.to_owned(),
            adopt: row.text(5)?.to_owned(),
            rev: row.integer(6)?,
            created: row.integer(7)?,
            in_scope: row.text_or_null(8)?.map(str::to_owned),
            activated: row.integer(9)? != 0,
            options: object(row.text(10)?)?,
        })
    };
    sql.query(STATEMENT, &[])?.iter().map(read).collect()
}

/// Adds a connection, or writes its new version.
pub fn write(sql: &dyn Sql, connection: &ConnectionRow) -> Result<(), StoreError> {
    let text = |rules: &Map<String, Value>| {
        serde_json::to_string(rules)
            .map_err(|_| StoreError::new("the rules of a connection are not to be written as JSON"))
    };
    let (compat, options) = (text(&connection.compat)?, text(&connection.options)?);
    sql.query(
        "INSERT INTO connections (id, display_name, preset, compat, state, adopt, rev, created,
            in_scope, activated, options)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (id) DO UPDATE SET display_name = ?2, preset = ?3, compat = ?4, state = ?5,
            adopt = ?6, rev = ?7, in_scope = ?9, activated = ?10, options = ?11",
        &[
            Param::Text(&connection.id),
            Param::Text(&connection.display_name),
            Param::Text(&connection.preset),
            Param::Text(&compat),
            Param::Text(&connection.state),
            Param::Text(&connection.adopt),
            Param::Integer(connection.rev),
            Param::Integer(connection.created),
            connection.in_scope.as_deref().map_or(Param::Null, Param::Text),
            Param::Integer(connection.activated.into()),
            Param::Text(&options),
        ],
    )?;
    Ok(())
}

fn object(text: &str) -> Result<Map<String, Value>, StoreError> {
    serde_json::from_str(text)
        .map_err(|_| StoreError::new("the rules of a connection are no JSON object"))
}

/// Removes a connection.
pub fn delete(sql: &dyn Sql, id: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM connections WHERE id = +?1", &[Param::Text(id)])?;
    Ok(())
}
