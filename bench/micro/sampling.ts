/**
 * Measures a function with tinybench, and says what one operation of it costs.
 *
 * The figure is the median of the samples: on a machine that does other things too, the mean tells of those. Preparing
 * and clearing up go into the hooks, outside of the clock. A function that promises something is measured until the
 * promise is kept.
 *
 * @module
 */
import { Bench, type FnOptions } from "tinybench";
import type { Budget, Measurement } from "./table.ts";

/** Enough for a median, few enough for rows whose every sample takes milliseconds. */
const LEAST_SAMPLES = 10;
const LEAST_WARMUPS = 4;

export interface Samples {
  /** Of one call, in nanoseconds. */
  readonly median: number;
  readonly p99: number;
  readonly marginPercent: number;
}

/** @param operations - how many of the table's operations one call of `run` is */
export async function perOperation(
  budget: Budget,
  operations: number,
  run: () => unknown,
  hooks: FnOptions = {},
): Promise<Measurement> {
  const { median, marginPercent } = await sample(budget, run, hooks);
  return { nanoseconds: median / operations, marginPercent };
}

export async function sample(budget: Budget, run: () => unknown, hooks: FnOptions = {}): Promise<Samples> {
  const bench = new Bench({
    time: budget.timeMs,
    warmupTime: budget.warmupMs,
    iterations: LEAST_SAMPLES,
    warmupIterations: LEAST_WARMUPS,
    throws: true,
  });
  // What others left behind must not be collected in our time.
  globalThis.gc?.();
  bench.add("row", run, hooks);
  const [task] = await bench.run();
  const result = task?.result;
  if (result?.state !== "completed") throw new Error(`expected a completed task, got ${result?.state}`);
  const { p50, p99, rme } = result.latency;
  return { median: p50 * 1e6, p99: p99 * 1e6, marginPercent: rme };
}

let kept = 0;

/** Uses a result, so that no compiler can leave out the work that made it. */
export function keep(value: number): void {
  kept = (kept + value) | 0;
}

/** All results that were kept; that somebody could ask for them is what keeps them. */
export function everythingKept(): number {
  return kept;
}
