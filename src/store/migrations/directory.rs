//! What there is for SCIM itself, and for those who administer it.

pub(super) const TABLES: &[&str] = &[
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
pub(super) const DANGLING_KEYS: &[&str] = &[
    "ALTER TABLE dangling ADD COLUMN key TEXT NOT NULL DEFAULT ''",
    "UPDATE dangling SET key = lower(value)",
    "CREATE INDEX dangling_by_key ON dangling (key)",
];

/// The policy document: one row, of the id 1.
pub(super) const POLICIES: &[&str] = &["CREATE TABLE policies (
        id INTEGER PRIMARY KEY,
        version INTEGER NOT NULL,
        document TEXT NOT NULL,
        numbers TEXT NOT NULL
     ) STRICT"];

/// What a connection has in place of its preset's rules: a JSON object.
pub(super) const RULES: &[&str] =
    &["ALTER TABLE connections ADD COLUMN compat TEXT NOT NULL DEFAULT '{}'"];

/// Indexes in whose order a type's resources are listed.
pub(super) const ORDERS: &[&str] = &[
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
pub(super) const ORDERS_OF_FEATURES: &[&str] = &["WITH a (type, number, path) AS (VALUES
        (3, 6, '$.display'), (3, 2, '$.externalId'), (4, 6, '$.display'), (4, 2, '$.externalId'),
        (5, 2, '$.externalId'), (5, 4, '$.displayName'), (5, 8, '$.subject'),
        (6, 2, '$.externalId'), (6, 4, '$.displayName'))
     INSERT OR IGNORE INTO lookups SELECT type << 8 | 128 | number, '', pos
     FROM a JOIN resources ON pos >> 40 = type WHERE doc->path IS NULL"];

/// Which connection manages a resource, what connections may take up, and those that are leaving.
pub(super) const MANAGERS: &[&str] = &[
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
pub(super) const KEY_USES: &[&str] = &[
    "ALTER TABLE keys ADD COLUMN life INTEGER NOT NULL DEFAULT 0",
    "UPDATE keys SET life = expires - created",
    "ALTER TABLE keys ADD COLUMN used INTEGER",
];

/// The secrets of OAuth clients.
pub(super) const SECRETS: &[&str] = &["CREATE TABLE secrets (
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
pub(super) const TRUSTS: &[&str] = &["CREATE TABLE trusts (
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
pub(super) const IDEMPOTENCY: &[&str] = &[
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
pub(super) const REQUESTS: &[&str] = &[
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
