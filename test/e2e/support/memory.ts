/** What is held once everything that nobody holds is gone. Runs under `--expose-gc`, as `npm test` does. */
import assert from "node:assert/strict";

/** Bytes of payloads and of buffers on the way to the wire. */
export function arrayBuffersHeld(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

export function heapHeld(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

function collectGarbage(): void {
  assert.ok(globalThis.gc, "run with node --expose-gc");
  // The second one takes what the finalizers of the first let go.
  globalThis.gc();
  globalThis.gc();
}
