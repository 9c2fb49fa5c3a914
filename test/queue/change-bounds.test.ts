import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { OVERFLOW_POLICIES, type OverflowPolicyName, type QueueBounds } from "../../src/protocol/index.ts";
import { BoundedQueue, type LossReason, overflowPolicy, type QueueItem } from "../../src/queue/index.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";
import { PlainQueue, trims, weightOf } from "./plain-queue.ts";

failOnLeaks();

const item = (offset: number, bytes = 1, identity?: string): QueueItem => ({ offset, bytes, identity });

/** A queue, and somebody who notes its losses and more at their places in line. */
class Watched {
  readonly losses: { readonly offset: number; readonly reason: LossReason }[] = [];
  readonly #noted: { readonly name: string; before: number }[] = [];
  readonly queue: BoundedQueue<QueueItem>;

  constructor(policy: OverflowPolicyName, bounds: QueueBounds) {
    this.queue = new BoundedQueue<QueueItem>(bounds, overflowPolicy(policy), {
      lose: ({ offset }, reason, before) => {
        this.losses.push({ offset, reason });
        this.#noted.push({ name: `${offset} lost`, before });
      },
      moved: (placeOf) => {
        for (const note of this.#noted) note.before = placeOf(note.before);
      },
    });
  }

  /** Notes something behind all that waits. */
  note(name: string): void {
    this.#noted.push({ name, before: this.queue.tailPlace });
  }

  /** What is noted, each with how many items wait before it. */
  places(): Map<string, number> {
    const { headPlace } = this.queue;
    return new Map(this.#noted.map(({ name, before }) => [name, Math.max(0, before - headPlace)]));
  }

  waiting(): number[] {
    const offsets: number[] = [];
    for (let next = this.queue.take(); next !== undefined; next = this.queue.take())
      offsets.push(next.offset);
    return offsets;
  }
}

function holding(
  policy: OverflowPolicyName,
  count: number,
  bounds: QueueBounds = { messages: 100, bytes: 100 },
) {
  const watched = new Watched(policy, bounds);
  for (let offset = 1; offset <= count; offset++) watched.queue.offer(item(offset, 1, `key ${offset}`));
  return watched;
}

describe("a smaller bound", () => {
  it("under drop-newest leaves what was noted between its neighbours, and the rest behind the new tail", () => {
    const watched = holding("drop-newest", 1);
    for (const offset of [2, 3, 4]) {
      watched.note(`before ${offset}`);
      watched.queue.offer(item(offset));
    }
    watched.note("last");
    watched.queue.changeBounds({ messages: 2, bytes: 100 });
    assert.deepEqual([...watched.places()].toSorted(), [
      ["3 lost", 2],
      ["4 lost", 2],
      ["before 2", 1],
      ["before 3", 2],
      ["before 4", 2],
      ["last", 2],
    ]);
    assert.deepEqual(
      watched.losses.map(({ offset }) => offset),
      [3, 4],
      "told in line order",
    );
  });

  it("under conflate drops whole keys from the head, and the rest are still replaced where they stand", () => {
    const { queue, losses } = holding("conflate", 40);
    queue.changeBounds({ messages: 12, bytes: 100 });
    assert.equal(losses.length, 28);
    assert.equal(queue.offer(item(41, 1, "key 28")), "displaced", "28 went, so this is a newcomer");
    assert.equal(queue.offer(item(42, 1, "key 35")), "conflated");
    assert.deepEqual([queue.length, queue.lowestOffset], [12, 30]);
    for (let taken = 0; taken < 5; taken++) queue.take();
    assert.equal(queue.head?.offset, 42);
  });

  for (const policy of ["park", "block", "evict"] as const) {
    it(`under ${policy} loses nothing, and lets nothing in until there is room`, () => {
      const watched = holding(policy, 5);
      const { queue } = watched;
      queue.changeBounds({ messages: 3, bytes: 100 });
      const refused = policy === "evict" ? "overrun" : "parked";
      for (const left of [4, 3, 2]) {
        assert.equal(queue.fits(item(6)), false);
        assert.equal(queue.offer(item(6)), refused);
        queue.take();
        assert.equal(queue.length, left);
      }
      assert.equal(queue.offer(item(6)), "queued");
      assert.equal(queue.offer(item(7)), refused);
      assert.deepEqual([watched.waiting(), watched.losses], [[4, 5, 6], []]);
    });

    it(`that ${policy} stands above is kept as soon as the policy is one that loses`, () => {
      for (const [then, left] of [
        ["drop-oldest", [4, 5]],
        ["drop-newest", [1, 2]],
      ] as const) {
        const watched = holding(policy, 5);
        watched.queue.changeBounds({ messages: 2, bytes: 100 });
        watched.queue.changePolicy(overflowPolicy(then));
        assert.deepEqual([watched.waiting(), watched.losses.length], [left, 3]);
      }
    });
  }

  it("that conflation alone makes room within costs nothing", () => {
    const watched = new Watched("park", { messages: 100, bytes: 100 });
    for (let offset = 1; offset <= 9; offset++) watched.queue.offer(item(offset, 1, `${offset % 3}`));
    watched.queue.changeBounds({ messages: 3, bytes: 3 });
    watched.queue.changePolicy(overflowPolicy("conflate"));
    assert.deepEqual([watched.waiting(), watched.losses], [[7, 8, 9], []]);
  });

  it("that comes with another policy leaves to that one alone what gives way", () => {
    for (const [from, to, left] of [
      ["drop-oldest", "park", [1, 2, 3, 4, 5]],
      ["park", "drop-newest", [1, 2]],
      ["drop-newest", "drop-oldest", [4, 5]],
    ] as const) {
      const watched = holding(from, 5);
      watched.queue.changeBounds({ messages: 2, bytes: 100 }, overflowPolicy(to));
      assert.deepEqual([watched.waiting(), watched.losses.length], [left, 5 - left.length]);
    }
  });

  it("loses everything where not even one fits, and the queue goes on", () => {
    for (const policy of OVERFLOW_POLICIES.filter(trims)) {
      const watched = new Watched(policy, { messages: 100, bytes: 100 });
      for (const offset of [1, 2, 3]) watched.queue.offer(item(offset, 10, `key ${offset}`));
      watched.queue.changeBounds({ messages: 100, bytes: 9 });
      assert.deepEqual(
        watched.losses.map(({ offset }) => offset),
        [1, 2, 3],
      );
      assert.deepEqual(
        [watched.queue.length, watched.queue.bytes, watched.queue.lowestOffset],
        [0, 0, undefined],
      );
      assert.equal(watched.queue.offer(item(4, 9, "key 1")), "queued");
      assert.deepEqual(watched.waiting(), [4]);
    }
  });

  it("counts room that is reserved as taken", () => {
    const watched = holding("conflate", 5);
    watched.queue.reserve(2, 2);
    watched.queue.changeBounds({ messages: 4, bytes: 100 });
    assert.deepEqual([watched.queue.length, watched.losses.length], [2, 3]);
    watched.queue.changeBounds({ messages: 4, bytes: 3 });
    assert.deepEqual([watched.queue.length, watched.losses.length], [1, 4]);
  });
});

/** The heap in bytes, without what is garbage. */
function heapUsed(): number {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

describe("the storage of what a smaller bound trims", { skip: globalThis.gc === undefined }, () => {
  const WAITING = 8_192;
  const TRIES = 20;
  const items = Array.from({ length: 2 * WAITING }, (_, index) =>
    item(index + 1, 0, `key ${index % WAITING}`),
  );

  /** The share of their storage that full queues still have after all but a few of their items were trimmed. */
  function shareLeft(policy: OverflowPolicyName): number {
    const empty = heapUsed();
    const queues = Array.from({ length: 64 }, () => {
      const bounds = { messages: WAITING, bytes: 1 };
      return new BoundedQueue<QueueItem>(bounds, overflowPolicy(policy), { lose() {} });
    });
    // Twice, so that under conflate the places begin with other offsets than the items.
    for (const queue of queues) for (const each of items) queue.offer(each);
    const full = heapUsed();
    for (const queue of queues) queue.changeBounds({ messages: 10, bytes: 1 });
    const left = heapUsed();
    for (const queue of queues) assert.equal(queue.length, 10);
    return (left - empty) / (full - empty);
  }

  for (const policy of OVERFLOW_POLICIES.filter(trims)) {
    it(`is given back at once under ${policy}`, async () => {
      // The rest of the process allocates too, now and then. Storage that were not given back would be there every time.
      const shares: number[] = [];
      do {
        await new Promise((resolve) => setImmediate(resolve));
        shares.push(shareLeft(policy));
      } while (Math.abs(shares.at(-1)!) >= 0.1 && shares.length < TRIES);
      assert.ok(Math.abs(shares.at(-1)!) < 0.1, `shares of the storage left: ${shares}`);
    });
  }
});

describe("bounds and policies that change against plain arrays", () => {
  it("lose what the policy says at the place where it stood, each once, and keep the rest, whatever happens", () => {
    const bounds = fc.record({
      messages: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 30 })),
      bytes: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 100, max: 300 })),
    });
    const policy = fc.constantFrom(...OVERFLOW_POLICIES);
    const step = fc.oneof(
      {
        weight: 12,
        arbitrary: fc.record({
          kind: fc.constant("offer" as const),
          bytes: fc.integer({ min: 0, max: 22 }),
          identity: fc.oneof(fc.constantFrom(undefined, ..."abcd"), fc.constantFrom(..."efghijklmnopqrst")),
        }),
      },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("take" as const) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("note" as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("settle" as const) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("changeBounds" as const), bounds }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("changePolicy" as const), policy }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("changeBoth" as const), bounds, policy }) },
    );
    fc.assert(
      fc.property(policy, bounds, fc.array(step, { maxLength: 120, size: "max" }), (first, limits, steps) => {
        const watched = new Watched(first, limits);
        const model = new PlainQueue<QueueItem, string>(first, limits);
        const { queue } = watched;
        let [offset, offered, taken] = [0, 0, 0];
        for (const step of steps) {
          const before = model.waiting;
          switch (step.kind) {
            case "offer": {
              const next = item(++offset, step.bytes, step.identity);
              const outcome = queue.offer(next);
              assert.equal(outcome, model.offer(next));
              if (outcome !== "parked" && outcome !== "overrun") offered++;
              break;
            }
            case "take":
              assert.equal(queue.take()?.offset, model.take()?.offset);
              taken += before.length - model.waiting.length;
              break;
            case "note":
              watched.note(`note ${++offset}`);
              model.line.push({ noted: `note ${offset}` });
              break;
            case "settle":
              queue.settle();
              break;
            case "changeBounds":
              queue.changeBounds(step.bounds);
              model.changeBounds(step.bounds);
              assert.equal(queue.bounds, step.bounds);
              break;
            case "changePolicy":
              queue.changePolicy(overflowPolicy(step.policy));
              model.changePolicy(step.policy);
              break;
            case "changeBoth":
              queue.changeBounds(step.bounds, overflowPolicy(step.policy));
              model.changeBounds(step.bounds, step.policy);
              break;
          }
          const { waiting } = model;
          assert.deepEqual(
            [queue.length, queue.bytes, queue.head?.offset, queue.lowestOffset],
            [waiting.length, weightOf(waiting), waiting[0]?.offset, model.first],
          );
          assert.deepEqual(watched.losses, model.losses);
          assert.deepEqual(
            watched.places(),
            model.places((note) => note),
          );
          const within = model.allows(waiting);
          if (trims(model.policy)) assert.ok(within);
          // Above its bounds it only falls.
          assert.ok(within || (waiting.length <= before.length && weightOf(waiting) <= weightOf(before)));
          assert.equal(queue.fits(item(0, 0)), model.allows([...waiting, item(0, 0)]));
          const { overflow, oversize, conflated } = queue.counters();
          assert.deepEqual(
            [overflow, oversize, conflated],
            [model.lost("overflow"), model.lost("oversize"), model.conflated],
          );
          assert.equal(offered, taken + overflow + oversize + conflated + queue.length, "the books balance");
        }
        assert.deepEqual(
          watched.waiting(),
          model.waiting.map(({ offset }) => offset),
        );
      }),
      runs(1_000),
    );
  });
});
