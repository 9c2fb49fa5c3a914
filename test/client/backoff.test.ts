import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Backoff } from "../../src/transport/grpc/client/backoff.ts";

test("the ceiling doubles with every failure until the cap, and the delay is drawn from all of it", () => {
  const highest = new Backoff({ baseMs: 100, capMs: 1_000, random: () => 1 });
  assert.deepEqual(
    Array.from({ length: 6 }, () => highest.next()),
    [100, 200, 400, 800, 1_000, 1_000],
  );
  const lowest = new Backoff({ baseMs: 100, capMs: 1_000, random: () => 0 });
  assert.deepEqual([lowest.next(), lowest.next()], [0, 0]);
});

test("a reset starts over at the base", () => {
  const backoff = new Backoff({ baseMs: 100, capMs: 1_000, random: () => 1 });
  backoff.next();
  backoff.next();
  assert.equal(backoff.failures, 2);
  backoff.reset();
  assert.equal(backoff.next(), 100);
});

test("no delay is shorter than what the server asked for, and jitter is added to it", () => {
  const backoff = new Backoff({ baseMs: 100, capMs: 1_000, random: () => 0.5 });
  assert.equal(backoff.next(5_000), 5_050);
  assert.equal(backoff.next(-1), 100);
  assert.equal(backoff.next(Number.NaN), 200);
});

test("whatever happened before, a delay stays between the floor and floor plus cap, and fits a timer", () => {
  fc.assert(
    fc.property(
      fc.nat(5_000),
      fc.nat(60_000),
      fc.array(fc.option(fc.double({ min: 0, noNaN: true })), { maxLength: 2_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (baseMs, capMs, steps, draw) => {
        const backoff = new Backoff({ baseMs, capMs, random: () => draw });
        for (const floor of steps) {
          if (floor === null) {
            backoff.reset();
            continue;
          }
          const delay = backoff.next(floor);
          const effective = Math.min(floor, 3_600_000);
          assert.ok(delay >= effective && delay <= effective + capMs);
          assert.ok(delay < 2 ** 31);
        }
      },
    ),
  );
});

test("the draws of clients that fail together are spread over the whole ceiling", () => {
  const delays = Array.from({ length: 2_000 }, () => new Backoff({ baseMs: 1_000 }).next());
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const inside = delays.filter((delay) => delay >= tenth * 100 && delay < (tenth + 1) * 100).length;
    assert.ok(inside > 100, `${inside} of 2000 delays in [${tenth * 100}, ${(tenth + 1) * 100}) ms`);
  }
});

test("times that are none are refused with the name of the option", () => {
  assert.throws(() => new Backoff({ baseMs: -1 }), /RangeError.*backoff\.baseMs.*got -1/);
  assert.throws(() => new Backoff({ capMs: Number.POSITIVE_INFINITY }), /backoff\.capMs/);
  assert.throws(() => new Backoff({ resetAfterMs: Number.NaN }), /backoff\.resetAfterMs.*got NaN/);
});
