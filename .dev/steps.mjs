// The steps of `npm test`: formatting, lints, native tests, a comparison with other implementations,
// docs, the Worker's build, size and start-up, and then, against a Worker of its own with fresh secrets
// and empty state, the live tests, two third-party SCIM testers and one of what the API says of itself.
// A step is given what the steps share and its name; it throws, or returns what it counted and a note.
// The parts of `npm run soak` are steps in their short form.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildWorker, bundleSize } from "./build.mjs";
import { LOOPBACK, StepFailed, bounded, counted, countedFailure, expect } from "./perform.mjs";
import { CommandFailed, root, run } from "./run.mjs";
import { configurationWithoutBuild, serveWith, temporaryFolder, withWorkerLog } from "./serve.mjs";
import { setUp, setUpPython } from "./setup.mjs";
import { PARTS } from "./soak/parts.mjs";
import { startUpSeconds } from "./startup.mjs";
import { schemathesis, scim2Tester, scimSanity } from "./testers.mjs";
import { webhooks } from "./webhooks.mjs";
import { freshVariables, makeConnection, makeKey, makeSecret, makeTenant, request, requestToken, scimBase } from "./worker.mjs";

const GZIPPED_BYTES_MAX = 1_000_000;
const START_UP_SECONDS_MAX = 0.05;
const WASM = ["--target", "wasm32-unknown-unknown"];

/** A table of what operations cost, as tests print it. */
const COSTS = /^operation +rows read .*\n(?:.* of \d+\n)+/gm;

/** Comes first; without it there are no steps. */
export const SET_UP = { name: "setup", run: prepare };

/** The Worker as it is deployed. */
export const BUILD = { name: "build", run: build };

/** In the order in which they run. */
export const STEPS = [
  { name: "fmt", run: cargo(["fmt", "--check", "--", "--color", "never"]) },
  // Every test by its name: `--all-targets` passes over one that `cargo test` leaves alone.
  { name: "clippy", run: cargo(["clippy", "--profile", "test", "--lib", "--test", "*", "--", "-D", "warnings"]) },
  { name: "clippy-wasm", run: cargo(["clippy", "--lib", ...WASM, "--", "-D", "warnings"]) },
  { name: "test", run: (_, name) => cargoTest(name, []) },
  { name: "differential", run: differential },
  { name: "doc", run: cargo(["doc", "--no-deps"], { RUSTDOCFLAGS: "-D warnings" }) },
  BUILD,
  { name: "start-up", run: startUp, needs: "build" },
  { name: "serve", run: serve, needs: "build" },
  { name: "live", run: live, needs: "serve" },
  { name: "configurations", run: configurations, needs: "build" },
  { name: "webhooks", run: webhooks, needs: "build" },
  ...PARTS.map((part) => partAsStep(part, "short")),
  { name: "scim2-tester", run: scim2Tester, needs: "serve" },
  { name: "scim-sanity", run: scimSanity, needs: "serve" },
  { name: "schemathesis", run: schemathesis, needs: "serve" },
];

async function prepare(context) {
  context.tools = await setUp();
  context.python = await setUpPython();
}

/** A step that is one run of cargo. */
function cargo(args, env = {}) {
  return async (_, name) => void (await run("cargo", args, bounded(name, env)));
}

/** `cargo test`, counting tests; tables of costs that it printed are shown. */
async function cargoTest(name, args, env = {}) {
  try {
    const output = await run("cargo", ["test", ...args], bounded(name, env));
    for (const [table] of output.matchAll(COSTS)) console.log(`\n${table}`);
    return counted(cargoCounts(output));
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    throw new StepFailed(error.output, countedFailure(cargoCounts(error.output)));
  }
}

function cargoCounts(output) {
  const lines = [...output.matchAll(/^test result: .* (\d+) passed; (\d+) failed;/gm)];
  const sum = (group) => lines.reduce((total, line) => total + Number(line[group]), 0);
  return { passed: sum(1), failed: sum(2) };
}

/** Has other implementations judge the same generated filters and PATCHes; shows what they say. */
async function differential({ python }, name) {
  const folder = temporaryFolder();
  await run("cargo", ["test", "--test", "differential", "--", folder], bounded(name));
  const script = (file) => join(root, "tests", "differential", file);
  const filters = await run(join(python, "python"), [script("filters.py"), join(folder, "filters.jsonl")], bounded(name));
  const patches = await run(process.execPath, [script("patches.mjs"), join(folder, "patches.jsonl")], bounded(name));
  const lasts = [filters, patches].map((output) => output.trimEnd().split("\n").at(-1));
  return { passed: lasts.length, failed: 0, note: lasts.join("; ") };
}

/** A part of `npm run soak`, `short` as in `npm test` or `long`. */
export function partAsStep(part, scale) {
  const run = async (context) => {
    try {
      return await part.run(context, scale);
    } catch (error) {
      const options = `--only ${part.name} --seed ${context.seed}${scale === "short" ? " --short" : ""}`;
      error.message += `\nThe same chances again: npm run soak -- ${options}`;
      throw error;
    }
  };
  return { name: part.name, run, needs: BUILD.name };
}

async function build({ tools }) {
  await buildWorker(tools);
  const { raw, gzipped } = bundleSize();
  const note = `${kilobytes(raw)}, ${kilobytes(gzipped)} gzipped`;
  if (gzipped <= GZIPPED_BYTES_MAX) return { note };
  throw new StepFailed(`The Worker is too large: ${note}; at most ${kilobytes(GZIPPED_BYTES_MAX)} gzipped.`);
}

async function startUp() {
  const seconds = await startUpSeconds();
  const note = `${Math.ceil(seconds * 1_000)} ms until the first answer`;
  if (seconds < START_UP_SECONDS_MAX) return { note };
  throw new StepFailed(`The Worker starts too slowly: ${note}; it must be under ${START_UP_SECONDS_MAX * 1_000} ms.`);
}

function kilobytes(bytes) {
  return `${Math.ceil(bytes / 1_000)} kB`;
}

async function serve(context) {
  const variables = freshVariables();
  // Two secrets, so that keys of the older one are tried too.
  variables.KEY_RING += `,${freshVariables().KEY_RING.replace(/^[^:]*/, "older")}`;
  variables.TENANT_HOST = "users-{tenant}.example.com";
  const { worker, state, log } = await serveWith(context.tools, variables, configurationWithoutBuild());
  Object.assign(context, { worker, keyRing: variables.KEY_RING, state, log });
}

/** What needs a Worker of its own: https alone, hosts, the runtime's limits. */
async function configurations({ tools }) {
  const { ALLOW_HTTP: _, ...secure } = freshVariables();
  await configured(tools, secure, { health: 400 }, async (worker) => {
    const refused = await request(`${worker.url}/v1/tenants`, { token: worker.adminToken });
    expect("plain http", refused.status, 400);
    expect("a redirect", refused.headers.get("location"), null);
  });
  const misspelt = { ...freshVariables(), TENANT_HOST: "users-{tennant}.example.com" };
  await configured(tools, misspelt, {}, async (worker) => {
    for (const path of ["/v1/tenants", "/t/acme/scim/v2/Users", "/nothing"]) {
      const response = await request(worker.url + path, { token: worker.adminToken });
      expect(`a malformed TENANT_HOST, ${path}`, response.status, 503);
      await untilPrinted(worker, response.headers.get("x-request-id"), "TENANT_HOST");
    }
  });
  const replace = [/^\[\[kv_namespaces\]\]\nbinding = "DIRECTORY"\n.*\n/m, ""];
  await configured(tools, freshVariables(), { replace }, withoutDirectory);
  const { RATE_LIMITS: __, ...limited } = freshVariables();
  const few = (_, before, name) => before + FEW[name];
  const fewer = [/^(name = "(KEY|TENANT)_LIMIT"\n.*\nsimple = \{ limit = )\d+/gm, few];
  await configured(tools, limited, { replace: fewer }, limitedAtTheEdge);
  return counted({ passed: 4, failed: 0 });
}

/** Without the namespace for copies no tenant has any, and the object answers. */
async function withoutDirectory(worker) {
  await makeTenant(worker, "plain");
  const tenant = `${worker.url}/v1/tenants/plain`;
  const policies = { method: "PUT", token: worker.adminToken, body: { edgeReads: true } };
  const refused = await request(`${tenant}/policies`, policies);
  expect("edge reads", refused.status, 422);
  expect("the fault", (await refused.json()).faults[0].path, "/edgeReads");
  const token = await makeKey(worker, "plain", { scopes: ["access:read"], ttl: "PT1H" });
  expect("the object", (await request(`${tenant}/access?userName=nobody`, { token })).status, 404);
}

/** What the runtime is told to let pass in its period, of a key and of a tenant. */
const FEW = { KEY: 5, TENANT: 40 };

/** The runtime's limits: of a key, in the formats of both APIs, and of requests for tokens. */
async function limitedAtTheEdge(worker) {
  await makeTenant(worker, "limited");
  await makeConnection(worker, "limited", { id: "gallery", preset: "generic" });
  const keys = [];
  for (let i = 0; i < 2; i += 1) keys.push(await makeKey(worker, "limited", { scopes: ["scim", "events:read"] }));
  const scim = (token) => request(`${scimBase(worker, "limited")}/Schemas`, { token });
  const first = await scim(keys[0]);
  expect("the first request of a key", first.status, 200);
  expect("the exact limit", first.headers.get("x-rate-limit-limit"), "1000");
  // The Worker tells the numbers it was built with, and the runtime none: those of `wrangler.toml`
  // before they were replaced here.
  const ofKey = await untilRefused(() => scim(keys[0]), "5000");
  expect("its error", (await ofKey.json()).status, "429");
  const events = () => request(`${worker.url}/v1/tenants/limited/events`, { token: keys[0] });
  expect("a problem", (await (await untilRefused(events, "5000")).json()).code, "too_many_requests");
  expect("another key", (await scim(keys[1])).status, 200);

  const client = await makeSecret(worker, "limited", "gallery");
  const ofToken = await untilRefused(() => requestToken(worker, "limited", client), "5000");
  expect("the error of a token", (await ofToken.json()).error, "temporarily_unavailable");
  expect("what is no token", (await scim(keys[1])).status, 200);
  for (let i = 0; i <= 2 * FEW.TENANT; i += 1) {
    const { status } = await requestToken(worker, "nobody", { ...client, id: "nobody.gallery" });
    expect("a token of a tenant that does not exist", status, 401);
  }
}

/** Asks until a runtime's limit refuses, which says what it says of itself. */
async function untilRefused(ask, limit) {
  for (let i = 0; i <= 2 * FEW.TENANT; i += 1) {
    const response = await ask();
    if (response.status !== 429) continue;
    const header = (name) => response.headers.get(name);
    expect("the seconds to wait", header("retry-after"), "10");
    expect("the limit", header("x-rate-limit-limit"), limit);
    expect("what is left", header("x-rate-limit-remaining"), "0");
    const reset = Number(header("x-rate-limit-reset"));
    const seconds = reset - Date.now() / 1_000;
    expect("its end", Number.isInteger(reset) && seconds > 0 && seconds < 12, true);
    return response;
  }
  throw new StepFailed(`nothing was refused that ${limit} are told of`);
}

/** Serves with variables, and with `replace` made in `wrangler.toml`, as long as `check` takes. */
async function configured(tools, variables, { health, replace: [from, to] = [/^/, ""] }, check) {
  const configuration = configurationWithoutBuild();
  if (!from.test(configuration)) throw new StepFailed(`wrangler.toml has nothing like ${from}`);
  const { worker } = await serveWith(tools, variables, configuration.replace(from, to), { health });
  try {
    await withWorkerLog(worker, () => check(worker));
  } finally {
    await worker.stop();
  }
}

async function untilPrinted(worker, ...words) {
  const deadline = Date.now() + 30_000;
  const isPrinted = (line) => words.every((word) => line.includes(word));
  while (!worker.output().split("\n").some(isPrinted)) {
    if (Date.now() > deadline) throw new StepFailed(`the log has no line with ${words.join(" and ")}`);
    await sleep(100);
  }
}

function live({ worker, keyRing, state, log, tools }, name) {
  return withWorkerLog(worker, () =>
    cargoTest(name, ["--test", "live"], {
      ...LOOPBACK,
      MUSTER_URL: worker.url,
      MUSTER_ADMIN_TOKEN: worker.adminToken,
      MUSTER_KEY_RING: keyRing,
      MUSTER_PERSIST: state,
      MUSTER_LOG: log,
      MUSTER_WRANGLER: tools.wrangler.join(" "),
    }),
  );
}
