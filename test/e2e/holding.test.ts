/** What a server holds on to: nothing of clients that are gone, and of messages no more than they weigh. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { servedHub } from "../support/grpc-served-hub.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { assertAccounted } from "./support/checker.ts";
import { client } from "./support/client-process.ts";
import { History } from "./support/history.ts";
import { arrayBuffersHeld, heapHeld } from "./support/memory.ts";
import { opens } from "./support/server-streams.ts";

failOnLeaks();

const MIB = 1024 * 1024;
/** Subscriptions. */
const PER_ROUND = 500;

test("thousands of subscriptions that come and go leave no handle, no listener and no memory behind", async (t) => {
  const { hub, served, address } = await servedHub(t);
  const churn = client(t, "churn", "churn", { address });
  let rounds = 0;
  const churnFor = async (count: number): Promise<void> => {
    for (const last = rounds + count; rounds < last; rounds++) {
      churn.tell({ cycles: PER_ROUND });
      await churn.until("the end of its round", () => churn.entries("answer").length > rounds);
    }
    await opens(served.server, { connections: 0, streams: 0 });
    assert.deepEqual([...hub.subscriptions()], []);
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
  await churnFor(2);
  const before = held();
  const heapBefore = heapHeld();
  const buffersBefore = arrayBuffersHeld();
  await churnFor(6);
  assert.deepEqual(held(), before);
  // One kilobyte for each cycle would be three of these.
  assert.ok(heapHeld() < heapBefore + MIB, `the heap grew by ${heapHeld() - heapBefore} bytes`);
  assert.ok(arrayBuffersHeld() < buffersBefore + MIB);
  // At least the half that waited for it was served.
  assert.ok((hub.stats().ended.cancelled ?? 0) >= (8 * PER_ROUND) / 2);
});

/** What a process has for a moment. */
const TRANSIENT = new Set(["Immediate", "TickObject", "Timeout"]);

test("small payloads cut out of large buffers cost what they weigh, and arrive as they were when published", async (t) => {
  const { hub, address } = await servedHub(t, {}, { escalation: [] });
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
