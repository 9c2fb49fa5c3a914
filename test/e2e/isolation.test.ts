/**
 * The promise itself, between processes: what healthy clients get does not depend on how slow others are, what is
 * kept for the slow ones is bounded, and they learn exactly what they missed.
 *
 * Beside two healthy clients there are, each in its own process, one that is frozen (SIGSTOP), one that grants a
 * window of 0 bytes, and one that reads a message and then no more. Nothing waits for time: the next messages are
 * published when the healthy clients have the last ones, so that they are never behind on a slow machine either.
 */
import assert from "node:assert/strict";
import { constants } from "node:http2";
import { type TestContext, test } from "node:test";
import { status } from "@grpc/grpc-js";
import type { Hub } from "../../src/fanout/index.ts";
import type { OverflowPolicyName } from "../../src/protocol/index.ts";
import { eventually, servedHub } from "../support/grpc-served-hub.ts";
import { failOnLeaks } from "../support/leaks.ts";
import {
  accountedIn,
  assertAccounted,
  assertComplete,
  assertConflated,
  assertPrefix,
} from "./support/checker.ts";
import { type ClientProcess, client } from "./support/client-process.ts";
import { assertWithinBounds, History } from "./support/history.ts";
import type { Entry, MessageEntry } from "./support/journal.ts";
import { opens } from "./support/server-streams.ts";

failOnLeaks();

/** Of the slow ones. Whole messages of each size fill it to the brim in messages or in bytes. */
const QUEUE = { messages: 64, bytes: 48 * 1024 };
/** A stream's window, 64 KiB, holds most of what is beyond the queue's reach; this is many times all of it. */
const ROUNDS = 100;
const PER_ROUND = 20;

interface Crowd {
  readonly hub: Hub;
  readonly history: History;
  readonly healthy: readonly ClientProcess[];
  readonly frozen: ClientProcess;
  readonly windowless: ClientProcess;
  readonly paused: ClientProcess;
  readonly slow: readonly ClientProcess[];
  /** Server: streams that are open. */
  opens(streams: number): Promise<void>;
}

/** Everybody is live and has read what can be read, and from now on the slow ones do nothing. */
async function crowd(t: TestContext, overflow: OverflowPolicyName): Promise<Crowd> {
  const { hub, served, address } = await servedHub(
    t,
    {},
    // Slow is what this is about; stalled has tests of its own.
    { progressIntervalMs: 50, escalation: [] },
  );
  const patterns = ["load.*"];
  const policy = `OVERFLOW_POLICY_${overflow.toUpperCase().replace("-", "_")}`;
  const slowly = { patterns, overflow: policy, queue: QUEUE };
  const healthy = [1, 2].map((n) =>
    client(t, "subscriber", `healthy ${n}`, { address, request: { patterns } }),
  );
  const frozen = client(t, "subscriber", "frozen", { address, request: slowly });
  const windowless = client(t, "windowless-subscriber", "windowless", { address, request: slowly });
  const paused = client(t, "subscriber", "paused", { address, request: slowly, pauseAfter: 1 });
  const slow = [frozen, windowless, paused];
  await Promise.all([...healthy, ...slow].map((each) => each.first("live")));
  const history = new History(hub);
  const first = history.publish("load.a", 100, "0");
  await Promise.all([...healthy, frozen, paused].map((each) => each.reached(first)));
  assert.equal(frozen.entries("started")[0]?.overflow, policy);
  assert.deepEqual(frozen.entries("started")[0]?.queue, QUEUE);
  frozen.freeze();
  return {
    hub,
    history,
    healthy,
    frozen,
    windowless,
    paused,
    slow,
    opens: (streams) => opens(served.server, { connections: 5, streams }),
  };
}

/** Publishes one round, and waits until the healthy clients have it. */
async function round({ hub, history, healthy }: Crowd, number: number): Promise<void> {
  for (let n = 0; n < PER_ROUND; n++) {
    // Some of each kind: two topics that match and one that does not, large and small, ten keys each.
    history.publish("elsewhere", 10);
    const bytes = number % 4 < 3 ? 1000 : 50;
    history.publish(n % 2 === 0 ? "load.a" : "load.b", bytes, String(Math.floor(n / 2)));
  }
  await Promise.all(healthy.map((each) => each.reached(history.lastOffset)));
  assertWithinBounds(hub);
}

function wake({ frozen, windowless, paused }: Crowd): void {
  frozen.thaw();
  windowless.tell({ order: "resume" });
  paused.tell({ order: "resume" });
}

/** Floods, shows that nobody healthy noticed and that the slow ones took no part, and wakes these. */
async function floodAndWake(scene: Crowd): Promise<readonly MessageEntry[]> {
  const { history, healthy, frozen, windowless, paused, slow, hub } = scene;
  for (let number = 0; number < ROUNDS; number++) await round(scene, number);
  const published = history.under("load.");
  for (const each of healthy) assertComplete(each.journal, published);
  assert.deepEqual(
    [frozen, windowless, paused].map((each) => each.entries("message").length),
    [1, 0, 1],
    "the slow ones are where they were",
  );
  assert.equal(hub.stats().subscriptions.live + hub.stats().subscriptions.stalled, 5);
  wake(scene);
  await Promise.all(
    slow.map((each) =>
      each.until("it knew of everything", (journal) => accountedIn(journal) >= published.length),
    ),
  );
  return published;
}

for (const overflow of ["drop-oldest", "drop-newest"] as const) {
  test(`with ${overflow}, three clients that stop reading change nothing for the others and learn exactly what they lost`, async (t) => {
    const scene = await crowd(t, overflow);
    const published = await floodAndWake(scene);
    for (const { name, journal } of scene.slow) {
      assertAccounted(journal, published);
      const last = journal.findLast(({ kind }) => kind === "message" || kind === "gap");
      assert.equal(last?.kind, overflow === "drop-oldest" ? "message" : "gap", `what ${name} was told last`);
    }
    for (const { peakQueued, peakQueuedBytes, clientName } of statsOf(scene)) {
      // It was full, or the bound was not put to the test.
      const full = peakQueued === QUEUE.messages || peakQueuedBytes > QUEUE.bytes - 1100;
      assert.ok(full, `the queue of ${clientName} was full: ${peakQueued}, ${peakQueuedBytes} bytes`);
    }
  });
}

test("with conflate, three clients that stop reading change nothing for the others and have the last value of every key", async (t) => {
  const scene = await crowd(t, "conflate");
  const published = await floodAndWake(scene);
  for (const { journal } of scene.slow) {
    assertConflated(journal, published);
    assert.ok(messagesOf(journal) < published.length / 2, "most values were replaced");
  }
});

test("with evict, three clients that stop reading change nothing for the others and are let go of, frozen as they are", async (t) => {
  const scene = await crowd(t, "evict");
  const { hub, history, healthy, slow, windowless } = scene;
  for (let number = 0; hub.stats().ended.overflow !== slow.length; number++) {
    assert.ok(number < ROUNDS, "the bound is reached");
    await round(scene, number);
  }
  // Two of them could not even be told, and nothing is kept for them all the same.
  await scene.opens(healthy.length);
  await round(scene, 0);
  const published = history.under("load.");
  for (const each of healthy) assertComplete(each.journal, published);

  wake(scene);
  for (const each of slow) {
    const end = await each.first("end");
    // No trailers pass a closed window. What does is a reset with ENHANCE_YOUR_CALM, which every client of gRPC
    // reads as RESOURCE_EXHAUSTED.
    if (each === windowless) assert.equal(end.reset, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    else assert.equal(end.code, status.RESOURCE_EXHAUSTED);
    assertPrefix(each.journal, published);
  }
});

test("a client of ours that was evicted while frozen comes back by itself and accounts for everything", async (t) => {
  const { hub, served, address } = await servedHub(t, {}, { overflow: "evict", queue: QUEUE });
  const each = client(t, "resuming-subscriber", "frozen", { address, patterns: ["load.*"] });
  await each.first("started");
  const history = new History(hub);
  await each.reached(history.publish("load.a", 100));
  each.freeze();
  while (hub.stats().ended.overflow !== 1) {
    history.publish("load.a", 1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await opens(served.server, { connections: 1, streams: 0 });
  const missed = history.publish("load.a", 1000);
  each.thaw();
  await eventually(() => hub.stats().subscriptions.live === 1);
  // What it had received, and the notice of the rest or the rest itself.
  await each.until("the end of the loss", (journal) => journal.some((entry) => coversOrReads(entry, missed)));
  await each.reached(history.publish("load.b", 100));
  assertAccounted(each.journal, history.under("load."));
  assert.equal(each.entries("started").length, 2);
});

test("a hundred thousand messages published in one go stay within every bound, and each client knows what it missed", async (t) => {
  const { hub, address } = await servedHub(t, {}, { escalation: [] });
  const request = { patterns: ["load.*"], queue: QUEUE };
  const clients = (["DROP_OLDEST", "DROP_NEWEST"] as const).map((policy) =>
    client(t, "subscriber", policy, {
      address,
      request: { ...request, overflow: `OVERFLOW_POLICY_${policy}` },
    }),
  );
  await Promise.all(clients.map((each) => each.first("started")));
  const history = new History(hub);
  for (let n = 0; n < 100_000; n++) history.publish("load.a", 10);
  const published = history.under("load.");
  for (const each of clients) {
    await each.until("it knew of everything", (journal) => accountedIn(journal) >= published.length);
    assertAccounted(each.journal, published);
    assert.equal(each.entries("message").length, QUEUE.messages);
  }
});

function coversOrReads(entry: Entry, offset: number): boolean {
  return (entry.kind === "gap" && entry.to >= offset) || (entry.kind === "message" && entry.offset >= offset);
}

function statsOf({ hub, slow }: Crowd) {
  const names = new Set(slow.map(({ name }) => name));
  const all = [...hub.subscriptions()].map((subscription) => subscription.stats());
  const stats = all.filter(({ clientName }) => names.has(clientName ?? ""));
  assert.equal(stats.length, slow.length);
  return stats;
}

function messagesOf(journal: readonly Entry[]): number {
  return journal.filter(({ kind }) => kind === "message").length;
}
