// Whether a tenant is what the directory is: all of it is read, and so is the feed of events, which is
// replayed from the beginning for who is there, active and a member of what, and from the end for what
// each resource was when it was made.

import { isDeepStrictEqual } from "node:util";
import { StepFailed } from "../../perform.mjs";
import { request } from "../../worker.mjs";
import { MANAGER, read, resourceOf, shown, write } from "./attributes.mjs";
import { present, standing } from "./directory.mjs";

const PAGE = 100;
const EVENTS_PAGE = 1_000;
const FAULTS_SHOWN = 10;

/** Compares all users and groups; returns them by their ids, and what to tell of them. */
export async function compareTenant(tenant, directory) {
  const users = byId(await usersOf(tenant));
  const groups = byId(await groupsOf(tenant));
  const wantedUsers = [...present(directory), tenant.stranger];
  const wantedGroups = standing(directory);
  const memberships = membershipsOf(wantedGroups);
  const faults = [
    ...strangeIds("user", users, wantedUsers),
    ...strangeIds("group", groups, wantedGroups),
    ...wantedUsers.flatMap((person) => userFaults(users.get(person.id), person, memberships.get(person.id) ?? [])),
    ...wantedGroups.flatMap((group) => groupFaults(groups.get(group.id), group)),
  ];
  requireNone("The tenant is not what the directory is", faults);
  const members = wantedGroups.reduce((sum, group) => sum + memberIds(group).length, 0);
  return { users, groups, told: `${users.size} users, ${groups.size} groups, ${members} memberships` };
}

/** Compares the feed with what there is; returns how many events it has. */
export async function compareFeed(tenant, directory, { users, groups }) {
  const events = await eventsOf(tenant);
  const state = replayed(events);
  const model = [...present(directory), ...standing(directory), tenant.stranger];
  const gaps = events.filter(({ data }, index) => data.seq !== index + 1);
  const faults = [
    ...gaps.map(({ data }) => `there is a gap before ${data.seq}`),
    ...differing("users of the feed", [...state.users.keys()], [...users.keys()]),
    ...differing("groups of the feed", [...state.groups.keys()], [...groups.keys()]),
    ...[...groups.values()].flatMap(({ id, members }) =>
      differing(`members of ${id} by the feed`, [...(state.groups.get(id) ?? [])], members.map(({ value }) => value)),
    ),
    ...[...users.values()].flatMap(({ id, active }) => unequal(`active of ${id}`, active, state.users.get(id) ?? active)),
    ...beginnings(events, [...users.values(), ...groups.values()], model),
  ];
  requireNone("The feed does not lead to what there is", faults);
  return events.length;
}

/** By `startIndex`, as Entra pages. */
async function usersOf(tenant) {
  const users = [];
  for (let total = 1; users.length < total; ) {
    const page = await list(tenant, `/Users?count=${PAGE}&startIndex=${users.length + 1}`);
    total = page.totalResults;
    if (page.Resources.length === 0) throw new StepFailed(`A page after ${users.length} of ${total} users is empty.`);
    users.push(...page.Resources);
  }
  return users;
}

/** By cursor, without members, and then each with them. */
async function groupsOf(tenant) {
  const groups = [];
  for (let cursor = ""; cursor !== undefined; ) {
    const page = await list(tenant, `/Groups?excludedAttributes=members&count=${PAGE}&cursor=${cursor}`);
    for (const { id } of page.Resources) groups.push(await list(tenant, `/Groups/${id}`));
    cursor = page.nextCursor;
  }
  return groups.map((group) => ({ ...group, members: group.members ?? [] }));
}

async function list(tenant, path) {
  const { status, body } = await tenant.send("GET", path);
  if (status === 200) return body;
  throw new StepFailed(`GET ${path} was ${status}: ${JSON.stringify(body)}`);
}

async function eventsOf({ worker, name }) {
  const events = [];
  for (let after = "0"; after !== undefined; ) {
    const path = `/v1/tenants/${name}/events?limit=${EVENTS_PAGE}&after=${after}`;
    const page = await (await request(worker.url + path, { token: worker.adminToken })).json();
    events.push(...page.items);
    after = page.next;
  }
  return events;
}

function byId(resources) {
  return new Map(resources.map((resource) => [resource.id, resource]));
}

function strangeIds(what, found, wanted) {
  return differing(`${what}s`, [...found.keys()], wanted.map(({ id }) => id));
}

/** The ids of the groups of each user. */
function membershipsOf(groups) {
  const groupsOfUsers = new Map();
  for (const group of groups) {
    for (const id of memberIds(group)) groupsOfUsers.set(id, [...(groupsOfUsers.get(id) ?? []), group.id]);
  }
  return groupsOfUsers;
}

function memberIds({ members }) {
  return [...members].filter(({ gone }) => !gone).map(({ id }) => id);
}

function userFaults(user, { attributes, manager }, groupIds) {
  if (user === undefined) return [];
  const wanted = resourceOf(attributes);
  if (manager) write(wanted, MANAGER, { value: manager.id });
  const shownGroups = (user.groups ?? []).map(({ value }) => value);
  return [...unequal(user.id, shown(user), wanted), ...differing(`groups of ${user.id}`, shownGroups, groupIds)];
}

function groupFaults(group, wanted) {
  if (group === undefined) return [];
  const members = group.members.map(({ value }) => value);
  return [
    ...unequal(group.id, shown(group), wanted.attributes),
    ...differing(`members of ${group.id}`, members, memberIds(wanted)),
  ];
}

/** Who is there after all events: users with whether they are active, if that has changed; groups with their members. */
function replayed(events) {
  const state = { users: new Map(), groups: new Map() };
  const { users, groups } = state;
  const steps = {
    "user.created": ({ id }) => users.set(id, undefined),
    "user.activated": ({ id }) => users.set(id, true),
    "user.deactivated": ({ id }) => users.set(id, false),
    "user.deleted": ({ id }) => {
      users.delete(id);
      for (const members of groups.values()) members.delete(id);
    },
    "group.created": ({ id }) => groups.set(id, new Set()),
    "group.deleted": ({ id }) => groups.delete(id),
    "group.member.added": ({ id, members }) => members.forEach((member) => groups.get(id).add(member)),
    "group.member.removed": ({ id, members }) => members.forEach((member) => groups.get(id).delete(member)),
  };
  for (const { type, data } of events) steps[type]?.(data);
  return state;
}

/** What is there now with all events undone, newest first, has to be what was once made. */
function beginnings(events, resources, model) {
  const current = byId(structuredClone(resources));
  for (const { type, data } of events.toReversed()) {
    const resource = current.get(data.id);
    // What a resource was made with, nothing was there before.
    if (resource === undefined || type.endsWith(".created")) continue;
    for (const path of data.changed ?? []) write(resource, path, data.previous[path]);
  }
  const created = new Map(model.map(({ id, created: made, attributes }) => [id, made ?? attributes]));
  return [...current].flatMap(([id, resource]) => {
    return unequal(`${id} with its events undone`, shown(resource), resourceOf(created.get(id)));
  });
}

function unequal(what, found, wanted) {
  if (isDeepStrictEqual(found, wanted)) return [];
  return [`${what}: ${JSON.stringify(found)} in place of ${JSON.stringify(wanted)}`];
}

/** Compares lists whose order does not matter; one that has something twice differs. */
function differing(what, found, wanted) {
  const [there, due] = [new Set(found), new Set(wanted)];
  const lost = wanted.filter((one) => !there.has(one));
  const surplus = found.filter((one) => !due.has(one));
  const twice = found.length - there.size;
  if (lost.length + surplus.length + twice === 0) return [];
  const some = (list) => `${list.length} (${list.slice(0, FAULTS_SHOWN)})`;
  return [`${what}: ${some(lost)} lost, ${some(surplus)} too many, ${twice} twice`];
}

function requireNone(what, faults) {
  if (faults.length === 0) return;
  throw new StepFailed(`${what}, ${faults.length} faults:\n${faults.slice(0, FAULTS_SHOWN).join("\n")}`);
}
