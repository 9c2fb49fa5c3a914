/**
 * What Linux tells about another process. A process that is gone costs nothing any more.
 *
 * @module
 */
import { readFileSync } from "node:fs";

/** Linux tells times in hundredths of a second, whatever its own clock does. */
const MICROS_PER_TICK = 10_000;
const PAGE_BYTES = 4_096;

/** CPU time since it started, in microseconds. */
export function cpuMicrosOf(pid: number): number {
  // The name, in parentheses, can contain anything; what follows the last one is plain. It begins with field 3.
  const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * MICROS_PER_TICK;
}

export function residentBytesOf(pid: number): number {
  return Number(read(`/proc/${pid}/statm`).split(" ")[1] ?? 0) * PAGE_BYTES;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
