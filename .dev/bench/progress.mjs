// How far a long run is: on a terminal one line that is drawn anew, elsewhere a line now and again.

import { duration } from "../run.mjs";

const BAR_CELLS = 24;
const REDRAW_MS = 200;
const LINE_MS = 30_000;

/** Shows that `total` seconds of work are to be done; what it writes goes to standard error. */
export function showProgress(total) {
  const terminal = process.stderr.isTTY;
  const began = Date.now();
  let [done, shown, finished] = [0, 0, false];
  const draw = (what, part, force = false) => {
    if (!force && Date.now() - shown < (terminal ? REDRAW_MS : LINE_MS)) return;
    shown = Date.now();
    // What is slower than was thought is not done for that.
    const share = Math.min(finished ? 1 : 0.99, (done + part) / total);
    const cells = Math.round(share * BAR_CELLS);
    const bar = `[${"#".repeat(cells)}${" ".repeat(BAR_CELLS - cells)}]`;
    const text = `${bar} ${String(Math.floor(share * 100)).padStart(3)} %, ${duration((Date.now() - began) / 1_000)}: ${what}`;
    process.stderr.write(terminal ? `\r\x1b[K${text.slice(0, process.stderr.columns)}` : `${text}\n`);
  };
  return {
    /** What is being done, and how many seconds of it are. */
    at: draw,
    /** So many seconds of the total are done. */
    did: (seconds) => (done += seconds),
    end: () => {
      [done, finished] = [total, true];
      draw("done", 0, true);
      if (terminal) process.stderr.write("\n");
    },
  };
}
