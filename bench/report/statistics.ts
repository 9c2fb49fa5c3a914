/**
 * What may be said about a cell, and about a cell beside its control.
 *
 * Trials with problems do not count, anywhere. Two cells are compared by the blocks that both have: trials of one block
 * ran close together, so what the machine did meanwhile hit both. The interval says how far the ratio moves when other
 * blocks had been drawn from those there are. With few blocks it is narrower than its 95 % promise: in simulations with
 * noise of its own in each trial, 10 blocks covered the truth in 93 %, 5 in 86 %, 3 in 79 %; with fewer than 5 there is none.
 *
 * @module
 */
import type { Cell, HistogramData, Trial } from "../results.ts";
import { type Distribution, decode, merge, onOneGrid, samplesFor } from "./distribution.ts";
import { randomFrom } from "./random.ts";

/** Blocks that an interval needs. */
export const BLOCKS_FOR_INTERVAL = 5;
const RESAMPLES = 1_000;

export interface Range {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** A cell beside its control, over the blocks that both have. What could not be computed is absent, and `why` says it. */
export interface Comparison {
  readonly blocks: number;
  /** Merged p99 of the cell through that of the control. */
  readonly ratio?: number;
  /** The p99 of the cell was never delivered: `ratio` and `differenceMs` are the least that they can be. */
  readonly atLeast?: boolean;
  /** 95 %, of `ratio`. */
  readonly interval?: Interval;
  /** Merged p99 of the cell less that of the control, milliseconds. */
  readonly differenceMs?: number;
  /** Merged p99 of the control, milliseconds. */
  readonly controlMs?: number;
  /** Received by healthy subscribers, of what they were to receive; absent where nothing was expected. */
  readonly delivered?: { readonly cell: number; readonly control: number };
  /** Messages received per second of the schedule, of the cell through the control. */
  readonly throughput?: number;
  readonly why?: string;
}

export function validTrials(cell: Cell): readonly Trial[] {
  return cell.trials.filter((trial) => trial.problems.length === 0);
}

/** All values of one kind, of all trials that count. */
export function distributionOf(cell: Cell, which: (trial: Trial) => HistogramData): Distribution {
  return merge(validTrials(cell).map((trial) => decode(which(trial))));
}

/**
 * Whether so much never came that the quantile `q` is the time waited until the trial ended: the true one is longer.
 * 1 is the maximum.
 */
export function isCensored(trials: readonly Trial[], q: number): boolean {
  const sum = (of: (books: Trial["books"]) => number): number =>
    trials.reduce((total, { books }) => total + of(books), 0);
  const undelivered = sum((books) => books.undelivered);
  return undelivered > 0 && undelivered > (1 - q) * sum((books) => books.expected);
}

/** Distinct messages: a percentile of latency needs enough of these, not of deliveries. */
export function messagesOf(trials: readonly Trial[]): number {
  return trials.reduce((sum, { books }) => sum + books.published, 0);
}

export function rangeOf(values: readonly number[]): Range | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const median = Number.isInteger(half) ? (sorted[half - 1]! + sorted[half]!) / 2 : sorted[Math.floor(half)]!;
  return { median, low: sorted[0]!, high: sorted.at(-1)! };
}

/** Server CPU time per message that a subscriber received, microseconds; `undefined` when none did. */
export function cpuPerDelivery(trial: Trial): number | undefined {
  const deliveries = trial.extra?.deliveries ?? trial.books.received;
  return deliveries > 0 ? trial.cpuMicros / deliveries : undefined;
}

export function cpuOf(cell: Cell): Range | undefined {
  return rangeOf(
    validTrials(cell)
      .map(cpuPerDelivery)
      .filter((cost) => cost !== undefined),
  );
}

/** Ratio of two cells' CPU per delivery: of the medians, with the least and the most of the blocks that both have. */
export function cpuRatio(cell: Cell, other: Cell): Range | undefined {
  const [mine, theirs] = [cpuOf(cell), cpuOf(other)];
  if (mine === undefined || theirs === undefined || theirs.median === 0) return undefined;
  const median = mine.median / theirs.median;
  const pairs = sharedBlocks(cell, other).flatMap(({ ofCell, ofControl }) => {
    const [a, b] = [meanCpu(ofCell), meanCpu(ofControl)];
    return a === undefined || b === undefined || b === 0 ? [] : [a / b];
  });
  const spread = rangeOf(pairs) ?? { low: median, high: median };
  return { median, low: Math.min(median, spread.low), high: Math.max(median, spread.high) };
}

function meanCpu(trials: readonly Trial[]): number | undefined {
  const costs = trials.map(cpuPerDelivery).filter((cost) => cost !== undefined);
  return costs.length === 0 ? undefined : costs.reduce((a, b) => a + b, 0) / costs.length;
}

export function compare(cell: Cell, control: Cell, seed: number): Comparison {
  const shared = sharedBlocks(cell, control);
  if (shared.length === 0) return { blocks: 0, why: "no block in which both count" };
  const blocks = shared.length;
  const delivered = {
    cell: deliveredOf(shared.flatMap(({ ofCell }) => ofCell)),
    control: deliveredOf(shared.flatMap(({ ofControl }) => ofControl)),
  };
  // Both had the same schedule, so the shares of it that arrived are to one another as the rates are. The time for which a
  // server is measured goes on until the last slow client has answered, and is nobody's throughput.
  const throughput = delivered.control > 0 ? delivered.cell / delivered.control : undefined;
  const so = {
    blocks,
    ...(throughput !== undefined && { throughput }),
    ...(!Number.isNaN(delivered.cell + delivered.control) && { delivered }),
  };

  const ours = onOneGrid(shared.map(({ ofCell }) => latencyOf(ofCell)));
  const theirs = onOneGrid(shared.map(({ ofControl }) => latencyOf(ofControl)));
  const once = shared.map(() => 1);
  const [cellP99, controlP99] = [ours.quantile(once, 0.99), theirs.quantile(once, 0.99)];
  const messages = Math.min(
    messagesOf(shared.flatMap(({ ofCell }) => ofCell)),
    messagesOf(shared.flatMap(({ ofControl }) => ofControl)),
  );
  if (cellP99 === undefined || controlP99 === undefined || messages < samplesFor(0.99)) {
    return { ...so, why: `fewer than ${samplesFor(0.99)} messages, which a p99 needs` };
  }
  const differenceMs = (cellP99 - controlP99) / 1_000;
  if (controlP99 === 0) return { ...so, differenceMs, why: "the control's p99 is below what was measured" };
  const point = { ...so, ratio: cellP99 / controlP99, differenceMs, controlMs: controlP99 / 1_000 };
  if (
    isCensored(
      shared.flatMap(({ ofControl }) => ofControl),
      0.99,
    )
  ) {
    return { ...so, why: "the control's p99 was never delivered" };
  }
  if (
    isCensored(
      shared.flatMap(({ ofCell }) => ofCell),
      0.99,
    )
  ) {
    return { ...point, atLeast: true, why: "never delivered" };
  }
  if (blocks < BLOCKS_FOR_INTERVAL) {
    return {
      ...point,
      why: `${blocks} shared block${blocks === 1 ? "" : "s"}, an interval needs ${BLOCKS_FOR_INTERVAL}`,
    };
  }

  const random = randomFrom(seed, `${cell.id} / ${control.id}`);
  const ratios: number[] = [];
  for (let round = 0; round < RESAMPLES; round++) {
    // The same blocks for both: what a block did to both must cancel out.
    const weights = new Array<number>(blocks).fill(0);
    for (let drawn = 0; drawn < blocks; drawn++) weights[Math.floor(random() * blocks)]! += 1;
    const [above, below] = [ours.quantile(weights, 0.99), theirs.quantile(weights, 0.99)];
    if (above !== undefined && below !== undefined && below > 0) ratios.push(above / below);
  }
  if (ratios.length < RESAMPLES / 2) return { ...point, why: "too few samples in a block for an interval" };
  ratios.sort((a, b) => a - b);
  const at = (share: number): number => ratios[Math.round(share * (ratios.length - 1))]!;
  return { ...point, interval: { low: at(0.025), high: at(0.975) } };
}

interface SharedBlock {
  readonly ofCell: readonly Trial[];
  readonly ofControl: readonly Trial[];
}

function sharedBlocks(cell: Cell, control: Cell): SharedBlock[] {
  const [mine, theirs] = [byBlock(cell), byBlock(control)];
  return [...mine.keys()]
    .filter((block) => theirs.has(block))
    .sort((a, b) => a - b)
    .map((block) => ({ ofCell: mine.get(block)!, ofControl: theirs.get(block)! }));
}

function byBlock(cell: Cell): Map<number, Trial[]> {
  const blocks = new Map<number, Trial[]>();
  for (const trial of validTrials(cell)) blocks.set(trial.block, [...(blocks.get(trial.block) ?? []), trial]);
  return blocks;
}

function latencyOf(trials: readonly Trial[]): Distribution {
  return merge(trials.map((trial) => decode(trial.latency)));
}

/** `NaN` where nothing was expected. */
function deliveredOf(trials: readonly Trial[]): number {
  const sum = (of: (books: Trial["books"]) => number): number =>
    trials.reduce((total, { books }) => total + of(books), 0);
  return sum(({ received }) => received) / sum(({ expected }) => expected);
}
