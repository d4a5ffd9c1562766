// The parts that `npm run soak` runs at length and `npm test` in short. Each is a module that exports
// `{ name, run(context, scale) }`: `context` has the `tools` of setup.mjs and the `seed` of the run,
// `scale` is "short" or "long", and `run` throws or returns what it counted, like any step.

import { bench } from "./bench.mjs";
import { cycle } from "./cycle.mjs";
import { flood } from "./flood.mjs";
import { kills } from "./kills.mjs";
import { memory } from "./memory.mjs";
import { panics } from "./panics.mjs";

/** In the order in which they run. */
export const PARTS = [cycle, memory, kills, panics, flood, bench];
