// PATCHes: this engine against scim-patch, which knows the operations and no schema.
//
// Where the two part, one of RULES says which sentence of the RFCs decides. A rule can be followed:
// scim-patch is then given what the sentence makes of an operation, or what it leaves is settled as
// the sentence has it. With all rules followed the two must agree on every case, and without any
// one of them they must not.

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { patchBodyValidation, scimPatch } from "scim-patch";

const OURS = "this engine does; scim-patch knows no schema";

/** What decides, and who follows it. */
const RULES = {
  "attribute-by-attribute": [
    'RFC 7644 §3.5.2.3: "Sub-attributes that are not specified SHALL be left unchanged"',
    "this engine does, without a path and below a schema's URN too; scim-patch assigns what it is given, and splits such a URN",
  ],
  "names-without-case": ['RFC 7643 §2.1: "Attribute names are case insensitive"', OURS],
  "schema-knows": [
    'RFC 7644 §3.12, invalidPath: "The "path" attribute was invalid or malformed"',
    "this engine does, or drops what no schema knows where the client is not held to the RFCs; scim-patch knows no schema",
  ],
  "read-only": ['RFC 7644 §3.5.2: "a client MUST NOT modify an attribute that has mutability "readOnly""', OURS],
  "required": [
    'RFC 7644 §3.5.2.2: "defined as a required attribute ... a "scimType" error code of "mutability""',
    OURS,
  ],
  "lists": [
    'RFC 7643 §2.4: "Multi-valued attributes contain a list of elements using the JSON array format"',
    "this engine does, and takes one value for a list of one where the client is not held to the RFCs; scim-patch knows no schema",
  ],
  "replaced-whole": [
    'RFC 7644 §3.5.2.3: "all matching record values SHALL be replaced"',
    "this engine does, keeping what the filter says of the value; scim-patch merges",
  ],
  "ne-of-nothing": [
    'RFC 7644 Table 3, ne: "The attribute and operator values are not identical"',
    "this engine does: what is absent is not identical; scim-patch matches nothing",
  ],
  "case-exact": ['RFC 7643 §2.2, "caseExact": "false"', OURS],
  "remove-nothing": [
    'RFC 7644 §3.5.2.2 names "noTarget" for a missing path alone',
    "either may: to this engine what is not there is removed already; scim-patch wants the attribute to be there",
  ],
  "no-target": [
    'RFC 7644 §3.5.2.3: "no record match was made ... a "scimType" error code of "noTarget""',
    "this engine does, and else adds what the filter describes (§3.5.2.1); scim-patch in some cases",
  ],
  "empty-text": [
    'RFC 7643 §2.5: "Unassigned attributes, the null value, or an empty array"',
    "either may: to this engine an empty text is unassigned, too",
  ],
  "one-primary": [
    'RFC 7644 §3.5.2: "SHALL cause the server to automatically set "primary" to "false" for any other values"',
    OURS,
  ],
  "nothing-left": [
    'RFC 7644 §3.5.2.2: "no remaining records, the attribute SHALL be considered unassigned"',
    "either may: to this engine a value of nothing but `type` and `primary` is no record",
  ],
  "same-value": [
    'RFC 7643 §2.4: "SHOULD NOT return the same (type, value) combination more than once"',
    "this engine does; scim-patch where all else is equal",
  ],
  "reference": [
    'RFC 7643 §2.4, $ref: "The reference URI of a target resource"',
    "either may: in this engine it does not outlive the `value`",
  ],
};

const PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const SEVERAL = ["emails", "addresses", "photos", "roles"];
const READ_ONLY = ["id", "meta", "groups"];
const SELECTED = /^(\w+)\[(.*)\](?:\.(\w+))?$/;

main(process.argv[2]);

function main(file) {
  const needed = Object.fromEntries(Object.keys(RULES).map((rule) => [rule, 0]));
  const faults = [];
  let [cases, differing] = [0, 0];
  for (const line of readFileSync(file, "utf8").trim().split("\n")) {
    const given = JSON.parse(line);
    const ours = given.ours.after ? { after: lean(given.ours.after) } : given.ours;
    const agrees = (rules) => isDeepStrictEqual(following(new Set(rules), given), ours);
    const rules = Object.keys(RULES);
    cases += 1;
    if (!isDeepStrictEqual(following(new Set(), given), plain(given))) {
      faults.push(`followed by no rule, scim-patch is not itself: ${line}`);
    }
    if (!agrees(rules)) {
      const theirs = following(new Set(rules), given);
      faults.push(`${line}\n    there ${JSON.stringify(theirs)}`);
    }
    if (agrees([])) continue;
    differing += 1;
    for (const rule of rules) needed[rule] += agrees(rules.filter((other) => other !== rule)) ? 0 : 1;
  }
  for (const [rule, [says, who]] of Object.entries(RULES)) {
    console.log(`${String(needed[rule]).padStart(5)} ${rule}\n      ${says}\n      ${who}`);
    if (needed[rule] === 0) faults.push(`no case needs the rule ${rule}`);
  }
  for (const fault of faults.slice(0, 20)) console.log(fault);
  const counts = [`${cases} cases`, `${differing} differ`, `${Object.keys(RULES).length} rules`];
  console.log(`patches: ${counts.join(", ")}, ${faults.length} faults`);
  process.exitCode = faults.length > 0 || cases === 0 ? 1 : 0;
}

/** What scim-patch makes of a case by itself. */
function plain({ before, operations, strict }) {
  return outcome(() => {
    const body = structuredClone({ schemas: [PATCH_OP], Operations: operations });
    patchBodyValidation(body);
    return scimPatch(structuredClone(before), body.Operations, options(strict));
  });
}

function outcome(patch) {
  try {
    return { after: lean(patch()) ?? {} };
  } catch (error) {
    return error.scimCode === undefined ? { crash: String(error) } : { error: error.scimCode };
  }
}

function options(strict) {
  return { mutateDocument: true, treatMissingAsAdd: !strict };
}

/** What it makes of it where it follows rules. */
function following(rules, { before, operations, strict }) {
  return outcome(() => {
    let resource = structuredClone(before);
    patchBodyValidation({ schemas: [PATCH_OP], Operations: operations });
    for (const part of structuredClone(operations).flatMap((operation) => parts(rules, operation))) {
      const rewritten = rewrite(rules, resource, part, strict);
      if (!rewritten) continue;
      const kept = structuredClone(resource);
      resource = scimPatch(resource, [rewritten], options(strict));
      settle(rules, kept, resource, part);
    }
    return resource;
  });
}

function refuse(scimCode) {
  throw Object.assign(new Error(scimCode), { scimCode });
}

function parts(rules, { op, path, value }) {
  if (!rules.has("attribute-by-attribute")) return [{ op, path, value }];
  const each = (fields, prefix) =>
    Object.entries(fields).flatMap(([name, part]) => parts(rules, { op, path: prefix + name, value: part }));
  if (path === undefined) return each(value, "");
  if (path !== ENTERPRISE) return [{ op, path, value }];
  return each(isRemove(op) ? { department: null, employeeNumber: null, manager: null } : value, `${ENTERPRISE}:`);
}

function isRemove(op) {
  return op.toLowerCase() === "remove";
}

function rewrite(rules, resource, { op, path, value }, strict) {
  if (path === "TITLE" && rules.has("names-without-case")) path = "title";
  if (path === "nonsense" && rules.has("schema-knows")) return strict ? refuse("invalidPath") : undefined;
  if (READ_ONLY.includes(path?.split(".")[0]) && rules.has("read-only")) refuse("mutability");
  if (SEVERAL.includes(path) && !isRemove(op) && !Array.isArray(value) && rules.has("lists")) {
    if (strict) refuse("invalidValue");
    value = [value];
  }
  const [, attribute, filter, part] = SELECTED.exec(path) ?? [];
  if (!attribute) return { op, path, value };
  const within = exact(rules, filter);
  const values = resource[attribute] ?? [];
  if (!Array.isArray(values)) return { op, path, value };
  const found = selected(values, within);
  if (found.length === 0) return onNothing(rules, resource, { op, path, value }, { attribute, filter, part }, strict);
  if (op.toLowerCase() === "replace" && !part && rules.has("replaced-whole")) {
    const fresh = { ...described(filter), ...value };
    const replaced = values.map((each) => (found.includes(each) ? structuredClone(fresh) : each));
    return { op, path: attribute, value: replaced };
  }
  return { op, path: `${attribute}[${within}]${part ? `.${part}` : ""}`, value };
}

/** A filter by the letter of the schema, for an evaluator that compares characters. */
function exact(rules, filter) {
  if (rules.has("ne-of-nothing")) filter = filter.replace(/(\w+) ne ("\w+")/g, "not ($1 eq $2)");
  if (rules.has("case-exact")) filter = filter.replace(/type eq "work"/gi, '(type eq "work" or type eq "Work")');
  return filter;
}

function onNothing(rules, resource, { op, path, value }, { attribute, filter, part }, strict) {
  if (isRemove(op)) return rules.has("remove-nothing") ? undefined : { op, path, value };
  if (!rules.has("no-target")) return { op, path, value };
  if (strict && op.toLowerCase() === "replace") refuse("noTarget");
  if (value === "" || lean(value) === undefined) return undefined;
  const equalities = described(filter);
  if (!equalities) refuse("noTarget");
  // What a path creates is what it describes.
  const same = (one, other) => JSON.stringify(one).toLowerCase() === JSON.stringify(other).toLowerCase();
  if (part in equalities && !same(equalities[part], value)) refuse("noTarget");
  return { op: "add", path: attribute, value: [{ ...equalities, ...(part ? { [part]: value } : value) }] };
}

function described(filter) {
  const terms = filter.split(" and ").map((term) => /^(\w+) eq (.*)$/.exec(term));
  if (terms.includes(null) || /\bor\b/.test(filter)) return undefined;
  return Object.fromEntries(terms.map(([, name, literal]) => [name, JSON.parse(literal)]));
}

function selected(values, filter) {
  const left = scimPatch({ values: [...values] }, [{ op: "remove", path: `values[${filter}]` }]).values ?? [];
  return values.filter((value) => !left.includes(value));
}

/** Brings what an operation left into the form that the schema gives it. */
function settle(rules, before, after, { op, path, value: given }) {
  if (rules.has("empty-text")) dropEmptyTexts(after);
  for (const attribute of SEVERAL) {
    if (!Array.isArray(after[attribute])) continue;
    const isReplaced = path === attribute && op.toLowerCase() === "replace";
    after[attribute] = settledValues(rules, attribute, isReplaced ? [] : (before[attribute] ?? []), after[attribute]);
  }
  const manager = after[ENTERPRISE]?.manager;
  const managerChanged = manager?.value !== before[ENTERPRISE]?.manager?.value;
  if (rules.has("reference") && managerChanged && !Object.hasOwn(given ?? {}, "$ref")) delete manager?.$ref;
  if (rules.has("required") && !after.userName) refuse(isRemove(op) ? "mutability" : "invalidValue");
}

function dropEmptyTexts(value) {
  if (value === null || typeof value !== "object") return;
  for (const [name, part] of Object.entries(value)) {
    if (part === "") delete value[name];
    else dropEmptyTexts(part);
  }
}

function settledValues(rules, attribute, before, values) {
  const isMade = (value, index) => value.primary === true && !isDeepStrictEqual(value, before[index]);
  let made = values.find(isMade);
  if (rules.has("nothing-left")) {
    values = values.filter((value) => Object.keys(value).some((name) => name !== "type" && name !== "primary"));
  }
  if (rules.has("same-value")) {
    const places = new Map();
    const kept = values.includes(made) && identity(attribute, made);
    for (const value of values) {
      const name = identity(attribute, value);
      places.set(name, { ...places.get(name), ...value });
    }
    made = places.get(kept);
    values = [...places.values()];
  }
  if (rules.has("one-primary")) {
    const kept = values.includes(made) ? made : values.find((value) => value.primary === true);
    for (const value of values) if (value !== kept && value.primary) value.primary = false;
  }
  return values;
}

/** What tells a value from others: without regard to case, but for the URIs of photos. */
function identity(attribute, { primary, ...value }) {
  const folded = (text = "") => text.replaceAll("ß", "ss").toLowerCase();
  if (value.value === undefined) return JSON.stringify(Object.entries(value).sort());
  const exact = attribute === "photos" ? value.value : folded(value.value);
  return JSON.stringify([exact, folded(value.type)]);
}

/** A resource without what is unassigned (RFC 7643 §2.5), and without `schemas`, which follow from it. */
function lean(value) {
  if (value === null || typeof value !== "object") return value ?? undefined;
  if (Array.isArray(value)) {
    const values = value.map(lean).filter((each) => each !== undefined);
    return values.length > 0 ? values : undefined;
  }
  const parts = Object.entries(value).map(([name, part]) => [name, lean(part)]);
  const assigned = parts.filter(([name, part]) => part !== undefined && name !== "schemas");
  return assigned.length > 0 ? Object.fromEntries(assigned) : undefined;
}
