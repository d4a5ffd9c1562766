// What third parties test: two testers of SCIM, and one of what the API says of itself. Each is given
// tenants of its own at the Worker under test, and its account is counted.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { StepFailed, counted, countedFailure, runTester } from "./perform.mjs";
import { root } from "./run.mjs";
import { temporaryFolder, withWorkerLog } from "./serve.mjs";
import { makeConnection, makeKey, makeTenant, putPolicies, request, scimBase } from "./worker.mjs";

/** Where scim2-tester's account of a check begins: one of its verdicts. */
const CHECK = /^(?=(?:SUCCESS|COMPLIANT|ACCEPTABLE|DEVIATION|ERROR|CRITICAL|SKIPPED) )/m;

/**
 * What scim2-tester has against every resource with an extension that is readOnly as a whole: it
 * writes to all extensions, and these answer 400 `mutability`, as RFC 7644 §3.5.2 has it.
 */
const READ_ONLY_EXTENSION =
  /^ERROR check_(add|remove|replace)_attribute\s+Failed to \1 attribute 'urn:muster:scim:1\.0:User': .* is readOnly\s*$/;

/**
 * The same of one whose only attribute a connection cannot write: the tester makes it no value, writes
 * the extension without one, and misses it in the answer, where an empty object has no place.
 */
const EMPTY_EXTENSION =
  /^ERROR check_(add|replace)_attribute\s+PATCH modify\(\) returned unexpected value for 'urn:muster:scim:1\.0:Group'\.\s+Patched value: schemas=\['urn:muster:scim:1\.0:Group'\] kind=None\s+Returned value: None\s*$/;

/** A tenant with all that it can have: every type there is, and a schema of its own. */
const EVERYTHING = {
  features: { roles: true, agents: true },
  schemas: [
    {
      id: "urn:tester:scim:1.0:Staff",
      name: "Staff",
      resourceTypes: ["User", "Group"],
      attributes: [
        { name: "badge", type: "string", uniqueness: "server" },
        { name: "floor", type: "integer", searchable: true },
        { name: "house", type: "complex", subAttributes: [{ name: "city", type: "string" }] },
      ],
    },
  ],
};

/**
 * Every check must be a SUCCESS, but the three that write to what is readOnly: the tester itself counts
 * a skipped one as a failure. As a connection, since the tester takes no part of a member that it has
 * not written, and a key without a connection is shown each one's `origin`. Of a tenant
 * that has decided nothing for itself, and of one with a schema of its own; the types behind features
 * say so in ServiceProviderConfig, where the tester takes nothing that RFC 7643 does not name.
 */
export function scim2Tester({ worker, python }, name) {
  return withWorkerLog(worker, async () => {
    const plain = await scim2TesterRun(worker, python, name, {});
    const { schemas } = EVERYTHING;
    const extended = await scim2TesterRun(worker, python, `${name}-extended`, { schemas });
    return counted({ passed: plain.passed + extended.passed, failed: 0 });
  });
}

async function scim2TesterRun(worker, python, name, policies) {
  const base = await freshTenant(worker, name);
  await putPolicies(worker, name, policies);
  await makeConnection(worker, name, { id: "tester", preset: "generic" });
  const key = await makeKey(worker, name, { scopes: ["scim"], connection: "tester" });
  const env = { SCIM_CLI_HEADERS: `Authorization: Bearer ${key}` };
  const { output } = await runTester(name, join(python, "scim2"), ["--url", base, "test"], env);
  const checks = output.split(CHECK).filter((text) => CHECK.test(text));
  const [good, refused, empty] = [/^SUCCESS /, READ_ONLY_EXTENSION, EMPTY_EXTENSION].map((told) =>
    checks.filter((text) => told.test(text)),
  );
  const bad = checks.filter((text) => ![good, refused, empty].some((known) => known.includes(text)));
  const counts = { passed: good.length, failed: bad.length };
  if (good.length > 0 && bad.length === 0 && refused.length === 3 && empty.length === 2) return counts;
  throw new StepFailed(bad.join("") || output, countedFailure(counts));
}

/**
 * The probe's strict mode, of a tenant with every type: a failure, an error or a skipped check fails
 * the step, a warning is shown. It adds a member that does not exist and wants 200 for it, hence a
 * preset that keeps such members.
 */
export function scimSanity({ worker, python }, name) {
  return withWorkerLog(worker, async () => {
    const base = await freshTenant(worker, name);
    await putPolicies(worker, name, EVERYTHING);
    const connection = { id: "probe", preset: "onelogin" };
    await makeConnection(worker, name, connection);
    const key = await makeKey(worker, name, { scopes: ["scim"], connection: connection.id });
    const args = ["probe", base, "--token", key, "--strict", "--i-accept-side-effects", "--json-output"];
    const { output, content } = await runTester(name, join(python, "scim-sanity"), args);
    const { summary, results } = parseReport(output);
    const remarks = results
      .filter(({ status }) => status !== "pass")
      .map((result) => `${result.status}: ${result.name}\n  ${result.message}\n`)
      .join("");
    const counts = { passed: summary.passed, failed: summary.failed + summary.errors + summary.skipped };
    if (!content || counts.failed > 0) throw new StepFailed(remarks || output, countedFailure(counts));
    if (remarks) console.log(remarks);
    return counted(counts);
  });
}

function parseReport(output) {
  try {
    return JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1));
  } catch {
    throw new StepFailed(output);
  }
}

/**
 * The description of the API: that it is valid, and that the Worker does what it says, to a key of a
 * tenant that has everything and to the administrator, who has a tenant to spoil.
 */
export function schemathesis({ worker, python }, name) {
  return withWorkerLog(worker, async () => {
    const base = await freshTenant(worker, name);
    await putPolicies(worker, name, EVERYTHING);
    await makeTenant(worker, `${name}-admin`);
    const key = await makeKey(worker, name, { scopes: ["scim"] });
    const document = join(temporaryFolder(), "openapi.json");
    const described = await request(`${worker.url}/v1/openapi.json`, { token: key });
    writeFileSync(document, await described.text());
    const valid = await runTester(name, join(python, "python"), [join(root, "tests", "openapi.py"), document]);
    if (!valid.content) throw new StepFailed(valid.output);
    const env = {
      MUSTER_TENANT: name,
      MUSTER_BEARER: key,
      MUSTER_USER: await makeResource(`${base}/Users`, key, { userName: "ada" }),
      MUSTER_GROUP: await makeResource(`${base}/Groups`, key, { displayName: "Engineers" }),
    };
    const admin = { ...env, MUSTER_TENANT: `${name}-admin`, MUSTER_BEARER: worker.adminToken };
    const [scim, others] = await Promise.all([
      schemathesisRun(worker, python, `${name}, SCIM`, { document, paths: "^/t/", env }),
      schemathesisRun(worker, python, `${name}, /v1`, { document, paths: "^/(?!t/)", env: admin }),
    ]);
    return counted({ passed: scim.passed + others.passed, failed: 0 });
  });
}

/** Makes a resource with a key and returns its id. */
async function makeResource(url, token, body) {
  const response = await request(url, { method: "POST", token, body });
  return (await response.json()).id;
}

/** Every case must pass; what the tester only warns of is not shown. */
async function schemathesisRun(worker, python, name, { document, paths, env }) {
  const config = join(root, "tests", "schemathesis.toml");
  const args = ["--config-file", config, "run", document, "--url", worker.url, "--include-path-regex", paths, "--no-color"];
  const { output, content } = await runTester(name, join(python, "schemathesis"), args, env);
  const count = (pattern) => Number(pattern.exec(output)?.[1] ?? 0);
  const counts = { passed: count(/\d+ generated, (\d+) passed/), failed: count(/found (\d+) unique failure/) };
  if (content && counts.passed > 0) return counts;
  throw new StepFailed(output, countedFailure(counts));
}

/** Makes a tenant and returns the address of its SCIM API. */
async function freshTenant(worker, id) {
  await makeTenant(worker, id);
  return scimBase(worker, id);
}
