import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EndFrame } from "../../src/protocol/index.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

describe("Hub.close", () => {
  it("drains the healthy, ends the stalled when the time is up, and resolves", async () => {
    const { hub, clock } = handHub();
    const healthy = Array.from({ length: 100 }, () => new ValveSink());
    const stalled = Array.from({ length: 100 }, () => new ValveSink({ valve: "shut" }));
    const ends: EndFrame[] = [];
    for (const sink of [...healthy, ...stalled])
      hub.attach({ patterns: ["a"], onEnd: (end) => ends.push(end) }, sink);
    clock.settle();
    for (let count = 0; count < 3; count++) hub.publish("a", "");
    let resolved = false;
    const closed = hub.close({ drainTimeoutMs: 2_000 }).then(() => {
      resolved = true;
    });
    assert.throws(
      () => hub.attach({ patterns: ["a"] }, new ValveSink()),
      { code: "CLOSED" },
      "refused at once",
    );
    clock.advance(1_999);
    await Promise.resolve();
    assert.deepEqual([ends.length, resolved], [100, false]);
    clock.advance(1);
    await closed;
    assert.equal(ends.length, 200);
    for (const sink of healthy) assert.equal(String(sink), "started draining 1 2 3 end:draining");
    for (const sink of stalled) assert.equal(String(sink), "started end:draining");
    assert.ok(ends.every(({ retryAfterMs }) => retryAfterMs !== undefined));
    const { queued, inFlight, matched, delivered, discardedAtClose, ended } = hub.stats();
    assert.deepEqual([queued, inFlight, matched, delivered, discardedAtClose], [0, 0, 600, 300, 300]);
    assert.deepEqual(ended, { draining: 200 });
    assert.equal(clock.timers, 0);
  });

  it("cancels its time-out when everybody is done before", async () => {
    const { hub, clock } = handHub();
    hub.attach({ patterns: ["a"] }, new ValveSink());
    const closed = hub.close({ drainTimeoutMs: 1_000_000 });
    clock.settle();
    await closed;
    assert.equal(clock.timers, 0);
  });

  it("resolves at once for a hub without subscriptions, and every call returns the same promise", async () => {
    const { hub, clock } = handHub();
    const first = hub.close();
    assert.equal(hub.closing, true);
    assert.equal(hub.close({ drainTimeoutMs: 1 }), first);
    assert.equal(hub[Symbol.asyncDispose](), first);
    await first;
    assert.equal(clock.timers, 0);
  });

  it("waits for a subscription that ended just before, until its sink has the end", async () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink();
    const subscription = hub.attach({ patterns: ["a"] }, sink);
    clock.turn();
    subscription.end("completed");
    const closed = hub.close();
    assert.equal(sink.ended, undefined);
    clock.turn();
    await closed;
    assert.equal(String(sink), "started end:completed");
  });

  it("lets a reader who is busy take what waits before the end", async () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink({ valve: "pulled", batch: { frames: 1, bytes: 1 } });
    hub.attach({ patterns: ["a"] }, sink);
    hub.publish("a", "");
    const closed = hub.close();
    for (let pull = 0; pull < 3; pull++) {
      clock.settle();
      sink.pull();
    }
    clock.settle();
    await closed;
    assert.equal(String(sink), "started draining 1 end:draining");
  });

  it("announces what conflation hid before the end", async () => {
    const { hub, clock } = handHub({ overflow: "conflate" });
    const sink = new ValveSink();
    hub.attach({ patterns: ["a"] }, sink);
    for (let count = 0; count < 3; count++) hub.publish("a", "", { key: "x" });
    const closed = hub.close();
    clock.settle();
    await closed;
    assert.equal(String(sink), "started draining 3 progress(3) end:draining");
    assert.equal(sink.ended?.position.offset, 3);
  });

  it("with a time-out of 0 waits for nobody", async () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink({ valve: "shut" });
    hub.attach({ patterns: ["a"] }, sink);
    clock.turn();
    const closed = hub.close({ drainTimeoutMs: 0 });
    clock.advance(0);
    await closed;
    assert.equal(String(sink), "started end:draining");
  });
});

describe("Subscription.end", () => {
  it("works once: the first reason stays, and later calls do nothing", () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink();
    const ends: string[] = [];
    const subscription = hub.attach({ patterns: ["a"], onEnd: ({ reason }) => ends.push(reason) }, sink);
    subscription.end("replaced", "another came");
    subscription.end("unsubscribed");
    sink.close();
    hub.publish("a", "");
    assert.deepEqual(ends, [], "never on the caller's stack");
    clock.settle();
    subscription.end("completed");
    clock.settle();
    assert.deepEqual(ends, ["replaced"]);
    assert.equal(sink.ended?.detail, "another came");
    assert.deepEqual(hub.stats().ended, { replaced: 1 });
    assert.equal(subscription.stats().matched, 0);
  });

  it("leaves the position before what was thrown away, at once and for good", () => {
    const { hub, clock } = handHub();
    const sink = new ValveSink({ valve: "pulled" });
    const subscription = hub.attach({ patterns: ["a"] }, sink);
    sink.pull();
    hub.publish("b", "");
    hub.publish("a", "");
    assert.equal(subscription.position.offset, 1);
    subscription.end("completed");
    assert.equal(subscription.position.offset, 1);
    clock.turn();
    assert.deepEqual([sink.ended?.position.offset, subscription.position.offset], [1, 1]);
  });

  it("says what was lost, also where no notice could be told any more", () => {
    const { hub, clock } = handHub({ queue: { messages: 2 } });
    const sink = new ValveSink({ valve: "shut" });
    const subscription = hub.attach({ patterns: ["a"] }, sink);
    clock.turn();
    for (let count = 0; count < 5; count++) hub.publish("a", "");
    subscription.end("stalled");
    clock.turn();
    assert.equal(sink.ended?.lost, 3);
    assert.equal(subscription.stats().discardedAtClose, 2);
  });
});

describe("the policy evict", () => {
  it("delivers a prefix, then ends; what did not fit is discarded, not lost", () => {
    const { hub, clock } = handHub({ overflow: "evict", queue: { messages: 2, bytes: 100 } });
    const sink = new ValveSink();
    const subscription = hub.attach({ patterns: ["a"] }, sink);
    hub.publish("a", "1");
    clock.turn();
    sink.valve = "shut";
    hub.publish("a", "2");
    clock.turn();
    for (let count = 3; count <= 6; count++) hub.publish("a", `${count}`);
    assert.equal(subscription.state, "ended");
    const { matched, delivered, discardedAtClose } = subscription.stats();
    assert.deepEqual([matched, delivered, discardedAtClose], [5, 1, 4]);
    clock.turn();
    assert.equal(String(sink), "started 1 2 end:overflow");
    const { reason, detail, lost, position } = sink.ended!;
    assert.deepEqual([reason, lost, position.offset], ["overflow", 0, 1]);
    assert.equal(detail, "the queue was full at 2 messages, 2 bytes");
  });

  it("survives an oversize message, which is a loss", () => {
    const { hub, clock } = handHub({ overflow: "evict", queue: { messages: 2, bytes: 3 } });
    const sink = new ValveSink();
    hub.attach({ patterns: ["a"] }, sink);
    for (const payload of ["1234", "123", "1234"]) hub.publish("a", payload);
    clock.turn();
    assert.equal(String(sink), "started gap(1..1×1:oversize) 2 gap(3..3×1:oversize) progress(3)");
  });
});
