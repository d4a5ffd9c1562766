//! The tables of streams.

/// Streams, and what of their deliveries has not gone well at first.
pub(super) const STREAMS: &[&str] = &[
    // `origin` is that of the deployment where the address was given, `types` has spaces between them,
    // `secret` and `former` are sealed; `since` is the place in the log
    // behind which the stream began, `failing` the time since which nothing has reached the receiver.
    "CREATE TABLE streams (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        url TEXT NOT NULL,
        origin TEXT NOT NULL,
        types TEXT NOT NULL,
        state TEXT NOT NULL,
        why TEXT,
        signature TEXT NOT NULL,
        secret TEXT NOT NULL,
        former TEXT,
        former_until INTEGER NOT NULL,
        since INTEGER NOT NULL,
        failing INTEGER,
        created INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID",
    // `ids` are what the event is about, spaces between them: it holds back later events of these.
    "CREATE TABLE deliveries (
        stream TEXT NOT NULL,
        seq INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        due INTEGER NOT NULL,
        first INTEGER,
        last INTEGER,
        reason TEXT,
        answer TEXT,
        ids TEXT NOT NULL,
        PRIMARY KEY (stream, seq)
     ) STRICT, WITHOUT ROWID",
    "CREATE INDEX deliveries_by_seq ON deliveries (seq)",
    // When a stream's last steps were done, and how far they had come, as a JSON array.
    "ALTER TABLE followers ADD COLUMN steps TEXT",
];

/// For whom tokens of streams are, and what their receivers are shown, sealed.
pub(super) const TOKENS: &[&str] = &[
    "ALTER TABLE streams ADD COLUMN audience TEXT",
    "ALTER TABLE streams ADD COLUMN authorization TEXT",
];

/// What is not known any more of a stream's deliveries.
pub(super) const UNKNOWN: &[&str] = &[
    // Which types it took before, a line for each: up to which place in the log, and which, spaces between.
    "ALTER TABLE streams ADD COLUMN former_types TEXT NOT NULL DEFAULT ''",
    // The place up to which something is forgotten that did not go well.
    "ALTER TABLE streams ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0",
];

/// By which attribute map a stream tells of users.
pub(super) const MAPPED: &[&str] = &["ALTER TABLE streams ADD COLUMN attribute_map TEXT"];
