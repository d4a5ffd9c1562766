// Builds the Worker into `build/`, unless nothing that goes into it has changed since.
// wrangler runs this script for `wrangler dev` and `wrangler deploy`; start and test import it.

import { copyFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { isScript, main, root, run } from "./run.mjs";
import { hash, setUp, toolVersions } from "./setup.mjs";

/** What is deployed, what the runtime loads first. */
export const BUNDLE = ["entry.js", "index.js", "index_bg.wasm"];

const build = join(root, "build");
const stamp = join(build, ".inputs");

/** Builds where that is needed. `tools` is what `setUp` returned. */
export async function buildWorker(tools) {
  const inputs = await digestInputs();
  if (isBuiltFrom(inputs)) return;
  await run(tools.workerBuild, ["--release"], { env: tools.workerBuildEnv, label: "building the Worker" });
  await dropNames(tools);
  addEntry(build);
  writeFileSync(stamp, inputs);
}

/** Leaves the names of functions out of what is deployed: nearly a tenth of it, and nothing reads them. */
async function dropNames({ workerBuildEnv }) {
  const wasm = join(build, "index_bg.wasm");
  await run(workerBuildEnv.WASM_OPT_BIN, [wasm, "--strip-debug", "-o", wasm], { label: "leaving names out" });
}

/** Puts what the runtime loads first beside what worker-build has made in a folder. */
export function addEntry(folder) {
  copyFileSync(join(root, "src", "edge", "entry.js"), join(folder, "entry.js"));
}

/** The size of what is deployed, in bytes, as it is and gzipped. */
export function bundleSize() {
  const files = BUNDLE.map((name) => readFileSync(join(build, name)));
  const sum = (sizes) => sizes.reduce((total, size) => total + size, 0);
  return {
    raw: sum(files.map((file) => file.length)),
    gzipped: sum(files.map((file) => gzipSync(file, { level: 9 }).length)),
  };
}

function isBuiltFrom(inputs) {
  const made = [stamp, ...BUNDLE.map((name) => join(build, name))];
  return made.every(existsSync) && readFileSync(stamp, "utf8") === inputs;
}

async function digestInputs() {
  const files = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ...filesBelow("src")];
  const contents = files.map((file) => join(root, file)).filter(existsSync).map((path) => readFileSync(path));
  return hash(await toolVersions(), files.join("\n"), ...contents);
}

function filesBelow(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort();
}

if (isScript(import.meta.url)) await main(async () => buildWorker(await setUp()));
