// `npm run bench`: how fast Muster is, as ratios to peers on the same machine in the same run. The
// results of a whole run go to `BENCHMARKS.md`; with options, parts of one are shown.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildWorker } from "./build.mjs";
import { sendFor } from "./bench/load.mjs";
import { measure, secondsOf, warmUp } from "./bench/measure.mjs";
import { OPERATIONS } from "./bench/operations.mjs";
import { pairs, readOptions } from "./bench/plan.mjs";
import { showProgress } from "./bench/progress.mjs";
import { foreword, report } from "./bench/report.mjs";
import { startServer } from "./bench/servers.mjs";
import { loadingSeconds, openStage } from "./bench/stage.mjs";
import { compare } from "./bench/statistics.mjs";
import { atExit, duration, isScript, main, root } from "./run.mjs";
import { setUp } from "./setup.mjs";
import { freePort } from "./worker.mjs";

const CLIENT_SECONDS = 2;

if (isScript(import.meta.url)) {
  await main(async () => {
    const options = readOptions(process.argv.slice(2));
    await buildWorker(await setUp());
    const folder = mkdtempSync(join(tmpdir(), "muster-bench-"));
    atExit(() => rmSync(folder, { recursive: true, force: true }));
    const began = Date.now();
    const { results, rows, headroom } = await run(options, folder);
    const took = duration((Date.now() - began) / 1_000);
    const text = `${foreword({ options, rows, headroom, took })}\n${report(results)}`;
    console.log(`\n${text}`);
    if (options.output) writeFileSync(resolve(root, options.output), text);
  });
}

/** Measures pair after pair. */
async function run(options, folder) {
  const plan = pairs(options);
  const operations = plan.reduce((sum, pair) => sum + pair.operations.length, 0);
  const total = operations * secondsOf(options) + loadingSeconds(options);
  console.error(`This takes about ${duration(total)}.`);
  const progress = showProgress(total);
  const loading = (what, share, seconds) => {
    progress.at(what, share * seconds);
    if (share >= 1) progress.did(seconds);
  };
  const stage = openStage(folder, loading);
  const client = await clientRate(options);
  const results = [];
  for (const [place, pair] of plan.entries()) {
    results.push(...(await measurePair(pair, options, stage, progress)));
    if (plan[place + 1]?.users !== pair.users) await stage.clear(pair.users);
  }
  progress.end();
  const fastest = Math.max(...results.map((result) => result.fastest));
  return { results, rows: stage.rows(), headroom: client / fastest };
}

async function measurePair({ users, peer, operations }, options, stage, progress) {
  const ours = await stage.muster(users);
  const theirs = await stage.peer(peer.name, users);
  for (const server of [ours, theirs]) await warmUp(operations[0], server, options);
  const results = [];
  for (const operation of operations) {
    const what = `${users} users, ${peer.title}, ${operation.name}`;
    progress.at(what, 0);
    const seconds = secondsOf(options);
    const rounds = await measure(operation, ours, theirs, options, (round) =>
      progress.at(`${what}, round ${round} of ${options.rounds}`, (seconds * round) / options.rounds),
    );
    progress.did(seconds);
    const fastest = Math.max(...rounds.flatMap((round) => Object.values(round)).map((turn) => turn.count / turn.seconds));
    results.push({ users, peer: peer.name, operation: operation.name, fastest, ...compare(peer.name, rounds) });
  }
  await Promise.all([ours.stop(), theirs.stop()]);
  return results;
}

/** How many requests a second the client makes of a server that does nothing. */
async function clientRate({ connections }) {
  const port = await freePort();
  const args = [join(root, ".dev", "bench", "constant.mjs"), String(port)];
  const server = await startServer({ name: "the constant server", port, program: process.execPath, args, cwd: root });
  const [get] = OPERATIONS;
  const requests = get.of({ users: 1_000, base: "", headers: {} });
  const { count, seconds } = await sendFor(CLIENT_SECONDS, { port, connections, ...requests });
  await server.stop();
  return count / seconds;
}
