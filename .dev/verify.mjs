// `npm run verify -- FILE [HASH]`: whether an export of a tenant's log, made with `format=ndjson&chain=true`,
// is whole and unchanged: no event is missing, and each has the hash that README.md says it has. A HASH that
// was noted earlier must be that of one of them. It shares nothing with the Worker, on purpose.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const EVENT =
  /^\{"type":"([a-zA-Z.]+)","timestamp":"([0-9TZ:.+-]+)","data":\{"tenant":"([a-z0-9-]+)","seq":([0-9]+),(.*)\},"chain":\{"(salt|digest)":"([0-9a-f]+)","hash":"([0-9a-f]{64})"\}\}$/;
const ROOT = "0".repeat(64);
const LENGTHS = { salt: 32, digest: 64 };

class Bad extends Error {}

/** What is known behind a line: the place and hash of the last event, and what has been counted. */
const state = { seq: null, hash: ROOT, tenant: null, ended: false, events: 0, erased: 0, unproven: 0, chained: false };

function sha256(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function check(condition, cause) {
  if (!condition) throw new Bad(cause);
}

function anchor({ seq, hash }) {
  check(Number.isSafeInteger(seq) && /^[0-9a-f]{64}$/.test(hash), "is no anchor");
  if (state.seq === null) {
    Object.assign(state, { seq, hash, chained: hash !== ROOT });
    return;
  }
  check(seq === state.seq, `begins behind event ${seq} where event ${state.seq} was the last`);
  check(hash === state.hash, `begins behind another event ${seq}`);
}

/** The next event is of this place, and of the tenant that all are of. */
function next(seq, tenant) {
  check(state.seq !== null, "has no anchor before it");
  check(seq === state.seq + 1, `is event ${seq}, behind event ${state.seq}`);
  check(tenant === (state.tenant ??= tenant), `is of the tenant ${tenant}`);
  state.seq += 1;
  state.events += 1;
}

function event([, type, timestamp, tenant, seq, fields, name, proof, hash]) {
  next(Number(seq), tenant);
  check(proof.length === LENGTHS[name], `has a ${name} of another length`);
  const place = Buffer.alloc(8);
  place.writeBigInt64BE(BigInt(seq));
  const given = Buffer.from(proof, "hex");
  const digest = name === "digest" ? given : sha256(given, timestamp, `{${fields}}`);
  const expected = sha256(Buffer.from(state.hash, "hex"), place, digest, type).toString("hex");
  check(hash === expected, "does not have the hash of what it says");
  state.hash = hash;
  state.chained = true;
  if (name === "digest") state.erased += 1;
}

/** An event of a database that is older than the chain, which begins behind all of these. */
function older(event) {
  check(Object.keys(event).join() === "type,timestamp,data", "is no event as such an export has it");
  next(event.data?.seq, event.data?.tenant);
  check(!state.chained, "has no hash, and is behind an event that has one");
  state.unproven += 1;
}

function read(line) {
  check(!state.ended, "is behind the end");
  const found = EVENT.exec(line);
  if (found) return event(found);
  let told;
  try {
    told = JSON.parse(line);
  } catch {
    throw new Bad("is neither an event nor JSON");
  }
  if (told?.type !== undefined) return older(told);
  if (told?.anchor) return anchor(told.anchor);
  if (told?.next !== undefined) return check(told.next === String(state.seq), `goes on behind event ${told.next}`);
  check(told?.end === true, "is nothing that such an export has");
  check(told.seq === state.seq, `says that event ${told.seq} is the last`);
  state.ended = true;
}

function verify(file, noted) {
  let isNoted = noted === undefined;
  const lines = readFileSync(file, "utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  let begins = null;
  lines.forEach((line, index) => {
    try {
      read(line);
    } catch (error) {
      throw error instanceof Bad ? new Bad(`line ${index + 1} ${error.message}`) : error;
    }
    begins ??= state.seq;
    isNoted ||= state.hash === noted;
  });
  check(state.ended, `the export breaks off behind event ${state.seq ?? 0}`);
  check(isNoted, "no event has the hash that was noted");
  const { events, erased, unproven, seq, hash } = state;
  const older = unproven ? `, ${unproven} of them older than the chain and unproven` : "";
  console.log(`${events} events behind ${begins}${older}; ${erased} erased. Nothing is missing or changed.`);
  console.log(`The last is event ${seq}, its hash ${hash}`);
}

const [file, noted] = process.argv.slice(2);
try {
  check(file !== undefined, "usage: npm run verify -- FILE [HASH]");
  verify(file, noted);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
