import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Load, withLoads } from "../../../bench/micro/closed-loop.ts";
import { atEvenPace, tables } from "../../../bench/micro/server-cpu.ts";

/** As little as there is: whether it works at all. */
const BUDGET = { warmupMs: 0, timeMs: 0 };

describe("rows measured in turns", () => {
  it("lose what hit a whole round, and keep what hit one of them", () => {
    const slowRound = [100, 200, 100, 100, 100];
    const steady = [1, 2, 3].map((factor) => slowRound.map((sample) => sample * factor));
    assert.deepEqual(
      atEvenPace(steady),
      [100, 200, 300].map((cost) => Array(5).fill(cost)),
    );
    const hit = [[100, 100, 150], ...[200, 300].map((cost) => Array<number>(3).fill(cost))];
    assert.deepEqual(atEvenPace(hit), hit);
  });

  it("are left alone where there are too few to tell", () => {
    assert.deepEqual(atEvenPace([[1, 2, 3]]), [[1, 2, 3]]);
  });
});

describe("the closed loop", () => {
  it("delivers every burst to all connections, whichever way it is sent, one after another", async () => {
    const loads: readonly Load[] = [
      { way: "spillway", burst: 16 },
      { way: "plain grpc-js", burst: 16 },
      { way: "raw node:http2", burst: 16 },
      { way: "spillway", burst: 1 },
    ];
    const delivered = await withLoads(loads, async (delivers) => {
      let count = 0;
      for (const deliver of [...delivers, ...delivers]) {
        await deliver();
        count++;
      }
      return count;
    });
    assert.equal(delivered, 2 * loads.length);
  });

  it("has a cost for every row", async () => {
    for (const row of tables[0]!.rows("full")) {
      const { nanoseconds, marginPercent } = await row.measure(BUDGET);
      assert.ok(nanoseconds > 0 && marginPercent >= 0, `${row.name}: ${nanoseconds} ns ± ${marginPercent} %`);
    }
  });
});
