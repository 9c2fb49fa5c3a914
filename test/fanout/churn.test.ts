import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

const skip = globalThis.gc === undefined && "needs --expose-gc";

/** Collects garbage. A WeakRef that was made or read in the current job is kept until the job ends. */
async function collect(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc?.();
}

function alive(refs: readonly WeakRef<object>[]): number {
  return refs.filter((ref) => ref.deref() !== undefined).length;
}

describe("what is over", () => {
  it("costs nothing: 10,000 subscriptions that came and went leave no memory, no timer and no gauge", {
    skip,
  }, async () => {
    const { hub, clock } = handHub();
    const gone: WeakRef<object>[] = [];
    const cycle = (count: number) => {
      for (let number = 0; number < count; number++) {
        const sink = new ValveSink({ valve: number % 2 === 0 ? "open" : "shut" });
        const subscription = hub.attach({ patterns: ["a", `own.${number % 100}.>`] }, sink);
        gone.push(new WeakRef(subscription));
        hub.publish("a", "x");
        if (number % 3 === 0) clock.turn();
        if (number % 5 === 0) sink.close();
        else subscription.end("unsubscribed");
        clock.settle();
      }
    };
    cycle(1_000);
    await collect();
    const before = process.memoryUsage().heapUsed;
    cycle(9_000);
    assert.equal(clock.timers, 0);
    const { subscriptions, queued, inFlight, ended } = hub.stats();
    assert.deepEqual([subscriptions.live, queued, inFlight], [0, 0, 0]);
    assert.equal((ended.unsubscribed ?? 0) + (ended.cancelled ?? 0), 10_000);
    await collect();
    assert.equal(alive(gone), 0);
    // 9,000 small WeakRefs stay here; anything per subscription in the hub would be several times as much.
    assert.ok(process.memoryUsage().heapUsed - before < 2_000_000);
  });

  it("is not kept: a message is let go of once every subscriber has it or has lost it", {
    skip,
  }, async () => {
    const { hub, clock } = handHub({ queue: { messages: 4 } });
    const refs: WeakRef<object>[] = [];
    const filter = (message: object) => {
      refs.push(new WeakRef(message));
      return true;
    };
    // They keep no frames, unlike the sinks with a valve.
    const quick = { open() {}, write: () => "done" as const, end() {} };
    const stuck = { open() {}, write: () => "pending" as const, end() {} };
    hub.attach({ patterns: ["a"], filter }, quick);
    const slow = hub.attach({ patterns: ["a"] }, stuck);
    clock.settle();
    for (let count = 0; count < 100; count++) hub.publish("a", "x");
    clock.settle();
    await collect();
    assert.equal(alive(refs), 4, "what the slow one has not read");
    slow.end("stalled");
    clock.settle();
    await collect();
    assert.equal(alive(refs), 0);
  });
});
