import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MOST_RESTING, Pacer } from "../../src/fanout/pacer.ts";
import type { HubOptions, Start } from "../../src/index.ts";
import { assertBalanced, handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";
import { type Recorded, type Valve, ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

const INTERVAL_MS = 100;

interface Wish {
  readonly queue?: { readonly messages?: number; readonly bytes?: number };
  readonly start?: Start;
  readonly filter?: { readonly keys: string[] };
  readonly valve?: Valve;
  /** @default 100 */
  readonly minIntervalMs?: number;
  /** Frames of a batch. */
  readonly frames?: number;
  readonly hub?: HubOptions;
  /** Published before it comes. */
  readonly past?: readonly string[];
}

/** A subscriber of `a` that wants at most one message of a key in 100 ms. */
function paced({ valve = "open", frames = 100, past = [], hub: options = {}, ...wish }: Wish = {}) {
  const { hub, clock, errors } = handHub({ newcomerGraceMs: 0, escalation: [], ...options });
  const publish = (...keys: (string | undefined)[]) => {
    for (const key of keys) hub.publish("a", "", { key });
  };
  publish(...past);
  const times: [offset: number, ms: number][] = [];
  const record = (written: readonly Recorded[]) => {
    for (const frame of written) if (frame.kind === "message") times.push([frame.offset, clock.now()]);
  };
  const sink = new ValveSink({ batch: { frames, bytes: 100_000 }, onWrite: record });
  const subscription = hub.attach(
    { patterns: ["a"], overflow: "conflate", minIntervalMs: INTERVAL_MS, ...wish },
    sink,
  );
  clock.turn();
  sink.valve = valve;
  return { hub, clock, errors, sink, subscription, publish, times };
}

describe("a subscriber with a pace", () => {
  it("gets a key's first message at once and then the newest of each interval when it is over", () => {
    const { clock, publish, times, subscription } = paced();
    publish("k");
    for (let each = 0; each < 25; each++) {
      clock.advance(10);
      publish("k");
    }
    clock.advance(1_000);
    assert.deepEqual(times, [
      [1, 0],
      [10, 100],
      [20, 200],
      [26, 300],
    ]);
    assert.equal(subscription.stats().conflated, 22);
    assertBalanced(subscription);
  });

  it("gets a key that was quiet for an interval at once", () => {
    const { clock, publish, times } = paced();
    publish("k");
    clock.advance(100);
    publish("k");
    clock.settle();
    assert.deepEqual(times, [
      [1, 0],
      [2, 100],
    ]);
  });

  it("gets messages without a key as they come", () => {
    const { clock, publish, times } = paced();
    for (let each = 0; each < 3; each++) {
      publish(undefined, undefined);
      clock.advance(10);
    }
    assert.deepEqual(
      times.map(([, ms]) => ms),
      [0, 0, 10, 10, 20, 20],
    );
  });

  it("has a pace for each key, and gets each when that one is due, whichever was held back first", () => {
    const { clock, publish, times } = paced();
    publish("k");
    clock.advance(20);
    publish("j");
    clock.advance(20);
    publish("j");
    clock.advance(20);
    publish("k");
    clock.advance(200);
    assert.deepEqual(times, [
      [1, 0],
      [2, 20],
      [4, 100],
      [3, 120],
    ]);
  });

  it("is paced from when a message goes out, not from when it was published", () => {
    const { clock, publish, times, sink } = paced({ valve: "shut", frames: 1 });
    publish("x", "k");
    clock.advance(70);
    sink.openValve();
    clock.settle();
    publish("k");
    clock.advance(200);
    assert.deepEqual(times, [
      [1, 0],
      [2, 70],
      [3, 170],
    ]);
  });

  it("has what is held back counted as queued, in messages and bytes, and gives it back", () => {
    const { hub, clock, publish, subscription } = paced();
    publish("k", "j");
    clock.turn();
    hub.publish("a", "12345", { key: "k" });
    hub.publish("a", "12", { key: "j" });
    hub.publish("a", "123", { key: "k" });
    const { queued, queuedBytes, peakQueuedBytes, conflated } = subscription.stats();
    assert.deepEqual([queued, queuedBytes, peakQueuedBytes, conflated], [2, 7, 9, 1]);
    clock.advance(100);
    const after = subscription.stats();
    assert.deepEqual([after.queued, after.queuedBytes, after.delivered], [0, 0, 4]);
  });

  it("stays within its bounds: what is held back gives way first, and is told as lost", () => {
    const { clock, publish, subscription, sink } = paced({ queue: { messages: 2 } });
    publish("k", "j");
    clock.turn();
    publish("k", "j", undefined);
    assert.equal(subscription.stats().queued, 2);
    clock.turn();
    assert.equal(String(sink), "started 1 2 gap(3..3×1) 5");
    clock.advance(100);
    assert.equal(String(sink), "started 1 2 gap(3..3×1) 5 4");
    assertBalanced(subscription);
  });

  it("stays within its bounds when a larger message of the key takes the place of what is held", () => {
    const { hub, clock, publish, subscription, sink } = paced({ queue: { messages: 9, bytes: 10 } });
    publish("k", "j");
    clock.turn();
    hub.publish("a", "123", { key: "j" });
    hub.publish("a", "12345", { key: "k" });
    hub.publish("a", "12345678", { key: "k" });
    assert.ok(subscription.stats().queuedBytes <= 10);
    clock.turn();
    assert.equal(String(sink), "started 1 2 gap(3..3×1) 5", "its pace gave way as well");
    const { conflated, dropped } = subscription.stats();
    assert.deepEqual([conflated, dropped.overflow], [1, 1]);
    assertBalanced(subscription);
  });

  it("loses nothing that is held back for a message that takes over a place in its queue", () => {
    const { clock, publish, subscription, sink } = paced({ queue: { messages: 2 } });
    publish("k");
    clock.turn();
    publish("k", "j");
    publish("j", "j");
    clock.turn();
    clock.advance(100);
    assert.deepEqual([sink.offsets, sink.gaps], [[1, 5, 2], []]);
    assert.equal(subscription.stats().conflated, 2);
    assertBalanced(subscription);
  });

  it("loses a message larger than its bound as ever", () => {
    const { hub, clock, publish, sink, subscription } = paced({ queue: { bytes: 4 } });
    publish("k");
    clock.turn();
    hub.publish("a", "12345", { key: "k" });
    clock.turn();
    assert.equal(String(sink), "started 1 gap(2..2×1:oversize) progress(2)");
    assertBalanced(subscription);
  });

  it("has a position that never passes what is held back, and is told so", () => {
    const { clock, publish, sink, subscription } = paced({ hub: { progressIntervalMs: 250 } });
    publish("k");
    clock.turn();
    publish("k", "j", "k");
    clock.turn();
    assert.deepEqual([subscription.position.offset, sink.offsets], [1, [1, 3]]);
    clock.advance(99);
    assert.equal(subscription.position.offset, 1);
    clock.advance(1);
    assert.deepEqual([subscription.position.offset, sink.offsets], [4, [1, 3, 4]]);
    clock.advance(1_000);
    assert.equal(String(sink), "started 1 3 4 progress(4)");
  });

  it("has a position that does not pass what was held back once it stands in line behind newer ones", () => {
    const { clock, publish, sink, subscription } = paced({ frames: 1 });
    publish("k");
    clock.turn();
    publish("k");
    clock.advance(90);
    sink.valve = "shut";
    publish("x", "y", "z");
    clock.turn();
    clock.advance(10);
    // 3 is under way; 4, 5 and then 2 wait.
    sink.release();
    assert.equal(subscription.position.offset, 1);
    clock.turn();
    sink.release();
    assert.equal(subscription.position.offset, 1);
    subscription.end("unsubscribed");
    clock.turn();
    assert.equal(sink.ended?.position.offset, 1);
    assert.deepEqual(sink.offsets, [1, 3, 4]);
  });

  it("gets what is held back at once when it drains, and then its end", async () => {
    const { hub, clock, publish, sink, subscription } = paced();
    publish("k", "j");
    clock.turn();
    publish("k", "j", "k");
    const closed = hub.close();
    clock.settle();
    await closed;
    assert.equal(String(sink), "started 1 2 draining 5 4 progress(5) end:draining");
    assertBalanced(subscription);
    assert.equal(clock.timers, 0);
  });

  it("has what is held back counted as discarded when it ends, and leaves no timer", () => {
    const { clock, publish, sink, subscription } = paced();
    publish("k", "j");
    clock.turn();
    publish("k", "j", "k");
    subscription.end("unsubscribed");
    clock.settle();
    const { discardedAtClose, queued, queuedBytes, conflated } = subscription.stats();
    assert.deepEqual([discardedAtClose, queued, queuedBytes, conflated], [2, 0, 0, 1]);
    assertBalanced(subscription);
    assert.equal(clock.timers, 0);
    clock.advance(1_000);
    assert.deepEqual([sink.offsets, sink.ended?.position.offset], [[1, 2], 2]);
  });

  it("has one timer while something is held back, and none otherwise", () => {
    const { clock, publish } = paced();
    const watch = clock.timers;
    publish("k", "j", "i");
    clock.turn();
    assert.equal(clock.timers, watch);
    clock.advance(10);
    publish("k", "j", "k", "i");
    assert.equal(clock.timers, watch + 1);
    clock.advance(1_000);
    assert.equal(clock.timers, watch);
  });

  it("needs the policy conflate, and a time that a timer can hold", () => {
    const { hub } = handHub();
    const refusal = { code: "REQUEST_INVALID", field: "min_interval_ms" };
    const join = (minIntervalMs: number, overflow: "conflate" | undefined = "conflate") =>
      hub.attach({ patterns: ["a"], overflow, minIntervalMs }, new ValveSink());
    assert.throws(() => hub.attach({ patterns: ["a"], minIntervalMs: 1 }, new ValveSink()), refusal);
    for (const wrong of [-1, Number.NaN, Infinity, 2 ** 31]) assert.throws(() => join(wrong), refusal);
    join(0).end("unsubscribed");
    hub.attach({ patterns: ["a"], minIntervalMs: 0 }, new ValveSink()).end("unsubscribed");
  });

  it("reads the past at its pace, waits without turning, and misses no key", () => {
    const past = ["k", "j", "i", "h", "k", "j", "i", "h"];
    const { clock, sink, subscription, times, hub } = paced({
      hub: { retention: {} },
      past,
      start: "oldest",
      queue: { messages: 4 },
    });
    assert.ok(clock.settle() < 10, "nothing turns while it waits for its time");
    assert.equal(subscription.state, "catching-up");
    clock.advance(250);
    hub.publish("a", "", { key: "k" });
    clock.advance(250);
    assert.equal(subscription.state, "live");
    assert.deepEqual(sink.gaps, []);
    assertSpaced(times, [...past, "k"]);
    for (const newest of [9, 6, 7, 8]) assert.ok(sink.offsets.includes(newest));
    assertBalanced(subscription);
  });

  it("waits without turning for room that what it holds back takes in bytes", () => {
    const { hub, clock } = handHub({ retention: {} });
    for (const [key, payload] of [
      ["k", "12345"],
      ["k", "12"],
      ["j", "1234567"],
    ] as const)
      hub.publish("a", payload, { key });
    const sink = new ValveSink();
    hub.attach(
      { patterns: ["a"], start: "oldest", overflow: "conflate", minIntervalMs: 100, queue: { bytes: 10 } },
      sink,
    );
    clock.turn();
    assert.ok(clock.settle() < 10);
    clock.advance(100);
    assert.deepEqual([sink.offsets, sink.gaps], [[1, 2, 3], []]);
  });

  it("begins its pace anew when it conflates again, with what waits from before", () => {
    const { clock, publish, sink, subscription } = paced({
      minIntervalMs: 60_000,
      hub: {
        stallTimeoutMs: 250,
        minBytesPerSecond: 1_000_000,
        escalation: [
          { when: { stalledForMs: 0 }, policy: "drop-oldest" },
          { when: { stalledForMs: 1_000 }, policy: "conflate" },
        ],
      },
    });
    publish("k");
    clock.turn();
    sink.valve = "shut";
    publish("other");
    clock.turn();
    clock.advance(1_000);
    assert.equal(subscription.stats().overflow, "drop-oldest");
    publish("k");
    clock.advance(1_000);
    assert.equal(subscription.stats().overflow, "conflate");
    publish("k");
    sink.openValve();
    clock.advance(120_000);
    assert.equal(sink.offsets.at(-1), 4);
    assertBalanced(subscription);
    subscription.drain();
    clock.settle();
    assert.equal(sink.ended?.reason, "draining");
  });

  it("is not paced on a rung that does not conflate, and loses nothing on the way there and back", () => {
    const { clock, publish, sink, subscription } = paced({
      frames: 1,
      minIntervalMs: 5_000,
      hub: {
        recoveryMs: 250,
        escalation: [{ when: { lagMessages: 4 }, policy: "drop-oldest" }],
      },
    });
    publish("x");
    clock.turn();
    sink.valve = "shut";
    publish("x", "y", "z", "z2", "z3");
    clock.advance(250);
    assert.equal(subscription.stats().overflow, "drop-oldest");
    publish("k", "k");
    // All but the second of `k` go out; then it conflates again, while that one waits.
    for (let each = 0; each < 6; each++) {
      sink.release();
      clock.turn();
    }
    assert.equal(sink.offsets.at(-1), 7);
    clock.advance(600);
    assert.equal(subscription.stats().overflow, "conflate");
    publish("k");
    sink.openValve();
    clock.advance(1_000);
    assert.equal(sink.offsets.at(-1), 9);
    assert.equal(subscription.stats().queued, 0);
    assertBalanced(subscription);
    assert.deepEqual(sink.gaps, []);
    publish("k");
    clock.advance(3_900);
    assert.equal(sink.offsets.at(-1), 9, "it conflates, so it is paced");
    clock.advance(200);
    assert.equal(sink.offsets.at(-1), 10);
  });

  it("forgets keys that have rested, and paces no more than so many at once", () => {
    const pacer = new Pacer(100);
    for (let key = 0; key < MOST_RESTING; key++) pacer.sent(`${key}`, 0);
    pacer.sent("one more", 50);
    assert.deepEqual([pacer.isResting("0", 50), pacer.isResting("one more", 50)], [true, false]);
    pacer.sent("later", 100);
    assert.deepEqual([pacer.isResting("0", 100), pacer.isResting("later", 100)], [false, true]);
  });
});

/** Messages of a key are at least the interval apart. */
function assertSpaced(times: readonly [number, number][], keys: readonly (string | undefined)[]): void {
  const last = new Map<string, number>();
  for (const [offset, ms] of times) {
    const key = keys[offset - 1];
    if (key === undefined) continue;
    assert.ok(ms - (last.get(key) ?? -Infinity) >= INTERVAL_MS, `${offset} of ${key} at ${ms}`);
    last.set(key, ms);
  }
}

const key = fc.constantFrom(undefined, "k", "j", "i");
const ms = fc.constantFrom(0, 1, 30, 70, 100, 130, 400);

describe("pacing against a plain model", () => {
  it("sends what the model sends, when the model does, while there is room", () => {
    // A burst of messages, in one turn, and then some time.
    const step = fc.tuple(fc.array(key, { maxLength: 5 }), ms);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { clock, publish, times, subscription } = paced();
        const expected: [number, number][] = [];
        const sentAt = new Map<string, number>();
        const held = new Map<string, number>();
        let offset = 0;
        const send = (name: string | undefined, message: number, at: number) => {
          expected.push([message, at]);
          if (name !== undefined) sentAt.set(name, at);
        };
        for (const [keys, pause] of steps) {
          const now = clock.now();
          const burst = new Map<unknown, { name: string | undefined; message: number }>();
          for (const name of keys) {
            offset++;
            if (name === undefined) burst.set(offset, { name, message: offset });
            else if (now - (sentAt.get(name) ?? -Infinity) < INTERVAL_MS) held.set(name, offset);
            else burst.set(name, { name, message: offset });
          }
          publish(...keys);
          clock.settle();
          for (const { name, message } of burst.values()) send(name, message, now);
          clock.advance(pause);
          const due = [...held].map(([name, message]) => ({
            name,
            message,
            at: sentAt.get(name)! + INTERVAL_MS,
          }));
          for (const { name, message, at } of due.sort((one, other) => one.at - other.at)) {
            if (at > clock.now()) continue;
            held.delete(name);
            send(name, message, at);
          }
          // Keys that are due at the same time have no order among them.
          const sorted = (list: readonly [number, number][]) =>
            [...list].sort(([a, atA], [b, atB]) => atA - atB || a - b);
          assert.deepEqual(sorted(times), sorted(expected));
          assert.equal(subscription.stats().queued, held.size);
          assertBalanced(subscription);
          assert.equal(subscription.stats().conflated, offset - expected.length - held.size);
        }
      }),
      runs(300),
    );
  });

  it("keeps its bounds, books and position after every step, whatever happens, and forgets no key", () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.tuple(fc.constant("publish" as const), key, fc.integer({ min: 0, max: 12 })),
      },
      { weight: 3, arbitrary: fc.tuple(fc.constant("advance" as const), ms) },
      { weight: 3, arbitrary: fc.tuple(fc.constantFrom("turn" as const, "release" as const)) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constant("valve" as const), fc.constantFrom("open" as const, "shut" as const)),
      },
    );
    const bounds = fc.record({
      messages: fc.integer({ min: 1, max: 5 }),
      bytes: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(
        bounds,
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        fc.array(step, { maxLength: 60, size: "max" }),
        (queue, frames, drains, steps) => {
          const { hub, clock, sink, subscription } = paced({ queue, frames });
          /** By key; those without one are all kept. */
          const newest = new Map<unknown, number>();
          const check = () => {
            const { queued, queuedBytes, position } = subscription.stats();
            assert.ok(queued <= queue.messages && queuedBytes <= queue.bytes);
            assertBalanced(subscription);
            for (const offset of newest.values()) {
              const got =
                sink.offsets.includes(offset) ||
                sink.gaps.some(({ from, to }) => from <= offset && offset <= to);
              assert.ok(got || position.offset < offset, `${position.offset} passes ${offset}; ${sink}`);
            }
          };
          for (const [what, first, bytes] of steps) {
            if (what === "publish") {
              const payload = "x".repeat(Math.max(0, Number(bytes) - (first?.toString().length ?? 0)));
              const { offset } = hub.publish("a", payload, { key: first as string | undefined });
              newest.set(first ?? offset, offset);
            } else if (what === "advance") clock.advance(Number(first));
            else if (what === "turn") clock.turn();
            else if (what === "release") sink.release();
            else if (first === "open") sink.openValve();
            else sink.valve = "shut";
            check();
          }
          if (drains) subscription.drain();
          sink.openValve();
          clock.advance(2 * INTERVAL_MS);
          check();
          const { queued, inFlight, dropped, matched, conflated } = subscription.stats();
          assert.deepEqual([queued, inFlight], [0, 0]);
          assert.equal(sink.offsets.length, matched - conflated - dropped.overflow - dropped.oversize);
          assert.equal(
            sink.gaps.reduce((sum, { count }) => sum + count!, 0),
            dropped.overflow + dropped.oversize,
          );
          assert.equal(subscription.position.offset, hub.position.offset);
          subscription.end("unsubscribed");
          clock.settle();
          assert.equal(clock.timers, 0);
        },
      ),
      runs(600),
    );
  });
});
