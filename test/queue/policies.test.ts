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

failOnLeaks();

interface Item extends QueueItem {
  /** The offset that its place in line began with: for the plain model only. */
  readonly first: number;
}

interface Loss {
  readonly offset: number;
  readonly reason: LossReason;
  /** Offsets of the items that stood before the loss when it happened. */
  readonly behind: number;
}

function item(offset: number, bytes = 1, identity?: string): Item {
  return { offset, bytes, identity, first: offset };
}

function makeQueue(overflow: OverflowPolicyName, bounds: QueueBounds) {
  const losses: Loss[] = [];
  const queue: BoundedQueue<Item> = new BoundedQueue<Item>(bounds, overflowPolicy(overflow), {
    lose: ({ offset }, reason, before) => losses.push({ offset, reason, behind: before - queue.headPlace }),
  });
  return { queue, losses };
}

/** Everything that waits, taken out. */
function drain(queue: BoundedQueue<Item>): number[] {
  const offsets: number[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) offsets.push(next.offset);
  return offsets;
}

/** What a policy does, told as one run: items 1 to 5 of one byte each are offered to a queue of three. */
interface Row {
  readonly outcomes: readonly OfferOutcome[];
  readonly waiting: readonly number[];
  readonly lost: readonly number[];
  /** The plain-array law: what waits and what is lost after an item was offered. */
  readonly law: (model: Model, offered: Item) => OfferOutcome;
}

/** A queue of plain arrays, slow and obvious. */
interface Model {
  readonly bounds: QueueBounds;
  waiting: Item[];
  readonly lost: { offset: number; reason: LossReason }[];
  conflated: number;
}

const weight = (items: readonly Item[]) => items.reduce((sum, { bytes }) => sum + bytes, 0);
const fits = ({ bounds, waiting }: Model, { bytes }: Item) =>
  waiting.length + 1 <= bounds.messages && weight(waiting) + bytes <= bounds.bytes;

function lawOfDropOldest(model: Model, offered: Item): OfferOutcome {
  if (fits(model, offered)) {
    model.waiting.push(offered);
    return "queued";
  }
  while (!fits(model, offered))
    model.lost.push({ offset: model.waiting.shift()!.offset, reason: "overflow" });
  model.waiting.push(offered);
  return "displaced";
}

function lawOfDropNewest(model: Model, offered: Item): OfferOutcome {
  if (fits(model, offered)) {
    model.waiting.push(offered);
    return "queued";
  }
  model.lost.push({ offset: offered.offset, reason: "overflow" });
  return "refused";
}

function lawOfConflate(model: Model, offered: Item): OfferOutcome {
  const unread = model.waiting.find(
    ({ identity }) => identity !== undefined && identity === offered.identity,
  );
  if (unread === undefined) return lawOfDropOldest(model, offered);
  const replacement = { ...offered, first: unread.first };
  model.waiting = model.waiting.map((other) => (other === unread ? replacement : other));
  model.conflated++;
  while (weight(model.waiting) > model.bounds.bytes) {
    const oldestOther = model.waiting.find((other) => other !== replacement)!;
    model.lost.push({ offset: oldestOther.offset, reason: "overflow" });
    model.waiting = model.waiting.filter((other) => other !== oldestOther);
  }
  return "conflated";
}

/** Nothing is stored, and nothing lost: what happens next is the subscription's affair. */
const lawOfAdmission =
  (refusal: OfferOutcome) =>
  (model: Model, offered: Item): OfferOutcome => {
    if (!fits(model, offered)) return refusal;
    model.waiting.push(offered);
    return "queued";
  };

/** The contract suite runs over this table: a policy without a row fails. */
const rows: Readonly<Record<OverflowPolicyName, Row>> = {
  "drop-oldest": {
    outcomes: ["queued", "queued", "queued", "displaced", "displaced"],
    waiting: [3, 4, 5],
    lost: [1, 2],
    law: lawOfDropOldest,
  },
  "drop-newest": {
    outcomes: ["queued", "queued", "queued", "refused", "refused"],
    waiting: [1, 2, 3],
    lost: [4, 5],
    law: lawOfDropNewest,
  },
  conflate: {
    outcomes: ["queued", "queued", "queued", "displaced", "displaced"],
    waiting: [3, 4, 5],
    lost: [1, 2],
    law: lawOfConflate,
  },
  park: {
    outcomes: ["queued", "queued", "queued", "parked", "parked"],
    waiting: [1, 2, 3],
    lost: [],
    law: lawOfAdmission("parked"),
  },
  block: {
    outcomes: ["queued", "queued", "queued", "parked", "parked"],
    waiting: [1, 2, 3],
    lost: [],
    law: lawOfAdmission("parked"),
  },
  evict: {
    outcomes: ["queued", "queued", "queued", "overrun", "overrun"],
    waiting: [1, 2, 3],
    lost: [],
    law: lawOfAdmission("overrun"),
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
      const step = fc.oneof(
        {
          weight: 5,
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
        { weight: 2, arbitrary: fc.record({ kind: fc.constant("take" as const) }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant("settle" as const) }) },
      );
      const bounds = fc.record({
        messages: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 20 })),
        bytes: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 100, max: 300 })),
      });
      fc.assert(
        fc.property(bounds, fc.array(step, { maxLength: 120, size: "max" }), (limits, steps) => {
          const { queue, losses } = makeQueue(name, limits);
          const model: Model = { bounds: limits, waiting: [], lost: [], conflated: 0 };
          let offset = 0;
          let [peakMessages, peakBytes] = [0, 0];
          for (const { kind, ...rest } of steps) {
            if (kind === "settle") queue.settle();
            else if (kind === "take") assert.equal(queue.take()?.offset, model.waiting.shift()?.offset);
            else {
              const offered = { ...item(++offset), ...rest } as Item;
              const expected = offered.bytes > limits.bytes ? "oversize" : row.law(model, offered);
              if (expected === "oversize") model.lost.push({ offset, reason: "oversize" });
              assert.equal(queue.offer(offered), expected);
            }
            peakMessages = Math.max(peakMessages, model.waiting.length);
            peakBytes = Math.max(peakBytes, weight(model.waiting));
            assert.deepEqual(
              losses.map(({ offset, reason }) => ({ offset, reason })),
              model.lost,
            );
            const counted = (reason: LossReason) =>
              model.lost.filter((loss) => loss.reason === reason).length;
            assert.deepEqual(queue.counters(), {
              messages: model.waiting.length,
              bytes: weight(model.waiting),
              peakMessages,
              peakBytes,
              conflated: model.conflated,
              overflow: counted("overflow"),
              oversize: counted("oversize"),
            });
            assert.ok(peakMessages <= limits.messages && peakBytes <= limits.bytes);
            assert.equal(queue.tailPlace - queue.headPlace, model.waiting.length);
            assert.equal(queue.head?.offset, model.waiting[0]?.offset);
            assert.equal(queue.lowestOffset, model.waiting[0]?.first);
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
        assert.throws(() => makeQueue("drop-oldest", bounds), {
          name: "RangeError",
          message: new RegExp(`whole number of at least 1, got ${wrong}`),
        });
      }
    });
  }
});
