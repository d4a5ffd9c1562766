// Webhooks over HTTP, to receivers on this machine that verify them with Standard Webhooks' own library:
// signatures and their rotation, order, receivers that fail, are slow, are gone, or say when to come
// again, and a runtime that is killed while messages are on their way; and security event tokens, which
// jose verifies by the tenant's JWKS.

import { createPublicKey, verify } from "node:crypto";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { StepFailed, expect } from "./perform.mjs";
import { configurationWithoutBuild, serveWith, withWorkerLog } from "./serve.mjs";
import { startReceiver } from "./webhooks/receiver.mjs";
import { freshVariables, makeKey, makeTenant, request, scimBase } from "./worker.mjs";

/** What verifies is asked for once it is needed: set-up installs it, and needs this file to begin. */
const require = createRequire(import.meta.url);
const jose = () => require("jose");

const KILLS = 3;
const USERS = 12;
const UPDATES = 4;
const PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/** What stands before the 32 bytes of an Ed25519 public key in its DER form (RFC 8410 §4). */
const ED25519 = Buffer.from("302a300506032b6570032100", "hex");

/** The step. */
export async function webhooks({ tools }) {
  const served = await serveWith(tools, freshVariables(), configurationWithoutBuild());
  const receiver = await startReceiver();
  const parts = [signatures, names, tokens, answers, order, slowness, endings, suspension, costs, survival];
  const state = { worker: served.worker };
  try {
    for (const part of parts) {
      const tenant = await made(state, part.name);
      const worker = { output: () => state.worker.output() };
      await withWorkerLog(worker, () => part({ tenant, receiver, served, state }));
    }
  } finally {
    await state.worker.stop();
    receiver.stop();
  }
  return { passed: parts.length, failed: 0 };
}

/** A tenant, and what is asked of it. */
async function made(state, name) {
  await makeTenant(state.worker, name);
  const token = await makeKey(state.worker, name, { scopes: ["scim"] });
  const send = async (method, url, token, body, expected, header, headers) => {
    const response = await request(url, { method, token, body, headers });
    const text = await response.text();
    if (response.status !== expected) throw new StepFailed(`${method} ${url}: ${response.status} ${text}`);
    return header ? response.headers.get(header) : text && JSON.parse(text);
  };
  return {
    later(Operations) {
      const body = { schemas: [BULK], Operations };
      return send("POST", `${scimBase(state.worker, name)}/Bulk`, token, body, 202, "set-txn", { prefer: "respond-async" });
    },
    issuer: `${state.worker.url}/t/${name}`,
    admin: (method, path, body, expected = 200) =>
      send(method, `${state.worker.url}/v1/tenants/${name}${path}`, state.worker.adminToken, body, expected),
    stream(id, url, more = {}) {
      return this.admin("POST", "/streams", { id, url, types: ["user.*"], ...more }, 201);
    },
    async user(userName) {
      return (await send("POST", `${scimBase(state.worker, name)}/Users`, token, { userName }, 201)).id;
    },
    retitle: (id, value, header) =>
      send(
        "PATCH",
        `${scimBase(state.worker, name)}/Users/${id}`,
        token,
        { schemas: [PATCH_OP], Operations: [{ op: "replace", path: "title", value }] },
        200,
        header,
      ),
  };
}

/** Whether a message is signed, by the library. */
function isSigned(secret, { body, headers }) {
  const { Webhook } = require("standardwebhooks");
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

/** Whether it is signed with a pair of keys, by OpenSSL. */
function isSignedByPair(publicKey, { body, headers }) {
  const raw = Buffer.from(publicKey.replace("whpk_", ""), "base64");
  const key = createPublicKey({ key: Buffer.concat([ED25519, raw]), format: "der", type: "spki" });
  const text = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const signatures = headers["webhook-signature"].split(" ").map((one) => one.split(","));
  const of = ([version, signature]) =>
    version === "v1a" && verify(null, Buffer.from(text), key, Buffer.from(signature, "base64"));
  return signatures.some(of);
}

async function signatures({ tenant, receiver }) {
  const { secret } = await tenant.stream("shared", `${receiver.url}/shared`);
  const { publicKey } = await tenant.stream("pair", `${receiver.url}/pair`, { signature: "v1a" });
  const ada = await tenant.user("ada");
  const [shared] = await receiver.until("/shared", 1);
  const [pair] = await receiver.until("/pair", 1);
  expect("the same event", shared.body, pair.body);
  expect("whom it is about", shared.event.data.id, ada);
  expect("the shared secret", isSigned(secret, shared), true);
  expect("another secret", isSigned(`whsec_${Buffer.alloc(32).toString("base64")}`, shared), false);
  expect("another body", isSigned(secret, { ...shared, body: `${shared.body} ` }), false);
  expect("the pair of keys", isSignedByPair(publicKey, pair), true);
  expect("another body", isSignedByPair(publicKey, { ...pair, body: `${pair.body} ` }), false);

  const rotated = await tenant.admin("POST", "/streams/shared/rotate-secret", { overlap: "PT1H" });
  const turned = await tenant.admin("POST", "/streams/pair/rotate-secret", {});
  await tenant.user("bob");
  const [, both] = await receiver.until("/shared", 2);
  expect("signatures", both.headers["webhook-signature"].split(" ").length, 2);
  expect("both secrets", isSigned(secret, both) && isSigned(rotated.secret, both), true);
  const [, pairs] = await receiver.until("/pair", 2);
  expect("both pairs", isSignedByPair(publicKey, pairs) && isSignedByPair(turned.publicKey, pairs), true);

  const tested = await tenant.admin("POST", "/streams/shared/test");
  expect("a test", `${tested.delivered} ${tested.status}`, "true 204");
  expect("its message", receiver.at("/shared").at(-1).id, tested.id);
  receiver.answers["/shared"] = () => ({ status: 401, body: "x".repeat(5_000) });
  const refused = await tenant.admin("POST", "/streams/shared/test");
  expect("a test that fails", refused.reason, "401 invalid authentication");
  expect("how much of its answer is kept", refused.answer.length, 2_048);
  const moved = `${receiver.url}/elsewhere`;
  receiver.answers["/shared"] = () => ({ status: 302, headers: { location: moved } });
  const redirected = await tenant.admin("POST", "/streams/shared/test");
  expect("a redirect", redirected.status, 302);
  expect("where it leads", receiver.at("/elsewhere").length, 0);
  await tenant.admin("POST", "/streams", { url: "http://localhost:1/" }, 422);
}

/** Tokens verify by the keys that anybody reads, before and after a rotation. */
async function tokens({ tenant, receiver }) {
  const { issuer } = tenant;
  const jwks = new URL(`${issuer}/.well-known/jwks.json`);
  const verified = (message, keys = jose().createRemoteJWKSet(jwks)) =>
    jose().jwtVerify(message.body, keys, { issuer, audience: "crm", typ: "secevent+jwt", algorithms: ["ES256"] });
  receiver.answers["/set"] = () => ({ status: 202 });
  const made = { kind: "setPush", audience: "crm", authorization: "Bearer rosebud" };
  const { keyId } = await tenant.stream("crm", `${receiver.url}/set`, made);
  const ada = await tenant.user("ada");
  const [first] = await receiver.until("/set", 1);
  expect("who is asked", `${first.headers.authorization} ${first.headers.accept}`, "Bearer rosebud application/json");
  expect("the key", jose().decodeProtectedHeader(first.body).kid, keyId);
  const { payload } = await verified(first);
  expect("whom it is about", JSON.stringify(payload.sub_id), JSON.stringify({ format: "scim", uri: `/Users/${ada}` }));
  expect("what befell", Object.keys(payload.events).join(), "urn:ietf:params:scim:event:prov:create:notice");

  const kept = jose().createRemoteJWKSet(jwks, { cooldownDuration: 0 });
  await verified(first, kept);
  const turned = await tenant.admin("POST", "/streams/crm/rotate-secret", { overlap: "PT1H" });
  await tenant.retitle(ada, "1");
  const [, second] = await receiver.until("/set", 2);
  expect("the new key", jose().decodeProtectedHeader(second.body).kid, turned.keyId);
  await verified(second, kept);
  await verified(first);
  const [header, claims, signature] = second.body.split(".");
  const forged = { body: [header, claims, signature.split("").reverse().join("")].join(".") };
  const isRefused = await verified(forged).then(() => false, () => true);
  expect("another signature", isRefused, true);

  const tested = await tenant.admin("POST", "/streams/crm/test");
  expect("a test", `${tested.delivered} ${tested.status}`, "true 202");
  const test = await verified(receiver.at("/set").at(-1));
  expect("its token", test.payload.jti, tested.id);
  const refusal = JSON.stringify({ err: "invalid_audience", description: "not mine" });
  receiver.answers["/set"] = () => ({ status: 400, body: refusal });
  const refused = await tenant.admin("POST", "/streams/crm/test");
  expect("a token that is refused", `${refused.reason} ${refused.answer}`, `400 invalid_audience ${refusal}`);
  await tenant.admin("POST", "/streams/crm/rotate-secret", { overlap: "PT0S" });
  const isForgotten = await verified(second).then(() => false, () => true);
  expect("a key that is no longer known", isForgotten, true);
  const { keyId: polledKey } = await tenant.stream("asked", undefined, { kind: "setPoll", audience: "crm" });
  const poll = (body) => tenant.admin("POST", "/streams/asked/poll", { returnImmediately: true, ...body });
  const waits = tenant.admin("POST", "/streams/asked/poll", {});
  await tenant.retitle(ada, "2");
  const [[jti, token]] = Object.entries((await waits).sets);
  expect("the key of what was asked for", jose().decodeProtectedHeader(token).kid, polledKey);
  const polled = await verified({ body: token });
  expect("its name", polled.payload.jti, jti);
  const again = await tenant.admin("POST", "/streams/asked/rotate-secret", {});
  const { sets } = await poll({});
  expect("the new key", jose().decodeProtectedHeader(sets[jti]).kid, again.keyId);
  await verified({ body: sets[jti] });
  await verified({ body: token });
  expect("what is left", JSON.stringify(await poll({ ack: [jti] })), '{"sets":{},"moreAvailable":false}');
  const stranger = await fetch(new URL("/t/nobody/.well-known/jwks.json", issuer));
  expect("who has no keys", `${stranger.status} ${await stranger.text()}`, '200 {"keys":[]}');
}

/** Kills the runtime, and starts it again with the state that it left. */
async function killed({ served, state }) {
  process.kill(-state.worker.pid, "SIGKILL");
  await state.worker.ended;
  state.worker = await served.again();
}

/**
 * What became of a request that is answered later, its client hears by tokens (RFC 9967 §2.5.1), though
 * nobody asks anything once the runtime was killed.
 */
async function answers({ tenant, receiver, served, state }) {
  const { issuer } = tenant;
  await tenant.stream("crm", `${receiver.url}/answers`, { kind: "setPush", audience: "crm", types: ["async.*"] });
  const post = (bulkId) => ({ method: "POST", path: "/Users", bulkId, data: { userName: "ada" } });
  const txn = await tenant.later([post("one"), post("other")]);
  await killed({ served, state });
  const all = (sent) => new Set(sent.map(({ body }) => jose().decodeJwt(body).txn)).size === 3;
  const messages = await receiver.until("/answers", all);
  const keys = jose().createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
  const told = new Map();
  for (const { body } of messages) {
    const { payload } = await jose().jwtVerify(body, keys, { issuer, audience: "crm", typ: "secevent+jwt" });
    const answer = payload.events["urn:ietf:params:scim:event:misc:asyncresp"];
    told.set(payload.txn, `${answer.method} ${answer.status} ${answer.location === `${issuer}/scim/v2${payload.sub_id.uri}`}`);
  }
  expect("what was made", told.get(`${txn}:0`), "POST 201 true");
  expect("what was refused", told.get(`${txn}:1`), "POST 409 false");
  expect("the request itself", told.get(txn), "POST 200 true");
}

/** A message has what a user is to its application, by the names that it knows. */
async function names({ tenant, receiver }) {
  const attributes = [{ target: "login", source: "userName" }];
  await tenant.admin("PUT", "/attribute-maps", { items: [{ id: "crm", targets: ["login"], attributes }] });
  await tenant.stream("crm", `${receiver.url}/names`, { attributeMap: "crm" });
  await tenant.user("ada");
  const [{ event }] = await receiver.until("/names", 1);
  expect("what is mapped", JSON.stringify(event.data.mapped), '{"login":"ada"}');
}

/** A tenant that is suspended sends nothing, and what has happened meanwhile once it is served again. */
async function suspension({ tenant, receiver }) {
  await tenant.stream("crm", `${receiver.url}/suspension`, { types: ["user.*", "key.created"] });
  await tenant.user("ada");
  await receiver.until("/suspension", 1);
  await tenant.admin("PATCH", "", { status: "suspended" });
  await tenant.admin("POST", "/keys", { name: "x", scopes: ["scim"] }, 201);
  await sleep(3_000);
  expect("what it is sent meanwhile", receiver.at("/suspension").length, 1);
  await tenant.admin("PATCH", "", { status: "active" });
  await tenant.user("bob");
  const [, key, bob] = await receiver.until("/suspension", 3);
  const kinds = [key, bob].map(({ event }) => event.type).sort();
  expect("what it is sent then", kinds.join(), "key.created,user.created");
}

/** What fails holds back what is about the same, and nothing else. */
async function order({ tenant, receiver }) {
  await tenant.stream("crm", `${receiver.url}/order`);
  const [ada, bob] = [await tenant.user("ada"), await tenant.user("bob")];
  await receiver.until("/order", 2);
  let failures = 1;
  receiver.answers["/order"] = ({ event }) =>
    event.data.id === ada && failures-- > 0 ? { status: 500, body: "down" } : {};
  await tenant.retitle(ada, "1");
  await receiver.until("/order", 3);
  await tenant.retitle(ada, "2");
  for (const title of ["1", "2", "3"]) await tenant.retitle(bob, title);
  await receiver.until("/order", (all) => all.filter(({ event }) => event.data.id === bob).length === 4);
  const titles = () => receiver.at("/order").filter(({ event }) => event.data.id === ada).slice(1);
  expect("what came of ada meanwhile", titles().length, 1);
  const shown = await tenant.admin("GET", "/streams/crm/deliveries?status=retrying");
  expect("the log", `${shown.items.length} ${shown.items[0].reason} ${shown.items[0].answer}`, "1 500 the receiver failed down");
  await receiver.until("/order", (all) => all.length >= 8);
  const seqs = titles().map(({ event }) => event.data.seq);
  expect("the order", seqs.join(), [seqs[0], seqs[0], seqs[0] + 1].join());
  expect("the id of what came twice", titles()[0].id, titles()[1].id);
}

/** Who is slow holds up neither requests nor other streams. */
async function slowness({ tenant, receiver }) {
  receiver.answers["/slow"] = () => ({ after: 60_000 });
  await tenant.stream("slow", `${receiver.url}/slow`);
  await tenant.stream("quick", `${receiver.url}/quick`);
  await tenant.user("first");
  await receiver.until("/slow", 1);
  const began = Date.now();
  for (let number = 0; number < 20; number += 1) await tenant.user(`u${number}`);
  const asked = Date.now() - began;
  if (asked > 5_000) throw new StepFailed(`20 requests took ${asked} ms beside a slow receiver`);
  await receiver.until("/quick", 21, 10);
  expect("what the slow one has by then", receiver.at("/slow").length, 1);
  const late = async () => (await tenant.admin("GET", "/streams/slow/deliveries?status=retrying")).items;
  const deadline = Date.now() + 30_000;
  while ((await late()).length === 0 && Date.now() < deadline) await sleep(200);
  expect("why", (await late())[0]?.reason, "no answer within 15 seconds");
}

/** Who is gone is asked no more; who wants to be left alone is, for so long. */
async function endings({ tenant, receiver }) {
  receiver.answers["/gone"] = () => ({ status: 410 });
  receiver.answers["/busy"] = () => ({ status: 429, headers: { "retry-after": "8" } });
  await tenant.stream("gone", `${receiver.url}/gone`);
  await tenant.stream("busy", `${receiver.url}/busy`);
  await tenant.user("ada");
  const [{ at }] = await receiver.until("/busy", 1);
  delete receiver.answers["/busy"];
  await receiver.until("/gone", 1);
  await tenant.user("bob");
  await receiver.until("/busy", 3);
  const [, second] = receiver.at("/busy");
  if (second.at - at < 8_000) throw new StepFailed(`it came again after ${second.at - at} ms`);
  expect("messages to who is gone", receiver.at("/gone").length, 1);
  const { state, disabledReason } = await tenant.admin("GET", "/streams/gone");
  expect("its stream", `${state} ${disabledReason}`, "disabled 410 gone");
}

/** A change costs as many rows with ten streams as without, as the database counts them. */
async function costs({ tenant, receiver }) {
  const id = await tenant.user("ada");
  const written = async (title) => (await tenant.retitle(id, title, "server-timing")).match(/written;desc="(\d+)"/)[1];
  await written("1");
  const without = await written("2");
  for (let number = 0; number < 10; number += 1) await tenant.stream(`s${number}`, `${receiver.url}/costs`);
  await written("3");
  await receiver.until("/costs", 10);
  expect("rows written", await written("4"), without);
  await receiver.until("/costs", 20);
  const ids = new Set(receiver.at("/costs").map((message) => message.id));
  expect("events", ids.size, 2);
}

/** Whenever the runtime is killed, every event comes at least once, those of a user in their order. */
async function survival({ tenant, receiver, served, state }) {
  receiver.answers["/survival"] = () => ({ after: 30 });
  await tenant.stream("crm", `${receiver.url}/survival`);
  const ids = [];
  for (let number = 0; number < USERS; number += 1) ids.push(await tenant.user(`u${number}`));
  const { after: seq } = await tenant.admin("GET", "/streams/crm");
  for (let kill = 0; kill < KILLS; kill += 1) {
    for (let update = 0; update < UPDATES; update += 1) {
      for (const id of ids) await tenant.retitle(id, `${kill}.${update}`);
    }
    await sleep(kill * 400);
    await killed({ served, state });
  }
  const all = USERS * (1 + KILLS * UPDATES);
  const events = (messages) => [...new Map(messages.map((message) => [message.id, message])).values()];
  const messages = events(await receiver.until("/survival", (sent) => events(sent).length >= all, 60));
  expect("events", messages.length, all);
  for (const id of ids) {
    const seqs = messages.filter(({ event }) => event.data.id === id).map(({ event }) => event.data.seq);
    expect("their order", seqs.join(), [...seqs].sort((one, other) => one - other).join());
  }
  expect("the first place", Number.isInteger(seq), true);
}
