//! What there is from what identity providers say to what users may do.

/// What users may do; and how far it is computed anew for all of them.
pub(super) const GRANTS: &[&str] = &[
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
pub(super) const OPTIONS: &[&str] =
    &["ALTER TABLE connections ADD COLUMN options TEXT NOT NULL DEFAULT '{}'"];

/// Users who were deleted, and what the digests of their names are salted with: one row, of the id 1.
pub(super) const TOMBSTONES: &[&str] = &[
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
pub(super) const SUSPENSIONS: &[&str] = &["CREATE TABLE suspensions (
        user TEXT PRIMARY KEY,
        since INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID"];

/// What keys without a connection have changed of users that a connection manages; `since` is the place
/// of the event.
pub(super) const DRIFTS: &[&str] = &["CREATE TABLE drifts (
        pos INTEGER NOT NULL,
        path TEXT NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (pos, path)
     ) STRICT, WITHOUT ROWID"];

/// Who is granted a group, whose row has no scope, and who is a member by that.
pub(super) const GROUP_GRANTS: &[&str] = &[
    "CREATE INDEX grants_of_groups ON grants (role, pos) WHERE scope = ''",
    "CREATE INDEX members_by_mapping ON members (member) WHERE origin = 'mapping'",
];

/// Decisions about the access of many users that are still to be carried out: `users` is a JSON array.
pub(super) const DECISIONS: &[&str] = &["CREATE TABLE decisions (
        id INTEGER PRIMARY KEY,
        suspended INTEGER NOT NULL,
        actor TEXT NOT NULL,
        users TEXT NOT NULL,
        done INTEGER NOT NULL
     ) STRICT"];

/// When users were last seen; up to which of them it is settled who is stale: one row; and that access is
/// suspended for that.
pub(super) const SIGHTINGS: &[&str] = &[
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
pub(super) const IMPORTS: &[&str] = &["CREATE TABLE imports (
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
pub(super) const HIDDEN: &[&str] = &["CREATE TABLE hidden (
        connection TEXT NOT NULL,
        user INTEGER NOT NULL,
        PRIMARY KEY (connection, user)
     ) STRICT, WITHOUT ROWID"];

/// Users who are nobody's, each with a connection that may mean it.
pub(super) const MATCHES: &[&str] = &["CREATE TABLE matches (
        connection TEXT NOT NULL,
        user INTEGER NOT NULL,
        paths TEXT NOT NULL,
        confidence INTEGER NOT NULL,
        created INTEGER NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (connection, user)
     ) STRICT, WITHOUT ROWID"];

/// Who follows the log, and the copies that the edge reads.
pub(super) const COPIES: &[&str] = &[
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
pub(super) const CHANGES: &[&str] = &[
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
    "CREATE INDEX changes_of_brakes ON changes (connection, id)
        WHERE cause = 'brake' AND status = 'pending'",
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

/// Of whose users a decision about many is, where it is a connection's.
pub(super) const DECIDERS: &[&str] = &["ALTER TABLE decisions ADD COLUMN connection TEXT"];

/// Whom brakes have counted.
pub(super) const COUNTED: &[&str] = &["CREATE TABLE brake_users (
        connection TEXT NOT NULL,
        user TEXT NOT NULL,
        PRIMARY KEY (connection, user)
     ) STRICT, WITHOUT ROWID"];

/// What users who were deleted held, where that is not the end of it: a JSON array.
pub(super) const KEPT_ACCESS: &[&str] = &["ALTER TABLE tombstones ADD COLUMN grants TEXT"];

/// Since when copies are made, so that they answer no key from before: it may be of a tenant that was
/// there under the same name. Of those that there are, nothing is known of it.
pub(super) const COPIED_SINCE: &[&str] =
    &["ALTER TABLE directory ADD COLUMN since INTEGER NOT NULL DEFAULT 0"];

/// The chain of hashes over the log, which begins behind the events that are there; the place behind
/// which the log itself begins, once its first events have been forgotten: one row; and people of whom it
/// still tells, with the pass that sees to those who are `taken`: one row, as long as there is one.
pub(super) const CHAIN: &[&str] = &[
    "ALTER TABLE events ADD COLUMN salt BLOB",
    "ALTER TABLE events ADD COLUMN digest BLOB",
    "ALTER TABLE events ADD COLUMN hash BLOB",
    "CREATE TABLE anchor (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        seq INTEGER NOT NULL,
        hash BLOB
     ) STRICT",
    "CREATE TABLE erasures (
        user TEXT PRIMARY KEY,
        taken INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID",
    "CREATE TABLE erasing (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        after INTEGER NOT NULL,
        until INTEGER NOT NULL
     ) STRICT",
];

/// Requests that are answered later, with the ids that they have given so far, and what is kept of them in
/// pieces: what is still to be done, and what has become of the rest.
pub(super) const ASYNC_REQUESTS: &[&str] = &[
    "CREATE TABLE async_requests (
        txn TEXT PRIMARY KEY,
        asker TEXT NOT NULL,
        connection TEXT,
        operations INTEGER NOT NULL,
        fail_on_errors INTEGER,
        parts INTEGER NOT NULL,
        next INTEGER NOT NULL,
        done INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        expires INTEGER,
        ids BLOB NOT NULL
     ) STRICT",
    "CREATE TABLE async_pieces (
        txn TEXT NOT NULL,
        kind TEXT NOT NULL,
        part INTEGER NOT NULL,
        piece INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (txn, kind, part, piece)
     ) STRICT, WITHOUT ROWID",
];

/// Who waits for a place of a quota, which of those who wait already is only seen when all is computed
/// anew; the users' positions begin behind 2^40.
pub(super) const WAITING: &[&str] = &[
    "ALTER TABLE grants ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX grants_waiting ON grants (role, since, pos) WHERE waiting = 1",
    "INSERT INTO recomputation (id, after, done, actor) SELECT 1, 1 << 40, 0, 'admin' FROM policies
     WHERE EXISTS (SELECT 1 FROM json_each(document, '$.roles') WHERE value->>'$.max' IS NOT NULL)
     ON CONFLICT (id) DO UPDATE SET after = excluded.after, done = 0",
];

/// Why a connection that is leaving goes no further.
pub(super) const STOPPED: &[&str] = &["ALTER TABLE departures ADD COLUMN stopped TEXT"];

/// What somebody has decided about all that a brake holds, as long as it is being carried out: a JSON
/// object.
pub(super) const DECIDING: &[&str] = &["ALTER TABLE brakes ADD COLUMN deciding TEXT"];

/// What an import has taken of what people decided of users, or are still to decide, so that it is not
/// taken again when somebody has decided otherwise since; and, of no user, that one has come to its end.
pub(super) const MOVED: &[&str] = &["CREATE TABLE moved (
        user INTEGER NOT NULL,
        line TEXT NOT NULL,
        PRIMARY KEY (user, line)
     ) STRICT, WITHOUT ROWID"];
