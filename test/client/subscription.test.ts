import assert from "node:assert/strict";
import { subscribe as listen, unsubscribe as unlisten } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { SpillwayError } from "../../src/errors.ts";
import type { Frame } from "../../src/protocol/index.ts";
import {
  type ConnectOptions,
  connect,
  type RemoteFrame,
  type RemoteSubscribeOptions,
  type RemoteSubscription,
  type StateChange,
} from "../../src/transport/grpc/client/index.ts";
import type { WireSubscribeRequest } from "../../src/transport/grpc/contracts.ts";
import { startedToWire } from "../../src/transport/grpc/wire.ts";
import {
  cancelled,
  deferred,
  end,
  type FakeServer,
  fail,
  fakeServer,
  type Handlers,
  message,
  type SubscribeCall,
  send,
  start,
  startedFrame,
} from "./fake-server.ts";
import { ManualClock } from "./manual-clock.ts";

/** No delay before an attempt, so that a test waits for events and not for time. */
const atOnce = { backoff: { random: () => 0 } };

async function serve(t: TestContext, handlers: Handlers): Promise<FakeServer> {
  const server = await fakeServer(handlers);
  t.after(() => server.die());
  return server;
}

function subscribe(
  t: TestContext,
  address: string,
  options: RemoteSubscribeOptions = {},
  connectOptions: ConnectOptions = atOnce,
): RemoteSubscription {
  const client = connect(address, connectOptions);
  t.after(() => client.close());
  return client.subscribe("t.>", options);
}

async function take(subscription: RemoteSubscription, count: number): Promise<RemoteFrame[]> {
  const frames: RemoteFrame[] = [];
  while (frames.length < count) {
    const { done, value } = await subscription.next();
    assert.ok(done !== true, `the subscription ended after ${frames.length} of ${count} frames`);
    frames.push(value);
  }
  return frames;
}

const brief = (frames: readonly Frame[]): string[] =>
  frames.map((frame) =>
    frame.kind === "message"
      ? `${frame.offset}`
      : frame.kind === "started"
        ? `started ${frame.position.epoch}:${frame.position.offset}`
        : frame.kind,
  );

describe("reading", () => {
  test("frames arrive as they were sent, and an OK end finishes the iteration", async (t) => {
    const sent = [
      message(1, { key: "k", payload: "hello" }),
      { kind: "gap", topic: undefined, from: 2, to: 9, count: undefined, reason: "trimmed" },
      { kind: "progress", position: { epoch: "e1", offset: 20 }, conflated: 3 },
      { kind: "state", state: "draining", overflow: "drop-oldest", rung: 0 },
    ] as const satisfies Frame[];
    const server = await serve(t, {
      subscribe(call) {
        start(call);
        send(call, ...sent);
        call.end();
      },
    });
    const subscription = subscribe(t, server.address);
    const frames: RemoteFrame[] = [];
    for await (const frame of subscription) frames.push(frame);
    assert.equal(frames[0]?.kind, "started");
    assert.deepEqual(frames.slice(1), sent);
    assert.equal(subscription.state, "ended");
    assert.deepEqual(subscription.position, { epoch: "e1", offset: 20 });
    assert.deepEqual(await subscription.next(), { done: true, value: undefined });
  });

  test("the request carries every option", async (t) => {
    const requests: WireSubscribeRequest[] = [];
    const server = await serve(t, {
      subscribe(call) {
        requests.push(call.request);
        call.end();
      },
    });
    const subscription = subscribe(t, server.address, {
      start: { epoch: "e7", offset: 2 ** 53 - 1 },
      overflow: "conflate",
      queue: { messages: 3 },
      filter: { keyPrefixes: ["a"] },
      clientName: "me",
      labels: { tier: "gold" },
      maxAgeMs: 5_000,
      minIntervalMs: 99.5,
      lingerMs: 4.2,
    });
    for await (const _ of subscription);
    assert.deepEqual(JSON.parse(JSON.stringify(requests)), [
      {
        patterns: ["t.>"],
        position: { epoch: "e7", offset: "9007199254740991" },
        start: "position",
        overflow: "OVERFLOW_POLICY_CONFLATE",
        queue: { messages: 3, bytes: "0" },
        filter: { keys: [], keyPrefixes: ["a"] },
        clientName: "me",
        maxAgeMs: "5000",
        minIntervalMs: "100",
        lingerMs: "5",
        labels: { tier: "gold" },
        previousSubscriptionId: "",
      },
    ]);
  });

  test("a kind of frame that this version does not know is passed over", async (t) => {
    const server = await serve(t, {
      subscribe(call) {
        start(call);
        call.write({});
        send(call, message(1));
        call.end();
      },
    });
    assert.deepEqual(brief(await take(subscribe(t, server.address), 2)), ["started e1:0", "1"]);
  });

  test("overlapping reads are answered in order, and all of them at the end", async (t) => {
    const server = await serve(t, {
      subscribe(call) {
        start(call);
        send(call, message(1));
        call.end();
      },
    });
    const subscription = subscribe(t, server.address);
    const results = await Promise.all([1, 2, 3, 4].map(() => subscription.next()));
    assert.deepEqual(
      results.map(({ done }) => done),
      [false, false, true, true],
    );
    assert.equal(results[0]?.value?.kind, "started");
  });

  test("a reader that stops makes its stream stop: no more is taken in than grpc-js reads ahead", async (t) => {
    const total = 4_000;
    let written = 0;
    const blocked = deferred<SubscribeCall>();
    const server = await serve(t, {
      subscribe(call) {
        start(call);
        const payload = "x".repeat(1_024);
        const pump = (): void => {
          while (written < total) {
            written += 1;
            if (!call.write({ message: { topic: "t", offset: written, payload: Buffer.from(payload) } })) {
              // The window is full when a drain stays away for a while; every drain re-arms the watch.
              const watch = setTimeout(() => blocked.resolve(call), 300);
              call.once("drain", () => {
                clearTimeout(watch);
                pump();
              });
              return;
            }
          }
          call.end();
        };
        pump();
      },
    });
    const subscription = subscribe(t, server.address);
    await take(subscription, 1);
    await blocked.promise;
    assert.ok(written < 300, `${written} KiB were taken in with nobody reading`);
    let read = 0;
    for await (const frame of subscription) if (frame.kind === "message") read += 1;
    assert.equal(read, total, "and nothing is missing when it goes on");
  });
});

describe("coming back", () => {
  test("after a server that died it goes on behind its position, without duplicates", async (t) => {
    const positions: unknown[] = [];
    const first = await fakeServer({
      subscribe(call) {
        start(call, { epoch: "e1", offset: 5 });
        send(call, message(6), message(7));
      },
    });
    t.after(() => first.die());
    const changes: StateChange[] = [];
    const subscription = subscribe(t, first.address, { onStateChange: (change) => changes.push(change) });
    assert.deepEqual(brief(await take(subscription, 3)), ["started e1:5", "6", "7"]);
    first.die();
    const second = await fakeServer(
      {
        subscribe(call) {
          positions.push(call.request.position);
          start(call, { epoch: "e1", offset: 7 });
          // A server is not supposed to repeat anything; a client is not supposed to rely on it.
          send(call, message(6), message(7), message(8));
        },
      },
      first.port,
    );
    t.after(() => second.die());
    assert.deepEqual(brief(await take(subscription, 2)), ["started e1:7", "8"]);
    assert.deepEqual(positions, [{ epoch: "e1", offset: "7" }]);
    const states = changes.map(({ state }) => state);
    assert.equal(states[0], "live");
    assert.equal(states.at(-1), "live");
    assert.ok(states.includes("waiting") && states.includes("connecting"));
    const lost = changes.find(({ state }) => state === "waiting");
    assert.ok(lost?.error instanceof SpillwayError);
    assert.equal(lost.attempt, 1);
  });

  test("while no server is there, attempts follow the backoff, and each one really tries", async (t) => {
    // Takes a free port and gives it up, so that connections to it are refused.
    const gone = await fakeServer({});
    gone.die();
    const clock = new ManualClock();
    const changes: StateChange[] = [];
    let moved: (() => void) | undefined;
    const subscription = subscribe(
      t,
      gone.address,
      {
        onStateChange(change) {
          changes.push(change);
          moved?.();
        },
      },
      { clock, backoff: { baseMs: 100, capMs: 400, random: () => 1 } },
    );
    const reading = take(subscription, 1);
    const delays: (number | undefined)[] = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      while (changes.at(-1)?.state !== "waiting" || changes.at(-1)?.attempt !== attempt) {
        await new Promise<void>((resolve) => {
          moved = resolve;
        });
      }
      const change = changes.at(-1);
      delays.push(change?.delayMs);
      assert.match(change?.error?.message ?? "", /ECONNREFUSED/);
      if (attempt < 4) clock.advance(change?.delayMs ?? 0);
    }
    assert.deepEqual(delays, [100, 200, 400, 400]);
    const back = await fakeServer({ subscribe: (call) => start(call) }, gone.port);
    t.after(() => back.die());
    clock.advance(400);
    assert.deepEqual(brief(await reading), ["started e1:0"]);
  });

  test("the server's retry delay is a floor under the backoff", async (t) => {
    const server = await serve(t, {
      subscribe: (call, attempt) =>
        attempt === 1 ? end(call, { reason: "draining", retryAfterMs: 7_000 }) : start(call),
    });
    const clock = new ManualClock();
    const waiting = deferred<StateChange>();
    const subscription = subscribe(
      t,
      server.address,
      { onStateChange: (change) => change.state === "waiting" && waiting.resolve(change) },
      { clock, backoff: { baseMs: 100, random: () => 0.5 } },
    );
    const reading = take(subscription, 1);
    assert.equal((await waiting.promise).delayMs, 7_050);
    assert.equal(subscription.state, "waiting");
    clock.advance(7_049);
    assert.equal(subscription.state, "waiting");
    clock.advance(1);
    assert.deepEqual(brief(await reading), ["started e1:0"]);
  });

  test("only a stream that was live for a while makes the next delay a short one", async (t) => {
    const calls: SubscribeCall[] = [];
    const server = await serve(t, {
      subscribe(call) {
        calls.push(call);
        start(call);
      },
    });
    const clock = new ManualClock();
    const delays: (number | undefined)[] = [];
    const subscription = subscribe(
      t,
      server.address,
      {
        onStateChange(change) {
          if (change.state !== "waiting") return;
          delays.push(change.delayMs);
          setImmediate(() => clock.advance(change.delayMs ?? 0));
        },
      },
      { clock, backoff: { baseMs: 100, capMs: 10_000, resetAfterMs: 5_000, random: () => 1 } },
    );
    for (const liveMs of [0, 4_999, 5_000, 0]) {
      await take(subscription, 1);
      clock.advance(liveMs);
      fail(calls.at(-1) as SubscribeCall, status.UNAVAILABLE);
    }
    await take(subscription, 1);
    assert.deepEqual(delays, [100, 200, 100, 200]);
  });

  test("what arrived before a failure is read before it counts, and the resume starts behind it", async (t) => {
    const positions: unknown[] = [];
    const arrived = deferred<SubscribeCall>();
    const server = await serve(t, {
      subscribe(call, attempt) {
        positions.push(call.request.position?.offset);
        start(call);
        if (attempt === 1) {
          send(call, message(1), message(2), message(3));
          arrived.resolve(call);
        } else send(call, message(4));
      },
    });
    const subscription = subscribe(t, server.address);
    await take(subscription, 1);
    const call = await arrived.promise;
    // Written in order on one stream: when the last write is through, the three are on their way; the status
    // is sent in a later turn, behind them.
    await new Promise((resolve) => setImmediate(resolve));
    await take(subscription, 1);
    fail(call, status.UNAVAILABLE);
    const frames = await take(subscription, 4);
    assert.deepEqual(brief(frames), ["2", "3", "started e1:0", "4"]);
    assert.deepEqual(positions, [undefined, "3"]);
  });

  test("a worthless position is dropped and the next stream starts fresh, in the new history", async (t) => {
    const positions: unknown[] = [];
    const server = await serve(t, {
      subscribe(call, attempt) {
        positions.push(call.request.position?.epoch);
        if (attempt === 1) end(call, { reason: "epoch-mismatch" });
        else {
          start(call, { epoch: "e2", offset: 3 });
          send(call, message(4));
        }
      },
    });
    const subscription = subscribe(t, server.address, { start: { epoch: "e1", offset: 900 } });
    assert.deepEqual(brief(await take(subscription, 2)), ["started e2:3", "4"]);
    assert.deepEqual(positions, ["e1", undefined]);
    assert.deepEqual(subscription.position, { epoch: "e2", offset: 4 });
  });

  test("every form of start goes out as it was asked, and every later call goes on from the position", async (t) => {
    const forms = [
      ["oldest", { oldest: {} }],
      ["snapshot", { snapshot: {} }],
      [{ newest: 7 }, { newest: 7 }],
      [{ sinceMs: 1_700_000_000_000.25 }, { sinceUs: "1700000000000250" }],
      ["live", {}],
    ] as const;
    for (const [from, expected] of forms) {
      const requests: unknown[] = [];
      const server = await serve(t, {
        subscribe(call, attempt) {
          const { position, oldest, snapshot, newest, sinceUs } = call.request;
          requests.push(JSON.parse(JSON.stringify({ position, oldest, snapshot, newest, sinceUs })));
          // Refused at first, it has no position yet.
          if (attempt === 1) return fail(call, status.UNAVAILABLE);
          start(call, { epoch: "e1", offset: 41 });
          if (attempt === 2) fail(call, status.UNAVAILABLE);
        },
      });
      await take(subscribe(t, server.address, { start: from }), 2);
      assert.deepEqual(requests, [expected, expected, { position: { epoch: "e1", offset: "41" } }]);
    }
  });

  test("in another history it begins as it did at first, and live if it began with a position", async (t) => {
    for (const [from, expected] of [
      ["snapshot", "snapshot"],
      [{ newest: 3 }, "newest"],
      [{ epoch: "e1", offset: 2 }, undefined],
      ["live", undefined],
    ] as const) {
      const starts: unknown[] = [];
      const server = await serve(t, {
        subscribe(call, attempt) {
          starts.push(call.request.start);
          if (attempt === 2) return end(call, { reason: "epoch-mismatch" });
          start(call, { epoch: attempt === 1 ? "e1" : "e2", offset: 5 });
          if (attempt === 1) fail(call, status.UNAVAILABLE);
        },
      });
      const frames = await take(subscribe(t, server.address, { start: from }), 2);
      assert.deepEqual(brief(frames), ["started e1:5", "started e2:5"]);
      assert.deepEqual(starts.slice(1), ["position", expected]);
    }
  });

  test("a call that ended without a reason is asked about, until a server answers", async (t) => {
    const previousEnd = { reason: "stalled", offset: 7, lost: 3 };
    const asked: unknown[] = [];
    const server = await serve(t, {
      subscribe(call, attempt) {
        asked.push(call.request.previousSubscriptionId);
        switch (attempt) {
          case 1:
            send(call, startedFrame("first"));
            return fail(call, status.RESOURCE_EXHAUSTED);
          case 2:
            return fail(call, status.UNAVAILABLE);
          case 3:
            return end(call, { reason: "refused", retryAfterMs: 0 });
          case 4:
            call.write({ started: startedToWire(startedFrame("second"), previousEnd) });
            return end(call, { reason: "overflow", retryAfterMs: 0 });
          default:
            send(call, startedFrame("third"));
        }
      },
    });
    const frames = await take(subscribe(t, server.address), 3);
    const ends = frames.map((frame) => (frame.kind === "started" ? frame.previousEnd : "no start"));
    assert.deepEqual(ends, [undefined, previousEnd, undefined]);
    assert.deepEqual(
      asked,
      ["", "first", "first", "first", ""],
      "one that told its reason is not asked about",
    );
  });

  test("under conflate a resume neither skips what still waited nor repeats what was read", async (t) => {
    const positions: unknown[] = [];
    const server = await serve(t, {
      subscribe(call, attempt) {
        positions.push(call.request.position?.offset);
        start(call, { epoch: "e1", offset: 10 }, "conflate");
        if (attempt === 1) {
          send(call, message(15, { key: "a" }), {
            kind: "progress",
            position: { epoch: "e1", offset: 11 },
            conflated: 2,
          });
          send(call, message(16, { key: "b" }));
        } else {
          for (const [offset, key] of [
            [12, "c"],
            [14, "a"],
            [15, "a"],
            [16, "b"],
            [17, "a"],
          ] as const) {
            send(call, message(offset, { key }));
          }
        }
        call.once("drain", () => {});
        if (attempt === 1) setImmediate(() => fail(call, status.UNAVAILABLE));
      },
    });
    const subscription = subscribe(t, server.address);
    const read = brief(await take(subscription, 4));
    assert.deepEqual(read, ["started e1:10", "15", "progress", "16"]);
    assert.deepEqual(brief(await take(subscription, 3)), ["started e1:10", "12", "17"]);
    assert.deepEqual(positions, [undefined, "11"]);
  });

  test("there is never more than one open call, however often it comes back", async (t) => {
    let open = 0;
    let most = 0;
    const server = await serve(t, {
      subscribe(call, attempt) {
        open += 1;
        most = Math.max(most, open);
        start(call);
        if (attempt === 20) return;
        open -= 1;
        fail(call, status.UNAVAILABLE);
      },
    });
    const frames = await take(subscribe(t, server.address), 20);
    assert.ok(frames.every(({ kind }) => kind === "started"));
    assert.equal(most, 1);
  });
});

describe("giving up", () => {
  const finals = {
    "bad-request": "REQUEST_INVALID",
    unauthenticated: "UNAUTHENTICATED",
    "not-allowed": "NOT_ALLOWED",
    replaced: "ENDED",
  } as const;
  for (const [reason, code] of Object.entries(finals)) {
    test(`${reason} is thrown to the reader, once`, async (t) => {
      let calls = 0;
      const server = await serve(t, {
        subscribe(call) {
          calls += 1;
          end(call, { reason: reason as "replaced", detail: "because" });
        },
      });
      const changes: StateChange[] = [];
      const subscription = subscribe(t, server.address, { onStateChange: (change) => changes.push(change) });
      await assert.rejects(subscription.next(), (error) => {
        assert.ok(error instanceof SpillwayError);
        assert.deepEqual([error.code, error.reason, error.message], [code, reason, "because"]);
        return true;
      });
      assert.deepEqual(await subscription.next(), { done: true, value: undefined });
      assert.equal(calls, 1);
      assert.equal(changes.at(-1)?.state, "ended");
      assert.equal(changes.at(-1)?.error?.reason, reason);
    });
  }

  test("a server that answers in another language ends it: another attempt would read the same", async (t) => {
    const server = await serve(t, {
      subscribe(call) {
        start(call);
        // Field 1 claims 100 bytes that do not follow.
        call.write(Buffer.from([0x0a, 0x64, 0x01]) as never);
      },
    });
    const subscription = subscribe(t, server.address);
    await assert.rejects(take(subscription, 2), (error) => {
      assert.ok(error instanceof SpillwayError);
      assert.equal(error.code, "ENDED");
      assert.match(error.message, /cannot be read/);
      return true;
    });
    assert.equal(subscription.state, "ended");
  });

  test("an offset that no number holds exactly is not rounded but refused", async (t) => {
    const server = await serve(t, {
      subscribe(call) {
        start(call);
        call.write({ message: { topic: "t", offset: "9007199254740993" } });
      },
    });
    await assert.rejects(take(subscribe(t, server.address), 2), /9007199254740993/);
  });

  test("a message above this client's own limit ends it with MESSAGE_TOO_LARGE", async (t) => {
    const server = await serve(t, {
      subscribe(call) {
        start(call);
        send(call, message(1, { payload: "x".repeat(2_000) }));
      },
    });
    const small = { ...atOnce, channelOptions: { "grpc.max_receive_message_length": 1_000 } };
    await assert.rejects(take(subscribe(t, server.address, {}, small), 2), { code: "MESSAGE_TOO_LARGE" });
  });

  test("a server without the service is told from one that is down", async (t) => {
    const server = await serve(t, { subscribe: (call) => fail(call, status.UNIMPLEMENTED, "what?") });
    await assert.rejects(subscribe(t, server.address).next(), /does not offer this service: what\?/);
  });

  test("without waitForServer a refused connection is thrown at once", async (t) => {
    const gone = await fakeServer({});
    gone.die();
    const subscription = subscribe(t, gone.address, {}, { waitForServer: false });
    await assert.rejects(subscription.next(), (error) => {
      assert.ok(error instanceof SpillwayError);
      assert.equal(error.code, "UNREACHABLE");
      assert.match(error.message, new RegExp(`${gone.address}: connect ECONNREFUSED`));
      return true;
    });
  });

  test("without waitForServer a server that was reached once is waited for", async (t) => {
    const server = await serve(t, {
      subscribe(call, attempt) {
        start(call);
        if (attempt === 1) fail(call, status.UNAVAILABLE);
      },
    });
    const subscription = subscribe(t, server.address, {}, { ...atOnce, waitForServer: false });
    const frames = await take(subscription, 2);
    assert.deepEqual(brief(frames), ["started e1:0", "started e1:0"]);
  });

  test("an address that accepts and stays silent is given up after the connect timeout", async (t) => {
    const sockets = new Set<Socket>();
    const silent: NetServer = createServer((socket) => sockets.add(socket.on("error", () => {})));
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const { port } = silent.address() as { port: number };
    const clock = new ManualClock();
    const accepted = once(silent, "connection");
    const subscription = subscribe(
      t,
      `127.0.0.1:${port}`,
      {},
      { clock, waitForServer: false, connectTimeoutMs: 5_000 },
    );
    const reading = subscription.next();
    reading.catch(() => {});
    await accepted;
    clock.advance(4_999);
    assert.equal(subscription.state, "connecting");
    clock.advance(1);
    await assert.rejects(reading, /no connection within 5000 ms/);
  });

  test("a server that is connected but says nothing is waited for without limit", async (t) => {
    const arrived = deferred<SubscribeCall>();
    const server = await serve(t, { subscribe: (call) => arrived.resolve(call) });
    const clock = new ManualClock();
    const subscription = subscribe(t, server.address, {}, { clock, waitForServer: false });
    const reading = take(subscription, 1);
    const call = await arrived.promise;
    clock.advance(10_000_000);
    start(call);
    assert.deepEqual(brief(await reading), ["started e1:0"]);
  });
});

describe("leaving", () => {
  function endless(): { handlers: Handlers; call: Promise<SubscribeCall> } {
    const { promise, resolve } = deferred<SubscribeCall>();
    return {
      call: promise,
      handlers: {
        subscribe(call) {
          start(call);
          send(call, message(1));
          resolve(call);
        },
      },
    };
  }

  test("leaving the loop cancels the call", async (t) => {
    const { handlers, call } = endless();
    const server = await serve(t, handlers);
    const subscription = subscribe(t, server.address);
    for await (const frame of subscription) if (frame.kind === "message") break;
    await cancelled(await call);
    assert.equal(subscription.state, "ended");
  });

  test("close() finishes a read that waits, silently, and cancels the call", async (t) => {
    const { handlers, call } = endless();
    const server = await serve(t, handlers);
    const subscription = subscribe(t, server.address);
    await take(subscription, 2);
    const waiting = subscription.next();
    subscription.close();
    subscription.close();
    assert.deepEqual(await waiting, { done: true, value: undefined });
    await cancelled(await call);
  });

  test("return() takes effect while a read waits, and answers it", async (t) => {
    const { handlers, call } = endless();
    const server = await serve(t, handlers);
    const subscription = subscribe(t, server.address);
    await take(subscription, 2);
    const waiting = subscription.next();
    await subscription.return();
    assert.deepEqual(await waiting, { done: true, value: undefined });
    await cancelled(await call);
  });

  test("an aborted signal ends it, its reason is thrown to the reader, and no listener stays behind", async (t) => {
    const { handlers, call } = endless();
    const server = await serve(t, handlers);
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners += 1;
      return addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners -= 1;
      return removeEventListener.apply(signal, args);
    };
    const subscription = subscribe(t, server.address, { signal });
    await take(subscription, 2);
    const other = subscribe(t, server.address, { signal });
    other.close();
    assert.equal(listeners, 1);
    const waiting = subscription.next();
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(waiting, reason);
    assert.equal(listeners, 0);
    await cancelled(await call);
    assert.throws(() => subscribe(t, server.address, { signal }), reason, "aborted before it began");
  });

  test("leaving while it waits for the next attempt stops the timer", async (t) => {
    const server = await serve(t, { subscribe: (call) => fail(call, status.UNAVAILABLE) });
    const clock = new ManualClock();
    const waiting = deferred<void>();
    const subscription = subscribe(
      t,
      server.address,
      { onStateChange: ({ state }) => state === "waiting" && waiting.resolve() },
      { clock },
    );
    const reading = subscription.next();
    await waiting.promise;
    assert.equal(clock.pending, 1);
    subscription.close();
    assert.deepEqual(await reading, { done: true, value: undefined });
    assert.equal(clock.pending, 0);
  });

  test("leaving from inside onStateChange is the end", async (t) => {
    let calls = 0;
    const server = await serve(t, {
      subscribe(call) {
        calls += 1;
        fail(call, status.UNAVAILABLE);
      },
    });
    const subscription: RemoteSubscription = subscribe(t, server.address, {
      onStateChange: ({ state }) => state === "waiting" && subscription.close(),
    });
    assert.deepEqual(await subscription.next(), { done: true, value: undefined });
    assert.equal(calls, 1);
  });

  test("closing the client ends its subscriptions, and new ones are refused", async (t) => {
    const { handlers } = endless();
    const server = await serve(t, handlers);
    const client = connect(server.address);
    const subscription = client.subscribe("t.>");
    await take(subscription, 2);
    const waiting = subscription.next();
    client.close();
    client.close();
    assert.deepEqual(await waiting, { done: true, value: undefined });
    assert.throws(() => client.subscribe("t.>"), { code: "CLOSED" });
  });

  test("await using closes client and subscription", async (t) => {
    const { handlers, call } = endless();
    const server = await serve(t, handlers);
    {
      await using client = connect(server.address);
      await using subscription = client.subscribe("t.>");
      await take(subscription, 2);
    }
    await cancelled(await call);
  });
});

test("an onStateChange that throws is contained and reported", async (t) => {
  const server = await serve(t, {
    subscribe(call) {
      start(call);
      send(call, message(1));
    },
  });
  const reported: unknown[] = [];
  const onReport = (event: unknown): void => {
    reported.push(event);
  };
  listen("spillway:hook-error", onReport);
  t.after(() => unlisten("spillway:hook-error", onReport));
  const bad = new Error("mine");
  const subscription = subscribe(t, server.address, {
    onStateChange() {
      throw bad;
    },
  });
  assert.deepEqual(brief(await take(subscription, 2)), ["started e1:0", "1"]);
  subscription.close();
  assert.deepEqual(reported, Array(2).fill({ epoch: undefined, hook: "onStateChange", error: bad }));
});

test("headers go with every call", async (t) => {
  const seen: unknown[] = [];
  const server = await serve(t, {
    subscribe(call) {
      seen.push(call.metadata.get("authorization"));
      call.sendMetadata(new Metadata());
      call.end();
    },
  });
  const subscription = subscribe(t, server.address, {}, { headers: { authorization: "Bearer x" } });
  for await (const _ of subscription);
  assert.deepEqual(seen, [["Bearer x"]]);
});

test("misuse is refused where it happens", () => {
  assert.throws(() => connect(""), { code: "ADDRESS_INVALID" });
  assert.throws(() => connect("127.0.0.1:1", { connectTimeoutMs: 0 }), /RangeError.*connectTimeoutMs.*got 0/);
  assert.throws(() => connect("127.0.0.1:1", { backoff: { capMs: -1 } }), RangeError);
  using client = Object.assign(connect("127.0.0.1:1"), {
    [Symbol.dispose](): void {
      client.close();
    },
  });
  assert.throws(() => client.subscribe([7 as never]), TypeError);
  assert.throws(() => client.longlived(2 ** 31), /RangeError.*2147483648/);
  assert.throws(() => client.longlived(1.5), RangeError);
});
