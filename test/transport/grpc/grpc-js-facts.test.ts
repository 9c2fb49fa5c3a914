// What this package relies on in grpc-js beyond its documentation. A failure here after an update of grpc-js says
// which assumption broke, before anything else fails in a less obvious way.
import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:http2";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from "@grpc/grpc-js";
import { FrameBatch, frameMessage } from "../../../src/transport/grpc/framing.ts";
import { maxSendBytesOf, resetStream, streamOf } from "../../../src/transport/grpc/internal-stream.ts";
import { BYTES_METHOD, bareServer } from "../../support/grpc-bare-server.ts";
import { grpcClient, openStream } from "../../support/grpc-calls.ts";
import { rawClient } from "../../support/grpc-raw-client.ts";

const EMPTY = Buffer.alloc(0);

function batchOf(...texts: string[]): FrameBatch {
  const batch = new FrameBatch();
  for (const text of texts) batch.add(frameMessage(Buffer.from(text), "once"));
  return batch;
}

/** Holds every message back for a turn of the event loop, as an interceptor that asks somebody else would. */
const slowInterceptor: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(
    call,
    new ResponderBuilder()
      .withStart((next) => next(new ServerListenerBuilder().build()))
      .withSendMessage((message, next) => setImmediate(() => next(message)))
      .build(),
  );

test("a batch in one write arrives as the messages it holds", async (t) => {
  const server = await bareServer(t);
  const stream = openStream(grpcClient(t, server.address), BYTES_METHOD, EMPTY);
  const call = await server.nextCall();
  call.write(batchOf("one", "", "three"));
  assert.deepEqual((await stream.take(3)).map(String), ["one", "", "three"]);
});

test("a batch arrives whole behind server interceptors, also one that holds messages back", async (t) => {
  const server = await bareServer(t, { interceptors: [slowInterceptor, slowInterceptor] });
  const stream = openStream(grpcClient(t, server.address), BYTES_METHOD, EMPTY);
  const call = await server.nextCall();
  call.write(batchOf("one", "two"));
  assert.deepEqual((await stream.take(2)).map(String), ["one", "two"]);
});

test("write() returns false at the 16th waiting message; drain comes before the callback of the last", async (t) => {
  const server = await bareServer(t);
  const stream = openStream(grpcClient(t, server.address), BYTES_METHOD, EMPTY);
  const call = await server.nextCall();
  const order: string[] = [];
  call.on("drain", () => order.push("drain"));
  const outcomes = Array.from({ length: 16 }, (_, i) =>
    call.write(batchOf("x"), () => order.push(`written ${i + 1}`)),
  );
  assert.equal(outcomes.indexOf(false), 15);
  await stream.take(16);
  while (order.length < 17) await turn();
  assert.deepEqual(order.slice(-2), ["drain", "written 16"]);
});

test("sending metadata alone makes the headers arrive", async (t) => {
  const server = await bareServer(t);
  const stream = openStream(grpcClient(t, server.address), BYTES_METHOD, EMPTY);
  (await server.nextCall()).sendMetadata(new Metadata());
  await stream.live;
});

test("after a cancel a write callback may come as if all were well, but only when the stream is closed", async (t) => {
  const server = await bareServer(t);
  const client = await rawClient(t, server.address, { window: 0 });
  const raw = client.call(BYTES_METHOD.path);
  const call = await server.nextCall();
  const internal = streamOf(call)!;
  let drains = 0;
  let misleading = 0;
  call.on("drain", () => drains++);
  for (let i = 0; i < 16; i++) {
    call.write(batchOf("held back by the window"), (error?: Error | null) => {
      if (error == null && !internal.destroyed) misleading++;
    });
  }
  await raw.headers;
  raw.stream.close(constants.NGHTTP2_CANCEL);
  await once(call, "close");
  for (let i = 0; i < 5; i++) await turn();
  assert.equal(drains, 0);
  assert.equal(misleading, 0);
});

test("cancelled also comes after an orderly end", async (t) => {
  const server = await bareServer(t);
  const stream = openStream(grpcClient(t, server.address), BYTES_METHOD, EMPTY);
  const call = await server.nextCall();
  const cancelled = once(call, "cancelled");
  call.end();
  await cancelled;
  assert.equal((await stream.status).code, status.OK);
});

test("an error before any header is a response of trailers only", async (t) => {
  const server = await bareServer(t);
  const client = await rawClient(t, server.address, { window: 0 });
  const raw = client.call(BYTES_METHOD.path);
  const call = await server.nextCall();
  call.emit("error", { code: status.UNAVAILABLE, details: "not now" });
  const headers = await raw.headers;
  assert.equal(raw.endedWithHeaders, true);
  assert.equal(headers["grpc-status"], "14");
});

test("a status waits behind a write that the client's window holds back, until the stream is reset", async (t) => {
  const server = await bareServer(t);
  const client = await rawClient(t, server.address, { window: 0 });
  const raw = client.call(BYTES_METHOD.path);
  const call = await server.nextCall();
  call.write(batchOf("held back"));
  await raw.headers;
  call.emit("error", { code: status.RESOURCE_EXHAUSTED, details: "too slow" });
  // A round trip on the same connection: whatever was sent before it has arrived by then.
  await new Promise((resolve) => client.session.ping(resolve));
  assert.equal(raw.stream.closed, false);
  resetStream(streamOf(call)!);
  await raw.closed;
  assert.equal(raw.stream.rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  assert.equal(raw.trailers, undefined);
});

test("a reset arrives as RESOURCE_EXHAUSTED at a gRPC client", async (t) => {
  const server = await bareServer(t, { interceptors: [slowInterceptor] });
  const stream = openStream(grpcClient(t, server.address), BYTES_METHOD, EMPTY);
  const call = await server.nextCall();
  call.write(batchOf("one"));
  await stream.take(1);
  const cancelled = once(call, "cancelled");
  resetStream(streamOf(call)!);
  assert.equal((await stream.status).code, status.RESOURCE_EXHAUSTED);
  await cancelled;
});

test("resetting a stream that is gone does nothing", async (t) => {
  const server = await bareServer(t);
  const stream = openStream(grpcClient(t, server.address), BYTES_METHOD, EMPTY);
  const call = await server.nextCall();
  const internal = streamOf(call)!;
  stream.call.cancel();
  await once(call, "close");
  if (!internal.destroyed) await once(internal, "close");
  assert.doesNotThrow(() => resetStream(internal));
});

test("the stream and the send limit are found behind interceptors", async (t) => {
  const server = await bareServer(t, {
    interceptors: [slowInterceptor, slowInterceptor],
    "grpc.max_send_message_length": 1000,
  });
  openStream(grpcClient(t, server.address), BYTES_METHOD, EMPTY);
  const call = await server.nextCall();
  assert.equal(typeof streamOf(call)?.id, "number");
  assert.equal(maxSendBytesOf(call), 1000);
});

test("a server without a send limit has none", async (t) => {
  const server = await bareServer(t);
  openStream(grpcClient(t, server.address), BYTES_METHOD, EMPTY);
  assert.equal(maxSendBytesOf(await server.nextCall()), undefined);
});

test("a call that is built differently has no stream to reset, and nothing fails", () => {
  const loop: { nextCall?: object } = {};
  loop.nextCall = loop;
  for (const strange of [
    {},
    { call: null },
    { call: { stream: 7 } },
    { call: { stream: {} } },
    { call: loop },
  ]) {
    assert.equal(streamOf(strange), undefined);
    assert.equal(maxSendBytesOf(strange), undefined);
  }
});
