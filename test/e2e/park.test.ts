/**
 * A frozen process under `park`: it costs its queue and nothing else, and when it is let go it has everything that is
 * retained, and an exact notice of the rest.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { HubOptions } from "../../src/fanout/index.ts";
import { servedHub } from "../support/grpc-served-hub.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { assertAccounted, assertComplete } from "./support/checker.ts";
import { type ClientProcess, client } from "./support/client-process.ts";
import { assertWithinBounds, History } from "./support/history.ts";

failOnLeaks();

const QUEUE = { messages: 64, bytes: 48 * 1024 };
const TOPICS = ["load.a", "load.b"] as const;
/** With a kilobyte each, many times what a stream's window and the queue take. */
const ROUNDS = 50;
const PER_ROUND = 20;

/** Two healthy clients and one that has read a message and was frozen then. */
async function scene(t: TestContext, retention: HubOptions["retention"] & object) {
  const { hub, address } = await servedHub(t, {}, { retention, escalation: [] });
  // By name: what is trimmed can be counted then.
  const request = { patterns: TOPICS };
  const healthy = [1, 2].map((n) => client(t, "subscriber", `healthy ${n}`, { address, request }));
  const frozen = client(t, "subscriber", "frozen", {
    address,
    request: { ...request, overflow: "OVERFLOW_POLICY_PARK", queue: QUEUE },
  });
  await Promise.all([...healthy, frozen].map((each) => each.first("started")));
  const history = new History(hub);
  const first = history.publish(TOPICS[0], 100);
  await Promise.all([...healthy, frozen].map((each) => each.reached(first)));
  frozen.freeze();
  /** One round at a time, so that the healthy ones are never behind on a slow machine either. */
  const flood = async (): Promise<void> => {
    for (let round = 0; round < ROUNDS; round++) {
      for (let n = 0; n < PER_ROUND; n++) {
        history.publish("elsewhere", 10);
        history.publish(TOPICS[n % 2] as string, 1000);
      }
      await Promise.all(healthy.map((each) => each.reached(history.lastOffset)));
      assertWithinBounds(hub);
    }
  };
  return { hub, history, healthy, frozen, flood };
}

/** `parked` and `live` in turn; the last one is `live`. */
function assertParkedAndLive(frozen: ClientProcess): void {
  const states = frozen.entries("state");
  assert.ok(states.length > 0);
  for (const [index, entry] of states.entries()) {
    const state = `SUBSCRIPTION_STATE_${index % 2 === 0 ? "PARKED" : "LIVE"}`;
    assert.deepEqual(entry, { kind: "state", state, overflow: "OVERFLOW_POLICY_PARK", rung: 0 });
  }
  assert.equal(states.length % 2, 0, "it is live in the end");
}

test("a client that is frozen and let go under park has every message once and in order, and the others notice nothing", async (t) => {
  const { hub, history, healthy, frozen, flood } = await scene(t, {
    messages: 10_000,
    bytes: 16 * 1024 * 1024,
  });
  await flood();
  for (const each of healthy) assertComplete(each.journal, history.under("load."));
  assert.equal(frozen.entries("message").length, 1, "it is where it was");
  const { parked, "catching-up": catchingUp } = hub.stats().subscriptions;
  assert.equal(parked + catchingUp, 1);

  frozen.thaw();
  await frozen.reached(history.lastOffset);
  await frozen.until("it was live", () => lastState(frozen) === "SUBSCRIPTION_STATE_LIVE");
  // And what comes then, as to everybody.
  const last = history.publish(TOPICS[1], 100);
  await Promise.all([...healthy, frozen].map((each) => each.reached(last)));
  for (const each of [...healthy, frozen]) assertComplete(each.journal, history.under("load."));
  assertParkedAndLive(frozen);
  assert.deepEqual(hub.stats().dropped, { overflow: 0, oversize: 0, "render-failed": 0, "filter-failed": 0 });
});

test("what the log has trimmed while a client was frozen under park is told to it, of each topic the exact number", async (t) => {
  const retained = 50;
  const { history, healthy, frozen, flood } = await scene(t, { messages: retained });
  await flood();
  const last = history.under("load.").at(-1)?.offset ?? 0;
  frozen.thaw();
  await frozen.reached(last);
  await frozen.until("it was live", () => lastState(frozen) === "SUBSCRIPTION_STATE_LIVE");
  assertParkedAndLive(frozen);

  for (const each of healthy) assertComplete(each.journal, history.under("load."));
  for (const topic of TOPICS) {
    const published = history.under(topic);
    const journal = frozen.journal.filter((entry) => !("topic" in entry) || entry.topic === topic);
    assertAccounted(journal, published);
    const gaps = frozen.entries("gap").filter((gap) => gap.topic === topic);
    assert.ok(gaps.length > 0, `some of ${topic} was trimmed`);
    for (const { from, to, count, reason } of gaps) {
      assert.equal(reason, "GAP_REASON_TRIMMED");
      const lost = published.filter(({ offset }) => offset >= from && offset <= to);
      assert.equal(count, lost.length);
    }
    const newest = published.slice(-retained);
    const read = frozen.entries("message").filter((message) => message.topic === topic);
    assert.deepEqual(read.slice(-retained), newest, "what was retained was delivered");
  }
  assert.equal(frozen.entries("gap").filter(({ topic }) => topic === undefined).length, 0);
});

function lastState(each: ClientProcess): string | undefined {
  return each.entries("state").at(-1)?.state;
}
