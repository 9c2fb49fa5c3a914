import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomFrom } from "../../../bench/report/random.ts";
import { compare, cpuOf, cpuPerDelivery, cpuRatio, rangeOf } from "../../../bench/report/statistics.ts";
import type { Trial } from "../../../bench/results.ts";
import { cell, histogram, latencies, trial } from "./synthetic.ts";

function cells(pairs: readonly (readonly [Trial | undefined, Trial | undefined])[]) {
  return {
    measured: cell("measured", { trials: pairs.flatMap(([one]) => one ?? []) }),
    control: cell("control", { trials: pairs.flatMap(([, one]) => one ?? []) }),
  };
}

/** Blocks in which everything takes longer by a factor of the block's own, and the measured by `ratio` more. */
function simulated(random: () => number, blocks: number, ratio: number) {
  const pair = (block: number) => {
    const drift = Math.exp(0.4 * (random() - 0.5));
    const one = (middle: number) => trial({ block, latency: latencies(random, middle, 1_200) });
    return [one(1_000 * drift * ratio), one(1_000 * drift)] as const;
  };
  return cells(Array.from({ length: blocks }, (_, block) => pair(block)));
}

describe("a comparison", () => {
  it("has an interval that covers the true ratio, most of the time, though blocks drift", () => {
    const random = randomFrom(42);
    let covered = 0;
    for (let round = 0; round < 30; round++) {
      const { measured, control } = simulated(random, 8, 1.3);
      const { interval } = compare(measured, control, round);
      assert.ok(interval !== undefined);
      if (interval.low <= 1.3 && 1.3 <= interval.high) covered++;
    }
    assert.ok(covered >= 24, `${covered} of 30`);
  });

  it("tells a difference from none", () => {
    const random = randomFrom(7);
    const { measured, control } = simulated(random, 8, 2);
    const different = compare(measured, control, 1);
    assert.ok(different.interval!.low > 1.5 && different.interval!.high < 2.6, JSON.stringify(different));
    assert.ok(different.ratio! >= different.interval!.low && different.ratio! <= different.interval!.high);
    const itself = compare(control, control, 1);
    assert.deepEqual([itself.ratio, itself.interval, itself.differenceMs], [1, { low: 1, high: 1 }, 0]);
  });

  it("merges before it takes percentiles", () => {
    // The p99 of the one block is 10 and of the other 1,000: merged it is 1,000, on average it would be 505.
    const fast = histogram(new Array(1_000).fill(10));
    const slow = histogram(new Array(1_000).fill(1_000));
    const { measured, control } = cells([
      [trial({ block: 0, latency: fast }), trial({ block: 0, latency: fast })],
      [trial({ block: 1, latency: slow }), trial({ block: 1, latency: fast })],
    ]);
    assert.equal(compare(measured, control, 1).ratio, 100);
  });

  it("is the same every time, and hangs on the seed", () => {
    const { measured, control } = simulated(randomFrom(3), 8, 1.1);
    assert.deepEqual(compare(measured, control, 5), compare(measured, control, 5));
    const intervals = [1, 2, 3, 4, 5].map((seed) =>
      JSON.stringify(compare(measured, control, seed).interval),
    );
    assert.ok(new Set(intervals).size > 1, intervals[0]);
  });

  it("stands on blocks in which both count, and on no others", () => {
    const odd = histogram(new Array(2_000).fill(900_000));
    const steady = histogram(new Array(2_000).fill(500));
    const good = [0, 1, 2].map(
      (block) => [trial({ block, latency: steady }), trial({ block, latency: steady })] as const,
    );
    const { measured, control } = cells([
      ...good,
      [
        trial({ block: 3, latency: odd, problems: ["books do not balance"] }),
        trial({ block: 3, latency: steady }),
      ],
      [trial({ block: 4, latency: odd }), undefined],
      [
        trial({ block: 5, latency: odd }),
        trial({ block: 5, latency: steady, problems: ["the machine slept"] }),
      ],
    ]);
    const comparison = compare(measured, control, 1);
    assert.equal(comparison.blocks, 3);
    assert.equal(comparison.ratio, 1);
    assert.equal(comparison.throughput, 1);
  });

  it("has a point and no interval with fewer than five shared blocks, and says so", () => {
    const { measured, control } = simulated(randomFrom(1), 4, 1);
    const comparison = compare(measured, control, 1);
    assert.ok(comparison.ratio !== undefined);
    assert.equal(comparison.interval, undefined);
    assert.match(comparison.why ?? "", /4 shared blocks, an interval needs 5/);
  });

  it("says why it has nothing: no shared block, too few samples, a control below what is measured", () => {
    const one = trial({ block: 0 });
    assert.match(compare(cell("a"), cell("b", { trials: [one] }), 1).why ?? "", /no block/);

    const few = [0, 1, 2].map((block) => trial({ block, samples: 100 }));
    const comparison = compare(cell("a", { trials: few }), cell("b", { trials: few }), 1);
    assert.equal(comparison.ratio, undefined);
    assert.match(comparison.why ?? "", /fewer than 1000 messages/);

    const shared = [0, 1, 2].map((block) => trial({ block, expected: 33_300 }));
    const fewMessages = compare(cell("a", { trials: shared }), cell("b", { trials: shared }), 1);
    assert.equal(fewMessages.ratio, undefined, "6000 deliveries of 999 messages");
    assert.match(fewMessages.why ?? "", /fewer than 1000 messages/);

    const zero = [0, 1, 2].map((block) => trial({ block, latency: histogram(new Array(2_000).fill(0)) }));
    const beside = compare(
      cell("a", { trials: [0, 1, 2].map((block) => trial({ block })) }),
      cell("b", { trials: zero }),
      1,
    );
    assert.equal(beside.ratio, undefined);
    assert.ok(beside.differenceMs! > 0);
    assert.match(beside.why ?? "", /below what was measured/);
  });

  it("is a least ratio without an interval where the p99 was never delivered", () => {
    const blocks = [0, 1, 2, 3, 4];
    const all = cell("all", { trials: blocks.map((block) => trial({ block })) });
    const of = (received: number) => cell("a", { trials: blocks.map((block) => trial({ block, received })) });
    const stopped = compare(of(0), all, 1);
    assert.deepEqual([stopped.atLeast, stopped.interval, stopped.why], [true, undefined, "never delivered"]);
    assert.equal(compare(of(494_999), all, 1).atLeast, true);
    assert.equal(compare(of(496_000), all, 1).atLeast, undefined);
    assert.equal(compare(all, of(0), 1).ratio, undefined);
  });

  it("compares what was received per second", () => {
    const blocks = [0, 1, 2];
    const less = cell("a", { trials: blocks.map((block) => trial({ block, received: 495_000 })) });
    const all = cell("b", { trials: blocks.map((block) => trial({ block })) });
    assert.equal(compare(less, all, 1).throughput, 0.99);
    const none = cell("c", { trials: blocks.map((block) => trial({ block, received: 0 })) });
    assert.equal(compare(all, none, 1).throughput, undefined);
    assert.equal(compare(none, all, 1).throughput, 0);
  });
});

describe("CPU per delivery", () => {
  it("counts all deliveries where they were counted, and else those to healthy subscribers", () => {
    assert.equal(cpuPerDelivery(trial({ received: 500_000, cpuMicros: 1_000_000 })), 2);
    assert.equal(cpuPerDelivery(trial({ cpuMicros: 1_000_000, extra: { deliveries: 250_000 } })), 4);
    assert.equal(cpuPerDelivery(trial({ received: 0 })), undefined);
  });

  it("is the median of the trials that count, with the least and the most", () => {
    const trials = [4, 1, 9, 2].map((factor, block) => trial({ block, cpuMicros: 500_000 * factor }));
    const broken = trial({ block: 4, cpuMicros: 1e9, problems: ["the client died"] });
    assert.deepEqual(cpuOf(cell("a", { trials: [...trials, broken] })), { median: 3, low: 1, high: 9 });
    assert.equal(cpuOf(cell("a", { trials: [broken] })), undefined);
  });

  it("is compared block by block", () => {
    const costs = (id: string, factors: readonly number[]) =>
      cell(id, { trials: factors.map((factor, block) => trial({ block, cpuMicros: 500_000 * factor })) });
    assert.deepEqual(cpuRatio(costs("a", [1, 2, 3]), costs("b", [2, 4, 12])), {
      median: 0.5,
      low: 0.25,
      high: 0.5,
    });
    assert.equal(cpuRatio(costs("a", [1]), costs("b", [])), undefined);
    assert.equal(cpuRatio(costs("a", [1]), costs("b", [0])), undefined);
  });
});

describe("a range", () => {
  it("is that of sorted values, and of none there is none", () => {
    assert.deepEqual(rangeOf([10, 9, 100]), { median: 10, low: 9, high: 100 });
    assert.deepEqual(rangeOf([3, 1]), { median: 2, low: 1, high: 3 });
    assert.equal(rangeOf([]), undefined);
  });
});
