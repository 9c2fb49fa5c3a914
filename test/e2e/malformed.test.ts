/**
 * Bytes that no client should send, from connections of their own. The process lives, the answer is the status that
 * gRPC has for it where one can be given, nothing is left open, and whoever is subscribed notices nothing.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { loadContracts } from "../../src/transport/grpc/index.ts";
import { servedHub } from "../support/grpc-served-hub.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { assertComplete } from "./support/checker.ts";
import { client } from "./support/client-process.ts";
import { History } from "./support/history.ts";
import { opens } from "./support/server-streams.ts";

failOnLeaks();

const { fanout, longlived } = loadContracts();
const SUBSCRIBE = fanout.Subscribe.path;
const REQUEST = fanout.Subscribe.requestSerialize({ patterns: ["nothing"] });
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = Buffer.from("000000040000000000", "hex");
/** Random, but the same every time. */
const SEED = 20_240_607;

interface Attack {
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body: Uint8Array;
}

/** A message behind its header, which may lie. */
function framed(message: Uint8Array, { flag = 0, length = message.byteLength } = {}): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt8(flag, 0);
  header.writeUInt32BE(length, 1);
  return Buffer.concat([header, message]);
}

/** What the server answers: a gRPC status, an HTTP status where that is not 200, or nothing before it hung up. */
async function answerTo(address: string, { path = SUBSCRIBE, headers, body }: Attack): Promise<string> {
  const session = connectHttp2(`http://${address}`);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  stream.on("error", () => {});
  let answer = "nothing";
  const read = (received: Record<string, unknown>): void => {
    const http = received[":status"];
    const grpc = received["grpc-status"];
    if (http !== undefined && http !== 200) answer = `HTTP ${String(http)}`;
    else if (grpc !== undefined) answer = status[Number(grpc)] ?? String(grpc);
    else if (http === 200) answer = "live";
    // Bytes may happen to be a request; a subscription goes on for ever.
    if (answer === "live") stream.close();
  };
  stream.on("response", read);
  stream.on("trailers", read);
  stream.resume();
  stream.end(body);
  await once(stream, "close");
  session.destroy();
  return answer;
}

const TEXT = { "content-type": "text/plain" };
const GARBAGE = Buffer.from("ff".repeat(8), "hex");

for (const [what, attack, expected] of [
  ["a request without a message", { body: new Uint8Array(0) }, "UNIMPLEMENTED"],
  ["half a header", { body: Buffer.from([0, 0, 0]) }, "UNIMPLEMENTED"],
  ["a length that promises more than comes", { body: framed(REQUEST, { length: 1000 }) }, "UNIMPLEMENTED"],
  ["a length of 4 GiB", { body: framed(REQUEST, { length: 2 ** 32 - 1 }) }, "RESOURCE_EXHAUSTED"],
  [
    "two messages for one request",
    { body: Buffer.concat([framed(REQUEST), framed(REQUEST)]) },
    "UNIMPLEMENTED",
  ],
  ["bytes that are no request", { body: framed(GARBAGE) }, "INTERNAL"],
  ["a message that is not compressed as it says", compressed("gzip"), "INTERNAL"],
  ["a compression nobody knows", compressed("br"), "UNIMPLEMENTED"],
  ["a deadline that is none", { headers: { "grpc-timeout": "soon" }, body: framed(REQUEST) }, "INTERNAL"],
  ["a content type that is not gRPC", { headers: TEXT, body: framed(REQUEST) }, "HTTP 415"],
  ["a method nobody has", { path: "/no.Such/Method", body: framed(REQUEST) }, "UNIMPLEMENTED"],
  ["no request to Longlived", { path: longlived.Unsubscribe.path, body: framed(GARBAGE) }, "INTERNAL"],
  ["nothing that can be published", { path: fanout.Publish.path, body: framed(GARBAGE) }, "INTERNAL"],
  ["a publish stream of garbage", { path: fanout.PublishStream.path, body: framed(GARBAGE) }, "INTERNAL"],
] as const) {
  test(`${what} gets ${expected}`, async (t) => {
    const { hub, served, address } = await servedHub(t);
    assert.equal(await answerTo(address, attack), expected);
    await opens(served.server, { connections: 0, streams: 0 });
    assert.equal(hub.stats().published, 0);
  });
}

function compressed(encoding: string): Attack {
  return { headers: { "grpc-encoding": encoding }, body: framed(REQUEST, { flag: 1 }) };
}

test("a subscriber notices nothing of hundreds of connections that send random bytes", async (t) => {
  const { hub, served, address, hookErrors } = await servedHub(t);
  const healthy = client(t, "subscriber", "healthy", { address, request: { patterns: ["load.*"] } });
  await healthy.first("started");
  const history = new History(hub);
  const random = (bytes: number, count: number) =>
    fc.sample(fc.uint8Array({ minLength: 1, maxLength: bytes }), { seed: SEED, numRuns: count });

  // Below HTTP/2: from the first byte, behind the preface, and in frames that a peer may send.
  for (const bytes of random(512, 100)) {
    for (const opening of [[], [PREFACE], [PREFACE, SETTINGS]]) {
      await send(served.port, Buffer.concat([...opening, bytes]));
    }
    await healthy.reached(history.publish("load.a", 10));
  }
  // In gRPC: as a whole body, and as a message with a true header.
  for (const bytes of random(256, 100)) {
    for (const path of [SUBSCRIBE, longlived.Subscribe.path, fanout.PublishStream.path]) {
      for (const body of [bytes, framed(bytes)]) {
        assert.notEqual(await answerTo(address, { path, body }), "UNKNOWN", "an exception of ours");
      }
    }
    await healthy.reached(history.publish("load.a", 10));
  }
  await opens(served.server, { streams: 1 });
  assert.deepEqual(hookErrors, []);
  assertComplete(healthy.journal, history.under("load."));
});

test("a connection that Node keeps after a breach of HTTP/2 is closed by keepalive", async (t) => {
  const { served } = await servedHub(t, { keepaliveTimeMs: 50, keepaliveTimeoutMs: 50 });
  // DATA that belongs to no stream.
  const breach = Buffer.concat([PREFACE, SETTINGS, Buffer.from("000001000000000000ff", "hex")]);
  for (let n = 0; n < 5; n++) await send(served.port, breach);
  await opens(served.server, { connections: 0, streams: 0 });
});

/** Sends bytes and nothing more. Resolves when the server has judged them: it hung up, or said GOAWAY. */
async function send(port: number, bytes: Uint8Array): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  let answer: Buffer = Buffer.alloc(0);
  await new Promise<void>((resolve) => {
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.on("data", (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (saysGoaway(answer)) resolve();
    });
    socket.end(bytes);
  });
  socket.destroy();
}

function saysGoaway(frames: Buffer): boolean {
  for (let at = 0; at + 9 <= frames.length; at += 9 + frames.readUIntBE(at, 3)) {
    if (frames.readUInt8(at + 3) === 7) return true;
  }
  return false;
}
