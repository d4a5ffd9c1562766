// The users and the group that every server is loaded with: the same ones for the same number, so
// that one and the same request means the same to all of them.

const CORE = "urn:ietf:params:scim:schemas:core:2.0";
const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GIVEN = ["Ada", "Bela", "Chloé", "Dmitri", "Esther", "Farid", "Grace", "Hana"];
const FAMILY = ["Andersson", "Baker", "Castillo", "Dubois", "Eze", "Fischer", "García", "Haddad", "Ito"];
const DEPARTMENTS = ["Engineering", "Finance", "Marketing", "Sales", "Support"];

/** Half of the users are members of the group, but at most so many. */
const MEMBERS_MAX = 100_000;

/** Where Muster lists a resource: its type's number above, its place below. */
const PLACES = 2 ** 40;

export const GROUP_ID = "10000000-0000-7000-8000-000000000001";

/** The id of the `n`th user, from 1. */
export function userId(n) {
  return `00000000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
}

/** Names are in another order than users are, as they are anywhere. */
export function userName(n) {
  return `${(Math.imul(n, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0")}.${n}@example.com`;
}

/** How many members the group has beside so many users. */
export function memberCount(users) {
  return Math.min(MEMBERS_MAX, users / 2);
}

/** A user as a client sends one: one e-mail address, the enterprise extension. */
export function user(n, name = userName(n)) {
  const [givenName, familyName] = [GIVEN[n % GIVEN.length], FAMILY[n % FAMILY.length]];
  return {
    schemas: [`${CORE}:User`, ENTERPRISE],
    externalId: `00u${n}`,
    userName: name,
    name: { formatted: `${givenName} ${familyName}`, familyName, givenName },
    displayName: `${givenName} ${familyName}`,
    title: "Engineer",
    active: true,
    emails: [{ value: name, type: "work", primary: true }],
    [ENTERPRISE]: { employeeNumber: String(n), department: DEPARTMENTS[n % DEPARTMENTS.length] },
  };
}

/** A user as a server has one. */
export function storedUser(n) {
  const { schemas, ...rest } = user(n);
  return { schemas, id: userId(n), ...rest, meta: meta("User") };
}

/** The group as a server has it, but for its members. */
export function storedGroup() {
  return { schemas: [`${CORE}:Group`], id: GROUP_ID, displayName: "Everybody", meta: meta("Group") };
}

/** The lines of an import into a tenant of Muster: users, the group, its members. */
export function* importLines(users) {
  for (let n = 1; n <= users; n += 1) yield resourceLine(1, n, storedUser(n));
  yield resourceLine(2, 1, storedGroup());
  for (let n = 1; n <= memberCount(users); n += 1) {
    yield { kind: "member", group: GROUP_ID, member: userId(n), origin: "admin", display: null };
  }
}

function resourceLine(type, place, document) {
  return { kind: "resource", position: type * PLACES + place, version: 1, origin: "admin", manager: null, document };
}

function meta(resourceType) {
  const time = "2026-11-01T09:00:00.000Z";
  return { resourceType, created: time, lastModified: time, version: 'W/"1"' };
}
