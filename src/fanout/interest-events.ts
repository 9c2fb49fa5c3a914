import type { Clock } from "../clock.ts";

/** The first subscriber of a pattern came, or the last one is gone. */
export interface InterestChange {
  /** As it was subscribed to: a topic, or a pattern with wildcards. */
  readonly pattern: string;
  readonly interested: boolean;
}

/**
 * Tells an application which patterns somebody is subscribed to, so that it can start and stop what feeds them. A
 * first subscriber is told at once. That the last one is gone is told after a while, and not at all if somebody came
 * in the meantime: a client that comes back after a broken connection must not stop the feed. Changes of one pattern
 * alternate, and the first of them is that somebody came.
 */
export class InterestEvents {
  readonly #clock: Clock;
  /** How long a pattern must be without subscribers before that is told, in milliseconds. */
  debounceMs: number;
  readonly #tell: (change: InterestChange) => void;
  /** Patterns whose first subscriber came in this turn of the event loop, untold. */
  readonly #coming = new Set<string>();
  /** Patterns whose last subscriber is gone, untold: how to call that off. */
  readonly #leaving = new Map<string, () => void>();

  /** @param tell - must not throw */
  constructor(clock: Clock, debounceMs: number, tell: (change: InterestChange) => void) {
    this.#clock = clock;
    this.debounceMs = debounceMs;
    this.#tell = tell;
  }

  first(pattern: string): void {
    const callOff = this.#leaving.get(pattern);
    if (callOff === undefined) {
      this.#coming.add(pattern);
      // Not inside subscribe(): what the application does then may subscribe or publish itself.
      this.#clock.soon(() => this.#tellComing(pattern));
      return;
    }
    callOff();
    this.#leaving.delete(pattern);
  }

  last(pattern: string): void {
    this.#leaving.set(
      pattern,
      this.#clock.after(this.debounceMs, () => this.#tellLeaving(pattern)),
    );
  }

  /** Tells now whatever waits to be told. */
  flush(): void {
    for (const [pattern, callOff] of this.#leaving) {
      callOff();
      this.#tellLeaving(pattern);
    }
  }

  #tellComing(pattern: string): void {
    if (this.#coming.delete(pattern)) this.#tell({ pattern, interested: true });
  }

  #tellLeaving(pattern: string): void {
    this.#leaving.delete(pattern);
    // Gone before anybody was told that it came.
    if (this.#coming.delete(pattern)) return;
    this.#tell({ pattern, interested: false });
  }
}
