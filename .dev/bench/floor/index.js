// The floor: the least that a Durable Object in JavaScript can do for the same requests. No key, no
// schema, no checks: one SELECT for a read, one transaction for a write, of as many rows as Muster
// writes (`CREATE_ROWS`, `PATCH_ROWS`), in as few statements as that takes.

import { DurableObject } from "cloudflare:workers";

const JSON_HEADERS = { "content-type": "application/scim+json" };

/** A user is a row and an entry in each of two indexes. */
const USER_ROWS = 3;

const NOTHING_LONGER = "a row beside, about as long as one of an index or an event";

export default {
  fetch(request, env) {
    return env.TENANT.get(env.TENANT.idFromName("bench")).fetch(request);
  },
};

export class Floor extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec(
      "CREATE TABLE IF NOT EXISTS users (pos INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, doc TEXT NOT NULL)",
    );
    this.sql.exec("CREATE TABLE IF NOT EXISTS beside (pos INTEGER PRIMARY KEY, data TEXT NOT NULL)");
    this.afterCreate = insertBeside(Number(env.CREATE_ROWS) - USER_ROWS);
    this.afterPatch = insertBeside(Number(env.PATCH_ROWS) - 1);
  }

  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const id = pathname.slice("/Users/".length);
    if (request.method === "POST") return id === "load" ? this.load(await request.json()) : this.create(await request.json());
    if (request.method === "PATCH") return this.patch(id, await request.json());
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
    user.id = crypto.randomUUID();
    const doc = JSON.stringify(user);
    this.ctx.storage.transactionSync(() => {
      this.sql.exec("INSERT INTO users (id, name, doc) VALUES (?, ?, ?)", user.id, user.userName, doc);
      this.sql.exec(this.afterCreate);
    });
    return new Response(doc, { status: 201, headers: JSON_HEADERS });
  }

  patch(id, { Operations: [{ path, value }] }) {
    const doc = this.ctx.storage.transactionSync(() => {
      const [[stored]] = this.sql.exec("SELECT doc FROM users WHERE id = ?", id).raw();
      const changed = JSON.stringify({ ...JSON.parse(stored), [path]: value });
      this.sql.exec("UPDATE users SET doc = ? WHERE id = ?", changed, id);
      this.sql.exec(this.afterPatch);
      return changed;
    });
    return new Response(doc, { headers: JSON_HEADERS });
  }

  load(users) {
    this.sql.exec(
      "INSERT INTO users (id, name, doc) SELECT value ->> '$.id', value ->> '$.userName', value FROM json_each(?)",
      JSON.stringify(users),
    );
    return new Response("{}");
  }
}

function insertBeside(rows) {
  const values = Array.from({ length: rows }, () => `('${NOTHING_LONGER}')`);
  return `INSERT INTO beside (data) VALUES ${values.join(", ")}`;
}
