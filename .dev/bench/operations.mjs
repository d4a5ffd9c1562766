// What is measured: for each operation the requests, each unlike the one before, and what the
// answers must be. All servers get the same ones.

import { message } from "./load.mjs";
import { GROUP_ID, memberCount, user, userId, userName } from "./users.mjs";

const MESSAGES = "urn:ietf:params:scim:api:messages:2.0";
const PAGE = 100;

/** So many members are added before as many are removed again. */
const MEMBERS_AT_ONCE = 100;

/** Prime to every size, so that a walk by it meets each user before it meets one again. */
const STRIDE = 7_919;

/** How far the first users of two walks are from each other. */
const WALKS_APART = 123_457;

/** An operation: what it is called, and what makes a server's requests and checks its answers. */
export const OPERATIONS = [
  { name: "get", title: "get", of: get },
  { name: "lookup", title: "`userName eq`", of: lookup },
  { name: "patch", title: "PATCH `active`", of: patch },
  { name: "member", title: "add or remove a member", of: member },
  { name: "list", title: "page of 100", of: list },
  { name: "search", title: "`.search`", of: search },
  { name: "group", title: "get a group without its members", of: group },
  // Last, for it changes how many users there are.
  { name: "create", title: "create", of: create },
];

/** How many walks there have been. */
let begun = 0;

/** Names that no earlier run of `create` has used. */
let created = 0;

function get(server) {
  const walk = walkUsers(server.users);
  const next = () => send(server, "GET", `/Users/${userId(walk().n)}`);
  return { next, check: expecting(200, (body) => body.includes('"userName"')) };
}

function lookup(server) {
  const walk = walkUsers(server.users);
  const next = () => send(server, "GET", `/Users?filter=${encodeURIComponent(named(walk().n))}`);
  return { next, check: expecting(200, (body) => body.includes('"userName"')) };
}

function create(server) {
  const next = () => {
    created += 1;
    return send(server, "POST", "/Users", user(created, `new.${process.pid}.${created}@example.com`));
  };
  return { next, check: expecting(201, (body) => body.includes('"id"')) };
}

/** Every user is deactivated, then every one activated, and so on: each request changes something. */
function patch(server) {
  const walk = walkUsers(server.users);
  const next = () => {
    const { n, round } = walk();
    const value = round % 2 === 1;
    return send(server, "PATCH", `/Users/${userId(n)}`, patchOp({ op: "replace", path: "active", value }));
  };
  return { next, check: expecting([200, 204]) };
}

function member(server) {
  const [first, count] = [memberCount(server.users), server.users - memberCount(server.users)];
  let sent = 0;
  const next = () => {
    const [batch, place] = [Math.floor(sent / MEMBERS_AT_ONCE), sent % MEMBERS_AT_ONCE];
    const value = userId(first + 1 + (((batch >> 1) * MEMBERS_AT_ONCE + place) % count));
    sent += 1;
    const add = { op: "add", path: "members", value: [{ value }] };
    const remove = { op: "remove", path: `members[value eq "${value}"]` };
    return send(server, "PATCH", `/Groups/${GROUP_ID}`, patchOp(batch % 2 === 0 ? add : remove));
  };
  return { next, check: expecting([200, 204]) };
}

/** Walked in order, from the first page to the last. */
function list(server) {
  let page = 0;
  const next = () => {
    const startIndex = 1 + page * PAGE;
    page = (page + 1) % (server.users / PAGE);
    return send(server, "GET", `/Users?startIndex=${startIndex}&count=${PAGE}`);
  };
  return { next, check: expecting(200, (body) => body.length > PAGE * 200) };
}

function search(server) {
  const walk = walkUsers(server.users);
  const next = () => {
    const body = { schemas: [`${MESSAGES}:SearchRequest`], filter: named(walk().n), attributes: ["userName", "emails"] };
    return send(server, "POST", "/Users/.search", body);
  };
  return { next, check: expecting(200, (body) => body.includes('"emails"')) };
}

function group(server) {
  const bytes = send(server, "GET", `/Groups/${GROUP_ID}?excludedAttributes=members`);
  return { next: () => bytes, check: expecting(200, (body) => body.includes('"displayName"')) };
}

function send(server, method, path, body) {
  const contentType = body && { "content-type": "application/scim+json" };
  return message(method, server.base + path, { headers: { ...server.headers, ...contentType }, body });
}

function named(n) {
  return `userName eq "${userName(n)}"`;
}

function patchOp(...Operations) {
  return { schemas: [`${MESSAGES}:PatchOp`], Operations };
}

/**
 * Users in an order that jumps, and how often all of them have been met. Each walk begins elsewhere, so
 * that among many users one does not find in a cache what another has left there.
 */
function walkUsers(users) {
  begun += 1;
  const first = (begun * WALKS_APART) % users;
  let steps = 0;
  return () => {
    const step = { n: 1 + ((first + steps * STRIDE) % users), round: Math.floor(steps / users) };
    steps += 1;
    return step;
  };
}

function expecting(statuses, holds = () => true) {
  const expected = [statuses].flat();
  return (status, body) => {
    if (!expected.includes(status)) return `not ${expected.join(" or ")}`;
    return holds(body) ? undefined : "another body than expected";
  };
}
