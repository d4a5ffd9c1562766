// What Entra ID sends, in each of its two dialects: the older one with capitals, truth as text and an
// operation for each attribute, and that of `aadOptscim062020`, which follows the RFC more closely.
// Provisioning on demand ignores the flag, so a tenant may see both on one day.

import { ENTERPRISE, MANAGER, PATHS, resourceOf } from "./attributes.mjs";

const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";
const LEGACY_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
const PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/** The body of a POST of a user. */
export function newUser(attributes) {
  return { schemas: [USER, ENTERPRISE], ...resourceOf(attributes), meta: { resourceType: "User" }, roles: [] };
}

/** The body of a POST of a group. */
export function newGroup(attributes) {
  return { schemas: [GROUP, LEGACY_GROUP], ...attributes, meta: { resourceType: "Group" } };
}

/** The body of a PATCH. */
export function patchOf(operations) {
  return { schemas: [PATCH_OP], Operations: operations };
}

/**
 * A dialect: what it adds to a query, and the operations that make changes of a user (paths with their
 * values, `undefined` for one that goes), that set or clear a manager, that change a group's name, and
 * that bring and remove members by their ids.
 */
const OLDER = {
  flag: "",
  change: (changes) => entries(changes).map(([path, value]) => olderChange(path, value)),
  setManager: (id, url) => [{ op: "Add", path: "manager", value: [{ $ref: `${url}/Users/${id}`, value: id }] }],
  clearManager: () => [{ op: "Replace", path: MANAGER, value: "" }],
  rename: (displayName) => [{ op: "Replace", path: "displayName", value: displayName }],
  bring: (ids) => [{ op: "Add", path: "members", value: ids.map((id) => ({ $ref: null, value: id })) }],
  remove: (ids) => [{ op: "Remove", path: "members", value: ids.map((id) => ({ $ref: null, value: id })) }],
};

const NEWER = {
  flag: "aadOptscim062020",
  change: newerChange,
  setManager: (id) => [{ op: "replace", path: MANAGER, value: id }],
  clearManager: () => [{ op: "remove", path: MANAGER }],
  rename: (displayName) => [{ op: "replace", value: { displayName } }],
  bring: (ids) => [{ op: "add", path: "members", value: ids.map((id) => ({ value: id })) }],
  remove: (ids) => ids.map((id) => ({ op: "remove", path: `members[value eq "${id}"]` })),
};

export const DIALECTS = [OLDER, NEWER];

function olderChange(path, value) {
  if (value === undefined) return { op: "Remove", path };
  return { op: "Replace", path, value: typeof value === "boolean" ? (value ? "True" : "False") : value };
}

/** One operation for all that needs no path, one for each of the others. */
function newerChange(changes) {
  const needsPath = ([path, value]) => value === undefined || path.includes("[") || path === "active";
  const [apart, together] = [true, false].map((wanted) => entries(changes).filter((one) => needsPath(one) === wanted));
  const single = ([path, value]) => (value === undefined ? { op: "remove", path } : { op: "replace", path, value });
  const joined = together.length > 0 ? [{ op: "replace", value: Object.fromEntries(together) }] : [];
  return [...apart.map(single), ...joined];
}

function entries(changes) {
  return PATHS.filter((path) => path in changes).map((path) => [path, changes[path]]);
}
