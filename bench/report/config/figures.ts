/**
 * What is said about each kind of clients and about the server, and how it is made of what trials have written down: a sum
 * by a sum, or a quantile of merged histograms. Either can be made of any number of trials, weighted in any way, which is
 * what a comparison with an interval needs.
 *
 * @module
 */
import type { KindFigures, ServerFigures } from "../../config-results.ts";
import type { HistogramData } from "../../results.ts";
import { milliseconds, number, whole } from "../text.ts";

interface Named {
  /** With its unit. */
  readonly name: string;
  readonly text: (value: number) => string;
  /** Whether it is shown also where it is 0 for all. */
  readonly always?: boolean;
  /** Figures that stand together on one line, by what that is called. Compared by the one whose name has `p99`. */
  readonly line?: string;
}

/** `part` of all trials by `of` of all trials; without `of` the mean of a trial. */
export interface SumFigure<T> extends Named {
  readonly part: (figures: T) => number;
  readonly of?: (figures: T) => number;
}

export interface QuantileFigure<T> extends Named {
  readonly histogram: (figures: T) => HistogramData;
  /** 1 is the maximum. */
  readonly q: number;
  /** How many of the values are independent of one another; the others of a message share its fate. */
  readonly distinct: (figures: T) => number;
}

export type Figure<T> = SumFigure<T> | QuantileFigure<T>;

const EVICTIONS = ["overflow", "overrun", "slow", "stalled"];

const percentText = (share: number): string =>
  share === 1 ? "100" : share > 0.999 ? "99.9" : number(share * 100);

/** @param all - everything that will be shown, for the reasons that occurred; `leaves` - whether they end by themselves */
export function kindFigures(all: readonly KindFigures[], leaves: boolean): readonly Figure<KindFigures>[] {
  const count = (name: string, part: (figures: KindFigures) => number): Figure<KindFigures> => ({
    name,
    text: whole,
    part,
  });
  const reasons = (of: (figures: KindFigures) => Readonly<Record<string, number>>) => [
    ...new Set(all.flatMap((figures) => Object.keys(of(figures)))),
  ];
  const dropped = reasons(({ hub }) => hub.dropped);
  const ended = reasons(({ hub }) => hub.ended);
  return [
    {
      name: "read, % of published",
      text: percentText,
      always: true,
      part: ({ client }) => client.read,
      of: ({ client }) => client.expected,
    },
    {
      name: "delivered, % of matched",
      text: percentText,
      always: true,
      part: ({ hub }) => hub.delivered,
      of: ({ hub }) => hub.waitedBefore + hub.matched,
    },
    ...dropped.map((reason) => count(`dropped (${reason})`, ({ hub }) => hub.dropped[reason] ?? 0)),
    count("conflated", ({ hub }) => hub.conflated),
    count("expired", ({ hub }) => hub.expired),
    count("no longer retained (trimmed)", ({ client }) => client.trimmed),
    count("losses of unknown size, times", ({ client }) => client.unknownLosses),
    count("thrown away at an end", ({ hub }) => hub.discarded),
    count("still waiting at the end", ({ hub }) => hub.waiting),
    ...ended
      .filter((reason) => EVICTIONS.includes(reason))
      .map((reason) => count(`evicted (${reason}), times`, ({ hub }) => hub.ended[reason] ?? 0)),
    ...ended
      .filter((reason) => !EVICTIONS.includes(reason) && !leaves)
      .map((reason) => count(`ended (${reason}), times`, ({ hub }) => hub.ended[reason] ?? 0)),
    ...(leaves ? [] : [count("came back, times", ({ client }) => client.comebacks)]),
    count("over for good", ({ client }) => client.over),
    {
      name: "parked or catching up, % of the time",
      text: percentText,
      part: ({ hub }) => hub.looksParked,
      of: ({ hub }) => hub.looks,
    },
    {
      name: "on a rung, % of the time",
      text: percentText,
      part: ({ hub }) => hub.looksOnRung,
      of: ({ hub }) => hub.looks,
    },
    ...quantiles<KindFigures>(
      "age when read",
      ({ client }) => client.age,
      ({ client }) =>
        // Each message is read by all of them.
        client.age.count / Math.max(1, client.subscribers),
    ),
    ...quantiles<KindFigures>(
      "out of date",
      ({ client }) => client.outOfDate,
      ({ client }) => client.looks,
    ),
    {
      name: "most queued for one, KB",
      text: (bytes) => number(bytes / 1e3),
      part: ({ hub }) => hub.queuedBytesPeak,
    },
  ];
}

function quantiles<T>(
  name: string,
  histogram: (figures: T) => HistogramData,
  distinct: (figures: T) => number,
): readonly Figure<T>[] {
  const text = (micros: number) => (micros === 0 ? "0" : milliseconds(micros));
  return [0.5, 0.99, 1].map((q) => ({
    name: `${name}, ${q === 1 ? "max" : `p${q * 100}`} ms`,
    line: `${name}, ms: p50 / p99 / max`,
    text,
    always: true,
    histogram,
    q,
    distinct,
  }));
}

const megabytes = (bytes: number): string => number(bytes / 1e6);

export const SERVER_FIGURES: readonly Figure<ServerFigures>[] = [
  {
    name: "memory: RSS growth, MB",
    text: megabytes,
    always: true,
    part: ({ rssBytes }) => rssBytes.peak - rssBytes.before,
  },
  {
    name: "memory: waiting in all queues at most, MB",
    text: megabytes,
    always: true,
    part: ({ queuedBytesPeak }) => queuedBytesPeak,
  },
  {
    name: "memory: retained at most, MB",
    text: megabytes,
    always: true,
    part: ({ retainedBytesPeak }) => retainedBytesPeak,
  },
  {
    name: "CPU, % of a core",
    text: percentText,
    always: true,
    part: ({ cpuMicros }) => cpuMicros / 1e6,
    of: ({ seconds }) => seconds,
  },
  {
    name: "publish(), p99 ms",
    text: milliseconds,
    histogram: ({ publish }) => publish,
    q: 0.99,
    distinct: ({ publishes }) => publishes,
  },
  {
    name: "event loop held up, p99 ms",
    text: (micros) => (micros === 0 ? "0" : milliseconds(micros)),
    histogram: ({ loopDelay }) => loopDelay,
    q: 0.99,
    distinct: ({ loopDelay }) => loopDelay.count,
  },
  {
    name: "schedule late, p99 ms",
    text: milliseconds,
    histogram: ({ lateness }) => lateness,
    q: 0.99,
    distinct: ({ publishes }) => publishes,
  },
  {
    name: "publisher asked to wait, % of messages",
    text: percentText,
    part: ({ askedToWait }) => askedToWait,
    of: ({ publishes }) => publishes,
  },
];
