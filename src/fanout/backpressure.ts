import type { Clock } from "../clock.ts";
import { SpillwayError } from "../errors.ts";

interface Waiter {
  readonly topic: string;
  resolve(): void;
}

/**
 * Which blocking subscriptions want publishers to wait, and the publishers who do. Nobody is made to wait here: a
 * publisher that does not ask is not held up, and other subscribers get every message at once regardless.
 */
export class Backpressure<S> {
  readonly #clock: Clock;
  readonly #matches: (subscriber: S, topic: string) => boolean;
  readonly #pressing = new Set<S>();
  readonly #waiters = new Set<Waiter>();

  /** @param matches - whether the subscriber gets what is published to the topic */
  constructor(clock: Clock, matches: (subscriber: S, topic: string) => boolean) {
    this.#clock = clock;
    this.#matches = matches;
  }

  /** A blocking subscriber's queue has passed the high watermark. */
  press(subscriber: S): void {
    this.#pressing.add(subscriber);
  }

  /** It is below the low watermark again, or does not block any more. */
  release(subscriber: S): void {
    if (!this.#pressing.delete(subscriber)) return;
    for (const waiter of this.#waiters) if (this.isWritable(waiter.topic)) waiter.resolve();
  }

  isWritable(topic: string): boolean {
    // Nearly always empty, so publishing without blocking subscribers pays for one comparison.
    if (this.#pressing.size === 0) return true;
    for (const subscriber of this.#pressing) if (this.#matches(subscriber, topic)) return false;
    return true;
  }

  async whenWritable(topic: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.isWritable(topic)) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (then: () => void) => {
        this.#waiters.delete(waiter);
        cancelTimeout?.();
        signal?.removeEventListener("abort", abort);
        then();
      };
      const waiter: Waiter = { topic, resolve: () => settle(resolve) };
      const abort = () => settle(() => reject(signal?.reason));
      const expire = () => {
        const text = `a blocking subscriber of "${topic}" did not make room within ${timeoutMs} ms`;
        settle(() => reject(new SpillwayError("TIMEOUT", text)));
      };
      const cancelTimeout =
        timeoutMs === Number.POSITIVE_INFINITY ? undefined : this.#clock.after(timeoutMs, expire);
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiters.add(waiter);
    });
  }
}
