/** The figures of the hub as a whole: lag, batches, lateness, episodes, loads. The books themselves: see `world.ts`. */
import assert from "node:assert/strict";
import diagnostics from "node:diagnostics_channel";
import { describe, it } from "node:test";
import type { HistogramSnapshot, Hub, HubOptions, Subscription } from "../../src/index.ts";
import { SpillwayError } from "../../src/index.ts";
import { handHub } from "../support/engine.ts";
import { assertGaugesAtRest } from "../support/gauges.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ValveSink, type ValveSinkOptions } from "../support/valve-sink.ts";

failOnLeaks();

/** The buckets that have any values, by their upper bounds. */
function filled({ bounds, counts }: HistogramSnapshot): Record<string, number> {
  const all = counts.map((count, index) => [String(bounds[index] ?? "more"), count] as const);
  return Object.fromEntries(all.filter(([, count]) => count > 0));
}

/** A subscriber whose first frame is out. */
function join(hub: Hub, clock: ManualClock, options: ValveSinkOptions = {}) {
  const sink = new ValveSink(options);
  const subscription = hub.attach({ patterns: ["a"] }, sink);
  clock.settle();
  return { sink, subscription };
}

function publish(hub: Hub, messages: number): void {
  for (let count = 0; count < messages; count++) hub.publish("a", "payload");
}

describe("the delivery lag", () => {
  it("is the time from publish to hand-over, once for every subscriber that the message went to", () => {
    const { hub, clock } = handHub();
    for (let count = 0; count < 3; count++) join(hub, clock);
    publish(hub, 1);
    clock.block(30);
    publish(hub, 1);
    clock.block(7);
    const { lagMs, delivered } = hub.stats();
    assert.deepEqual(filled(lagMs), { 10: 3, 50: 3 });
    assert.deepEqual([lagMs.count, lagMs.sum, delivered], [6, 3 * 37, 6]);
  });

  it("of a batch is the age of its oldest message", () => {
    const { hub, clock } = handHub();
    join(hub, clock);
    publish(hub, 1);
    // Nothing is flushed while the event loop is blocked, and the next message comes at the end of it.
    clock.after(20, () => publish(hub, 2));
    clock.block(20);
    const { lagMs, batchMessages } = hub.stats();
    assert.deepEqual([filled(lagMs), lagMs.sum], [{ 25: 1 }, 20]);
    assert.deepEqual([filled(batchMessages), batchMessages.sum], [{ 4: 1 }, 3]);
  });

  it("counts what waited behind a write that took long, when it goes out at last", () => {
    const { hub, clock } = handHub();
    const { sink } = join(hub, clock);
    sink.valve = "shut";
    publish(hub, 1);
    clock.settle();
    publish(hub, 1);
    clock.advance(3_000);
    assert.equal(hub.stats().lagMs.count, 1, "what waits has not been handed over");
    sink.openValve();
    clock.settle();
    const { lagMs, delivered } = hub.stats();
    assert.deepEqual([filled(lagMs), lagMs.sum, delivered], [{ 0.1: 1, 5000: 1 }, 3_000, 2]);
  });

  it("is read anew for a reader that asks for its messages outside the flush", async () => {
    const { hub, clock } = handHub();
    const subscription = hub.subscribe("a");
    const reader = subscription[Symbol.asyncIterator]();
    await reader.next();
    publish(hub, 2);
    clock.advance(40);
    await reader.next();
    clock.advance(40);
    await reader.next();
    const { lagMs } = hub.stats();
    assert.deepEqual([filled(lagMs), lagMs.sum], [{ 50: 1, 100: 1 }, 120]);
    subscription.close();
    clock.settle();
  });

  it("is never below nothing, though a hook publishes while the flush is under way", () => {
    let aheadMs = 0;
    const clock = new (class extends ManualClock {
      override unixMs(): number {
        return super.unixMs() + aheadMs;
      }
    })();
    const { hub } = handHub({ clock });
    let echoes = 1;
    const onWrite = () => {
      aheadMs += 5;
      if (echoes-- > 0) publish(hub, 1);
    };
    join(hub, clock);
    join(hub, clock, { onWrite });
    clock.settle();
    const { lagMs } = hub.stats();
    assert.ok(lagMs.count > 0 && lagMs.sum >= 0, `${lagMs.sum}`);
    assert.equal(lagMs.counts[0], lagMs.count);
  });

  it("is not that of messages that a subscriber asked for though they are old", () => {
    const { hub, clock } = handHub({ epoch: "e", topics: { a: { retention: {} } } });
    publish(hub, 5);
    clock.advance(60_000);
    const sink = new ValveSink();
    const subscription = hub.attach({ patterns: ["a"], start: { epoch: "e", offset: 0 } }, sink);
    clock.settle();
    const past = hub.stats();
    assert.deepEqual([past.lagMs.count, past.replayed, past.delivered], [0, 5, 5]);
    assert.deepEqual([past.batchMessages.count, past.batchMessages.sum], [1, 5]);
    publish(hub, 1);
    clock.settle();
    assert.equal(hub.stats().lagMs.count, 1, "what it got live");
    assert.equal(subscription.stats().replayed, 5);
  });

  it("and the size of a batch are each batch's own, however alike it is to the one before", () => {
    const { hub, clock } = handHub({ epoch: "e", retention: {} });
    const attach = (pattern: string, options: ValveSinkOptions = {}, request: object = {}) => {
      const sink = new ValveSink(options);
      hub.attach({ patterns: [pattern], ...request }, sink);
      clock.settle();
      return sink;
    };
    const told = () => {
      const { lagMs, batchMessages } = hub.stats();
      return { lags: filled(lagMs), sizes: filled(batchMessages) };
    };
    attach("size");
    attach("size", { batch: { frames: 1, bytes: 1 } });
    for (let count = 0; count < 2; count++) hub.publish("size", "");
    clock.settle();
    assert.deepEqual(told(), { lags: { 0.1: 3 }, sizes: { 1: 2, 2: 1 } });

    attach("one");
    attach("other");
    hub.publish("one", "");
    clock.after(20, () => hub.publish("other", ""));
    clock.block(20);
    assert.deepEqual(told(), { lags: { 0.1: 4, 25: 1 }, sizes: { 1: 4, 2: 1 } });

    attach("late");
    const shut = attach("late", { valve: "shut" });
    hub.publish("late", "");
    clock.settle();
    clock.advance(50);
    shut.openValve();
    clock.settle();
    assert.deepEqual(told(), { lags: { 0.1: 5, 25: 1, 50: 1 }, sizes: { 1: 6, 2: 1 } });

    attach("past");
    hub.publish("past", "");
    attach("past", {}, { start: "oldest" });
    assert.deepEqual(told(), { lags: { 0.1: 6, 25: 1, 50: 1 }, sizes: { 1: 8, 2: 1 } });
  });

  it("costs no look at the clock for every subscriber", () => {
    let looks = 0;
    const clock = new (class extends ManualClock {
      override now(): number {
        looks++;
        return super.now();
      }
      override unixMs(): number {
        looks++;
        return super.unixMs();
      }
    })();
    const { hub } = handHub({ clock });
    for (let count = 0; count < 100; count++) join(hub, clock);
    publish(hub, 1);
    looks = 0;
    clock.settle();
    assert.ok(looks > 0 && looks <= 10, `${looks} looks for 100 deliveries`);
    assert.equal(hub.stats().lagMs.count, 100);
  });
});

describe("the batches", () => {
  it("are counted by their messages, and those that had none are not", () => {
    const { hub, clock } = handHub();
    join(hub, clock);
    assert.deepEqual([hub.stats().batches, hub.stats().batchMessages.count], [1, 0], "the first frame");
    for (const messages of [1, 2, 3, 100]) {
      publish(hub, messages);
      clock.settle();
    }
    const { batches, batchMessages, delivered } = hub.stats();
    assert.deepEqual(filled(batchMessages), { 1: 1, 2: 1, 4: 1, 128: 1 });
    assert.deepEqual([batches, batchMessages.count, batchMessages.sum], [5, 4, delivered]);
  });
});

describe("the lateness of the event loop", () => {
  it("is by how much the hub's timer was late", () => {
    const { hub, clock } = handHub();
    join(hub, clock);
    clock.advance(1_000);
    assert.deepEqual(filled(hub.stats().loopLatenessMs), { 0.1: 4 });
    clock.block(250 + 700);
    const { loopLatenessMs } = hub.stats();
    assert.deepEqual([filled(loopLatenessMs), loopLatenessMs.sum], [{ 0.1: 4, 1000: 1 }, 700]);
  });
});

describe("the figures of the hub", () => {
  const quick: HubOptions = {
    stallTimeoutMs: 1_000,
    minBytesPerSecond: 1_000_000,
    newcomerGraceMs: 0,
    queue: { messages: 4 },
  };

  it("keep what was delivered to those that are gone", () => {
    const { hub, clock } = handHub();
    const { subscription } = join(hub, clock);
    publish(hub, 3);
    clock.block(30);
    const { lagMs, batchMessages, batches, delivered } = hub.stats();
    subscription.end("completed");
    clock.settle();
    const after = hub.stats();
    assert.deepEqual([...hub.subscriptions()], []);
    assert.deepEqual(after.lagMs, lagMs);
    assert.deepEqual(after.batchMessages, batchMessages);
    assert.deepEqual([after.batches, after.delivered], [batches, delivered]);
  });

  it("count episodes: slow as often as the channel tells, stalled, and the notices of what was lost", (t) => {
    const told: unknown[] = [];
    const listener = (event: unknown) => told.push(event);
    diagnostics.subscribe("spillway:subscription:slow", listener);
    t.after(() => diagnostics.unsubscribe("spillway:subscription:slow", listener));
    const { hub, clock } = handHub(quick);
    const { sink, subscription } = join(hub, clock);
    for (let episode = 1; episode <= 2; episode++) {
      sink.valve = "shut";
      publish(hub, 1);
      clock.settle();
      publish(hub, 6);
      clock.advance(2_000);
      const { slow, subscriptions, slowEpisodes, stalls } = hub.stats();
      assert.deepEqual([slow, subscriptions.stalled, slowEpisodes, stalls], [1, 1, episode, episode]);
      sink.openValve();
      clock.advance(500);
      assert.deepEqual([hub.stats().slow, hub.stats().subscriptions.stalled], [0, 0]);
    }
    assert.equal(told.length, 2);
    subscription.end("completed");
    clock.settle();
    const { slowEpisodes, stalls, gaps, dropped } = hub.stats();
    assert.deepEqual([slowEpisodes, stalls, gaps, dropped.overflow], [2, 2, 2, 4]);
    assert.equal(sink.gaps.length, 2);
  });

  it("say how old the worst backlog is, also of one to whom nothing is given any more", () => {
    const { hub, clock } = handHub({ escalation: [] });
    const [{ sink }] = [join(hub, clock, { valve: "open" }), join(hub, clock)];
    assert.equal(hub.stats().worstLagMs, 0);
    sink.valve = "shut";
    publish(hub, 1);
    clock.advance(60_000);
    publish(hub, 1);
    clock.advance(1_000);
    assert.equal(hub.stats().worstLagMs, 61_000);
    sink.openValve();
    clock.settle();
    assert.equal(hub.stats().worstLagMs, 0);
  });

  it("count how often somebody was parked, and what it read from the log afterwards", () => {
    const { hub, clock } = handHub({ ...quick, overflow: "park", topics: { a: { retention: {} } } });
    const { sink, subscription } = join(hub, clock);
    for (let time = 1; time <= 2; time++) {
      sink.valve = "shut";
      publish(hub, 1);
      clock.settle();
      publish(hub, 7);
      assert.deepEqual([hub.stats().parked, hub.stats().subscriptions.parked], [time, 1]);
      sink.openValve();
      clock.settle();
      assert.equal(subscription.state, "live");
    }
    const { parked, replayed, delivered, lagMs } = hub.stats();
    assert.deepEqual([parked, replayed, delivered], [2, 6, 16]);
    assert.equal(lagMs.count, 4, "what was queued before it was parked was live");
  });

  it("say what the logs of all topics retain, and that is nothing when the hub is closed", async () => {
    const { hub, clock } = handHub({ topics: { "a.>": { retention: { messages: 3 } } } });
    for (const topic of ["a.x", "a.y", "a.x", "a.x", "a.x", "b"]) hub.publish(topic, "12345678");
    const { retained, topics } = hub.stats();
    assert.deepEqual([retained, topics], [{ messages: 4, bytes: 32 }, 3]);
    const closed = hub.close();
    clock.settle();
    await closed;
    assert.deepEqual([hub.stats().retained, hub.stats().topics], [{ messages: 0, bytes: 0 }, 0]);
    assert.equal(hub.topicStats("a.x"), undefined);
    assert.equal(hub.stats().published, 6);
  });

  it("say that the brake is on, and how many evictions it holds back, until nobody is left", () => {
    const { hub, clock } = handHub({
      ...quick,
      escalation: [{ when: { stalledForMs: 1_000 }, policy: "evict" }],
    });
    const all = Array.from({ length: 12 }, () => join(hub, clock, { valve: "shut" }));
    assert.deepEqual([hub.stats().brake, hub.stats().evictionsHeldBack], ["off", 0]);
    clock.advance(5_000);
    assert.deepEqual([hub.stats().brake, hub.stats().evictionsHeldBack], ["paused", 12]);
    clock.advance(57_500);
    assert.equal(hub.stats().brake, "paced");
    const { stalled = 0 } = hub.stats().ended;
    assert.ok(stalled > 0 && stalled < 12, "a few at a time");
    for (const { subscription } of all) subscription.end("cancelled");
    clock.settle();
    assert.deepEqual([hub.stats().brake, hub.stats().evictionsHeldBack], ["off", 0]);
  });

  it("count what was refused by its code, and misuse by the programmer not at all", async () => {
    const { hub, clock } = handHub({
      maxSubscriptions: 1,
      maxMessageBytes: 8,
      authorize({ action }) {
        if (action === "subscribe") throw new Error("the database is away");
        throw new SpillwayError("NOT_ALLOWED", "not here");
      },
    });
    const { subscription } = join(hub, clock);
    for (let time = 0; time < 2; time++) {
      assert.throws(() => hub.publish("a", "more than eight"), { code: "MESSAGE_TOO_LARGE" });
      assert.throws(() => hub.subscribe("a"), { code: "LIMIT_REACHED" });
    }
    assert.throws(() => hub.publish("a..b", ""), { code: "TOPIC_INVALID" });
    const broken = {
      get key(): string {
        throw new TypeError("a mistake");
      },
    };
    assert.throws(() => hub.publish("a", "", broken), TypeError);
    for (const action of ["subscribe", "publish", "unsubscribe"] as const)
      await assert.rejects(hub.authorize({ action, topics: ["a"] }), { code: "NOT_ALLOWED" });
    subscription.end("completed");
    const closed = hub.close();
    clock.settle();
    await closed;
    assert.throws(() => hub.publish("a", ""), { code: "CLOSED" });
    assert.throws(() => hub.subscribe("a"), { code: "CLOSED" });
    assert.deepEqual(hub.stats().refused, {
      publishes: { MESSAGE_TOO_LARGE: 2, TOPIC_INVALID: 1, NOT_ALLOWED: 1, CLOSED: 1 },
      subscriptions: { LIMIT_REACHED: 2, NOT_ALLOWED: 1, CLOSED: 1 },
    });
    assert.equal(hub.stats().published, 0);
  });

  it("that can fall are 0 after a close, whatever the subscriptions were doing", async () => {
    const { hub, clock } = handHub({ ...quick, topics: { a: { retention: {} } } });
    const all = [
      join(hub, clock),
      join(hub, clock, { valve: "shut" }),
      join(hub, clock, { valve: "pulled" }),
    ];
    const parked = hub.attach({ patterns: ["a"], overflow: "park" }, new ValveSink({ valve: "shut" }));
    const past = hub.attach({ patterns: ["a"], start: "oldest" }, new ValveSink({ valve: "pulled" }));
    publish(hub, 10);
    clock.advance(3_000);
    publish(hub, 10);
    assert.equal(parked.state, "parked");
    const { queued, inFlight, slow, worstLagMs, retained } = hub.stats();
    for (const figure of [queued, inFlight, slow, worstLagMs, retained.messages]) assert.ok(figure > 0);
    const closed = hub.close({ drainTimeoutMs: 100 });
    clock.advance(101);
    await closed;
    for (const { state } of [parked, past, ...all.map(({ subscription }) => subscription)])
      assert.equal(state, "ended");
    assertGaugesAtRest(hub);
  });
});

describe("the figures of a subscription", () => {
  const ages = (subscription: Subscription) => subscription.stats().writeAgeMs;

  it("say when it began, and how old the write is that is under way", () => {
    const { hub, clock } = handHub({ escalation: [] });
    clock.advance(12);
    const { sink, subscription } = join(hub, clock);
    assert.deepEqual([subscription.stats().startedAtMs, ages(subscription)], [clock.unixMs(), undefined]);
    sink.valve = "shut";
    clock.advance(30);
    publish(hub, 1);
    clock.settle();
    assert.equal(ages(subscription), 0);
    clock.advance(20_000);
    assert.deepEqual([subscription.stats().delivery, ages(subscription)], ["stalled", 20_000]);
    publish(hub, 1);
    sink.release();
    assert.equal(ages(subscription), undefined, "handed over");
    clock.settle();
    clock.advance(100);
    assert.equal(ages(subscription), 100, "of the next one");
    subscription.end("completed");
    assert.equal(ages(subscription), undefined);
    clock.settle();
  });

  it("have no age of a write for a hook that asks from inside of one, nor for a reader that is busy", () => {
    const { hub, clock } = handHub();
    const seen: (number | undefined)[] = [];
    const onWrite = () => {
      for (const subscription of hub.subscriptions()) seen.push(ages(subscription));
    };
    const { sink } = join(hub, clock, { onWrite, valve: "shut" });
    clock.advance(100);
    publish(hub, 1);
    sink.release();
    clock.settle();
    sink.openValve();
    sink.valve = "pulled";
    publish(hub, 1);
    clock.settle();
    clock.advance(100);
    assert.deepEqual(seen, [undefined, undefined, undefined]);
    assert.deepEqual([...hub.subscriptions()].map(ages), [undefined]);
  });
});
