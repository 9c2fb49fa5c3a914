/** What a server holds on to: nothing of clients that are gone, and of messages no more than they weigh. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { servedHub } from "../support/grpc-served-hub.ts";
import { assertAccounted } from "./support/checker.ts";
import { client } from "./support/client-process.ts";
import { History } from "./support/history.ts";
import { arrayBuffersHeld, heapHeld } from "./support/memory.ts";
import { opens } from "./support/server-streams.ts";

const MIB = 1024 * 1024;

test("thousands of subscriptions that come and go leave no handle, no listener and no memory behind", async (t) => {
  const { hub, served, address } = await servedHub(t);
  const churn = client(t, "churn", "churn", { address });
  let answers = 0;
  const cycles = async (count: number): Promise<void> => {
    churn.tell({ cycles: count });
    answers++;
    await churn.until("the end of its cycles", () => churn.entries("answer").length === answers);
    await opens(served.server, { connections: 1, streams: 0 });
    assert.deepEqual(hub.stats().subscriptions, { live: 0, draining: 0, stalled: 0 });
  };
  const held = () => ({
    handles: process
      .getActiveResourcesInfo()
      .filter((kind) => !TRANSIENT.has(kind))
      .sort(),
    listeners: process.eventNames().map((name) => [name, process.listenerCount(name)]),
    topics: hub.stats().topics,
  });
  // Pools, caches and compiled code find their size first.
  await cycles(1000);
  const before = held();
  const heapBefore = heapHeld();
  const buffersBefore = arrayBuffersHeld();
  await cycles(3000);
  assert.deepEqual(held(), before);
  // One kilobyte for each cycle would be three of these.
  assert.ok(heapHeld() < heapBefore + MIB, `the heap grew by ${heapHeld() - heapBefore} bytes`);
  assert.ok(arrayBuffersHeld() < buffersBefore + MIB);
  // Half of them were served; of the other half, who came and left before its turn was never counted.
  const { ended } = hub.stats();
  assert.ok((ended.cancelled ?? 0) >= 2000, JSON.stringify(ended));
});

/** What a process has for a moment. */
const TRANSIENT = new Set(["Immediate", "TickObject", "Timeout"]);

test("small payloads cut out of large buffers cost what they weigh, and arrive as they were when published", async (t) => {
  const { hub, address } = await servedHub(t, {}, { evictStalledAfterMs: Infinity });
  const frozen = client(t, "subscriber", "frozen", { address, request: { patterns: ["load.*"] } });
  await frozen.first("started");
  frozen.freeze();
  const history = new History(hub);
  // Fills what lies between here and there, so that the rest stays in the queue.
  for (let n = 0; n < 100; n++) {
    history.publish("load.a", 8192);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const before = arrayBuffersHeld();
  for (let n = 0; n < 100; n++) history.publishSubarray("load.b", MIB, 1000);
  const [subscription] = hub.subscriptions();
  assert.ok((subscription?.stats().queued ?? 0) > 100, "they wait");
  const grown = arrayBuffersHeld() - before;
  assert.ok(grown <= 2 * 100 * 1000, `100 payloads of 1,000 bytes hold ${grown} bytes`);
  frozen.thaw();
  await frozen.reached(history.lastOffset);
  assertAccounted(frozen.journal, history.under("load."));
});
