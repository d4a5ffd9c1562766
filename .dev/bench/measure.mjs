// Measures a pair: both servers are up, and by turns one is asked and the other rests, so that what
// else the machine does falls upon both.

import { setTimeout as sleep } from "node:timers/promises";
import { Problem } from "../run.mjs";
import { WrongAnswer, sendFor } from "./load.mjs";

/** What an engine needs to compile what is hot, and a cache to fill. */
const WARM_UP_SECONDS = 1;

const REST_MS = 20;

/** Measures one operation in rounds; `tell` is told the seconds that have been spent. */
export async function measure(operation, ours, theirs, { rounds, seconds, connections }, tell) {
  const turn = (server, length) => takeTurn(operation, server, length, connections);
  for (const server of [ours, theirs]) await turn(server, WARM_UP_SECONDS);
  const results = [];
  for (let round = 0; round < rounds; round += 1) {
    // Whoever begins in one round is second in the next.
    const order = round % 2 === 0 ? [ours, theirs] : [theirs, ours];
    const measured = new Map();
    for (const server of order) measured.set(server, await turn(server, seconds));
    results.push({ ours: measured.get(ours), theirs: measured.get(theirs) });
    tell(round + 1);
  }
  return results;
}

/** How many seconds a measurement takes. */
export function secondsOf({ rounds, seconds }) {
  return 2 * (WARM_UP_SECONDS + rounds * seconds);
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
