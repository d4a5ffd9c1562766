// A user's attributes as Entra ID maps them: one value at each path. And the resource that has them.

export const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
export const MANAGER = `${ENTERPRISE}:manager`;
export const WORK_EMAIL = 'emails[type eq "work"].value';
export const MOBILE_PHONE = 'phoneNumbers[type eq "mobile"].value';

/** All paths that are mapped, but for the manager's, who is a reference. */
export const PATHS = [
  "userName",
  "externalId",
  "active",
  "displayName",
  "title",
  "name.givenName",
  "name.familyName",
  WORK_EMAIL,
  MOBILE_PHONE,
  `${ENTERPRISE}:department`,
  `${ENTERPRISE}:employeeNumber`,
];

/** What the server adds to a resource of its own, or shows of others. */
const OF_THE_SERVER = ["schemas", "id", "meta", "groups", "members", "urn:muster:scim:1.0:User"];

/** The value at a path of a resource, `undefined` where there is none. */
export function read(resource, path) {
  const { list, type } = listed(path);
  if (list !== undefined) return resource[list]?.find((value) => value.type === type)?.value;
  return segments(path).reduce((within, name) => within?.[name], resource);
}

/** The resource that has these values and nothing else. */
export function resourceOf(attributes) {
  const resource = {};
  for (const [path, value] of Object.entries(attributes)) {
    const { list, type } = listed(path);
    if (value === undefined) continue;
    if (list === undefined) write(resource, path, value);
    else resource[list] = [{ value, type, ...(path === WORK_EMAIL && { primary: true }) }];
  }
  return resource;
}

/** Sets or, with `null`, removes what is at a path without brackets. */
export function write(resource, path, value) {
  writeBelow(resource, segments(path), value);
}

function writeBelow(holder, [name, ...names], value) {
  if (names.length > 0) writeBelow((holder[name] ??= {}), names, value);
  else holder[name] = value;
  const isEmpty = names.length > 0 && Object.keys(holder[name]).length === 0;
  if (isEmpty || holder[name] === null) delete holder[name];
}

/** A resource without what the server adds; of the manager the value alone. */
export function shown(resource) {
  const kept = Object.entries(resource).filter(([name]) => !OF_THE_SERVER.includes(name));
  const copy = structuredClone(Object.fromEntries(kept));
  const manager = read(copy, MANAGER);
  if (manager) write(copy, MANAGER, { value: manager.value });
  return copy;
}

/** The list that a path is about, and the type of the value that it means; neither for other paths. */
function listed(path) {
  const [, list, type] = /^(\w+)\[type eq "(\w+)"\]\.value$/.exec(path) ?? [];
  return { list, type };
}

/** The names on the way to a value. The dots of a URN are its own. */
function segments(path) {
  const colon = path.lastIndexOf(":");
  const names = path.slice(colon + 1).split(".");
  return colon === -1 ? names : [path.slice(0, colon), ...names];
}
