// A panic in the midst of a request, ordered of a debug build at one statement after another until the
// request gets through. Each time the request must leave nothing behind, and the next ones, of this
// tenant and of another that was awake, must be answered.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { addEntry } from "../build.mjs";
import { StepFailed } from "../perform.mjs";
import { root, run as runProgram, showProgress } from "../run.mjs";
import { configurationWithoutBuild, serveWith, withWorkerLog } from "../serve.mjs";
import { freshVariables, makeKey, makeTenant, scimBase } from "../worker.mjs";
import { readLog, readRows } from "./readback.mjs";

/** What orders a panic; no release knows it. */
const ORDER = "x-muster-panic";
const BUILT = join("target", "debug-worker");
const BUILD_SECONDS_MAX = 20 * 60;
const REQUEST_MS = 20_000;
const PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/** The part. */
export const panics = { name: "panics", run };

async function run({ tools }, scale) {
  expectOrders(join(root, "build"), false);
  const args = ["--dev", "--no-opt", "--out-dir", BUILT];
  // Nobody steps through it, and without what a debugger wants it is built in half the time.
  const env = { ...tools.workerBuildEnv, CARGO_PROFILE_DEV_DEBUG: "0" };
  const options = { env, label: "building a debug Worker", timeoutSeconds: BUILD_SECONDS_MAX };
  await runProgram(tools.workerBuild, args, options);
  const built = join(root, BUILT);
  addEntry(built);
  expectOrders(built, true);
  const { worker } = await serveWith(tools, freshVariables(), configurationWithoutBuild(), { built });
  const progress = showProgress("panics");
  try {
    return await withWorkerLog(worker, () => panicAtEachStatement(worker, scale, progress));
  } finally {
    progress.end();
    await worker.stop();
  }
}

/** That a build panics to order, or that it does not. */
function expectOrders(folder, expected) {
  const takes = readFileSync(join(folder, "index_bg.wasm")).includes(ORDER);
  if (takes !== expected) throw new StepFailed(`The Worker in ${folder} ${takes ? "panics to order" : "does not"}.`);
}

async function panicAtEachStatement(worker, scale, progress) {
  const [tenant, neighbour] = [await given(worker, "panicking"), await given(worker, "neighbour")];
  let panicked = 0;
  for (const [name, asked] of requests(tenant, scale)) {
    for (let statement = 0; ; statement += 1) {
      const before = await whole(tenant);
      const status = await send(tenant, asked, String(statement));
      await expectAnswer(neighbour, name);
      const after = await whole(tenant);
      if (status < 300) {
        if (isDeepStrictEqual(before, after)) throw new StepFailed(`${name} changed nothing.`);
        break;
      }
      if (status !== 500) throw new StepFailed(`${name}, a panic at statement ${statement}: ${status}`);
      if (!isDeepStrictEqual(before, after)) {
        throw new StepFailed(`${name} left something behind when it panicked at statement ${statement}.`);
      }
      panicked += 1;
      progress.note(`${panicked} panics`);
    }
  }
  // The second where the edge has waited for the tenant's record, which the first has it forget.
  for (const place of ["edge", "record"]) {
    const status = await send(tenant, { method: "GET", path: "/Users" }, place);
    if (status !== 500) throw new StepFailed(`A panic at the edge, ${place}: ${status}`);
    panicked += 1;
  }
  await expectAnswer(neighbour, "a panic at the edge");
  await expectAnswer(tenant, "a panic at the edge");
  return { passed: 1, failed: 0, note: `${panicked} panics, and the next requests found all as it was` };
}

/** A tenant with two users and a group. */
async function given(worker, id) {
  await makeTenant(worker, id);
  const token = await makeKey(worker, id, { scopes: ["scim", "events:read"] });
  const server = { base: scimBase(worker, id), log: `${worker.url}/v1/tenants/${id}/events`, token };
  const make = async (path, body) => (await answered(server, { method: "POST", path, body })).id;
  const [ada, bob] = [await make("/Users", { userName: "ada" }), await make("/Users", { userName: "bob" })];
  const crew = await make("/Groups", { displayName: "crew", members: [{ value: ada }] });
  return { ...server, ada, bob, crew };
}

/** What is tried, in short or at length; a Bulk request has something of everything. */
function requests({ ada, bob, crew }, scale) {
  const patch = (list) => ({ schemas: [PATCH_OP], Operations: list });
  const fields = patch([
    { op: "replace", path: "title", value: "Dr" },
    { op: "replace", path: "displayName", value: "Ada" },
  ]);
  const member = patch([{ op: "add", path: "members", value: [{ value: bob }] }]);
  const bulk = [
    { method: "POST", path: "/Users", bulkId: "u", data: { userName: "eve", externalId: "e" } },
    { method: "POST", path: "/Groups", bulkId: "g", data: { displayName: "team", members: [{ value: "bulkId:u" }] } },
    { method: "PATCH", path: `/Groups/${crew}`, data: patch([{ op: "remove", path: `members[value eq "${ada}"]` }]) },
  ];
  const short = [["a Bulk request", { method: "POST", path: "/Bulk", body: { schemas: [BULK], Operations: bulk } }]];
  if (scale === "short") return short;
  return [
    ["a POST", { method: "POST", path: "/Users", body: { userName: "dan", emails: [{ value: "d@example.com" }] } }],
    ["a PATCH of two attributes", { method: "PATCH", path: `/Users/${ada}`, body: fields }],
    ["a PATCH of members", { method: "PATCH", path: `/Groups/${crew}`, body: member }],
    ["a DELETE", { method: "DELETE", path: `/Users/${bob}` }],
    ...short,
  ];
}

/** All that a tenant shows, once its log has told the same as its rows. */
async function whole(server) {
  const [rows, log] = [await readRows(server), await readLog(server)];
  log.agreesWith(rows);
  return { users: rows.users, groups: rows.groups, events: log.length };
}

async function expectAnswer(server, name) {
  const { totalResults } = await answered(server, { method: "GET", path: "/Users" });
  if (totalResults < 2) throw new StepFailed(`After ${name} there are ${totalResults} users.`);
}

async function answered(server, asked) {
  const response = await ask(server, asked);
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  throw new StepFailed(`${asked.method} ${asked.path}: ${response.status} ${text}`);
}

/** Sends a request with an order; its status. */
async function send(server, asked, order) {
  const response = await ask(server, asked, { [ORDER]: order });
  await response.arrayBuffer();
  return response.status;
}

function ask({ base, token }, { method, path, body }, headers = {}) {
  return fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }), ...headers },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_MS),
  });
}
