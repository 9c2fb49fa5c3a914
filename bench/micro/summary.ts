import type { Measurement } from "./table.ts";

/**
 * Several measurements of one row as one: the median process, and as margin the larger of what the samples of a process
 * say and half of the range that the processes span. Processes differ by more than their samples do: by where memory
 * came to lie, and by what the compiler saw first.
 *
 * @throws RangeError without any
 */
export function summarize(measurements: readonly Measurement[]): Measurement {
  const sorted = measurements.toSorted((a, b) => a.nanoseconds - b.nanoseconds);
  const least = sorted.at(0);
  const most = sorted.at(-1);
  if (least === undefined || most === undefined) throw new RangeError("expected at least one measurement");
  const nanoseconds = median(sorted.map((each) => each.nanoseconds));
  const within = median(sorted.map(({ marginPercent }) => marginPercent));
  const between = nanoseconds === 0 ? 0 : ((most.nanoseconds - least.nanoseconds) / 2 / nanoseconds) * 100;
  const allocated = sorted.flatMap(({ allocatedBytes }) => allocatedBytes ?? []);
  const held = sorted.flatMap(({ heldBytes }) => heldBytes ?? []);
  return {
    nanoseconds,
    marginPercent: Math.max(within, between),
    ...(allocated.length > 0 ? { allocatedBytes: median(allocated) } : {}),
    ...(held.length > 0 ? { heldBytes: median(held) } : {}),
  };
}

/** @param values - at least one */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}
