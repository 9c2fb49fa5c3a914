/** Numbers for people: short, with a unit, and never more exact than one looks. @module */

/** `0`, `999`, `1.2k`, `34k`, `5.6M`. */
export function shortCount(count: number): string {
  return scaled(count, 1000, ["", "k", "M", "G", "T", "P"]);
}

/** `0B`, `999B`, `1.0KiB`, `34MiB`. */
export function shortBytes(bytes: number): string {
  return scaled(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);
}

/** Per second; what is not nothing does not look like it. */
export function shortRate(rate: number): string {
  return rate > 0 && rate < 10 ? Math.max(rate, 0.1).toFixed(1) : shortCount(rate);
}

/** `0`, `850ms`, `1.2s`, `35s`, `5.0m`, `2.1h`, `12d`. */
export function shortTime(ms: number): string {
  if (ms < 0.5) return "0";
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  for (const [unit, size, most] of TIMES) {
    const value = ms / size;
    if (value < most) return `${value < 9.95 ? value.toFixed(1) : Math.round(value)}${unit}`;
  }
  return `${Math.round(ms / DAY_MS)}d`;
}

const DAY_MS = 86_400_000;

/** Each up to where the next one has two digits' worth. */
const TIMES = [
  ["s", 1_000, 119.5],
  ["m", 60_000, 119.5],
  ["h", 3_600_000, 47.5],
] as const;

function scaled(value: number, step: number, units: readonly string[]): string {
  let scale = 0;
  let rest = value;
  while (rest >= step - 0.5 && scale < units.length - 1) {
    rest /= step;
    scale++;
  }
  const digits = scale > 0 && rest < 9.95 ? rest.toFixed(1) : Math.round(rest).toString();
  return `${digits}${units[scale]}`;
}
