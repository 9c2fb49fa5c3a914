import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RingBuffer } from "../../src/queue/index.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";

failOnLeaks();

const operations = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant({ kind: "push" as const }) },
    { weight: 4, arbitrary: fc.constant({ kind: "shift" as const }) },
    { weight: 2, arbitrary: fc.constant({ kind: "pop" as const }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("replace" as const), at: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.constant({ kind: "compact" as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: "settle" as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: "clear" as const }) },
  ),
  { maxLength: 200, size: "max" },
);

describe("RingBuffer", () => {
  it("holds what a plain array holds, whatever is done to it", () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 4, 8), operations, (initialSlots, steps) => {
        const ring = new RingBuffer<number>(initialSlots);
        let plain: number[] = [];
        let next = 0;
        for (const step of steps) {
          if (step.kind === "push") {
            ring.push(next);
            plain.push(next++);
          } else if (step.kind === "shift") {
            assert.equal(ring.shift(), plain.shift());
          } else if (step.kind === "pop") {
            assert.equal(ring.pop(), plain.pop());
          } else if (step.kind === "compact") {
            ring.compact();
          } else if (step.kind === "settle") {
            ring.settle();
          } else if (step.kind === "clear") {
            ring.clear();
            plain = [];
          } else if (step.at < plain.length) {
            ring.replace(step.at, next);
            plain[step.at] = next++;
          } else {
            assert.throws(() => ring.replace(step.at, next), RangeError);
          }
          assert.equal(ring.length, plain.length);
          assert.deepEqual(
            Array.from({ length: plain.length }, (_, index) => ring.at(index)),
            plain,
          );
          assert.equal(ring.at(-1), undefined);
          assert.equal(ring.at(plain.length), undefined);
          assert.ok(ring.slots >= ring.length && Number.isInteger(Math.log2(ring.slots)));
        }
      }),
      runs(300),
    );
  });

  it("doubles when it is full and not before", () => {
    const ring = new RingBuffer<number>(2);
    const slots = Array.from({ length: 9 }, (_, item) => {
      ring.push(item);
      return ring.slots;
    });
    assert.deepEqual(slots, [2, 2, 4, 4, 8, 8, 8, 8, 16]);
  });

  it("halves only after an interval in which at most a quarter was used", () => {
    const ring = new RingBuffer<number>(2);
    for (let item = 0; item < 16; item++) ring.push(item);
    while (ring.length > 4) ring.shift();
    ring.settle();
    assert.equal(ring.slots, 16, "the interval that ends here saw the peak");
    ring.settle();
    assert.equal(ring.slots, 8, "this one did not");
    ring.push(99);
    ring.settle();
    assert.equal(ring.slots, 8, "five of eight are more than a quarter");
    assert.deepEqual(
      [ring.shift(), ring.shift(), ring.shift(), ring.shift(), ring.shift()],
      [12, 13, 14, 15, 99],
    );
    for (let round = 0; round < 10; round++) ring.settle();
    assert.equal(ring.slots, 2, "never below the size it began with");
  });

  it("gives back in one go, when told to, all that what it holds does not need", () => {
    const ring = new RingBuffer<number>(2);
    for (let item = 0; item < 100; item++) ring.push(item);
    while (ring.length > 9) ring.pop();
    ring.compact();
    assert.equal(ring.slots, 16);
    assert.deepEqual([ring.at(0), ring.at(8)], [0, 8]);
    while (ring.length > 8) ring.shift();
    ring.compact();
    assert.equal(ring.slots, 8, "eight fit into eight");
    while (ring.pop() !== undefined);
    ring.compact();
    assert.equal(ring.slots, 2, "never below the size it began with");
    ring.compact();
    ring.push(1);
    ring.settle();
    assert.equal(ring.slots, 2);
  });

  for (const end of ["shift", "pop"] as const) {
    it(`does not keep alive what was taken out by ${end}`, {
      skip: globalThis.gc === undefined,
    }, async () => {
      const ring = new RingBuffer<object>();
      const gone = (() => {
        const item = { big: new Uint8Array(1024) };
        ring.push(end === "shift" ? item : {});
        ring.push(end === "shift" ? {} : item);
        ring[end]();
        return new WeakRef(item);
      })();
      // A WeakRef that was just made is kept until the current job ends.
      await new Promise((resolve) => setImmediate(resolve));
      globalThis.gc?.();
      assert.equal(gone.deref(), undefined);
      assert.equal(ring.length, 1);
    });
  }

  it("refuses a size that is no power of two", () => {
    for (const wrong of [0, 3, -1, 0.5, Number.NaN, Infinity]) {
      assert.throws(() => new RingBuffer(wrong), { name: "RangeError", message: /power of two, got / });
    }
  });
});
