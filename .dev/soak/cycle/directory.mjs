// A company's directory, which nobody but these scripts knows: people, groups, and what a day changes.
// It is the model with which the tenant is compared in the end. An `id` is the server's, once known.

import { ENTERPRISE, MOBILE_PHONE, WORK_EMAIL } from "./attributes.mjs";

const GIVEN_NAMES = ["Ada", "Bo", "Chloé", "Đorđe", "Emre", "Gíta", "Ἡρώ", "J’Nai", "Кира", "李"];
const FAMILY_NAMES = ["Ashby", "Bęben", "Çelik", "d'Amico", "Fußmann", "Grün-Weiß", "İnan", "Ōe"];
const TITLES = ["Analyst", "Cook", "Engineer \"R&D\"", "Lead", "Poet", undefined];
const DEPARTMENTS = ["Engines", "Kitchen", "Loom & Thread", "Sales, North", undefined];
const GROUP_SIZE_MAX = 300;

/** A new directory of so many. The last group has everybody. */
export function newDirectory(chance, { users, groups }) {
  const directory = { people: [], groups: [] };
  for (let number = 0; number < users; number += 1) hire(directory, chance);
  for (let number = 1; number < groups; number += 1) found(directory, chance);
  directory.groups.push({ ...groupOf(directory.groups.length), members: new Set(directory.people) });
  return directory;
}

/** The people who are still there. */
export function present({ people }) {
  return people.filter(({ gone }) => !gone);
}

/** The groups that are still there. */
export function standing({ groups }) {
  return groups.filter(({ gone }) => !gone);
}

/** What happens to people until the next cycle; returns those to whom something did. */
export function changePeople(directory, chance) {
  const before = directory.people.length;
  const changed = present(directory).filter((person) => befall(person, directory, chance));
  for (let count = Math.ceil(before / 20); count > 0; count -= 1) hire(directory, chance);
  return [...changed, ...directory.people.slice(before)];
}

/** What happens to groups: names, ends and beginnings; returns the groups to which something did. */
export function changeGroups(directory, chance) {
  const before = directory.groups.length;
  const changed = standing(directory).filter((group) => {
    group.gone = chance.once(20);
    const renamed = !group.gone && chance.once(10);
    if (renamed) group.attributes = { ...group.attributes, displayName: `${group.attributes.displayName}, new` };
    return group.gone || renamed;
  });
  for (let count = Math.ceil(before / 20); count > 0; count -= 1) found(directory, chance);
  return [...changed, ...directory.groups.slice(before)];
}

/** One in `times` of a group's members leave; returns who. */
export function leave(group, chance, times) {
  const leaving = [...group.members].filter(() => chance.once(times));
  leaving.forEach((person) => group.members.delete(person));
  return leaving;
}

/** Up to `count` come who were not in a group; returns who. */
export function join(group, people, chance, count) {
  const coming = chance.sample(people, count).filter((person) => !group.members.has(person));
  coming.forEach((person) => group.members.add(person));
  return coming;
}

function hire({ people }, chance) {
  const number = people.length;
  const [given, family] = [chance.pick(GIVEN_NAMES), chance.pick(FAMILY_NAMES)];
  const attributes = {
    userName: `Person.${number}@example.com`,
    externalId: `0000-${number}-of-the-directory`,
    active: true,
    displayName: `${given} ${family}`,
    title: chance.pick(TITLES),
    "name.givenName": given,
    "name.familyName": family,
    [WORK_EMAIL]: `person.${number}@mail.example.com`,
    [MOBILE_PHONE]: chance.once(2) ? `+1 555 ${number}` : undefined,
    [`${ENTERPRISE}:department`]: chance.pick(DEPARTMENTS),
    [`${ENTERPRISE}:employeeNumber`]: `E-${number}`,
  };
  const manager = chance.once(3) ? people[chance.below(number)] : undefined;
  people.push({ attributes, manager, gone: false });
}

function found({ people, groups }, chance) {
  const members = new Set(chance.sample(people, 1 + chance.below(Math.min(people.length, GROUP_SIZE_MAX))));
  groups.push({ ...groupOf(groups.length), members });
}

function groupOf(number) {
  const attributes = { displayName: `Group "${number}" & friends`, externalId: `0000-${number}-of-the-groups` };
  return { attributes, gone: false };
}

/** Whether anything happened to a person. */
function befall(person, directory, chance) {
  const before = { ...person };
  const set = (changes) => (person.attributes = { ...person.attributes, ...changes });
  if (chance.once(30)) person.gone = true;
  if (chance.once(5)) set({ title: chance.pick(TITLES), [`${ENTERPRISE}:department`]: chance.pick(DEPARTMENTS) });
  if (chance.once(20)) set({ "name.familyName": chance.pick(FAMILY_NAMES), displayName: `Dr. ${chance.below(1_000)}` });
  if (chance.once(20)) set({ [WORK_EMAIL]: `new.${person.attributes[WORK_EMAIL]}` });
  if (chance.once(20)) set({ [MOBILE_PHONE]: chance.once(2) ? undefined : `+44 ${chance.below(1_000)}` });
  if (chance.once(50)) set({ userName: `Renamed.${person.attributes.userName}` });
  if (chance.once(15)) set({ active: !person.attributes.active });
  if (chance.once(20)) person.manager = chance.once(2) ? undefined : chance.pick(directory.people);
  return ["gone", "attributes", "manager"].some((name) => person[name] !== before[name]);
}
