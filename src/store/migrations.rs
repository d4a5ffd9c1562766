//! The tables, by numbered migrations that are only ever appended to.

mod directory;
mod provisioning;
mod streams;

use self::directory::{
    DANGLING_KEYS, IDEMPOTENCY, KEY_USES, MANAGERS, ORDERS, ORDERS_OF_FEATURES, POLICIES, REQUESTS,
    RULES, SECRETS, TABLES, TRUSTS,
};
use self::provisioning::{
    ASYNC_REQUESTS, CHAIN, CHANGES, COPIED_SINCE, COPIES, COUNTED, DECIDERS, DECIDING, DECISIONS,
    DRIFTS, GRANTS, GROUP_GRANTS, HIDDEN, IMPORTS, KEPT_ACCESS, MATCHES, MOVED, OPTIONS, SIGHTINGS,
    STOPPED, SUSPENSIONS, TOMBSTONES, WAITING,
};
use self::streams::{MAPPED, STREAMS, TOKENS, UNKNOWN};
use super::{Sql, StoreError};

/// Each migration's statements, in order; its number is its place.
const MIGRATIONS: &[&[&str]] = &[
    TABLES,
    DANGLING_KEYS,
    POLICIES,
    RULES,
    ORDERS,
    ORDERS_OF_FEATURES,
    MANAGERS,
    KEY_USES,
    SECRETS,
    TRUSTS,
    IDEMPOTENCY,
    REQUESTS,
    GRANTS,
    OPTIONS,
    TOMBSTONES,
    SUSPENSIONS,
    DRIFTS,
    GROUP_GRANTS,
    DECISIONS,
    SIGHTINGS,
    IMPORTS,
    HIDDEN,
    MATCHES,
    COPIES,
    CHANGES,
    KEPT_ACCESS,
    COPIED_SINCE,
    COUNTED,
    DECIDERS,
    CHAIN,
    STREAMS,
    ASYNC_REQUESTS,
    TOKENS,
    UNKNOWN,
    WAITING,
    STOPPED,
    DECIDING,
    MAPPED,
    MOVED,
];

/// Whether a database has tables; an empty one has none, of a tenant that is new or was purged.
///
/// # Errors
/// When SQLite does not answer.
pub fn has_tables(sql: &dyn Sql) -> Result<bool, StoreError> {
    let statement =
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations' LIMIT 1";
    Ok(!sql.query(statement, &[])?.is_empty())
}

/// Brings a database of any earlier version, or an empty one, to this version.
///
/// # Errors
/// When a statement fails; the caller's transaction is then rolled back.
pub fn migrate(sql: &dyn Sql) -> Result<(), StoreError> {
    sql.query("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY) STRICT", &[])?;
    let rows = sql.query("SELECT coalesce(max(number), 0) FROM migrations", &[])?;
    let done = rows.first().map_or(Ok(0), |row| row.integer(0))?;
    for (number, statements) in (1_i64..).zip(MIGRATIONS).filter(|(number, _)| *number > done) {
        for statement in *statements {
            sql.query(statement, &[])?;
        }
        sql.query("INSERT INTO migrations (number) VALUES (?1)", &[super::Param::Integer(number)])?;
    }
    Ok(())
}
