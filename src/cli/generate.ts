/** Messages to publish without having any. @module */
import { type Clock, systemClock } from "../clock.ts";

export interface GeneratorOptions {
  /** Messages per second; unset is as fast as they are taken. */
  readonly rate: number | undefined;
  /** How many; unset is without end. */
  readonly count: number | undefined;
  /** Bytes of each payload. */
  readonly size: number;
  readonly signal: AbortSignal;
  /** @default the process's own */
  readonly clock?: Clock;
}

/**
 * Payloads of exactly `size` bytes that begin with their number, in time with `rate`: one that could not be taken
 * in time is followed by the next at once, until the rate is kept again on average. Ends when the signal is aborted.
 */
export async function* generate(options: GeneratorOptions): AsyncGenerator<Uint8Array, void> {
  const { rate, count, size, signal, clock = systemClock } = options;
  const startedAt = clock.now();
  for (let index = 0; count === undefined || index < count; index += 1) {
    if (rate !== undefined) {
      const waitMs = startedAt + (index * 1000) / rate - clock.now();
      // Shorter waits are not what a timer can do; the next one makes up for them.
      if (waitMs >= 1) await wait(waitMs, clock, signal);
    }
    if (signal.aborted) return;
    yield payloadOf(index + 1, size);
  }
}

/** Resolves after the time, or when the signal is aborted. */
function wait(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(ms, finish);
    signal.addEventListener("abort", finish, { once: true });
    if (signal.aborted) finish();
  });
}

function payloadOf(number: number, size: number): Uint8Array {
  const payload = Buffer.alloc(size, ".");
  payload.write(`${number} `);
  return payload;
}
