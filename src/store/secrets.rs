//! Rows of the secrets with which OAuth clients, one a connection, ask for tokens.

use super::{Param, Row, Sql, StoreError};

/// A secret's row. Nothing in it could recreate the secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretRow {
    /// The secret's id, which its tokens name as their subject.
    pub id: String,
    /// The connection whose client knows it.
    pub connection: String,
    /// The names of the scopes that its tokens have at most.
    pub scopes: String,
    /// SHA-256 of the secret, in hexadecimal.
    pub digest: String,
    /// The `jti` of its tokens, by which they are known to be of this row.
    pub jti: String,
    /// When it was made, in seconds since the epoch.
    pub created: i64,
    /// When it expires, in seconds since the epoch.
    pub expires: i64,
    /// When a token of it was last used, in seconds since the epoch, as far as that has been written.
    pub used: Option<i64>,
}

/// All secrets that have not been revoked.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn all(sql: &dyn Sql) -> Result<Vec<SecretRow>, StoreError> {
    const STATEMENT: &str = "SELECT id, connection, scopes, digest, jti, created, expires, used FROM secrets ORDER BY id";
    let read = |row: &Row| {
        Ok(SecretRow {
            id: row.text(0)?.to_owned(),
            connection: row.text(1)?.to_owned(),
            scopes: row.text(2)?.to_owned(),
            digest: row.text(3)?.to_owned(),
            jti: row.text(4)?.to_owned(),
            created: row.integer(5)?,
            expires: row.integer(6)?,
            used: row.integer_or_null(7)?,
        })
    };
    sql.query(STATEMENT, &[])?.iter().map(read).collect()
}

/// Adds a secret.
pub fn insert(sql: &dyn Sql, secret: &SecretRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO secrets (id, connection, scopes, digest, jti, created, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &[
            Param::Text(&secret.id),
            Param::Text(&secret.connection),
            Param::Text(&secret.scopes),
            Param::Text(&secret.digest),
            Param::Text(&secret.jti),
            Param::Integer(secret.created),
            Param::Integer(secret.expires),
        ],
    )?;
    Ok(())
}

/// Removes a secret.
pub fn delete(sql: &dyn Sql, id: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM secrets WHERE id = +?1", &[Param::Text(id)])?;
    Ok(())
}

/// Removes the secrets that expired by a time, in seconds since the epoch.
pub fn delete_expired(sql: &dyn Sql, now: i64) -> Result<(), StoreError> {
    sql.query("DELETE FROM secrets WHERE expires <= +?1", &[Param::Integer(now)])?;
    Ok(())
}

/// Removes all secrets of a connection.
pub fn delete_of(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM secrets WHERE connection = +?1", &[Param::Text(connection)])?;
    Ok(())
}
