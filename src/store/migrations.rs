//! The tables, by numbered migrations that are only ever appended to.

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
];

const TABLES: &[&str] = &[
    // How many resources of each type there are, and the place last given to one.
    "CREATE TABLE types (
        number INTEGER PRIMARY KEY,
        live INTEGER NOT NULL,
        last INTEGER NOT NULL
     ) STRICT",
    // All resources: `pos` is type and creation order in one, so that a type's list is a range.
    "CREATE TABLE resources (
        pos INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        rev INTEGER NOT NULL,
        origin TEXT NOT NULL,
        members INTEGER NOT NULL,
        doc TEXT NOT NULL
     ) STRICT",
    // The values by which resources are found; `attribute` is a number of the schema table and, from
    // the second version on, of the type.
    "CREATE TABLE lookups (
        attribute INTEGER NOT NULL,
        key TEXT NOT NULL,
        pos INTEGER NOT NULL,
        PRIMARY KEY (attribute, key, pos)
     ) STRICT, WITHOUT ROWID",
    "CREATE TABLE members (
        grp INTEGER NOT NULL,
        member INTEGER NOT NULL,
        origin TEXT NOT NULL,
        display TEXT,
        PRIMARY KEY (grp, member, origin)
     ) STRICT, WITHOUT ROWID",
    "CREATE INDEX members_by_member ON members (member, grp)",
    // Members that a lenient connection named and that no resource is.
    "CREATE TABLE dangling (
        grp INTEGER NOT NULL,
        value TEXT NOT NULL,
        origin TEXT NOT NULL,
        display TEXT,
        PRIMARY KEY (grp, value, origin)
     ) STRICT, WITHOUT ROWID",
    "CREATE INDEX dangling_by_value ON dangling (value, grp)",
    // Deleted resources whose membership rows are still to be removed.
    "CREATE TABLE sweeps (pos INTEGER PRIMARY KEY) STRICT",
    "CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        time INTEGER NOT NULL,
        type TEXT NOT NULL,
        data TEXT NOT NULL
     ) STRICT",
    "CREATE TABLE connections (
        id TEXT PRIMARY KEY,
        display_name TEXT NOT NULL UNIQUE,
        preset TEXT NOT NULL,
        state TEXT NOT NULL,
        created INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID",
    "CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        scopes TEXT NOT NULL,
        connection TEXT,
        jti TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID",
];

/// The folded text of a member that no resource is, by which it is found when a resource of that
/// name appears. Texts that are there are folded as far as SQL can.
const DANGLING_KEYS: &[&str] = &[
    "ALTER TABLE dangling ADD COLUMN key TEXT NOT NULL DEFAULT ''",
    "UPDATE dangling SET key = lower(value)",
    "CREATE INDEX dangling_by_key ON dangling (key)",
];

/// The policy document: one row, of the id 1.
const POLICIES: &[&str] = &["CREATE TABLE policies (
        id INTEGER PRIMARY KEY,
        version INTEGER NOT NULL,
        document TEXT NOT NULL,
        numbers TEXT NOT NULL
     ) STRICT"];

/// What a connection has in place of its preset's rules: a JSON object.
const RULES: &[&str] = &["ALTER TABLE connections ADD COLUMN compat TEXT NOT NULL DEFAULT '{}'"];

/// Indexes in whose order a type's resources are listed.
const ORDERS: &[&str] = &[
    // A document's moments are texts of one form, so that their order is that of time; 40 is how far a
    // position's type is shifted.
    "CREATE INDEX resources_by_created ON resources (pos >> 40, doc->>'$.meta.created')",
    "CREATE INDEX resources_by_modified ON resources (pos >> 40, doc->>'$.meta.lastModified')",
    // The values of a type are together, so that they are read in their order.
    "UPDATE lookups SET attribute = pos >> 40 << 8 | attribute",
    // A resource without a value has its place in the order, too; 128 tells it from those with one.
    "WITH a (type, number, path) AS (VALUES
        (1, 1, '$.userName'), (1, 2, '$.externalId'), (1, 4, '$.displayName'),
        (2, 2, '$.externalId'), (2, 4, '$.displayName'))
     INSERT INTO lookups SELECT type << 8 | 128 | number, '', pos
     FROM a JOIN resources ON pos >> 40 = type WHERE doc->path IS NULL",
];

/// The same places in the orders of the types behind features, which may be older than the orders.
/// What has been written since has its place.
const ORDERS_OF_FEATURES: &[&str] = &["WITH a (type, number, path) AS (VALUES
        (3, 6, '$.display'), (3, 2, '$.externalId'), (4, 6, '$.display'), (4, 2, '$.externalId'),
        (5, 2, '$.externalId'), (5, 4, '$.displayName'), (5, 8, '$.subject'),
        (6, 2, '$.externalId'), (6, 4, '$.displayName'))
     INSERT OR IGNORE INTO lookups SELECT type << 8 | 128 | number, '', pos
     FROM a JOIN resources ON pos >> 40 = type WHERE doc->path IS NULL"];

/// Which connection manages a resource, what connections may take up, and those that are leaving.
const MANAGERS: &[&str] = &[
    "ALTER TABLE resources ADD COLUMN manager TEXT",
    // Whoever made it manages it; what was made without a connection, nobody does.
    "UPDATE resources SET manager = substr(origin, 6) WHERE substr(origin, 1, 5) = 'scim:'",
    "ALTER TABLE connections ADD COLUMN adopt TEXT NOT NULL DEFAULT 'onWrite'",
    "ALTER TABLE connections ADD COLUMN rev INTEGER NOT NULL DEFAULT 1",
    "CREATE TABLE departures (
        connection TEXT PRIMARY KEY,
        users TEXT NOT NULL,
        actor TEXT NOT NULL,
        pos INTEGER NOT NULL,
        done INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID",
];

/// For how long a key was made, which its rotation repeats, and when it was last used.
const KEY_USES: &[&str] = &[
    "ALTER TABLE keys ADD COLUMN life INTEGER NOT NULL DEFAULT 0",
    "UPDATE keys SET life = expires - created",
    "ALTER TABLE keys ADD COLUMN used INTEGER",
];

/// The secrets of OAuth clients.
const SECRETS: &[&str] = &["CREATE TABLE secrets (
        id TEXT PRIMARY KEY,
        connection TEXT NOT NULL,
        scopes TEXT NOT NULL,
        digest TEXT NOT NULL,
        jti TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        used INTEGER
     ) STRICT, WITHOUT ROWID"];

/// The issuers and subjects that connections trust.
const TRUSTS: &[&str] = &["CREATE TABLE trusts (
        id TEXT PRIMARY KEY,
        connection TEXT NOT NULL,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        audience TEXT,
        jwks_uri TEXT,
        scopes TEXT NOT NULL,
        jti TEXT NOT NULL,
        created INTEGER NOT NULL,
        used INTEGER
     ) STRICT, WITHOUT ROWID"];

/// Answers to requests that may be sent again: `key` names who sent what where, `request` is the
/// digest of the body.
const IDEMPOTENCY: &[&str] = &[
    "CREATE TABLE idempotency (
        key TEXT PRIMARY KEY,
        request TEXT NOT NULL,
        expires INTEGER NOT NULL,
        status INTEGER NOT NULL,
        headers TEXT NOT NULL,
        body BLOB NOT NULL
     ) STRICT, WITHOUT ROWID",
    "CREATE INDEX idempotency_by_expiry ON idempotency (expires)",
];

/// What is known of recent requests: the ring in batches, a JSON text a line; what each connection
/// has done; the attributes that it sends and no schema knows.
const REQUESTS: &[&str] = &[
    "CREATE TABLE requests (
        first INTEGER PRIMARY KEY,
        count INTEGER NOT NULL,
        lines TEXT NOT NULL
     ) STRICT",
    "CREATE TABLE traffic (
        connection TEXT PRIMARY KEY,
        last_success INTEGER,
        last_failure INTEGER,
        seen INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID",
    "CREATE TABLE warnings (
        connection TEXT NOT NULL,
        path TEXT NOT NULL,
        first INTEGER NOT NULL,
        PRIMARY KEY (connection, path)
     ) STRICT, WITHOUT ROWID",
];

/// What users may do; and how far it is computed anew for all of them.
const GRANTS: &[&str] = &[
    "CREATE TABLE grants (
        pos INTEGER NOT NULL,
        role TEXT NOT NULL,
        scope TEXT NOT NULL,
        source TEXT NOT NULL,
        standing INTEGER NOT NULL,
        held INTEGER NOT NULL,
        since INTEGER NOT NULL,
        counted INTEGER NOT NULL,
        PRIMARY KEY (pos, role, scope, source)
     ) STRICT, WITHOUT ROWID",
    // Of most roles nobody asks who holds them.
    "CREATE INDEX grants_counted ON grants (role, since, pos) WHERE counted = 1",
    // One row, while there is something to do: the place behind which it goes on.
    "CREATE TABLE recomputation (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        after INTEGER NOT NULL,
        done INTEGER NOT NULL,
        actor TEXT NOT NULL
     ) STRICT",
    // Of whom a connection says that they are provided with access; whether its word has ever counted.
    "ALTER TABLE connections ADD COLUMN in_scope TEXT",
    "ALTER TABLE connections ADD COLUMN activated INTEGER NOT NULL DEFAULT 0",
    "UPDATE connections SET activated = 1 WHERE state IN ('active', 'disabled')",
];

/// What connections say in place of their tenant's policies: a JSON object.
const OPTIONS: &[&str] = &["ALTER TABLE connections ADD COLUMN options TEXT NOT NULL DEFAULT '{}'"];

/// Users who were deleted, and what the digests of their names are salted with: one row, of the id 1.
const TOMBSTONES: &[&str] = &[
    "CREATE TABLE tombstones (
        id TEXT PRIMARY KEY,
        connection TEXT,
        name TEXT NOT NULL,
        external TEXT,
        fate TEXT NOT NULL,
        rev INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        until INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID",
    "CREATE INDEX tombstones_by_name ON tombstones (name)",
    "CREATE INDEX tombstones_by_external ON tombstones (external) WHERE external IS NOT NULL",
    "CREATE INDEX tombstones_by_until ON tombstones (until)",
    "CREATE TABLE salts (id INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT",
];

/// Users whose access somebody has suspended.
const SUSPENSIONS: &[&str] = &["CREATE TABLE suspensions (
        user TEXT PRIMARY KEY,
        since INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID"];

/// What keys without a connection have changed of users that a connection manages; `since` is the place
/// of the event.
const DRIFTS: &[&str] = &["CREATE TABLE drifts (
        pos INTEGER NOT NULL,
        path TEXT NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (pos, path)
     ) STRICT, WITHOUT ROWID"];

/// Who is granted a group, whose row has no scope, and who is a member by that.
const GROUP_GRANTS: &[&str] = &[
    "CREATE INDEX grants_of_groups ON grants (role, pos) WHERE scope = ''",
    "CREATE INDEX members_by_mapping ON members (member) WHERE origin = 'mapping'",
];

/// Decisions about the access of many users that are still to be carried out: `users` is a JSON array.
const DECISIONS: &[&str] = &["CREATE TABLE decisions (
        id INTEGER PRIMARY KEY,
        suspended INTEGER NOT NULL,
        actor TEXT NOT NULL,
        users TEXT NOT NULL,
        done INTEGER NOT NULL
     ) STRICT"];

/// When users were last seen; up to which of them it is settled who is stale: one row; and that access is
/// suspended for that.
const SIGHTINGS: &[&str] = &[
    "ALTER TABLE resources ADD COLUMN last_seen TEXT",
    "CREATE INDEX resources_by_seen ON resources (last_seen) WHERE last_seen IS NOT NULL",
    "CREATE TABLE staleness (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        seen TEXT NOT NULL,
        pos INTEGER NOT NULL
     ) STRICT",
    "ALTER TABLE suspensions ADD COLUMN stale INTEGER NOT NULL DEFAULT 0",
];

/// Imports of users: how far each has come, and what has become of its rows.
const IMPORTS: &[&str] = &["CREATE TABLE imports (
        id TEXT PRIMARY KEY,
        begun INTEGER NOT NULL,
        parts INTEGER NOT NULL,
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        unchanged INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        errors TEXT NOT NULL
     ) STRICT, WITHOUT ROWID"];

/// Users whom a connection does not see.
const HIDDEN: &[&str] = &["CREATE TABLE hidden (
        connection TEXT NOT NULL,
        user INTEGER NOT NULL,
        PRIMARY KEY (connection, user)
     ) STRICT, WITHOUT ROWID"];

/// Users who are nobody's, each with a connection that may mean it.
const MATCHES: &[&str] = &["CREATE TABLE matches (
        connection TEXT NOT NULL,
        user INTEGER NOT NULL,
        paths TEXT NOT NULL,
        confidence INTEGER NOT NULL,
        created INTEGER NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (connection, user)
     ) STRICT, WITHOUT ROWID"];

/// Who follows the log, and the copies that the edge reads.
const COPIES: &[&str] = &[
    // How far each has come; how often the next step has failed, and when it is tried again.
    "CREATE TABLE followers (
        name TEXT PRIMARY KEY,
        after INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        due INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID",
    // One row, as long as there are copies: what becomes of them, which secret gives their names, and the
    // place behind which all are made anew.
    "CREATE TABLE directory (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        state TEXT NOT NULL,
        names_by TEXT NOT NULL,
        pass INTEGER
     ) STRICT",
    // The names that KV may hold of a resource, spaces between them; by which `externalId` one of them is.
    "CREATE TABLE copies (
        id TEXT PRIMARY KEY,
        names TEXT NOT NULL,
        external TEXT
     ) STRICT, WITHOUT ROWID",
    // What has changed and no event names, in order.
    "CREATE TABLE touches (number INTEGER PRIMARY KEY, pos INTEGER NOT NULL) STRICT",
];

/// What awaits approval, and how much connections have done of late. A computation remembers whose
/// doing it is.
const CHANGES: &[&str] = &[
    "CREATE TABLE changes (
        id INTEGER PRIMARY KEY,
        user TEXT NOT NULL,
        action TEXT NOT NULL,
        actions INTEGER NOT NULL,
        status TEXT NOT NULL,
        cause TEXT NOT NULL,
        connection TEXT,
        actor TEXT NOT NULL,
        time INTEGER NOT NULL,
        approved TEXT NOT NULL,
        about TEXT NOT NULL,
        decision TEXT
     ) STRICT",
    "CREATE INDEX changes_by_user ON changes (user)",
    "CREATE TABLE brakes (
        connection TEXT PRIMARY KEY,
        since INTEGER NOT NULL,
        users INTEGER NOT NULL,
        gone INTEGER NOT NULL,
        managed INTEGER,
        state TEXT NOT NULL
     ) STRICT, WITHOUT ROWID",
    "ALTER TABLE recomputation ADD COLUMN connection TEXT",
];

/// What users who were deleted held, where that is not the end of it: a JSON array.
const KEPT_ACCESS: &[&str] = &["ALTER TABLE tombstones ADD COLUMN grants TEXT"];

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
