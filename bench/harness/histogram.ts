/**
 * Histograms that can be taken apart, sent, merged and kept: HdrHistogram, in whole microseconds with three digits.
 *
 * Not the one of `node:perf_hooks`: it tells percentiles but not counts, so it can be merged only within its own process,
 * and nobody could make another table from it later.
 *
 * @module
 */
import type { IntervalHistogram } from "node:perf_hooks";
import * as hdr from "hdr-histogram-js";
import type { HistogramData } from "../results.ts";
import { NANOS_PER_MICRO } from "./clock.ts";

/** Longer than any trial lasts; what is longer still counts as this. */
const LONGEST_MICROS = 4 * 3600 * 1_000_000;

export class Histogram {
  readonly #counts: hdr.Histogram;

  /** @param digits - significant ones; fewer take less memory */
  constructor(digits: 2 | 3 = 3) {
    this.#counts = hdr.build({
      bitBucketSize: 32,
      autoResize: true,
      highestTrackableValue: 1_000_000,
      numberOfSignificantValueDigits: digits,
    });
  }

  recordNanos(nanos: number, count = 1): void {
    this.recordMicros(nanos / NANOS_PER_MICRO, count);
  }

  /** What is negative, because clocks were read in another order, counts as 0. */
  recordMicros(micros: number, count = 1): void {
    if (count === 0) return;
    const value = Math.min(Math.max(Math.round(micros), 0), LONGEST_MICROS);
    if (count === 1) this.#counts.recordValue(value);
    else this.#counts.recordValueWithCount(value, count);
  }

  add(other: HistogramData): void {
    if (other.count > 0) this.#counts.add(hdr.decodeFromCompressedBase64(other.hdr));
  }

  get count(): number {
    return this.#counts.totalCount;
  }

  get maxMicros(): number {
    return this.count === 0 ? 0 : this.#counts.maxValue;
  }

  /** @param quantile - 0.99 */
  micros(quantile: number): number {
    return this.#counts.getValueAtPercentile(quantile * 100);
  }

  reset(): void {
    this.#counts.reset();
  }

  data(): HistogramData {
    return { hdr: hdr.encodeIntoCompressedBase64(this.#counts), count: this.count };
  }
}

export function merged(parts: readonly HistogramData[], digits: 2 | 3 = 3): Histogram {
  const sum = new Histogram(digits);
  for (const part of parts) sum.add(part);
  return sum;
}

/**
 * What Node's monitor saw, as one that can be kept: exact at the percentiles that Node tells, which lie the closer together
 * the nearer they are to the maximum.
 *
 * Node counts the time between two wake-ups; the delay is what exceeds its resolution. A loop that is held up for 100 ms
 * makes one such count where there would have been many, so those are put in: each wake-up that was due meanwhile, with
 * the rest of the time that it had to wait.
 */
export function loopDelay(
  monitor: Pick<IntervalHistogram, "percentiles" | "count">,
  resolutionMs: number,
): Histogram {
  const delays = new Histogram();
  const resolutionMicros = resolutionMs * 1_000;
  let counted = 0;
  for (const [percentile, nanos] of [...monitor.percentiles].sort(([a], [b]) => a - b)) {
    const upTo = Math.round((percentile / 100) * monitor.count);
    const count = upTo - counted;
    if (count <= 0) continue;
    const delay = nanos / NANOS_PER_MICRO - resolutionMicros;
    delays.recordMicros(delay, count);
    for (let rest = delay - resolutionMicros; rest > 0; rest -= resolutionMicros)
      delays.recordMicros(rest, count);
    counted = upTo;
  }
  return delays;
}
