import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { OVERFLOW_POLICIES } from "../../src/protocol/index.ts";
import { BoundedQueue, overflowPolicy, type QueueItem } from "../../src/queue/index.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";

failOnLeaks();

const item = (offset: number, identity?: string, bytes = 1): QueueItem => ({ offset, bytes, identity });

function makeQueue(policy: (typeof OVERFLOW_POLICIES)[number], bounds = { messages: 100, bytes: 1_000 }) {
  const losses: number[] = [];
  const moves: ((place: number) => number)[] = [];
  const queue = new BoundedQueue<QueueItem>(bounds, overflowPolicy(policy), {
    lose: ({ offset }) => losses.push(offset),
    moved: (placeOf) => moves.push(placeOf),
  });
  return { queue, losses, moves };
}

/** What waits, with the offset that each place began with. */
function drain(queue: BoundedQueue<QueueItem>): [offset: number, first: number | undefined][] {
  const taken: [number, number | undefined][] = [];
  for (let first = queue.lowestOffset, next = queue.take(); next !== undefined; ) {
    taken.push([next.offset, first]);
    first = queue.lowestOffset;
    next = queue.take();
  }
  return taken;
}

const offers = fc.array(
  fc.record({
    identity: fc.constantFrom(undefined, ..."abcabcdefghijkl"),
    bytes: fc.nat(5),
    take: fc.boolean(),
  }),
  { maxLength: 60, size: "max" },
);

describe("a change to conflate", () => {
  it("is the same as if it had been so from the start, as long as nothing was taken", () => {
    fc.assert(
      fc.property(offers, fc.nat(60), (items, changeAt) => {
        const [late, always] = [makeQueue("drop-oldest").queue, makeQueue("conflate").queue];
        for (const [index, { identity, bytes }] of items.entries()) {
          if (index === changeAt) late.changePolicy(overflowPolicy("conflate"));
          for (const queue of [late, always]) queue.offer(item(index + 1, identity, bytes));
        }
        late.changePolicy(overflowPolicy("conflate"));
        assert.deepEqual(late.counters().conflated, always.counters().conflated);
        assert.deepEqual([late.length, late.bytes], [always.length, always.bytes]);
        assert.deepEqual(drain(late), drain(always));
      }),
      runs(300),
    );
  });

  it("says where each place is now, so that what is noted at a place stays between its neighbours", () => {
    fc.assert(
      fc.property(offers, (items) => {
        const { queue } = makeQueue("drop-newest");
        for (const [index, { identity, take }] of items.entries()) {
          queue.offer(item(index + 1, identity));
          if (take && index % 3 === 0) queue.take();
        }
        const waiting: QueueItem[] = [];
        const [headPlace, tailPlace] = [queue.headPlace, queue.tailPlace];
        const { queue: copy, moves } = makeQueue("drop-newest");
        for (let next = queue.take(); next !== undefined; next = queue.take()) waiting.push(next);
        for (let place = 0; place < headPlace; place++) {
          copy.offer(item(0));
          copy.take();
        }
        for (const each of waiting) copy.offer(each);
        assert.deepEqual([copy.headPlace, copy.tailPlace], [headPlace, tailPlace]);
        copy.changePolicy(overflowPolicy("conflate"));
        const [placeOf] = moves as [(place: number) => number];
        // The survivors are the first of each identity, and all without one.
        const survives = waiting.map(
          ({ identity }, index) =>
            identity === undefined || waiting.findIndex((other) => other.identity === identity) === index,
        );
        for (let place = headPlace; place <= tailPlace; place++) {
          const left = survives.slice(0, place - headPlace).filter(Boolean).length;
          assert.equal(placeOf(place), headPlace + left, `place ${place}`);
        }
        assert.equal(placeOf(tailPlace), copy.tailPlace);
        for (let place = Math.max(0, headPlace - 3); place < headPlace; place++)
          assert.ok(placeOf(place) <= headPlace);
      }),
      runs(300),
    );
  });

  it("compacts once: a second change to it moves nothing", () => {
    const { queue, moves } = makeQueue("park");
    for (const [offset, key] of [...["a", "b", "a"].entries()]) queue.offer(item(offset + 1, key));
    for (let change = 0; change < 2; change++) {
      queue.changePolicy(overflowPolicy("conflate"));
      assert.equal(moves.length, 1);
    }
    assert.equal(queue.counters().conflated, 1);
    assert.deepEqual(drain(queue), [
      [3, 1],
      [2, 2],
    ]);
  });

  it("after another policy in between keeps the offset that each place began with", () => {
    const { queue } = makeQueue("conflate");
    for (const [offset, key] of [...["a", "b", "a"].entries()]) queue.offer(item(offset + 1, key));
    queue.changePolicy(overflowPolicy("drop-newest"));
    assert.equal(queue.isOrdered, false, "3 still stands before 2");
    queue.offer(item(4, "b"));
    assert.equal(queue.length, 3, "no longer replaced");
    queue.changePolicy(overflowPolicy("conflate"));
    assert.deepEqual(drain(queue), [
      [3, 1],
      [4, 2],
    ]);
  });
});

describe("a change to any other policy", () => {
  it("keeps what waits, in order, and is ordered again once that is gone", () => {
    for (const from of OVERFLOW_POLICIES) {
      for (const to of OVERFLOW_POLICIES.filter((name) => name !== "conflate")) {
        const { queue, losses } = makeQueue(from);
        for (const offset of [1, 2, 3]) queue.offer(item(offset));
        queue.changePolicy(overflowPolicy(to));
        assert.equal(queue.policy.name, to);
        assert.deepEqual(
          drain(queue).map(([offset]) => offset),
          [1, 2, 3],
        );
        assert.ok(queue.isOrdered);
        assert.deepEqual(losses, []);
      }
    }
  });
});
