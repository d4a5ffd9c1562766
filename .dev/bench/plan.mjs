// What a run consists of: the options, and from them the pairs that are measured.

import { parseArgs } from "node:util";
import { Problem } from "../run.mjs";
import { OPERATIONS } from "./operations.mjs";

const FLOOR = ["get", "lookup", "patch", "list", "create"];
const SCIM = ["get", "lookup", "patch", "member", "list", "search", "create"];

/** Those that Muster is compared with, up to how many users, and by which operations. */
export const PEERS = [
  { name: "floor", title: "the floor", operations: FLOOR },
  { name: "scimmy", title: "SCIMMY", usersMax: 10_000, operations: SCIM },
  { name: "scimmy-paging", title: "SCIMMY, pages by itself", usersMax: 10_000, operations: ["list"] },
  { name: "scim2-server", title: "scim2-server", usersMax: 10_000, operations: SCIM },
  { name: "itself", title: "itself", operations: [...SCIM, "group"] },
];

/** With how many users Muster is compared with itself. */
export const FEWEST_USERS = 1_000;

const SIZE_STEP = 200;

const USAGE = `Usage: npm run bench [-- OPTIONS]
  --sizes N,N            users in the tenant, multiples of 200: 1000,10000,100000,1000000
  --peers P,P            ${PEERS.map(({ name }) => name).join(",")}
  --operations O,O       ${OPERATIONS.map(({ name }) => name).join(",")}
  --rounds N             how often each pair is measured: 7
  --seconds N            for how long each of a pair, each time: 0.7
  --connections N        how many requests are under way at once: 16
  --output FILE          where the results go; BENCHMARKS.md, if nothing is left out by the options above`;

const OPTIONS = {
  sizes: { type: "string", default: "1000,10000,100000,1000000" },
  peers: { type: "string", default: PEERS.map(({ name }) => name).join(",") },
  operations: { type: "string", default: OPERATIONS.map(({ name }) => name).join(",") },
  rounds: { type: "string", default: "7" },
  seconds: { type: "string", default: "0.7" },
  connections: { type: "string", default: "16" },
  output: { type: "string" },
};

/** The options of the command line. */
export function readOptions(args) {
  const { values } = parsed(args);
  const among = (text, names) => text.split(",").map((name) => (names.includes(name) ? name : usage(`What is ${name}?`)));
  const isWhole = Object.entries(OPTIONS).every(([name, option]) => !option.default || values[name] === option.default);
  return {
    sizes: values.sizes.split(",").map(size).sort((a, b) => a - b),
    peers: among(values.peers, PEERS.map(({ name }) => name)),
    operations: among(values.operations, OPERATIONS.map(({ name }) => name)),
    rounds: whole(values.rounds, 1),
    seconds: Number(values.seconds) > 0 ? Number(values.seconds) : usage("--seconds is a number above 0"),
    connections: whole(values.connections, 1),
    command: ["npm run bench", ...(args.length > 0 ? ["--", ...args] : [])].join(" "),
    output: values.output ?? (isWhole ? "BENCHMARKS.md" : undefined),
  };
}

/** The pairs: for each number of users, whom Muster is compared with, and by what. */
export function pairs({ sizes, peers, operations }) {
  return sizes.flatMap((users) =>
    PEERS.filter(({ name }) => peers.includes(name))
      .filter(({ name, usersMax = Infinity }) => users <= usersMax && !(name === "itself" && users <= FEWEST_USERS))
      .map((peer) => ({ users, peer, operations: OPERATIONS.filter(({ name }) => operations.includes(name) && peer.operations.includes(name)) }))
      .filter((pair) => pair.operations.length > 0),
  );
}

function parsed(args) {
  try {
    return parseArgs({ args, options: OPTIONS });
  } catch (error) {
    return usage(error.message);
  }
}

/** A page and half of the users are whole numbers of them. */
function size(text) {
  const users = whole(text, SIZE_STEP);
  return users % SIZE_STEP === 0 ? users : usage(`${text} is no multiple of ${SIZE_STEP}`);
}

function whole(text, least) {
  const number = Number(text);
  return Number.isInteger(number) && number >= least ? number : usage(`${text} is no whole number of at least ${least}`);
}

function usage(problem) {
  throw new Problem(`${problem}\n${USAGE}`);
}
