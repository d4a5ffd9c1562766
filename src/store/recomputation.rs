//! The row that says how far the access of all users is computed anew.

use super::{Param, Pos, Sql, StoreError, resources};

/// How far it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecomputationRow {
    /// The place behind which it goes on.
    pub after: Pos,
    /// How many users it has been done for.
    pub done: i64,
    /// Who has made it necessary.
    pub actor: String,
    /// By which connection.
    pub connection: Option<String>,
}

/// Where it is, if there is something to do.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn read(sql: &dyn Sql) -> Result<Option<RecomputationRow>, StoreError> {
    let rows = sql.query("SELECT after, done, actor, connection FROM recomputation", &[])?;
    let read = rows.first().map(|row| {
        Ok(RecomputationRow {
            after: Pos::stored(row.integer(0)?),
            done: row.integer(1)?,
            actor: row.text(2)?.to_owned(),
            connection: row.text_or_null(3)?.map(str::to_owned),
        })
    });
    read.transpose()
}

/// Notes how far it is.
pub fn write(sql: &dyn Sql, row: &RecomputationRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO recomputation (id, after, done, actor, connection) VALUES (1, ?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET after = ?1, done = ?2, actor = ?3, connection = ?4",
        &[
            Param::Integer(row.after.value()),
            Param::Integer(row.done),
            Param::Text(&row.actor),
            row.connection.as_deref().map_or(Param::Null, Param::Text),
        ],
    )?;
    Ok(())
}

/// Notes that it is done.
pub fn end(sql: &dyn Sql) -> Result<(), StoreError> {
    sql.query("DELETE FROM recomputation", &[])?;
    Ok(())
}

/// The users behind a place, at most `limit`.
pub fn users_after(sql: &dyn Sql, after: Pos, limit: usize) -> Result<Vec<Pos>, StoreError> {
    let (_, high) = Pos::range(after.type_number());
    resources::between(sql, (after, high), limit)
}
