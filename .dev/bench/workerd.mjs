// A Worker with one Durable Object in workerd itself: without wrangler's proxy and Miniflare's entry,
// which production has not and which would make two Workers look more alike than they are.

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "../run.mjs";
import { freePort } from "../worker.mjs";
import { startServer } from "./servers.mjs";

const require = createRequire(import.meta.url);
const { default: workerd, version } = require("workerd");

/** Knows every tenant, and none has wishes. */
const KV = "export default { fetch() { return new Response('{}'); } };";

export const workerdVersion = version;

/**
 * Serves modules, given as names and paths, with an object class behind the binding `objects` and
 * variables. The state lies in `folder`, which is begun with what is in `prepared`.
 */
export async function startWorkerd({ name, folder, modules, objects, variables, prepared }) {
  const state = join(folder, "state");
  if (prepared && existsSync(prepared)) cpSync(prepared, state, { recursive: true });
  mkdirSync(state, { recursive: true });
  for (const [module, path] of Object.entries(modules)) cpSync(path, join(folder, module));
  const port = await freePort();
  const config = join(folder, "config.capnp");
  writeFileSync(config, configuration({ port, modules, objects, variables }), { mode: 0o600 });
  return startServer({ name, port, program: workerd, args: ["serve", "--experimental", config], cwd: folder });
}

function configuration({ port, modules, objects, variables }) {
  const [, date] = /^compatibility_date = "(.*)"/m.exec(readFileSync(join(root, "wrangler.toml"), "utf8"));
  const [binding, className] = objects;
  const bindings = Object.entries(variables).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`);
  const parts = Object.keys(modules).map(
    (module) => `(name = "./${module}", ${module.endsWith(".wasm") ? "wasm" : "esModule"} = embed "${module}")`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "kv", worker = .kv),
    (name = "disk", disk = (path = "state", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${parts.join(", ")}],
  compatibilityDate = "${date}",
  bindings = [
    (name = "${binding}", durableObjectNamespace = "${className}"),
    (name = "TENANTS", kvNamespace = "kv"),
    ${bindings.join(",\n    ")}
  ],
  durableObjectNamespaces = [(className = "${className}", uniqueKey = "bench", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
);
const kv :Workerd.Worker = (
  modules = [(name = "kv.js", esModule = ${JSON.stringify(KV)})],
  compatibilityDate = "${date}",
);
`;
}
