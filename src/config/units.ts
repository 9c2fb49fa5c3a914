/**
 * The units of people: times, sizes and shares as a file says them, and as code counts them.
 *
 * Every text that is written here reads back as the same number. A time always has a unit, since a bare number could be
 * seconds as well as milliseconds; a size without one is bytes. `kB` and `MB` are not read: half of the world takes
 * them for powers of ten, and the other half does not.
 *
 * @module
 */

const MS_OF_UNIT = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const BYTES_OF_UNIT = { GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10 } as const;
/** For reading only: nobody configures these. */
const LARGE_UNITS = { PiB: 2 ** 50, TiB: 2 ** 40 } as const;

/** As `parseDuration` reads it, `0` and `forever` aside. */
export const DURATION_PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
export const SIZE_PATTERN = /^(\d+(?:\.\d+)?)(KiB|MiB|GiB)$/;
export const PERCENT_PATTERN = /^(\d+(?:\.\d+)?)%$/;

/** What has no end. */
export const FOREVER = "forever";

/** `250ms`, `30s`, `5m`, `2h`, `1d` or `0`, in milliseconds; `undefined`: it is none of them. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  const [, digits = "", unit = "ms"] = DURATION_PATTERN.exec(text) ?? [];
  // Not finer than a nanosecond, so that 1.1s is 1100 and not a little more.
  const ms = Number((Number(digits) * MS_OF_UNIT[unit as keyof typeof MS_OF_UNIT]).toFixed(6));
  return digits === "" || !Number.isFinite(ms) ? undefined : ms;
}

/** The other way around, in the largest unit that leaves no fraction. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0";
  if (ms === Number.POSITIVE_INFINITY) return FOREVER;
  const [unit, size] = Object.entries(MS_OF_UNIT).find(([, least]) => ms % least === 0) ?? ["ms", 1];
  return `${plainDigits(ms / size)}${unit}`;
}

/** `4096`, `64KiB`, `1MiB` or `2GiB`, in bytes; `undefined`: it is none of them, or no whole number of bytes. */
export function parseSize(text: string): number | undefined {
  const [, digits = "", unit] = SIZE_PATTERN.exec(text) ?? /^(\d+)$/.exec(text) ?? [];
  const bytes = Number(digits) * (unit === undefined ? 1 : BYTES_OF_UNIT[unit as keyof typeof BYTES_OF_UNIT]);
  return digits === "" || !Number.isSafeInteger(bytes) ? undefined : bytes;
}

/** The other way around, in the largest unit that leaves no fraction; plain bytes have none. */
export function formatSize(bytes: number): string {
  const found = Object.entries(BYTES_OF_UNIT).find(([, least]) => bytes >= least && bytes % least === 0);
  return found === undefined ? String(bytes) : `${bytes / found[1]}${found[0]}`;
}

/** A size for reading: one decimal, in the unit that fits. Does not read back as the same number. */
export function roundSize(bytes: number): string {
  const units = Object.entries({ ...LARGE_UNITS, ...BYTES_OF_UNIT });
  const found = units.find(([, least]) => bytes >= least);
  return found === undefined ? `${bytes} bytes` : `${(bytes / found[1]).toFixed(1)} ${found[0]}`;
}

/** `75%`, as 0.75; `undefined`: it is none. */
export function parsePercent(text: string): number | undefined {
  const digits = PERCENT_PATTERN.exec(text)?.[1];
  return digits === undefined ? undefined : Number((Number(digits) / 100).toPrecision(15));
}

/** Numbers as the patterns above read them: 1e-7 has no place there. */
function plainDigits(value: number): string {
  return /e/.test(String(value)) ? value.toFixed(6) : String(value);
}
