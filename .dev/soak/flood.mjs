// A flood of requests to one tenant, each of which is much work: every one is answered, and what was not
// done was refused.

import { expect } from "../perform.mjs";
import { configurationWithoutBuild, serveWith, withWorkerLog } from "../serve.mjs";
import { freshVariables, makeKey, makeTenant, request, scimBase } from "../worker.mjs";

/** How many requests there are at once. */
const REQUESTS = { short: 200, long: 2_000 };

const USERS = 1_000;

/**
 * No answer takes longer. On one machine the edge and all objects share a thread, so that a request
 * waits twice, before the edge has it and in the object; and the machine may have other work.
 */
const SECONDS_MAX = 180;

/** Where every document is evaluated, since none of its values is ASCII, and compared often. */
const TITLE = "ü".repeat(400);
const FILTER = Array.from({ length: 40 }, (_, number) => `title co "a${number}"`).join(" or ");

export const flood = { name: "flood", run };

async function run({ tools }, scale) {
  const { worker } = await serveWith(tools, freshVariables(), configurationWithoutBuild());
  try {
    const { statuses, served } = await withWorkerLog(worker, () => flooded(worker, scale));
    const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
    return { passed: 1, failed: 0, note: `${answers.join(", ")}; another tenant ${served} times` };
  } finally {
    await worker.stop();
  }
}

/** How many answers had each status, and how many times another tenant was asked meanwhile. */
async function flooded(worker, scale) {
  const [base, token] = await tenant(worker, "flooded");
  const [otherBase, otherToken] = await tenant(worker, "bystander");
  await populate(base, token);

  const scan = () => request(`${base}/Users?filter=${encodeURIComponent(FILTER)}`, { token, seconds: SECONDS_MAX });
  const write = (number) => {
    const body = { userName: `flood-${number}` };
    return request(`${base}/Users`, { method: "POST", token, body, seconds: SECONDS_MAX });
  };
  const statuses = {};
  const each = async (number) => {
    const response = await (number % 2 === 0 ? scan() : write(number));
    const body = await response.json();
    statuses[response.status] = (statuses[response.status] ?? 0) + 1;
    expect(`the status of request ${number}`, [200, 201, 503].includes(response.status), true);
    if (response.status !== 503) return;
    expect("the seconds to wait", response.headers.get("retry-after"), "1");
    expect("the error", body.status, "503");
  };
  let flooding = true;
  const all = Promise.all(Array.from({ length: REQUESTS[scale] }, (_, number) => each(number)));
  const end = () => (flooding = false);
  all.then(end, end);
  let served = 0;
  while (flooding) {
    const response = await request(`${otherBase}/Users`, { token: otherToken, seconds: SECONDS_MAX });
    expect("another tenant meanwhile", response.status, 200);
    served += 1;
  }
  await all;
  expect("some were answered", statuses[200] > 0, true);
  const list = await (await request(`${base}/Users?count=1`, { token })).json();
  expect("what was done", list.totalResults, USERS + (statuses[201] ?? 0));
  return { statuses, served };
}

async function tenant(worker, id) {
  await makeTenant(worker, id);
  return [scimBase(worker, id), await makeKey(worker, id, { scopes: ["scim"] })];
}

async function populate(base, token) {
  const operation = (_, number) => {
    const data = { userName: `u${number}`, title: TITLE };
    return { method: "POST", path: "/Users", bulkId: `b${number}`, data };
  };
  const schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
  const body = { schemas, Operations: Array.from({ length: USERS }, operation) };
  const response = await request(`${base}/Bulk`, { method: "POST", token, body, seconds: SECONDS_MAX });
  expect("the users to search", response.status, 200);
}
