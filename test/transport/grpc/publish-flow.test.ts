/** What a blocking subscriber does to publishers on the other side of the wire. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { status } from "@grpc/grpc-js";
import type { HubOptions } from "../../../src/fanout/index.ts";
import { OVERFLOW_POLICIES } from "../../../src/protocol/index.ts";
import { loadContracts } from "../../../src/transport/grpc/contracts.ts";
import { readStatus } from "../../../src/transport/grpc/status.ts";
import { frameFromWire, subscribeToWire } from "../../../src/transport/grpc/wire.ts";
import { callUnary, grpcClient, openBidi, openStream } from "../../support/grpc-calls.ts";
import { eventually, type ServedHub, servedHub } from "../../support/grpc-served-hub.ts";
import { ValveSink } from "../../support/valve-sink.ts";

const { fanout } = loadContracts();

const start = (t: TestContext, options: HubOptions = {}): Promise<ServedHub> =>
  servedHub(
    t,
    { longlived: false },
    // Patience without end: how long it lasts is the engine's business, and tested there.
    { blockTimeoutMs: 3_600_000, authorize: () => ({ overflow: OVERFLOW_POLICIES }), ...options },
  );

/** A subscriber in process whose valve a test can shut. */
function blocking({ hub }: ServedHub) {
  const sink = new ValveSink({ valve: "shut" });
  const request = { patterns: ["t"], overflow: "block", queue: { messages: 8 } } as const;
  return { sink, subscription: hub.attach(request, sink, { overflow: OVERFLOW_POLICIES }) };
}

/** Publishes on a stream for as long as it takes messages, and says when the server has stopped taking them. */
async function fill(
  { hub }: ServedHub,
  call: { write(request: object): boolean },
  payload: Buffer,
): Promise<number> {
  let written = 0;
  let room = true;
  for (let quiet = 0, accepted = -1; quiet < 100 || room; ) {
    room = call.write({ topic: "t", payload });
    written++;
    assert.ok(written < 10_000, "the publisher was never slowed down");
    await new Promise((resolve) => setImmediate(resolve));
    quiet = hub.position.offset === accepted ? quiet + 1 : 0;
    accepted = hub.position.offset;
  }
  return written;
}

test("a stream that publishes is held up by a blocking subscriber, and goes on when there is room", async (t) => {
  const server = await start(t);
  const { sink, subscription } = blocking(server);
  const { call, observed } = openBidi(server.client, fanout.PublishStream);
  const written = await fill(server, call, Buffer.alloc(2_000));
  const accepted = server.hub.position.offset;
  assert.ok(accepted <= 8 + 1, `took ${accepted} messages, with room for 8 and 1 in flight`);
  assert.equal(subscription.state, "live");
  sink.openValve();
  call.end();
  assert.equal((await observed.status).code, status.OK);
  assert.equal(server.hub.position.offset, written);
  await eventually(() => sink.offsets.length === written);
  assert.deepEqual(
    sink.offsets,
    Array.from({ length: written }, (_, index) => index + 1),
  );
  assert.deepEqual(sink.gaps, []);
});

test("a subscriber on the wire that stops reading holds up a publisher on the wire, and loses nothing", async (t) => {
  const server = await start(t);
  const terms = subscribeToWire({ patterns: ["t"], overflow: "block", queue: { messages: 8 } });
  const subscriber = openStream(grpcClient(t, server.address), fanout.Subscribe, terms);
  await subscriber.take(1);
  subscriber.call.pause();
  const { call, observed } = openBidi(server.client, fanout.PublishStream);
  const written = await fill(server, call, Buffer.alloc(2_000));
  assert.ok(server.hub.position.offset < written);
  subscriber.call.resume();
  call.end();
  assert.equal((await observed.status).code, status.OK);
  const frames = (await subscriber.take(1 + written)).map((response) => frameFromWire(response));
  assert.deepEqual(
    frames.slice(1).map((frame) => frame?.kind === "message" && frame.offset),
    Array.from({ length: written }, (_, index) => index + 1),
  );
});

test("topics that no blocking subscriber listens to are not held up, and neither is a single message", async (t) => {
  const server = await start(t);
  const { subscription } = blocking(server);
  const full = openBidi(server.client, fanout.PublishStream);
  for (let index = 0; index < 6; index++) full.call.write({ topic: "t", payload: Buffer.alloc(1) });
  await eventually(() => server.hub.position.offset === 6);
  const free = openBidi(server.client, fanout.PublishStream);
  for (let index = 0; index < 50; index++) free.call.write({ topic: "u", payload: Buffer.alloc(1) });
  free.call.end();
  assert.equal((await free.observed.status).code, status.OK);
  await callUnary(server.client, fanout.Publish, { topic: "t", payload: Buffer.alloc(1) });
  assert.equal(server.hub.position.offset, 6 + 50 + 1);
  assert.equal(subscription.state, "live");
  full.call.cancel();
});

test("a publisher that is held up can leave, and is told when the server closes", async (t) => {
  const server = await start(t);
  const { subscription } = blocking(server);
  const leaving = openBidi(server.client, fanout.PublishStream);
  const staying = openBidi(server.client, fanout.PublishStream);
  await fill(server, leaving.call, Buffer.alloc(2_000));
  leaving.call.cancel();
  assert.equal((await leaving.observed.status).code, status.CANCELLED);
  staying.call.write({ topic: "t", payload: Buffer.alloc(1) });
  await staying.observed.take(1);
  const closed = server.served.close();
  const end = await staying.observed.status;
  assert.deepEqual([end.code, readStatus(end).reason], [status.UNAVAILABLE, "draining"]);
  subscription.end("completed");
  await closed;
});
