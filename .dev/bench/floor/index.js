// The floor: the least that a Durable Object in JavaScript can do for the same requests. No key, no
// schema, no checks: one SELECT for a read, one transaction for a write. It keeps what Muster keeps of a
// user, so that a write is of as many rows, in as many trees, in as few statements as that takes.

import { DurableObject } from "cloudflare:workers";

const JSON_HEADERS = { "content-type": "application/scim+json" };

const TABLES = [
  "CREATE TABLE users (pos INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, doc TEXT NOT NULL)",
  "CREATE INDEX users_by_created ON users (doc->>'$.meta.created')",
  "CREATE INDEX users_by_modified ON users (doc->>'$.meta.lastModified')",
  "CREATE TABLE lookups (attribute INTEGER, key TEXT, pos INTEGER, PRIMARY KEY (attribute, key, pos)) WITHOUT ROWID",
  "CREATE TABLE counts (number INTEGER PRIMARY KEY, live INTEGER NOT NULL)",
  "INSERT INTO counts VALUES (1, 0)",
  "CREATE TABLE events (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL)",
];

const INSERT_EVENT = "INSERT INTO events (time, type, data) VALUES (?, ?, ?)";

export default {
  fetch(request, env) {
    return env.TENANT.get(env.TENANT.idFromName("bench")).fetch(request);
  },
};

export class Floor extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    const tables = this.sql.exec("SELECT name FROM sqlite_master WHERE name = 'users'").toArray();
    if (tables.length === 0) for (const statement of TABLES) this.sql.exec(statement);
    this.live = this.sql.exec("SELECT live FROM counts").one().live;
  }

  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const id = pathname.slice("/Users/".length);
    if (request.method === "POST") return id === "load" ? this.load(await request.json()) : this.create(await request.json());
    if (request.method === "PATCH") return this.patch(id, await request.json());
    if (id === "rows") return Response.json(this.rows);
    if (id) return this.one("SELECT doc FROM users WHERE id = ?", id);
    const filter = searchParams.get("filter");
    if (filter) return this.one("SELECT doc FROM users WHERE name = ?", filter.split('"')[1]);
    return this.page(Number(searchParams.get("startIndex")), Number(searchParams.get("count")));
  }

  one(statement, value) {
    const [row] = this.sql.exec(statement, value).raw();
    return row ? new Response(row[0], { headers: JSON_HEADERS }) : new Response("{}", { status: 404 });
  }

  page(startIndex, count) {
    const rows = this.sql.exec("SELECT doc FROM users WHERE pos >= ? ORDER BY pos LIMIT ?", startIndex, count).raw();
    return new Response(`{"Resources":[${[...rows].map(([doc]) => doc).join(",")}]}`, { headers: JSON_HEADERS });
  }

  create(user) {
    const now = new Date();
    user.id = crypto.randomUUID();
    user.meta = { resourceType: "User", created: now, lastModified: now };
    const doc = JSON.stringify(user);
    const pos = this.live + 1;
    const event = JSON.stringify({ id: user.id, changed: Object.keys(user) });
    this.write(
      ["INSERT INTO users VALUES (?, ?, ?, ?)", pos, user.id, user.userName, doc],
      ["INSERT INTO lookups VALUES (2, ?, ?), (4, ?, ?), (5, ?, ?)", user.externalId, pos, user.displayName, pos, user.emails[0].value, pos],
      ["UPDATE counts SET live = ? WHERE number = 1", pos],
      [INSERT_EVENT, now.getTime(), "user.created", event],
    );
    this.live = pos;
    return new Response(doc, { status: 201, headers: JSON_HEADERS });
  }

  patch(id, { Operations: [{ path, value }] }) {
    const now = new Date();
    const [[stored]] = this.sql.exec("SELECT doc FROM users WHERE id = ?", id).raw();
    const user = { ...JSON.parse(stored), [path]: value };
    user.meta.lastModified = now;
    const doc = JSON.stringify(user);
    this.write(
      ["UPDATE users SET doc = ? WHERE id = ?", doc, id],
      [INSERT_EVENT, now.getTime(), "user.updated", JSON.stringify({ id, changed: [path] })],
    );
    return new Response(doc, { headers: JSON_HEADERS });
  }

  write(...statements) {
    this.ctx.storage.transactionSync(() => {
      const cursors = statements.map((statement) => this.sql.exec(...statement));
      if (this.env.COUNT_ROWS) this.rows = cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
    });
  }

  load(users) {
    const before = this.live;
    this.sql.exec(
      "INSERT INTO users (id, name, doc) SELECT value ->> '$.id', value ->> '$.userName', value FROM json_each(?)",
      JSON.stringify(users),
    );
    this.sql.exec(
      `WITH a (attribute, path) AS (VALUES (2, '$.externalId'), (4, '$.displayName'), (5, '$.emails[0].value'))
       INSERT INTO lookups SELECT attribute, doc->>path, pos FROM a CROSS JOIN users WHERE pos > ?`,
      before,
    );
    this.sql.exec("INSERT INTO events (time, type, data) SELECT 0, 'user.created', json_object('id', id) FROM users WHERE pos > ?", before);
    this.live += users.length;
    this.sql.exec("UPDATE counts SET live = ? WHERE number = 1", this.live);
    return new Response("{}");
  }
}
