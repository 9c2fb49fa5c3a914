import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Histogram, loopDelay, merged } from "../../../bench/harness/histogram.ts";
import { mergedSpans, Spans } from "../../../bench/harness/spans.ts";
import { runs } from "../../support/property.ts";

const micros = fc.integer({ min: 0, max: 3_600_000_000 });

describe("a histogram", () => {
  it("survives the way to another process, and merges there as if everything had been recorded in one", () => {
    fc.assert(
      fc.property(fc.array(fc.array(micros, { maxLength: 50 }), { maxLength: 4 }), (parts) => {
        const histograms = parts.map((values) => {
          const histogram = new Histogram();
          for (const value of values) histogram.recordMicros(value);
          return histogram;
        });
        const together = merged(histograms.map((histogram) => structuredClone(histogram.data())));
        const all = parts.flat().sort((a, b) => a - b);
        assert.equal(together.count, all.length);
        for (const quantile of all.length === 0 ? [] : [0.5, 0.9, 0.99, 1]) {
          const exact = all[Math.max(0, Math.ceil(quantile * all.length) - 1)]!;
          const seen = together.micros(quantile);
          assert.ok(Math.abs(seen - exact) <= exact / 1_000 + 1, `${quantile}: ${seen} for ${exact}`);
        }
      }),
      runs(100),
    );
  });

  it("takes nanoseconds, counts at once what is the same, and nothing below zero", () => {
    const histogram = new Histogram();
    histogram.recordNanos(1_500_400, 7);
    histogram.recordNanos(-3_000);
    histogram.recordMicros(5, 0);
    assert.equal(histogram.count, 8);
    assert.ok(Math.abs(histogram.maxMicros - 1_500) <= 1);
    assert.equal(histogram.micros(0.01), 0);
  });

  it("of nothing is nothing, also on the wire", () => {
    const nothing = new Histogram().data();
    assert.equal(nothing.count, 0);
    assert.equal(merged([nothing]).count, 0);
    assert.equal(merged([nothing]).maxMicros, 0);
  });
});

describe("the delay of the event loop", () => {
  it("is what exceeds the resolution, and one long delay stands for all wake-ups that were due in it", () => {
    const ms = 1_000_000;
    // 98 wake-ups in time, and one that took 31 ms instead of 10.
    const monitor = {
      count: 99,
      percentiles: new Map([
        [0, 10 * ms],
        [(100 * 98) / 99, 10 * ms],
        [100, 31 * ms],
      ]),
    };
    const delays = loopDelay(monitor, 10);
    assert.equal(delays.count, 98 + 3);
    assert.deepEqual([delays.micros(0.9), delays.micros(0.98)], [0, 1_000]);
    assert.ok(Math.abs(delays.maxMicros - 21_000) <= 21);
  });
});

describe("spans", () => {
  it("keep latencies by when the message was due, and merge span by span", () => {
    const [one, other] = [new Spans(1_000, 100), new Spans(1_000, 100)];
    one.record(1_000, 5_000);
    one.record(1_250, 7_000);
    other.record(1_099, 9_000);
    const spans = mergedSpans([one.data(), other.data()]);
    assert.deepEqual(
      spans.map((span) => span?.count),
      [2, undefined, 1],
    );
    assert.equal(spans[0]?.maxMicros, 9);
  });
});
