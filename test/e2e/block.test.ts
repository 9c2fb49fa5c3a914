/**
 * A frozen process under `block`, which its server has granted: a publisher that heeds `writable` loses nothing for
 * it, waits no longer than the hub allows, and nobody else waits at all.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { SpillwayError } from "../../src/errors.ts";
import type { HubOptions } from "../../src/fanout/index.ts";
import { OVERFLOW_POLICIES } from "../../src/protocol/index.ts";
import { eventually, servedHub } from "../support/grpc-served-hub.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { assertComplete, assertPrefix } from "./support/checker.ts";
import { type ClientProcess, client } from "./support/client-process.ts";
import { History } from "./support/history.ts";

failOnLeaks();

const QUEUE = { messages: 40, bytes: 1024 * 1024 };
const TOPIC = "load.a";
const RETAINED: HubOptions = {
  topics: { "load.*": { retention: { messages: 10_000, bytes: 16 * 1024 * 1024 } } },
};
/** Publishing this often with a kilobyte each fills any window and the queue. */
const MOST = 10_000;

async function scene(t: TestContext, options: HubOptions) {
  const { hub, address } = await servedHub(
    t,
    {},
    { escalation: [], authorize: () => ({ overflow: OVERFLOW_POLICIES }), ...options },
  );
  const healthy = client(t, "subscriber", "healthy", { address, request: { patterns: ["load.*"] } });
  const frozen = client(t, "subscriber", "frozen", {
    address,
    request: { patterns: ["load.*"], overflow: "OVERFLOW_POLICY_BLOCK", queue: QUEUE },
  });
  await Promise.all([healthy, frozen].map((each) => each.first("started")));
  assert.equal(frozen.entries("started")[0]?.overflow, "OVERFLOW_POLICY_BLOCK");
  const history = new History(hub);
  await frozen.reached(history.publish(TOPIC, 100));
  frozen.freeze();
  /** Publishes until the frozen client asks its publisher to wait; the healthy one gets each message at once. */
  const untilFull = async (): Promise<void> => {
    for (let n = 0; history.writable; n++) {
      assert.ok(n < MOST, "the queue gets full");
      await healthy.reached(history.publish(TOPIC, 1000));
    }
  };
  /** As a publisher does that heeds it: each message waits for the one before to leave room. */
  const publishHeeding = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      if (!history.writable) await hub.writable(TOPIC);
      await healthy.reached(history.publish(TOPIC, 1000));
    }
  };
  return { hub, history, healthy, frozen, untilFull, publishHeeding };
}

test("a publisher that waits for a frozen client under block goes on when it is let go, and nothing is lost", async (t) => {
  // Nothing is retained, so whatever the queue does not hold is lost.
  const { hub, history, healthy, frozen, untilFull, publishHeeding } = await scene(t, {
    blockTimeoutMs: 600_000,
  });
  await untilFull();
  assert.equal(frozen.entries("message").length, 1, "it is where it was");
  await assert.rejects(
    hub.writable(TOPIC, { timeoutMs: 1 }),
    (error) => error instanceof SpillwayError && error.code === "TIMEOUT",
  );
  // Whom it does not subscribe to is not held up, and who else subscribes gets every message at once regardless.
  await hub.writable("elsewhere", { timeoutMs: 1 });
  await healthy.reached(history.publish(TOPIC, 1000));
  assert.equal(history.writable, false);

  const goesOn = publishHeeding(500);
  frozen.thaw();
  await goesOn;
  await frozen.reached(history.lastOffset);
  for (const each of [healthy, frozen]) assertComplete(each.journal, history.under("load."));
  assert.deepEqual(frozen.entries("state"), [], "it was never parked");
});

test("a publisher waits for a frozen client under block no longer than blockTimeoutMs; then that is parked and loses nothing", async (t) => {
  const { hub, history, healthy, frozen, untilFull, publishHeeding } = await scene(t, {
    ...RETAINED,
    blockTimeoutMs: 500,
  });
  await untilFull();
  // It goes on though the client does not.
  await publishHeeding(500);
  // Whatever its window still took was made up for from the log.
  const { parked, "catching-up": catchingUp } = hub.stats().subscriptions;
  assert.equal(parked + catchingUp, 1);
  assert.equal(frozen.entries("message").length, 1, "it is where it was");
  assertComplete(healthy.journal, history.under("load."));

  frozen.thaw();
  await frozen.reached(history.lastOffset);
  await frozen.until("it was live", () => states(frozen).at(-1) === "SUBSCRIPTION_STATE_LIVE");
  assertComplete(frozen.journal, history.under("load."));
  assert.deepEqual(states(frozen), ["SUBSCRIPTION_STATE_PARKED", "SUBSCRIPTION_STATE_LIVE"]);
});

test("where nothing is retained, a frozen client that blocks for blockTimeoutMs is evicted as overrun, and the others go on", async (t) => {
  const { hub, history, healthy, frozen, untilFull, publishHeeding } = await scene(t, {
    blockTimeoutMs: 500,
  });
  await untilFull();
  await publishHeeding(100);
  await eventually(() => hub.stats().ended.overrun === 1);
  assertComplete(healthy.journal, history.under("load."));
  frozen.thaw();
  assert.equal((await frozen.first("end")).code, status.RESOURCE_EXHAUSTED);
  assertPrefix(frozen.journal, history.under("load."));
});

function states(each: ClientProcess): string[] {
  return each.entries("state").map(({ state }) => state);
}
