import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HubOptions } from "../../src/index.ts";
import { assertBalanced, handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { type Recorded, ValveSink, type ValveSinkOptions } from "../support/valve-sink.ts";

failOnLeaks();

interface Wish extends ValveSinkOptions {
  readonly hub?: HubOptions;
  readonly lingerMs?: number;
  readonly pattern?: string;
  readonly queue?: { readonly messages: number };
}

/** A hub with one subscriber that has its first frame. `batches`: the offsets of each write, and when it was. */
function lingering({ hub: options, lingerMs, pattern = ">", queue, ...sinkOptions }: Wish) {
  const { hub, clock } = handHub(options);
  const batches: [ms: number, ...offsets: number[]][] = [];
  const onWrite = (written: readonly Recorded[]) => {
    const offsets = written.flatMap((frame) => (frame.kind === "message" ? [frame.offset] : []));
    if (offsets.length > 0) batches.push([clock.now(), ...offsets]);
  };
  const sink = new ValveSink({ ...sinkOptions, onWrite });
  const request = { patterns: [pattern], queue };
  const subscription = hub.attach(lingerMs === undefined ? request : { ...request, lingerMs }, sink);
  clock.turn();
  return { hub, clock, sink, subscription, batches };
}

describe("a hub whose messages linger", () => {
  it("sends what comes within the time as one batch, when the first has waited that long", () => {
    const { hub, clock, batches, subscription } = lingering({ hub: { lingerMs: 10 } });
    for (let each = 0; each < 12; each++) {
      hub.publish("a", "");
      clock.advance(2);
    }
    clock.advance(100);
    assert.deepEqual(batches, [
      [10, 1, 2, 3, 4, 5],
      [20, 6, 7, 8, 9, 10],
      [30, 11, 12],
    ]);
    assertBalanced(subscription);
  });

  it("does not wait with a full batch", () => {
    const { hub, clock, batches } = lingering({
      hub: { lingerMs: 10 },
      batch: { frames: 3, bytes: 1_000 },
    });
    for (let each = 0; each < 4; each++) hub.publish("a", "");
    clock.settle();
    assert.deepEqual(batches[0], [0, 1, 2, 3]);
  });

  it("does not wait with a batch that is full by its bytes", () => {
    const { hub, clock, batches } = lingering({
      hub: { lingerMs: 10 },
      batch: { frames: 100, bytes: 1_000 },
    });
    hub.publish("a", "x".repeat(1_000));
    clock.settle();
    assert.deepEqual(batches, [[0, 1]]);
  });

  it("loses nothing that it would not have lost: a queue that fills is sent at once", () => {
    const { hub, clock, subscription } = lingering({ hub: { lingerMs: 1_000 }, queue: { messages: 4 } });
    for (let each = 0; each < 20; each++) {
      hub.publish("a", "");
      clock.settle();
    }
    assert.equal(subscription.stats().dropped.overflow, 0);
    assertBalanced(subscription);
  });

  it("sends what was published while a batch was under way as soon as that is handed over", () => {
    const { hub, clock, sink, batches } = lingering({ hub: { lingerMs: 10 } });
    sink.valve = "shut";
    hub.publish("a", "");
    clock.advance(10);
    hub.publish("a", "");
    clock.advance(3);
    sink.valve = "open";
    sink.release();
    clock.settle();
    assert.deepEqual(batches, [
      [10, 1],
      [13, 2],
    ]);
    clock.advance(1_000);
    assert.equal(batches.length, 2);
  });

  it("asks the topic before the hub, and the subscriber before the topic", () => {
    const options = { lingerMs: 10, topics: { "fast.*": { lingerMs: 0 } } };
    for (const [topic, lingerMs, expected] of [
      ["slow.a", undefined, 10],
      ["fast.a", undefined, 0],
      ["fast.a", 20, 20],
      ["slow.a", 0, 0],
    ] as const) {
      const { hub, clock, batches } = lingering({
        hub: options,
        ...(lingerMs === undefined ? {} : { lingerMs }),
      });
      hub.publish(topic, "");
      clock.advance(50);
      assert.deepEqual(batches, [[expected, 1]], `${topic} for one that lingers ${lingerMs}`);
    }
  });

  it("takes what lingers along when a message comes that does not", () => {
    const { hub, clock, batches } = lingering({
      hub: { lingerMs: 10, topics: { fast: { lingerMs: 0 } } },
    });
    hub.publish("slow", "");
    clock.advance(1);
    hub.publish("fast", "");
    clock.advance(50);
    assert.deepEqual(batches, [[1, 1, 2]]);
  });

  it("waits no longer than the message that may wait the least", () => {
    const topics = { bulk: { lingerMs: 100 }, live: { lingerMs: 5 } };
    const { hub, clock, batches } = lingering({ hub: { topics } });
    hub.publish("bulk", "");
    clock.advance(1);
    hub.publish("live", "");
    clock.advance(500);
    assert.deepEqual(batches, [[6, 1, 2]]);
    assert.equal(clock.timers, 1, "only the watch is left");
  });

  it("does not wait with a message that would be stale by then", () => {
    const { hub, clock, batches, subscription } = lingering({ hub: { lingerMs: 50 } });
    hub.publish("a", "", { ttlMs: 60 });
    clock.advance(100);
    hub.publish("a", "", { ttlMs: 100 });
    clock.advance(100);
    assert.deepEqual(batches, [
      [0, 1],
      [150, 2],
    ]);
    assert.equal(subscription.stats().expired, 0);
  });

  it("does not wait with a loss", () => {
    const { hub, clock, sink } = lingering({ hub: { lingerMs: 50, queue: { bytes: 10 } } });
    hub.publish("a", "x".repeat(11));
    clock.settle();
    assert.deepEqual(
      sink.gaps.map(({ reason }) => reason),
      ["oversize"],
    );
  });

  it("forgets who has ended, and the timer with the last of them", () => {
    const { hub, clock, subscription } = lingering({ hub: { lingerMs: 1_000 } });
    hub.attach({ patterns: ["other"] }, new ValveSink());
    clock.turn();
    const before = clock.timers;
    hub.publish("a", "");
    assert.equal(clock.timers, before + 1);
    subscription.end("unsubscribed");
    assert.equal(clock.timers, before);
  });

  it("needs one timer for all who wait for the same time, and none when nobody waits", () => {
    const { hub, clock } = lingering({ hub: { lingerMs: 10 } });
    for (let each = 0; each < 9; each++) hub.attach({ patterns: ["a"] }, new ValveSink());
    clock.turn();
    const before = clock.timers;
    hub.publish("a", "");
    hub.publish("a", "");
    assert.equal(clock.timers, before + 1);
    clock.advance(10);
    assert.equal(clock.timers, before);
  });

  it("sends what waits when it drains, and leaves no timer behind", async () => {
    const { hub, clock, batches, sink } = lingering({ hub: { lingerMs: 1_000 } });
    hub.publish("a", "");
    const closed = hub.close();
    clock.settle();
    await closed;
    assert.deepEqual(batches, [[0, 1]]);
    assert.equal(sink.ended?.reason, "draining");
    assert.equal(clock.timers, 0);
  });
});

describe("a time to linger that is none", () => {
  it("is refused with the option's name", () => {
    for (const [options, message] of [
      [{ lingerMs: -1 }, /lingerMs must be a number of milliseconds from 0 to/],
      [{ topics: { a: { lingerMs: Number.NaN } } }, /topics\.a\.lingerMs must be/],
      [{ topics: { a: { ms: 1 } } }, /unknown topics\.a option "ms"/],
    ] as const) {
      assert.throws(() => handHub(options as HubOptions), { message });
    }
    const { hub } = handHub();
    for (const lingerMs of [-1, 1_001]) {
      assert.throws(() => hub.attach({ patterns: ["a"], lingerMs }, new ValveSink()), {
        code: "REQUEST_INVALID",
        field: "linger_ms",
        message: /from 0 to 1000/,
      });
    }
  });
});
