import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatDuration, formatSize, parseDuration, parseSize, roundSize } from "../../src/config/index.ts";
import { runs } from "../support/property.ts";

describe("units", () => {
  it("read times of every unit, with fractions", () => {
    const read = ["0", "0s", "250ms", "0.5ms", "30s", "1.1s", "5m", "2h", "1d"].map(parseDuration);
    assert.deepEqual(read, [0, 0, 250, 0.5, 30_000, 1_100, 300_000, 7_200_000, 86_400_000]);
  });

  it("read no other text as a time", () => {
    for (const text of [
      "",
      "5",
      "-5s",
      "s",
      "5 s",
      "1m30s",
      "1e3s",
      "5S",
      "Infinity",
      "NaNs",
      ".5s",
      "5s\n",
    ]) {
      assert.equal(parseDuration(text), undefined, JSON.stringify(text));
    }
  });

  it("read sizes of every unit, and plain bytes", () => {
    const read = ["1", "4096", "64KiB", "1MiB", "1.5MiB", "2GiB"].map(parseSize);
    assert.deepEqual(read, [1, 4096, 65_536, 1_048_576, 1_572_864, 2_147_483_648]);
  });

  it("read no size that could mean two things, and none that is no whole number of bytes", () => {
    for (const text of [
      "",
      "1kB",
      "1MB",
      "1M",
      "1mib",
      "-1",
      "1.5",
      "0.0001KiB",
      "9007199254740993",
      "1 MiB",
    ]) {
      assert.equal(parseSize(text), undefined, JSON.stringify(text));
    }
  });

  it("write what reads back as the same number, whatever it is", () => {
    const times = fc.oneof(
      fc.nat(),
      fc.nat().map((ms) => ms * 1_000),
      fc.nat().map((ms) => ms / 8),
    );
    fc.assert(
      fc.property(times, fc.integer({ min: 1 }), fc.nat(40), (ms, bytes, power) => {
        assert.equal(parseDuration(formatDuration(ms)), ms);
        assert.equal(parseSize(formatSize(bytes)), bytes);
        assert.equal(parseSize(formatSize(2 ** power)), 2 ** power);
      }),
      runs(500),
    );
  });

  it("write in the largest unit that leaves no fraction", () => {
    assert.deepEqual([0, 1_500, 90_000, 7_200_000, 0.25, Infinity].map(formatDuration), [
      "0",
      "1500ms",
      "90s",
      "2h",
      "0.25ms",
      "forever",
    ]);
    assert.deepEqual([1000, 1024, 1536 * 1024, 2 ** 30].map(formatSize), ["1000", "1KiB", "1536KiB", "1GiB"]);
  });

  it("round sizes for reading, up to those that nobody has", () => {
    assert.deepEqual([12, 1_536, 92_702_000, 2 ** 40 * 8.4, 2 ** 51].map(roundSize), [
      "12 bytes",
      "1.5 KiB",
      "88.4 MiB",
      "8.4 TiB",
      "2.0 PiB",
    ]);
  });
});
