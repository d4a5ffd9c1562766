// The Worker in its runtime alone, without wrangler: no proxy in front, no inspector that keeps the log,
// one process that may be measured and killed. Tenants' records are files of a folder, which the runtime
// takes for a KV namespace that cannot be listed.

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { BUNDLE } from "../build.mjs";
import { root, start, stop } from "../run.mjs";
import { freePort, untilHealthy } from "../worker.mjs";

const [SCRIPT, WASM] = BUNDLE;

/** What is served: the script's name, and the kind of module that the other file is. */
const MUSTER = { script: SCRIPT, kind: "wasm" };

/**
 * Starts the built Worker with variables and waits until it answers. All of its state is below `folder`;
 * another start there goes on with it. `flags` are V8's. Returns where it is, its process, what it has
 * printed, a promise of its end, and how to stop it.
 */
export async function startRuntime({ folder, variables, flags = [], served = MUSTER }) {
  const port = await freePort();
  const file = join(folder, "config.capnp");
  for (const name of ["objects", "records"]) mkdirSync(join(folder, name), { recursive: true });
  for (const name of BUNDLE) cpSync(join(root, "build", name), join(folder, name));
  writeFileSync(file, configuration({ folder, port, variables, flags, served }));
  const child = start(createRequire(import.meta.url)("workerd").default, ["serve", file]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const worker = {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid,
    adminToken: variables.ADMIN_TOKEN,
    output: () => output,
    ended: new Promise((resolve) => child.on("close", resolve)),
    stop: () => stop(child),
  };
  await untilHealthy(worker);
  return worker;
}

/** The runtime's configuration, as Cap'n Proto's text. */
function configuration({ folder, port, variables, flags, served }) {
  const text = JSON.stringify;
  const list = (items) => `[${items.join(", ")}]`;
  const disk = (name) => `(name = "${name}", disk = (path = ${text(join(folder, name))}, writable = true))`;
  const bindings = Object.entries(variables).map(([name, value]) => `(name = "${name}", text = ${text(value)})`);
  const durable = setting("class_name");
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ${list(flags.map(text))},
  services = [(name = "main", worker = .main), ${disk("objects")}, ${disk("records")}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [
    (name = "${SCRIPT}", esModule = embed "${served.script}"),
    (name = "./${WASM}", ${served.kind} = embed "${WASM}"),
  ],
  compatibilityDate = "${setting("compatibility_date")}",
  bindings = [
    (name = "TENANTS", kvNamespace = "records"),
    (name = "TENANT", durableObjectNamespace = "${durable}"),
    ${bindings.join(",\n    ")}
  ],
  durableObjectNamespaces = [(className = "${durable}", uniqueKey = "muster-${durable}", enableSql = true)],
  durableObjectStorage = (localDisk = "objects"),
);
`;
}

function setting(name) {
  return new RegExp(`^${name} = "(.*)"`, "m").exec(readFileSync(join(root, "wrangler.toml"), "utf8"))[1];
}
