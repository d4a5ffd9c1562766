// Runs other programs: each in a process group of its own, so that stopping one stops all it
// started; output is captured, a long run says that it is alive, and a failure is one clear message.

import { spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { dirname, delimiter, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the clone. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Something the person at the keyboard can put right: shown as its message, without a stack. */
export class Problem extends Error {}

/** A program ended with an exit code other than 0. */
export class CommandFailed extends Error {
  constructor(command, code, output) {
    super(`${command} ended with exit code ${code}`);
    this.code = code;
    this.output = output;
  }
}

const HEARTBEAT_SECONDS = 30;
const REDRAW_SECONDS = 0.5;
const KILL_AFTER_MS = 8_000;

/** A line of a JavaScript stack trace, npm's prefix before it or not. */
const STACK_FRAME = /^(npm error)?\s+at \S.*:\d+:\d+\)?/;

const live = new Set();
const cleanups = [];
let stopping = false;

/**
 * Starts a program without standard input. `node_modules/.bin` is taken off its PATH: npm puts it
 * there, and with it the Node that is meant for wrangler alone.
 */
export function start(command, args, { cwd = root, env = {} } = {}) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, PATH: plainPath(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  live.add(child);
  child.on("close", () => live.delete(child));
  return child;
}

/**
 * Runs a program to its end and returns its output, both streams as one.
 * With a `label`, says what goes on while it lasts. After `timeoutSeconds` it is stopped.
 */
export function run(command, args, { label, timeoutSeconds, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = start(command, args, options);
    const progress = label && showProgress(label);
    let output = "";
    const collect = (chunk) => {
      output += chunk;
      progress?.note(chunk);
    };
    child.stdout.setEncoding("utf8").on("data", collect);
    child.stderr.setEncoding("utf8").on("data", collect);
    const giveUp = () => {
      output += `\nStopped: not finished after ${timeoutSeconds} seconds.\n`;
      stop(child);
    };
    const timer = timeoutSeconds && setTimeout(giveUp, timeoutSeconds * 1_000);
    const finish = (settle) => {
      clearTimeout(timer);
      progress?.end();
      // Where this process is ending, nothing is to go on from here.
      if (!stopping) settle();
    };
    child.on("error", (error) => finish(() => reject(error)));
    child.on("close", (code, signal) =>
      finish(() => (code === 0 ? resolve(output) : reject(new CommandFailed(command, code ?? signal, output)))),
    );
  });
}

/** Runs a program and returns its output, or `undefined` where it is missing or fails. */
export async function ask(command, args, options) {
  try {
    return (await run(command, args, options)).trim();
  } catch {
    return undefined;
  }
}

/** Stops a program and all it started: politely first, then not. */
export async function stop(child) {
  if (!live.has(child)) return;
  signalGroup(child, "SIGTERM");
  const killer = setTimeout(() => signalGroup(child, "SIGKILL"), KILL_AFTER_MS);
  await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(killer);
}

/** Has `action`, which must be synchronous, done however this process ends. */
export function atExit(action) {
  cleanups.push(action);
}

/** Whether the module is what `node` was told to run, and not imported. */
export function isScript(moduleUrl) {
  const script = process.argv[1];
  return script !== undefined && realpathSync(script) === fileURLToPath(moduleUrl);
}

/** The body of a script: stops what runs when told to, and shows problems as sentences. */
export async function main(body) {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]]) {
    process.on(signal, () => {
      stopping = true;
      stopAll().then(() => process.exit(code));
    });
  }
  process.on("exit", () => {
    live.forEach((child) => signalGroup(child, "SIGKILL"));
    for (const action of cleanups) {
      try {
        action();
      } catch (error) {
        console.error(`Something is left behind: ${error.message}`);
      }
    }
  });
  try {
    await body();
  } catch (error) {
    if (stopping) return;
    console.error(explain(error));
    await stopAll();
    process.exit(1);
  }
}

/** The last lines of a program's output, indented for a message; of a stack trace only its head. */
export function tail(output, lines = 15) {
  const told = output.trimEnd().split("\n").filter((line) => !STACK_FRAME.test(line));
  return told.slice(-lines).map((line) => `    ${line}`).join("\n");
}

/** `75` as `1 min 15 s`. */
export function duration(seconds) {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function explain(error) {
  if (error instanceof Problem) return `\n${error.message}\n`;
  if (error instanceof CommandFailed) return `\n${error.message}. Its last words:\n${tail(error.output)}\n`;
  return error;
}

function stopAll() {
  return Promise.all([...live].map(stop));
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended by itself.
  }
}

function plainPath() {
  const suffix = join("node_modules", ".bin");
  return process.env.PATH.split(delimiter)
    .filter((folder) => !folder.endsWith(sep + suffix))
    .join(delimiter);
}

/**
 * Says what goes on: on a terminal one line that changes, elsewhere a line at the start and then now
 * and again. `note` takes what is to be shown behind the label.
 */
export function showProgress(label) {
  const began = Date.now();
  const elapsed = () => duration((Date.now() - began) / 1_000);
  const terminal = process.stdout.isTTY;
  let last = "";
  const state = () => `  ${label}, ${elapsed()}${last && `: ${last}`}`;
  const draw = () => (terminal ? redraw(state().slice(0, process.stdout.columns)) : console.log(state()));
  if (!terminal) console.log(`  ${label}`);
  const timer = setInterval(draw, (terminal ? REDRAW_SECONDS : HEARTBEAT_SECONDS) * 1_000);
  return {
    note(chunk) {
      last = chunk.trimEnd().split("\n").at(-1).trim() || last;
    },
    end() {
      clearInterval(timer);
      if (terminal) redraw(`  ${label}, ${elapsed()}\n`);
    },
  };
}

function redraw(text) {
  process.stdout.write(`\r\x1b[K${text}`);
}
