import PQueue from "p-queue";
import { Bench } from "tinybench";
import { Hub } from "../../src/fanout/index.ts";
import { NullSink } from "./null-sink.ts";

const payload = new Uint8Array(128);
const MESSAGES = 16;

/**
 * Publishes `MESSAGES` messages to `subscribers` sinks that take everything, and waits until all have them: the
 * engine alone. Beside it the obvious other way, a promise queue per subscriber.
 */
export function publishBench(subscribers: number): Bench {
  const bench = new Bench({
    name: `fan-out of ${MESSAGES} messages to ${subscribers} null sinks`,
    time: 500,
  });
  const hub = new Hub({ flush: { batches: 1_000_000, sliceMs: 10_000 } });
  const sinks = Array.from({ length: subscribers }, () => new NullSink());
  for (const sink of sinks) hub.attach({ patterns: ["bench.topic"] }, sink);
  bench.add("spillway", async () => {
    for (let index = 0; index < MESSAGES; index++) hub.publish("bench.topic", payload);
    await new Promise<void>((resolve) => setImmediate(resolve));
  });
  const queues = sinks.map(() => new PQueue({ concurrency: 1 }));
  const deliver = async () => {};
  bench.add("p-queue per subscriber", async () => {
    for (let index = 0; index < MESSAGES; index++) {
      for (const queue of queues) void queue.add(deliver);
    }
    await Promise.all(queues.map((queue) => queue.onIdle()));
  });
  return bench;
}
