import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { publishBySchedule, type Time } from "../../../bench/harness/publisher.ts";
import { type Phase, Schedule } from "../../../bench/harness/schedule.ts";
import { runs } from "../../support/property.ts";

const MS = 1_000_000;

/** Time that passes only when somebody waits, or when a test says so. */
class ManualTime implements Time {
  nanos = 0;
  turns = 0;

  nowNanos(): number {
    return this.nanos;
  }

  async waitUntil(nanos: number): Promise<void> {
    this.nanos = Math.max(this.nanos, nanos);
    this.turns++;
  }
}

interface Published {
  readonly sequence: number;
  readonly intendedNanos: number;
  readonly atNanos: number;
  readonly turn: number;
}

async function publish(phases: readonly Phase[], time: ManualTime, costNanos: (sequence: number) => number) {
  const published: Published[] = [];
  const late: number[] = [];
  await publishBySchedule(new Schedule(phases), 0, time, {
    late: (nanos) => late.push(nanos),
    publish(sequence, intendedNanos) {
      published.push({ sequence, intendedNanos, atNanos: time.nanos, turn: time.turns });
      time.nanos += costNanos(sequence);
    },
  });
  return { published, late };
}

const phase = fc
  .record({
    burst: fc.integer({ min: 1, max: 5 }),
    turns: fc.integer({ min: 1, max: 12 }),
    ms: fc.integer({ min: 1, max: 9 }),
  })
  .map(
    ({ burst, turns, ms }): Phase => ({ burst, rate: (burst * 1_000) / ms, seconds: (turns * ms) / 1_000 }),
  );

describe("the schedule", () => {
  it("says when each message is due, before any is published", () => {
    const schedule = new Schedule([
      { rate: 100, burst: 1, seconds: 0.03 },
      { rate: 2_000, burst: 4, seconds: 0.004 },
    ]);
    assert.equal(schedule.messages, 3 + 8);
    assert.equal(schedule.durationNanos, 34 * MS);
    const due = Array.from({ length: 11 }, (_, sequence) => schedule.messageDueNanos(sequence) / MS);
    assert.deepEqual(due, [0, 10, 20, 30, 30, 30, 30, 32, 32, 32, 32]);
  });

  it("refuses a phase in which nothing is due", () => {
    assert.throws(() => new Schedule([{ rate: 1, burst: 1, seconds: 0.1 }]), RangeError);
    assert.throws(() => new Schedule([{ rate: 0, burst: 1, seconds: 1 }]), RangeError);
    assert.throws(() => new Schedule([{ rate: 10, burst: 0.5, seconds: 1 }]), RangeError);
  });
});

describe("the publisher", () => {
  it("publishes everything once and in order, and stamps it with the time it was due, however long publishing takes", async () => {
    const costs = fc.array(fc.integer({ min: 0, max: 30 * MS }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(phase, { minLength: 1, maxLength: 3 }), costs, async (phases, cost) => {
        const schedule = new Schedule(phases);
        const { published, late } = await publish(
          phases,
          new ManualTime(),
          (sequence) => cost[sequence % cost.length]!,
        );
        assert.deepEqual(
          published.map(({ sequence, intendedNanos }) => [sequence, intendedNanos]),
          Array.from({ length: schedule.messages }, (_, sequence) => [
            sequence,
            schedule.messageDueNanos(sequence),
          ]),
        );
        published.forEach(({ atNanos, intendedNanos }, index) => {
          assert.ok(atNanos >= intendedNanos, "never too early");
          assert.equal(late[index], atNanos - intendedNanos);
        });
      }),
      runs(200),
    );
  });

  it("is punctual when publishing takes no time: one turn for each burst", async () => {
    const { published, late } = await publish(
      [{ rate: 400, burst: 2, seconds: 0.02 }],
      new ManualTime(),
      () => 0,
    );
    assert.deepEqual(
      published.map(({ turn }) => turn),
      [1, 1, 2, 2, 3, 3, 4, 4],
    );
    assert.ok(late.every((nanos) => nanos === 0));
  });

  it("catches up at once with what has become due, and then gives way before it looks again", async () => {
    // The first takes as long as ten intervals.
    const { published } = await publish(
      [{ rate: 1_000, burst: 1, seconds: 0.015 }],
      new ManualTime(),
      (sequence) => (sequence === 0 ? 10 * MS : 0),
    );
    assert.deepEqual(
      published.map(({ turn }) => turn),
      [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4, 5, 6],
    );
  });

  it("does not publish in one turn what becomes due while that turn lasts", async () => {
    const { published } = await publish(
      [{ rate: 1_000, burst: 1, seconds: 0.006 }],
      new ManualTime(),
      () => 2 * MS,
    );
    assert.deepEqual(
      published.map(({ turn }) => turn),
      [1, 2, 2, 3, 3, 3],
    );
  });
});
