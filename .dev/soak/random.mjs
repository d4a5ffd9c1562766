// Chance that can be had again: the same seed, the same numbers. A part says its seed where it fails.

import { createHash, randomInt } from "node:crypto";

const SEED_MAX = 2 ** 32;
const NUMBER_BYTES = 4;

/** A seed that nobody has chosen. */
export function freshSeed() {
  return randomInt(SEED_MAX);
}

/** A source of chance: digests of the seed and a count, number by number. */
export function random(seed) {
  let digests = 0;
  let bytes = Buffer.alloc(0);
  const next = () => {
    if (bytes.length === 0) bytes = createHash("sha256").update(`${seed} ${(digests += 1)}`).digest();
    const number = bytes.readUInt32LE() / 2 ** (8 * NUMBER_BYTES);
    bytes = bytes.subarray(NUMBER_BYTES);
    return number;
  };
  const below = (bound) => Math.floor(next() * bound);
  return {
    /** A whole number from 0 to below `bound`. */
    below,
    /** True once in `times`. */
    once: (times) => below(times) === 0,
    /** One of a list. */
    pick: (list) => list[below(list.length)],
    /** So many of a list, each at most once. */
    sample: (list, count) => shuffled(list, below).slice(0, count),
  };
}

function shuffled(list, below) {
  const copy = [...list];
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const other = below(last + 1);
    [copy[last], copy[other]] = [copy[other], copy[last]];
  }
  return copy;
}
