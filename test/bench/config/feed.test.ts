import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NANOS_PER_MS } from "../../../bench/harness/clock.ts";
import { Histogram } from "../../../bench/harness/histogram.ts";
import { Feed, keyName, scheduleOf } from "../../../bench/scenarios/config/feed.ts";
import { Freshness } from "../../../bench/scenarios/config/freshness.ts";
import { loadFor } from "../../../bench/scenarios/config/load.ts";
import { Pace } from "../../../bench/scenarios/config/pace.ts";

const usual = { rate: undefined, payloadBytes: 512, keys: 10, seconds: 10 };

describe("the load of a comparison", () => {
  it("shares the usual rate among the topics, or has the rate that is asked for on each", () => {
    assert.equal(loadFor(["a"], usual).rate, 1_000);
    assert.equal(loadFor(["a", "b"], usual).rate, 500);
    assert.equal(loadFor(["a", "b"], { ...usual, rate: 900 }).rate, 900);
  });

  it("freezes and leaves in shares of its length", () => {
    const { frozen, away } = loadFor(["a"], { ...usual, seconds: 20 });
    assert.deepEqual(frozen, { fromMs: 4_000, toMs: 14_000 });
    assert.deepEqual(away, [
      { fromMs: 6_000, toMs: 8_000 },
      { fromMs: 14_000, toMs: 16_000 },
    ]);
  });

  it("gives every topic as many messages in every turn, and so altogether", () => {
    for (const [topics, rate] of [
      [1, 1],
      [3, 333],
      [7, 1_000],
    ] as const) {
      const names = Array.from({ length: topics }, (_, index) => `t${index}`);
      const load = loadFor(names, { ...usual, rate, seconds: 3 });
      assert.equal(load.burst % topics, 0);
      assert.equal(scheduleOf(load).messages % topics, 0);
      const feeds = names.map((_, index) => new Feed(load, index));
      assert.equal(
        feeds.reduce((sum, { messages }) => sum + messages, 0),
        scheduleOf(load).messages,
      );
    }
  });
});

describe("the messages of one topic", () => {
  const load = loadFor(["a", "b"], { ...usual, rate: 100, keys: 3, seconds: 1 });
  const feed = new Feed(load, 1);

  it("are every second one of two topics", () => {
    assert.equal(feed.messages, 100);
    assert.deepEqual(
      [0, 1, 2, 3, 199, 201, -1].map((sequence) => feed.indexOf(sequence)),
      [undefined, 0, undefined, 1, 99, undefined, undefined],
    );
  });

  it("take turns in keys, and are due when the schedule has them", () => {
    assert.deepEqual(
      [0, 1, 2, 3].map((index) => keyName(index, load.keys)),
      ["key-0", "key-1", "key-2", "key-0"],
    );
    assert.equal(feed.dueNanos(0), 0);
    assert.equal(feed.dueNanos(50), 500 * NANOS_PER_MS);
  });
});

describe("staleness", () => {
  const START = 5_000 * NANOS_PER_MS;
  /** One message every 20 ms for 200 ms, two keys: a key has a new value every 40 ms. */
  const feed = {
    keys: 2,
    messages: 10,
    durationMs: 200,
    dueNanos: (index: number) => index * 20 * NANOS_PER_MS,
  };
  const at = (ms: number) => START + ms * NANOS_PER_MS;

  function staleness(read: (fresh: Freshness) => void): Histogram {
    const outOfDate = new Histogram();
    const fresh = new Freshness(feed, START, outOfDate);
    read(fresh);
    fresh.lookUntil(at(10_000));
    return outOfDate;
  }

  it("is 0 for whoever reads every message at once, however old the value is", () => {
    const seen = staleness((fresh) => {
      for (let index = 0; index < feed.messages; index++) fresh.read(index, at(index * 20));
    });
    // A look every 10 ms, for each key.
    assert.equal(seen.count, 40);
    assert.equal(seen.maxMicros, 0);
  });

  it("is for how long a newer value has been there: all the time since the first, for whoever reads nothing", () => {
    const seen = staleness(() => {});
    assert.equal(seen.count, 40);
    // Key 0 has had a value for 200 ms at the last look, key 1 for 180.
    assert.equal(Math.round(seen.maxMicros / 1_000), 200);
    assert.equal(Math.round(seen.micros(0.5) / 1_000), 90);
  });

  it("misses no look while a process is stopped, because what it holds does not change meanwhile", () => {
    const whole = staleness((fresh) => {
      fresh.read(0, at(0));
      for (let ms = 1; ms < 190; ms++) fresh.lookUntil(at(ms));
      fresh.read(9, at(190));
    });
    const stopped = staleness((fresh) => {
      fresh.read(0, at(0));
      fresh.read(9, at(190));
    });
    assert.deepEqual(stopped.data(), whole.data());
  });

  it("is not made worse by an older value that comes late", () => {
    const seen = staleness((fresh) => {
      fresh.read(8, at(0));
      fresh.read(9, at(0));
      fresh.read(0, at(1));
    });
    assert.equal(seen.maxMicros, 0);
  });
});

describe("the pace of a slow reader", () => {
  function paced(perSecond: number, turns: number, latenessMs: number): Promise<number> {
    let now = 0;
    const pace = new Pace(perSecond, {
      nowMs: () => now,
      sleep: async (ms) => {
        // As timers do: whole milliseconds, and later than asked for.
        now += Math.floor(ms) + latenessMs;
      },
    });
    return (async () => {
      for (let turn = 0; turn <= turns; turn++) await pace.turn();
      return now;
    })();
  }

  it("is what was asked for, whatever timers make of it", async () => {
    for (const [perSecond, latenessMs] of [
      [10, 0],
      [100, 3],
      [400, 2],
      [3_000, 1],
    ] as const) {
      const elapsed = await paced(perSecond, perSecond * 2, latenessMs);
      assert.ok(Math.abs(elapsed - 2_000) <= 2 + latenessMs, `${perSecond}/s: ${elapsed} ms`);
    }
  });

  it("does not make up for a time without messages", async () => {
    let now = 0;
    let slept = 0;
    const pace = new Pace(10, {
      nowMs: () => now,
      sleep: async (ms) => {
        now += ms;
        slept += ms;
      },
    });
    await pace.turn();
    now += 60_000;
    for (let turn = 0; turn < 10; turn++) await pace.turn();
    assert.ok(slept >= 800, `${slept} ms`);
  });
});
