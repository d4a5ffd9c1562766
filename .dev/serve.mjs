// A Worker of a step's own: a copy of what was built, with configuration, variables and empty state.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atExit, root, tail } from "./run.mjs";
import { freePort, startWorker, writeVariables } from "./worker.mjs";

/**
 * Serves a copy of what was `built`, so that editing sources meanwhile does not restart it. `again`
 * starts a Worker that has ended once more, with the state that it left.
 */
export async function serveWith(tools, variables, configuration, { health, built = join(root, "build") } = {}) {
  const folder = temporaryFolder();
  const [cwd, state, file, log] = ["worker", "state", "variables", "log"].map((name) => join(folder, name));
  const temporary = join(folder, "temporary");
  for (const made of [cwd, temporary]) mkdirSync(made);
  cpSync(built, join(cwd, "build"), { recursive: true });
  writeFileSync(join(cwd, "wrangler.toml"), configuration);
  writeVariables(file, variables);
  const options = {
    wrangler: tools.wrangler,
    cwd,
    port: await freePort(),
    adminToken: variables.ADMIN_TOKEN,
    args: ["--persist-to", state, "--env-file", file],
    logTo: log,
    health,
    // What wrangler leaves behind when it is killed goes with the folder.
    env: { TMPDIR: temporary },
  };
  const again = () => startWorker(options);
  return { worker: await again(), again, state, log };
}

/** Adds to a failure what the Worker said last, but for requests that it answered. */
export async function withWorkerLog(worker, body) {
  try {
    return await body();
  } catch (error) {
    const words = worker.output().replace(/^(\[wrangler:info\]|.*"level":"info").*\n/gm, "");
    error.message += `\nThe Worker's last words:\n${tail(words, 30)}`;
    throw error;
  }
}

/** A folder that does not outlive this process. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "muster-test-"));
  atExit(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** `wrangler.toml`, without what would build at every start. */
export function configurationWithoutBuild() {
  return readFileSync(join(root, "wrangler.toml"), "utf8").replace(/^\[build\]\n(?:(?!\[).*\n)*/m, "");
}
