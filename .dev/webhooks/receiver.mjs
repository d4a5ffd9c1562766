// A receiver of webhooks on this machine: it keeps what it is sent, and answers as it is told.

import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { StepFailed } from "../perform.mjs";

const WAIT_SECONDS = 30;

/** Starts a receiver. `answers[path]` is given a message and returns `{status, headers, body, after}`. */
export async function startReceiver() {
  const messages = [];
  const answers = {};
  const open = new Set();
  const server = createServer((request, response) => {
    open.add(response);
    let body = "";
    request.setEncoding("utf8").on("data", (text) => (body += text));
    request.on("end", async () => {
      const { headers, url: path } = request;
      const isToken = headers["content-type"] === "application/secevent+jwt";
      const event = isToken ? undefined : JSON.parse(body);
      const message = { path, headers, body, event, id: headers["webhook-id"], at: Date.now() };
      messages.push(message);
      const { status = 204, headers: more = {}, body: text = "", after = 0 } = (await answers[path]?.(message)) ?? {};
      if (after > 0) await sleep(after);
      open.delete(response);
      if (!response.destroyed) response.writeHead(status, more).end(status === 204 ? undefined : text);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const at = (path) => messages.filter((message) => message.path === path);
  return {
    url,
    answers,
    at,
    /** Waits until so many messages, or ones for which `holds`, have come to a path; they. */
    async until(path, holds, seconds = WAIT_SECONDS) {
      const is = typeof holds === "number" ? (all) => all.length >= holds : holds;
      const deadline = Date.now() + seconds * 1_000;
      while (!is(at(path))) {
        if (Date.now() > deadline) {
          throw new StepFailed(`${path} was not sent what it waits for, but ${JSON.stringify(at(path), null, 1)}`);
        }
        await sleep(20);
      }
      return at(path);
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
