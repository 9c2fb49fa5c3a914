import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { ServerCounters, Settings } from "../../bench/system.ts";
import spillway from "../../bench/systems/spillway.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { payloads, type Reader, reading, started } from "./system-contract.ts";

failOnLeaks();

/** Far more than a client that does not read, and the queue behind it, can hold. */
const SENT = payloads(200, 64 * 1024);
const QUEUE = { messages: 16, bytes: 16 * 1024 * 1024 };

/** A subscriber that does not read, while everything is published that it is slow for. */
async function slowOne(t: TestContext, settings: Settings) {
  const server = await started(t, spillway, settings);
  const { reader, subscription } = await reading(t, spillway.subscribe, server);
  const counters = (): ServerCounters => {
    const found = server.counters!();
    assert.equal(found.balanced, true);
    return found;
  };
  subscription.pause();
  for (const payload of SENT) server.publish(payload);
  return { server, reader, subscription, counters };
}

function sequences({ payloads: received }: Reader): number[] {
  return received.map((payload) => payload.readUInt32LE(8));
}

describe("the system spillway", () => {
  it("tells a slow subscriber exactly how much it lost, and counts the same", async (t) => {
    const { reader, subscription, counters } = await slowOne(t, { overflow: "drop-oldest", queue: QUEUE });
    subscription.resume();
    await reader.until(
      () => reader.payloads.length + reader.lostCount === SENT.length,
      () => `${reader.payloads.length} messages and ${reader.lostCount} lost`,
    );
    assert.ok(reader.lostCount > 0);
    assert.equal(sequences(reader).at(-1), SENT.length - 1);
    assert.equal(counters().dropped, reader.lostCount);
  });

  it("under conflate, tells what was replaced as well, and ends with the newest of every key", async (t) => {
    const { reader, subscription, counters } = await slowOne(t, {
      overflow: "conflate",
      queue: { messages: 128, bytes: 16 * 1024 * 1024 },
    });
    subscription.resume();
    await reader.until(
      () => reader.payloads.length + reader.lostCount === SENT.length,
      () => `${reader.payloads.length} messages and ${reader.lostCount} lost`,
    );
    const { conflated, dropped } = counters();
    assert.ok(conflated > 0);
    assert.equal(conflated + dropped, reader.lostCount);
    const seen = new Set(sequences(reader));
    for (let newest = SENT.length - 64; newest < SENT.length; newest++) assert.ok(seen.has(newest));
  });

  it("under park, gives a slow subscriber everything when it reads again", async (t) => {
    const { reader, subscription, counters } = await slowOne(t, { overflow: "park", queue: QUEUE });
    subscription.resume();
    await reader.has(SENT.length);
    assert.deepEqual(
      sequences(reader),
      SENT.map((_, sequence) => sequence),
    );
    assert.equal(counters().dropped, 0);
  });

  it("under evict, ends a slow subscriber and counts it", async (t) => {
    const { reader, subscription, counters } = await slowOne(t, { overflow: "evict", queue: QUEUE });
    subscription.resume();
    await reader.until(
      () => reader.endings.length > 0,
      () => "it goes on",
    );
    assert.match(reader.endings[0]!, /^RESOURCE_EXHAUSTED/);
    assert.equal(counters().evicted, 1);
  });

  it("evicts one that is stalled for as long as it is set to", async (t) => {
    const queue = { messages: 1024, bytes: 64 * 1024 * 1024 };
    const { reader, counters } = await slowOne(t, { queue, evictStalledMs: 100 });
    await reader.until(
      () => reader.endings.length > 0,
      () => "it goes on",
    );
    assert.equal(counters().evicted, 1);
  });

  it("counts what waits, and what it wrote", async (t) => {
    const { counters, subscription } = await slowOne(t, { queue: QUEUE });
    const { queued, queuedBytes, writes } = counters();
    assert.equal(queued, QUEUE.messages);
    assert.equal(queuedBytes, QUEUE.messages * SENT[0]!.length);
    // The one that said "started", which is nothing on this wire. What was published goes out when this turn ends.
    assert.equal(writes, 1);
    subscription.close();
  });
});
