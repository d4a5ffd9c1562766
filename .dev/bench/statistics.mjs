// What is made of the measurements: ratios of pairs, their median and spread, and whether they keep
// what `TARGETS` promises.

/**
 * What Muster is held to: of its requests per second to a peer's at least `least`; of its time for a
 * request at `users` to its time at the fewest users at most `most`. Creates are held to the floor alone:
 * the other peers keep them in memory, which no server that flushes its writes can be asked to outdo.
 * SCIMMY's reads, too, are so fast that the floor is no more than two and a half times as fast.
 */
export const TARGETS = [
  { peer: "floor", operations: ["get", "lookup"], users: 10_000, least: 0.6 },
  { peer: "floor", operations: ["create"], users: 10_000, least: 0.5 },
  { peer: "scimmy", operations: ["get", "lookup"], users: 10_000, least: 1.5 },
  { peer: "scimmy-paging", operations: ["list"], users: 10_000, least: 50 },
  { peer: "scim2-server", operations: ["get", "lookup"], users: 10_000, least: 2 },
  { peer: "scim2-server", operations: ["list"], users: 10_000, least: 50 },
  { peer: "itself", operations: ["get", "lookup", "create", "member"], users: 1_000_000, most: 1.5 },
];

/** The middle of some numbers, and the least and the greatest. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  return { median, low: sorted[0], high: sorted.at(-1) };
}

/**
 * The ratios of rounds, each of which measured both, as what a reader wants to know: how often as fast
 * Muster is as a peer, and how often as long it takes as it does with the fewest users.
 */
export function compare(peer, rounds) {
  const inverse = peer === "itself";
  const ratio = (ours, theirs) => (inverse ? theirs / ours : ours / theirs);
  const rates = rounds.map(({ ours, theirs }) => ratio(ours.count / ours.seconds, theirs.count / theirs.seconds));
  const counted = rounds.filter(({ ours, theirs }) => ours.processor > 0 && theirs.processor > 0);
  const costs = counted.map(({ ours, theirs }) => ratio(ours.count / ours.processor, theirs.count / theirs.processor));
  return { rate: spread(rates), processor: costs.length > 0 ? spread(costs) : undefined };
}

/**
 * What the floor's requests per second are to those of the other peers, where Muster was measured against
 * both: the quotient of the medians of its ratios to them.
 */
export function floorTo(results) {
  const floors = results.filter(({ peer }) => peer === "floor");
  return results
    .filter(({ peer }) => peer !== "floor" && peer !== "itself")
    .flatMap(({ users, peer, operation, rate }) => {
      const floor = floors.find((one) => one.users === users && one.operation === operation);
      return floor ? [{ users, peer, operation, ratio: rate.median / floor.rate.median }] : [];
    });
}

/** What has become of the targets: each with the result that it is about, if there is one, and whether that keeps it. */
export function judge(results) {
  return TARGETS.flatMap(({ operations, ...target }) =>
    operations.map((operation) => {
      const isMeant = (one) => one.peer === target.peer && one.operation === operation && one.users === target.users;
      const result = results.find(isMeant);
      return { ...target, operation, result, holds: result && keeps(result, target) };
    }),
  );
}

function keeps({ rate: { median } }, { least = 0, most = Infinity }) {
  return least <= median && median <= most;
}
