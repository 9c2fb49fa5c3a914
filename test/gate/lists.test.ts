/**
 * The gate, who is on which list: a subscriber that takes nothing gets no turn in the flush, one that is parked is not
 * offered anything either, and what is kept for them is bounded. Counted, so it holds on any machine.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OverflowPolicyName } from "../../src/protocol/index.ts";
import { CountingClock } from "../support/counting-clock.ts";
import { assertBalanced, handHub } from "../support/engine.ts";
import { ValveSink } from "../support/valve-sink.ts";

const SLOW = 50;
const BOUND = 8;

/** Subscribers whose first write has been under way for too long. */
function stalledCrowd(overflow: OverflowPolicyName) {
  const clock = new CountingClock();
  const { hub } = handHub({
    clock,
    overflow,
    queue: { messages: BOUND },
    stallTimeoutMs: 1_000,
    escalation: [],
    retention: {},
  });
  const sinks = Array.from({ length: SLOW }, () => new ValveSink({ valve: "shut" }));
  const subscriptions = sinks.map((sink) => hub.attach({ patterns: ["a"] }, sink));
  clock.settle();
  clock.advance(2_000);
  assert.equal(hub.stats().subscriptions.stalled, SLOW);
  return { clock, hub, sinks, subscriptions };
}

describe("a stalled subscriber", () => {
  it("gets no turn in the flush: messages for stalled subscribers alone do not even wake the event loop", () => {
    const { clock, hub, sinks } = stalledCrowd("drop-oldest");
    const wakeUps = clock.wakeUpsIn(() => {
      for (let message = 0; message < 10 * BOUND; message++) hub.publish("a", "payload");
    });
    assert.equal(wakeUps, 0);
    assert.equal(clock.busy, false);
    assert.equal(hub.stats().batches, SLOW, "nothing but the batch that is stuck");
    // It is back on the list when the write is done after all.
    sinks[0]?.release();
    clock.turn();
    assert.equal(sinks[0]?.batches.length, 2);
  });

  for (const overflow of ["drop-oldest", "drop-newest", "conflate"] as const) {
    it(`keeps no more than its bound under ${overflow}, and counts the rest as lost`, () => {
      const { hub, subscriptions } = stalledCrowd(overflow);
      for (let message = 0; message < 100 * BOUND; message++)
        hub.publish("a", "payload", { key: `key ${message}` });
      for (const subscription of subscriptions) {
        const { queued, peakQueued, dropped } = subscription.stats();
        assert.deepEqual({ queued, peakQueued }, { queued: BOUND, peakQueued: BOUND });
        assert.equal(dropped.overflow, 99 * BOUND);
        assertBalanced(subscription);
      }
    });
  }
});

describe("a parked subscriber", () => {
  it("is not offered messages: it is on the list of no topic", () => {
    const { clock, hub, sinks, subscriptions } = stalledCrowd("park");
    for (let message = 0; message <= BOUND; message++) hub.publish("a", "payload");
    assert.equal(hub.topicStats("a")?.subscribers, 0);
    const { matched } = hub.stats();
    for (let message = 0; message < 10 * BOUND; message++) hub.publish("a", "payload");
    assert.equal(hub.stats().matched, matched, "nothing more was evaluated");
    for (const subscription of subscriptions) assert.equal(subscription.stats().queued, BOUND);
    // It is back when it has caught up.
    sinks[0]?.openValve();
    clock.settle();
    assert.equal(hub.topicStats("a")?.subscribers, 1);
    assert.equal(sinks[0]?.offsets.length, 11 * BOUND + 1);
  });
});
