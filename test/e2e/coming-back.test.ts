/**
 * Clients of ours that are evicted while they are frozen: when they are let go they come back by themselves, and go on
 * where they were, as if nothing had happened.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { HubOptions } from "../../src/fanout/index.ts";
import { eventually, servedHub } from "../support/grpc-served-hub.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { assertComplete } from "./support/checker.ts";
import { type ClientProcess, client } from "./support/client-process.ts";
import { assertWithinBounds, History } from "./support/history.ts";
import { opens } from "./support/server-streams.ts";

failOnLeaks();

const QUEUE = { messages: 64, bytes: 48 * 1024 };
const RETENTION = { messages: 10_000, bytes: 16 * 1024 * 1024 };

async function frozenClient(t: TestContext, options: HubOptions) {
  const { hub, served, address } = await servedHub(t, {}, { queue: QUEUE, retention: RETENTION, ...options });
  const frozen = client(t, "resuming-subscriber", "frozen", { address, patterns: ["load.*"] });
  await frozen.first("started");
  const history = new History(hub);
  await frozen.reached(history.publish("load.a", 100));
  frozen.freeze();
  /** What is published while it is frozen, until it is evicted, and after that. */
  const publishUntil = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      history.publish("elsewhere", 10);
      history.publish("load.a", 1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const noStream = () => opens(served.server, { connections: 1, streams: 0 });
  return { hub, history, frozen, publishUntil, noStream };
}

/** It has everything, and it knows why it was sent away: from the status, or where that did not get through, later. */
async function assertCameBack(frozen: ClientProcess, history: History, reason: string): Promise<void> {
  await frozen.reached(history.lastOffset);
  assertComplete(frozen.journal, history.under("load."));
  assert.ok(frozen.entries("started").length >= 2);
  const reasons = [
    ...frozen.entries("waiting").map((entry) => entry.reason),
    ...frozen.entries("started").map(({ previousEnd }) => previousEnd),
  ];
  assert.ok(reasons.includes(reason), `it was told ${reason}: ${JSON.stringify(reasons)}`);
}

test("a client that was evicted at its bound while frozen resumes from its position without loss or duplicate", async (t) => {
  const { hub, history, frozen, publishUntil, noStream } = await frozenClient(t, { overflow: "evict" });
  await publishUntil(() => hub.stats().ended.overflow === 1);
  await noStream();
  for (let n = 0; n < 500; n++) history.publish("load.b", 100);
  frozen.thaw();
  await eventually(() => hub.stats().subscriptions.live === 1);
  history.publish("load.a", 100);
  await assertCameBack(frozen, history, "overflow");
});

test("a client that was evicted by a rung for stalling while frozen resumes from its position without loss or duplicate", async (t) => {
  const { hub, history, frozen, publishUntil, noStream } = await frozenClient(t, {
    overflow: "park",
    stallTimeoutMs: 250,
    minBytesPerSecond: 1024 * 1024,
    newcomerGraceMs: 0,
    escalation: [{ when: { stalledForMs: 250 }, policy: "evict" }],
  });
  // A write that does not move, and what it may not take with it.
  await publishUntil(() => hub.stats().subscriptions.live === 0);
  await eventually(() => hub.stats().ended.stalled === 1);
  await noStream();
  for (let n = 0; n < 500; n++) history.publish("load.b", 100);
  assertWithinBounds(hub);
  frozen.thaw();
  await eventually(() => hub.stats().subscriptions.live === 1);
  history.publish("load.a", 100);
  await assertCameBack(frozen, history, "stalled");
});
