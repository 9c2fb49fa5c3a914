import type { Clock } from "../clock.ts";

/** A stretch of time that began with the first line of a kind. */
interface Interval {
  readonly startedAt: number;
  lines: number;
  suppressed: number;
  /** Ends it when its time is over; only while something is to be told then. */
  cancel: (() => void) | undefined;
}

/**
 * Lets so many lines of each kind through in an interval, and says at its end how many it did not: ten thousand clients
 * that turn slow at once are eleven lines. The kinds do not take each other's place.
 */
export class LineLimiter {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #intervalMs: number;
  readonly #report: (kind: string, suppressed: number) => void;
  readonly #intervals = new Map<string, Interval>();

  /** @param report - told at the end of an interval in which lines were suppressed */
  constructor(
    clock: Clock,
    most: number,
    intervalMs: number,
    report: (kind: string, suppressed: number) => void,
  ) {
    this.#clock = clock;
    this.#most = most;
    this.#intervalMs = intervalMs;
    this.#report = report;
  }

  /** Counts one line, and says whether it may be written. */
  admits(kind: string): boolean {
    const interval = this.#intervalOf(kind);
    if (interval.lines < this.#most) {
      interval.lines++;
      return true;
    }
    interval.suppressed++;
    if (interval.cancel === undefined) {
      const leftMs = interval.startedAt + this.#intervalMs - this.#clock.now();
      // Not `after`: what is still to be told about the past keeps no process alive.
      interval.cancel = this.#clock.every(leftMs, () => this.#end(kind, interval));
    }
    return false;
  }

  /** Reports what there is to report, and forgets everything. */
  stop(): void {
    for (const [kind, interval] of this.#intervals) this.#end(kind, interval);
  }

  #intervalOf(kind: string): Interval {
    const now = this.#clock.now();
    const open = this.#intervals.get(kind);
    if (open !== undefined) {
      if (now - open.startedAt < this.#intervalMs) return open;
      // Its timer is late, or it had none.
      this.#end(kind, open);
    }
    const begun: Interval = { startedAt: now, lines: 0, suppressed: 0, cancel: undefined };
    this.#intervals.set(kind, begun);
    return begun;
  }

  #end(kind: string, { suppressed, cancel }: Interval): void {
    this.#intervals.delete(kind);
    cancel?.();
    if (suppressed > 0) this.#report(kind, suppressed);
  }
}
