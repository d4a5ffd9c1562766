//! Rows of streams. How far each has come is a follower's row.

use super::{Param, Row, Sql, StoreError};

/// A stream's row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StreamRow {
    /// Its id.
    pub id: String,
    /// How it hands events over, by name.
    pub kind: String,
    /// To which address.
    pub url: String,
    /// The origin by which the deployment was called when it was given that, which is no receiver, and
    /// issues tokens.
    pub origin: String,
    /// Which types of events, spaces between them.
    pub types: String,
    /// Which it took before, up to which places in the log.
    pub former_types: String,
    /// `enabled` or `disabled`.
    pub state: String,
    /// Why it is disabled, where that was nobody's word.
    pub why: Option<String>,
    /// How events are signed, by name.
    pub signature: String,
    /// For whom tokens are; webhooks have nothing of the kind.
    pub audience: Option<String>,
    /// What the receiver is shown as `Authorization`, sealed.
    pub authorization: Option<String>,
    /// By which attribute map it tells of users, if by one.
    pub attribute_map: Option<String>,
    /// The key that signs them, sealed.
    pub secret: String,
    /// The key before, sealed, that signs them, too.
    pub former: Option<String>,
    /// Until when it does, in milliseconds since the epoch.
    pub former_until: i64,
    /// The place in the log behind which the stream has begun.
    pub since: i64,
    /// The place up to which it is not known of all that had failed.
    pub forgotten: i64,
    /// Since when nothing has reached the receiver, in milliseconds since the epoch.
    pub failing: Option<i64>,
    /// When it was made, in milliseconds since the epoch.
    pub created: i64,
}

/// The state of a stream that hands events over.
pub const ENABLED: &str = "enabled";
/// The state of one that does not.
pub const DISABLED: &str = "disabled";

/// All streams.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn all(sql: &dyn Sql) -> Result<Vec<StreamRow>, StoreError> {
    const STATEMENT: &str = "SELECT id, kind, url, types, state, why, signature, secret, former,
            former_until, since, failing, created, origin, audience, authorization, former_types,
            forgotten, attribute_map
         FROM streams ORDER BY id";
    let text = |row: &Row, column| row.text(column).map(str::to_owned);
    let read = |row: &Row| {
        Ok(StreamRow {
            id: text(row, 0)?,
            kind: text(row, 1)?,
            url: text(row, 2)?,
            types: text(row, 3)?,
            state: text(row, 4)?,
            why: row.text_or_null(5)?.map(str::to_owned),
            signature: text(row, 6)?,
            secret: text(row, 7)?,
            former: row.text_or_null(8)?.map(str::to_owned),
            former_until: row.integer(9)?,
            since: row.integer(10)?,
            failing: row.integer_or_null(11)?,
            created: row.integer(12)?,
            origin: text(row, 13)?,
            audience: row.text_or_null(14)?.map(str::to_owned),
            authorization: row.text_or_null(15)?.map(str::to_owned),
            former_types: text(row, 16)?,
            forgotten: row.integer(17)?,
            attribute_map: row.text_or_null(18)?.map(str::to_owned),
        })
    };
    sql.query(STATEMENT, &[])?.iter().map(read).collect()
}

/// Writes a row in the place of that of its id, if there is one.
pub fn put(sql: &dyn Sql, row: &StreamRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT OR REPLACE INTO streams (id, kind, url, types, state, why, signature, secret, former,
            former_until, since, failing, created, origin, audience, authorization, former_types,
            forgotten, attribute_map)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        &[
            Param::Text(&row.id),
            Param::Text(&row.kind),
            Param::Text(&row.url),
            Param::Text(&row.types),
            Param::Text(&row.state),
            row.why.as_deref().map_or(Param::Null, Param::Text),
            Param::Text(&row.signature),
            Param::Text(&row.secret),
            row.former.as_deref().map_or(Param::Null, Param::Text),
            Param::Integer(row.former_until),
            Param::Integer(row.since),
            row.failing.map_or(Param::Null, Param::Integer),
            Param::Integer(row.created),
            Param::Text(&row.origin),
            row.audience.as_deref().map_or(Param::Null, Param::Text),
            row.authorization.as_deref().map_or(Param::Null, Param::Text),
            Param::Text(&row.former_types),
            Param::Integer(row.forgotten),
            row.attribute_map.as_deref().map_or(Param::Null, Param::Text),
        ],
    )?;
    Ok(())
}

/// Removes a stream.
pub fn delete(sql: &dyn Sql, id: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM streams WHERE id = +?1", &[Param::Text(id)])?;
    Ok(())
}
