// Whether the Worker's memory stays flat: many requests of every kind, those that are refused above all,
// and how much of the runtime's process is in memory meanwhile. WebAssembly's memory never shrinks, nor
// does a cache that nobody empties, so what a request leaves behind adds up.

import { StepFailed } from "../perform.mjs";
import { showProgress } from "../run.mjs";
import { temporaryFolder, withWorkerLog } from "../serve.mjs";
import { freshVariables, makeKey, makeTenant, scimBase } from "../worker.mjs";
import { clientOf, inParallel } from "./client.mjs";
import { residentBytes } from "./processes.mjs";
import { random } from "./random.mjs";
import { startRuntime } from "./runtime.mjs";

export const memory = { name: "memory", run };

/**
 * `growth` is what the process may have more at the end than after the warm-up, in bytes: less than if
 * each request between left 300 bytes behind, in the long form 50.
 */
const SCALES = {
  short: { users: 200, requests: 10_000, growth: 2e6 },
  long: { users: 2_000, requests: 100_000, growth: 3e6 },
};
const TENANT = "memory";
const CLIENTS = 16;
const SAMPLES = 100;

/** Samples before the first of these are the warm-up; the middle of the two ranges is compared. */
const EARLY = [30, 40];
const LATE = [90, 100];

/**
 * JavaScript's garbage is collected often, and all of it each time. Left to itself it grows with the room
 * that the runtime gives to what is new, and the buffers of bodies with it: for many thousands of requests
 * that looks like a leak, and would hide one.
 */
const TIDY = ["--gc-global", "--min-semi-space-size=1", "--max-semi-space-size=1"];

const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

async function run({ seed }, scale) {
  const sizes = SCALES[scale];
  const worker = await startRuntime({ folder: temporaryFolder(), variables: freshVariables(), flags: TIDY });
  const progress = showProgress("memory");
  try {
    return await withWorkerLog(worker, () => measure(worker, sizes, random(seed), progress.note));
  } finally {
    progress.end();
    await worker.stop();
  }
}

async function measure(worker, { users, requests, growth }, chance, note) {
  const tenant = await populate(worker, users, chance);
  const kinds = kindsOfRequest(tenant, chance);
  const samples = [];
  let sent = 0;
  await inParallel(CLIENTS, numbers(requests), async () => {
    await chance.pick(kinds)();
    sent += 1;
    if (sent % (requests / SAMPLES) !== 0) return;
    samples.push(await residentBytes(worker.pid));
    note(`${sent} requests, ${megabytes(samples.at(-1))}`);
  });
  const [early, late] = [EARLY, LATE].map(([from, to]) => median(samples.slice(from, to)));
  const told = `${megabytes(early)} after the warm-up, ${megabytes(late)} after ${requests} requests`;
  if (late - early <= growth) return { note: told };
  const course = samples.map((bytes) => Math.round(bytes / 1e6)).join(" ");
  throw new StepFailed(`${told}: more than ${megabytes(growth)} have come. In MB: ${course}`);
}

/** A tenant with users and a group; the client, the ids of both. */
async function populate(worker, count, chance) {
  await makeTenant(worker, TENANT);
  const base = scimBase(worker, TENANT);
  const client = clientOf(base, await makeKey(worker, TENANT, { scopes: ["scim", "events:read"] }));
  const users = [];
  await inParallel(CLIENTS, numbers(count), async (number) => {
    const { body } = await expected(client.send("POST", "/Users", person(`user-${number}`, chance)), 201);
    users.push(body.id);
  });
  const crew = await expected(client.send("POST", "/Groups", { displayName: "Crew" }), 201);
  return { worker, base, client, users, crew: crew.body.id };
}

/** One function for each kind of request, which sends one that nobody has sent before. */
function kindsOfRequest({ worker, base, client, users, crew }, chance) {
  let made = 0;
  const fresh = () => `fresh-${(made += 1)}`;
  const user = () => `/Users/${chance.pick(users)}`;
  const found = (filter) => `/Users?filter=${encodeURIComponent(filter)}`;
  const ask = (status, method, path, body) => expected(client.send(method, path, body), status);
  const denied = (key) => expected(clientOf(base, key).send("GET", user()), 401);
  const nested = (depth) => `${"(".repeat(depth)}userName eq "${fresh()}"${")".repeat(depth)}`;
  const either = (count) => Array.from({ length: count }, () => `title eq "${fresh()}"`).join(" or ");
  const patch = (path, ...operations) => ask(200, "PATCH", path, { schemas: [PATCH_OP], Operations: operations });
  const member = () => [{ value: chance.pick(users) }];
  return [
    () => ask(200, "GET", user()),
    () => ask(404, "GET", `/Users/${fresh()}`),
    () => ask(404, "GET", `/${fresh()}`),
    () => ask(200, "GET", found(`userName eq "user-${chance.below(users.length)}"`)),
    () => ask(200, "GET", found(`externalId eq "${fresh()}"`)),
    () => ask(200, "GET", found(`title co "${fresh()}"`)),
    () => ask(200, "GET", found(either(60))),
    () => ask(200, "GET", `/Users?count=20&startIndex=${1 + chance.below(users.length)}`),
    () => ask(200, "GET", "/Users?count=20&sortBy=userName&cursor="),
    () => ask(200, "GET", "/Groups?excludedAttributes=members"),
    () => ask(200, "GET", "/Schemas"),
    () => ask(400, "GET", found(nested(1_000))),
    () => ask(400, "GET", found(either(100))),
    () => ask(400, "GET", found(`${fresh()} eq`)),
    () => ask(400, "GET", `/Users?cursor=${fresh()}`),
    () => ask(400, "POST", "/Users", `{"userName":"${fresh()}","name":{`),
    () => ask(400, "POST", "/Users", "[".repeat(10_000)),
    () => ask(400, "POST", "/Users", { userName: fresh(), emails: [fresh()], active: fresh() }),
    () => ask(409, "POST", "/Users", person(`user-${chance.below(users.length)}`, chance)),
    () => patch(user(), { op: "replace", path: "title", value: fresh() }),
    () => patch(`/Groups/${crew}`, { op: "add", path: "members", value: member() }, { op: "remove", path: "members" }),
    () => denied(fresh()),
    () => denied(`${"ey".repeat(100)}.${fresh()}.${fresh()}`),
    () => expected(clientOf(worker.url, worker.adminToken).send("GET", `/v1/tenants/${fresh()}`), 404),
    () => expected(clientOf(worker.url, worker.adminToken).send("GET", `/v1/tenants/${TENANT}/events?limit=20`), 200),
    async () => {
      const { body } = await ask(201, "POST", "/Users", person(fresh(), chance));
      await ask(204, "DELETE", `/Users/${body.id}`);
    },
  ];
}

function person(userName, chance) {
  const name = { givenName: userName, familyName: `family-${chance.below(1_000)}` };
  const emails = [{ value: `${userName}@example.com`, type: "work", primary: true }];
  return { schemas: [USER], userName, externalId: `of-${userName}`, name, emails, active: true };
}

async function expected(sending, status) {
  const answer = await sending;
  if (answer.status === status) return answer;
  throw new StepFailed(`${answer.status} in place of ${status}: ${JSON.stringify(answer.body).slice(0, 500)}`);
}

function* numbers(count) {
  for (let number = 0; number < count; number += 1) yield number;
}

function median(list) {
  return [...list].sort((one, other) => one - other)[Math.floor(list.length / 2)];
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
