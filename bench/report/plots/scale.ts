/** Ticks that people would choose. @module */
import { number } from "../text.ts";
import type { Axis, Tick } from "./chart.ts";

/** Over the logarithms of positive values, which must not be empty. `room`: how many ticks may stand. */
export function logAxis(
  name: string,
  values: readonly number[],
  label: (value: number) => string,
  room = 10,
): Axis {
  const low = smallest(values);
  const high = largest(values);
  const ticks = logTicks(low, high, room);
  const at = ticks.map((value) => Math.log10(value));
  // Whole decades around the values can be mostly empty: the axis ends a little beyond the values, where ticks are left.
  const margin = 0.05 * Math.log10(high / low);
  const min = Math.max(at[0]!, Math.log10(low) - margin);
  const max = Math.min(at.at(-1)!, Math.log10(high) + margin);
  const shown = ticks.filter((_, index) => at[index]! >= min && at[index]! <= max);
  const tight = shown.length >= 3;
  return {
    name,
    min: tight ? min : at[0]!,
    max: tight ? max : at.at(-1)!,
    ticks: (tight ? shown : ticks).map((value) => ({ at: Math.log10(value), label: label(value) })),
  };
}

/** From 0, or from the least where that is below it. */
export function linearAxis(name: string, values: readonly number[], label: (value: number) => string): Axis {
  const ticks = linearTicks(Math.min(0, smallest(values)), largest(values));
  return {
    name,
    min: ticks[0]!,
    max: ticks.at(-1)!,
    ticks: ticks.map((value) => ({ at: value, label: label(value) })),
  };
}

/** Around the values: the first not above the least, the last not below the most. */
export function logTicks(low: number, high: number, room = 10): number[] {
  const decades = Math.log10(high / low);
  // Where all values are within a factor of two, 1-2-5 would leave one tick or none.
  if (decades < 0.3) return linearTicks(low * 0.95, high * 1.05).filter((tick) => tick > 0);
  const steps = 3 * decades + 1 <= room ? [1, 2, 5] : [1];
  const all: number[] = [];
  for (
    let exponent = Math.floor(Math.log10(low)) - 1;
    exponent <= Math.ceil(Math.log10(high)) + 1;
    exponent++
  ) {
    for (const step of steps) all.push(exponent < 0 ? step / 10 ** -exponent : step * 10 ** exponent);
  }
  const first = all.findLastIndex((tick) => tick <= low * (1 + 1e-9));
  const last = all.findIndex((tick) => tick >= high * (1 - 1e-9));
  return all.slice(first, last + 1);
}

export function linearTicks(low: number, high: number): number[] {
  const span = high > low ? high - low : Math.abs(high) || 1;
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** A tick with its unit: `500 µs`, `20 ms`, `5 s`. */
export function timeLabel(micros: number): string {
  if (micros >= 1e6) return `${number(micros / 1e6).replace(/\.0+$/, "")} s`;
  if (micros >= 1e3) return `${number(micros / 1e3).replace(/\.0+$/, "")} ms`;
  return `${number(micros).replace(/\.0+$/, "")} µs`;
}

export function plainLabel(value: number): string {
  return number(value)
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}

/** Values side by side at equal distances, whatever they are. */
export function categories(name: string, values: readonly string[]): Axis {
  const ticks: Tick[] = values.map((label, at) => ({ at, label }));
  return { name, min: -0.5, max: Math.max(0, values.length - 1) + 0.5, ticks };
}

function smallest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b));
}

function largest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b));
}
