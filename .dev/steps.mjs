// The steps of `npm test`: formatting, lints, native tests, a comparison with other implementations,
// what the bench computes, docs, the Worker's build, size and start-up, and then, against a Worker of
// its own with fresh secrets and empty state, the live tests, two third-party SCIM testers and one of
// what the API says of itself. A step is given what the steps share and its name; it throws, or returns
// what it counted and a note. The parts of `npm run soak` are steps in their short form.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildWorker, bundleSize } from "./build.mjs";
import { StepFailed, expect } from "./perform.mjs";
import { CommandFailed, root, run } from "./run.mjs";
import { configurationWithoutBuild, serveWith, temporaryFolder, withWorkerLog } from "./serve.mjs";
import { setUp, setUpPython } from "./setup.mjs";
import { PARTS } from "./soak/parts.mjs";
import { startUpSeconds } from "./startup.mjs";
import { webhooks } from "./webhooks.mjs";
import {
  freshVariables,
  makeConnection,
  makeKey,
  makeSecret,
  makeTenant,
  putPolicies,
  request,
  requestToken,
  scimBase,
} from "./worker.mjs";

const GZIPPED_BYTES_MAX = 1_000_000;
const START_UP_SECONDS_MAX = 0.05;
const STEP_SECONDS_MAX = 30 * 60;
const WASM = ["--target", "wasm32-unknown-unknown"];

/** Where scim2-tester's account of a check begins: one of its verdicts. */
const CHECK = /^(?=(?:SUCCESS|COMPLIANT|ACCEPTABLE|DEVIATION|ERROR|CRITICAL|SKIPPED) )/m;

/**
 * What scim2-tester has against every resource with an extension that is readOnly as a whole: it
 * writes to all extensions, and these answer 400 `mutability`, as RFC 7644 §3.5.2 has it.
 */
const READ_ONLY_EXTENSION =
  /^ERROR check_(add|remove|replace)_attribute\s+Failed to \1 attribute 'urn:muster:scim:1\.0:User': .* is readOnly\s*$/;

/**
 * The same of one whose only attribute a connection cannot write: the tester makes it no value, writes
 * the extension without one, and misses it in the answer, where an empty object has no place.
 */
const EMPTY_EXTENSION =
  /^ERROR check_(add|replace)_attribute\s+PATCH modify\(\) returned unexpected value for 'urn:muster:scim:1\.0:Group'\.\s+Patched value: schemas=\['urn:muster:scim:1\.0:Group'\] kind=None\s+Returned value: None\s*$/;

/** A table of what operations cost, as tests print it. */
const COSTS = /^operation +rows read .*\n(?:.* of \d+\n)+/gm;

/** A proxy has no business between two programs on this machine. */
const LOOPBACK = { NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" };

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
  { name: "bench", run: benchTest },
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

/** What `npm run bench` computes, not what it measures. */
async function benchTest(_, name) {
  const file = join(root, ".dev", "bench", "bench.test.mjs");
  const { output, content } = await runTester(name, process.execPath, ["--test", "--test-reporter", "tap", file]);
  const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(output)?.[1] ?? 0);
  const counts = { passed: count("pass"), failed: count("fail") };
  if (content && counts.passed > 0) return counted(counts);
  throw new StepFailed(output, countedFailure(counts));
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

/** A tenant with all that it can have: every type there is, and a schema of its own. */
const EVERYTHING = {
  features: { roles: true, agents: true },
  schemas: [
    {
      id: "urn:tester:scim:1.0:Staff",
      name: "Staff",
      resourceTypes: ["User", "Group"],
      attributes: [
        { name: "badge", type: "string", uniqueness: "server" },
        { name: "floor", type: "integer", searchable: true },
        { name: "house", type: "complex", subAttributes: [{ name: "city", type: "string" }] },
      ],
    },
  ],
};

/**
 * Every check must be a SUCCESS, but the three that write to what is readOnly: the tester itself counts
 * a skipped one as a failure. As a connection, since the tester takes no part of a member that it has
 * not written, and a key without a connection is shown each one's `origin`. Of a tenant
 * that has decided nothing for itself, and of one with a schema of its own; the types behind features
 * say so in ServiceProviderConfig, where the tester takes nothing that RFC 7643 does not name.
 */
function scim2Tester({ worker, python }, name) {
  return withWorkerLog(worker, async () => {
    const plain = await scim2TesterRun(worker, python, name, {});
    const { schemas } = EVERYTHING;
    const extended = await scim2TesterRun(worker, python, `${name}-extended`, { schemas });
    return counted({ passed: plain.passed + extended.passed, failed: 0 });
  });
}

async function scim2TesterRun(worker, python, name, policies) {
  const base = await freshTenant(worker, name);
  await putPolicies(worker, name, policies);
  await makeConnection(worker, name, { id: "tester", preset: "generic" });
  const key = await makeKey(worker, name, { scopes: ["scim"], connection: "tester" });
  const env = { SCIM_CLI_HEADERS: `Authorization: Bearer ${key}` };
  const { output } = await runTester(name, join(python, "scim2"), ["--url", base, "test"], env);
  const checks = output.split(CHECK).filter((text) => CHECK.test(text));
  const [good, refused, empty] = [/^SUCCESS /, READ_ONLY_EXTENSION, EMPTY_EXTENSION].map((told) =>
    checks.filter((text) => told.test(text)),
  );
  const bad = checks.filter((text) => ![good, refused, empty].some((known) => known.includes(text)));
  const counts = { passed: good.length, failed: bad.length };
  if (good.length > 0 && bad.length === 0 && refused.length === 3 && empty.length === 2) return counts;
  throw new StepFailed(bad.join("") || output, countedFailure(counts));
}

/**
 * The probe's strict mode, of a tenant with every type: a failure, an error or a skipped check fails
 * the step, a warning is shown. It adds a member that does not exist and wants 200 for it, hence a
 * preset that keeps such members.
 */
function scimSanity({ worker, python }, name) {
  return withWorkerLog(worker, async () => {
    const base = await freshTenant(worker, name);
    await putPolicies(worker, name, EVERYTHING);
    const connection = { id: "probe", preset: "onelogin" };
    await makeConnection(worker, name, connection);
    const key = await makeKey(worker, name, { scopes: ["scim"], connection: connection.id });
    const args = ["probe", base, "--token", key, "--strict", "--i-accept-side-effects", "--json-output"];
    const { output, content } = await runTester(name, join(python, "scim-sanity"), args);
    const { summary, results } = parseReport(output);
    const remarks = results
      .filter(({ status }) => status !== "pass")
      .map((result) => `${result.status}: ${result.name}\n  ${result.message}\n`)
      .join("");
    const counts = { passed: summary.passed, failed: summary.failed + summary.errors + summary.skipped };
    if (!content || counts.failed > 0) throw new StepFailed(remarks || output, countedFailure(counts));
    if (remarks) console.log(remarks);
    return counted(counts);
  });
}

function parseReport(output) {
  try {
    return JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1));
  } catch {
    throw new StepFailed(output);
  }
}

/**
 * The description of the API: that it is valid, and that the Worker does what it says, to a key of a
 * tenant that has everything and to the administrator, who has a tenant to spoil.
 */
function schemathesis({ worker, python }, name) {
  return withWorkerLog(worker, async () => {
    const base = await freshTenant(worker, name);
    await putPolicies(worker, name, EVERYTHING);
    await makeTenant(worker, `${name}-admin`);
    const key = await makeKey(worker, name, { scopes: ["scim"] });
    const document = join(temporaryFolder(), "openapi.json");
    const described = await request(`${worker.url}/v1/openapi.json`, { token: key });
    writeFileSync(document, await described.text());
    const valid = await runTester(name, join(python, "python"), [join(root, "tests", "openapi.py"), document]);
    if (!valid.content) throw new StepFailed(valid.output);
    const env = {
      MUSTER_TENANT: name,
      MUSTER_BEARER: key,
      MUSTER_USER: await makeResource(`${base}/Users`, key, { userName: "ada" }),
      MUSTER_GROUP: await makeResource(`${base}/Groups`, key, { displayName: "Engineers" }),
    };
    const admin = { ...env, MUSTER_TENANT: `${name}-admin`, MUSTER_BEARER: worker.adminToken };
    const [scim, others] = await Promise.all([
      schemathesisRun(worker, python, `${name}, SCIM`, { document, paths: "^/t/", env }),
      schemathesisRun(worker, python, `${name}, /v1`, { document, paths: "^/(?!t/)", env: admin }),
    ]);
    return counted({ passed: scim.passed + others.passed, failed: 0 });
  });
}

/** Makes a resource with a key and returns its id. */
async function makeResource(url, token, body) {
  const response = await request(url, { method: "POST", token, body });
  return (await response.json()).id;
}

/** Every case must pass; what the tester only warns of is not shown. */
async function schemathesisRun(worker, python, name, { document, paths, env }) {
  const config = join(root, "tests", "schemathesis.toml");
  const args = ["--config-file", config, "run", document, "--url", worker.url, "--include-path-regex", paths, "--no-color"];
  const { output, content } = await runTester(name, join(python, "schemathesis"), args, env);
  const count = (pattern) => Number(pattern.exec(output)?.[1] ?? 0);
  const counts = { passed: count(/\d+ generated, (\d+) passed/), failed: count(/found (\d+) unique failure/) };
  if (content && counts.passed > 0) return counts;
  throw new StepFailed(output, countedFailure(counts));
}

/** What a tester printed, and whether it was content. */
async function runTester(name, program, args, env = {}) {
  try {
    return { output: await run(program, args, bounded(name, { ...LOOPBACK, ...env })), content: true };
  } catch (error) {
    if (error instanceof CommandFailed) return { output: error.output, content: false };
    throw error;
  }
}

/** Makes a tenant and returns the address of its SCIM API. */
async function freshTenant(worker, id) {
  await makeTenant(worker, id);
  return scimBase(worker, id);
}

function bounded(label, env) {
  return { label, env, timeoutSeconds: STEP_SECONDS_MAX };
}

function counted({ passed, failed }) {
  return { passed, failed, note: `${passed} passed` };
}

/** At least one: a run that breaks off has not counted what broke it. */
function countedFailure({ passed, failed }) {
  const bad = Math.max(failed, 1);
  return { passed, failed: bad, note: `${passed} passed, ${bad} failed` };
}
