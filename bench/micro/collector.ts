import { PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";

/**
 * Flags for a process that counts allocations: generations so large that none of what is counted is collected
 * meanwhile. Then what the heap has more of afterwards is exactly what was allocated.
 */
export const ROOM_FOR_GARBAGE = [
  "--min-semi-space-size=256",
  "--max-semi-space-size=256",
  "--initial-old-space-size=2048",
] as const;

/** Throws away what nobody needs. */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error("run with node --expose-gc");
  // The second one takes what the finalizers of the first let go.
  globalThis.gc();
  globalThis.gc();
}

/** Bytes on the heap that somebody holds. */
export function bytesHeld(): number {
  collectGarbage();
  return getHeapStatistics().used_heap_size;
}

/**
 * Bytes that `run` allocates, on the heap and as memory of array buffers.
 *
 * @param run - synchronous: in between, others could allocate
 * @throws Error when garbage was collected meanwhile, for then nobody knows
 */
export async function bytesAllocated(run: () => void): Promise<number> {
  const nothing = grownBy(() => {});
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  collectGarbage();
  // Collections are told of late: those before must not count.
  await turns();
  observer.observe({ entryTypes: ["gc"] });
  const grown = grownBy(run);
  await turns();
  observer.disconnect();
  if (collections > 0) throw new Error("garbage was collected: run less, or with more room for garbage");
  return grown - nothing;
}

function grownBy(run: () => void): number {
  const before = inUse();
  run();
  return inUse() - before;
}

function inUse(): number {
  return getHeapStatistics().used_heap_size + process.memoryUsage().arrayBuffers;
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
