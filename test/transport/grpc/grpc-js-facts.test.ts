// What this package relies on in grpc-js beyond its documentation. A failure here after an update of grpc-js says
// which assumption broke, before anything else fails in a less obvious way.
import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:http2";
import { Writable } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  type ServerOptions,
  status,
} from "@grpc/grpc-js";
import { FrameBatch, frameMessage } from "../../../src/transport/grpc/framing.ts";
import {
  maxSendBytesOf,
  openStreamOf,
  resetStream,
  streamOf,
} from "../../../src/transport/grpc/internal-stream.ts";
import { BYTES_METHOD, type BytesCall, bareServer } from "../../support/grpc-bare-server.ts";
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

test("what is written to the stream of a call arrives as its messages do, with the status behind it", async (t) => {
  const server = await bareServer(t);
  const stream = openStream(grpcClient(t, server.address), BYTES_METHOD, EMPTY);
  const call = await server.nextCall();
  call.sendMetadata(new Metadata());
  const { stream: internal } = openStreamOf(call)!;
  const large = "x".repeat(300_000);
  for (const text of ["one", "", large, "four"]) internal.write(frameMessage(Buffer.from(text), "once"));
  call.emit("error", { code: status.UNAVAILABLE, details: "behind them" });
  const { code, details } = await stream.status;
  assert.deepEqual(stream.received.map(String), ["one", "", large, "four"]);
  assert.deepEqual({ code, details }, { code: status.UNAVAILABLE, details: "behind them" });
});

test("a write to the stream is complete when the client's window lets it through, and not before", async (t) => {
  const server = await bareServer(t);
  const client = await rawClient(t, server.address, { window: 0 });
  const raw = client.call(BYTES_METHOD.path);
  const call = await server.nextCall();
  call.sendMetadata(new Metadata());
  let written = false;
  openStreamOf(call)!.stream.write(frameMessage(Buffer.from("held back"), "once"), () => {
    written = true;
  });
  await raw.headers;
  await new Promise((resolve) => client.session.ping(resolve));
  assert.equal(written, false);
  client.session.settings({ initialWindowSize: 100 });
  while (!written) await turn();
  while (raw.messages.length === 0) await turn();
  assert.deepEqual(raw.messages.map(String), ["held back"]);
});

test("a status waits behind what the window holds back on the stream itself, until it is reset", async (t) => {
  const server = await bareServer(t);
  const client = await rawClient(t, server.address, { window: 0 });
  const raw = client.call(BYTES_METHOD.path);
  const call = await server.nextCall();
  call.sendMetadata(new Metadata());
  const { stream: internal } = openStreamOf(call)!;
  internal.write(frameMessage(Buffer.from("held back"), "once"));
  await raw.headers;
  call.emit("error", { code: status.RESOURCE_EXHAUSTED, details: "too slow" });
  await new Promise((resolve) => client.session.ping(resolve));
  assert.equal(raw.stream.closed, false);
  resetStream(internal);
  await raw.closed;
  assert.equal(raw.stream.rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  assert.equal(raw.trailers, undefined);
});

test("after a cancel a write to the stream completes with an error, or when the stream is closed, or never", async (t) => {
  const server = await bareServer(t);
  const client = await rawClient(t, server.address, { window: 0 });
  const raw = client.call(BYTES_METHOD.path);
  const call = await server.nextCall();
  call.sendMetadata(new Metadata());
  const { stream: internal } = openStreamOf(call)!;
  let misleading = 0;
  internal.write(frameMessage(Buffer.from("held back by the window"), "once"), (error?: Error | null) => {
    if (error == null && !internal.destroyed) misleading++;
  });
  await raw.headers;
  raw.stream.close(constants.NGHTTP2_CANCEL);
  await once(call, "close");
  for (let i = 0; i < 5; i++) await turn();
  assert.equal(misleading, 0);
});

test("the stream is not written to when anybody wants to see the messages", async (t) => {
  const nextCall = async (options: ServerOptions): Promise<BytesCall> => {
    const server = await bareServer(t, options);
    openStream(grpcClient(t, server.address), BYTES_METHOD, EMPTY);
    return server.nextCall();
  };
  assert.equal(openStreamOf(await nextCall({ interceptors: [slowInterceptor] })), undefined);
  assert.equal(openStreamOf(await nextCall({ "grpc.max_send_message_length": 1000 })), undefined);
  const call = await nextCall({});
  assert.equal(openStreamOf(call)?.stream, streamOf(call));
  call.write = () => true;
  assert.equal(openStreamOf(call), undefined);
});

test("channelz is told of a write to the stream as grpc-js tells it of its own", async (t) => {
  let told = 0;
  for (const [channelz, expected] of [
    [1, 2],
    [0, 0],
  ] as const) {
    const server = await bareServer(t, { "grpc.enable_channelz": channelz });
    const stream = openStream(grpcClient(t, server.address), BYTES_METHOD, EMPTY);
    const call = await server.nextCall();
    call.sendMetadata(new Metadata());
    const { counter } = openStreamOf(call)!;
    assert.equal(counter !== undefined, channelz === 1);
    told = 0;
    if (counter !== undefined) {
      const tell = counter.addMessageSent;
      counter.addMessageSent = () => {
        told++;
        tell.call(counter);
      };
      counter.addMessageSent();
    }
    await new Promise<void>((resolve) => call.write(batchOf("one"), () => resolve()));
    await stream.take(1);
    assert.equal(told, expected);
  }
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
    assert.equal(openStreamOf({ ...strange, write: Writable.prototype.write }), undefined);
    assert.equal(maxSendBytesOf(strange), undefined);
  }
});
