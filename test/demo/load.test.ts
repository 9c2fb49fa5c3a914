import assert from "node:assert/strict";
import { test } from "node:test";
import { latencyOf } from "../../examples/demo/latency.ts";
import { formatLoad, Load, type LoadMessage, parseLoad, Schedule } from "../../examples/demo/load.ts";

test("a message of the load has its size, and is read as it was written", () => {
  const message = { sequence: 17, dueNs: 2n ** 60n + 1n };
  const text = formatLoad(message, 1024);
  assert.equal(Buffer.byteLength(text), 1024);
  assert.deepEqual(parseLoad(text), message);
});

test("another text is refused, and quoted", () => {
  assert.throws(() => parseLoad("data mock for: 3"), /got "data mock for: 3"/);
});

test("a schedule knows the first message that is due at a time", () => {
  const schedule = new Schedule(11, 1_000n, 1e8);
  assert.equal(schedule.dueNs(11), 1_000n);
  assert.equal(schedule.dueNs(13), 1_020n);
  assert.equal(schedule.firstDueAt(0n), 11);
  assert.equal(schedule.firstDueAt(1_000n), 11);
  assert.equal(schedule.firstDueAt(1_001n), 12);
  assert.equal(schedule.firstDueAt(1_010n), 12);
});

test("a load that was kept waiting publishes everything that was due, as due when it was", async () => {
  const published: LoadMessage[] = [];
  const { promise, resolve } = promiseOf<void>();
  const load = new Load((message) => {
    // Holds up the process for ten periods.
    if (published.length === 0)
      for (const until = message.dueNs + 10_000_000n; process.hrtime.bigint() < until; );
    published.push(message);
    if (published.length === 30) resolve();
  });
  const schedule = load.pace(1_000);
  assert.ok(published.length >= 10, `${published.length} were published at once`);
  await promise;
  load.stop();
  published.forEach((message, index) => {
    assert.deepEqual(message, { sequence: index + 1, dueNs: schedule.dueNs(index + 1) });
  });
});

test("a new pace goes on with the next sequence number", () => {
  const sequences: number[] = [];
  const load = new Load(({ sequence }) => sequences.push(sequence));
  load.pace(1);
  const schedule = load.pace(1);
  load.stop();
  assert.deepEqual(sequences, [1, 2]);
  assert.equal(schedule.firstSequence, 2);
});

test("percentiles are exact", () => {
  const samples = Array.from({ length: 200 }, (_, index) => 200 - index);
  assert.deepEqual(latencyOf(samples), { count: 200, p50: 100, p99: 198, max: 200 });
  assert.equal(latencyOf([7]).p99, 7);
});

function promiseOf<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
