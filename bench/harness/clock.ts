/**
 * The one clock of a trial. Linux counts it from the boot of the machine, so processes can compare what they read: a
 * message can be stamped in one and timed in another.
 *
 * @module
 */

/**
 * Nanoseconds. A plain number is exact for the first 104 days after boot, and good to 2 ns for as long again; all
 * arithmetic on the way of a message stays free of BigInt that way.
 */
export function nowNanos(): number {
  return Number(process.hrtime.bigint());
}

export const NANOS_PER_MICRO = 1_000;
export const NANOS_PER_MS = 1_000_000;
export const NANOS_PER_SECOND = 1_000_000_000;
