// The load: connections that each send a request, wait for the answer, check it, and send the next.
// Plain sockets and the little of HTTP/1.1 that is needed, so that the client takes as little as
// possible of what is measured.

import { connect } from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const CLOSES = /\r\nconnection: *close/i;
const SHOWN_BYTES = 300;

/** An answer that was not the expected one. */
export class WrongAnswer extends Error {}

/** A request as bytes. */
export function message(method, path, { headers = {}, body } = {}) {
  const text = body === undefined ? "" : JSON.stringify(body);
  const all = { host: "127.0.0.1", ...headers, ...(text && { "content-length": Buffer.byteLength(text) }) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${text}`;
}

/**
 * Sends what `next` makes for some seconds, and waits for the last answers. `check` is given each
 * status and body and says what is wrong with them, if anything is.
 * Returns how many answers there were and how many seconds it took.
 */
export async function sendFor(seconds, { port, connections, next, check }) {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const began = performance.now();
  const until = began + seconds * 1_000;
  const counts = await Promise.all(sockets.map((socket) => converse(socket, { port, until, next, check })));
  const took = (performance.now() - began) / 1_000;
  return { count: counts.reduce((sum, count) => sum + count, 0), seconds: took };
}

function open(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => resolve(socket));
  });
}

/** One request after the other, at least one; on a new connection where the server closes one. */
function converse(first, { port, until, next, check }) {
  return new Promise((resolve, reject) => {
    let count = 0;
    const use = (socket) => {
      let rest = Buffer.alloc(0);
      const end = (settle) => {
        socket.removeAllListeners("close").destroy();
        settle();
      };
      const fail = (problem) => end(() => reject(new WrongAnswer(problem)));
      socket.on("data", (chunk) => {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        const answer = parse(rest);
        if (!answer) return;
        const wrong = check(answer.status, answer.body);
        if (wrong) return fail(`${wrong}: status ${answer.status}, ${answer.body.subarray(0, SHOWN_BYTES)}`);
        count += 1;
        rest = rest.subarray(answer.end);
        if (performance.now() >= until) end(() => resolve(count));
        else if (answer.closes) end(() => open(port).then(use, reject));
        else socket.write(next());
      });
      socket.on("error", (error) => fail(`the connection failed: ${error.message}`));
      socket.on("close", () => fail("the connection was closed"));
      socket.write(next());
    };
    use(first);
  });
}

/** The first answer in some bytes, once all of it is there. */
function parse(bytes) {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = bytes.latin1Slice(0, headEnd);
  const status = Number(head.slice(9, 12));
  const closes = CLOSES.test(head);
  const begin = headEnd + HEAD_END.length;
  if (CHUNKED.test(head)) return parseChunks(bytes, begin, { status, closes });
  const end = begin + Number(LENGTH.exec(head)?.[1] ?? 0);
  return bytes.length < end ? undefined : { status, closes, body: bytes.subarray(begin, end), end };
}

function parseChunks(bytes, begin, answer) {
  const chunks = [];
  for (let at = begin; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.latin1Slice(at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (bytes.length < end) return undefined;
    if (size === 0) return { ...answer, body: Buffer.concat(chunks), end };
    chunks.push(bytes.subarray(lineEnd + 2, end - 2));
    at = end;
  }
}
