//! Rows of the issuers and subjects whose assertions a connection takes in place of a secret.

use super::{Param, Row, Sql, StoreError};

/// A trust's row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustRow {
    /// The trust's id, which its tokens name as their subject.
    pub id: String,
    /// The connection as which the workload acts.
    pub connection: String,
    /// Who vouches for the workload.
    pub issuer: String,
    /// The workload, as the issuer names it.
    pub subject: String,
    /// The audience that an assertion must have, if not the address that it is sent to.
    pub audience: Option<String>,
    /// Where the issuer's keys are, if its configuration is not to be asked.
    pub jwks_uri: Option<String>,
    /// The names of the scopes that its tokens have at most.
    pub scopes: String,
    /// The `jti` of its tokens, by which they are known to be of this row.
    pub jti: String,
    /// When it was made, in seconds since the epoch.
    pub created: i64,
    /// When a token of it was last used, in seconds since the epoch, as far as that has been written.
    pub used: Option<i64>,
}

/// All trusts.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn all(sql: &dyn Sql) -> Result<Vec<TrustRow>, StoreError> {
    const STATEMENT: &str =
        "SELECT id, connection, issuer, subject, audience, jwks_uri, scopes, jti, created, used
         FROM trusts ORDER BY id";
    let read = |row: &Row| {
        Ok(TrustRow {
            id: row.text(0)?.to_owned(),
            connection: row.text(1)?.to_owned(),
            issuer: row.text(2)?.to_owned(),
            subject: row.text(3)?.to_owned(),
            audience: row.text_or_null(4)?.map(str::to_owned),
            jwks_uri: row.text_or_null(5)?.map(str::to_owned),
            scopes: row.text(6)?.to_owned(),
            jti: row.text(7)?.to_owned(),
            created: row.integer(8)?,
            used: row.integer_or_null(9)?,
        })
    };
    sql.query(STATEMENT, &[])?.iter().map(read).collect()
}

/// Adds a trust.
pub fn insert(sql: &dyn Sql, trust: &TrustRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO trusts
            (id, connection, issuer, subject, audience, jwks_uri, scopes, jti, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &[
            Param::Text(&trust.id),
            Param::Text(&trust.connection),
            Param::Text(&trust.issuer),
            Param::Text(&trust.subject),
            trust.audience.as_deref().map_or(Param::Null, Param::Text),
            trust.jwks_uri.as_deref().map_or(Param::Null, Param::Text),
            Param::Text(&trust.scopes),
            Param::Text(&trust.jti),
            Param::Integer(trust.created),
        ],
    )?;
    Ok(())
}

/// Removes a trust.
pub fn delete(sql: &dyn Sql, id: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM trusts WHERE id = +?1", &[Param::Text(id)])?;
    Ok(())
}

/// Removes all that a connection trusts.
pub fn delete_of(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM trusts WHERE connection = +?1", &[Param::Text(connection)])?;
    Ok(())
}
