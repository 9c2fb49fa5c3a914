import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { Hub } from "../../src/index.ts";
import type { Frame } from "../../src/protocol/index.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";

failOnLeaks();

const offsetOf = (frame: Frame | undefined) => (frame?.kind === "message" ? frame.offset : undefined);

describe("hub.subscribe", () => {
  it("is live when it returns: what is published before the first read waits", async () => {
    const hub = new Hub();
    const subscription = hub.subscribe("a.*");
    hub.publish("a.b", "one");
    hub.publish("a.c", "two");
    const seen: string[] = [];
    for await (const frame of subscription) {
      seen.push(frame.kind === "message" ? Buffer.from(frame.payload).toString() : frame.kind);
      if (seen.length === 3) break;
    }
    assert.deepEqual(seen, ["started", "one", "two"]);
    assert.equal(subscription.state, "ended");
    await hub.close();
    assert.deepEqual(hub.stats().ended, { unsubscribed: 1 });
  });

  it("keeps unread messages in its queue, under its policy", async () => {
    const hub = new Hub({ queue: { messages: 2 } });
    const subscription = hub.subscribe("a");
    for (let count = 0; count < 5; count++) hub.publish("a", "");
    const { queued, inFlight } = subscription.stats();
    assert.deepEqual([queued, inFlight], [2, 0]);
    const frames: Frame[] = [];
    for await (const frame of subscription) if (frames.push(frame) === 4) break;
    assert.deepEqual(
      frames.map((frame) => offsetOf(frame) ?? frame.kind),
      ["started", "gap", 4, 5],
    );
    await hub.close();
  });

  it("hands every notice of a place out, one by one", async () => {
    const hub = new Hub({ queue: { messages: 1 } });
    const frames = hub.subscribe(">")[Symbol.asyncIterator]();
    for (const topic of ["a", "b", "c", "d"]) hub.publish(topic, "");
    const topics: unknown[] = [];
    for (let read = 0; read < 5; read++) {
      const { value } = await frames.next();
      topics.push(value?.kind === "gap" ? `gap ${value.topic}` : value?.kind);
    }
    assert.deepEqual(topics, ["started", "gap a", "gap b", "gap c", "message"]);
    await frames.return?.();
    await hub.close();
  });

  it("gives concurrent reads the frames in the order of the reads", async () => {
    const hub = new Hub();
    const frames = hub.subscribe("a")[Symbol.asyncIterator]();
    const reads = [1, 2, 3, 4].map(() => frames.next());
    for (let count = 0; count < 3; count++) hub.publish("a", "");
    const results = await Promise.all(reads);
    assert.deepEqual(
      results.map(({ value }) => offsetOf(value) ?? value?.kind),
      ["started", 1, 2, 3],
    );
    const waiting = [frames.next(), frames.next()];
    await frames.return?.();
    assert.deepEqual(await Promise.all(waiting), [
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    assert.deepEqual(await frames.next(), { done: true, value: undefined });
    await hub.close();
  });

  it("ends when its loop is left by break, return or throw", async () => {
    const hub = new Hub();
    const leave = {
      break: async () => {
        for await (const _ of hub.subscribe("a")) break;
      },
      return: async () => {
        for await (const _ of hub.subscribe("a")) return;
      },
      throw: async () => {
        for await (const _ of hub.subscribe("a")) throw new Error("enough");
      },
    };
    await leave.break();
    await leave.return();
    await assert.rejects(leave.throw(), { message: "enough" });
    await hub.close();
    assert.deepEqual(hub.stats().ended, { unsubscribed: 3 });
  });

  it("throws the reason of its signal, and leaves no listener on it", async () => {
    const hub = new Hub();
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new Error("no longer needed");
    const reading = (async () => {
      for await (const _ of hub.subscribe("a", { signal }));
    })();
    const other = hub.subscribe("a", { signal });
    assert.equal(getEventListeners(signal, "abort").length, 2);
    other.close();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(getEventListeners(signal, "abort").length, 1);
    controller.abort(reason);
    await assert.rejects(reading, reason);
    assert.equal(getEventListeners(signal, "abort").length, 0);
    assert.throws(() => hub.subscribe("a", { signal }), reason);
    await hub.close();
    assert.deepEqual([...hub.subscriptions()], []);
  });

  it("leaves no listener on the signal when it is refused or ends by itself", async () => {
    const hub = new Hub();
    const { signal } = new AbortController();
    assert.throws(() => hub.subscribe("a..b", { signal }), { code: "PATTERN_INVALID" });
    assert.equal(getEventListeners(signal, "abort").length, 0);
    const subscription = hub.subscribe("a", { signal });
    await Promise.all([hub.close(), drain(subscription)]);
    assert.equal(getEventListeners(signal, "abort").length, 0);
  });

  it("throws ENDED with the reason when it is evicted, to every reader", async () => {
    const hub = new Hub({ overflow: "evict", queue: { messages: 1 } });
    const subscription = hub.subscribe("a");
    const frames = subscription[Symbol.asyncIterator]();
    hub.publish("a", "");
    hub.publish("a", "");
    for (let read = 0; read < 2; read++) {
      await assert.rejects(frames.next(), {
        name: "SpillwayError",
        code: "ENDED",
        reason: "overflow",
        message: "the subscription ended (overflow): the queue was full at 1 messages, 0 bytes",
      });
    }
    assert.equal(subscription.state, "ended");
    await hub.close();
  });

  it("finishes with the hub, after what waited was read", async () => {
    const hub = new Hub();
    const subscription = hub.subscribe("a");
    hub.publish("a", "");
    const [kinds] = await Promise.all([drain(subscription), hub.close()]);
    assert.deepEqual(kinds, ["started", "state", "message"]);
  });

  it("is ended by await using and by close, twice over", async () => {
    const hub = new Hub();
    {
      await using subscription = hub.subscribe("a");
      assert.equal(subscription.state, "live");
    }
    const subscription = hub.subscribe("a");
    subscription.close();
    subscription.close();
    assert.deepEqual(await drain(subscription), []);
    await hub.close();
    assert.deepEqual(hub.stats().ended, { unsubscribed: 2 });
  });

  it("that nobody reads holds a close up no longer than the time-out", async () => {
    const { hub, clock } = handHub();
    const subscription = hub.subscribe("a");
    hub.publish("a", "");
    const closed = hub.close({ drainTimeoutMs: 100 });
    clock.advance(100);
    await closed;
    assert.equal(subscription.state, "ended");
    assert.equal(clock.timers, 0);
  });
});

/** The kinds of all frames until the loop finishes. */
async function drain(frames: AsyncIterable<Frame>): Promise<string[]> {
  const kinds: string[] = [];
  for await (const { kind } of frames) kinds.push(kind);
  return kinds;
}
