// What is computed of the measurements, and that the client sees what a server does wrong.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { WrongAnswer, message, sendFor } from "./load.mjs";
import { OPERATIONS } from "./operations.mjs";
import { pairs, readOptions } from "./plan.mjs";
import { count, ratioText, report, table } from "./report.mjs";
import { compare, floorTo, judge, spread } from "./statistics.mjs";
import { importLines, userId } from "./users.mjs";

const turn = (count, seconds = 1, processor = 0.5) => ({ count, seconds, processor });

test("the median of an even number of values is between the two in the middle", () => {
  assert.deepEqual(spread([3, 1, 2]), { median: 2, low: 1, high: 3 });
  assert.deepEqual(spread([4, 1, 2, 10]), { median: 3, low: 1, high: 10 });
});

test("a ratio is of what a round measured of both", () => {
  const rounds = [
    { ours: turn(600), theirs: turn(1_000) },
    { ours: turn(300, 0.5), theirs: turn(600) },
    { ours: turn(400), theirs: turn(200, 0.5, 0.1) },
  ];
  const { rate, processor } = compare("floor", rounds);
  assert.deepEqual(rate, { median: 1, low: 0.6, high: 1 });
  assert.deepEqual(processor, { median: 0.5, low: 0.4, high: 0.6 });
});

test("against itself the ratio is of times", () => {
  const { rate } = compare("itself", [{ ours: turn(500), theirs: turn(1_000) }]);
  assert.equal(rate.median, 2);
});

test("without counts of processor time there is no ratio of it", () => {
  const uncounted = { count: 1, seconds: 1, processor: undefined };
  assert.equal(compare("floor", [{ ours: uncounted, theirs: uncounted }]).processor, undefined);
});

test("a target holds if the median does, at the size that it is about", () => {
  const result = (peer, operation, users, median) => ({ peer, operation, users, rate: { median } });
  const results = [
    result("floor", "get", 1_000, 0.7),
    result("floor", "get", 10_000, 0.59),
    result("floor", "create", 10_000, 0.5),
    result("floor", "create", 100_000, 0.4),
    result("scimmy-paging", "list", 1_000, 51),
    result("itself", "member", 1_000_000, 1.5),
    result("itself", "get", 1_000_000, 1.51),
  ];
  const of = (peer, operation) => judge(results).find((one) => one.peer === peer && one.operation === operation).holds;
  assert.equal(of("floor", "get"), false);
  assert.equal(of("floor", "create"), true);
  assert.equal(of("scimmy-paging", "list"), undefined);
  assert.equal(of("itself", "member"), true);
  assert.equal(of("itself", "get"), false);
});

test("what the floor is to a peer follows from what Muster is to both", () => {
  const result = (peer, operation, users, median) => ({ peer, operation, users, rate: { median, low: median, high: median } });
  const results = [
    result("floor", "create", 1_000, 0.5),
    result("scimmy", "create", 1_000, 0.8),
    result("scimmy", "create", 10_000, 0.7),
    result("scimmy", "member", 1_000, 90),
    result("itself", "create", 1_000, 1),
  ];
  assert.deepEqual(floorTo(results), [{ users: 1_000, peer: "scimmy", operation: "create", ratio: 1.6 }]);
  const shown = report(results).split("## ").find((part) => part.includes("the floor's to the peer's"));
  assert.match(shown, /\| users +\| operation +\| SCIMMY +\|\n.*\n\| 1,000 +\| create +\| 1\.60 +\|\n+$/);
});

test("numbers and tables are for reading", () => {
  assert.deepEqual([0.456, 1.994, 2.04, 9.96, 51.4, 12_345].map(ratioText), ["0.46", "1.99", "2.0", "10.0", "51", "12,345"]);
  assert.deepEqual([1, 1_000, 1_000_000].map(count), ["1", "1,000", "1,000,000"]);
  assert.equal(table(["a", "b"], [["long one", "x"]]), "| a        | b   |\n|----------|-----|\n| long one | x   |");
});

test("a whole run measures each peer up to its size, and only such a run is kept", () => {
  const options = readOptions([]);
  assert.equal(options.output, "BENCHMARKS.md");
  const plan = pairs(options).map(({ users, peer }) => `${peer.name} ${users}`);
  assert.ok(plan.includes("scimmy 10000") && !plan.includes("scimmy 100000"));
  assert.ok(plan.includes("itself 1000000") && !plan.includes("itself 1000"));
  assert.equal(readOptions(["--rounds", "3"]).output, undefined);
  assert.throws(() => readOptions(["--sizes", "few"]), /whole number/);
  assert.throws(() => readOptions(["--peers", "nobody"]), /nobody/);
});

test("an import has the users, the group and half of them as its members", () => {
  const lines = [...importLines(200)];
  assert.equal(lines.length, 200 + 1 + 100);
  assert.equal(lines[199].document.id, userId(200));
  assert.equal(new Set(lines.slice(0, 201).map(({ document }) => document.id)).size, 201);
});

test("each PATCH of `active` changes something, and a member is removed only after it was added", () => {
  const server = { users: 200, base: "", headers: {} };
  const bodies = (name, requests) => {
    const { next } = OPERATIONS.find((operation) => operation.name === name).of(server);
    return Array.from({ length: requests }, () => next().split("\r\n"));
  };
  const actives = new Map();
  for (const lines of bodies("patch", 600)) {
    const { value } = JSON.parse(lines.at(-1)).Operations[0];
    assert.notEqual(actives.get(lines[0]) ?? true, value);
    actives.set(lines[0], value);
  }
  const members = new Set();
  for (const lines of bodies("member", 500)) {
    const [{ op, path, value }] = JSON.parse(lines.at(-1)).Operations;
    if (op === "add") assert.ok(!members.has(value[0].value) && members.add(value[0].value));
    else assert.ok(members.delete(path.split('"')[1]));
  }
});

test("answers are read whole, however they arrive", async () => {
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  const sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde";
  const closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nabcde";
  for (const answer of [chunked, sized, closing]) {
    const bodies = new Set();
    const { count } = await talk(answer, (status, body) => void bodies.add(`${status} ${body}`));
    assert.ok(count >= 2, answer);
    assert.deepEqual([...bodies], ["200 abcde"]);
  }
});

test("a wrong answer, or none, is an error", async () => {
  const check = (status) => (status === 200 ? undefined : "not 200");
  await assert.rejects(talk("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", check), (error) => {
    return error instanceof WrongAnswer && /not 200: status 500, no/.test(error.message);
  });
  await assert.rejects(talk("", check), WrongAnswer);
});

/** Asks a server that gives an answer in two pieces; none at all closes the connection. */
async function talk(answer, check) {
  const server = createServer((socket) => {
    socket.setNoDelay(true).on("error", () => {});
    socket.on("data", () => {
      const half = answer.length >> 1;
      socket.write(answer.slice(0, half));
      setImmediate(() => (/^$|connection: close/i.test(answer) ? socket.end(answer.slice(half)) : socket.write(answer.slice(half))));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address();
    return await sendFor(0.05, { port, connections: 2, next: () => message("GET", "/"), check });
  } finally {
    server.close();
  }
}
