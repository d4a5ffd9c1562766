// Measures a pair: both servers are up, and by turns one is asked and the other rests, so that what
// else the machine does falls upon both.

import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../run.mjs";
import { WrongAnswer, sendFor } from "./load.mjs";

/** What an engine needs to compile what is hot; a slow server gets no more than so many seconds. */
const SERVER_WARM_UP = { requests: 4_000, seconds: 6 };

/** Before each operation, for itself and for the caches. */
const WARM_UP_SECONDS = 1;

/** For how long a single connection finds out how long a request takes. */
const PROBE_SECONDS = 0.5;

const REST_MS = 20;

/** Has a server that has just begun do what it is measured by first. */
export async function warmUp(operation, server, options) {
  const connections = await fittingConnections(operation, server, options);
  let [count, seconds] = [0, 0];
  while (count < SERVER_WARM_UP.requests && seconds < SERVER_WARM_UP.seconds) {
    const turn = await takeTurn(operation, server, WARM_UP_SECONDS, connections);
    [count, seconds] = [count + turn.count, seconds + turn.seconds];
  }
}

/** Measures one operation in rounds; `tell` is told how many of them are over. */
export async function measure(operation, ours, theirs, options, tell) {
  const connections = new Map();
  for (const server of [ours, theirs]) {
    connections.set(server, await fittingConnections(operation, server, options));
    await takeTurn(operation, server, WARM_UP_SECONDS, connections.get(server));
  }
  const results = [];
  for (let round = 0; round < options.rounds; round += 1) {
    // Whoever begins in one round is second in the next.
    const order = round % 2 === 0 ? [ours, theirs] : [theirs, ours];
    const measured = new Map();
    for (const server of order) {
      measured.set(server, await takeTurn(operation, server, options.seconds, connections.get(server)));
    }
    results.push({ ours: measured.get(ours), theirs: measured.get(theirs) });
    tell(round + 1);
  }
  return results;
}

/** How many seconds a measurement takes. */
export function secondsOf({ rounds, seconds }) {
  return 2 * (PROBE_SECONDS + WARM_UP_SECONDS + rounds * seconds);
}

async function takeTurn(operation, server, seconds, connections) {
  // A server's requests go on where they were: what they change, they change.
  server.requests ??= new Map();
  if (!server.requests.has(operation)) server.requests.set(operation, operation.of(server));
  await sleep(REST_MS);
  const before = server.processorSeconds();
  try {
    const counted = await sendFor(seconds, { port: server.port, connections, ...server.requests.get(operation) });
    return { ...counted, processor: before === undefined ? undefined : server.processorSeconds() - before };
  } catch (error) {
    if (!(error instanceof WrongAnswer)) throw error;
    throw new Problem(`${server.name} with ${server.users} users, ${operation.name}: ${error.message}`);
  }
}

/** Where a request takes long, a turn is not to last for as many of them as there are connections. */
async function fittingConnections(operation, server, { seconds, connections }) {
  const probe = await takeTurn(operation, server, PROBE_SECONDS, 1);
  return Math.min(connections, Math.max(1, Math.floor((seconds * probe.count) / probe.seconds)));
}
