// A Worker on this machine: its secrets, `wrangler dev` from start to stop, and the few requests
// of the admin API that make a tenant and a key.

import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Problem, run, start, stop, tail } from "./run.mjs";

const HOST = "127.0.0.1";
const SECRET_BYTES = 32;
const START_SECONDS = 90;
const POLL_MS = 20;
const REQUEST_SECONDS = 15;

/** wrangler talks to nobody: no metrics, no reports, no look-up of the caller's place. */
const QUIET = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_SEND_METRICS: "false",
};

/** What a Worker on this machine has and one in production has not. */
const LOCAL_VARIABLES = {
  ALLOW_HTTP: "1",
  ALLOW_LOOPBACK_RECEIVERS: "1",
  COST_HEADERS: "1",
  RATE_LIMITS: "off",
};

/** Variables and fresh secrets for a Worker on this machine. */
export function freshVariables() {
  const random = () => randomBytes(SECRET_BYTES).toString("base64url");
  return { ...LOCAL_VARIABLES, KEY_RING: `local:${random()}`, ADMIN_TOKEN: random() };
}

/** Reads a file of `NAME=value` lines; a missing one is empty. */
export function readVariables(file) {
  const lines = readText(file).matchAll(/^\s*(\w+)\s*=\s*"?(.*?)"?\s*$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name, value]));
}

/** Sets lines in such a file and leaves the others as they are; a new one only its owner reads. */
export function writeVariables(file, variables) {
  let text = readText(file);
  for (const [name, value] of Object.entries(variables)) {
    const there = new RegExp(`^\\s*${name}\\s*=.*\\n?`, "m");
    text = `${text.replace(there, "").trimEnd()}\n${name}=${value}\n`;
  }
  writeFileSync(file, text.trimStart(), { mode: 0o600 });
}

function readText(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** A port that nobody listens on. */
export function freePort() {
  return listen(0);
}

/** Says so where somebody listens on `port` already. */
export async function requirePort(port) {
  try {
    await listen(port);
  } catch (error) {
    const why = error.code === "EACCES" ? "needs more rights than you have" : "is taken; perhaps Muster runs already";
    throw new Problem(`Port ${port} ${why}. Another one: npm start -- --port 8790`);
  }
}

/**
 * Starts `wrangler dev` and waits until the Worker answers. `args` go to wrangler as they are; what
 * it prints goes to the file `logTo` as well, if one is named. It is up when its health has the status
 * `health`.
 * Returns where it is, wrangler's process, what it printed so far, a promise of its end, and how to
 * stop it.
 */
export async function startWorker({ wrangler, cwd, port, adminToken, args = [], logTo, health = 200, env = {} }) {
  const [node, script] = wrangler;
  const address = ["--ip", HOST, "--port", String(port), "--inspector-port", "0"];
  // The Worker is to see this address, not that of a route in production.
  const options = [...address, "--infer-origin-from-routes=false", "--show-interactive-dev-session=false", ...args];
  const child = start(node, [script, "dev", ...options], { cwd, env: { ...QUIET, ...env } });
  const log = [];
  let listener = (text) => log.push(text);
  const hear = (text) => {
    if (logTo) appendFileSync(logTo, text);
    listener(text);
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", hear);
  const ended = new Promise((resolve) => child.on("close", resolve));

  const worker = {
    url: `http://${HOST}:${port}`,
    pid: child.pid,
    adminToken,
    output: () => log.join(""),
    onOutput: (next) => (listener = next),
    ended,
    stop: () => stop(child),
  };
  await untilHealthy(worker, health);
  return worker;
}

/** Makes a tenant, or leaves the one that is there. */
export async function makeTenant(worker, id) {
  await adminPost(worker, "/v1/tenants", { id }, [201, 409]);
}

/** Makes a connection of a tenant, in use at once. */
export async function makeConnection(worker, tenant, { id, preset }) {
  const connection = { id, displayName: id, kind: "scim", preset, state: "active" };
  await adminPost(worker, `/v1/tenants/${tenant}/connections`, connection, [201]);
}

/** Changes what a tenant has decided for itself. */
export async function putPolicies(worker, tenant, document) {
  await adminSend(worker, "PUT", `/v1/tenants/${tenant}/policies`, document, [200]);
}

/** Makes a key of a tenant, bound to a connection if one is named, of a life if one is, and returns it. */
export async function makeKey(worker, tenant, { scopes, connection, ttl }) {
  const body = { name: tenant, scopes, ...(connection && { connection }), ...(ttl && { ttl }) };
  const { key } = await adminPost(worker, `/v1/tenants/${tenant}/keys`, body, [201]);
  return key;
}

/** Makes a secret of a connection; what its client has then. */
export async function makeSecret(worker, tenant, connection) {
  const path = `/v1/tenants/${tenant}/connections/${connection}/secrets`;
  const { clientId, clientSecret } = await adminPost(worker, path, {}, [201]);
  return { id: clientId, secret: clientSecret };
}

/** A client's request for a token. */
export function requestToken(worker, tenant, { id, secret }) {
  const form = { grant_type: "client_credentials", client_id: id, client_secret: secret };
  return request(`${worker.url}/t/${tenant}/oauth/token`, { method: "POST", form });
}

/** The address of a tenant's SCIM API. */
export function scimBase(worker, tenant) {
  return `${worker.url}/t/${tenant}/scim/v2`;
}

/** One request, bounded in time. */
export async function request(url, { method = "GET", token, body, form, headers, seconds = REQUEST_SECONDS } = {}) {
  const authorization = token && { authorization: `Bearer ${token}` };
  const contentType = body && { "content-type": "application/json" };
  try {
    return await fetch(url, {
      method,
      headers: { ...authorization, ...contentType, ...headers },
      body: form ? new URLSearchParams(form) : body && JSON.stringify(body),
      signal: AbortSignal.timeout(seconds * 1_000),
    });
  } catch (error) {
    throw new Problem(`${method} ${url} was not answered: ${error.cause?.message ?? error.message}`);
  }
}

function adminPost(worker, path, body, expected) {
  return adminSend(worker, "POST", path, body, expected);
}

async function adminSend(worker, method, path, body, expected) {
  const response = await request(worker.url + path, { method, token: worker.adminToken, body });
  const text = await response.text();
  if (expected.includes(response.status)) return JSON.parse(text);
  throw new Problem(`${method} ${path} was answered with ${response.status}: ${text}`);
}

/** Waits until a Worker's health has a status; stops a Worker whose health has not within the time. */
export async function untilHealthy(worker, health = 200) {
  let over = false;
  worker.ended.then(() => (over = true));
  const deadline = Date.now() + START_SECONDS * 1_000;
  while (!over && Date.now() < deadline) {
    const healthy = await request(`${worker.url}/healthz`).then(({ status }) => status === health, () => false);
    if (healthy) return;
    await sleep(POLL_MS);
  }
  await worker.stop();
  const what = over ? "The Worker ended before it answered" : `No answer from the Worker in ${START_SECONDS} s`;
  throw new Problem(`${what}. Its last words:\n${tail(worker.output(), 30)}`);
}

function listen(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, HOST, () => {
      const found = server.address().port;
      server.close(() => resolve(found));
    });
  });
}
