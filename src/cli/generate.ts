/** Messages to publish without having any. @module */
import { setTimeout as sleep } from "node:timers/promises";

export interface GeneratorOptions {
  /** Messages per second; unset is as fast as they are taken. */
  readonly rate: number | undefined;
  /** How many; unset is without end. */
  readonly count: number | undefined;
  /** Bytes of each payload. */
  readonly size: number;
  readonly signal: AbortSignal;
}

/**
 * Payloads of exactly `size` bytes that begin with their number, in time with `rate`: one that could not be taken
 * in time is followed by the next at once, until the rate is kept again on average. Ends when the signal is aborted.
 */
export async function* generate({
  rate,
  count,
  size,
  signal,
}: GeneratorOptions): AsyncGenerator<Uint8Array, void> {
  const startedAt = performance.now();
  for (let index = 0; count === undefined || index < count; index += 1) {
    if (rate !== undefined) {
      const wait = startedAt + (index * 1000) / rate - performance.now();
      // Shorter waits are not what a timer can do; the next one makes up for them.
      if (wait >= 1) await sleep(wait, undefined, { signal }).catch(() => {});
    }
    if (signal.aborted) return;
    yield payloadOf(index + 1, size);
  }
}

function payloadOf(number: number, size: number): Uint8Array {
  const payload = Buffer.alloc(size, ".");
  payload.write(`${number} `);
  return payload;
}
