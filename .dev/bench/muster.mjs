// Muster and the floor, each in a workerd of its own, and how users get into them.

import { join } from "node:path";
import { BUNDLE } from "../build.mjs";
import { Problem, root } from "../run.mjs";
import { freshVariables, makeKey } from "../worker.mjs";
import { importLines, memberCount, storedUser, user } from "./users.mjs";
import { startWorkerd } from "./workerd.mjs";

const IMPORT_BYTES_MAX = 3_500_000;
const IMPORT_LINES_MAX = 8_000;
/** Without it, an import was cut. */
const PAGE_END = '{"end":true,"seq":0}';
const FLOOR_USERS_MAX = 2_000;
const REQUEST_MS = 300_000;
const TENANT = "bench";

/** Muster as it is deployed, but for what the report says is off. */
export async function startMuster({ folder, users, prepared, costs = false }) {
  const { COST_HEADERS: _, ALLOW_LOOPBACK_RECEIVERS: __, ...local } = freshVariables();
  const variables = { ...local, LOG: "failures", ...(costs && { COST_HEADERS: "1" }) };
  const server = await startWorkerd({
    name: "Muster",
    folder,
    modules: Object.fromEntries(BUNDLE.map((name) => [name, join(root, "build", name)])),
    objects: ["TENANT", "TenantObject"],
    variables,
    prepared,
  });
  const admin = { ...server, adminToken: variables.ADMIN_TOKEN };
  const key = await makeKey(admin, TENANT, { scopes: ["scim"] });
  const headers = { authorization: `Bearer ${key}` };
  return { ...admin, users, base: `/t/${TENANT}/scim/v2`, headers };
}

/** The floor; `counts` has it say how many rows its last write was of. */
export async function startFloor({ folder, users, prepared, counts = false }) {
  const server = await startWorkerd({
    name: "the floor",
    folder,
    modules: { "index.js": join(root, ".dev", "bench", "floor", "index.js") },
    objects: ["TENANT", "Floor"],
    variables: counts ? { COUNT_ROWS: "1" } : {},
    prepared,
  });
  return { ...server, users, base: "", headers: {} };
}

/** How many rows a create and a PATCH are of, as the databases count them: for Muster and the floor alike. */
export async function countRows(fresh) {
  const muster = await startMuster({ folder: fresh(), users: 0, costs: true });
  const floor = await startFloor({ folder: fresh(), users: 0, counts: true });
  const ours = await rowsOfWrites(muster, (response) => /rows-written;desc="(\d+)"/.exec(response.headers.get("server-timing"))[1]);
  const theirs = await rowsOfWrites(floor, async () => (await fetch(`${floor.url}/Users/rows`)).text());
  await Promise.all([muster.stop(), floor.stop()]);
  if (ours.create !== theirs.create || ours.patch !== theirs.patch) {
    throw new Problem(`Muster writes ${JSON.stringify(ours)} rows, the floor ${JSON.stringify(theirs)}.`);
  }
  return ours;
}

async function rowsOfWrites(server, rowsOf) {
  const written = async (method, path, body) => {
    const response = await post(server, server.base + path, { method, headers: server.headers, body: JSON.stringify(body) });
    return { id: (await response.json()).id, rows: Number(await rowsOf(response)) };
  };
  const { id, rows: create } = await written("POST", "/Users", user(1));
  const Operations = [{ op: "replace", path: "active", value: false }];
  const schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
  const { rows: patch } = await written("PATCH", `/Users/${id}`, { schemas, Operations });
  return { create, patch };
}

/** Loads Muster by imports; `tell` is told how much of it is done. */
export async function loadMuster(muster, tell) {
  const headers = { authorization: `Bearer ${muster.adminToken}`, "content-type": "application/x-ndjson" };
  let done = 0;
  for (const lines of batches(importLines(muster.users))) {
    const body = [...lines, PAGE_END].join("\n");
    await post(muster, `/v1/tenants/${TENANT}/import`, { headers, body });
    done += lines.length;
    tell(done / (muster.users + memberCount(muster.users) + 1));
  }
}

export async function loadFloor(floor, tell) {
  for (let first = 1; first <= floor.users; first += FLOOR_USERS_MAX) {
    const count = Math.min(FLOOR_USERS_MAX, floor.users - first + 1);
    const users = Array.from({ length: count }, (_, i) => storedUser(first + i));
    await post(floor, "/Users/load", { body: JSON.stringify(users) });
    tell((first + count - 1) / floor.users);
  }
}

function* batches(lines) {
  let [batch, bytes] = [[], 0];
  for (const line of lines) {
    const text = JSON.stringify(line);
    if (batch.length === IMPORT_LINES_MAX || bytes + text.length > IMPORT_BYTES_MAX) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(text);
    bytes += text.length + 8;
  }
  yield batch;
}

async function post(server, path, { method = "POST", headers, body }) {
  const contentType = { "content-type": "application/scim+json" };
  const signal = AbortSignal.timeout(REQUEST_MS);
  const response = await fetch(server.url + path, { method, headers: { ...contentType, ...headers }, body, signal });
  if (response.ok) return response;
  throw new Problem(`${server.name} answered ${method} ${path} with ${response.status}: ${await response.text()}`);
}
