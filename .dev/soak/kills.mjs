// The runtime is killed while clients write, again and again. After each restart every write that was
// answered must be there, one that was not must be there wholly or not at all, and the log must be
// without gaps and tell the same as the rows.
//
// A process that is killed leaves to the system what it has written; what a machine leaves that loses its
// power is not shown by this.

import { setTimeout as sleep } from "node:timers/promises";
import { StepFailed } from "../perform.mjs";
import { duration, showProgress } from "../run.mjs";
import { configurationWithoutBuild, serveWith, withWorkerLog } from "../serve.mjs";
import { freshVariables, makeKey, makeTenant, scimBase } from "../worker.mjs";
import { random } from "./random.mjs";
import { readLog, readRows } from "./readback.mjs";
import { makeWriter } from "./writer.mjs";

const KILLS = { short: 3, long: 50 };
const WRITERS = 8;
/** So many milliseconds after the clients began to write the runtime is killed. */
const SOONEST = 20;
const LATEST = 2_000;
const TENANT = "killed";

/** The part. */
export const kills = { name: "kills", run };

async function run({ tools, seed }, scale) {
  const chance = random(seed);
  const progress = showProgress("kills");
  const totals = { kills: 0, answered: 0, unanswered: 0, kept: 0, events: 0, longest: 0 };
  const served = await serveWith(tools, freshVariables(), configurationWithoutBuild());
  let { worker } = served;
  try {
    await makeTenant(worker, TENANT);
    const token = await makeKey(worker, TENANT, { scopes: ["scim", "events:read"] });
    const server = { base: scimBase(worker, TENANT), log: `${worker.url}/v1/tenants/${TENANT}/events`, token };
    const writers = Array.from({ length: WRITERS }, (_, number) => makeWriter(server, number, `${seed} ${number}`));
    await writers[0].found();
    while (totals.kills < KILLS[scale]) {
      await writeUntilKilled(worker, writers, SOONEST + chance.below(LATEST - SOONEST));
      totals.kills += 1;
      const began = Date.now();
      worker = await served.again();
      await withWorkerLog(worker, () => judge(server, writers, totals));
      totals.longest = Math.max(totals.longest, Date.now() - began);
      progress.note(told(totals));
    }
  } catch (error) {
    error.message = `With seed ${seed}, after ${totals.kills} kills: ${error.message}`;
    throw error;
  } finally {
    progress.end();
    await worker.stop();
  }
  return { passed: 1, failed: 0, note: told(totals) };
}

/** Has clients write until wrangler, the runtime and all that belongs to them are killed at once. */
async function writeUntilKilled(worker, writers, milliseconds) {
  const signal = { killed: false };
  const writing = Promise.all(writers.map((writer) => writer.writeUntil(signal)));
  await Promise.race([sleep(milliseconds), writing]);
  signal.killed = true;
  process.kill(-worker.pid, "SIGKILL");
  await worker.ended;
  await writing;
}

/** Compares what is there with what was answered, and the log with both. */
async function judge(server, writers, totals) {
  const rows = await readRows(server);
  for (const writer of writers) {
    const { answered, unanswered, kept } = writer.adopt(rows);
    totals.answered += answered;
    totals.unanswered += unanswered;
    totals.kept += kept;
  }
  const owners = writers.flatMap((writer) => writer.owned());
  const strangers = rows.names().filter((name) => !owners.includes(name));
  if (strangers.length > 0) throw new StepFailed(`Nobody wrote ${strangers.join(", ")}.`);
  const log = await readLog(server);
  log.agreesWith(rows);
  totals.events = log.length;
}

function told({ kills: times, answered, unanswered, kept, events, longest }) {
  const writes = `${answered} answered writes were there, ${kept} of ${unanswered} others too`;
  return `${times} kills: ${writes}; ${events} events without a gap; back within ${duration(longest / 1_000)}`;
}
