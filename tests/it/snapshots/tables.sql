CREATE TABLE migrations (number INTEGER PRIMARY KEY) STRICT;
CREATE TABLE types (
        number INTEGER PRIMARY KEY,
        live INTEGER NOT NULL,
        last INTEGER NOT NULL
     ) STRICT;
CREATE TABLE resources (
        pos INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        rev INTEGER NOT NULL,
        origin TEXT NOT NULL,
        members INTEGER NOT NULL,
        doc TEXT NOT NULL
     , manager TEXT, last_seen TEXT) STRICT;
CREATE TABLE lookups (
        attribute INTEGER NOT NULL,
        key TEXT NOT NULL,
        pos INTEGER NOT NULL,
        PRIMARY KEY (attribute, key, pos)
     ) STRICT, WITHOUT ROWID;
CREATE TABLE members (
        grp INTEGER NOT NULL,
        member INTEGER NOT NULL,
        origin TEXT NOT NULL,
        display TEXT,
        PRIMARY KEY (grp, member, origin)
     ) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_member ON members (member, grp);
CREATE TABLE dangling (
        grp INTEGER NOT NULL,
        value TEXT NOT NULL,
        origin TEXT NOT NULL,
        display TEXT, key TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (grp, value, origin)
     ) STRICT, WITHOUT ROWID;
CREATE INDEX dangling_by_value ON dangling (value, grp);
CREATE TABLE sweeps (pos INTEGER PRIMARY KEY) STRICT;
CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        time INTEGER NOT NULL,
        type TEXT NOT NULL,
        data TEXT NOT NULL
     , salt BLOB, digest BLOB, hash BLOB) STRICT;
CREATE TABLE connections (
        id TEXT PRIMARY KEY,
        display_name TEXT NOT NULL UNIQUE,
        preset TEXT NOT NULL,
        state TEXT NOT NULL,
        created INTEGER NOT NULL
     , compat TEXT NOT NULL DEFAULT '{}', adopt TEXT NOT NULL DEFAULT 'onWrite', rev INTEGER NOT NULL DEFAULT 1, in_scope TEXT, activated INTEGER NOT NULL DEFAULT 0, options TEXT NOT NULL DEFAULT '{}') STRICT, WITHOUT ROWID;
CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        scopes TEXT NOT NULL,
        connection TEXT,
        jti TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL
     , life INTEGER NOT NULL DEFAULT 0, used INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX dangling_by_key ON dangling (key);
CREATE TABLE policies (
        id INTEGER PRIMARY KEY,
        version INTEGER NOT NULL,
        document TEXT NOT NULL,
        numbers TEXT NOT NULL
     ) STRICT;
CREATE INDEX resources_by_created ON resources (pos >> 40, doc->>'$.meta.created');
CREATE INDEX resources_by_modified ON resources (pos >> 40, doc->>'$.meta.lastModified');
CREATE TABLE departures (
        connection TEXT PRIMARY KEY,
        users TEXT NOT NULL,
        actor TEXT NOT NULL,
        pos INTEGER NOT NULL,
        done INTEGER NOT NULL
     , stopped TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE secrets (
        id TEXT PRIMARY KEY,
        connection TEXT NOT NULL,
        scopes TEXT NOT NULL,
        digest TEXT NOT NULL,
        jti TEXT NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        used INTEGER
     ) STRICT, WITHOUT ROWID;
CREATE TABLE trusts (
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
     ) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
        key TEXT PRIMARY KEY,
        request TEXT NOT NULL,
        expires INTEGER NOT NULL,
        status INTEGER NOT NULL,
        headers TEXT NOT NULL,
        body BLOB NOT NULL
     ) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires);
CREATE TABLE requests (
        first INTEGER PRIMARY KEY,
        count INTEGER NOT NULL,
        lines TEXT NOT NULL
     ) STRICT;
CREATE TABLE traffic (
        connection TEXT PRIMARY KEY,
        last_success INTEGER,
        last_failure INTEGER,
        seen INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
CREATE TABLE warnings (
        connection TEXT NOT NULL,
        path TEXT NOT NULL,
        first INTEGER NOT NULL,
        PRIMARY KEY (connection, path)
     ) STRICT, WITHOUT ROWID;
CREATE TABLE grants (
        pos INTEGER NOT NULL,
        role TEXT NOT NULL,
        scope TEXT NOT NULL,
        source TEXT NOT NULL,
        standing INTEGER NOT NULL,
        held INTEGER NOT NULL,
        since INTEGER NOT NULL,
        counted INTEGER NOT NULL, waiting INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (pos, role, scope, source)
     ) STRICT, WITHOUT ROWID;
CREATE INDEX grants_counted ON grants (role, since, pos) WHERE counted = 1;
CREATE TABLE recomputation (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        after INTEGER NOT NULL,
        done INTEGER NOT NULL,
        actor TEXT NOT NULL
     , connection TEXT) STRICT;
CREATE TABLE tombstones (
        id TEXT PRIMARY KEY,
        connection TEXT,
        name TEXT NOT NULL,
        external TEXT,
        fate TEXT NOT NULL,
        rev INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        until INTEGER NOT NULL
     , grants TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_by_name ON tombstones (name);
CREATE INDEX tombstones_by_external ON tombstones (external) WHERE external IS NOT NULL;
CREATE INDEX tombstones_by_until ON tombstones (until);
CREATE TABLE salts (id INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE suspensions (
        user TEXT PRIMARY KEY,
        since INTEGER NOT NULL
     , stale INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
CREATE TABLE drifts (
        pos INTEGER NOT NULL,
        path TEXT NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (pos, path)
     ) STRICT, WITHOUT ROWID;
CREATE INDEX grants_of_groups ON grants (role, pos) WHERE scope = '';
CREATE INDEX members_by_mapping ON members (member) WHERE origin = 'mapping';
CREATE TABLE decisions (
        id INTEGER PRIMARY KEY,
        suspended INTEGER NOT NULL,
        actor TEXT NOT NULL,
        users TEXT NOT NULL,
        done INTEGER NOT NULL
     , connection TEXT) STRICT;
CREATE INDEX resources_by_seen ON resources (last_seen) WHERE last_seen IS NOT NULL;
CREATE TABLE staleness (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        seen TEXT NOT NULL,
        pos INTEGER NOT NULL
     ) STRICT;
CREATE TABLE imports (
        id TEXT PRIMARY KEY,
        begun INTEGER NOT NULL,
        parts INTEGER NOT NULL,
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        unchanged INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        errors TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;
CREATE TABLE hidden (
        connection TEXT NOT NULL,
        user INTEGER NOT NULL,
        PRIMARY KEY (connection, user)
     ) STRICT, WITHOUT ROWID;
CREATE TABLE matches (
        connection TEXT NOT NULL,
        user INTEGER NOT NULL,
        paths TEXT NOT NULL,
        confidence INTEGER NOT NULL,
        created INTEGER NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (connection, user)
     ) STRICT, WITHOUT ROWID;
CREATE TABLE followers (
        name TEXT PRIMARY KEY,
        after INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        due INTEGER NOT NULL
     , steps TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE directory (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        state TEXT NOT NULL,
        names_by TEXT NOT NULL,
        pass INTEGER
     , since INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE copies (
        id TEXT PRIMARY KEY,
        names TEXT NOT NULL,
        external TEXT
     ) STRICT, WITHOUT ROWID;
CREATE TABLE touches (number INTEGER PRIMARY KEY, pos INTEGER NOT NULL) STRICT;
CREATE TABLE changes (
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
     ) STRICT;
CREATE INDEX changes_by_user ON changes (user);
CREATE INDEX changes_of_brakes ON changes (connection, id)
        WHERE cause = 'brake' AND status = 'pending';
CREATE TABLE brakes (
        connection TEXT PRIMARY KEY,
        since INTEGER NOT NULL,
        users INTEGER NOT NULL,
        gone INTEGER NOT NULL,
        managed INTEGER,
        state TEXT NOT NULL
     , deciding TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE brake_users (
        connection TEXT NOT NULL,
        user TEXT NOT NULL,
        PRIMARY KEY (connection, user)
     ) STRICT, WITHOUT ROWID;
CREATE TABLE anchor (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        seq INTEGER NOT NULL,
        hash BLOB
     ) STRICT;
CREATE TABLE erasures (
        user TEXT PRIMARY KEY,
        taken INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
CREATE TABLE erasing (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        after INTEGER NOT NULL,
        until INTEGER NOT NULL
     ) STRICT;
CREATE TABLE streams (
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
     , audience TEXT, authorization TEXT, former_types TEXT NOT NULL DEFAULT '', forgotten INTEGER NOT NULL DEFAULT 0, attribute_map TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE deliveries (
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
     ) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_seq ON deliveries (seq);
CREATE TABLE async_requests (
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
     ) STRICT;
CREATE TABLE async_pieces (
        txn TEXT NOT NULL,
        kind TEXT NOT NULL,
        part INTEGER NOT NULL,
        piece INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (txn, kind, part, piece)
     ) STRICT, WITHOUT ROWID;
CREATE INDEX grants_waiting ON grants (role, since, pos) WHERE waiting = 1;
CREATE TABLE moved (
        user INTEGER NOT NULL,
        line TEXT NOT NULL,
        PRIMARY KEY (user, line)
     ) STRICT, WITHOUT ROWID;
