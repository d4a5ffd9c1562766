//! Rows of proposals: a user who is nobody's, and a connection that may mean this one.

use serde_json::json;

use super::{Param, Pos, Row, Sql, StoreError};

/// What has become of a proposal.
pub const OPEN: &str = "open";
/// Somebody has accepted it, and the connection has not made the user since.
pub const ACCEPTED: &str = "accepted";
/// Somebody has rejected it.
pub const REJECTED: &str = "rejected";

/// A proposal. It has nothing of what the connection said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MatchRow {
    /// The connection.
    pub connection: String,
    /// The user.
    pub user: Pos,
    /// The paths of the attributes that agree.
    pub paths: Vec<String>,
    /// How sure it is, of 100.
    pub confidence: i64,
    /// When it was first made, in milliseconds since the epoch.
    pub created: i64,
    /// What has become of it.
    pub state: String,
}

/// The proposal of a pair, if there is one.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn of(sql: &dyn Sql, connection: &str, user: Pos) -> Result<Option<MatchRow>, StoreError> {
    const STATEMENT: &str = "SELECT connection, user, paths, confidence, created, state
         FROM matches WHERE connection = +?1 AND user = +?2";
    let rows = sql.query(STATEMENT, &[Param::Text(connection), Param::Integer(user.value())])?;
    rows.first().map(read).transpose()
}

/// The open proposals behind one, by connections and in the order of users, of all connections or of
/// one, each with the user's id; those whose user is somebody's by now left out.
pub fn open(
    sql: &dyn Sql,
    of: Option<&str>,
    (connection, user): (&str, i64),
    limit: usize,
) -> Result<Vec<(MatchRow, String)>, StoreError> {
    let condition = of.map(|_| "AND m.connection = +?4").unwrap_or_default();
    let statement = format!(
        "SELECT m.connection, m.user, m.paths, m.confidence, m.created, m.state, r.id
         FROM matches m CROSS JOIN resources r ON r.pos = m.user
         WHERE (m.connection, m.user) > (+?1, +?2) AND m.state = 'open' AND r.manager IS NULL
            {condition}
         ORDER BY m.connection, m.user LIMIT +?3"
    );
    let params = [Param::Text(connection), Param::Integer(user), Param::count(limit)];
    let params: Vec<Param<'_>> = params.into_iter().chain(of.map(Param::Text)).collect();
    let rows = sql.query(&statement, &params)?;
    rows.iter().map(|row| Ok((read(row)?, row.text(6)?.to_owned()))).collect()
}

/// How many proposals each connection has, and whether any of them was accepted.
pub fn counts(sql: &dyn Sql) -> Result<Vec<(String, i64, bool)>, StoreError> {
    let statement = "SELECT connection, count(*), max(state = 'accepted') FROM matches
         GROUP BY connection";
    let read = |row: &Row| Ok((row.text(0)?.to_owned(), row.integer(1)?, row.integer(2)? != 0));
    sql.query(statement, &[])?.iter().map(read).collect()
}

/// Writes a proposal, or what has become of one.
pub fn write(sql: &dyn Sql, row: &MatchRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT OR REPLACE INTO matches (connection, user, paths, confidence, created, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        &[
            Param::Text(&row.connection),
            Param::Integer(row.user.value()),
            Param::Text(&json!(row.paths).to_string()),
            Param::Integer(row.confidence),
            Param::Integer(row.created),
            Param::Text(&row.state),
        ],
    )?;
    Ok(())
}

/// Removes the proposal of a pair.
pub fn remove(sql: &dyn Sql, connection: &str, user: Pos) -> Result<(), StoreError> {
    sql.query(
        "DELETE FROM matches WHERE connection = +?1 AND user = +?2",
        &[Param::Text(connection), Param::Integer(user.value())],
    )?;
    Ok(())
}

/// Removes the proposals of a connection.
pub fn remove_of(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM matches WHERE connection = +?1", &[Param::Text(connection)])?;
    Ok(())
}

/// Removes those of a connection's proposals whose user is somebody's by now, or gone; how many are
/// left.
pub fn sweep(sql: &dyn Sql, connection: &str) -> Result<i64, StoreError> {
    sql.query(
        "DELETE FROM matches WHERE connection = +?1 AND state <> 'accepted' AND NOT EXISTS (
            SELECT 1 FROM resources r WHERE r.pos = matches.user AND r.manager IS NULL)",
        &[Param::Text(connection)],
    )?;
    let rows = sql
        .query("SELECT count(*) FROM matches WHERE connection = +?1", &[Param::Text(connection)])?;
    rows.first().map_or(Ok(0), |row| row.integer(0))
}

fn read(row: &Row) -> Result<MatchRow, StoreError> {
    let paths = serde_json::from_str(row.text(2)?);
    Ok(MatchRow {
        connection: row.text(0)?.to_owned(),
        user: Pos::stored(row.integer(1)?),
        paths: paths.map_err(|_| StoreError::new("a proposal is malformed"))?,
        confidence: row.integer(3)?,
        created: row.integer(4)?,
        state: row.text(5)?.to_owned(),
    })
}
