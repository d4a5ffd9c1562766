// How long the Worker takes to start: in the runtime it is deployed to, seen from outside. Of two
// Workers of the same size, one of which does nothing, what the runtime needs from its own start until
// the first answer; their difference is what compiling and instantiating the WebAssembly takes, running
// the script and answering once. It is counted in processor time of all threads, which a busy machine
// does not stretch, and in plain time where the system does not tell.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./serve.mjs";
import { processorSeconds } from "./soak/processes.mjs";
import { startRuntime } from "./soak/runtime.mjs";
import { freshVariables } from "./worker.mjs";

const ROUNDS = 7;

/** Carries the WebAssembly as bytes and answers everything. */
const IDLE = { script: "idle.js", kind: "data" };
const IDLE_SCRIPT = `export class TenantObject {}
export default { fetch: () => new Response("{}") };
`;

/** The seconds that the built Worker takes to start: of each the least of several, since noise only adds. */
export async function startUpSeconds() {
  const [idle, built] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    idle.push(await secondsToAnswer(IDLE));
    built.push(await secondsToAnswer());
  }
  return Math.min(...built) - Math.min(...idle);
}

async function secondsToAnswer(served) {
  const folder = temporaryFolder();
  writeFileSync(join(folder, IDLE.script), IDLE_SCRIPT);
  const began = Date.now();
  const worker = await startRuntime({ folder, variables: freshVariables(), served });
  const elapsed = (Date.now() - began) / 1_000;
  const seconds = processorSeconds(worker.pid) ?? elapsed;
  await worker.stop();
  return seconds;
}
