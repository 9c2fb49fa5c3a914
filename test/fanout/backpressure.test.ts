import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { HubOptions, Publication } from "../../src/index.ts";
import { assertBalanced, handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

const retention = {};

/** A blocking subscriber of `a.*` with a queue of eight: it presses from six on, and lets go at four. */
function blocking(options: HubOptions = {}) {
  const { hub, clock, errors } = handHub({ newcomerGraceMs: 0, escalation: [], ...options });
  const sink = new ValveSink({ batch: { frames: 1, bytes: 1_000 } });
  const subscription = hub.attach({ patterns: ["a.*"], overflow: "block", queue: { messages: 8 } }, sink);
  clock.turn();
  sink.valve = "shut";
  const publish = (count: number, topic = "a.x") =>
    Array.from({ length: count }, () => hub.publish(topic, "").writable);
  return { hub, clock, errors, sink, subscription, publish };
}

/** Whether the promise is settled by now, without waiting for it. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let is = false;
  promise.then(
    () => {
      is = true;
    },
    () => {
      is = true;
    },
  );
  await new Promise((resolve) => setImmediate(resolve));
  return is;
}

describe("a blocking subscriber", () => {
  it("asks publishers of its topics to wait from the high watermark until the low one, and nobody else", async () => {
    const { hub, clock, sink, publish } = blocking();
    assert.deepEqual(publish(6), [true, true, true, true, true, false]);
    assert.deepEqual(publish(1, "b"), [true]);
    const writable = hub.writable("a.y");
    await hub.writable("b");
    sink.release();
    clock.turn();
    assert.equal(await settled(writable), false, "five wait");
    sink.release();
    clock.turn();
    await writable;
    assert.deepEqual(publish(1), [true]);
  });

  it("does not hold up the others, who get every message at once", () => {
    const { hub, clock, publish } = blocking();
    const other = new ValveSink();
    hub.attach({ patterns: [">"] }, other);
    publish(7);
    clock.turn();
    assert.deepEqual(other.offsets, [1, 2, 3, 4, 5, 6, 7]);
  });

  it("that is not heeded is parked where there is a log, and misses nothing", () => {
    const { clock, sink, subscription, publish } = blocking({ retention });
    publish(12);
    assert.equal(subscription.state, "parked");
    assert.deepEqual(publish(1), [true], "one that reads the past holds nobody up");
    sink.openValve();
    clock.settle();
    assert.equal(String(sink), "started 1 2 3 4 5 6 7 8 parked 9 10 11 12 13 live");
    assertBalanced(subscription);
  });

  it("that is not heeded is evicted as overrun where there is none, resumable", () => {
    const { clock, sink, publish } = blocking();
    publish(9);
    clock.turn();
    const { reason, position, retryAfterMs } = sink.ended!;
    assert.deepEqual([reason, position.offset], ["overrun", 0]);
    assert.ok(retryAfterMs !== undefined);
  });

  for (const retained of [true, false]) {
    it(`holds publishers up for a bounded time, then ${retained ? "parks" : "is evicted as overrun"}`, async () => {
      const { hub, clock, sink, subscription, publish } = blocking({
        blockTimeoutMs: 1_000,
        ...(retained ? { retention } : {}),
      });
      publish(6);
      const writable = hub.writable("a.x");
      clock.advance(1_000);
      assert.equal(await settled(writable), false);
      clock.advance(500);
      await writable;
      assert.equal(subscription.state, retained ? "parked" : "ended");
      publish(3);
      sink.openValve();
      clock.settle();
      if (retained) assert.deepEqual([sink.offsets.length, sink.gaps], [9, []]);
      else assert.equal(sink.ended?.reason, "overrun");
    });
  }

  it("lets go of its publishers when it ends, however it ends", async () => {
    for (const how of ["end", "close", "drain"] as const) {
      const { hub, clock, sink, subscription, publish } = blocking();
      publish(6);
      const writable = hub.writable("a.x");
      if (how === "end") subscription.end("unsubscribed");
      else if (how === "close") sink.close();
      else subscription.drain();
      await writable;
      clock.settle();
    }
  });

  it("and another: a publisher waits until neither asks it to", async () => {
    const { hub, clock, sink, publish } = blocking();
    const second = new ValveSink({ batch: { frames: 1, bytes: 1_000 } });
    hub.attach({ patterns: [">"], overflow: "block", queue: { messages: 8 } }, second);
    clock.turn();
    second.valve = "shut";
    publish(6);
    const writable = hub.writable("a.x");
    sink.openValve();
    clock.settle();
    assert.equal(await settled(writable), false);
    second.openValve();
    clock.settle();
    await writable;
  });

  it("that is heeded gets everything, is never parked, and loses nothing, whatever happens", async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom("a.x", "a.y", "b") },
      { weight: 2, arbitrary: fc.constantFrom("release" as const, "turn" as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: "max" }), async (steps) => {
        const { hub, clock, sink, subscription } = blocking();
        let writable = true;
        let published = 0;
        for (const action of steps) {
          if (action === "release") sink.release();
          else if (action === "turn") clock.turn();
          else if (action === "b") hub.publish("b", "");
          else {
            if (!writable) {
              const waiting = hub.writable(action);
              while (!(await settled(waiting))) {
                sink.release();
                clock.turn();
              }
            }
            published++;
            ({ writable } = hub.publish(action, ""));
          }
          assert.equal(subscription.state, "live");
        }
        sink.openValve();
        clock.settle();
        assert.deepEqual([sink.offsets.length, sink.gaps], [published, []]);
      }),
      runs(60),
    );
  });
});

describe("a blocking subscriber that publishers do not wait for at all", () => {
  it("is left in peace as long as its queue is not full", () => {
    const { clock, subscription } = blocking({ blockTimeoutMs: 0 });
    clock.advance(1_000);
    assert.equal(subscription.stats().state, "live");
  });
});

describe("hub.writable", () => {
  it("resolves at once when nobody asks to wait, also for a topic that nobody knows", async () => {
    const { hub } = handHub();
    await hub.writable("nobody.knows");
  });

  it("gives up after its time with TIMEOUT, and leaves no timer behind", async () => {
    const { hub, clock, publish } = blocking({ blockTimeoutMs: 60_000 });
    publish(6);
    const before = clock.timers;
    const writable = hub.writable("a.x", { timeoutMs: 100 });
    const refused = assert.rejects(writable, {
      code: "TIMEOUT",
      message: /"a\.x" did not make room within 100 ms/,
    });
    clock.advance(100);
    await refused;
    assert.equal(clock.timers, before);
  });

  it("gives up with the reason of its signal, before and while it waits, and leaves no listener on it", async () => {
    const { hub, clock, sink, publish } = blocking();
    publish(6);
    const reason = new Error("no more time");
    await assert.rejects(hub.writable("a.x", { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const writable = hub.writable("a.x", { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(writable, reason);
    const late = new AbortController();
    const kept = hub.writable("a.x", { signal: late.signal, timeoutMs: 1_000 });
    sink.openValve();
    clock.settle();
    await kept;
    for (const { signal } of [controller, late]) assert.deepEqual(getEventListeners(signal, "abort"), []);
  });

  it("refuses a time that is none", () => {
    const { hub } = handHub();
    for (const timeoutMs of [-1, Number.NaN])
      assert.throws(() => void hub.writable("a", { timeoutMs }), RangeError);
  });
});

describe("hub.ingest", () => {
  async function* source(count: number, onClose = () => {}): AsyncGenerator<Publication> {
    try {
      for (let each = 0; each < count; each++) yield { topic: "a.x", payload: `${each}`, key: `${each}` };
    } finally {
      onClose();
    }
  }

  it("publishes everything, as fast as the slowest blocking subscriber reads", async () => {
    const { hub, clock, sink, subscription } = blocking();
    const ingested = hub.ingest(source(100));
    let most = 0;
    while (!(await settled(ingested))) {
      most = Math.max(most, subscription.stats().queued);
      sink.release();
      clock.turn();
    }
    assert.equal(await ingested, 100);
    assert.ok(most <= 8, `${most} waited`);
    sink.openValve();
    clock.settle();
    assert.deepEqual([sink.offsets.length, sink.gaps], [100, []]);
  });

  it("takes any iterable, and passes keys and headers on", async () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink();
    hub.attach({ patterns: ["t"] }, sink);
    assert.equal(await hub.ingest([{ topic: "t", payload: "x", key: "k", headers: { h: "1" } }]), 1);
    clock.turn();
    const [, frame] = sink.frames;
    assert.ok(frame?.kind === "message");
    assert.deepEqual([frame.key, frame.headers], ["k", { h: "1" }]);
  });

  it("stops with the reason of its signal while it waits, and closes its source", async () => {
    const { hub } = blocking({ blockTimeoutMs: 60_000 });
    const reason = new Error("shutting down");
    const controller = new AbortController();
    let closed = false;
    const ingested = hub.ingest(
      source(100, () => {
        closed = true;
      }),
      { signal: controller.signal },
    );
    assert.equal(await settled(ingested), false);
    controller.abort(reason);
    await assert.rejects(ingested, reason);
    assert.ok(closed);
    assert.equal(hub.position.offset, 6);
  });

  it("stops with the reason of its signal while its source waits, and leaves nothing behind", async () => {
    const { hub } = handHub();
    const reason = new Error("shutting down");
    const controller = new AbortController();
    let refuse = (_: unknown) => {};
    let closed = false;
    const silent: AsyncIterable<Publication> = {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise((_, reject) => {
            refuse = reject;
          }),
        return: () => {
          closed = true;
          return new Promise(() => {});
        },
      }),
    };
    const ingested = hub.ingest(silent, { signal: controller.signal });
    assert.equal(await settled(ingested), false);
    controller.abort(reason);
    await assert.rejects(ingested, reason);
    assert.ok(closed);
    assert.deepEqual(getEventListeners(controller.signal, "abort"), []);
    // Unhandled, it would fail this file.
    refuse(new Error("the connection is gone"));
    assert.equal(hub.position.offset, 0);
  });

  it("leaves no listener on its signal, whatever becomes of it", async () => {
    const { hub, clock, publish } = blocking({ maxMessageBytes: 1, blockTimeoutMs: 60_000 });
    const { signal } = new AbortController();
    assert.equal(await hub.ingest([{ topic: "b", payload: "" }], { signal }), 1);
    await assert.rejects(hub.ingest([{ topic: "b", payload: "12" }], { signal }), {
      code: "MESSAGE_TOO_LARGE",
    });
    publish(6);
    const waiting = hub.ingest([{ topic: "a.x", payload: "" }], { signal });
    assert.equal(await settled(waiting), false);
    void hub.close({ drainTimeoutMs: 0 });
    clock.advance(1_000);
    assert.equal(await waiting, 1, "nobody asks it to wait any more");
    assert.deepEqual(getEventListeners(signal, "abort"), []);
  });

  it("fails with what publish throws, and closes its source", async () => {
    const { hub } = handHub({ maxMessageBytes: 1 });
    let closed = false;
    const ingested = hub.ingest(
      source(11, () => {
        closed = true;
      }),
    );
    await assert.rejects(ingested, { code: "MESSAGE_TOO_LARGE" });
    assert.ok(closed);
  });
});
