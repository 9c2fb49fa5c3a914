import type { Clock } from "../clock.ts";

/** What may wait a little. */
export interface Lingering {
  /** Its time is up. */
  lingered(): void;
}

/** Those who wait for the same span. */
interface Span {
  readonly waiting: Set<Lingering>;
  readonly cancel: () => void;
}

/**
 * Waits that trade latency for fewer wake-ups. Whoever waits for the same span shares one timer, started by the first:
 * nobody waits longer than the span, and all of them go at once. No timer while nobody waits.
 */
export class LingerTimers {
  readonly #clock: Clock;
  readonly #spans = new Map<number, Span>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param ms - above 0 */
  add(waiting: Lingering, ms: number): void {
    let span = this.#spans.get(ms);
    if (span === undefined) {
      span = { waiting: new Set(), cancel: this.#clock.after(ms, () => this.#release(ms)) };
      this.#spans.set(ms, span);
    }
    span.waiting.add(waiting);
  }

  /** It does not wait any more, and nothing here keeps it alive. */
  remove(waiting: Lingering, ms: number): void {
    const span = this.#spans.get(ms);
    if (span?.waiting.delete(waiting) !== true || span.waiting.size > 0) return;
    span.cancel();
    this.#spans.delete(ms);
  }

  #release(ms: number): void {
    const span = this.#spans.get(ms);
    this.#spans.delete(ms);
    for (const waiting of span?.waiting ?? []) waiting.lingered();
  }
}
