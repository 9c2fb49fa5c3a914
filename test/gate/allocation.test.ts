/**
 * The gate, allocation: what one more subscriber makes the engine allocate for a message. In a process of its own, where
 * it can be counted exactly; see `bench/micro/allocation.ts`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { allocation } from "../../bench/micro/allocation.ts";
import { measureInFreshProcess } from "../../bench/micro/fresh-process.ts";

/**
 * Measured: 13 for a delivery, of which a batch of 16 messages has 200 in all; 0.3 for an offer. The smallest object with
 * a field is 24 or 32, a closure or a promise at least 56.
 */
const MOST_BYTES = { "one delivery, drop-oldest": 20, "one offer to a full queue, drop-oldest": 4 };

for (const [name, most] of Object.entries(MOST_BYTES)) {
  test(`${name}: at most ${most} bytes are allocated per subscriber and message`, async () => {
    const row = allocation.rows("full").find((each) => each.name === name);
    assert.ok(row);
    const budget = { warmupMs: 0, timeMs: 0 };
    const order = { table: allocation.name, row: name, level: "full", budget } as const;
    const { allocatedBytes } = await measureInFreshProcess(order, row);
    assert.ok(allocatedBytes !== undefined && allocatedBytes <= most, `${allocatedBytes} bytes`);
  });
}
