import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { OVERFLOW_POLICIES, type OverflowPolicyName, type QueueBounds } from "../../src/protocol/index.ts";
import {
  BoundedQueue,
  type LossReason,
  type OfferOutcome,
  overflowPolicy,
  type QueueItem,
} from "../../src/queue/index.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";
import { PlainQueue, trims, weightOf } from "./plain-queue.ts";

failOnLeaks();

interface Loss {
  readonly offset: number;
  readonly reason: LossReason;
  /** Offsets of the items that stood before the loss when it happened. */
  readonly behind: number;
}

function item(offset: number, bytes = 1, identity?: string): QueueItem {
  return { offset, bytes, identity };
}

function makeQueue(overflow: OverflowPolicyName, bounds: QueueBounds) {
  const losses: Loss[] = [];
  const queue: BoundedQueue<QueueItem> = new BoundedQueue<QueueItem>(bounds, overflowPolicy(overflow), {
    lose: ({ offset }, reason, before) => losses.push({ offset, reason, behind: before - queue.headPlace }),
  });
  return { queue, losses };
}

/** Everything that waits, taken out. */
function drain(queue: BoundedQueue<QueueItem>): number[] {
  const offsets: number[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) offsets.push(next.offset);
  return offsets;
}

/** What a policy does, told as one run: items 1 to 5 of one byte each are offered to a queue of three. */
interface Row {
  readonly outcomes: readonly OfferOutcome[];
  readonly waiting: readonly number[];
  readonly lost: readonly number[];
  /** What is left of 1, 2 and 3 when the bound becomes two. */
  readonly left: readonly number[];
}

/** The contract suite runs over this table: a policy without a row fails. */
const rows: Readonly<Record<OverflowPolicyName, Row>> = {
  "drop-oldest": {
    outcomes: ["queued", "queued", "queued", "displaced", "displaced"],
    waiting: [3, 4, 5],
    lost: [1, 2],
    left: [2, 3],
  },
  "drop-newest": {
    outcomes: ["queued", "queued", "queued", "refused", "refused"],
    waiting: [1, 2, 3],
    lost: [4, 5],
    left: [1, 2],
  },
  conflate: {
    outcomes: ["queued", "queued", "queued", "displaced", "displaced"],
    waiting: [3, 4, 5],
    lost: [1, 2],
    left: [2, 3],
  },
  park: {
    outcomes: ["queued", "queued", "queued", "parked", "parked"],
    waiting: [1, 2, 3],
    lost: [],
    left: [1, 2, 3],
  },
  block: {
    outcomes: ["queued", "queued", "queued", "parked", "parked"],
    waiting: [1, 2, 3],
    lost: [],
    left: [1, 2, 3],
  },
  evict: {
    outcomes: ["queued", "queued", "queued", "overrun", "overrun"],
    waiting: [1, 2, 3],
    lost: [],
    left: [1, 2, 3],
  },
};

it("every overflow policy has a row in this suite", () => {
  assert.deepEqual(Object.keys(rows).sort(), [...OVERFLOW_POLICIES].sort());
});

for (const name of OVERFLOW_POLICIES) {
  const row = rows[name];
  const open = (bounds: Partial<QueueBounds> = {}) => makeQueue(name, { messages: 3, bytes: 100, ...bounds });

  describe(`the policy ${name}`, () => {
    it("is found by its name", () => {
      assert.equal(overflowPolicy(name).name, name);
    });

    it("treats what finds the queue full of messages as its row says", () => {
      const { queue, losses } = open();
      const outcomes = [1, 2, 3, 4, 5].map((offset) => queue.offer(item(offset)));
      assert.deepEqual(outcomes, row.outcomes);
      assert.deepEqual(
        losses.map(({ offset, reason }) => ({ offset, reason })),
        row.lost.map((offset) => ({ offset, reason: "overflow" })),
      );
      assert.deepEqual(drain(queue), row.waiting);
    });

    it("treats what finds the queue full of bytes in the same way", () => {
      const { queue, losses } = open({ messages: 100, bytes: 30 });
      const outcomes = [1, 2, 3, 4, 5].map((offset) => queue.offer(item(offset, 10)));
      assert.deepEqual(outcomes, row.outcomes);
      assert.deepEqual(
        losses.map(({ offset }) => offset),
        row.lost,
      );
      assert.deepEqual(drain(queue), row.waiting);
    });

    it("treats what a smaller bound of messages has no room for as its row says", () => {
      const { queue, losses } = open();
      for (const offset of [1, 2, 3]) queue.offer(item(offset));
      queue.changeBounds({ messages: 2, bytes: 100 });
      const behind = row.left[0] === 1 ? 2 : 0;
      assert.deepEqual(
        losses,
        [1, 2, 3]
          .filter((offset) => !row.left.includes(offset))
          .map((offset) => ({ offset, reason: "overflow", behind })),
      );
      assert.equal(queue.counters().overflow, losses.length);
      assert.deepEqual(drain(queue), row.left);
    });

    it("treats what a smaller bound of bytes has no room for in the same way", () => {
      const { queue, losses } = open();
      for (const offset of [1, 2, 3]) queue.offer(item(offset, 10));
      queue.changeBounds({ messages: 3, bytes: 20 });
      assert.equal(losses.length, 3 - row.left.length);
      assert.equal(queue.bytes, 10 * row.left.length);
      assert.deepEqual(drain(queue), row.left);
    });

    it("has a larger bound in force at once", () => {
      const { queue, losses } = open();
      for (const offset of [1, 2, 3]) queue.offer(item(offset));
      queue.changeBounds({ messages: 4, bytes: 101 });
      assert.deepEqual(queue.bounds, { messages: 4, bytes: 101 });
      assert.equal(queue.offer(item(4, 98)), "queued");
      assert.deepEqual(losses, []);
      assert.deepEqual(drain(queue), [1, 2, 3, 4]);
    });

    it("loses or keeps an item larger than the whole new bound of bytes like any other", () => {
      const { queue, losses } = open();
      for (const offset of [1, 2, 3]) queue.offer(item(offset, offset === 1 ? 20 : 3));
      queue.changeBounds({ messages: 3, bytes: 10 });
      // The prefix that fits is empty when the first item does not.
      const lost = { "drop-oldest": [1], conflate: [1], "drop-newest": [1, 2, 3] }[name as string] ?? [];
      assert.deepEqual(
        losses.map(({ offset, reason }) => ({ offset, reason })),
        lost.map((offset) => ({ offset, reason: "overflow" })),
      );
      assert.deepEqual(
        drain(queue),
        [1, 2, 3].filter((offset) => !lost.includes(offset)),
      );
    });

    it("takes an item of exactly the byte bound, refuses one byte more as oversize, and keeps what waits", () => {
      const { queue, losses } = open({ bytes: 10 });
      assert.equal(queue.offer(item(1, 10)), "queued");
      assert.equal(queue.offer(item(2, 11)), "oversize");
      assert.equal(queue.offer(item(3, 0)), "queued", "0 bytes fit beside a full bound");
      assert.deepEqual(losses, [{ offset: 2, reason: "oversize", behind: 1 }]);
      assert.deepEqual(queue.counters(), {
        messages: 2,
        bytes: 10,
        peakMessages: 2,
        peakBytes: 10,
        conflated: 0,
        overflow: 0,
        oversize: 1,
      });
      assert.deepEqual(drain(queue), [1, 3]);
    });

    it("refuses an oversize replacement too, and the unread item stays", () => {
      const { queue } = open({ bytes: 10 });
      queue.offer(item(1, 1, "a"));
      assert.equal(queue.offer(item(2, 11, "a")), "oversize");
      assert.deepEqual(drain(queue), [1]);
    });

    it("bounds items of 0 bytes by their number", () => {
      const { queue } = open({ messages: 3, bytes: 1 });
      for (let offset = 1; offset <= 50; offset++) queue.offer(item(offset, 0));
      assert.equal(queue.length, 3);
      assert.equal(queue.bytes, 0);
    });

    it("has room again for exactly what was taken", () => {
      const { queue } = open();
      for (const offset of [1, 2, 3]) queue.offer(item(offset));
      queue.take();
      assert.equal(queue.offer(item(4)), "queued");
      assert.deepEqual(drain(queue), [2, 3, 4]);
    });

    it("works with a bound of a single message", () => {
      const { queue, losses } = open({ messages: 1 });
      const outcomes = [1, 2, 3].map((offset) => queue.offer(item(offset)));
      const dropsOld = name === "drop-oldest" || name === "conflate";
      assert.equal(outcomes[0], "queued");
      assert.deepEqual(drain(queue), [dropsOld ? 3 : 1]);
      assert.equal(losses.length, row.lost.length);
    });

    it("discards on clear without calling it a loss, and starts afresh", () => {
      const { queue, losses } = open();
      for (const offset of [1, 2, 3]) queue.offer(item(offset, 1, `key ${offset}`));
      assert.equal(queue.clear(), 3);
      assert.deepEqual(
        [queue.length, queue.bytes, queue.head, queue.lowestOffset],
        [0, 0, undefined, undefined],
      );
      assert.deepEqual(losses, []);
      assert.equal(queue.offer(item(4, 1, "key 1")), "queued", "a cleared item is not conflated with");
      assert.deepEqual(drain(queue), [4]);
    });

    it("obeys its plain-array law at every step, and never passes a bound on the way", () => {
      const bounds = fc.record({
        messages: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 20 })),
        bytes: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 100, max: 300 })),
      });
      const step = fc.oneof(
        {
          weight: 15,
          arbitrary: fc.record({
            kind: fc.constant("offer" as const),
            bytes: fc.integer({ min: 0, max: 22 }),
            // Few, so that they meet, and more than a short queue has: a longer one keeps an index of them.
            identity: fc.oneof(
              fc.constantFrom(undefined, "a", "b", "c", "d"),
              fc.constantFrom(..."efghijklmnopqrst"),
            ),
          }),
        },
        { weight: 6, arbitrary: fc.record({ kind: fc.constant("take" as const) }) },
        { weight: 3, arbitrary: fc.record({ kind: fc.constant("settle" as const) }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant("changeBounds" as const), bounds }) },
      );
      fc.assert(
        fc.property(bounds, fc.array(step, { maxLength: 120, size: "max" }), (limits, steps) => {
          const { queue, losses } = makeQueue(name, limits);
          const model = new PlainQueue(name, limits);
          let offset = 0;
          let [peakMessages, peakBytes] = [0, 0];
          for (const taken of steps) {
            const before = model.waiting;
            if (taken.kind === "settle") queue.settle();
            else if (taken.kind === "take") assert.equal(queue.take()?.offset, model.take()?.offset);
            else if (taken.kind === "changeBounds") {
              queue.changeBounds(taken.bounds);
              model.changeBounds(taken.bounds);
            } else {
              const offered = item(++offset, taken.bytes, taken.identity);
              assert.equal(queue.offer(offered), model.offer(offered));
            }
            const { waiting } = model;
            peakMessages = Math.max(peakMessages, waiting.length);
            peakBytes = Math.max(peakBytes, weightOf(waiting));
            assert.deepEqual(
              losses.map(({ offset, reason }) => ({ offset, reason })),
              model.losses,
            );
            assert.deepEqual(queue.counters(), {
              messages: waiting.length,
              bytes: weightOf(waiting),
              peakMessages,
              peakBytes,
              conflated: model.conflated,
              overflow: model.lost("overflow"),
              oversize: model.lost("oversize"),
            });
            const { messages, bytes } = queue.bounds;
            if (trims(name)) assert.ok(queue.length <= messages && queue.bytes <= bytes);
            else if (queue.length > messages || queue.bytes > bytes)
              assert.ok(queue.length <= before.length && queue.bytes <= weightOf(before), "it only falls");
            assert.equal(queue.tailPlace - queue.headPlace, waiting.length);
            assert.equal(queue.head?.offset, waiting[0]?.offset);
            assert.equal(queue.lowestOffset, model.first);
          }
          assert.deepEqual(
            drain(queue),
            model.waiting.map(({ offset }) => offset),
          );
        }),
        runs(150),
      );
    });
  });
}

describe("where a loss stands in line", () => {
  it("is before the head when the oldest gives way, and behind the tail when the newest is refused", () => {
    const oldest = makeQueue("drop-oldest", { messages: 2, bytes: 10 });
    const newest = makeQueue("drop-newest", { messages: 2, bytes: 10 });
    for (const { queue } of [oldest, newest]) for (const offset of [1, 2, 3]) queue.offer(item(offset));
    assert.deepEqual(oldest.losses, [{ offset: 1, reason: "overflow", behind: 0 }]);
    assert.deepEqual(newest.losses, [{ offset: 3, reason: "overflow", behind: 2 }]);
  });
});

describe("conflation", () => {
  it("keeps the place in line of the item it replaces", () => {
    const { queue } = makeQueue("conflate", { messages: 3, bytes: 100 });
    queue.offer(item(1, 1, "a"));
    queue.offer(item(2, 1, "b"));
    assert.equal(queue.offer(item(3, 1, "a")), "conflated");
    assert.equal(queue.lowestOffset, 1, "the place began with offset 1");
    assert.deepEqual(drain(queue), [3, 2]);
  });

  it("never replaces items without a key", () => {
    const { queue } = makeQueue("conflate", { messages: 3, bytes: 100 });
    for (const offset of [1, 2, 3]) assert.equal(queue.offer(item(offset)), "queued");
    assert.equal(queue.offer(item(4)), "displaced");
    assert.deepEqual(drain(queue), [2, 3, 4]);
  });

  it("starts a new place once the unread item was taken", () => {
    const { queue } = makeQueue("conflate", { messages: 3, bytes: 100 });
    queue.offer(item(1, 1, "a"));
    queue.take();
    assert.equal(queue.offer(item(2, 1, "a")), "queued");
    assert.equal(queue.counters().conflated, 0);
  });

  it("makes room for a larger replacement with the oldest others, ahead of it first", () => {
    const { queue, losses } = makeQueue("conflate", { messages: 9, bytes: 10 });
    for (const [offset, key] of [...["a", "b", "c", "d"].entries()]) queue.offer(item(offset + 1, 2, key));
    assert.equal(queue.offer(item(5, 8, "c")), "conflated");
    assert.deepEqual(losses, [
      { offset: 1, reason: "overflow", behind: 0 },
      { offset: 2, reason: "overflow", behind: 0 },
    ]);
    assert.equal(queue.bytes, 10);
    assert.deepEqual(drain(queue), [5, 4]);
  });

  it("takes what stands behind when a larger replacement is the head itself", () => {
    const { queue, losses } = makeQueue("conflate", { messages: 9, bytes: 10 });
    for (const [offset, key] of [...["a", "b", "c", "d"].entries()]) queue.offer(item(offset + 1, 2, key));
    queue.offer(item(5, 7, "a"));
    assert.deepEqual(
      losses.map(({ offset }) => offset),
      [2, 3],
    );
    assert.equal(queue.lowestOffset, 1);
    assert.equal(queue.offer(item(6, 1, "d")), "conflated", "the index of identities moved along");
    assert.equal(queue.offer(item(7, 1, "a")), "conflated");
    assert.deepEqual(drain(queue), [7, 6]);
  });

  it("gives bytes back for a smaller replacement", () => {
    const { queue } = makeQueue("conflate", { messages: 9, bytes: 10 });
    queue.offer(item(1, 9, "a"));
    queue.offer(item(2, 1, "a"));
    assert.equal(queue.bytes, 1);
    assert.equal(queue.counters().peakBytes, 9);
  });
});

describe("storage", () => {
  it("keeps its order while it shrinks with things in it", () => {
    const { queue } = makeQueue("conflate", { messages: 1000, bytes: 1000 });
    for (let offset = 1; offset <= 600; offset++) queue.offer(item(offset, 1, `key ${offset}`));
    for (let taken = 0; taken < 595; taken++) queue.take();
    for (let round = 0; round < 20; round++) queue.settle();
    assert.equal(queue.offer(item(601, 1, "key 598")), "conflated");
    assert.deepEqual(drain(queue), [596, 597, 601, 599, 600]);
  });
});

describe("wrong bounds", () => {
  for (const wrong of [0, -1, 1.5, Number.NaN, Infinity]) {
    it(`a bound of ${wrong} is refused at once, rather than found out by the first item`, () => {
      for (const bounds of [
        { messages: wrong, bytes: 1 },
        { messages: 1, bytes: wrong },
      ]) {
        const refusal = {
          name: "RangeError",
          message: new RegExp(`whole number of at least 1, got ${wrong}`),
        };
        assert.throws(() => makeQueue("drop-oldest", bounds), refusal);
        const { queue, losses } = makeQueue("drop-oldest", { messages: 3, bytes: 100 });
        for (const offset of [1, 2, 3]) queue.offer(item(offset));
        assert.throws(() => queue.changeBounds(bounds), refusal);
        assert.deepEqual(queue.bounds, { messages: 3, bytes: 100 }, "nothing has changed");
        assert.deepEqual(losses, []);
        assert.equal(queue.offer(item(4)), "displaced");
      }
    });
  }
});
