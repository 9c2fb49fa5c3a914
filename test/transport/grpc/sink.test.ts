import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:http2";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerOptions,
  status,
} from "@grpc/grpc-js";
import { systemClock } from "../../../src/clock.ts";
import type { Message, SinkFeedback, SinkFrame } from "../../../src/fanout/index.ts";
import type { CloseReason, EndFrame, GapFrame } from "../../../src/protocol/index.ts";
import { BatchJoiner, frameMessage } from "../../../src/transport/grpc/framing.ts";
import { type FastWays, NO_FAST_WAYS } from "../../../src/transport/grpc/outlet.ts";
import { type Encoded, GrpcSink, type GrpcSinkOptions } from "../../../src/transport/grpc/sink.ts";
import { BYTES_METHOD, type BytesCall, bareServer } from "../../support/grpc-bare-server.ts";
import { grpcClient, openStream } from "../../support/grpc-calls.ts";
import { rawClient } from "../../support/grpc-raw-client.ts";

const EMPTY = Buffer.alloc(0);

/** Stands in for the engine: says what the sink told it, and lets a test wait for it. */
class Engine implements SinkFeedback {
  writtenCount = 0;
  closedCount = 0;
  readonly unrenderables: Message[] = [];
  onWritten: () => void = () => {};
  #waiting: (() => void)[] = [];

  written(): void {
    this.writtenCount++;
    this.onWritten();
    this.#wake();
  }
  pull(): void {
    assert.fail("a gRPC sink is never pulled");
  }
  unrenderable(message: Message): GapFrame {
    this.unrenderables.push(message);
    const { topic, offset } = message;
    return { kind: "gap", topic, from: offset, to: offset, count: 1, reason: "render-failed" };
  }
  closed(): void {
    this.closedCount++;
    this.#wake();
  }
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

// The sink looks at nothing but the kind.
const message = (offset: number, text: string) =>
  ({ kind: "message", topic: "t", offset, payload: Buffer.from(text) }) as unknown as Message;

/** Messages as their payload, gaps as text, `started` as nothing; a payload "bad" cannot be encoded. */
function encode(frame: SinkFrame): Encoded {
  if (frame.kind === "gap") return frameMessage(Buffer.from(`gap ${frame.from}`), "once");
  if (frame.kind !== "message") return "nothing";
  if (String(frame.payload) === "bad") return "failed";
  return frameMessage(frame.payload, "once");
}

const started: SinkFrame = {
  kind: "started",
  subscriptionId: "s",
  position: { epoch: "e", offset: 0 },
  overflow: "evict",
  queue: { messages: 1, bytes: 1 },
  bounded: [],
  maxAgeMs: undefined,
  class: undefined,
};

const end = (reason: CloseReason): EndFrame => ({
  kind: "end",
  reason,
  position: { epoch: "e", offset: 5 },
  detail: `because of ${reason}`,
  lost: 2,
  retryAfterMs: undefined,
});

type Options = Partial<GrpcSinkOptions<undefined>>;

const WAYS: Readonly<Record<string, FastWays>> = {
  "to the stream": { toStream: true, asBatch: true },
  "in one write": { toStream: false, asBatch: true },
  "write by write": NO_FAST_WAYS,
};

function attach(call: BytesCall, options: Options = {}): { sink: GrpcSink<undefined>; engine: Engine } {
  const sink = new GrpcSink(call, undefined, {
    encode,
    clock: systemClock,
    endGraceMs: 60_000,
    ways: WAYS["to the stream"]!,
    joiner: new BatchJoiner(),
    ...options,
  });
  const engine = new Engine();
  sink.open(engine);
  return { sink, engine };
}

/** A subscriber that reads. */
async function reading(t: TestContext, options: Options = {}, server: ServerOptions = {}) {
  const bare = await bareServer(t, server);
  const stream = openStream(grpcClient(t, bare.address), BYTES_METHOD, EMPTY);
  const call = await bare.nextCall();
  return { stream, call, ...attach(call, options) };
}

/** A subscriber whose window lets nothing, or next to nothing, through. */
async function frozen(t: TestContext, options: Options = {}, window = 0) {
  const bare = await bareServer(t);
  const client = await rawClient(t, bare.address, { window });
  const raw = client.call(BYTES_METHOD.path);
  const call = await bare.nextCall();
  const attached = attach(call, options);
  await raw.headers;
  return { raw, call, client, ...attached };
}

function assertDetached(call: BytesCall, before: { error: number; close: number }): void {
  assert.equal(call.listenerCount("cancelled"), 0);
  assert.equal(call.listenerCount("error"), before.error);
  assert.equal(call.listenerCount("close"), before.close);
}

// What grpc-js listens to by itself.
const OWN = { error: 1, close: 0 };

for (const [way, ways] of Object.entries(WAYS)) {
  test(`a batch is delivered ${way} and completes once`, async (t) => {
    const { sink, engine, stream } = await reading(t, { ways });
    assert.equal(sink.write([started, message(1, "a"), message(2, ""), message(3, "c")]), "pending");
    assert.deepEqual((await stream.take(3)).map(String), ["a", "", "c"]);
    await engine.until(() => engine.writtenCount > 0);
    sink.write([message(4, "d")]);
    await engine.until(() => engine.writtenCount > 1);
    assert.deepEqual((await stream.take(4)).map(String), ["a", "", "c", "d"]);
    assert.equal(engine.writtenCount, 2);
  });

  test(`a batch of more messages than grpc-js takes at once completes once, sent ${way}`, async (t) => {
    const { sink, engine, stream } = await reading(t, { ways });
    const texts = Array.from({ length: 50 }, (_, i) => `message ${i}`);
    sink.write(texts.map((text, i) => message(i + 1, text)));
    assert.deepEqual((await stream.take(50)).map(String), texts);
    await engine.until(() => engine.writtenCount > 0);
    await turn();
    assert.equal(engine.writtenCount, 1);
  });

  test(`a message that cannot be encoded leaves its notice in its place, sent ${way}`, async (t) => {
    const { sink, engine, stream } = await reading(t, { ways });
    sink.write([message(1, "a"), message(2, "bad"), message(3, "c")]);
    assert.deepEqual((await stream.take(3)).map(String), ["a", "gap 2", "c"]);
    assert.deepEqual(
      engine.unrenderables.map(({ offset }) => offset),
      [2],
    );
  });

  test(`a client that cancels while a write waits is noticed, and nothing stays behind, sent ${way}`, async (t) => {
    const { sink, engine, raw, call } = await frozen(t, { ways });
    const many = Array.from({ length: 20 }, (_, i) => message(i + 1, "waits for the window"));
    assert.equal(sink.write(many), "pending");
    raw.stream.close(constants.NGHTTP2_CANCEL);
    await engine.until(() => engine.closedCount > 0);
    assertDetached(call, OWN);
    assert.equal(sink.write([message(99, "too late")]), "pending");
    for (let i = 0; i < 5; i++) await turn();
    assert.equal(engine.writtenCount, 0);
    assert.equal(engine.closedCount, 1);
  });
}

for (const [way, ways] of Object.entries(WAYS)) {
  test(`a connection that dies is noticed, sent ${way}`, async (t) => {
    const { engine, client, sink } = await frozen(t, { ways });
    sink.write([message(1, "waits")]);
    client.session.destroy();
    await engine.until(() => engine.closedCount > 0);
    assert.equal(engine.writtenCount, 0);
  });

  test(`an orderly end is OK and says in the trailers where the subscriber stands, sent ${way}`, async (t) => {
    const { sink, engine, stream, call } = await reading(t, { ways });
    sink.write([message(1, "last")]);
    sink.end(end("completed"));
    const { code, metadata } = await stream.status;
    assert.equal(code, status.OK);
    assert.deepEqual(stream.received.map(String), ["last"]);
    assert.deepEqual(metadata.get("spillway-reason"), ["completed"]);
    assert.deepEqual(metadata.get("spillway-offset"), ["5"]);
    assert.deepEqual(metadata.get("spillway-lost"), ["2"]);
    assertDetached(call, OWN);
    assert.equal(engine.closedCount, 0, "the engine ended it and needs no telling");
  });

  test(`another end is its status, behind what was written, sent ${way}`, async (t) => {
    const { sink, stream } = await reading(t, { ways });
    sink.write([message(1, "last")]);
    sink.end(end("replaced"));
    const { code, details } = await stream.status;
    assert.equal(code, status.ABORTED);
    assert.equal(details, "because of replaced");
  });

  test(`an end inside a write callback arrives, sent ${way}`, async (t) => {
    const { sink, engine, stream } = await reading(t, { ways });
    engine.onWritten = () => sink.end(end("draining"));
    sink.write([message(1, "a")]);
    assert.equal((await stream.status).code, status.UNAVAILABLE);
  });

  test(`an end during a write that nobody takes resets the stream after the grace, sent ${way}`, async (t) => {
    const { sink, raw, engine } = await frozen(t, { ways, endGraceMs: 20 });
    sink.write([message(1, "waits for the window")]);
    sink.end(end("stalled"));
    await raw.closed;
    assert.equal(raw.stream.rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    assert.equal(engine.writtenCount, 0);
  });

  test(`an end with nothing under way arrives while the client's window has one byte left, sent ${way}`, async (t) => {
    const { sink, raw } = await frozen(t, { ways }, 1);
    sink.end(end("stalled"));
    await raw.closed;
    assert.equal(raw.stream.rstCode, constants.NGHTTP2_NO_ERROR);
    assert.equal(raw.trailers?.["grpc-status"], String(status.RESOURCE_EXHAUSTED));
  });
}

test("a status that grpc-js sends by itself, as for a deadline, is noticed, and what is written then is no error", async (t) => {
  const { sink, engine, stream, call } = await reading(t);
  const inner = (call as unknown as { call: { sendStatus(given: object): void } }).call;
  inner.sendStatus({ code: status.DEADLINE_EXCEEDED, details: "too late", metadata: null });
  sink.write([message(1, "too late")]);
  const { code, details } = await stream.status;
  assert.deepEqual({ code, details }, { code: status.DEADLINE_EXCEEDED, details: "too late" });
  await engine.until(() => engine.closedCount > 0);
  assert.equal(engine.writtenCount, 0);
});

test("an interceptor sees every write", async (t) => {
  let seen = 0;
  const counting: ServerInterceptor = (_method, call) =>
    new ServerInterceptingCall(
      call,
      new ResponderBuilder()
        .withSendMessage((sent, next) => {
          seen++;
          next(sent);
        })
        .build(),
    );
  const { sink, stream } = await reading(t, {}, { interceptors: [counting] });
  sink.write([message(1, "a"), message(2, "b")]);
  await stream.take(2);
  assert.equal(seen, 1);
});

test("a batch with nothing to send is done at once", async (t) => {
  const { sink, stream, engine } = await reading(t);
  await stream.live;
  assert.equal(sink.write([started]), "done");
  assert.equal(engine.writtenCount, 0);
});

test("with a send limit, messages leave one by one and a larger one is a loss, not the end", async (t) => {
  const { sink, stream, engine } = await reading(t, {}, { "grpc.max_send_message_length": 10 });
  sink.write([message(1, "0123456789"), message(2, "0123456789+"), message(3, "ok")]);
  assert.deepEqual((await stream.take(3)).map(String), ["0123456789", "gap 2", "ok"]);
  assert.equal(engine.unrenderables.length, 1);
});

test("a client that cancelled before the first write is noticed", async (t) => {
  const { sink, engine, stream, call } = await reading(t);
  stream.call.cancel();
  await engine.until(() => engine.closedCount > 0);
  sink.write([message(1, "nobody")]);
  await turn();
  assert.equal(engine.writtenCount, 0);
  assertDetached(call, OWN);
});

test("a call that was cancelled before the sink opened is closed at once", async (t) => {
  const bare = await bareServer(t);
  const stream = openStream(grpcClient(t, bare.address), BYTES_METHOD, EMPTY);
  const call = await bare.nextCall();
  stream.call.cancel();
  await once(call, "cancelled");
  const { engine } = attach(call);
  await engine.until(() => engine.closedCount > 0);
  assert.equal(engine.closedCount, 1);
});

test("a client that cancels between a refused write and its drain is noticed", async (t) => {
  const { sink, engine, raw } = await frozen(t, { ways: NO_FAST_WAYS });
  // 16 messages: the last write() returned false.
  sink.write(Array.from({ length: 16 }, (_, i) => message(i + 1, "x")));
  await turn();
  raw.stream.close(constants.NGHTTP2_CANCEL);
  await engine.until(() => engine.closedCount > 0);
  assert.equal(engine.writtenCount, 0);
});

test("a client that cancels inside a drain handler is noticed, and what was written then never completes", async (t) => {
  const { sink, engine, stream, call } = await reading(t, { ways: NO_FAST_WAYS });
  const order: string[] = [];
  call.on("drain", () => {
    order.push("drain");
    stream.call.cancel();
  });
  engine.onWritten = () => {
    order.push("written");
    // Long enough to be under way when the cancel arrives.
    sink.write(Array.from({ length: 16 }, (_, i) => message(100 + i, "y".repeat(100_000))));
    engine.onWritten = () => {};
  };
  sink.write(Array.from({ length: 16 }, (_, i) => message(i + 1, "x")));
  await engine.until(() => engine.closedCount > 0);
  for (let i = 0; i < 5; i++) await turn();
  assert.deepEqual(order.slice(0, 2), ["drain", "written"]);
  assert.equal(engine.closedCount, 1);
});

test("where the stream cannot be found, a cancel is noticed all the same, and an end arrives", async (t) => {
  const bare = await bareServer(t);
  const client = grpcClient(t, bare.address);
  const open = async () => {
    const stream = openStream(client, BYTES_METHOD, EMPTY);
    const call = await bare.nextCall();
    const hidden = new Proxy(call, {
      get(target, name) {
        if (name === "call") return undefined;
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    return { stream, ...attach(hidden) };
  };
  const cancelled = await open();
  cancelled.stream.call.cancel();
  await cancelled.engine.until(() => cancelled.engine.closedCount > 0);
  const ended = await open();
  ended.sink.write([message(1, "a")]);
  ended.sink.end(end("draining"));
  assert.equal((await ended.stream.status).code, status.UNAVAILABLE);
  assert.deepEqual(ended.stream.received.map(String), ["a"]);
});

test("the timer of the grace goes away with the stream", async (t) => {
  let timers = 0;
  const clock = {
    ...systemClock,
    after: (ms: number, run: () => void) => {
      timers++;
      const cancel = systemClock.after(ms, run);
      return () => {
        timers--;
        cancel();
      };
    },
  };
  const { sink, stream, call } = await reading(t, { clock });
  sink.end(end("completed"));
  assert.equal(timers, 1);
  await Promise.all([stream.status, once(call, "cancelled")]);
  while (timers > 0) await turn();
});

test("after the end nothing is written and a second end changes nothing", async (t) => {
  const { sink, stream } = await reading(t);
  sink.end(end("completed"));
  sink.write([message(1, "late")]);
  sink.end(end("failed"));
  assert.equal((await stream.status).code, status.OK);
  assert.deepEqual(stream.received, []);
});

for (const at of ["sendMetadata", "sendMessage"] as const) {
  test(`an interceptor that throws in ${at} costs its call, and nothing else`, async (t) => {
    const fault = () => {
      throw new Error("internals");
    };
    const faulty: ServerInterceptor = (_method, call) =>
      new ServerInterceptingCall(
        call,
        at === "sendMetadata"
          ? new ResponderBuilder().withSendMetadata(fault).build()
          : new ResponderBuilder().withSendMessage(fault).build(),
      );
    const bare = await bareServer(t, { interceptors: [faulty] });
    const stream = openStream(grpcClient(t, bare.address), BYTES_METHOD, EMPTY);
    const { sink, engine } = attach(await bare.nextCall(), { endGraceMs: 20 });
    if (at === "sendMessage") sink.write([message(1, "a")]);
    assert.equal(engine.closedCount, 1);
    const { code, details } = await stream.status;
    // Behind an interceptor that never lets go of a message, no status gets out: then it is the reset.
    assert.ok(code === status.INTERNAL || code === status.RESOURCE_EXHAUSTED, `got ${code}`);
    assert.doesNotMatch(details, /internals/);
  });
}
