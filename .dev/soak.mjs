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
const FUZZ_SECONDS_MAX = 2 * 60 * 60;

/** How many damaged inputs each property is tried with: those of one parser, those of a whole tenant. */
const FUZZ_CASES = { "fuzz::": 1_000_000, "fuzz_requests::": 50_000 };

await main(async () => {
  const { only, seed = String(freshSeed()), short } = options();
  if (!/^\d{1,10}$/.test(seed)) throw new Problem("A seed is a whole number.");
  const scale = short ? "short" : "long";
  const parts = PARTS.map((part) => partAsStep(part, scale));
  // Its short form is among the native tests.
  const others = short ? [] : [{ name: "fuzz", run: fuzz }];
  const steps = [BUILD, ...parts, ...others];
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

/** Looks for what could break a parser or a tenant. */
async function fuzz(_, name) {
  for (const [filter, cases] of Object.entries(FUZZ_CASES)) {
    const env = { PROPTEST_CASES: String(cases) };
    const label = `${name}, ${cases} cases of each property of ${filter}`;
    await run("cargo", ["test", "--release", "--test", "it", filter], { label, env, timeoutSeconds: FUZZ_SECONDS_MAX });
  }
  return { note: `${Object.values(FUZZ_CASES).join(" and ")} cases of each property` };
}
