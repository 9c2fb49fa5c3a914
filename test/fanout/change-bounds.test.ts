import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Line } from "../../src/fanout/line.ts";
import { Message } from "../../src/fanout/message.ts";
import type { SinkFrame } from "../../src/fanout/sink.ts";
import {
  type GapFrame,
  OVERFLOW_POLICIES,
  type OverflowPolicyName,
  type QueueBounds,
  type StateFrame,
} from "../../src/protocol/index.ts";
import type { LossReason } from "../../src/queue/index.ts";
import { type Entry, isLost, isNoted, isWaiting, PlainQueue, trims, weightOf } from "../queue/plain-queue.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";

failOnLeaks();

const INTERVAL_MS = 100;
const WATERMARKS = { high: 0.75, low: 0.5 };

interface Looks {
  readonly topic?: string;
  readonly key?: string | undefined;
  readonly bytes?: number;
}

function message(offset: number, { topic = "a", key, bytes = 1 }: Looks = {}): Message {
  const payload = new Uint8Array();
  return new Message({
    ...{ topic, offset, previousOffset: 0, key, headers: undefined, payload, tombstone: false },
    ...{ publishedAtMs: 0, publishedAtWatch: 0, expiresAtMs: undefined, lingerMs: 0, bytes },
  });
}

/** A line that keeps what it was told of losses. */
class WatchedLine extends Line {
  readonly lost: number[] = [];

  override lose(lost: Message, reason: LossReason, before: number): void {
    this.lost.push(lost.offset);
    super.lose(lost, reason, before);
  }
}

function makeLine(overflow: OverflowPolicyName, bounds: Partial<QueueBounds> = {}, minIntervalMs?: number) {
  return new WatchedLine({
    overflow,
    bounds: { messages: 10, bytes: 100, ...bounds },
    watermarks: WATERMARKS,
    minIntervalMs,
  });
}

/** A line of so many messages of one byte each, of different keys. */
function holding(overflow: OverflowPolicyName, count: number, bounds?: Partial<QueueBounds>) {
  const line = makeLine(overflow, bounds);
  for (let offset = 1; offset <= count; offset++) line.offer(message(offset, { key: `${offset}` }), 0);
  return line;
}

function take(line: Line, now = 0, frames = Number.POSITIVE_INFINITY): SinkFrame[] {
  const taken: SinkFrame[] = [];
  line.take(taken, { frames, bytes: Number.POSITIVE_INFINITY }, undefined, now);
  return taken;
}

/** `1 2 gap(3..5×3) live:1 6`. */
const told = (frames: readonly SinkFrame[]) =>
  frames
    .map((frame) => {
      if (frame.kind === "gap") return `gap(${frame.from}..${frame.to}×${frame.count})`;
      if (frame.kind === "state") return `${frame.state}:${frame.rung}`;
      return frame.kind === "message" ? frame.offset : frame.kind;
    })
    .join(" ");

const state = (name: StateFrame["state"], rung: number): StateFrame => ({
  ...{ kind: "state", state: name, overflow: "drop-newest", rung },
});

const smaller = (messages: number, bytes = 100): [QueueBounds, typeof WATERMARKS] => [
  { messages, bytes },
  WATERMARKS,
];

describe("a line whose bounds become smaller", () => {
  it("tells what went before the oldest that is left, and before nothing else", () => {
    for (const overflow of ["drop-oldest", "conflate"] as const) {
      const line = holding(overflow, 5);
      line.changeBounds(...smaller(2));
      assert.equal(told(take(line)), "gap(1..3×3) 4 5");
    }
  });

  it("under drop-newest tells what went behind the newest that is left, as one with what was refused", () => {
    const line = holding("drop-newest", 4, { messages: 3 });
    line.changeBounds(...smaller(1));
    line.offer(message(5), 0);
    assert.deepEqual(line.lost, [4, 2, 3, 5]);
    assert.equal(told(take(line, 0, 2)), "1 gap(2..5×4)");
    line.offer(message(6), 0);
    assert.equal(told(take(line)), "6");
  });

  it("has losses that nothing stands between any more told as one for each topic", () => {
    const line = makeLine("drop-newest", { messages: 1 });
    for (const [index, topic] of [..."abab"].entries()) {
      line.offer(message(2 * index + 1), 0);
      // Full: lost behind it.
      line.offer(message(2 * index + 2, { topic }), 0);
      line.changeBounds(...smaller(index + 2));
    }
    line.changeBounds(...smaller(1));
    assert.equal(told(take(line)), "1 gap(2..7×5) gap(4..8×2)");
  });

  it("still tells changes of state that stood behind what went, in order", () => {
    for (const [overflow, expected] of [
      ["drop-newest", "1 catching-up:1 gap(2..4×3) live:2 catching-up:3"],
      ["drop-oldest", "catching-up:1 gap(1..3×3) live:2 4 catching-up:3"],
    ] as const) {
      const line = holding(overflow, 2);
      line.mark(state("catching-up", 1));
      line.offer(message(3), 0);
      line.mark(state("live", 2), "behind losses");
      line.offer(message(4), 0);
      line.mark(state("catching-up", 3));
      line.changeBounds(...smaller(1));
      assert.equal(told(take(line)), expected);
    }
  });

  it("has something to tell though nothing is left", () => {
    for (const overflow of OVERFLOW_POLICIES.filter(trims)) {
      const line = makeLine(overflow);
      for (const offset of [1, 2]) line.offer(message(offset, { bytes: 10 }), 0);
      line.changeBounds(...smaller(10, 9));
      assert.deepEqual([line.length, line.isEmpty, line.lowestOffset], [0, false, 1]);
      line.offer(message(3, { bytes: 9 }), 0);
      assert.equal(told(take(line)), "gap(1..2×2) 3");
    }
  });

  it("under a policy that loses nothing delivers all that waits, also what is larger than the new bound", () => {
    for (const overflow of ["park", "block", "evict"] as const) {
      const line = makeLine(overflow);
      for (const [offset, bytes] of [1, 20, 1, 1].entries()) line.offer(message(offset + 1, { bytes }), 0);
      line.changeBounds(...smaller(2, 10));
      assert.equal(line.fits(message(5)), false);
      assert.equal(line.offer(message(5), 0), overflow === "evict" ? "overrun" : "parked");
      assert.equal(told(take(line, 0, 3)), "1 2 3");
      assert.equal(line.offer(message(5), 0), "queued");
      assert.equal(told(take(line)), "4 5");
      assert.deepEqual(line.lost, []);
    }
  });

  it("loses what stands above them when its policy becomes one that loses", () => {
    for (const [then, expected] of [
      ["drop-oldest", "gap(1..3×3) 4 5"],
      ["conflate", "gap(1..3×3) 4 5"],
      ["drop-newest", "1 2 gap(3..5×3)"],
    ] as const) {
      const line = holding("park", 5);
      line.changeBounds(...smaller(2));
      line.changePolicy(then);
      assert.equal(told(take(line)), expected);
    }
  });

  it("loses nothing that its old policy would have in the new bounds, or its new one in the old bounds", () => {
    const line = holding("drop-oldest", 5);
    line.changeBounds(...smaller(2), "park");
    assert.deepEqual([line.overflow, line.bounds.messages, line.length], ["park", 2, 5]);
    line.changeBounds(...smaller(4), "drop-newest");
    assert.deepEqual([line.overflow, line.isHigh], ["drop-newest", true]);
    assert.equal(told(take(line)), "1 2 3 4 gap(5..5×1)");
  });

  it("loses no more than what is too much once newer messages stand in for older ones", () => {
    const line = makeLine("park");
    for (const [index, key] of [..."abcabc"].entries()) line.offer(message(index + 1, { key }), 0);
    line.mark(state("live", 1));
    line.offer(message(7, { key: "d" }), 0);
    line.changeBounds(...smaller(2));
    line.changePolicy("conflate");
    assert.equal(told(take(line)), "gap(4..5×2) 6 live:1 7");
    assert.deepEqual([line.conflated, line.counters().overflow], [3, 2]);
  });

  it("refuses wrong bounds, and has lost nothing then", () => {
    const line = makeLine("conflate", {}, INTERVAL_MS);
    line.offer(message(1, { key: "k" }), 0);
    take(line);
    for (const [offset, key] of [
      [2, "k"],
      [3, "j"],
    ] as const)
      line.offer(message(offset, { key }), 0);
    for (const wrong of [0, -1, 1.5, Number.NaN, Infinity]) {
      assert.throws(() => line.changeBounds({ messages: 1, bytes: wrong }, WATERMARKS), RangeError);
      assert.throws(() => line.changeBounds({ messages: wrong, bytes: 1 }, WATERMARKS), RangeError);
    }
    assert.deepEqual([line.length, line.lost, line.bounds], [2, [], { messages: 10, bytes: 100 }]);
  });
});

describe("the watermarks of a line", () => {
  it("follow its bounds, in messages and in bytes", () => {
    const line = holding("park", 4);
    assert.deepEqual([line.isLow, line.isHigh], [true, false]);
    line.changeBounds(...smaller(5));
    assert.deepEqual([line.isLow, line.isHigh], [false, true]);
    line.changeBounds(...smaller(8));
    assert.deepEqual([line.isLow, line.isHigh], [true, false]);
    line.changeBounds(...smaller(8, 5));
    assert.deepEqual([line.isLow, line.isHigh], [false, true]);
    line.changeBounds({ messages: 8, bytes: 5 }, { high: 1, low: 0.9 });
    assert.deepEqual([line.isLow, line.isHigh], [true, false]);
    line.changeBounds({ messages: 2, bytes: 5 }, { high: 1, low: 0.9 });
    assert.deepEqual([line.isLow, line.isHigh], [false, true], "it stands above its bounds");
  });
});

describe("a paced line whose bounds become smaller", () => {
  /** 1 and 2 are taken, 3 to 6 wait, and of the keys of 1 and 2 the messages 7 and 8 are held back. */
  function paced() {
    const line = makeLine("conflate", {}, INTERVAL_MS);
    for (const offset of [1, 2]) {
      line.offer(message(offset, { key: `${offset}` }), 10 * offset);
      take(line, 10 * offset);
    }
    for (const offset of [3, 4, 5, 6]) line.offer(message(offset, { key: `${offset}` }), 20);
    for (const offset of [8, 7]) line.offer(message(offset, { key: `${offset - 6}` }), 20);
    assert.deepEqual([line.length, line.bytes, line.dueAt], [6, 6, 110]);
    return line;
  }

  it("loses what is held back first, the one that is due next before the others", () => {
    const line = paced();
    line.changeBounds(...smaller(5));
    assert.deepEqual([line.lost, line.dueAt, line.length], [[7], 120, 5]);
    line.changeBounds(...smaller(10, 4));
    assert.deepEqual([line.lost, line.dueAt, line.length], [[7, 8], undefined, 4]);
    line.changeBounds(...smaller(3));
    assert.deepEqual(line.lost, [7, 8, 3]);
    assert.equal(told(take(line, 20)), "gap(3..8×3) 4 5 6");
  });

  it("has the room again that what was held back took", () => {
    const line = paced();
    line.changeBounds(...smaller(4));
    assert.equal(line.counters().messages, 4);
    line.changeBounds(...smaller(6));
    for (const offset of [9, 10]) assert.equal(line.offer(message(offset), 20), "queued");
    assert.equal(line.offer(message(11), 20), "displaced");
  });

  it("has what is held back in line, behind the others, for a policy that does not conflate to judge", () => {
    for (const [then, expected] of [
      ["drop-newest", "3 4 5 gap(6..8×3)"],
      ["drop-oldest", "gap(3..5×3) 6 7 8"],
      ["park", "3 4 5 6 7 8"],
    ] as const) {
      const line = paced();
      line.changeBounds(...smaller(3), then);
      assert.equal(line.dueAt, undefined);
      assert.equal(told(take(line, 20)), expected);
    }
  });

  it("holds nothing back behind a message of its key that came into line under another policy", () => {
    const line = makeLine("conflate", {}, INTERVAL_MS);
    line.offer(message(1, { key: "k" }), 0);
    take(line);
    line.changePolicy("drop-oldest");
    line.offer(message(2, { key: "k" }), 10);
    line.changePolicy("conflate");
    assert.equal(line.offer(message(3, { key: "k" }), 20), "conflated");
    assert.deepEqual([line.dueAt, told(take(line, 20))], [undefined, "3"]);
  });

  it("keeps holding back what there is still room for, and sends it when it is due", () => {
    const line = paced();
    line.changeBounds(...smaller(6));
    assert.deepEqual([line.lost, line.dueAt], [[], 110]);
    assert.equal(told(take(line, 20)), "3 4 5 6");
    line.changeBounds(...smaller(2));
    line.releaseDue(120);
    assert.equal(told(take(line, 120)), "7 8");
  });
});

const bounds = fc.record({
  messages: fc.integer({ min: 1, max: 9 }),
  bytes: fc.oneof(fc.integer({ min: 1, max: 15 }), fc.integer({ min: 16, max: 60 })),
});
const watermarks = fc.constantFrom(WATERMARKS, { high: 1, low: 0.25 }, { high: 0.5, low: 0 });
const policy = fc.constantFrom(...OVERFLOW_POLICIES);
const offer = fc.record({
  kind: fc.constant("offer" as const),
  looks: fc.record({
    topic: fc.constantFrom("a", "b", "c"),
    key: fc.constantFrom(undefined, "k", "j", "i"),
    bytes: fc.nat(16),
  }),
});
const takeSome = fc.record({ kind: fc.constant("take" as const), frames: fc.integer({ min: 1, max: 6 }) });
const changeBounds = fc.record({
  kind: fc.constant("changeBounds" as const),
  bounds,
  watermarks,
  with: fc.option(policy, { nil: undefined, freq: 2 }),
});
const changePolicy = fc.record({ kind: fc.constant("changePolicy" as const), policy });

interface Mark {
  readonly frame: StateFrame;
  readonly where: "tail" | "behind losses";
}

/** Takes what comes next, as far as the limit goes; all losses of one place count together. */
function takeFrom(model: PlainQueue<Message, Mark>, limit: number): SinkFrame[] {
  const frames: SinkFrame[] = [];
  while (frames.length < limit && model.line.length > 0) {
    const next = model.line.findIndex(isWaiting);
    const before = next < 0 ? model.line : model.line.slice(0, next);
    const mark = before.find(isNoted);
    const losses = before.filter(isLost);
    if (mark !== undefined && (losses.length === 0 || mark.noted.where === "tail")) {
      frames.push(mark.noted.frame);
      model.line = model.line.filter((entry) => entry !== mark);
    } else if (losses.length > 0) {
      frames.push(...merged(losses));
      model.line = model.line.filter((entry) => !before.includes(entry) || !isLost(entry));
    } else {
      frames.push(model.take()!);
    }
  }
  return frames;
}

/** One notice for each topic and reason, by their first offsets. */
function merged(losses: readonly Entry<Message, Mark>[]): GapFrame[] {
  const gaps = new Map<string, GapFrame>();
  for (const { lost, reason } of losses.filter(isLost)) {
    const { topic, offset } = lost;
    const gap = gaps.get(`${topic} ${reason}`) ?? { from: Infinity, to: 0, count: 0 };
    const [from, to] = [Math.min(gap.from, offset), Math.max(gap.to, offset)];
    gaps.set(`${topic} ${reason}`, { kind: "gap", topic, from, to, count: gap.count! + 1, reason });
  }
  return [...gaps.values()].sort((one, other) => one.from - other.from);
}

describe("a line that changes its bounds and policies, against plain arrays", () => {
  it("tells every loss where it is missing, each once, and delivers the rest in order, whatever happens", () => {
    const mark = fc.record({
      kind: fc.constant("mark" as const),
      where: fc.constantFrom("tail" as const, "behind losses" as const),
    });
    const step = fc.oneof(
      { weight: 12, arbitrary: offer },
      { weight: 3, arbitrary: takeSome },
      { weight: 2, arbitrary: mark },
      { weight: 2, arbitrary: changeBounds },
      { weight: 2, arbitrary: changePolicy },
    );
    fc.assert(
      fc.property(policy, bounds, fc.array(step, { maxLength: 100, size: "max" }), (first, limits, steps) => {
        const line = makeLine(first, limits);
        const model = new PlainQueue<Message, Mark>(first, limits);
        let marks = WATERMARKS;
        let offset = 0;
        const check = () => {
          const { waiting } = model;
          assert.deepEqual([line.length, line.bytes], [waiting.length, weightOf(waiting)]);
          assert.deepEqual(
            line.lost,
            model.losses.map((loss) => loss.offset),
          );
          const { messages, bytes } = model.bounds;
          if (trims(model.policy)) assert.ok(line.length <= messages && line.bytes <= bytes);
          assert.equal(line.isHigh, line.length >= messages * marks.high || line.bytes >= bytes * marks.high);
          assert.equal(line.isLow, line.length <= messages * marks.low && line.bytes <= bytes * marks.low);
          assert.equal(line.isEmpty, model.line.length === 0);
          const owed = model.line.map((entry) =>
            isWaiting(entry) ? entry.first : isLost(entry) ? entry.lost.offset : Infinity,
          );
          assert.equal(line.lowestOffset, Math.min(...owed));
        };
        for (const step of steps) {
          switch (step.kind) {
            case "offer": {
              const next = message(++offset, step.looks);
              assert.equal(line.offer(next, 0), model.offer(next));
              break;
            }
            case "take":
              assert.deepEqual(take(line, 0, step.frames), takeFrom(model, step.frames));
              break;
            case "mark": {
              const frame = state("live", ++offset);
              line.mark(frame, step.where);
              model.line.push({ noted: { frame, where: step.where } });
              break;
            }
            case "changeBounds":
              marks = step.watermarks;
              line.changeBounds(step.bounds, marks, step.with);
              model.changeBounds(step.bounds, step.with);
              break;
            case "changePolicy":
              line.changePolicy(step.policy);
              model.changePolicy(step.policy);
              break;
          }
          check();
        }
        assert.deepEqual(take(line), takeFrom(model, Infinity));
        check();
      }),
      runs(1_000),
    );
  });

  it("keeps its books and its bounds with messages held back, and forgets no key", () => {
    const step = fc.oneof(
      { weight: 12, arbitrary: offer },
      { weight: 4, arbitrary: takeSome },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant("advance" as const),
          ms: fc.constantFrom(1, 30, 70, 100, 130),
        }),
      },
      { weight: 2, arbitrary: changeBounds },
      { weight: 1, arbitrary: changePolicy },
    );
    fc.assert(
      fc.property(policy, bounds, fc.array(step, { maxLength: 100, size: "max" }), (first, limits, steps) => {
        const line = makeLine(first, limits, INTERVAL_MS);
        const taken = new Set<number>();
        const gaps: GapFrame[] = [];
        /** By identity; those without one are all kept. */
        const newest = new Map<unknown, Message>();
        let [offset, offered, now] = [0, 0, 0];
        const receive = (frames: readonly SinkFrame[]) => {
          for (const frame of frames) {
            if (frame.kind === "gap") gaps.push(frame);
            if (frame.kind !== "message") continue;
            assert.ok(!taken.has(frame.offset) && !line.lost.includes(frame.offset));
            taken.add(frame.offset);
          }
        };
        const isTold = (lost: number) => gaps.some(({ from, to }) => from <= lost && lost <= to);
        const check = () => {
          const { overflow, oversize, conflated, messages, bytes } = line.counters();
          assert.deepEqual([messages, bytes], [line.length, line.bytes]);
          assert.equal(offered, taken.size + overflow + oversize + conflated + line.length);
          assert.equal(line.lost.length, overflow + oversize);
          assert.equal(new Set(line.lost).size, line.lost.length, "each is lost once");
          if (trims(line.overflow))
            assert.ok(line.length <= line.bounds.messages && line.bytes <= line.bounds.bytes);
          for (const { offset: last } of newest.values())
            assert.ok(taken.has(last) || line.lost.includes(last) || line.lowestOffset <= last);
          for (const lost of line.lost) assert.ok(isTold(lost) || line.lowestOffset <= lost);
        };
        for (const step of steps) {
          switch (step.kind) {
            case "offer": {
              const next = message(++offset, step.looks);
              const outcome = line.offer(next, now);
              if (outcome === "parked" || outcome === "overrun") break;
              offered++;
              newest.set(next.identity ?? offset, next);
              break;
            }
            case "take":
              receive(take(line, now, step.frames));
              break;
            case "advance":
              now += step.ms;
              line.releaseDue(now);
              break;
            case "changeBounds": {
              const { head } = line;
              line.changeBounds(step.bounds, step.watermarks, step.with);
              if (line.dueAt !== undefined) assert.equal(line.head, head, "what is held back goes first");
              break;
            }
            case "changePolicy":
              line.changePolicy(step.policy);
              break;
          }
          check();
        }
        line.releaseDue(Infinity);
        receive(take(line, now));
        check();
        assert.deepEqual([line.length, line.isEmpty, line.lowestOffset], [0, true, Infinity]);
        for (const { offset: last } of newest.values())
          assert.ok(taken.has(last) || line.lost.includes(last));
        assert.equal(
          gaps.reduce((sum, { count }) => sum + count!, 0),
          line.lost.length,
        );
        assert.ok(line.lost.every(isTold));
      }),
      runs(1_000),
    );
  });
});
