//! Rows of keys: which are live, and the digest that proves each.

use std::collections::BTreeMap;

use super::{Param, Row, Sql, StoreError};

/// A key's row. Nothing in it could recreate the key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyRow {
    /// The key's id.
    pub id: String,
    /// The name it was given.
    pub name: String,
    /// The names of its scopes.
    pub scopes: String,
    /// The connection it acts as, if it is bound to one.
    pub connection: Option<String>,
    /// SHA-256 of its `jti`, in hexadecimal.
    pub jti: String,
    /// When it was made, in seconds since the epoch.
    pub created: i64,
    /// When it expires, in seconds since the epoch.
    pub expires: i64,
    /// For how many seconds it was made; a rotation ends it before.
    pub life: i64,
    /// When it was last used, in seconds since the epoch, as far as that has been written.
    pub used: Option<i64>,
}

/// All keys that have not been revoked.
///
/// # Errors
/// As [`Sql::query`]; so for all functions here.
pub fn all(sql: &dyn Sql) -> Result<Vec<KeyRow>, StoreError> {
    const STATEMENT: &str = "SELECT id, name, scopes, connection, jti, created, expires, life, used FROM keys ORDER BY id";
    let read = |row: &Row| {
        Ok(KeyRow {
            id: row.text(0)?.to_owned(),
            name: row.text(1)?.to_owned(),
            scopes: row.text(2)?.to_owned(),
            connection: row.text_or_null(3)?.map(str::to_owned),
            jti: row.text(4)?.to_owned(),
            created: row.integer(5)?,
            expires: row.integer(6)?,
            life: row.integer(7)?,
            used: row.integer_or_null(8)?,
        })
    };
    sql.query(STATEMENT, &[])?.iter().map(read).collect()
}

/// Adds a key.
pub fn insert(sql: &dyn Sql, key: &KeyRow) -> Result<(), StoreError> {
    sql.query(
        "INSERT INTO keys (id, name, scopes, connection, jti, created, expires, life)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[
            Param::Text(&key.id),
            Param::Text(&key.name),
            Param::Text(&key.scopes),
            key.connection.as_deref().map_or(Param::Null, Param::Text),
            Param::Text(&key.jti),
            Param::Integer(key.created),
            Param::Integer(key.expires),
            Param::Integer(key.life),
        ],
    )?;
    Ok(())
}

/// Sets when a key expires, in seconds since the epoch.
pub fn expire(sql: &dyn Sql, id: &str, expires: i64) -> Result<(), StoreError> {
    sql.query(
        "UPDATE keys SET expires = ?2 WHERE id = +?1",
        &[Param::Text(id), Param::Integer(expires)],
    )?;
    Ok(())
}

/// Notes when keys, and tokens of secrets and trusts, were last used, all of them at once; an id that is
/// none of theirs is passed over.
pub fn note_uses(sql: &dyn Sql, uses: &BTreeMap<String, i64>) -> Result<(), StoreError> {
    let uses = serde_json::to_string(uses)
        .map_err(|_| StoreError::new("the uses of keys are not to be written as JSON"))?;
    for statement in [
        "UPDATE keys SET used = one.value FROM json_each(?1) AS one WHERE keys.id = one.key",
        "UPDATE secrets SET used = one.value FROM json_each(?1) AS one WHERE secrets.id = one.key",
        "UPDATE trusts SET used = one.value FROM json_each(?1) AS one WHERE trusts.id = one.key",
    ] {
        sql.query(statement, &[Param::Text(&uses)])?;
    }
    Ok(())
}

/// Removes a key.
pub fn delete(sql: &dyn Sql, id: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM keys WHERE id = +?1", &[Param::Text(id)])?;
    Ok(())
}

/// Removes the keys of a connection.
pub fn delete_of(sql: &dyn Sql, connection: &str) -> Result<(), StoreError> {
    sql.query("DELETE FROM keys WHERE connection = +?1", &[Param::Text(connection)])?;
    Ok(())
}

/// Removes the keys that expired by a time, in seconds since the epoch.
pub fn delete_expired(sql: &dyn Sql, now: i64) -> Result<(), StoreError> {
    sql.query("DELETE FROM keys WHERE expires <= +?1", &[Param::Integer(now)])?;
    Ok(())
}
