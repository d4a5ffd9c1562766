// What the program wants of the runtime again and again, each in one call out of wasm. A call by itself
// costs little; a text to carry across costs more, and there is none here that need not be.

/**
 * What a request begins with, in lines, for none of it holds a line's end: its method, its URL, and of
 * each header of `names` its value behind a `=`, or nothing where it was not sent.
 */
export function beginning(request, names) {
  const { headers } = request;
  let lines = `${request.method}\n${request.url}`;
  for (const name of names) {
    const value = headers.get(name);
    lines += value === null ? "\n" : `\n=${value}`;
  }
  return lines;
}

/** Hands a request on to an object, under other headers; a HEAD as the GET of which it wants the head. */
export function handOn(request, object, headers, body) {
  const method = request.method === "HEAD" ? "GET" : request.method;
  return object.fetch(request.url, { method, headers, body });
}

/** A response. The lines of `head` are names and values of headers by turns, each with its end. */
export function respond(status, head, body) {
  const lines = head.split("\n");
  const headers = {};
  for (let line = 0; line + 1 < lines.length; line += 2) headers[lines[line]] = lines[line + 1];
  // RFC 9110 §6.4.1: a 204 or 304 has no body, and the runtime takes not even an empty one. The bytes
  // are copied since they are wasm's own, which goes on to use them.
  return new Response(body.length > 0 ? body.slice() : null, { status, headers });
}

/** The database of an object, and what it has cost so far. */
export class Database {
  rowsRead = 0;
  rowsWritten = 0;

  constructor(sql) {
    this.sql = sql;
  }

  /** The rows that a statement answers, each an array. */
  rows(statement, params) {
    const cursor = this.sql.exec(statement, ...params);
    try {
      return cursor.raw().toArray();
    } finally {
      this.count(cursor);
    }
  }

  /** The bytes that a statement answers which answers one row at most, of one value. */
  bytes(statement, params) {
    const cursor = this.sql.exec(statement, ...params);
    try {
      // To its end, though that is one row: a cursor that is left before keeps its statement in memory.
      const [row] = cursor.raw().toArray();
      if (row && !(row[0] instanceof ArrayBuffer)) throw new TypeError("no bytes");
      return row && new Uint8Array(row[0]);
    } finally {
      this.count(cursor);
    }
  }

  /** Adds what a cursor has cost; all of it is known once its rows have been read. */
  count(cursor) {
    this.rowsRead += cursor.rowsRead;
    this.rowsWritten += cursor.rowsWritten;
  }
}
