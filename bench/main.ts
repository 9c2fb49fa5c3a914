/**
 * Micro-benchmarks of the engine: `npm run bench`. Compare the rows of one table with one another; absolute times
 * belong to the machine and the moment.
 *
 * @module
 */
import type { Bench } from "tinybench";
import { publishBench } from "./micro/publish.ts";
import { queueBench } from "./micro/queue.ts";

const benches: (() => Bench)[] = [queueBench, ...[1, 100, 1_000].map((n) => () => publishBench(n))];

for (const make of benches) {
  const bench = make();
  console.log(`\n${bench.name}`);
  await bench.run();
  console.table(
    bench.tasks.map((task) => {
      if (task.result.state !== "completed") throw new Error(`${task.name} ended as ${task.result.state}`);
      const { p50, p99 } = task.result.latency;
      return { system: task.name, "p50 µs": (p50 * 1000).toFixed(1), "p99 µs": (p99 * 1000).toFixed(1) };
    }),
  );
}
// The hub of each table still has its subscriptions; nothing is left to deliver.
process.exit(0);
