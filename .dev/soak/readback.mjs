// A tenant as its API shows it, whole: its rows, and its log replayed.

import { isDeepStrictEqual } from "node:util";
import { StepFailed } from "../perform.mjs";

const READ_MS = 60_000;
const PAGE = 1_000;

/** All users and groups. */
export async function readRows(server) {
  const users = await readAll(server, "/Users");
  const groups = await readAll(server, "/Groups");
  const nameOf = Object.fromEntries(users.map(({ id, userName }) => [id, userName]));
  const membersOf = ({ members = [] }) => members.map(({ value }) => nameOf[value] ?? value).sort();
  const named = [...users.map((user) => [user.userName, user.id]), ...groups.map((group) => [group.displayName, group.id])];
  return {
    users,
    groups,
    /** What is of one writer, by a test of names; the group of all in so far as its users are in it. */
    of(isMine) {
      const mine = users.filter(({ userName }) => isMine(userName));
      const shown = ({ userName, title, displayName }) => [userName, { title, displayName }];
      const own = groups.filter(({ displayName }) => isMine(displayName));
      const shared = groups.filter(({ displayName }) => displayName === "crew");
      return {
        users: Object.fromEntries(mine.map(shown)),
        groups: Object.fromEntries(own.map((group) => [group.displayName, membersOf(group)])),
        crew: shared.flatMap(membersOf).filter(isMine),
      };
    },
    /** The ids by names. */
    ids: (isMine) => Object.fromEntries(named.filter(([name]) => isMine(name))),
    /** All names but that of the group of all. */
    names: () => named.map(([name]) => name).filter((name) => name !== "crew"),
  };
}

/** The whole log: its length, and a comparison of what it tells with the rows. */
export async function readLog(server) {
  const events = [];
  for (let after = "0"; after !== undefined; ) {
    const { items, next } = await readJson(server, `${server.log}?limit=${PAGE}&after=${after}`);
    events.push(...items);
    after = next;
  }
  const gap = events.findIndex(({ data }, place) => data.seq !== place + 1);
  if (gap >= 0) throw new StepFailed(`The log has ${events[gap].data.seq} at place ${gap + 1}.`);
  return { length: events.length, agreesWith: (rows) => compare(replayed(events), rows) };
}

/** Who is there by the log, in which version, and who is in which group. */
function replayed(events) {
  const users = new Map();
  const groups = new Map();
  for (const { type, data } of events) {
    const { id, members, changed } = data;
    if (type === "user.created") users.set(id, 1);
    if (type === "user.updated") {
      if (!isDeepStrictEqual([...changed].sort(), ["displayName", "title"])) {
        throw new StepFailed(`Event ${data.seq} tells of half a request: ${changed}`);
      }
      users.set(id, users.get(id) + 1);
    }
    if (type === "user.deleted") {
      users.delete(id);
      groups.forEach((ids) => ids.delete(id));
    }
    if (type === "group.created") groups.set(id, new Set());
    if (type === "group.deleted") groups.delete(id);
    if (type === "group.member.added") members.forEach((member) => groups.get(id).add(member));
    if (type === "group.member.removed") members.forEach((member) => groups.get(id).delete(member));
  }
  return { users, groups };
}

function compare(log, rows) {
  const sorted = (entries) => [...entries].sort(([one], [other]) => (one < other ? -1 : 1));
  const same = (what, told, found) => {
    if (isDeepStrictEqual(told, found)) return;
    throw new StepFailed(`The log tells of ${what}\n${JSON.stringify(told)}\nand there are\n${JSON.stringify(found)}`);
  };
  const versions = rows.users.map(({ id, meta }) => [id, `W/"${log.users.get(id)}"` === meta.version]);
  same("users", sorted(log.users).map(([id]) => [id, true]), sorted(versions));
  const told = sorted([...log.groups].map(([id, members]) => [id, [...members].sort()]));
  const found = rows.groups.map(({ id, members = [] }) => [id, members.map(({ value }) => value).sort()]);
  same("groups", told, sorted(found));
}

async function readAll(server, path) {
  const all = [];
  for (let cursor = ""; cursor !== undefined; ) {
    const page = await readJson(server, `${server.base}${path}?count=${PAGE}&cursor=${encodeURIComponent(cursor)}`);
    all.push(...(page.Resources ?? []));
    cursor = page.nextCursor;
  }
  return all;
}

async function readJson({ token }, url) {
  const signal = AbortSignal.timeout(READ_MS);
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal });
  const text = await response.text();
  if (response.status !== 200) throw new StepFailed(`GET ${url}: ${response.status} ${text}`);
  return JSON.parse(text);
}
