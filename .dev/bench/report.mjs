// The results as text: Markdown, which is read as well in a terminal.

import { FEWEST_USERS, PEERS } from "./plan.mjs";
import { OPERATIONS } from "./operations.mjs";
import { peerVersions } from "./peers.mjs";
import { floorTo, judge } from "./statistics.mjs";
import { workerdVersion } from "./workerd.mjs";

const NOTHING = "";

/** What was measured, how, and what is left out. */
export function foreword({ options, rows, headroom, took }) {
  const { command, rounds, seconds, connections } = options;
  const versions = peerVersions();
  return `# Benchmarks

Written by \`${command}\`, which took ${took}. Ratios, each of two servers on one machine in one run; they say nothing of requests per second elsewhere.

- Node ${process.versions.node} (client, SCIMMY), workerd ${workerdVersion} (Muster, the floor), Express ${versions.express}, scimmy ${versions.scimmy}, scimmy-routers ${versions["scimmy-routers"]}, scim2-server ${versions["scim2-server"]}, waitress ${versions.waitress}.
- A pair runs at once on loopback and is asked by turns, ${rounds} rounds of ${seconds} s each after a warm-up of a second, with ${connections} connections that each wait for their answer, or as many fewer as a slow server needs to be done in time. Each status and body is checked; one that is wrong ends the run.
- Off: the edge's rate limits and the tenant's (\`RATE_LIMITS=off\`), the log of requests that did not fail (\`LOG=failures\`), \`COST_HEADERS\`; plain http in place of https. No proxy of wrangler's or Miniflare's stands before Muster or the floor, KV is a Worker that knows every tenant. A key is verified for each request.
- The floor is \`.dev/bench/floor/index.js\`: a Worker and a Durable Object in JavaScript without keys, schemas or checks; one SELECT a read, one transaction a write${rows ? `, of as many rows in as many trees as Muster's (${rows.create} rows for a create, ${rows.patch} for a PATCH)` : ""}.
- SCIMMY and scim2-server keep everything in memory, each in one process; Muster and the floor flush each write to the disk before they answer it. SCIMMY finds users by \`id\` and \`userName\` without a search, and its handler cuts pages out; "pages by itself" is its simplest use, a handler that returns all users for SCIMMY to cut.
- Users have an e-mail address and the enterprise extension; half of them, at most 100,000, are members of one group. A change of its members is answered by Muster without the group, whose members are many, and by SCIMMY with all of it.
- The client does at most ${ratioText(headroom)} times what the fastest server here did, against one that answers the same bytes to everything.
`;
}

/** The tables and what became of the targets. */
export function report(results) {
  const peers = PEERS.filter(({ name }) => name !== "itself");
  const itself = PEERS.filter(({ name }) => name === "itself");
  const ratesOf = (which) => results.filter((one) => one[which]).map((one) => ({ ...one, cell: spreadText(one[which]) }));
  const floors = floorTo(results).map((one) => ({ ...one, cell: ratioText(one.ratio) }));
  const tables = [
    {
      title: "Requests per second: Muster's to the peer's",
      text: "Higher is better. The median of the rounds, and in brackets the least and the greatest.",
      table: byOperation(ratesOf("rate"), peers),
    },
    {
      title: "Requests per second: the floor's to the peer's",
      text: "Muster can be no faster than the platform it runs on, so a target above such a ratio is out of reach. Not measured by itself: Muster's median against the peer, divided by its median against the floor, both of the table above. Those peers write to no disk.",
      table: byOperation(floors, peers),
    },
    {
      title: `A request's time: to the same with ${count(FEWEST_USERS)} users`,
      text: "Lower is better.",
      table: byOperation(ratesOf("rate"), itself),
    },
    {
      title: "Requests per second of processor time: Muster's to the peer's",
      text: "Of the server's process. What else the machine does matters less here; what is waited for, a disk, does not count.",
      table: byOperation(ratesOf("processor"), peers),
    },
    {
      title: `A request's processor time: to the same with ${count(FEWEST_USERS)} users`,
      text: "Lower is better.",
      table: byOperation(ratesOf("processor"), itself),
    },
    { title: "Targets", text: "A target holds where the median of requests per second, or of time, does.", table: targetTable(results) },
  ];
  return tables.filter(({ table }) => table).map(({ title, text, table }) => `## ${title}\n\n${text}\n\n${table}\n`).join("\n");
}

/** A row for each number of users and operation, a column for each peer of which there is a cell; none without any. */
function byOperation(cells, all) {
  const peers = all.filter(({ name }) => cells.some(({ peer }) => peer === name));
  if (peers.length === 0) return undefined;
  const sizes = [...new Set(cells.map(({ users }) => users))];
  const rows = sizes.flatMap((users) =>
    OPERATIONS.map(({ name, title }) => {
      const found = (peer) => cells.find((one) => one.users === users && one.operation === name && one.peer === peer.name);
      return [count(users), title, ...peers.map((peer) => found(peer)?.cell ?? NOTHING)];
    }).filter(([, , ...row]) => row.some((cell) => cell !== NOTHING)),
  );
  return table(["users", "operation", ...peers.map(({ title }) => title)], rows);
}

function targetTable(results) {
  const rows = judge(results).map(({ peer, operation, users, least, most, result, holds }) => [
    PEERS.find(({ name }) => name === peer).title,
    titleOf(operation),
    count(users),
    least ? `≥ ${least}` : `≤ ${most}`,
    result ? ratioText(result.rate.median) : "–",
    holds === undefined ? "not measured" : holds ? "holds" : "**does not hold**",
  ]);
  return table(["against", "operation", "users", "target", "measured", ""], rows);
}

/** A table whose columns are also aligned for who reads it as text. */
export function table(head, rows) {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [line(head), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.map(line)].join("\n");
}

/** A ratio to about two digits. */
export function ratioText(ratio) {
  if (ratio >= 10) return count(Math.round(ratio));
  return ratio >= 2 ? ratio.toFixed(1) : ratio.toFixed(2);
}

/** A number with its thousands apart. */
export function count(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

function spreadText({ median, low, high }) {
  return `${ratioText(median)} (${ratioText(low)}–${ratioText(high)})`;
}

function titleOf(operation) {
  return OPERATIONS.find(({ name }) => name === operation).title;
}
