import type { HubStats } from "../fanout/index.ts";
import type { ValueMetric } from "./metric-table.ts";

/** What an exporter needs of a hub: it reads, and never steers. */
export interface ObservedHub {
  stats(): HubStats;
}

/**
 * One hub, or several of one process by the value of the label `hub`. An object is looked at for every reading, so hubs
 * may come and go in it.
 */
export type ObservedHubs = ObservedHub | Readonly<Record<string, ObservedHub>>;

export type Labels = Readonly<Record<string, string>>;

/** The books of one hub at one moment. */
export interface Reading {
  /** With the label `hub`, unless it is the only one. */
  readonly labels: Labels;
  readonly stats: HubStats;
}

/** Asks every hub once. */
export function readAll(hubs: ObservedHubs): readonly Reading[] {
  if (isOne(hubs)) return [{ labels: {}, stats: hubs.stats() }];
  return Object.entries(hubs).map(([hub, observed]) => ({ labels: { hub }, stats: observed.stats() }));
}

/** The values of one metric, with all their labels. */
export function samplesOf(
  metric: ValueMetric,
  { labels, stats }: Reading,
): { labels: Labels; value: number }[] {
  const read = metric.read(stats);
  if (typeof read === "number") return [{ labels, value: read }];
  const { label = "value" } = metric;
  return Object.entries(read).map(([name, value]) => ({ labels: { ...labels, [label]: name }, value }));
}

function isOne(hubs: ObservedHubs): hubs is ObservedHub {
  return typeof hubs.stats === "function";
}
