import assert from "node:assert/strict";
import diagnostics from "node:diagnostics_channel";
import { describe, it, type TestContext } from "node:test";
import type { HubOptions, Subscription } from "../../src/index.ts";
import { assertBalanced, handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

// The watch comes by every 250 ms: it starts to count within one round, and judges within one more.
const ROUNDS_MS = 500;
const EVICT_AFTER_MS = 3_000;
const options: HubOptions = {
  stallTimeoutMs: 1_000,
  minBytesPerSecond: 1_000,
  escalation: [{ when: { stalledForMs: EVICT_AFTER_MS }, policy: "evict" }],
  newcomerGraceMs: 0,
};

function stalledHub() {
  const { hub, clock } = handHub(options);
  const sink = new ValveSink({ valve: "shut" });
  const subscription = hub.attach({ patterns: ["a"] }, sink);
  clock.turn();
  return { hub, clock, sink, subscription };
}

/** The names of what the diagnostics channels tell of one subscription, in order. */
function listen(test: TestContext, subscription: Subscription): string[] {
  const heard: string[] = [];
  for (const name of ["started", "stalled", "unstalled", "ended"]) {
    const channel = `spillway:subscription:${name}`;
    const listener = (event: unknown) => {
      if ((event as { subscriptionId: string }).subscriptionId === subscription.id) heard.push(name);
    };
    diagnostics.subscribe(channel, listener);
    test.after(() => diagnostics.unsubscribe(channel, listener));
  }
  return heard;
}

describe("a write that makes no progress", () => {
  it("is stalled after the time-out, and recovers when it is handed over after all", (test) => {
    const { hub, clock, sink, subscription } = stalledHub();
    const heard = listen(test, subscription);
    clock.advance(999);
    assert.equal(subscription.stats().delivery, "writing");
    clock.advance(1 + ROUNDS_MS);
    assert.equal(subscription.stats().delivery, "stalled");
    assert.deepEqual(hub.stats().subscriptions, {
      live: 0,
      "catching-up": 0,
      parked: 0,
      draining: 0,
      stalled: 1,
    });
    hub.publish("a", "");
    assert.equal(subscription.stats().queued, 1, "a stalled subscription is still offered what matches");
    sink.openValve();
    clock.settle();
    assert.equal(subscription.stats().delivery, "idle");
    assert.deepEqual(sink.offsets, [1]);
    assert.deepEqual(heard, ["stalled", "unstalled"]);
    assert.equal(subscription.stats().stalls, 1);
  });

  it("is told once per episode, and the next episode is counted from its own start", (test) => {
    const { hub, clock, sink, subscription } = stalledHub();
    const heard = listen(test, subscription);
    for (let episode = 0; episode < 3; episode++) {
      clock.advance(1_000 + ROUNDS_MS);
      sink.release();
      hub.publish("a", "");
      clock.turn();
      clock.advance(900);
      assert.equal(subscription.stats().delivery, "writing");
    }
    assert.deepEqual(heard, ["stalled", "unstalled", "stalled", "unstalled", "stalled", "unstalled"]);
  });

  it("evicts its subscription in the end, with what a client needs to come back", () => {
    const { hub, clock, sink, subscription } = stalledHub();
    hub.publish("a", "x");
    hub.publish("a", "x");
    clock.advance(1_000 + EVICT_AFTER_MS - 1);
    assert.equal(subscription.state, "live");
    clock.advance(1 + 2 * ROUNDS_MS);
    assert.equal(subscription.state, "ended");
    assert.deepEqual(
      { ...sink.ended, retryAfterMs: undefined },
      {
        kind: "end",
        reason: "stalled",
        detail: "a write made no progress for too long",
        position: { epoch: hub.epoch, offset: 0 },
        lost: 0,
        retryAfterMs: undefined,
      },
    );
    const retryAfterMs = sink.ended?.retryAfterMs ?? Number.NaN;
    assert.ok(retryAfterMs >= 500 && retryAfterMs <= 1_500);
    assertBalanced(subscription);
    assert.deepEqual(hub.stats().ended, { stalled: 1 });
    assert.equal(clock.timers, 0, "the watch sleeps when nobody is there");
    sink.release();
    clock.settle();
    assert.equal(String(sink), "started end:stalled");
  });

  it("never evicts where the owner says so", () => {
    const { hub, clock } = handHub({ ...options, escalation: [] });
    const sink = new ValveSink({ valve: "shut" });
    const subscription = hub.attach({ patterns: ["a"] }, sink);
    clock.advance(3_600_000);
    assert.equal(subscription.stats().delivery, "stalled");
  });

  it("may take longer the larger the batch: slow but moving is not stalled", () => {
    const { hub, clock } = handHub(options);
    const sinks = [new ValveSink(), new ValveSink()];
    const [small, large] = [
      hub.attach({ patterns: ["small"] }, sinks[0]!),
      hub.attach({ patterns: ["large"] }, sinks[1]!),
    ];
    clock.turn();
    for (const sink of sinks) sink.valve = "shut";
    hub.publish("small", Buffer.alloc(10));
    hub.publish("large", Buffer.alloc(5_000));
    clock.advance(1_010 + ROUNDS_MS);
    assert.equal(small.stats().delivery, "stalled");
    clock.advance(5_999 - 1_010 - ROUNDS_MS);
    assert.equal(large.stats().delivery, "writing");
    clock.advance(1 + ROUNDS_MS);
    assert.equal(large.stats().delivery, "stalled");
  });

  it("is not held against a reader who is busy: a paused subscription is never stalled", () => {
    const { hub, clock } = handHub(options);
    const sink = new ValveSink({ valve: "pulled" });
    const subscription = hub.attach({ patterns: ["a"] }, sink);
    hub.publish("a", "");
    clock.advance(100_000);
    assert.equal(subscription.stats().delivery, "paused");
    sink.pull();
    clock.advance(100_000);
    assert.equal(subscription.state, "live");
  });
});

describe("an event loop that is blocked", () => {
  it("for two seconds stalls and evicts nobody", () => {
    const { clock, sink, subscription } = stalledHub();
    clock.advance(600);
    for (let pause = 0; pause < 2; pause++) {
      clock.block(2_000);
      assert.equal(subscription.stats().delivery, "writing", "its own pause counts as one round");
    }
    sink.openValve();
    clock.settle();
    assert.equal(subscription.stats().stalls, 0);
  });

  it("gives a stalled subscription that time too", () => {
    const { clock, sink, subscription } = stalledHub();
    clock.advance(1_000 + ROUNDS_MS);
    assert.equal(subscription.stats().delivery, "stalled");
    for (let pause = 0; pause < 5; pause++) clock.block(60_000);
    assert.equal(subscription.state, "live");
    sink.openValve();
    clock.settle();
    assert.equal(subscription.stats().delivery, "idle");
  });
});
