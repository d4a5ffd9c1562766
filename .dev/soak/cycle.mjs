// An initial cycle of Entra ID and the next one, pushed into a tenant by many clients at once: it looks
// each user up, creates who is missing, changes what differs, then does the same with managers, groups
// and members. Any unexpected answer fails the part; in the end the tenant has to be what the directory is.

import { isDeepStrictEqual } from "node:util";
import { StepFailed } from "../perform.mjs";
import { showProgress } from "../run.mjs";
import { temporaryFolder, withWorkerLog } from "../serve.mjs";
import { freshVariables, makeConnection, makeKey, makeTenant, putPolicies, scimBase } from "../worker.mjs";
import { clientOf, inParallel, paceOf } from "./client.mjs";
import { PATHS, WORK_EMAIL, read, resourceOf, shown } from "./cycle/attributes.mjs";
import { DIALECTS, newGroup, newUser, patchOf } from "./cycle/dialects.mjs";
import { changeGroups, changePeople, join, leave, newDirectory, present, standing } from "./cycle/directory.mjs";
import { compareFeed, compareTenant } from "./cycle/readback.mjs";
import { random } from "./random.mjs";
import { startRuntime } from "./runtime.mjs";

export const cycle = { name: "cycle", run };

const SCALES = {
  short: { users: 300, groups: 8 },
  long: { users: 20_000, groups: 200 },
};
const TENANT = "cycle";
const CLIENTS = 8;
const BATCH_MAX = 100;

/** Less than the clients ask for at their fastest; and, while groups are made, less than any machine can do. */
const RATE_LIMIT = { perSecond: 150, burst: 50 };
const LOW_RATE_LIMIT = { perSecond: 10, burst: 2 };

/** How many requests a second are sent, for a second each. */
const RATES = [25, 50, 100, 200, 200, 200, 200, 200, 200, 200];

async function run({ seed }, scale) {
  const { RATE_LIMITS: _, ...variables } = freshVariables();
  const worker = await startRuntime({ folder: temporaryFolder(), variables });
  const progress = showProgress("cycle");
  try {
    return await withWorkerLog(worker, () => push(worker, SCALES[scale], random(seed), progress.note));
  } finally {
    progress.end();
    await worker.stop();
  }
}

async function push(worker, sizes, chance, note) {
  const directory = newDirectory(chance, sizes);
  const tenant = await prepare(worker, directory, chance);
  const began = Date.now();
  const work = async (what, tasks) => {
    let done = 0;
    await inParallel(CLIENTS, tasks, async (task) => {
      await task(tenant);
      done += 1;
      note(`${what} ${done} of ${tasks.length}, ${tenant.counts.answers} answers, ${tenant.counts.refusals} of them 429`);
    });
  };
  const limit = (rateLimit) => putPolicies(worker, TENANT, { rateLimit });
  await initialCycle(directory, chance, work, limit);
  await nextCycle(directory, chance, work);
  const seconds = (Date.now() - began) / 1_000;
  const { answers, refusals } = tenant.counts;
  if (refusals === 0) throw new StepFailed("Nothing was 429, so that nothing shows how it is honoured.");
  note("comparing");
  const compared = await compareTenant(tenant, directory);
  const events = await compareFeed(tenant, directory, compared);
  const rate = Math.round(answers / seconds);
  return { note: `${answers} answers, ${rate}/s, ${refusals} of them 429; ${compared.told}, ${events} events` };
}

/**
 * A tenant with a limit and a connection, and some users whom the administrator made before: a few of
 * the directory's who differ from it, and one whom it does not know.
 */
async function prepare(worker, directory, chance) {
  await makeTenant(worker, TENANT);
  const url = scimBase(worker, TENANT);
  const administrator = clientOf(url, await makeKey(worker, TENANT, { scopes: ["scim"] }));
  const make = async (attributes) => (await administrator.send("POST", "/Users", resourceOf(attributes))).body.id;
  const stranger = { attributes: { userName: "stranger", active: true, title: "Caretaker" } };
  stranger.id = await make(stranger.attributes);
  const earlier = directory.people.filter(() => chance.once(20));
  for (const person of earlier) person.created = earlierThan(person.attributes, chance);
  await inParallel(CLIENTS, earlier, (person) => make(person.created));
  await makeConnection(worker, TENANT, { id: "entra", preset: "entra" });
  await putPolicies(worker, TENANT, { rateLimit: RATE_LIMIT });
  const key = await makeKey(worker, TENANT, { scopes: ["scim"], connection: "entra" });
  const began = Date.now();
  const pace = paceOf(() => RATES[Math.floor((Date.now() - began) / 1_000) % RATES.length]);
  return { worker, url, name: TENANT, stranger, ...clientOf(url, key, pace) };
}

/** What the administrator knew of somebody before. */
function earlierThan({ userName, title }, chance) {
  const others = { title: title && "Somebody", [WORK_EMAIL]: `of-old.${userName}`, "name.givenName": "Unknown" };
  return { userName, active: chance.once(2), ...others };
}

async function initialCycle(directory, chance, work, limit) {
  const { people, groups } = directory;
  await work("users", people.map((person) => syncUser(person, chance)));
  await work("managers", people.filter(({ manager }) => manager).map((person) => syncManager(person, chance)));
  await limit(LOW_RATE_LIMIT);
  await work("groups", groups.map((group) => syncGroup(group, chance)));
  await limit(RATE_LIMIT);
  await work("members", shuffled(chance, groups.flatMap((group) => bring(group, [...group.members], chance))));
  await work("leavers", shuffled(chance, groups.flatMap((group) => remove(group, leave(group, chance, 10), chance))));
}

/** Users are changed and deleted while groups change: a deletion ends memberships by itself. */
async function nextCycle(directory, chance, work) {
  const changed = changePeople(directory, chance);
  const others = present(directory).filter((person) => !changed.includes(person));
  const untouched = chance.sample(others, directory.people.length / 20);
  const hired = changed.filter(({ synced }) => synced === undefined);
  await work("new users", hired.map((person) => syncUser(person, chance)));
  const old = new Set(directory.groups);
  const groups = changeGroups(directory, chance);
  await work("changed groups", groups.map((group) => syncGroup(group, chance)));
  const members = standing(directory).flatMap((group) => {
    if (!old.has(group)) return bring(group, [...group.members].filter(({ gone }) => !gone), chance);
    const leaving = leave(group, chance, 20);
    const staying = present(directory).filter((person) => !leaving.includes(person));
    const coming = join(group, staying, chance, 1 + group.members.size / 20);
    return [...remove(group, leaving, chance), ...bring(group, coming, chance)];
  });
  const users = [...changed, ...untouched].map((person) => syncUser(person, chance));
  await work("changes", shuffled(chance, [...users, ...members]));
  const managed = changed.filter(({ gone }) => !gone);
  await work("managers", managed.map((person) => syncManager(person, chance)));
}

/**
 * Looks a user up and makes, changes, or first disables and then deletes it. Who has been synchronized
 * before is as that left it: a difference of any other kind is not repaired, it fails the part.
 */
function syncUser(person, chance) {
  const ask = askIn(chance.pick(DIALECTS));
  const lookup = chance.pick(lookupsOf(person));
  return async (tenant) => {
    const found = await lookup(tenant, ask, person);
    if (found === undefined) await create(tenant, ask, "/Users", person, newUser(person.attributes));
    else await update(tenant, ask, person, found);
    person.synced = mapped(person.attributes);
  };
}

/** Who was there before is found by the name alone. */
function lookupsOf({ synced, created }) {
  if (synced) return [byId, byExternalId];
  return created ? [byUserName] : [byUserName, byExternalId, byEmail];
}

async function update(tenant, ask, person, found) {
  person.id = found.id;
  const path = `/Users/${found.id}`;
  const there = Object.fromEntries(PATHS.map((name) => [name, read(found, name)]));
  if (person.synced) requireEqual(`user ${found.id}`, there, person.synced);
  const wanted = mapped(person.gone ? { ...person.attributes, active: false } : person.attributes);
  const changes = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => there[name] !== value));
  if (Object.keys(changes).length > 0) {
    await ask(tenant, 204, "PATCH", path, { patch: (dialect) => dialect.change(changes) });
  }
  if (person.gone) await ask(tenant, 204, "DELETE", path);
}

/** The value at each path that is mapped, also where there is none. */
function mapped(attributes) {
  return Object.fromEntries(PATHS.map((name) => [name, attributes[name]]));
}

function syncManager(person, chance) {
  const ask = askIn(chance.pick(DIALECTS));
  const patch = (dialect, url) => (person.manager ? dialect.setManager(person.manager.id, url) : dialect.clearManager());
  return (tenant) => ask(tenant, 204, "PATCH", `/Users/${person.id}`, { patch });
}

/** Looks a group up and makes, renames or deletes it; its members are not asked for. */
function syncGroup(group, chance) {
  const ask = askIn(chance.pick(DIALECTS));
  const query = { excludedAttributes: "members" };
  return async (tenant) => {
    const { displayName } = group.attributes;
    if (group.id === undefined) {
      const filter = `displayName eq ${JSON.stringify(displayName)}`;
      const { body } = await ask(tenant, 200, "GET", "/Groups", { query: { ...query, filter } });
      requireEqual("groups of a name", body.totalResults, 0);
      return create(tenant, ask, "/Groups", group, newGroup(group.attributes));
    }
    const path = `/Groups/${group.id}`;
    const { body } = await ask(tenant, 200, "GET", path, { query });
    if (group.gone) await ask(tenant, 204, "DELETE", path);
    else if (body.displayName !== displayName) {
      await ask(tenant, 204, "PATCH", path, { patch: (dialect) => dialect.rename(displayName) });
    }
  };
}

/** Makes a user or a group and compares what the server says it has. */
async function create(tenant, ask, path, wanted, body) {
  const made = await ask(tenant, 201, "POST", path, { body });
  wanted.id = made.body.id;
  wanted.created = wanted.attributes;
  requireEqual(`what ${path} made`, shown(made.body), resourceOf(wanted.attributes));
}

/** Requests that make people members: of a small group one by one or in batches, of a large one in batches. */
function bring(group, people, chance) {
  const batches = batched(people, people.length < BATCH_MAX && chance.once(2) ? 1 : 1 + chance.below(BATCH_MAX));
  return batches.map((batch) => changeMembers(group, batch, chance, "bring"));
}

function remove(group, people, chance) {
  return batched(people, chance.pick([1, 2, 20])).map((batch) => changeMembers(group, batch, chance, "remove"));
}

function changeMembers(group, people, chance, how) {
  const ask = askIn(chance.pick(DIALECTS));
  const patch = (dialect) => dialect[how](people.map(({ id }) => id));
  return (tenant) => (group.gone ? undefined : ask(tenant, 204, "PATCH", `/Groups/${group.id}`, { patch }));
}

/** What sends requests in a dialect, and takes one status for an answer. */
function askIn(dialect) {
  return async (tenant, status, method, path, { query = {}, body, patch } = {}) => {
    const words = [dialect.flag, String(new URLSearchParams(query))].filter((word) => word !== "");
    const sent = patch ? patchOf(patch(dialect, tenant.url)) : body;
    const answer = await tenant.send(method, words.length > 0 ? `${path}?${words.join("&")}` : path, sent);
    if (answer.status === status) return answer;
    const [said, told] = [sent, answer.body].map((value) => JSON.stringify(value)?.slice(0, 1_000));
    throw new StepFailed(`${method} ${path} ${words} ${said}\nwas ${answer.status} in place of ${status}: ${told}`);
  };
}

async function byId(tenant, ask, { id }) {
  return (await ask(tenant, 200, "GET", `/Users/${id}`)).body;
}

function byUserName(tenant, ask, { attributes }) {
  return byFilter(tenant, ask, `userName eq "${attributes.userName}"`);
}

/** Without quotes, as some of Entra's requests are. */
function byExternalId(tenant, ask, { attributes }) {
  return byFilter(tenant, ask, `externalId eq ${attributes.externalId}`);
}

function byEmail(tenant, ask, { attributes }) {
  return byFilter(tenant, ask, `${WORK_EMAIL} eq "${attributes[WORK_EMAIL]}"`);
}

async function byFilter(tenant, ask, filter) {
  const { body } = await ask(tenant, 200, "GET", "/Users", { query: { filter } });
  if (body.totalResults > 1) throw new StepFailed(`${filter} finds ${body.totalResults} users.`);
  return body.Resources[0];
}

function requireEqual(what, found, wanted) {
  if (isDeepStrictEqual(found, wanted)) return;
  throw new StepFailed(`${what}: ${JSON.stringify(found)}\nin place of ${JSON.stringify(wanted)}`);
}

function batched(list, size) {
  const count = Math.ceil(list.length / size);
  return Array.from({ length: count }, (_, index) => list.slice(index * size, (index + 1) * size));
}

function shuffled(chance, list) {
  return chance.sample(list, list.length);
}
