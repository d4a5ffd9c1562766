// Runs steps one after another, whatever failed before; only what a failed step was needed for is not
// run. Then a table of them, and on the last line what they counted. And what steps have in common: how
// they fail, run a command, and count.

import { CommandFailed, Problem, duration, run } from "./run.mjs";

const STEP_SECONDS_MAX = 30 * 60;

/** A proxy has no business between two programs on this machine. */
export const LOOPBACK = { NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" };

/** A step that fails: the output that tells why, and what it counted. */
export class StepFailed extends Error {
  constructor(output, counts = {}) {
    super(output);
    this.counts = counts;
  }
}

/** Fails a step in which something is not what it should be. */
export function expect(what, found, expected) {
  if (found !== expected) throw new StepFailed(`${what}: ${found} in place of ${expected}`);
}

/** What a tester printed, and whether it was content. */
export async function runTester(name, program, args, env = {}) {
  try {
    return { output: await run(program, args, bounded(name, { ...LOOPBACK, ...env })), content: true };
  } catch (error) {
    if (error instanceof CommandFailed) return { output: error.output, content: false };
    throw error;
  }
}

/** What a command of a step is run with. */
export function bounded(label, env) {
  return { label, env, timeoutSeconds: STEP_SECONDS_MAX };
}

/** What a step counted, with a note of it. */
export function counted({ passed, failed }) {
  return { passed, failed, note: `${passed} passed` };
}

/** At least one: a run that breaks off has not counted what broke it. */
export function countedFailure({ passed, failed }) {
  const bad = Math.max(failed, 1);
  return { passed, failed: bad, note: `${passed} passed, ${bad} failed` };
}

/** Runs `first` and, where that succeeds, the others; prints the table. Whether nothing failed. */
export async function performAll(first, steps, context) {
  const results = [await perform(first, context, [])];
  if (results[0].failed === 0) {
    for (const step of steps) results.push(await perform(step, context, results));
  }
  await context.worker?.stop();
  report(results);
  return total(results, "failed") === 0;
}

/** The steps named in a list with commas, all where there is none, and what they need. */
export function chooseSteps(steps, list) {
  const names = steps.map(({ name }) => name);
  const wanted = new Set(list?.split(",") ?? names);
  for (const name of wanted) {
    if (!names.includes(name)) throw new Problem(`There is no step \`${name}\`. Steps: ${names.join(", ")}`);
    const { needs } = steps[names.indexOf(name)];
    if (needs) wanted.add(needs);
  }
  return steps.filter(({ name }) => wanted.has(name));
}

/** Runs one step and says what came of it, the output at once where it failed. */
async function perform({ name, needs, run }, context, earlier) {
  if (needs && earlier.find((result) => result.name === needs).failed > 0) {
    return { name, status: "not run", seconds: 0, passed: 0, failed: 1, note: `needs ${needs}` };
  }
  const began = Date.now();
  const ended = (status, counts) => ({ name, status, seconds: (Date.now() - began) / 1_000, ...counts });
  try {
    return ended("passed", { passed: 1, failed: 0, ...(await run(context, name)) });
  } catch (error) {
    console.log(`\n---- ${name} failed\n${describe(error)}\n----\n`);
    return ended("FAILED", { passed: 0, failed: 1, ...error.counts });
  }
}

function describe(error) {
  if (error instanceof CommandFailed) return error.output;
  return error instanceof StepFailed || error instanceof Problem ? error.message : error.stack;
}

function report(results) {
  const width = Math.max(...results.map(({ name }) => name.length));
  console.log();
  for (const { name, status, seconds, note = "" } of results) {
    const cells = [status.padEnd(7), name.padEnd(width), duration(seconds).padStart(11), note];
    console.log(`  ${cells.join("  ")}`.trimEnd());
  }
  console.log(`\n${total(results, "passed")} passed, ${total(results, "failed")} failed`);
}

function total(results, what) {
  return results.reduce((sum, result) => sum + result[what], 0);
}
