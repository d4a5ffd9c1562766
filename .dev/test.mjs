// `npm test`: the steps of `steps.mjs` in their order, and a table of them.
// `npm test -- --only live,doc` runs these steps and what they need.

import { parseArgs } from "node:util";
import { chooseSteps, performAll } from "./perform.mjs";
import { Problem, main } from "./run.mjs";
import { freshSeed } from "./soak/random.mjs";
import { SET_UP, STEPS } from "./steps.mjs";

await main(async () => {
  const steps = chooseSteps(STEPS, only());
  if (!(await performAll(SET_UP, steps, { seed: freshSeed() }))) process.exit(1);
});

function only() {
  try {
    return parseArgs({ options: { only: { type: "string" } } }).values.only;
  } catch {
    throw new Problem("Usage: npm test [-- --only STEP,STEP]");
  }
}
