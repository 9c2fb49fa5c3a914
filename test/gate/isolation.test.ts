/**
 * The gate, isolation: a subscriber whose write never completes changes nothing for the others. They get the same
 * messages in the same turns of the event loop. Counted in turns, so it holds on any machine.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CountingClock } from "../support/counting-clock.ts";
import { handHub } from "../support/engine.ts";
import { ValveSink } from "../support/valve-sink.ts";

const HEALTHY = 10;
const TURNS = 20;
const BURST = 16;

/** What each healthy subscriber had after every turn, and how often the event loop was woken. */
async function deliveries(beside: readonly ValveSink[]) {
  const clock = new CountingClock();
  const { hub } = handHub({ clock });
  const attach = (sink: ValveSink) => hub.attach({ patterns: ["a"] }, sink);
  const healthy = Array.from({ length: HEALTHY }, () => new ValveSink());
  // The others come first and last, so that healthy ones wait behind them and before them.
  for (const sink of beside.slice(1)) attach(sink);
  for (const sink of healthy) attach(sink);
  for (const sink of beside.slice(0, 1)) attach(sink);
  const received: number[][] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    for (let message = 0; message < BURST; message++) hub.publish("a", "payload");
    clock.turn();
    received.push(healthy.map(({ offsets }) => offsets.length));
    // Whoever put something off to a promise gets that too.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { received, wakeUps: clock.wakeUps };
}

test("beside a write that never completes, the others get everything in the same turns", async () => {
  const alone = await deliveries([]);
  const expected = Array.from({ length: TURNS }, (_, turn) => Array(HEALTHY).fill((turn + 1) * BURST));
  assert.deepEqual(alone, { received: expected, wakeUps: TURNS });
  const stuck = [new ValveSink({ valve: "shut" }), new ValveSink({ valve: "shut" })];
  assert.deepEqual(await deliveries(stuck), alone);
  for (const { batches } of stuck) assert.equal(batches.length, 1, "it has taken one batch");
});
