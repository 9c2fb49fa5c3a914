/**
 * Options that change in the middle of a load, between processes: the healthy clients notice nothing, and those that do
 * not read learn exactly what the policies of the moment have cost them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HubConfig } from "../../src/index.ts";
import { servedHub } from "../support/grpc-served-hub.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { accountedIn, assertAccounted, assertComplete } from "./support/checker.ts";
import { client } from "./support/client-process.ts";
import { assertWithinBounds, History } from "./support/history.ts";

failOnLeaks();

const ROUNDS = 120;
const PER_ROUND = 20;
const large = { queue: { messages: 256, bytes: 256 * 1024 }, escalation: [] };

/** One after the other, over and over. None may cost a client anything that reads all of one round before the next. */
const CHANGES: readonly HubConfig[] = [
  { ...large, overflow: "drop-newest" },
  { ...large, queue: { messages: 64, bytes: 48 * 1024 } },
  { ...large, overflow: "drop-newest", queue: { messages: 32 }, watermarks: { high: 0.9, low: 0.8 } },
  { ...large, topics: { "load.*": { queue: { messages: 48 }, batch: { frames: 4 } } } },
  {
    ...large,
    classes: { slow: { match: { clientName: "frozen" }, queue: { messages: 24, bytes: 8 * 1024 } } },
  },
  large,
];

/** Each breaks one thing and would change another. */
const MISTAKES = [
  { queue: { messages: 1 }, overlow: "evict" },
  { queue: { messages: 1 }, watermarks: { high: 0.2, low: 0.9 } },
  { queue: { messages: 1 }, overflow: "park" },
  { queue: { messages: Number.NaN } },
  { queue: { messages: -1 } },
  { queue: { messages: "1" } },
];

test("options that change under load lose nothing that the policy of the moment does not say", async (t) => {
  const { hub, address } = await servedHub(t, {}, { ...large, progressIntervalMs: 50 });
  const request = { patterns: ["load.*"] };
  const healthy = [1, 2].map((n) => client(t, "subscriber", `healthy ${n}`, { address, request }));
  const frozen = client(t, "subscriber", "frozen", {
    address,
    request: { ...request, clientName: "frozen" },
  });
  const paused = client(t, "subscriber", "paused", { address, request, pauseAfter: 1 });
  await Promise.all([...healthy, frozen, paused].map((each) => each.first("live")));
  const history = new History(hub, "now");
  const first = history.publish("load.a", 100);
  await Promise.all([...healthy, frozen, paused].map((each) => each.reached(first)));
  frozen.freeze();

  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 0; n < PER_ROUND; n++) {
      history.publish(n % 2 === 0 ? "load.a" : "load.b", round % 4 < 3 ? 1_000 : 50);
      // In the middle of a burst too, with messages waiting for everybody.
      if (n === PER_ROUND / 2 && round % 5 === 4) {
        hub.reconfigure(CHANGES[Math.floor(round / 5) % CHANGES.length]!);
        assertWithinBounds(hub, "now");
      }
      if (n === 3 && round % 7 === 6) {
        const before = JSON.stringify([...hub.subscriptions()].map((each) => each.grant));
        const mistake = MISTAKES[Math.floor(round / 7) % MISTAKES.length] as HubConfig;
        assert.throws(() => hub.reconfigure(mistake));
        assert.equal(JSON.stringify([...hub.subscriptions()].map((each) => each.grant)), before);
      }
    }
    await Promise.all(healthy.map((each) => each.reached(history.lastOffset)));
  }
  const published = history.under("load.");
  for (const each of healthy) assertComplete(each.journal, published);
  assert.deepEqual(
    [frozen, paused].map((each) => each.entries("message").length),
    [1, 1],
    "the slow ones are where they were",
  );
  assert.ok(hub.stats().dropped.overflow > 0, "something gave way");

  frozen.thaw();
  paused.tell({ order: "resume" });
  for (const each of [frozen, paused]) {
    await each.until("it knew of everything", (journal) => accountedIn(journal) >= published.length);
    assertAccounted(each.journal, published);
  }
});
