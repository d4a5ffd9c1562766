// What the system says of a process. Linux tells by files, other systems by `ps`.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../run.mjs";

const PROC = "/proc";
const KIB = 1_024;
const NANOSECONDS = 1e9;

/** How many bytes of a process are in memory; on Linux without the pages of files, which come and go. */
export async function residentBytes(pid) {
  const kib = existsSync(PROC)
    ? /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(join(PROC, String(pid), "status"), "utf8"))[1]
    : await run("ps", ["-o", "rss=", "-p", String(pid)]);
  return Number(kib) * KIB;
}

/** For how many seconds a process has had a processor, all its threads together; `undefined` where nobody tells. */
export function processorSeconds(pid) {
  const tasks = join(PROC, String(pid), "task");
  if (!existsSync(join(tasks, String(pid), "schedstat"))) return undefined;
  const spent = (task) => Number(readFileSync(join(tasks, task, "schedstat"), "utf8").split(" ")[0]);
  return readdirSync(tasks).reduce((sum, task) => sum + spent(task), 0) / NANOSECONDS;
}
