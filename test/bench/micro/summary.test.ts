import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { median, summarize } from "../../../bench/micro/summary.ts";

describe("several measurements of one row", () => {
  it("are told as their median, whatever their order", () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.equal(median([7]), 7);
    const measured = [30, 10, 20].map((nanoseconds) => ({ nanoseconds, marginPercent: 0 }));
    assert.equal(summarize(measured).nanoseconds, 20);
  });

  it("have the margin of the samples, or half of the range between processes where that is more", () => {
    const wide = [90, 100, 110].map((nanoseconds) => ({ nanoseconds, marginPercent: 1 }));
    assert.equal(summarize(wide).marginPercent, 10);
    const narrow = [99, 100, 101].map((nanoseconds) => ({ nanoseconds, marginPercent: 5 }));
    assert.equal(summarize(narrow).marginPercent, 5);
  });

  it("keep their bytes, and have none where none were counted", () => {
    const counted = [1, 3, 2].map((bytes) => ({
      nanoseconds: 0,
      marginPercent: 0,
      allocatedBytes: bytes,
      heldBytes: 10 * bytes,
    }));
    assert.deepEqual(summarize(counted), {
      nanoseconds: 0,
      marginPercent: 0,
      allocatedBytes: 2,
      heldBytes: 20,
    });
    assert.deepEqual(summarize([{ nanoseconds: 5, marginPercent: 1 }]), { nanoseconds: 5, marginPercent: 1 });
  });

  it("are at least one", () => {
    assert.throws(() => summarize([]), RangeError);
  });
});
