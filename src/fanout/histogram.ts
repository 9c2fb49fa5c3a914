/** How many values there were of which size, since the beginning. */
export interface HistogramSnapshot {
  /** Upper bounds of the buckets, rising. A value that equals a bound is in its bucket. */
  readonly bounds: readonly number[];
  /** Values in each bucket alone, not in those below it too. One more than there are bounds: the last has none. */
  readonly counts: readonly number[];
  /** Of all values. */
  readonly sum: number;
  /** Of values: the sum of `counts`. */
  readonly count: number;
}

/**
 * Counts values by size, in buckets whose bounds are fixed. What it holds does not grow, and to record a value
 * allocates nothing.
 */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds - rising */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  record(value: number, times = 1): void {
    const bounds = this.#bounds;
    // From below rather than by halves: nearly all values are small.
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.#counts[bucket]! += times;
    this.#sum += value * times;
  }

  snapshot(): HistogramSnapshot {
    const counts = [...this.#counts];
    const count = counts.reduce((sum, inBucket) => sum + inBucket, 0);
    return { bounds: this.#bounds, counts, sum: this.#sum, count };
  }
}
