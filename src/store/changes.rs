//! Rows of changes: what connections did that awaits approval or was denied it, and what guards have
//! refused. What was approved, or needed no approval, has no row.

use super::{Param, Row, Sql, StoreError};

/// A row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangeRow {
    /// Its number: the place of the event that tells of it, so that rows are in the order of events.
    pub id: i64,
    /// The user's id.
    pub user: String,
    /// The action that says most of it, by name.
    pub action: String,
    /// All actions, a bit each.
    pub actions: u8,
    /// `pending` or `rejected`.
    pub status: String,
    /// Why it is held: `review`, `brake` or `guard`.
    pub cause: String,
    /// Whose doing it was.
    pub connection: Option<String>,
    /// By which key.
    pub actor: String,
    /// When, in milliseconds since the epoch.
    pub time: i64,
    /// What the user held before, as a JSON array.
    pub approved: String,
    /// What else is told of it, as a JSON object.
    pub about: String,
    /// How it was decided, as a JSON object.
    pub decision: Option<String>,
}

/// The cause of what was refused, and so changes nothing of the user's access.
pub const GUARD: &str = "guard";
/// The cause of what a connection does too much of at once.
pub const BRAKE: &str = "brake";
/// The cause of what the tenant wants to approve.
pub const REVIEW: &str = "review";
/// The status of what somebody is to decide.
pub const PENDING: &str = "pending";
/// The status of what somebody has denied.
pub const REJECTED: &str = "rejected";

const COLUMNS: &str =
    "id, user, action, actions, status, cause, connection, actor, time, approved, about, decision";

/// What is looked for in a list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sought<'a> {
    /// The user.
    pub user: Option<&'a str>,
    /// The action.
    pub action: Option<&'a str>,
    /// The status.
    pub status: Option<&'a str>,
    /// The connection.
    pub connection: Option<&'a str>,
    /// The number behind which it begins.
    pub after: i64,
    /// The moment behind which it begins.
    pub since: i64,
}

/// Whether there is any.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn any(sql: &dyn Sql) -> Result<bool, StoreError> {
    Ok(!sql.query("SELECT 1 FROM changes LIMIT 1", &[])?.is_empty())
}

/// Writes a row in the place of that of its number, if there is one.
pub fn put(sql: &dyn Sql, row: &ChangeRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT OR REPLACE INTO changes (id, user, action, actions, status, cause, connection, actor,
            time, approved, about, decision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        &[
            Param::Integer(row.id),
            Param::Text(&row.user),
            Param::Text(&row.action),
            Param::Integer(row.actions.into()),
            Param::Text(&row.status),
            Param::Text(&row.cause),
            row.connection.as_deref().map_or(Param::Null, Param::Text),
            Param::Text(&row.actor),
            Param::Integer(row.time),
            Param::Text(&row.approved),
            Param::Text(&row.about),
            row.decision.as_deref().map_or(Param::Null, Param::Text),
        ],
    )?;
    Ok(())
}

/// Removes a row.
pub fn delete(sql: &dyn Sql, id: i64) -> Result<(), StoreError> {
    sql.query("DELETE FROM changes WHERE id = +?1", &[Param::Integer(id)])?;
    Ok(())
}

/// Removes all rows of a user.
pub fn delete_of(sql: &dyn Sql, user: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM changes WHERE user = +?1", &[Param::Text(user)])?;
    Ok(())
}

/// The row of a number.
pub fn by_id(sql: &dyn Sql, id: i64) -> Result<Option<ChangeRow>, StoreError> {
    let statement = format!("SELECT {COLUMNS} FROM changes WHERE id = +?1");
    sql.query(&statement, &[Param::Integer(id)])?.first().map(read).transpose()
}

/// All rows of a user, in order.
pub fn of_user(sql: &dyn Sql, user: &str) -> Result<Vec<ChangeRow>, StoreError> {
    let statement = format!("SELECT {COLUMNS} FROM changes WHERE user = +?1 ORDER BY id");
    sql.query(&statement, &[Param::Text(user)])?.iter().map(read).collect()
}

/// What of a user's is held, if anything is: one row at most.
pub fn held(sql: &dyn Sql, user: &str) -> Result<Option<ChangeRow>, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS} FROM changes WHERE user = +?1 AND cause <> '{GUARD}' AND actions <> 0"
    );
    sql.query(&statement, &[Param::Text(user)])?.first().map(read).transpose()
}

/// What the brake holds of a connection, up to a number; the first at most `limit`.
pub fn braked(
    sql: &dyn Sql,
    connection: &str,
    until: i64,
    limit: usize,
) -> Result<Vec<ChangeRow>, StoreError> {
    let statement = format!("SELECT {COLUMNS} FROM changes WHERE {BRAKED} ORDER BY id LIMIT +?3");
    let params = [Param::Text(connection), Param::Integer(until), Param::count(limit)];
    sql.query(&statement, &params)?.iter().map(read).collect()
}

/// Makes what a connection has done nobody's, lest another of its id inherit it.
pub fn disown(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
    let statement = "UPDATE changes SET connection = NULL WHERE id > 0 AND connection = +?1";
    sql.query(statement, &[Param::Text(connection)])?;
    Ok(())
}

/// How much the brake holds of a connection, up to a number.
pub fn count_braked(sql: &dyn Sql, connection: &str, until: i64) -> Result<i64, StoreError> {
    let statement = format!("SELECT count(*) FROM changes WHERE {BRAKED}");
    let rows = sql.query(&statement, &[Param::Text(connection), Param::Integer(until)])?;
    rows.first().map_or(Ok(0), |row| row.integer(0))
}

/// As the index has it of them.
const BRAKED: &str = "connection = +?1 AND cause = 'brake' AND status = 'pending' AND id <= +?2";

/// The rows that are looked for, in order, at most `limit`.
pub fn list(sql: &dyn Sql, sought: Sought<'_>, limit: usize) -> Result<Vec<ChangeRow>, StoreError> {
    let texts = [
        ("user", sought.user),
        ("action", sought.action),
        ("status", sought.status),
        ("connection", sought.connection),
    ];
    let mut statement = format!("SELECT {COLUMNS} FROM changes WHERE id > +?1 AND time > +?2");
    let mut params = vec![Param::Integer(sought.after), Param::Integer(sought.since)];
    for (column, text) in texts {
        if let Some(text) = text {
            params.push(Param::Text(text));
            statement.push_str(&format!(" AND {column} = +?{}", params.len()));
        }
    }
    params.push(Param::count(limit));
    statement.push_str(&format!(" ORDER BY id LIMIT +?{}", params.len()));
    sql.query(&statement, &params)?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<ChangeRow, StoreError> {
    let actions = u8::try_from(row.integer(3)?);
    Ok(ChangeRow {
        id: row.integer(0)?,
        user: row.text(1)?.to_owned(),
        action: row.text(2)?.to_owned(),
        actions: actions.map_err(|error| StoreError::new(error.to_string()))?,
        status: row.text(4)?.to_owned(),
        cause: row.text(5)?.to_owned(),
        connection: row.text_or_null(6)?.map(str::to_owned),
        actor: row.text(7)?.to_owned(),
        time: row.integer(8)?,
        approved: row.text(9)?.to_owned(),
        about: row.text(10)?.to_owned(),
        decision: row.text_or_null(11)?.map(str::to_owned),
    })
}
