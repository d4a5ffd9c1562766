// The other SCIM servers, installed into the cache with the versions that are pinned beside them.

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { root, run } from "../run.mjs";
import { cache, explained, hash, pythonEnvironment } from "../setup.mjs";
import { freePort } from "../worker.mjs";
import { startServer } from "./servers.mjs";
import { memberCount, storedGroup, storedUser, userId } from "./users.mjs";

const here = join(root, ".dev", "bench");
const HEADERS = { authorization: "Bearer bench" };

/** SCIMMY's pages are cut out of all users by its handler, or with `library` by SCIMMY. */
export async function startScimmy({ users, pagedBy = "handler" }) {
  const [packages, port] = [await installScimmy(), await freePort()];
  const args = [join(here, "scimmy", "server.mjs"), packages, port, users, pagedBy].map(String);
  const env = { NODE_ENV: "production" };
  const server = await startServer({ name: "SCIMMY", port, program: process.execPath, args, cwd: root, env });
  return { ...server, users, base: "/scim", headers: HEADERS };
}

export async function startScim2Server({ folder, users }) {
  const programs = await pythonEnvironment(join(here, "scim2-server", "requirements.txt"), "scim2-server");
  const [port, file] = [await freePort(), join(folder, "resources.jsonl")];
  writeFileSync(file, [...resources(users)].map((resource) => `${JSON.stringify(resource)}\n`).join(""));
  const args = [join(here, "scim2-server", "server.py"), String(port), file];
  const server = await startServer({ name: "scim2-server", port, program: join(programs, "python"), args, cwd: root });
  return { ...server, users, base: "/v2", headers: HEADERS };
}

/** The versions of the peers, as they are pinned. */
export function peerVersions() {
  const { dependencies } = JSON.parse(readFileSync(join(here, "scimmy", "package.json"), "utf8"));
  const requirements = readFileSync(join(here, "scim2-server", "requirements.txt"), "utf8");
  const pinned = (name) => new RegExp(`^${name}==(.*)$`, "m").exec(requirements)[1];
  return { ...dependencies, "scim2-server": pinned("scim2-server"), waitress: pinned("waitress") };
}

async function installScimmy() {
  const files = ["package.json", "package-lock.json"].map((name) => join(here, "scimmy", name));
  const folder = join(cache, `scimmy-${hash(...files.map((file) => readFileSync(file)))}`);
  const stamp = join(folder, "complete");
  if (existsSync(stamp)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of [...files, join(root, ".npmrc")]) cpSync(file, join(folder, basename(file)));
  await explained(
    run("npm", ["ci", "--loglevel=error"], { cwd: folder, label: "installing SCIMMY" }),
    "The npm packages in .dev/bench/scimmy/package-lock.json cannot be installed. Is the npm registry within reach?",
  );
  writeFileSync(stamp, "");
  return folder;
}

function* resources(users) {
  for (let n = 1; n <= users; n += 1) yield storedUser(n);
  const members = Array.from({ length: memberCount(users) }, (_, i) => ({ value: userId(i + 1) }));
  yield { ...storedGroup(), members };
}
