// The servers of a run: each is loaded once, and then begins each pair with nothing but that.

import { mkdtempSync, renameSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../run.mjs";
import { countRows, loadFloor, loadMuster, startFloor, startMuster } from "./muster.mjs";
import { startScim2Server, startScimmy } from "./peers.mjs";
import { FEWEST_USERS } from "./plan.mjs";
import { GROUP_ID, memberCount } from "./users.mjs";

/** With so many users a few more make no difference, and a copy takes long: one server for all pairs. */
const LASTING_USERS = 100_000;

/** How many users are loaded in a second, for the estimate. */
const LOADED_PER_SECOND = { muster: 3_000, floor: 20_000 };

/** How long loading Muster, and the floor if it is among the peers, is likely to take. */
export function loadingSeconds({ sizes, peers }) {
  const rates = [LOADED_PER_SECOND.muster, ...(peers.includes("floor") ? [LOADED_PER_SECOND.floor] : [])];
  return sizes.flatMap((users) => rates.map((rate) => users / rate)).reduce((sum, seconds) => sum + seconds, 0);
}

/** Prepares servers below `folder`; `tell` is told what is being loaded and how much of it is. */
export function openStage(folder, tell) {
  const states = new Map();
  const lasting = new Map();
  const fresh = () => mkdtempSync(join(folder, "server-"));
  let rows;

  /** A server of a kind with its users, loaded or begun with what was loaded before. */
  async function loaded(name, users, begin, load) {
    const key = `${name} ${users}`;
    if (lasting.has(key)) return lasting.get(key);
    const state = states.get(key);
    if (state) return begin({ folder: fresh(), users, prepared: state });
    const place = fresh();
    const server = await begin({ folder: place, users });
    await load(server, (share) => tell(`loading ${name} with ${users} users`, share, users / LOADED_PER_SECOND[name]));
    if (users >= LASTING_USERS) {
      lasting.set(key, { ...server, stop: () => {}, end: server.stop });
      return lasting.get(key);
    }
    await server.stop();
    states.set(key, join(folder, key.replace(" ", "-")));
    renameSync(join(place, "state"), states.get(key));
    return begin({ folder: fresh(), users, prepared: states.get(key) });
  }

  const muster = (users) => loaded("muster", users, startMuster, loadMuster);
  const startPeer = {
    floor: async (users) => {
      rows ??= await countRows(fresh);
      return loaded("floor", users, startFloor, loadFloor);
    },
    scimmy: (users) => startScimmy({ users }),
    "scimmy-paging": (users) => startScimmy({ users, pagedBy: "library" }),
    "scim2-server": (users) => startScim2Server({ folder: fresh(), users }),
    itself: () => muster(FEWEST_USERS),
  };

  return {
    muster: async (users) => holding(await muster(users)),
    peer: async (name, users) => {
      const server = await startPeer[name](users);
      return name === "floor" ? server : holding(server);
    },
    rows: () => rows,
    /** Ends what lasts with so many users. */
    async clear(users) {
      for (const name of ["muster", "floor"]) await lasting.get(`${name} ${users}`)?.end();
    },
  };
}

/** Makes sure that a server has the users and members that are meant. */
async function holding(server) {
  if (server.isComplete) return server;
  const ask = async (path) => {
    const response = await fetch(server.url + server.base + path, { headers: server.headers });
    return response.json();
  };
  const { totalResults } = await ask("/Users?count=1");
  const { members = [] } = await ask(`/Groups/${GROUP_ID}`);
  if (totalResults !== server.users || members.length !== memberCount(server.users)) {
    throw new Problem(`${server.name} has ${totalResults} of ${server.users} users and ${members.length} members.`);
  }
  server.isComplete = true;
  return server;
}
