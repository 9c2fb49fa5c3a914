import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Frame, OverflowPolicyName, StateFrame } from "../../src/protocol/index.ts";
import { PositionTracker } from "../../src/transport/grpc/client/position-tracker.ts";
import { message } from "./fake-server.ts";

function started(offset: number, overflow: OverflowPolicyName = "drop-oldest", epoch = "e1") {
  return {
    kind: "started",
    subscriptionId: "s",
    position: { epoch, offset },
    overflow,
    queue: { messages: 1, bytes: 1 },
    bounded: [],
    maxAgeMs: undefined,
    class: undefined,
  } as const;
}

const progress = (offset: number, epoch = "e1") =>
  ({ kind: "progress", position: { epoch, offset }, conflated: 0 }) as const;
const gap = (from: number, to: number) =>
  ({ kind: "gap", topic: "t", from, to, count: 1, reason: "overflow" }) as const;
const state = (state: StateFrame["state"], overflow: OverflowPolicyName = "drop-oldest", rung = 0) =>
  ({ kind: "state", state, overflow, rung }) as const;

/** The offset to hand back after each of the frames. */
function offsetsAfter(tracker: PositionTracker, frames: readonly Frame[]): (number | undefined)[] {
  return frames.map((frame) => {
    tracker.admit(frame);
    return tracker.position?.offset;
  });
}

describe("without conflation", () => {
  test("the position is where the stream started, then the last message or progress; a gap waits for these", () => {
    const tracker = new PositionTracker(undefined);
    assert.deepEqual([tracker.position], [undefined]);
    const seen = [started(10), message(11), gap(12, 15), message(16), progress(40), message(41)].map(
      (frame) => {
        assert.ok(tracker.admit(frame));
        return tracker.position?.offset;
      },
    );
    assert.deepEqual(seen, [10, 11, 11, 16, 40, 41]);
    assert.deepEqual(tracker.position, { epoch: "e1", offset: 41 });
  });

  test("it never moves back", () => {
    const tracker = new PositionTracker({ epoch: "e1", offset: 10 });
    for (const frame of [started(10), progress(30), gap(11, 12), progress(20)]) tracker.admit(frame);
    assert.deepEqual(tracker.position, { epoch: "e1", offset: 30 });
  });

  test("a resume that repeats what was read is filtered", () => {
    const tracker = new PositionTracker(undefined);
    for (const frame of [started(0), message(1), message(2), started(0)]) tracker.admit(frame);
    assert.equal(tracker.admit(message(1)), false);
    assert.equal(tracker.admit(message(2)), false);
    assert.equal(tracker.admit(message(3)), true);
  });

  test("a start later than asked for is not taken for the position: only a gap says what was lost", () => {
    const tracker = new PositionTracker({ epoch: "e1", offset: 5 });
    tracker.admit(started(9));
    assert.equal(tracker.position?.offset, 5);
    for (const frame of [gap(6, 9), progress(9)]) tracker.admit(frame);
    assert.equal(tracker.position?.offset, 9);
  });

  test("another history replaces the position, and its offsets are not measured with the old one", () => {
    const tracker = new PositionTracker({ epoch: "e1", offset: 1_000 });
    tracker.admit(started(3, "drop-oldest", "e2"));
    assert.deepEqual(tracker.position, { epoch: "e2", offset: 3 });
    assert.equal(tracker.admit(message(4)), true);
  });

  test("progress of another history is not a position in this one", () => {
    const tracker = new PositionTracker(undefined);
    tracker.admit(started(3));
    tracker.admit(progress(500, "e0"));
    assert.deepEqual(tracker.position, { epoch: "e1", offset: 3 });
  });
});

test("a loss hides neither its neighbours nor older messages of other topics, however the stream is cut", () => {
  const tracker = new PositionTracker({ epoch: "e1", offset: 5 });
  const frames = [started(5), state("catching-up"), gap(6, 100), gap(7, 90), message(8), message(40)];
  assert.deepEqual(offsetsAfter(tracker, frames), [5, 5, 5, 5, 8, 40]);
  tracker.admit(started(40));
  assert.equal(tracker.admit(message(41)), true);
});

describe("a policy that changes in the middle", () => {
  test("from a conflating rung up to its end only progress moves the position", () => {
    const tracker = new PositionTracker(undefined);
    const frames = [
      started(0),
      message(1),
      state("live", "conflate", 1),
      message(9, { key: "a" }),
      gap(3, 4),
      progress(6),
      message(8, { key: "b" }),
      state("live"),
      message(10),
    ];
    assert.deepEqual(offsetsAfter(tracker, frames), [0, 1, 1, 1, 1, 6, 6, 6, 10]);
  });

  test("a resume after a conflating rung repeats nothing that was read on it", () => {
    const tracker = new PositionTracker(undefined);
    const before = [started(0), message(1), state("live", "conflate", 1), message(9, { key: "a" })];
    for (const frame of [...before, started(1)]) tracker.admit(frame);
    assert.equal(tracker.admit(message(2, { key: "a" })), false);
    assert.equal(tracker.admit(message(3, { key: "b" })), true);
    assert.equal(tracker.admit(message(9, { key: "a" })), false);
    assert.equal(tracker.admit(message(11, { key: "a" })), true);
    assert.equal(tracker.position?.offset, 11);
  });

  test("a subscriber granted conflate that is put on an ordered rung is in order from there", () => {
    const tracker = new PositionTracker(undefined);
    const frames = [started(0, "conflate"), message(9), state("live", "park", 1), message(12)];
    assert.deepEqual(offsetsAfter(tracker, frames), [0, 0, 0, 12]);
  });
});

describe("under conflate", () => {
  test("only progress moves the position", () => {
    const tracker = new PositionTracker(undefined);
    const frames = [started(0, "conflate"), message(9, { key: "a" }), gap(2, 3), progress(4), message(5)];
    const seen = frames.map((frame) => {
      tracker.admit(frame);
      return tracker.position?.offset;
    });
    assert.deepEqual(seen, [0, 0, 0, 4, 4]);
  });

  test("a resume leaves out what was read above the position, and older values of its keys", () => {
    const tracker = new PositionTracker(undefined);
    const read = [started(0, "conflate"), message(9, { key: "a" }), message(5), started(0, "conflate")];
    for (const frame of read) tracker.admit(frame);
    assert.equal(tracker.admit(message(4, { key: "a" })), false, "an older value of a");
    assert.equal(tracker.admit(message(9, { key: "a" })), false, "the very message");
    assert.equal(tracker.admit(message(5)), false, "a message without a key");
    assert.equal(tracker.admit(message(6)), true, "another message without a key");
    assert.equal(tracker.admit(message(7, { key: "b" })), true, "another key");
    assert.equal(tracker.admit(message(8, { key: "a", topic: "u" })), true, "the key in another topic");
    assert.equal(tracker.admit(message(10, { key: "a" })), true, "a newer value");
  });

  test("what was read stays filtered when the next stream does not conflate", () => {
    const tracker = new PositionTracker(undefined);
    const read = [started(0, "conflate"), message(9, { key: "a" }), started(0, "drop-oldest")];
    for (const frame of read) tracker.admit(frame);
    assert.equal(tracker.admit(message(9, { key: "a" })), false);
    assert.equal(tracker.admit(message(10, { key: "a" })), true);
  });

  test("beyond the bound the oldest is forgotten, and the newest is not", () => {
    const tracker = new PositionTracker(undefined, 2);
    tracker.admit(started(0, "conflate"));
    for (const offset of [1, 2, 3]) tracker.admit(message(offset, { key: `k${offset}` }));
    tracker.admit(started(0, "conflate"));
    assert.equal(tracker.admit(message(2, { key: "k2" })), false);
    assert.equal(tracker.admit(message(3, { key: "k3" })), false);
    assert.equal(tracker.admit(message(1, { key: "k1" })), true);
  });
});

/**
 * A conflating queue in a few lines: a newer value takes the place of the unread one. Streams are cut at random
 * and resumed from the tracker's position over the full history.
 */
test("across any cuts, each key is delivered in order, without duplicates, and ends with its newest value", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("publish" as const), key: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ do: fc.constantFrom("deliver" as const, "progress" as const, "cut" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const history: { offset: number; key: string }[] = [];
      let queue: { place: number; offset: number; key: string }[] = [];
      const delivered: { offset: number; key: string }[] = [];
      const tracker = new PositionTracker(undefined);
      tracker.admit(started(0, "conflate"));
      const offer = (entry: { offset: number; key: string }): void => {
        const unread = queue.find(({ key }) => key === entry.key);
        if (unread === undefined) queue.push({ place: entry.offset, ...entry });
        else unread.offset = entry.offset;
      };
      const deliver = (): void => {
        const next = queue.shift();
        if (next === undefined) return;
        if (tracker.admit(message(next.offset, { key: next.key }))) delivered.push(next);
      };
      for (const taken of steps) {
        if (taken.do === "publish") {
          const entry = { offset: history.length + 1, key: `k${taken.key}` };
          history.push(entry);
          offer(entry);
        } else if (taken.do === "deliver") deliver();
        else if (taken.do === "progress") {
          tracker.admit(progress(Math.min(history.length, ...queue.map(({ place }) => place - 1))));
        } else {
          queue = [];
          tracker.admit(started(tracker.position?.offset ?? 0, "conflate"));
          for (const entry of history.slice(tracker.position?.offset ?? 0)) offer(entry);
        }
      }
      while (queue.length > 0) deliver();
      for (const key of new Set(history.map((entry) => entry.key))) {
        const offsets = delivered.filter((entry) => entry.key === key).map(({ offset }) => offset);
        assert.deepEqual(
          offsets,
          [...new Set(offsets)].sort((a, b) => a - b),
          "in order, once",
        );
        assert.equal(
          offsets.at(-1),
          history.findLast((entry) => entry.key === key)?.offset,
          "the newest value",
        );
      }
    }),
    { numRuns: 300 },
  );
});
