/**
 * One figure of several configurations: its value for each, over all trials, and how it compares with the first.
 *
 * Trials of one block ran close together, so configurations are compared by the blocks that both have. With five blocks or
 * more there is an interval, which says how far the ratio moves had other blocks been drawn from those there are. With fewer
 * there are only the single blocks: two that agree are soon found by chance, and must not look like an interval.
 *
 * @module
 */
import type { HistogramData } from "../../results.ts";
import { type Distribution, decode, maximum, merge, onOneGrid, samplesFor } from "../distribution.ts";
import { randomFrom } from "../random.ts";
import { BLOCKS_FOR_INTERVAL, type Interval } from "../statistics.ts";
import type { Figure, QuantileFigure, SumFigure } from "./figures.ts";

const RESAMPLES = 1_000;

/** What a trial has of what a figure is about. */
export interface Sample<T> {
  readonly block: number;
  readonly figures: T;
}

export interface Compared {
  /** `undefined`: nothing to make it of, or too little. */
  readonly value: number | undefined;
  /** The least and the most of single trials; `undefined` with one. */
  readonly range: Interval | undefined;
  /** By the value of the first configuration; `undefined` for that one, and where the first is 0. */
  readonly ratio: number | undefined;
  /** The ratio in single blocks, where there are several. */
  readonly blocks: readonly number[];
  /** 95 %, of the ratio; `undefined` with fewer than five blocks. */
  readonly interval: Interval | undefined;
}

/** @param all - the samples of each configuration, the first of which is what the others are compared with */
export function compareFigure<T>(
  figure: Figure<T>,
  all: readonly (readonly Sample<T>[])[],
  seed: number,
): readonly Compared[] {
  return all.map((samples, index) => {
    const value = valueBy(figure, samples);
    const singles = samples.map((sample) => valueBy(figure, [sample])).filter((one) => one !== undefined);
    const range = singles.length < 2 ? undefined : rangeOf(singles);
    if (index === 0) return { value, range, ratio: undefined, blocks: [], interval: undefined };
    const [mine, first] = shared(samples, all[0]!);
    return { value, range, ...ratioOf(figure, mine, first, seed) };
  });
}

function ratioOf<T>(
  figure: Figure<T>,
  mine: readonly Sample<T>[],
  first: readonly Sample<T>[],
  seed: number,
): Pick<Compared, "ratio" | "blocks" | "interval"> {
  const [above, below] = [weigher(figure, mine), weigher(figure, first)];
  const ratioBy = (weights: readonly number[]) => quotient(above(weights), below(weights));
  const ratio = ratioBy(mine.map(() => 1));
  const count = mine.length;
  const blocks = mine
    .map((_, index) => ratioBy(mine.map((_, other) => (other === index ? 1 : 0))))
    .filter((one) => one !== undefined);
  if (ratio === undefined || count < 2) return { ratio, blocks: [], interval: undefined };
  return {
    ratio,
    blocks,
    interval: count < BLOCKS_FOR_INTERVAL ? undefined : intervalOf(ratioBy, count, seed),
  };
}

/** `undefined`: too few of the draws have a ratio. */
function intervalOf(
  ratioBy: (weights: readonly number[]) => number | undefined,
  blocks: number,
  seed: number,
): Interval | undefined {
  const random = randomFrom(seed);
  const ratios: number[] = [];
  for (let round = 0; round < RESAMPLES; round++) {
    const weights = new Array<number>(blocks).fill(0);
    for (let drawn = 0; drawn < blocks; drawn++) weights[Math.floor(random() * blocks)]! += 1;
    const ratio = ratioBy(weights);
    if (ratio !== undefined) ratios.push(ratio);
  }
  if (ratios.length < RESAMPLES / 2) return undefined;
  ratios.sort((a, b) => a - b);
  const at = (share: number): number => ratios[Math.round(share * (ratios.length - 1))]!;
  return { low: at(0.025), high: at(0.975) };
}

/** The samples of both by the blocks that both have, in the same order. */
function shared<T>(
  mine: readonly Sample<T>[],
  first: readonly Sample<T>[],
): readonly [readonly Sample<T>[], readonly Sample<T>[]] {
  const pairs = mine.flatMap((sample) => {
    const other = first.find(({ block }) => block === sample.block);
    return other === undefined ? [] : [[sample, other] as const];
  });
  return [pairs.map(([sample]) => sample), pairs.map(([, other]) => other)];
}

function valueBy<T>(figure: Figure<T>, samples: readonly Sample<T>[]): number | undefined {
  return weigher(figure, samples)(samples.map(() => 1));
}

type Weigher = (weights: readonly number[]) => number | undefined;

function weigher<T>(figure: Figure<T>, samples: readonly Sample<T>[]): Weigher {
  const all = samples.map(({ figures }) => figures);
  return "part" in figure ? sums(figure, all) : quantiles(figure, all);
}

function sums<T>({ part, of = () => 1 }: SumFigure<T>, all: readonly T[]): Weigher {
  const [parts, wholes] = [all.map(part), all.map(of)];
  return (weights) => {
    const whole = weighted(wholes, weights);
    return whole === 0 ? undefined : weighted(parts, weights) / whole;
  };
}

function quantiles<T>({ histogram, q, distinct }: QuantileFigure<T>, all: readonly T[]): Weigher {
  const distributions = all.map((one) => decoded(histogram(one)));
  if (q === 1) {
    return (weights) => maximum(merge(distributions.filter((_, index) => weights[index]! > 0)));
  }
  const grid = onOneGrid(distributions);
  const counts = all.map(distinct);
  return (weights) => (weighted(counts, weights) < samplesFor(q) ? undefined : grid.quantile(weights, q));
}

/** Decoding is what costs, and a histogram is asked for several quantiles. */
const known = new WeakMap<HistogramData, Distribution>();

function decoded(data: HistogramData): Distribution {
  const distribution = known.get(data) ?? decode(data);
  known.set(data, distribution);
  return distribution;
}

function weighted(values: readonly number[], weights: readonly number[]): number {
  return values.reduce((sum, value, index) => sum + value * weights[index]!, 0);
}

function quotient(above: number | undefined, below: number | undefined): number | undefined {
  return above === undefined || below === undefined || below === 0 ? undefined : above / below;
}

function rangeOf(values: readonly number[]): Interval {
  return { low: Math.min(...values), high: Math.max(...values) };
}
