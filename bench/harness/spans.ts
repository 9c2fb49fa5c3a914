/**
 * Latencies by when the messages were due: the course of a trial, a histogram for each span of time.
 *
 * @module
 */
import type { HistogramData } from "../results.ts";
import { Histogram } from "./histogram.ts";

export class Spans {
  readonly #startNanos: number;
  readonly #spanNanos: number;
  readonly #histograms: (Histogram | undefined)[] = [];

  constructor(startNanos: number, spanNanos: number) {
    this.#startNanos = startNanos;
    this.#spanNanos = spanNanos;
  }

  record(intendedNanos: number, latencyNanos: number): void {
    const index = Math.max(0, Math.floor((intendedNanos - this.#startNanos) / this.#spanNanos));
    let histogram = this.#histograms[index];
    if (histogram === undefined) {
      histogram = new Histogram(2);
      this.#histograms[index] = histogram;
    }
    histogram.recordNanos(latencyNanos);
  }

  data(): (HistogramData | undefined)[] {
    return Array.from(this.#histograms, (histogram) => histogram?.data());
  }
}

/** One course out of those that several processes saw. */
export function mergedSpans(
  parts: readonly (readonly (HistogramData | undefined)[])[],
): (Histogram | undefined)[] {
  const spans: (Histogram | undefined)[] = [];
  for (const part of parts) {
    part.forEach((data, index) => {
      if (data === undefined) return;
      let histogram = spans[index];
      if (histogram === undefined) {
        histogram = new Histogram(2);
        spans[index] = histogram;
      }
      histogram.add(data);
    });
  }
  return Array.from(spans);
}
