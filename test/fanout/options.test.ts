import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Hub, type HubOptions } from "../../src/index.ts";
import { failOnLeaks } from "../support/leaks.ts";

failOnLeaks();

/** Wrong options, and the whole message: expected, got, and where. */
const wrong: readonly (readonly [given: unknown, error: string])[] = [
  [{ queue: { messages: 0 } }, "RangeError: queue.messages must be a whole number of at least 1, got 0"],
  [{ queue: { messages: 1.5 } }, "RangeError: queue.messages must be a whole number of at least 1, got 1.5"],
  [{ queue: { messages: "8" } }, "RangeError: queue.messages must be a whole number of at least 1, got 8"],
  [{ queue: { bytes: Number.NaN } }, "RangeError: queue.bytes must be a whole number of at least 1, got NaN"],
  [
    { maxQueue: { bytes: Infinity } },
    "RangeError: maxQueue.bytes must be a whole number of at least 1, got Infinity",
  ],
  [{ maxMessageBytes: -1 }, "RangeError: maxMessageBytes must be a whole number of at least 1, got -1"],
  [{ maxSubscriptions: 0 }, "RangeError: maxSubscriptions must be a whole number of at least 1, got 0"],
  [{ maxTopics: 1 }, "RangeError: maxTopics must be a whole number of at least 2, got 1"],
  [{ minBytesPerSecond: 0 }, "RangeError: minBytesPerSecond must be a whole number of at least 1, got 0"],
  [{ batch: { frames: 0 } }, "RangeError: batch.frames must be a whole number of at least 1, got 0"],
  [{ batch: { bytes: 0 } }, "RangeError: batch.bytes must be a whole number of at least 1, got 0"],
  [{ flush: { batches: 0 } }, "RangeError: flush.batches must be a whole number of at least 1, got 0"],
  [
    { flush: { sliceMs: -1 } },
    "RangeError: flush.sliceMs must be a number of milliseconds from 0 to 2147483647, got -1",
  ],
  [
    { stallTimeoutMs: Number.NaN },
    "RangeError: stallTimeoutMs must be a number of milliseconds from 0 to 2147483647, got NaN",
  ],
  [
    { stallTimeoutMs: Infinity },
    "RangeError: stallTimeoutMs must be a number of milliseconds from 0 to 2147483647, got Infinity",
  ],
  [
    { escalation: [{ when: { stalledForMs: "60s" }, policy: "evict" }] },
    "RangeError: escalation[0].when.stalledForMs must be a number of milliseconds from 0 to 2147483647, got 60s",
  ],
  [
    { progressIntervalMs: -5 },
    "RangeError: progressIntervalMs must be a number of milliseconds from 0 to 2147483647, got -5",
  ],
  [
    { overflow: "drop" },
    "TypeError: overflow must be one of drop-oldest, drop-newest, conflate, park, block, evict, got drop",
  ],
  [{ epoch: "" }, 'TypeError: epoch must be 1 to 64 letters, digits, "-" or "_", got '],
  [{ epoch: "a b" }, 'TypeError: epoch must be 1 to 64 letters, digits, "-" or "_", got a b'],
  [
    { epoch: "e".repeat(65) },
    `TypeError: epoch must be 1 to 64 letters, digits, "-" or "_", got ${"e".repeat(65)}`,
  ],
];

describe("hub options", () => {
  for (const [given, expected] of wrong) {
    it(`refuses ${JSON.stringify(given).slice(0, 60)}, saying what was expected and what came`, () => {
      assert.throws(
        () => new Hub(given as HubOptions),
        (error) => {
          assert.equal(String(error), expected);
          return true;
        },
      );
    });
  }

  it("refuses a name that it does not know and lists those that it does, prototype names included", () => {
    for (const name of ["overlow", "constructor", "toString"]) {
      assert.throws(() => new Hub({ [name]: 1 } as HubOptions), {
        name: "TypeError",
        message: new RegExp(`^unknown Hub option "${name}"; known are preset, overflow, .*clock$`),
      });
    }
  });

  it("refuses a misspelt name inside queue, maxQueue, batch, flush and watermarks too", () => {
    for (const owner of ["queue", "maxQueue", "batch", "flush", "watermarks"]) {
      assert.throws(() => new Hub({ [owner]: { mesages: 5 } } as HubOptions), {
        name: "TypeError",
        message: new RegExp(`^unknown ${owner} option "mesages"; known are `),
      });
    }
  });

  it("works without any, and what is not given stays at its default", async () => {
    await using hub = new Hub();
    await using partly = new Hub({ queue: { messages: 7 } });
    await using odd = new Hub(undefined);
    assert.match(hub.epoch, /^[\w-]{36}$/);
    assert.notEqual(hub.epoch, odd.epoch);
    assertGranted(hub.subscribe("a").stats(), { messages: 1024, bytes: 1024 * 1024 });
    assertGranted(partly.subscribe("a").stats(), { messages: 7, bytes: 1024 * 1024 });
    for (const each of [hub, partly]) void each.close({ drainTimeoutMs: 0 });
  });

  it("a drain time-out longer than a timer can hold is refused instead of firing at once", () => {
    const hub = new Hub();
    for (const drainTimeoutMs of [2 ** 31, Infinity, -1, Number.NaN]) {
      assert.throws(() => hub.close({ drainTimeoutMs }), {
        name: "RangeError",
        message: `drainTimeoutMs must be a number of milliseconds from 0 to 2147483647, got ${drainTimeoutMs}`,
      });
    }
    assert.equal(hub.closing, false);
  });
});

function assertGranted(
  stats: { readonly capacity: unknown; readonly overflow: string },
  capacity: object,
): void {
  assert.deepEqual(stats.capacity, capacity);
  assert.equal(stats.overflow, "drop-oldest");
}
