import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as text from "../../../bench/report/text.ts";

describe("figures as text", () => {
  it("have three significant digits, and all digits before the point", () => {
    const pairs: readonly (readonly [number, string])[] = [
      [0, "0"],
      [0.0004, "<0.001"],
      [0.01234, "0.0123"],
      [0.1, "0.100"],
      [0.9999, "1.00"],
      [1.234, "1.23"],
      [9.999, "10.0"],
      [12.34, "12.3"],
      [99.96, "100"],
      [1234.5, "1,235"],
      [-2.5, "−2.50"],
    ];
    for (const [value, expected] of pairs) assert.equal(text.number(value), expected);
  });

  it("never are NaN or Infinity", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const as of [text.number, text.whole, text.ratio, text.milliseconds, text.megabytes]) {
        assert.doesNotMatch(as(value), /NaN|∞|Infinity/);
      }
    }
  });

  it("say 100 percent only of all, and 0 only of none", () => {
    assert.equal(text.percent(1_000_000, 1_000_000), "100");
    assert.equal(text.percent(999_999, 1_000_000), "99.99");
    assert.equal(text.percent(1, 1_000_000), "<0.01");
    assert.equal(text.percent(0, 10), "0");
    assert.equal(text.percent(1, 2), "50.0");
    assert.equal(text.percent(0, 0), "n/a");
  });

  it("turn names of figures into words", () => {
    assert.equal(text.words("stalenessP99Ms"), "staleness p99 ms");
    assert.equal(text.words("current_after-ms"), "current after ms");
  });
});
