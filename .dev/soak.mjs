// `npm run soak`: what takes longer than `npm test` has time for, one part after another, and a table
// of them. `npm run soak -- --only cycle` runs these parts alone, `--seed 42` with the chances of an
// earlier run, `--short` as briefly as `npm test` does.

import { parseArgs } from "node:util";
import { chooseSteps, performAll } from "./perform.mjs";
import { Problem, main, run } from "./run.mjs";
import { PARTS } from "./soak/parts.mjs";
import { freshSeed } from "./soak/random.mjs";
import { BUILD, SET_UP, partAsStep } from "./steps.mjs";

const OPTIONS = { only: { type: "string" }, seed: { type: "string" }, short: { type: "boolean" } };
const FUZZ_CASES = 1_000_000;
const FUZZ_SECONDS_MAX = 2 * 60 * 60;

await main(async () => {
  const { only, seed = String(freshSeed()), short } = options();
  if (!/^\d{1,10}$/.test(seed)) throw new Problem("A seed is a whole number.");
  const scale = short ? "short" : "long";
  const parts = PARTS.map((part) => partAsStep(part, scale));
  // Its short form is among the native tests.
  const steps = [BUILD, ...parts, { name: "fuzz", run: fuzz }];
  console.log(`Seed ${seed}`);
  const chosen = chooseSteps(steps, only);
  if (!(await performAll(SET_UP, chosen, { seed: Number(seed) }))) process.exit(1);
});

function options() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch {
    throw new Problem("Usage: npm run soak [-- --only PART,PART] [--seed NUMBER] [--short]");
  }
}

/** What could break a parser or a tenant, looked for at length. */
async function fuzz(_, name) {
  const env = { PROPTEST_CASES: String(FUZZ_CASES) };
  const args = ["test", "--release", "--test", "it", "fuzz"];
  await run("cargo", args, { label: name, env, timeoutSeconds: FUZZ_SECONDS_MAX });
  return { note: `${FUZZ_CASES} cases each` };
}
