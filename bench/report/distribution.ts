/**
 * Distributions out of raw histograms: decoded, merged and asked for quantiles.
 *
 * Percentiles are never averaged: counts are added up, and the quantile is taken of the sum. A quantile of too few
 * samples is `undefined`, not a guess; a table prints it as n/a.
 *
 * @module
 */
import { decodeFromCompressedBase64, JsHistogram } from "hdr-histogram-js";
import type { HistogramData } from "../results.ts";

/** Counts by value, ascending. A value is the highest that its bucket stands for, as HdrHistogram reports it. */
export interface Distribution {
  readonly values: Float64Array;
  readonly counts: Float64Array;
  readonly total: number;
}

export const EMPTY: Distribution = { values: new Float64Array(), counts: new Float64Array(), total: 0 };

/** @throws Error when the histogram holds another number of values than is written beside it. */
export function decode(data: HistogramData): Distribution {
  if (data.count === 0) return EMPTY;
  const histogram = decodeFromCompressedBase64(data.hdr);
  if (!(histogram instanceof JsHistogram)) throw new TypeError("a histogram was decoded as something else");
  const values: number[] = [];
  const counts: number[] = [];
  let total = 0;
  for (let index = 0; index < histogram.countsArrayLength; index++) {
    const count = histogram.getCountAtIndex(index);
    if (count === 0) continue;
    values.push(histogram.highestEquivalentValue(histogram.valueFromIndex(index)));
    counts.push(count);
    total += count;
  }
  if (total !== data.count) {
    throw new Error(
      `a histogram holds ${total} values and is said to hold ${data.count}: the file is damaged`,
    );
  }
  return { values: Float64Array.from(values), counts: Float64Array.from(counts), total };
}

export function merge(distributions: readonly Distribution[]): Distribution {
  const counts = new Map<number, number>();
  for (const one of distributions) {
    for (const [index, value] of one.values.entries()) {
      counts.set(value, (counts.get(value) ?? 0) + one.counts[index]!);
    }
  }
  const values = Float64Array.from(counts.keys()).sort();
  return {
    values,
    counts: values.map((value) => counts.get(value)!),
    total: distributions.reduce((sum, one) => sum + one.total, 0),
  };
}

/** Samples that a quantile below 1 needs: ten beyond it. */
export function samplesFor(quantile: number): number {
  return Math.round(10 / (1 - quantile));
}

/**
 * The value that the share `q` of all is not above; `undefined` with fewer than {@link samplesFor} samples. `q` < 1.
 *
 * @param distinct how many of the samples are independent of one another: those of the subscribers that one message
 *   went to share its fate, and count as one
 */
export function quantile(
  distribution: Distribution,
  q: number,
  distinct = distribution.total,
): number | undefined {
  return distinct < samplesFor(q) ? undefined : onOneGrid([distribution]).quantile([1], q);
}

/** Several distributions over the same values, so that many weighted sums of them can be asked for a quantile. */
export interface Grid {
  /** Of the sum in which each distribution counts as often as its weight says. */
  quantile(weights: readonly number[], q: number): number | undefined;
}

export function onOneGrid(distributions: readonly Distribution[]): Grid {
  const only = distributions.length === 1 ? distributions[0] : undefined;
  const values = only?.values ?? merge(distributions).values;
  const rows = only ? [only.counts] : distributions.map((one) => spread(one, values));
  return {
    quantile(weights, q) {
      const total = distributions.reduce((sum, one, which) => sum + weights[which]! * one.total, 0);
      if (total < samplesFor(q)) return undefined;
      // Counted from above, where the few are. The added part allows for what 1 - q cannot say exactly.
      const above = Math.floor((1 - q) * total + 1e-6);
      let seen = 0;
      for (let index = values.length - 1; index >= 0; index--) {
        for (let which = 0; which < rows.length; which++) seen += weights[which]! * rows[which]![index]!;
        if (seen > above) return values[index];
      }
      return undefined;
    },
  };
}

/** Its counts, with a 0 for each of those values that it does not have. */
function spread(distribution: Distribution, values: Float64Array): Float64Array {
  let from = 0;
  return values.map((value) => (distribution.values[from] === value ? distribution.counts[from++]! : 0));
}

/** The highest value; `undefined` when there is none. */
export function maximum({ values, counts }: Distribution): number | undefined {
  for (let index = values.length - 1; index >= 0; index--) if (counts[index]! > 0) return values[index];
  return undefined;
}
