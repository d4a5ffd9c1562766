//! Rows of decisions about many users that are still to be carried out, in bounded steps: of whom access
//! is to be suspended or restored, and how far that is.

use serde_json::{Value, json};

use super::{Param, Pos, Sql, StoreError};

/// A decision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DecisionRow {
    /// Its number.
    pub id: i64,
    /// Whether access is to be suspended, or restored.
    pub suspended: bool,
    /// Who has decided it.
    pub actor: String,
    /// The connection to which that one is bound, and which decides of its own users alone.
    pub connection: Option<String>,
    /// Of whom.
    pub users: Vec<Pos>,
    /// For how many of them it is done.
    pub done: usize,
}

/// The first that there is.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn first(sql: &dyn Sql) -> Result<Option<DecisionRow>, StoreError> {
    let rows = sql.query(
        "SELECT id, suspended, actor, users, done, connection FROM decisions ORDER BY id LIMIT 1",
        &[],
    )?;
    let Some(row) = rows.first() else { return Ok(None) };
    let users: Vec<i64> = serde_json::from_str(row.text(3)?)
        .map_err(|_| StoreError::new("a stored decision is malformed"))?;
    Ok(Some(DecisionRow {
        id: row.integer(0)?,
        suspended: row.integer(1)? != 0,
        actor: row.text(2)?.to_owned(),
        connection: row.text_or_null(5)?.map(str::to_owned),
        users: users.into_iter().map(Pos::stored).collect(),
        done: usize::try_from(row.integer(4)?).unwrap_or(usize::MAX),
    }))
}

/// How many there are, at most one more than `most`.
pub fn count(sql: &dyn Sql, most: usize) -> Result<usize, StoreError> {
    let most = Param::count(most.saturating_add(1));
    Ok(sql.query("SELECT 1 FROM decisions LIMIT +?1", &[most])?.len())
}

/// Adds one behind all others; its number is given here.
pub fn add(sql: &dyn Sql, row: &DecisionRow) -> Result<(), StoreError> {
    let users: Value = row.users.iter().map(|pos| json!(pos.value())).collect();
    sql.query(
        "INSERT INTO decisions (suspended, actor, users, done, connection)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        &[
            Param::Integer(row.suspended.into()),
            Param::Text(&row.actor),
            Param::Text(&users.to_string()),
            Param::count(row.done),
            row.connection.as_deref().map_or(Param::Null, Param::Text),
        ],
    )?;
    Ok(())
}

/// Notes how far it is.
pub fn go_on(sql: &dyn Sql, id: i64, done: usize) -> Result<(), StoreError> {
    sql.query(
        "UPDATE decisions SET done = ?2 WHERE id = +?1",
        &[Param::Integer(id), Param::count(done)],
    )?;
    Ok(())
}

/// Removes one that is carried out.
pub fn end(sql: &dyn Sql, id: i64) -> Result<(), StoreError> {
    sql.query("DELETE FROM decisions WHERE id = +?1", &[Param::Integer(id)])?;
    Ok(())
}
