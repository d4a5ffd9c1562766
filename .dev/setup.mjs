// Installs what building, running and testing need, each only where it is missing: the wasm32
// target, npm packages, worker-build and wasm-bindgen from the Cargo registry, and for the tests a
// Python environment. Tools go to a cache outside the clone, keyed by version, so that the next
// clone finds them. `node .dev/setup.mjs` does this and nothing else.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { CommandFailed, Problem, ask, isScript, main, root, run, tail } from "./run.mjs";

const RUST_MINIMUM = "1.95.0";
const NODE_MINIMUM = "20.0.0";
const WRANGLER_NODE_MINIMUM = "22.12.0";
const PYTHON_MINIMUM = "3.11.0";
const WASM_TARGET = "wasm32-unknown-unknown";

/** Where what is installed is kept, outside the clone. */
export const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "muster");
const bin = (name) => join(root, "node_modules", ".bin", name);

/**
 * Makes the machine ready and returns where the tools are:
 * `worker-build` and the environment it takes, wrangler as a command with its first argument.
 */
export async function setUp() {
  requireVersion("Node", process.versions.node, NODE_MINIMUM, "Get it from nodejs.org.");
  await requireRust();
  await requireCompiler();
  await installRustParts();
  await installNpmPackages();
  const { workerBuild, wasmBindgen } = await installCargoTools();
  return {
    workerBuild,
    workerBuildEnv: {
      WASM_BINDGEN_BIN: wasmBindgen,
      WASM_OPT_BIN: bin("wasm-opt"),
      ESBUILD_BIN: bin("esbuild"),
    },
    wrangler: [await nodeForWrangler(), join(root, "node_modules", "wrangler", "bin", "wrangler.js")],
  };
}

/** Makes the Python environment of the SCIM testers and returns its folder of programs. */
export function setUpPython() {
  return pythonEnvironment(join(root, "tests", "requirements.txt"), "the SCIM testers");
}

/** Makes a Python environment of the packages in a file and returns its folder of programs. */
export async function pythonEnvironment(requirements, what) {
  const folder = join(cache, `python-${hash(readFileSync(requirements))}`);
  const stamp = join(folder, "complete");
  const programs = join(folder, "bin");
  if (existsSync(stamp)) return programs;

  const python = await findPython();
  const ready = ["--quiet", "--disable-pip-version-check", "--no-input"];
  rmSync(folder, { recursive: true, force: true });
  await explained(
    run(python, ["-m", "venv", folder], { label: "making a Python environment" }),
    "Python cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv",
  );
  await explained(
    run(join(programs, "python"), ["-m", "pip", "install", ...ready, "-r", requirements], {
      label: `installing ${what}`,
    }),
    `The Python packages in ${relative(root, requirements)} cannot be installed. Is PyPI within reach?`,
  );
  writeFileSync(stamp, "");
  return programs;
}

/** The versions of everything that turns sources into a Worker, as one text. */
export async function toolVersions() {
  const packages = readFileSync(join(root, "package-lock.json"), "utf8");
  const cargoTools = Object.values(pinnedCargoTools()).map(({ version }) => version);
  return [await ask("rustc", ["--version"]), ...cargoTools, packages].join("\n");
}

/** A short digest, for the names and stamps of what is kept. */
export function hash(...parts) {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part).update("\0");
  return digest.digest("hex").slice(0, 16);
}

async function requireRust() {
  const advice = "Install it with rustup, from rustup.rs; an older one is updated by: rustup update stable";
  for (const program of ["cargo", "rustc"]) {
    await explained(
      run(program, ["--version"]),
      `Rust ${RUST_MINIMUM} or later is needed and \`${program}\` does not run here.\n${advice}`,
    );
  }
  const version = (await ask("rustc", ["--version"])).split(" ")[1];
  requireVersion("Rust", version, RUST_MINIMUM, advice);
}

/** Build scripts, SQLite for the tests and every link need a C compiler. */
async function requireCompiler() {
  if (process.env.CC || (await ask("cc", ["--version"]))) return;
  throw new Problem(
    "A C compiler is needed and `cc` does not run here.\n" +
      "On Debian and Ubuntu: apt-get install build-essential. On macOS: xcode-select --install",
  );
}

/** worker-build links OpenSSL; only Linux has no such thing of its own. */
async function requireOpenSsl() {
  const told = process.env.OPENSSL_DIR || process.env.OPENSSL_LIB_DIR;
  if (process.platform !== "linux" || told || (await ask("pkg-config", ["--exists", "openssl"])) === "") return;
  throw new Problem(
    "Building worker-build needs pkg-config and OpenSSL's headers, and they are not here.\n" +
      "On Debian and Ubuntu: apt-get install pkg-config libssl-dev. On Fedora: dnf install openssl-devel",
  );
}

async function installRustParts() {
  const missing = [
    ...(existsSync(await targetLibrary()) ? [] : [["target", WASM_TARGET]]),
    ...((await ask("cargo", ["clippy", "--version"])) ? [] : [["component", "clippy"]]),
    ...((await ask("cargo", ["fmt", "--version"])) ? [] : [["component", "rustfmt"]]),
  ];
  for (const [kind, name] of missing) {
    await explained(
      run("rustup", [kind, "add", name], { label: `installing Rust's ${name}` }),
      `Rust's ${kind} ${name} is missing and cannot be installed. With rustup: rustup ${kind} add ${name}`,
    );
  }
}

async function targetLibrary() {
  return (await ask("rustc", ["--print", "target-libdir", "--target", WASM_TARGET])) ?? "";
}

async function installNpmPackages() {
  const stamp = join(root, "node_modules", ".muster");
  const wanted = hash(readFileSync(join(root, "package-lock.json")));
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  await explained(
    run("npm", ["ci", "--loglevel=error"], { label: "installing npm packages" }),
    "The npm packages in package-lock.json cannot be installed. Is the npm registry within reach?",
  );
  writeFileSync(stamp, wanted);
}

/** The versions that `Cargo.toml` pins: each tool must be the one its crate was made with. */
function pinnedCargoTools() {
  const manifest = readFileSync(join(root, "Cargo.toml"), "utf8");
  const pinned = (crate) => {
    const found = new RegExp(`^${crate} = .*"=([0-9.]+)"`, "m").exec(manifest);
    if (!found) throw new Problem(`Cargo.toml must pin ${crate} to one version, as in: ${crate} = "=1.2.3"`);
    return found[1];
  };
  return {
    workerBuild: { crate: "worker-build", program: "worker-build", version: pinned("worker") },
    wasmBindgen: { crate: "wasm-bindgen-cli", program: "wasm-bindgen", version: pinned("wasm-bindgen") },
  };
}

async function installCargoTools() {
  const folder = ({ crate, version }) => join(cache, "tools", `${crate}-${version}`);
  const path = (tool) => join(folder(tool), "bin", tool.program);
  const { workerBuild, wasmBindgen } = pinnedCargoTools();
  const missing = [workerBuild, wasmBindgen].filter((tool) => !existsSync(path(tool)));
  if (missing.length > 0) {
    await requireOpenSsl();
    const shared = join(cache, "build");
    for (const tool of missing) await installCargoTool(tool, folder(tool), shared);
    rmSync(shared, { recursive: true, force: true });
  }
  return { workerBuild: path(workerBuild), wasmBindgen: path(wasmBindgen) };
}

/** In cargo's quick profile: the tools run for seconds, an optimized build of them takes many minutes. */
async function installCargoTool({ crate, program, version }, folder, targetFolder) {
  const args = ["install", crate, "--version", `=${version}`, "--bin", program, "--root", folder, "--profile", "dev"];
  const env = { CARGO_TARGET_DIR: targetFolder, CARGO_PROFILE_DEV_DEBUG: "0" };
  await explained(
    run("cargo", args, { env, label: `building ${crate} ${version}, once` }),
    `${crate} ${version} cannot be built. Is the Cargo registry within reach?`,
  );
}

/** wrangler asks for a later Node than the rest does; npm brings it for the usual platforms. */
async function nodeForWrangler() {
  for (const node of [bin("node"), process.execPath]) {
    const version = await ask(node, ["--version"]);
    if (version && !isOlder(version.slice(1), WRANGLER_NODE_MINIMUM)) return node;
  }
  throw new Problem(
    `wrangler needs Node ${WRANGLER_NODE_MINIMUM} or later, and npm brings none for this machine.\n` +
      "Install it from nodejs.org and start again.",
  );
}

async function findPython() {
  for (const python of ["python3.11", "python3", "python"]) {
    const version = (await ask(python, ["--version"]))?.split(" ")[1];
    if (version && !isOlder(version, PYTHON_MINIMUM)) return python;
  }
  throw new Problem(
    `Python ${PYTHON_MINIMUM} or later is needed and none was found.\n` +
      "On Debian and Ubuntu: apt-get install python3 python3-venv",
  );
}

function requireVersion(what, found, minimum, advice) {
  if (isOlder(found, minimum)) throw new Problem(`${what} ${minimum} or later is needed; this is ${found}.\n${advice}`);
}

function isOlder(version, minimum) {
  return version.localeCompare(minimum, "en", { numeric: true }) < 0;
}

/** Turns a failing command into a problem that says what it means and ends with the command's own words. */
export async function explained(running, meaning) {
  try {
    await running;
  } catch (error) {
    const said = error instanceof CommandFailed ? `\nIt said:\n${tail(error.output)}` : "";
    throw new Problem(meaning + said);
  }
}

if (isScript(import.meta.url)) await main(setUp);
