/**
 * A cell in figures: what the tables print, before it is text. Each figure is `undefined` where the cell has none.
 *
 * @module
 */
import type { Cell, Trial } from "../results.ts";
import { type Distribution, maximum, quantile } from "./distribution.ts";
import type { Material } from "./material.ts";
import {
  type Comparison,
  cpuOf,
  distributionOf,
  messagesOf,
  type Range,
  rangeOf,
  validTrials,
} from "./statistics.ts";

export interface Summary {
  readonly cell: Cell;
  readonly counted: number;
  readonly latency: Distribution;
  /** Distinct messages that `latency` is of; each was delivered many times. */
  readonly messages: number;
  /** Microseconds. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  readonly p999: number | undefined;
  readonly max: number | undefined;
  readonly publishP99: number | undefined;
  readonly latenessP99: number | undefined;
  readonly loopP99: number | undefined;
  /** Messages, of all trials that count. */
  readonly expected: number;
  readonly received: number;
  readonly told: number;
  readonly missing: number;
  readonly undelivered: number;
  readonly dropped: number | undefined;
  readonly conflated: number | undefined;
  readonly evicted: number | undefined;
  readonly cpu: Range | undefined;
  /** How far resident memory and heap rose: the median of the trials, bytes. */
  readonly rssRise: number | undefined;
  readonly heapRise: number | undefined;
  readonly comparison: Comparison | undefined;
  /** Figures of its own: the median of the trials that have it. */
  readonly extra: ReadonlyMap<string, number>;
}

/** Decoding histograms is what a report costs, and many tables ask for the same cell. */
const made = new WeakMap<Material, Map<Cell, Summary>>();

export function summarize(cell: Cell, material: Material): Summary {
  const known = made.get(material) ?? new Map<Cell, Summary>();
  made.set(material, known);
  const summary = known.get(cell) ?? make(cell, material);
  known.set(cell, summary);
  return summary;
}

function make(cell: Cell, material: Material): Summary {
  const trials = validTrials(cell);
  const latency = distributionOf(cell, (trial) => trial.latency);
  const messages = messagesOf(trials);
  const p99Of = (which: Parameters<typeof distributionOf>[1]): number | undefined =>
    quantile(distributionOf(cell, which), 0.99);
  const sum = (of: (trial: Trial) => number): number => trials.reduce((total, trial) => total + of(trial), 0);
  const counted = (of: (counters: NonNullable<Trial["counters"]>) => number): number | undefined =>
    trials.some((trial) => trial.counters)
      ? sum((trial) => (trial.counters ? of(trial.counters) : 0))
      : undefined;
  const median = (values: readonly number[]): number | undefined => rangeOf(values)?.median;
  return {
    cell,
    counted: trials.length,
    latency,
    messages,
    p50: quantile(latency, 0.5, messages),
    p99: quantile(latency, 0.99, messages),
    p999: quantile(latency, 0.999, messages),
    max: maximum(latency),
    publishP99: p99Of((trial) => trial.publish),
    latenessP99: p99Of((trial) => trial.lateness),
    loopP99: p99Of((trial) => trial.loopDelay),
    expected: sum(({ books }) => books.expected),
    received: sum(({ books }) => books.received),
    told: sum(({ books }) => books.announced),
    missing: sum(({ books }) => books.missing),
    undelivered: sum(({ books }) => books.undelivered),
    dropped: counted(({ dropped }) => dropped),
    conflated: counted(({ conflated }) => conflated),
    evicted: counted(({ evicted }) => evicted),
    cpu: cpuOf(cell),
    rssRise: median(trials.map(({ rssBytes }) => rssBytes.peak - rssBytes.before)),
    heapRise: median(trials.map(({ heapBytes }) => heapBytes.peak - heapBytes.before)),
    comparison: material.comparisonOf(cell),
    extra: new Map(
      [...new Set(trials.flatMap((trial) => Object.keys(trial.extra ?? {})))].map((name) => [
        name,
        median(trials.flatMap((trial) => trial.extra?.[name] ?? []))!,
      ]),
    ),
  };
}
