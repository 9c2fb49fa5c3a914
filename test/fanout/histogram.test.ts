import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Histogram } from "../../src/fanout/histogram.ts";

function recorded(bounds: readonly number[], values: readonly number[]) {
  const histogram = new Histogram(bounds);
  for (const value of values) histogram.record(value);
  return histogram.snapshot();
}

describe("a histogram", () => {
  it("is empty at first", () => {
    assert.deepEqual(recorded([1, 10], []), { bounds: [1, 10], counts: [0, 0, 0], sum: 0, count: 0 });
  });

  it("puts a value that equals a bound below it, and what is above all bounds into the last bucket", () => {
    const { counts, sum, count } = recorded([1, 10], [0, 1, 1.5, 10, 10.5, 1_000]);
    assert.deepEqual([counts, sum, count], [[2, 2, 2], 1_023, 6]);
  });

  it("counts a value recorded many times at once as if one by one", () => {
    const histogram = new Histogram([1, 10]);
    histogram.record(5, 3);
    assert.deepEqual(histogram.snapshot(), recorded([1, 10], [5, 5, 5]));
  });

  it("gives snapshots that do not change any more", () => {
    const histogram = new Histogram([1]);
    const before = histogram.snapshot();
    histogram.record(1);
    assert.deepEqual(before.counts, [0, 0]);
    assert.deepEqual(histogram.snapshot().counts, [1, 0]);
  });

  it("agrees with sorting the values by hand", () => {
    const bounds = fc.uniqueArray(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(bounds, fc.array(fc.integer({ min: 0, max: 60 })), (unsorted, values) => {
        const rising = [...unsorted].sort((a, b) => a - b);
        const { counts, sum, count } = recorded(rising, values);
        const upTo = (bound: number) => values.filter((value) => value <= bound).length;
        const expected = [...rising, Infinity].map(
          (bound, index) => upTo(bound) - (index === 0 ? 0 : upTo(rising[index - 1]!)),
        );
        assert.deepEqual(counts, expected);
        assert.equal(count, values.length);
        assert.equal(
          sum,
          values.reduce((a, b) => a + b, 0),
        );
      }),
    );
  });
});
