import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { build, encodeIntoCompressedBase64 } from "hdr-histogram-js";
import { decode, EMPTY, maximum, merge, onOneGrid, quantile } from "../../../bench/report/distribution.ts";
import { histogram } from "./synthetic.ts";

const times = fc.array(fc.integer({ min: 0, max: 5_000_000 }), { maxLength: 300 });

describe("a distribution", () => {
  it("merged from parts equals one of all values", () => {
    fc.assert(
      fc.property(fc.array(times, { maxLength: 6 }), (parts) => {
        const merged = merge(parts.map((part) => decode(histogram(part))));
        assert.deepEqual(merged, decode(histogram(parts.flat())));
      }),
      { numRuns: 50 },
    );
  });

  it("has the quantiles that HdrHistogram has", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 900_000 }), { minLength: 100, maxLength: 400 }),
        (values) => {
          const counts = build();
          for (const value of values) counts.recordValue(value);
          const data = { hdr: encodeIntoCompressedBase64(counts), count: values.length };
          for (const q of [0.25, 0.5, 0.75, 0.9]) {
            assert.equal(quantile(decode(data), q), counts.getValueAtPercentile(100 * q), `q ${q}`);
          }
          assert.equal(maximum(decode(data)), counts.getValueAtPercentile(100));
        },
      ),
      { numRuns: 50 },
    );
  });

  it("weighted on a grid equals itself merged so many times", () => {
    const parts = [
      [5, 5, 9],
      [1_000, 2_000],
      [5, 70_000],
    ].map((values) => decode(histogram(Array.from({ length: 40 }, () => values).flat())));
    const weights = [2, 0, 3];
    const repeated = merge(parts.flatMap((part, which) => new Array(weights[which]!).fill(part)));
    for (const q of [0.1, 0.5, 0.6, 0.9]) {
      assert.equal(onOneGrid(parts).quantile(weights, q), quantile(repeated, q), `q ${q}`);
    }
  });

  it("has no quantile of fewer than ten samples beyond it", () => {
    const of = (count: number) => decode(histogram(new Array(count).fill(7)));
    for (const [q, needed] of [
      [0.5, 20],
      [0.9, 100],
      [0.99, 1_000],
      [0.999, 10_000],
    ] as const) {
      assert.equal(quantile(of(needed - 1), q), undefined, `${needed - 1} samples, q ${q}`);
      assert.equal(quantile(of(needed), q), 7, `${needed} samples, q ${q}`);
    }
  });

  it("has no quantile of many deliveries of too few messages", () => {
    const many = decode(histogram(new Array(100_000).fill(7)));
    assert.equal(quantile(many, 0.99, 999), undefined);
    assert.equal(quantile(many, 0.99, 1_000), 7);
  });

  it("of nothing has neither quantile nor maximum", () => {
    assert.equal(quantile(EMPTY, 0.5), undefined);
    assert.equal(maximum(EMPTY), undefined);
    assert.deepEqual(merge([]), EMPTY);
    assert.deepEqual(decode({ hdr: "", count: 0 }), EMPTY);
  });

  it("is refused when it does not hold what it is said to hold", () => {
    assert.throws(
      () => decode({ ...histogram([1, 2, 3]), count: 4 }),
      /holds 3 values and is said to hold 4/,
    );
  });
});
