/**
 * Numbers as people read them. Three significant digits: more would be noise that looks like knowledge. What cannot be
 * said is {@link NOT_KNOWN} (it should be there and is not) or {@link NOTHING} (it has no meaning here), never `NaN`.
 *
 * @module
 */
import type { Interval } from "./statistics.ts";

export const NOT_KNOWN = "n/a";
export const NOTHING = "";

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** Three significant digits, all digits before the point: `0.0123`, `1.23`, `12.3`, `1,230`. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return NOT_KNOWN;
  if (value === 0) return "0";
  if (value < 0) return `−${number(-value)}`;
  if (value >= 99.95) return grouped.format(value);
  if (value < 0.001) return "<0.001";
  return value.toFixed(digitsBehindPoint(value));
}

function digitsBehindPoint(value: number): number {
  if (value >= 9.995) return 1;
  if (value >= 0.9995) return 2;
  return value >= 0.09995 ? 3 : 4;
}

export function whole(value: number): string {
  return Number.isFinite(value) ? grouped.format(value) : NOT_KNOWN;
}

/** A time of a histogram, in milliseconds, without its unit. Histograms begin at a microsecond. */
export function milliseconds(micros: number | undefined): string {
  if (micros === undefined) return NOT_KNOWN;
  return micros === 0 ? "<0.001" : number(micros / 1_000);
}

/** Two digits behind the point where it matters whether it is more or less than 1. */
export function ratio(value: number | undefined): string {
  return value === undefined ? NOT_KNOWN : `${factor(value)}×`;
}

/** Of what is only known to be no less. */
export function atLeast(figure: string, so = false): string {
  return so ? `≥ ${figure}` : figure;
}

export function interval(range: Interval | undefined): string {
  return range === undefined ? NOTHING : `[${factor(range.low)}–${factor(range.high)}]`;
}

function factor(value: number): string {
  return value >= 0.1 && value < 1 ? value.toFixed(2) : number(value);
}

/** Of a whole. 100 is said only of all, and 0 only of none. */
export function percent(part: number, all: number): string {
  if (all === 0) return NOT_KNOWN;
  if (part === all) return "100";
  if (part === 0) return "0";
  const exact = (100 * part) / all;
  if (exact < 0.01) return "<0.01";
  // Cut, not rounded: 99.999 must not read as if nothing were missing.
  const cut = Math.floor(exact * 100) / 100;
  return cut >= 99 && exact < 100 ? cut.toFixed(2) : cut.toFixed(1);
}

export function megabytes(bytes: number): string {
  return number(bytes / 1e6);
}

/** `1 KiB`, `128 B`: sizes that are set, and so come out even. */
export function size(bytes: number): string {
  if (bytes >= 1_048_576 && bytes % 1_048_576 === 0) return `${bytes / 1_048_576} MiB`;
  return bytes >= 1_024 && bytes % 1_024 === 0 ? `${bytes / 1_024} KiB` : `${grouped.format(bytes)} B`;
}

export function seconds(value: number): string {
  if (value < 120) return `${number(value)} s`;
  return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

/** `stalenessP99Ms` → `staleness p99 ms`: a name that code gave, as words. */
export function words(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .toLowerCase();
}
