// A server that is measured: a program that listens on a port of this machine, and how much of a
// processor it has used.

import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Problem, start, stop, tail } from "../run.mjs";

const START_SECONDS = 120;
const POLL_MS = 50;
const TICKS_PER_SECOND = 100;

/** Starts a program and waits until it listens. */
export async function startServer({ name, port, program, args, cwd, env }) {
  const child = start(program, args, { cwd, env });
  let output = "";
  let over = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (output = (output + text).slice(-20_000)));
  }
  child.on("error", (error) => (output += error.message));
  child.on("close", () => (over = true));
  const deadline = Date.now() + START_SECONDS * 1_000;
  while (!(await listens(port))) {
    if (over || Date.now() > deadline) throw new Problem(`${name} does not start. Its last words:\n${tail(output)}`);
    await sleep(POLL_MS);
  }
  return {
    name,
    port,
    url: `http://127.0.0.1:${port}`,
    output: () => output,
    processorSeconds: () => processorSeconds(child.pid),
    stop: () => stop(child),
  };
}

/** What Linux has counted; `undefined` elsewhere. */
function processorSeconds(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
