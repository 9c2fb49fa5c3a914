import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseCoreList } from "../../../bench/harness/pinning.ts";
import { TrialProblem } from "../../../bench/harness/problem.ts";
import { cpuMicrosOf, residentBytesOf } from "../../../bench/harness/proc.ts";
import { clock } from "../../../bench/harness/progress.ts";
import { shuffled } from "../../../bench/harness/shuffle.ts";
import { intendedNanosOf, payloadMaker, sequenceOf } from "../../../bench/harness/stamp.ts";
import { runs } from "../../support/property.ts";

describe("a payload", () => {
  it("says when it was due and which one it is, wherever in a buffer it lies", () => {
    const nanos = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const sequence = fc.integer({ min: 0, max: 0xffff_ffff });
    fc.assert(
      fc.property(nanos, sequence, fc.integer({ min: 16, max: 64 }), (intended, number, bytes) => {
        const payload = payloadMaker(bytes)(intended, number);
        assert.equal(payload.length, bytes);
        const around = new Uint8Array(bytes + 3);
        around.set(payload, 3);
        assert.equal(intendedNanosOf(around.subarray(3)), intended);
        assert.equal(sequenceOf(around.subarray(3)), number);
        assert.equal(Buffer.from(payload).readBigUInt64LE(0), BigInt(intended));
      }),
      runs(300),
    );
  });

  it("is a buffer of its own, because systems keep it", () => {
    const make = payloadMaker(16);
    const [first, second] = [make(1, 1), make(2, 2)];
    assert.equal(sequenceOf(first), 1);
    assert.equal(sequenceOf(second), 2);
  });

  it("must have room for its stamp", () => {
    assert.throws(() => payloadMaker(15), /at least 16 bytes/);
  });
});

describe("an order", () => {
  const items = Array.from({ length: 20 }, (_, index) => index);

  it("is decided by the seed and the name alone", () => {
    assert.deepEqual(shuffled(items, 7, "tax 0"), shuffled(items, 7, "tax 0"));
    assert.notDeepEqual(shuffled(items, 7, "tax 0"), shuffled(items, 8, "tax 0"));
    assert.notDeepEqual(shuffled(items, 7, "tax 0"), shuffled(items, 7, "tax 1"));
  });

  it("has everything in it once", () => {
    assert.deepEqual(
      shuffled(items, 1, "any").sort((a, b) => a - b),
      items,
    );
  });

  it("puts everything in first place about equally often", () => {
    const firsts = new Map<number, number>();
    for (let seed = 0; seed < 400; seed++) {
      const [first] = shuffled([0, 1, 2, 3], seed, "block");
      firsts.set(first!, (firsts.get(first!) ?? 0) + 1);
    }
    for (const times of firsts.values()) assert.ok(times > 60 && times < 140, String([...firsts]));
    assert.equal(firsts.size, 4);
  });
});

describe("a problem", () => {
  const told = (text: string) => new TrialProblem("system", text).message;

  it("names files without the folders they lie in", () => {
    assert.equal(told("    at file:///home/me/dist/a.js:3:1"), "    at a.js:3:1");
    assert.equal(told("at run (/home/me/dist/a.js:3:1)"), "at run (a.js:3:1)");
    assert.equal(told("no such file '/home/me/b.json'\n/usr/c"), "no such file 'b.json'\nc");
  });

  it("leaves all else as it was said", () => {
    const text = "http://127.0.0.1:80/a/b: 3/4/5 of dist/a.js and node:internal/process/task";
    assert.equal(told(text), text);
  });
});

describe("the machine", () => {
  it("names its cores as taskset does", () => {
    assert.deepEqual(parseCoreList("0-3,8\n"), [0, 1, 2, 3, 8]);
    assert.deepEqual(parseCoreList("5"), [5]);
  });

  it("tells what another process has used, and nothing for one that is gone", () => {
    assert.ok(residentBytesOf(process.pid) > 1e7);
    assert.ok(cpuMicrosOf(process.pid) > 0);
    assert.equal(residentBytesOf(2 ** 30), 0);
    assert.equal(cpuMicrosOf(2 ** 30), 0);
  });

  it("is told the time in minutes", () => {
    assert.deepEqual([clock(0), clock(65.4), clock(3_600), clock(-1)], ["0:00", "1:05", "60:00", "0:00"]);
  });
});
