/** The client's end of a journal: entries go to the test, many at a time, and orders come back. */
import type { Entry } from "../support/journal.ts";

let pending: Entry[] = [];

export function record(entry: Entry): void {
  if (pending.length === 0) setImmediate(send);
  pending.push(entry);
}

function send(): void {
  const entries = pending;
  pending = [];
  process.send?.(entries);
}

/** What the test wants of this client. */
export function spec<T>(): T {
  return JSON.parse(process.argv[2] ?? "{}") as T;
}

export function onOrder<T>(obey: (order: T) => void): void {
  process.on("message", (order) => obey(order as T));
}

// A client outlives neither its test nor a test that was killed.
process.on("disconnect", () => process.exit());
