// A client that writes to a tenant one request after another, and knows what must come of it. Its users
// and groups have names that nobody else gives; all clients change the members of one group.

import { isDeepStrictEqual } from "node:util";
import { StepFailed } from "../perform.mjs";
import { random } from "./random.mjs";

const USERS_MAX = 40;
const GROUPS_MAX = 10;
const REQUEST_MS = 20_000;
const CREW = "crew";
const URN = "urn:ietf:params:scim:api:messages:2.0";

/** A client of a tenant with a number and chances of its own. */
export function makeWriter(server, number, seed) {
  const chance = random(seed);
  let state = { users: {}, groups: {}, crew: [] };
  let ids = {};
  let pending;
  let serial = 0;
  let answered = 0;

  const named = (kind) => `w${number}-${kind}${(serial += 1)}`;
  const values = () => ({ title: `title ${(serial += 1)}`, displayName: `name ${serial}` });
  const isMine = (name) => name.startsWith(`w${number}-`);

  /** What is done next: a request, the state that it leaves, and the status of its answer. */
  function choose() {
    const users = Object.keys(state.users);
    const groups = Object.keys(state.groups);
    const makers = [create, create, bulk];
    const all = users.length === 0 ? makers : [...makers, patch, patch, patch, join, leave, leave, remove];
    if (users.length >= USERS_MAX) return remove(users);
    if (groups.length >= GROUPS_MAX) return disband(groups);
    return chance.pick(all)(users);
  }

  function create() {
    const user = named("u");
    const after = structuredClone(state);
    after.users[user] = values();
    return { method: "POST", path: "/Users", body: { userName: user, ...after.users[user] }, after, status: 201, made: user };
  }

  /** Two attributes, which change together or not at all. */
  function patch(users) {
    const user = chance.pick(users);
    const after = structuredClone(state);
    after.users[user] = values();
    return { method: "PATCH", path: `/Users/${ids[user]}`, body: replacing(after.users[user]), after, status: 200 };
  }

  function join(users) {
    const user = chance.pick(users);
    const after = structuredClone(state);
    after.crew = [...new Set([...after.crew, user])].sort();
    const body = operations([{ op: "add", path: "members", value: [{ value: ids[user] }] }]);
    return { method: "PATCH", path: `/Groups/${ids[CREW]}`, body, after, status: [200, 204] };
  }

  function leave(users) {
    const user = chance.pick(state.crew.length > 0 ? state.crew : users);
    const after = structuredClone(state);
    after.crew = after.crew.filter((name) => name !== user);
    const body = operations([{ op: "remove", path: `members[value eq "${ids[user]}"]` }]);
    return { method: "PATCH", path: `/Groups/${ids[CREW]}`, body, after, status: [200, 204] };
  }

  function remove(users) {
    const user = chance.pick(users);
    const after = structuredClone(state);
    delete after.users[user];
    const others = (names) => names.filter((name) => name !== user);
    after.crew = others(after.crew);
    for (const group of Object.keys(after.groups)) after.groups[group] = others(after.groups[group]);
    return { method: "DELETE", path: `/Users/${ids[user]}`, after, status: 204 };
  }

  function disband(groups) {
    const group = chance.pick(groups);
    const after = structuredClone(state);
    delete after.groups[group];
    return { method: "DELETE", path: `/Groups/${ids[group]}`, after, status: 204 };
  }

  /** A user, a group of it and of another, and a change of that one. */
  function bulk(users) {
    const [user, group] = [named("u"), named("g")];
    const other = users.length > 0 ? chance.pick(users) : undefined;
    const after = structuredClone(state);
    after.users[user] = values();
    after.groups[group] = [user, other].filter((name) => name !== undefined).sort();
    const members = [{ value: "bulkId:u" }, ...(other ? [{ value: ids[other] }] : [])];
    const list = [
      { method: "POST", path: "/Users", bulkId: "u", data: { userName: user, ...after.users[user] } },
      { method: "POST", path: "/Groups", bulkId: "g", data: { displayName: group, members } },
    ];
    if (other) {
      after.users[other] = values();
      list.push({ method: "PATCH", path: `/Users/${ids[other]}`, data: replacing(after.users[other]) });
    }
    const body = { schemas: [`${URN}:BulkRequest`], Operations: list };
    return { method: "POST", path: "/Bulk", body, after, status: 200, bulk: [user, group] };
  }

  /** Sends one request; false where it was not answered, and may or may not have been done. */
  async function write(signal) {
    pending = choose();
    const answer = await send(server, pending).catch((error) => ({ error }));
    if (answer.error) {
      if (signal.killed) return false;
      throw new StepFailed(`${pending.method} ${pending.path} was not answered: ${answer.error.cause ?? answer.error}`);
    }
    if (![pending.status].flat().includes(answer.status)) {
      // The runtime that is being killed may still say so itself.
      if (signal.killed && answer.status >= 500) return false;
      throw new StepFailed(`${pending.method} ${pending.path}: ${answer.status} ${answer.text}`);
    }
    learn(pending, answer.text);
    state = pending.after;
    pending = undefined;
    answered += 1;
    return true;
  }

  function learn({ made, bulk: names = [] }, text) {
    if (made) ids[made] = JSON.parse(text).id;
    if (names.length === 0) return;
    const done = JSON.parse(text).Operations;
    const failed = done.filter((one) => !/^20/.test(one.status));
    if (failed.length > 0) throw new StepFailed(`A Bulk request failed: ${JSON.stringify(failed)}`);
    names.forEach((name, place) => (ids[name] = done[place].location.split("/").at(-1)));
  }

  return {
    /** Makes the group of all. */
    async found() {
      const { status, text } = await send(server, { method: "POST", path: "/Groups", body: { displayName: CREW } });
      if (status !== 201) throw new StepFailed(`No group: ${status} ${text}`);
    },

    /** Writes until the runtime is killed. */
    async writeUntil(signal) {
      if (ids[CREW] === undefined) ids[CREW] = await crewId(server);
      while (!signal.killed && (await write(signal)));
    },

    /**
     * Takes what is there for what came of its requests, and says how many were answered since it last
     * did, and of the one that was not, whether it was done.
     */
    adopt(rows) {
      const found = rows.of(isMine);
      const counts = { answered, unanswered: pending ? 1 : 0, kept: 0 };
      if (pending && isDeepStrictEqual(found, pending.after)) {
        counts.kept = 1;
      } else if (!isDeepStrictEqual(found, state)) {
        throw new StepFailed(difference(found, state, pending));
      }
      state = found;
      ids = { ...rows.ids(isMine), [CREW]: ids[CREW] };
      answered = 0;
      pending = undefined;
      return counts;
    },

    /** The names of all that it has made. */
    owned: () => [...Object.keys(state.users), ...Object.keys(state.groups)],
  };
}

function replacing(fields) {
  return operations(Object.entries(fields).map(([path, value]) => ({ op: "replace", path, value })));
}

function operations(list) {
  return { schemas: [`${URN}:PatchOp`], Operations: list };
}

async function crewId(server) {
  const query = new URLSearchParams({ filter: `displayName eq "${CREW}"`, attributes: "id" });
  const { text } = await send(server, { method: "GET", path: `/Groups?${query}` });
  return JSON.parse(text).Resources[0].id;
}

async function send({ base, token }, { method, path, body }) {
  const response = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/scim+json" }) },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  return { status: response.status, text: await response.text() };
}

function difference(found, state, pending) {
  const shown = (value) => JSON.stringify(value);
  const unanswered = pending ? `\nor, had ${pending.method} ${pending.path} been done\n${shown(pending.after)}` : "";
  return `There is\n${shown(found)}\nin place of\n${shown(state)}${unanswered}`;
}
