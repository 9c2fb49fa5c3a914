import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ServiceError, status } from "@grpc/grpc-js";
import { SpillwayError } from "../../../src/errors.ts";
import type { AccessRequest, HubOptions } from "../../../src/fanout/index.ts";
import type { Frame } from "../../../src/protocol/index.ts";
import { loadContracts, type ServeOptions } from "../../../src/transport/grpc/index.ts";
import { readStatus } from "../../../src/transport/grpc/status.ts";
import { frameFromWire, type SubscribeTerms, subscribeToWire } from "../../../src/transport/grpc/wire.ts";
import { callUnary, type ObservedCall, openBidi, openStream } from "../../support/grpc-calls.ts";
import { eventually, type ServedHub, servedHub } from "../../support/grpc-served-hub.ts";

const { fanout } = loadContracts();

type FrameOf<Kind extends Frame["kind"]> = Extract<Frame, { kind: Kind }>;

const start = (t: TestContext, hub: HubOptions = {}, options: ServeOptions = {}): Promise<ServedHub> =>
  servedHub(t, { longlived: false, ...options }, hub);

function subscribe({ client }: ServedHub, terms: SubscribeTerms) {
  return openStream(client, fanout.Subscribe, subscribeToWire(terms));
}

async function take(
  stream: ObservedCall<Parameters<typeof frameFromWire>[0]>,
  count: number,
): Promise<Frame[]> {
  return (await stream.take(count)).map((response) => frameFromWire(response)!);
}

test("the first frame says who one is, where one starts and what was granted", async (t) => {
  const server = await start(t, { overflow: "conflate", maxQueue: { messages: 10 } });
  server.hub.publish("a", "before");
  const stream = subscribe(server, { patterns: ["a"], queue: { messages: 99, bytes: 1_000 } });
  const [started] = (await take(stream, 1)) as [FrameOf<"started">];
  assert.equal(started.kind, "started");
  assert.match(started.subscriptionId, /^[\da-f-]{36}$/);
  assert.deepEqual(started.position, { epoch: server.hub.epoch, offset: 1 });
  assert.equal(started.overflow, "conflate");
  assert.deepEqual(started.queue, { messages: 10, bytes: 1_000 });
});

test("a message arrives with everything that was published with it", async (t) => {
  const server = await start(t);
  const stream = subscribe(server, { patterns: ["prices.*"] });
  await stream.live;
  server.hub.publish("prices.EURUSD", "1.08", { key: "EURUSD", headers: { source: "test" } });
  server.hub.publish("other", "not for it");
  server.hub.publish("prices.EURUSD", new Uint8Array([0, 255]));
  const [, first, second] = (await take(stream, 3)) as [Frame, FrameOf<"message">, FrameOf<"message">];
  const { publishedAtMs, payload, ...rest } = first;
  assert.deepEqual(rest, {
    kind: "message",
    topic: "prices.EURUSD",
    offset: 1,
    previousOffset: 0,
    key: "EURUSD",
    headers: { source: "test" },
    tombstone: false,
  });
  assert.equal(String(payload), "1.08");
  assert.ok(publishedAtMs > Date.now() - 60_000 && publishedAtMs < Date.now() + 60_000);
  assert.equal(second.offset, 3);
  assert.equal(second.previousOffset, 1);
  assert.equal(second.key, undefined);
  assert.deepEqual([...second.payload], [0, 255]);
});

test("a filter on keys and key prefixes is heeded", async (t) => {
  const server = await start(t);
  const stream = subscribe(server, { patterns: [">"], filter: { keys: ["a"], keyPrefixes: ["b."] } });
  await stream.live;
  for (const key of ["x", "a", "b.1", "b", undefined]) {
    server.hub.publish("t", key ?? "-", key === undefined ? {} : { key });
  }
  server.hub.publish("t", "end", { key: "a" });
  const keys = (await take(stream, 4)).slice(1).map((frame) => (frame as FrameOf<"message">).key);
  assert.deepEqual(keys, ["a", "b.1", "a"]);
});

test("a loss is told where it happened, with its exact count", async (t) => {
  const server = await start(t);
  const stream = subscribe(server, { patterns: ["t"], overflow: "drop-oldest", queue: { messages: 2 } });
  await stream.take(1);
  // All in one turn: the queue has no chance to empty.
  for (let i = 1; i <= 5; i++) server.hub.publish("t", String(i));
  const [, gap, ...messages] = await take(stream, 4);
  assert.deepEqual(gap, { kind: "gap", topic: "t", from: 1, to: 3, count: 3, reason: "overflow" });
  assert.deepEqual(
    messages.map((frame) => (frame as FrameOf<"message">).offset),
    [4, 5],
  );
});

test("under evict a full queue ends the stream, resumable", async (t) => {
  const server = await start(t);
  const stream = subscribe(server, { patterns: ["t"], overflow: "evict", queue: { messages: 2 } });
  await stream.take(1);
  for (let i = 1; i <= 3; i++) server.hub.publish("t", String(i));
  const end = await stream.status;
  assert.equal(end.code, status.RESOURCE_EXHAUSTED);
  const { reason, advice, position, retryAfterMs } = readStatus(end);
  assert.equal(reason, "overflow");
  assert.equal(advice, "resume");
  assert.deepEqual(position, { epoch: server.hub.epoch, offset: 0 });
  assert.ok(retryAfterMs !== undefined && retryAfterMs > 0);
});

test("a position that is not retained any more is answered with a gap", async (t) => {
  const server = await start(t);
  for (let i = 1; i <= 3; i++) server.hub.publish("t", String(i));
  const stream = subscribe(server, { patterns: ["t"], start: { epoch: server.hub.epoch, offset: 1 } });
  const [started, past, gap, present] = await take(stream, 4);
  assert.ok(started?.kind === "started" && past?.kind === "state" && present?.kind === "state");
  assert.equal(started.position.offset, 1);
  assert.deepEqual([past.state, present.state], ["catching-up", "live"]);
  assert.ok(gap?.kind === "gap");
  assert.deepEqual([gap.from, gap.to, gap.reason], [2, 3, "trimmed"]);
});

const REFUSALS: readonly [what: string, terms: SubscribeTerms, code: status, field: string][] = [
  ["no pattern", { patterns: [] }, status.INVALID_ARGUMENT, "patterns"],
  ["a bad pattern", { patterns: ["a", ">.b"] }, status.INVALID_ARGUMENT, "patterns"],
  [
    "another epoch",
    { patterns: ["a"], start: { epoch: "x", offset: 0 } },
    status.FAILED_PRECONDITION,
    "position",
  ],
  [
    "a long client name",
    { patterns: ["a"], clientName: "x".repeat(129) },
    status.INVALID_ARGUMENT,
    "client_name",
  ],
  ["a long label", { patterns: ["a"], labels: { l: "x".repeat(129) } }, status.INVALID_ARGUMENT, "labels"],
];
for (const [what, terms, code, field] of REFUSALS) {
  test(`${what} is refused, and the status names the field`, async (t) => {
    const refused = await subscribe(await start(t), terms).status;
    assert.equal(refused.code, code);
    assert.equal(readStatus(refused).field, field);
  });
}

test("labels reach the authorize hook and the statistics", async (t) => {
  const asked: unknown[] = [];
  const server = await start(t, { authorize: ({ labels }) => void asked.push(labels) });
  await subscribe(server, { patterns: ["a"], labels: { tier: "gold" } }).take(1);
  await subscribe(server, { patterns: ["a"] }).take(1);
  assert.deepEqual(asked, [{ tier: "gold" }, undefined]);
  const shown = [...server.hub.subscriptions()].map((subscription) => subscription.stats().labels);
  assert.deepEqual(shown, [{ tier: "gold" }, {}]);
});

test("an offset beyond 2^53 is refused, not rounded", async (t) => {
  const { client, hub } = await start(t);
  const position = { epoch: hub.epoch, offset: "18446744073709551615" };
  const refused = await openStream(client, fanout.Subscribe, { patterns: ["a"], position }).status;
  assert.equal(refused.code, status.INVALID_ARGUMENT);
  assert.equal(readStatus(refused).field, "position.offset");
});

test("when the hub closes, a subscriber gets what is queued, is told, and ends with UNAVAILABLE", async (t) => {
  const server = await start(t);
  const stream = subscribe(server, { patterns: ["t"] });
  await stream.take(1);
  server.hub.publish("t", "last");
  const closed = server.served.close();
  const end = await stream.status;
  assert.equal(end.code, status.UNAVAILABLE);
  const { reason, position, retryAfterMs } = readStatus(end);
  assert.equal(reason, "draining");
  assert.deepEqual(position, { epoch: server.hub.epoch, offset: 1 });
  assert.ok(retryAfterMs !== undefined);
  const kinds = stream.received.map((response) => frameFromWire(response)?.kind);
  assert.deepEqual(kinds.sort(), ["message", "started", "state"]);
  await closed;
});

test("a message is encoded once for all subscribers of the service", async (t) => {
  const serialize = t.mock.method(fanout.Subscribe, "responseSerialize");
  const server = await start(t);
  const streams = Array.from({ length: 5 }, () => subscribe(server, { patterns: ["t"] }));
  await Promise.all(streams.map((stream) => stream.take(1)));
  server.hub.publish("t", "one");
  server.hub.publish("t", "two");
  for (const stream of streams) await stream.take(3);
  const encoded = serialize.mock.calls.map(({ arguments: [response] }) => response);
  assert.equal(encoded.filter(({ message }) => message !== undefined).length, 2);
  assert.equal(encoded.filter(({ started }) => started !== undefined).length, 5);
});

test("publishing answers with the position of the message", async (t) => {
  const server = await start(t);
  const stream = subscribe(server, { patterns: ["t"] });
  await stream.take(1);
  const request = { topic: "t", payload: Buffer.from("hello"), key: "k", headers: { a: "b" } };
  const { position } = await callUnary(server.client, fanout.Publish, request);
  assert.deepEqual(position, { epoch: server.hub.epoch, offset: "1" });
  const [, frame] = (await take(stream, 2)) as [Frame, FrameOf<"message">];
  assert.deepEqual([frame.key, frame.headers, String(frame.payload)], ["k", { a: "b" }, "hello"]);
});

const PUBLISH_REFUSALS: readonly [what: string, request: object, field: string | undefined][] = [
  ["no topic", { payload: Buffer.from("x") }, "topic"],
  ["a wildcard in the topic", { topic: "a.*" }, "topic"],
  ["a payload that is too large", { topic: "a", payload: Buffer.alloc(101) }, undefined],
];
for (const [what, request, field] of PUBLISH_REFUSALS) {
  test(`publishing with ${what} is refused with INVALID_ARGUMENT`, async (t) => {
    const { client, hub } = await start(t, { maxMessageBytes: 100 });
    const error = (await callUnary(client, fanout.Publish, request).catch(
      (error: unknown) => error,
    )) as ServiceError;
    assert.equal(error.code, status.INVALID_ARGUMENT);
    if (field !== undefined) assert.equal(readStatus(error).field, field);
    assert.equal(hub.position.offset, 0);
  });
}

test("publishing is authorized by topic, and a hook that breaks tells the caller nothing", async (t) => {
  const asked: AccessRequest[] = [];
  const { client, hub, hookErrors } = await start(t, {
    authorize(request) {
      asked.push(request);
      if (request.topics[0] === "secret") throw new SpillwayError("NOT_ALLOWED", "not yours");
      if (request.topics[0] === "broken") throw new Error("internals");
      return undefined;
    },
  });
  const publish = (topic: string) => callUnary(client, fanout.Publish, { topic, payload: Buffer.from("x") });
  await publish("open");
  await assert.rejects(publish("secret"), { code: status.PERMISSION_DENIED, details: "not yours" });
  await assert.rejects(
    publish("broken"),
    (error: ServiceError) => error.code === status.PERMISSION_DENIED && !/internals/.test(error.details),
  );
  assert.deepEqual(
    asked.map(({ action, topics }) => [action, ...topics]),
    [
      ["publish", "open"],
      ["publish", "secret"],
      ["publish", "broken"],
    ],
  );
  assert.equal(hub.position.offset, 1);
  assert.equal(hookErrors.length, 1);
});

/** The offsets of all acknowledgements so far. */
const offsetsOf = (acks: readonly { offsets?: readonly (string | number)[] }[]) =>
  acks.flatMap(({ offsets }) => offsets ?? []).map(Number);

test("a stream of messages is acknowledged in order, many at a time", async (t) => {
  const { client, hub } = await start(t);
  const { call, observed } = openBidi(client, fanout.PublishStream);
  for (let i = 0; i < 1_000; i++) call.write({ topic: `t.${i % 3}`, payload: Buffer.from(String(i)) });
  call.end();
  assert.equal((await observed.status).code, status.OK);
  const offsets = offsetsOf(observed.received);
  assert.deepEqual(
    offsets,
    Array.from({ length: 1_000 }, (_, i) => i + 1),
  );
  assert.equal(hub.position.offset, 1_000);
  assert.ok(observed.received.length < 1_000, `${observed.received.length} acknowledgements`);
  assert.ok(observed.received.every(({ epoch }) => epoch === hub.epoch));
});

test("an empty stream of messages ends with OK", async (t) => {
  const { client } = await start(t);
  const { call, observed } = openBidi(client, fanout.PublishStream);
  call.end();
  assert.equal((await observed.status).code, status.OK);
  assert.deepEqual(observed.received, []);
});

test("the first refusal ends the stream, behind the acknowledgement of those before it", async (t) => {
  const { client, hub } = await start(t);
  const { call, observed } = openBidi(client, fanout.PublishStream);
  for (const topic of ["a", "a", "a..b", "a"]) call.write({ topic, payload: Buffer.from("x") });
  const end = await observed.status;
  assert.equal(end.code, status.INVALID_ARGUMENT);
  assert.equal(readStatus(end).field, "topic");
  assert.deepEqual(offsetsOf(observed.received), [1, 2]);
  assert.equal(hub.position.offset, 2);
});

test("a stream of messages is authorized once per topic, and keeps its order meanwhile", async (t) => {
  const asked: string[] = [];
  const server = await start(t, {
    async authorize({ action, topics }) {
      if (action !== "publish") return undefined;
      asked.push(...topics);
      await new Promise((resolve) => setImmediate(resolve));
      return undefined;
    },
  });
  const stream = subscribe(server, { patterns: [">"] });
  await stream.take(1);
  const { call, observed } = openBidi(server.client, fanout.PublishStream);
  const topics = ["a", "a", "b", "a", "b", "c"];
  for (const topic of topics) call.write({ topic, payload: Buffer.from("x") });
  call.end();
  assert.equal((await observed.status).code, status.OK);
  assert.deepEqual(asked, ["a", "b", "c"]);
  const frames = (await take(stream, 1 + topics.length)).slice(1) as FrameOf<"message">[];
  assert.deepEqual(
    frames.map(({ topic }) => topic),
    topics,
  );
});

test("a publisher that does not read its acknowledgements is not read from for ever", async (t) => {
  const { client, hub } = await start(t);
  const { call, observed } = openBidi(client, fanout.PublishStream);
  observed.call.pause();
  const payload = Buffer.alloc(2_000);
  let accepted = -1;
  // One message per turn makes one acknowledgement each. Once its window is full the server stops reading, and
  // the count stands still although the client goes on.
  for (let quiet = 0; quiet < 200; ) {
    if (call.writableLength < 16) call.write({ topic: "t", payload });
    await new Promise((resolve) => setImmediate(resolve));
    quiet = hub.position.offset === accepted ? quiet + 1 : 0;
    accepted = hub.position.offset;
    if (accepted > 200_000) break;
  }
  observed.call.resume();
  call.end();
  assert.equal((await observed.status).code, status.OK);
  assert.ok(accepted < 200_000, `took ${accepted} messages from a client that reads nothing`);
});

test("a publisher that goes away is forgotten, and what it sent stays published", async (t) => {
  const { client, hub } = await start(t);
  const { call, observed } = openBidi(client, fanout.PublishStream);
  call.write({ topic: "t", payload: Buffer.from("x") });
  await observed.take(1);
  call.cancel();
  assert.equal((await observed.status).code, status.CANCELLED);
  assert.equal(hub.position.offset, 1);
});

test("a stream that publishes is told when the server closes", async (t) => {
  const { client, served } = await start(t);
  const { call, observed } = openBidi(client, fanout.PublishStream);
  call.write({ topic: "t", payload: Buffer.from("x") });
  await observed.take(1);
  const closed = served.close();
  const end = await observed.status;
  assert.equal(end.code, status.UNAVAILABLE);
  assert.equal(readStatus(end).reason, "draining");
  await closed;
});

test("progress moves the position of a subscriber that nothing is for", async (t) => {
  const server = await start(t, { progressIntervalMs: 10 });
  const stream = subscribe(server, { patterns: ["quiet"] });
  await stream.take(1);
  server.hub.publish("loud", "x");
  await eventually(() => stream.received.length > 1);
  const [, progress] = await take(stream, 2);
  assert.deepEqual(progress, {
    kind: "progress",
    position: { epoch: server.hub.epoch, offset: 1 },
    conflated: 0,
  });
});
