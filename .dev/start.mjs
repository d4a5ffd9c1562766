// `npm start`: installs what is missing, builds what changed, serves the Worker on this machine and
// hands over a tenant `demo` with a key. State stays in `.wrangler/state`, secrets in `.dev.vars`.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildWorker } from "./build.mjs";
import { Problem, main, root } from "./run.mjs";
import { setUp } from "./setup.mjs";
import {
  freshVariables,
  makeKey,
  makeTenant,
  putPolicies,
  readVariables,
  request,
  requirePort,
  scimBase,
  startWorker,
  writeVariables,
} from "./worker.mjs";

const DEFAULT_PORT = 8787;
const TENANT = "demo";
const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const SCOPES = ["scim", "events:read", "keys:write"];
const POLICIES = { edgeReads: true };
const VARIABLES = join(root, ".dev.vars");

await main(async () => {
  const port = chosenPort();
  await requirePort(port);
  const tools = await setUp();
  await buildWorker(tools);
  const variables = keptVariables();
  const worker = await startWorker({
    wrangler: tools.wrangler,
    cwd: root,
    port,
    adminToken: variables.ADMIN_TOKEN.split(",")[0],
  });
  const key = await demoKey(worker, variables);
  printWelcome(scimBase(worker, TENANT), key);
  worker.onOutput((text) => process.stdout.write(text));
  await worker.ended;
  throw new Problem("wrangler has ended.");
});

function chosenPort() {
  try {
    const { values } = parseArgs({ options: { port: { type: "string" } } });
    const port = Number(values.port ?? DEFAULT_PORT);
    if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  } catch {
    // Said below.
  }
  throw new Problem("Usage: npm start [-- --port NUMBER]");
}

/** The variables of the first start, as they are now, and those that have come since. */
function keptVariables() {
  const kept = readVariables(VARIABLES);
  const isNew = ([name]) => !(name in kept);
  const added = Object.fromEntries(Object.entries(freshVariables()).filter(isNew));
  writeVariables(VARIABLES, added);
  return { ...kept, ...added };
}

/** The key of the first start as long as it is good: state or secrets may have gone since. */
async function demoKey(worker, variables) {
  await makeTenant(worker, TENANT);
  if (variables.DEMO_KEY && !(await isRefused(worker, variables.DEMO_KEY))) return variables.DEMO_KEY;
  await putPolicies(worker, TENANT, POLICIES);
  const key = await makeKey(worker, TENANT, { scopes: SCOPES });
  writeVariables(VARIABLES, { DEMO_KEY: key });
  return key;
}

async function isRefused(worker, key) {
  const response = await request(`${scimBase(worker, TENANT)}/ServiceProviderConfig`, { token: key });
  return response.status === 401 || response.status === 403;
}

function printWelcome(base, key) {
  const curl = (rest) => `curl -sS -H 'Authorization: Bearer ${key}' ${rest}`;
  const ada = JSON.stringify({ schemas: [USER], userName: "ada@example.com", active: true });
  console.log(`
Muster serves the tenant \`${TENANT}\`. Ctrl-C stops it.

SCIM base URL
${base}

Key
${key}

To paste: what the server can do, create a user, find the user

${curl(`'${base}/ServiceProviderConfig'`)}

${curl(`-H 'Content-Type: application/scim+json' -d '${ada}' '${base}/Users'`)}

${curl(`-G --data-urlencode 'filter=userName eq "ada@example.com"' '${base}/Users'`)}
`);
}
