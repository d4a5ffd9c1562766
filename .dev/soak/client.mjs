// A client of a tenant's SCIM API, and many at once: sends what it is told, at a pace, and waits where
// it is told to wait.

import { setTimeout as sleep } from "node:timers/promises";
import { StepFailed } from "../perform.mjs";

const ATTEMPTS_MAX = 60;
const REQUEST_MS = 60_000;
const TOO_MANY = 429;

/** Has `count` workers take one item after the other until there is none left. */
export async function inParallel(count, items, work) {
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: count }, worker));
}

/**
 * A client of one key. `send` answers `{ status, headers, body }`, the body parsed where it is JSON.
 * `pace`, if there is one, is waited for before each request. What is 429 is sent again when its
 * `Retry-After` has gone by; `counts` has how many answers there were, and how many of them 429.
 */
export function clientOf(base, key, pace = { turn: () => {} }) {
  const counts = { answers: 0, refusals: 0 };
  const send = async (method, path, body) => {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      await pace.turn();
      const answer = await once(base + path, { method, key, body });
      counts.answers += 1;
      if (answer.status !== TOO_MANY) return answer;
      counts.refusals += 1;
      await sleep(1_000 * secondsToWait(answer));
    }
    throw new StepFailed(`${method} ${path} was 429 ${ATTEMPTS_MAX} times.`);
  };
  return { send, counts };
}

/** Lets requests go, all clients' together, at as many a second as `perSecond` says at the time. */
export function paceOf(perSecond) {
  let next = Date.now();
  return {
    async turn() {
      const now = Date.now();
      next = Math.max(next, now) + 1_000 / perSecond();
      await sleep(next - now);
    },
  };
}

/** What a text is as the body of a request: sent as it is, anything else as JSON. */
async function once(url, { method, key, body }) {
  const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  const headers = { authorization: `Bearer ${key}`, ...(text && { "content-type": "application/scim+json" }) };
  const response = await fetch(url, { method, headers, body: text, signal: AbortSignal.timeout(REQUEST_MS) });
  const answer = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json");
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(answer) : answer };
}

/** RFC 6585 leaves the header out and RFC 9110 allows a date; identity providers read whole seconds alone. */
function secondsToWait({ headers }) {
  const after = headers.get("retry-after");
  if (/^[1-9]\d*$/.test(after)) return Number(after);
  throw new StepFailed(`A 429 has the Retry-After ${after}.`);
}
