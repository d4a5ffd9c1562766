// SCIMMY on Express with users in memory, as somebody would write it who knows both: found by id and
// by userName without a search. Arguments: where its packages are, the port, how many users there
// are, and who cuts a page out of them, `handler` or `library`.

import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { GROUP_ID, memberCount, storedGroup, storedUser, userId } from "../users.mjs";

const [packages, port, count, pagedBy] = process.argv.slice(2);
const require = createRequire(join(packages, "package.json"));
const express = require("express");
const SCIMMY = require("scimmy");
const SCIMMYRouters = require("scimmy-routers").default;
const NotFound = () => new SCIMMY.Types.Error(404, null, "no such resource");

const users = new Map();
const names = new Map();
const groups = new Map();

for (let n = 1; n <= Number(count); n += 1) keepUser(storedUser(n));
const members = Array.from({ length: memberCount(Number(count)) }, (_, i) => ({ value: userId(i + 1) }));
groups.set(GROUP_ID, { ...storedGroup(), members });

SCIMMY.Resources.declare(SCIMMY.Resources.User)
  .ingress((resource, instance) => {
    const there = resource.id && (users.get(resource.id) ?? fail(NotFound()));
    const owner = names.get(instance.userName.toLowerCase());
    if (owner && owner.id !== resource.id) fail(new SCIMMY.Types.Error(409, "uniqueness", "userName is taken"));
    return keepUser(stored(instance, there));
  })
  .egress((resource) => {
    if (resource.id) return users.get(resource.id) ?? fail(NotFound());
    return resource.filter ? matching(resource.filter) : page(resource);
  })
  .degress(({ id }) => {
    names.delete((users.get(id) ?? fail(NotFound())).userName.toLowerCase());
    users.delete(id);
  });
SCIMMY.Schemas.User.extend(SCIMMY.Schemas.EnterpriseUser);

SCIMMY.Resources.declare(SCIMMY.Resources.Group)
  .ingress((resource, instance) => {
    const there = resource.id && (groups.get(resource.id) ?? fail(NotFound()));
    const group = stored(instance, there);
    groups.set(group.id, group);
    return group;
  })
  .egress((resource) => {
    if (resource.id) return groups.get(resource.id) ?? fail(NotFound());
    return resource.filter ? resource.filter.match([...groups.values()]) : [...groups.values()];
  })
  .degress((resource) => void groups.delete(resource.id));

const app = express();
app.disable("x-powered-by").disable("etag");
const handler = (request) => request.header("authorization") === "Bearer bench" || fail(new Error("no bearer"));
app.use("/scim", new SCIMMYRouters({ type: "bearer", handler }));
app.listen(Number(port), "127.0.0.1");

function keepUser(user) {
  const before = users.get(user.id);
  if (before && before.userName !== user.userName) names.delete(before.userName.toLowerCase());
  users.set(user.id, user);
  names.set(user.userName.toLowerCase(), user);
  return user;
}

function stored(instance, there) {
  const now = new Date().toISOString();
  const id = there?.id ?? randomUUID();
  return { ...JSON.parse(JSON.stringify(instance)), id, meta: { created: there?.meta.created ?? now, lastModified: now } };
}

/** `userName eq "…"` is looked up, everything else searched. */
function matching(filter) {
  const [expression] = filter;
  const asked = filter.length === 1 && Object.keys(expression).length === 1 && expression.userName;
  if (asked?.[0] !== "eq") return filter.match([...users.values()]);
  const found = names.get(String(asked[1]).toLowerCase());
  return found ? [found] : [];
}

/** SCIMMY cuts a page out of what it is given, or takes it as the page where it is told the total. */
function page(resource) {
  const { startIndex = 1, count: size = 20, sortBy } = resource.constraints ?? {};
  if (pagedBy !== "handler" || sortBy) return [...users.values()];
  resource.constraints.totalResults = users.size;
  const found = [];
  let place = 0;
  for (const user of users.values()) {
    place += 1;
    if (place >= startIndex) found.push(user);
    if (found.length === size) break;
  }
  return found;
}

function fail(error) {
  throw error;
}
