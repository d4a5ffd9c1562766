// The bench: at length all of it, with its tables; in short what it computes, and that one pair of
// servers can be started, loaded and asked for everything, each answer looked at.

import { join } from "node:path";
import { StepFailed, counted, countedFailure, runTester } from "../perform.mjs";
import { root, run as runProgram } from "../run.mjs";
import { temporaryFolder } from "../serve.mjs";

const SCRIPT = join(root, ".dev", "bench.mjs");
const UNITS = join(root, ".dev", "bench", "bench.test.mjs");
const BRIEFLY = ["--sizes", "200", "--peers", "floor", "--rounds", "1", "--seconds", "0.1", "--connections", "4"];
const SECONDS_MAX = 3 * 60 * 60;

/** The part. */
export const bench = { name: "bench", run };

async function run(_, scale) {
  const counts = await units();
  // The results of a run that nobody asked for by its name do not become the project's.
  const args = scale === "short" ? BRIEFLY : ["--output", join(temporaryFolder(), "benchmarks.md")];
  const tables = await runProgram(process.execPath, [SCRIPT, ...args], { label: "bench", timeoutSeconds: SECONDS_MAX });
  if (scale === "long") console.log(tables);
  return counted({ passed: counts.passed + 1, failed: 0 });
}

/** The tests of what it computes. */
async function units() {
  const { output, content } = await runTester("bench", process.execPath, ["--test", "--test-reporter", "tap", UNITS]);
  const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(output)?.[1] ?? 0);
  const counts = { passed: count("pass"), failed: count("fail") };
  if (content && counts.passed > 0) return counts;
  throw new StepFailed(output, countedFailure(counts));
}
