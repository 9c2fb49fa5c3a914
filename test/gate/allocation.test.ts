/**
 * The gate, allocation: what one more subscriber makes the engine allocate for a message. In a process of its own, where
 * it can be counted exactly; see `bench/micro/allocation.ts`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tables } from "../../bench/micro/allocation.ts";
import { measureInFreshProcess } from "../../bench/micro/fresh-process.ts";

/** Measured: less than one. The smallest object with a field is 16 or more, a closure or a promise at least 56. */
const MOST_BYTES = new Map([
  ["one delivery, drop-oldest", 8],
  ["one delivery, conflate", 8],
  ["one offer to a full queue, drop-oldest", 8],
]);

const [allocation] = tables;
assert.ok(allocation);

for (const row of allocation.rows("full")) {
  const most = MOST_BYTES.get(row.name);
  if (most === undefined) continue;
  test(`${row.name}: at most ${most} bytes are allocated per subscriber and message`, async () => {
    const budget = { warmupMs: 0, timeMs: 0 };
    const { allocatedBytes } = await measureInFreshProcess(allocation, row, "full", budget);
    assert.ok(allocatedBytes !== undefined && allocatedBytes <= most, `${allocatedBytes} bytes`);
  });
}
