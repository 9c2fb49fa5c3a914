import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertBalanced, handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

describe("delivery", () => {
  it("of a notice in place of what cannot be rendered lags behind nothing", () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink({ cannotRender: ({ offset }) => offset === 1 });
    const subscription = hub.attach({ patterns: ["a"] }, sink);
    clock.turn();
    sink.valve = "shut";
    hub.publish("a", "");
    clock.advance(100);
    assert.equal(String(sink), "started gap(1..1×1:render-failed)");
    assert.deepEqual([subscription.stats().inFlight, subscription.stats().lagMs], [0, 0]);
    sink.openValve();
    clock.settle();
  });

  it("brings what was published in one turn as one batch, in the turn that follows", () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink();
    hub.attach({ patterns: ["a"] }, sink);
    for (let count = 0; count < 10; count++) hub.publish("a", "x");
    assert.deepEqual(sink.batches, [], "never inside publish");
    clock.turn();
    assert.deepEqual(sink.batches, [11]);
    assert.equal(clock.busy, false, "an idle hub does nothing");
  });

  it("brings a message that matches several patterns once", () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink();
    const subscription = hub.attach({ patterns: ["a.b", "a.*", "a.>", ">", "*.b", "a.b"] }, sink);
    hub.publish("a.b", "");
    hub.publish("a.b", "");
    hub.publish("a.c", "");
    clock.turn();
    assert.equal(String(sink), "started 1 2 3");
    assert.equal(subscription.stats().matched, 3);
    assert.equal(hub.topicStats("a.b")?.subscribers, 1);
  });

  it("does not count what a filter skips as matched or lost", () => {
    const { hub, clock } = handHub();
    const sinks = [new ValveSink(), new ValveSink(), new ValveSink()];
    const byKey = hub.attach({ patterns: ["a"], filter: { keys: ["x"], keyPrefixes: ["pre"] } }, sinks[0]!);
    const byPredicate = hub.attach(
      { patterns: ["a"], filter: ({ payload }) => payload.length > 1 },
      sinks[1]!,
    );
    const byNothing = hub.attach({ patterns: ["a"], filter: { keys: [], keyPrefixes: [] } }, sinks[2]!);
    for (const key of [undefined, "x", "xy", "prefix", "p", ""]) hub.publish("a", key ?? "no key", { key });
    clock.turn();
    assert.deepEqual(sinks.map(String), ["started 2 4", "started 1 3 4", "started 1 2 3 4 5 6"]);
    assert.deepEqual(
      [byKey, byPredicate, byNothing].map((one) => one.stats().matched),
      [2, 3, 6],
    );
    assert.equal(hub.stats().dropped.overflow, 0);
  });

  it("keeps a batch within its limits of frames and bytes, but always brings one message", () => {
    const { hub, clock } = handHub({ batch: { frames: 3, bytes: 200 } });
    const [byHub, own] = [new ValveSink(), new ValveSink({ batch: { frames: 1, bytes: 1 } })];
    hub.attach({ patterns: ["a"] }, byHub);
    hub.attach({ patterns: ["a"] }, own);
    clock.turn();
    for (const bytes of [0, 0, 0, 0, 100, 1_000, 100]) hub.publish("a", Buffer.alloc(bytes));
    clock.settle();
    assert.deepEqual(byHub.offsets, [1, 2, 3, 4, 5, 6, 7]);
    // A frame counts 64 bytes beside its payload.
    assert.deepEqual(byHub.batches, [1, 3, 1, 1, 1, 1]);
    assert.deepEqual(own.batches, [1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it("takes turns: who has much waiting does not keep the others from theirs", () => {
    const { hub, clock } = handHub({ batch: { frames: 1 }, flush: { batches: 4 } });
    const order: string[] = [];
    const busy = new ValveSink({ onWrite: () => order.push("busy") });
    hub.attach({ patterns: ["a"] }, busy);
    for (let count = 0; count < 6; count++) hub.publish("a", "");
    const quiet = new ValveSink({ onWrite: () => order.push("quiet") });
    hub.attach({ patterns: ["a"] }, quiet);
    clock.turn();
    assert.deepEqual(
      order,
      ["busy", "quiet", "busy", "busy"],
      "four batches, then the event loop has its turn",
    );
    clock.turn();
    assert.equal(order.length, 8);
    clock.settle();
    assert.equal(busy.offsets.length, 6);
  });

  it("ends its slice when the time is up", () => {
    const { hub, clock } = handHub({ flush: { sliceMs: 5, batches: 1_000 } });
    // Every write takes a millisecond, and the clock is looked at after every 13 of one frame.
    const sinks = Array.from({ length: 64 }, () => new ValveSink({ onWrite: () => clock.block(1) }));
    for (const sink of sinks) hub.attach({ patterns: ["a"] }, sink);
    clock.turn();
    assert.equal(sinks.filter(({ frames }) => frames.length > 0).length, 13);
    clock.settle();
    assert.equal(sinks.filter(({ frames }) => frames.length > 0).length, 64);
  });

  it("survives 100,000 publishes in one turn: bounded queues, and a flush in slices", () => {
    const { hub, clock } = handHub({ queue: { messages: 100 }, flush: { batches: 10 } });
    const sinks = Array.from({ length: 20 }, () => new ValveSink());
    const subscriptions = sinks.map((sink) => hub.attach({ patterns: ["a"] }, sink));
    for (let count = 0; count < 100_000; count++) hub.publish("a", "0123456789");
    for (const subscription of subscriptions) {
      const { queued, peakQueued, dropped } = subscription.stats();
      assert.deepEqual([queued, peakQueued, dropped.overflow], [100, 100, 99_900]);
      assertBalanced(subscription);
    }
    clock.turn();
    assert.equal(sinks.filter(({ frames }) => frames.length > 0).length, 10);
    clock.settle();
    for (const sink of sinks) {
      assert.deepEqual(sink.gaps, [
        { kind: "gap", topic: "a", from: 1, to: 99_900, count: 99_900, reason: "overflow" },
      ]);
      assert.equal(sink.offsets.length, 100);
    }
  });

  it("tells a loss at once when no message follows", () => {
    const { hub, clock } = handHub({ queue: { bytes: 10 } });
    const sink = new ValveSink();
    hub.attach({ patterns: ["a"] }, sink);
    clock.turn();
    hub.publish("a", Buffer.alloc(11));
    clock.turn();
    assert.equal(String(sink), "started gap(1..1×1:oversize) progress(1)");
  });

  it("stops at the other side's going: nothing is written afterwards", () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink({ valve: "shut" });
    const subscription = hub.attach({ patterns: ["a"] }, sink);
    clock.turn();
    hub.publish("a", "");
    sink.close();
    hub.publish("a", "");
    sink.release();
    clock.settle();
    assert.equal(String(sink), "started end:cancelled");
    assertBalanced(subscription);
    assert.equal(subscription.stats().discardedAtClose, 1);
  });
});

describe("a paused reader", () => {
  it("is written to only when it pulls, one batch each time", () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink({ valve: "pulled", batch: { frames: 1, bytes: 1 } });
    hub.attach({ patterns: ["a"] }, sink);
    hub.publish("a", "");
    hub.publish("a", "");
    clock.settle();
    assert.equal(String(sink), "");
    sink.pull();
    assert.equal(String(sink), "started", "on the caller's stack");
    sink.pull();
    sink.pull();
    assert.equal(String(sink), "started 1 2");
    sink.pull();
    hub.publish("a", "");
    clock.turn();
    assert.equal(String(sink), "started 1 2 3", "nothing was there to pull, so it comes with the next flush");
    hub.publish("a", "");
    clock.settle();
    assert.equal(String(sink), "started 1 2 3");
  });
});

describe("progress", () => {
  const intervalMs = 1_000;
  // A watch round may come between, so it is told within two rounds of its time.
  const afterMs = intervalMs + 500;

  it("tells an idle, a filtered and a conflating subscriber where it stands, once per change", () => {
    const { hub, clock } = handHub({ progressIntervalMs: intervalMs });
    const sinks = [new ValveSink(), new ValveSink(), new ValveSink(), new ValveSink()];
    const [idle, filtered, conflating, served] = [
      hub.attach({ patterns: ["b"] }, sinks[0]!),
      hub.attach({ patterns: ["a"], filter: { keys: ["z"] } }, sinks[1]!),
      hub.attach({ patterns: ["a"], overflow: "conflate" }, sinks[2]!),
      hub.attach({ patterns: ["a"] }, sinks[3]!),
    ];
    for (const key of ["x", "y", "x"]) hub.publish("a", "", { key });
    clock.advance(afterMs);
    assert.deepEqual(sinks.map(String), [
      "started progress(3)",
      "started progress(3)",
      "started 3 2 progress(3)",
      "started 1 2 3",
    ]);
    for (const subscription of [idle, filtered, conflating, served])
      assert.equal(subscription.position.offset, 3);
    clock.advance(20 * intervalMs);
    assert.equal(sinks[0]!.frames.length, 2, "nothing new, nothing told");
  });

  it("counts what was conflated since it last told", () => {
    const { hub, clock } = handHub({ progressIntervalMs: intervalMs, overflow: "conflate" });
    const sink = new ValveSink();
    hub.attach({ patterns: ["a"] }, sink);
    for (const round of [5, 3]) {
      for (let count = 0; count < round; count++) hub.publish("a", "", { key: "x" });
      clock.advance(afterMs);
    }
    const told = sink.frames.flatMap((frame) => (frame.kind === "progress" ? [frame.conflated] : []));
    assert.deepEqual(told, [4, 2]);
  });

  it("never passes what still waits, also where a newer message took an older place", () => {
    const { hub, clock } = handHub({ progressIntervalMs: intervalMs, overflow: "conflate" });
    const sink = new ValveSink({ batch: { frames: 1, bytes: 1 } });
    const subscription = hub.attach({ patterns: ["a"] }, sink);
    clock.turn();
    hub.publish("a", "", { key: "v" });
    sink.valve = "shut";
    clock.turn();
    // In flight: 1. In line: x (began at 2, now 4), y (3).
    for (const key of ["x", "y", "x"]) hub.publish("a", "", { key });
    sink.release();
    clock.turn();
    assert.equal(String(sink), "started 1 4");
    sink.release();
    assert.equal(subscription.position.offset, 2, "3 is still to come, whatever came before it");
    sink.openValve();
    clock.advance(afterMs);
    assert.equal(String(sink), "started 1 4 3 progress(4)");
  });
});
