import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Subscription } from "../../src/index.ts";
import { assertBalanced, handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

describe("a predicate that reaches back into the hub", () => {
  it("publishes: the message is numbered at once and fanned out after the one under way", () => {
    const { clock, hub } = handHub();
    const [first, second] = [new ValveSink(), new ValveSink()];
    const offsets: number[] = [];
    const filter = ({ topic }: { topic: string }) => {
      if (topic === "a") offsets.push(hub.publish("b", "echo").offset, hub.publish("c", "echo").offset);
      return true;
    };
    hub.attach({ patterns: [">"], filter }, first);
    hub.attach({ patterns: [">"] }, second);
    assert.deepEqual(hub.publish("a", ""), { offset: 1, writable: true });
    assert.deepEqual(offsets, [2, 3]);
    assert.deepEqual(hub.publish("a", ""), { offset: 4, writable: true });
    clock.turn();
    assert.deepEqual(first.offsets, [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(second.offsets, first.offsets);
  });

  it("subscribes: the newcomer starts behind the message under way", () => {
    const { clock, hub } = handHub();
    const late = { same: new ValveSink(), other: new ValveSink() };
    const filter = ({ offset }: { offset: number }) => {
      if (offset === 1) {
        hub.attach({ patterns: ["a"] }, late.same);
        hub.attach({ patterns: ["*"] }, late.other);
      }
      return true;
    };
    hub.attach({ patterns: ["a"], filter }, new ValveSink());
    hub.publish("a", "");
    hub.publish("a", "");
    clock.turn();
    assert.equal(String(late.same), "started 2");
    assert.equal(String(late.other), "started 2");
  });

  it("subscribes after it published: the newcomer does not get what was numbered before it", () => {
    const { clock, hub } = handHub();
    const late = new ValveSink();
    const filter = ({ offset }: { offset: number }) => {
      if (offset === 1) {
        hub.publish("a", "");
        hub.attach({ patterns: ["a"] }, late);
      }
      return true;
    };
    hub.attach({ patterns: ["a"], filter }, new ValveSink());
    hub.publish("a", "");
    hub.publish("a", "");
    clock.turn();
    assert.equal(String(late), "started 3");
  });

  it("ends another subscription: that one gets nothing more, the rest get everything", () => {
    const { clock, hub } = handHub();
    const sinks = [new ValveSink(), new ValveSink(), new ValveSink()];
    let victim: Subscription | undefined;
    const filter = () => {
      victim?.end("replaced");
      return true;
    };
    hub.attach({ patterns: ["a"], filter }, sinks[0]!);
    victim = hub.attach({ patterns: ["a"] }, sinks[1]!);
    hub.attach({ patterns: ["a"] }, sinks[2]!);
    hub.publish("a", "");
    hub.publish("a", "");
    clock.turn();
    assert.deepEqual(sinks.map(String), ["started 1 2", "end:replaced", "started 1 2"]);
  });

  for (const answer of [true, false, "throws"] as const) {
    it(`ends its own subscription and ${answer === "throws" ? answer : `says ${answer}`}: the end wins`, () => {
      const { clock, hub } = handHub();
      const sink = new ValveSink();
      const filter = () => {
        subscription.end("unsubscribed");
        if (answer === "throws") throw new Error("and now?");
        return answer;
      };
      const subscription: Subscription = hub.attach({ patterns: ["a"], filter }, sink);
      hub.publish("a", "x");
      assertBalanced(subscription);
      const { matched, queued, queuedBytes } = subscription.stats();
      assert.deepEqual([matched, queued, queuedBytes], [0, 0, 0]);
      clock.turn();
      assert.equal(String(sink), "end:unsubscribed");
      assert.deepEqual([hub.stats().queued, hub.stats().queuedBytes], [0, 0], "no gauge is left standing");
    });
  }

  it("closes the hub: the message under way still comes, and nothing behind it", async () => {
    const { clock, hub } = handHub();
    const sink = new ValveSink();
    let closed: Promise<void> | undefined;
    const filter = () => {
      closed = hub.close();
      return true;
    };
    const subscription = hub.attach({ patterns: ["a"], filter }, sink);
    hub.publish("a", "x");
    assert.throws(() => hub.publish("a", "x"), { code: "CLOSED" });
    clock.settle();
    await new Promise((resolve) => setImmediate(resolve));
    clock.settle();
    await closed;
    assertBalanced(subscription);
    assert.deepEqual(sink.offsets, [1]);
    assert.deepEqual([sink.ended?.reason, sink.ended?.position.offset], ["draining", 1]);
  });

  it("reads its own subscription: no position passes the message under way", async () => {
    const { clock, hub } = handHub();
    let reading: Promise<unknown> | undefined;
    let readThrough: number | undefined;
    const filter = () => {
      reading ??= frames.next();
      readThrough ??= subscription.position.offset;
      return true;
    };
    const subscription = hub.subscribe("a", { filter });
    const frames = subscription[Symbol.asyncIterator]();
    hub.publish("a", "x");
    assert.equal(readThrough, 0);
    assert.equal(subscription.position.offset, 0, "the started frame is all that was read");
    await reading;
    const second = (await frames.next()).value;
    assert.equal(second?.kind === "message" && second.offset, 1);
    subscription.close();
    clock.turn();
  });
});
