import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { CompactedLog } from "../../src/fanout/compacted-log.ts";
import { Message } from "../../src/fanout/message.ts";
import { type LogReader, type ReplayLog, SequentialLog } from "../../src/fanout/replay-log.ts";
import { handHub } from "../support/engine.ts";
import { failOnLeaks } from "../support/leaks.ts";
import { runs } from "../support/property.ts";
import { ValveSink } from "../support/valve-sink.ts";

failOnLeaks();

function message(
  offset: number,
  bytes: number,
  publishedAtMs: number,
  key?: string,
  tombstone = false,
): Message {
  return new Message({
    topic: "a",
    offset,
    previousOffset: 0,
    key,
    headers: undefined,
    publishedAtMs,
    payload: new Uint8Array(0),
    tombstone,
    expiresAtMs: undefined,
    publishedAtWatch: 0,
    lingerMs: 0,
    bytes,
  });
}

function rest(reader: LogReader): number[] {
  const offsets: number[] = [];
  for (let next = reader.peek(); next !== undefined; next = reader.peek()) {
    offsets.push(next.offset);
    reader.advance();
  }
  return offsets;
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      skip: fc.integer({ min: 1, max: 3 }),
      bytes: fc.nat(12),
      passMs: fc.nat(20),
      key: fc.constantFrom("x", "y", "z", "u", "v"),
      tombstone: fc.constantFrom(false, false, true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("expire" as const), passMs: fc.nat(100) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("advance" as const), which: fc.nat(3) }) },
);

/** A reader beside what it should see. */
interface Reading {
  readonly reader: LogReader;
  behind: number;
  skipped: number;
}

describe("a log of the newest messages", () => {
  it("is a plain array with bounds, and its readers miss nothing that they are not told", () => {
    fc.assert(
      fc.property(
        fc.record({
          messages: fc.integer({ min: 1, max: 9 }),
          bytes: fc.integer({ min: 1, max: 40 }),
          ageMs: fc.constantFrom(Infinity, 30, 100),
        }),
        fc.array(step, { maxLength: 150, size: "max" }),
        (bounds, steps) => {
          const log = new SequentialLog(bounds);
          const plain: Message[] = [];
          let [offset, nowMs, trimmedThrough] = [0, 0, 0];
          const readings: Reading[] = [];
          const trim = () => {
            const gone = plain.shift()!;
            trimmedThrough = gone.offset;
            for (const reading of readings) if (gone.offset > reading.behind) reading.skipped++;
          };
          for (const action of steps) {
            if (action.kind === "append") {
              offset += action.skip;
              nowMs += action.passMs;
              const added = message(offset, action.bytes, nowMs);
              log.append(added);
              plain.push(added);
              const bytes = () => plain.reduce((sum, each) => sum + each.bytes, 0);
              while (plain.length > bounds.messages || bytes() > bounds.bytes) trim();
              assert.equal(log.bytes, bytes());
            } else if (action.kind === "expire") {
              nowMs += action.passMs;
              log.expire(nowMs);
              while (plain[0] !== undefined && nowMs - plain[0].publishedAtMs > bounds.ageMs) trim();
            } else if (action.kind === "read") {
              const behind = Math.floor(action.share * offset);
              readings.push({ reader: log.readAfter(behind), behind, skipped: 0 });
              assert.deepEqual(
                rest(log.readAfter(behind)),
                plain.map((each) => each.offset).filter((each) => each > behind),
              );
            } else {
              const reading = readings[action.which];
              if (reading === undefined) continue;
              const next = plain.find((each) => each.offset > reading.behind);
              assert.equal(reading.reader.peek(), next);
              assert.equal(reading.reader.takeSkipped(), reading.skipped);
              reading.skipped = 0;
              if (next !== undefined) reading.reader.advance();
              reading.behind = next?.offset ?? reading.behind;
            }
            assert.equal(log.length, plain.length);
            assert.equal(log.trimmedThrough, trimmedThrough);
            assert.deepEqual([...log.backwards()], plain.toReversed());
            for (const atMs of [0, nowMs - 50, nowMs, nowMs + 1]) {
              const first = plain.find((each) => each.publishedAtMs >= atMs);
              assert.equal(log.offsetBefore(atMs), first === undefined ? Infinity : first.offset - 1);
            }
          }
        },
      ),
      runs(400),
    );
  });
});

describe("a log of the latest message per key", () => {
  it("is a plain map in the order of changes, and its readers miss no key without being told", () => {
    fc.assert(
      fc.property(
        fc.record({ keys: fc.integer({ min: 1, max: 6 }), tombstoneAgeMs: fc.constantFrom(Infinity, 40) }),
        fc.array(step, { maxLength: 200, size: "max" }),
        (bounds, steps) => {
          const log = new CompactedLog(bounds);
          let plain: Message[] = [];
          let [offset, nowMs, trimmedThrough] = [0, 0, 0];
          const readings: Reading[] = [];
          const trim = (gone: Message) => {
            plain = plain.filter((each) => each !== gone);
            trimmedThrough = Math.max(trimmedThrough, gone.offset);
            for (const reading of readings) if (gone.offset > reading.behind) reading.skipped++;
          };
          for (const action of steps) {
            if (action.kind === "append") {
              offset += action.skip;
              nowMs += action.passMs;
              const added = message(offset, action.bytes, nowMs, action.key, action.tombstone);
              log.append(added);
              plain = [...plain.filter(({ key }) => key !== action.key), added];
              if (plain.length > bounds.keys) trim(plain[0]!);
            } else if (action.kind === "expire") {
              nowMs += action.passMs;
              log.expire(nowMs);
              for (const each of plain) {
                if (each.tombstone && nowMs - each.publishedAtMs > bounds.tombstoneAgeMs) trim(each);
              }
            } else if (action.kind === "read") {
              const behind = Math.floor(action.share * offset);
              readings.push({ reader: log.readAfter(behind), behind, skipped: 0 });
              assert.deepEqual(
                rest(log.readAfter(behind)),
                plain.map((each) => each.offset).filter((each) => each > behind),
              );
            } else {
              const reading = readings[action.which];
              if (reading === undefined) continue;
              const next = plain.find((each) => each.offset > reading.behind);
              assert.equal(reading.reader.peek(), next);
              const told = reading.reader.takeSkipped();
              assert.ok(told === 0 || told === undefined);
              if (reading.skipped > 0)
                assert.equal(told, undefined, "a key was forgotten before it was read");
              reading.skipped = 0;
              if (next !== undefined) reading.reader.advance();
              reading.behind = next?.offset ?? reading.behind;
            }
            assert.equal(log.length, plain.length);
            assert.equal(
              log.bytes,
              plain.reduce((sum, each) => sum + each.bytes, 0),
            );
            assert.equal(log.trimmedThrough, trimmedThrough);
            assert.deepEqual([...log.backwards()], plain.toReversed());
          }
        },
      ),
      runs(400),
    );
  });
});

describe("a log that is read backwards while it changes", () => {
  /** The offsets that it yields when `change` is done after the first `after` of them. */
  function walk(log: ReplayLog, after: number, change: () => void): number[] {
    const offsets: number[] = [];
    for (const { offset } of log.backwards()) {
      offsets.push(offset);
      if (offsets.length === after) change();
    }
    return offsets;
  }

  it("goes on below what it has yielded, and ends where it was trimmed to", () => {
    const bounds = { messages: 10, bytes: 1_000, ageMs: Infinity };
    const filled = () => {
      const log = new SequentialLog(bounds);
      for (let offset = 1; offset <= 10; offset++) log.append(message(offset, 1, 0));
      return log;
    };
    const less = filled();
    assert.deepEqual(
      walk(less, 2, () => less.changeBounds({ ...bounds, messages: 4 })),
      [10, 9, 8, 7],
    );
    const none = filled();
    assert.deepEqual(
      walk(none, 2, () => none.clear()),
      [10, 9],
    );
    const more = filled();
    const append = () => {
      for (const offset of [11, 12, 13]) more.append(message(offset, 1, 0));
    };
    assert.deepEqual(walk(more, 2, append), [10, 9, 8, 7, 6, 5, 4]);
  });

  it("leaves out keys that were forgotten or changed meanwhile, and yields none twice", () => {
    const bounds = { keys: 100, tombstoneAgeMs: Infinity };
    const filled = () => {
      const log = new CompactedLog(bounds);
      for (let offset = 1; offset <= 100; offset++) log.append(message(offset, 1, 0, `${offset}`));
      return log;
    };
    const less = filled();
    assert.deepEqual(
      walk(less, 2, () => less.changeBounds({ ...bounds, keys: 4 })),
      [100, 99, 98, 97],
    );
    const changed = filled();
    const replace = () => {
      // So often that it gives the vacant places up.
      for (let offset = 101; offset <= 300; offset++)
        changed.append(message(offset, 1, 0, `${98 - (offset % 90)}`));
    };
    assert.deepEqual(walk(changed, 2, replace), [100, 99, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it("tells where the newest begin, also to one whose filter has the log made smaller", () => {
    const { hub, clock } = handHub({ retention: { messages: 100 } });
    for (let count = 0; count < 50; count++) hub.publish("a", "x");
    const sink = new ValveSink();
    const filter = () => {
      hub.reconfigure({ retention: { messages: 3 } });
      return true;
    };
    hub.attach({ patterns: ["a"], start: { newest: 40 }, filter }, sink);
    clock.settle();
    assert.deepEqual(sink.offsets, [48, 49, 50]);
  });
});

describe("a log whose bound becomes much smaller", () => {
  const KEYS = 200_000;
  const TRIES = 5;
  const bounds = { keys: KEYS, tombstoneAgeMs: Infinity };

  for (const [what, left, trim] of [
    ["all but ten", 10, (log: CompactedLog) => log.changeBounds({ ...bounds, keys: 10 })],
    ["all", 0, (log: CompactedLog) => log.clear()],
  ] as const) {
    it(`trims ${what} of its keys in one walk`, () => {
      // In a walk for every key it takes more than ten times as long as to append them; in one, a fraction of that.
      const shares: number[] = [];
      do {
        const log = new CompactedLog(bounds);
        const begun = performance.now();
        for (let offset = 1; offset <= KEYS; offset++) log.append(message(offset, 1, 0, `${offset}`));
        const reader = log.readAfter(0);
        const filled = performance.now();
        trim(log);
        shares.push((performance.now() - filled) / (filled - begun));
        assert.deepEqual([log.length, log.bytes, log.trimmedThrough], [left, left, KEYS - left]);
        assert.equal(rest(reader).length, left);
      } while (shares.at(-1)! >= 2 && shares.length < TRIES);
      assert.ok(shares.at(-1)! < 2, `times as long as to append: ${shares}`);
    });
  }
});
