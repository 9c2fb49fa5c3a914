import type { Clock } from "../clock.ts";
import { RingBuffer } from "../queue/index.ts";
import type { FlushLimits } from "./options.ts";

/** Something that waits for its turn. */
export interface Flushable {
  /** Its turn. Throws nothing. */
  flush(): void;
}

// A look at the clock costs about as much as pumping a subscription with nothing to say.
const TURNS_BETWEEN_CLOCK_LOOKS = 16;

/**
 * The shared ready list. Whatever becomes ready during one turn of the event loop is flushed once, at its end:
 * messages published in one turn leave as one batch per subscriber, and an idle hub adds no delay. A flush takes
 * at most a slice, then yields, so that accepts, reads, PINGs and timers are served; who did not get a turn is
 * first in the next.
 */
export class FlushLoop {
  readonly #ready = new RingBuffer<Flushable>(64);
  readonly #clock: Clock;
  readonly #limits: FlushLimits;
  #scheduled = false;

  constructor(clock: Clock, limits: FlushLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Must be called at most once between two turns of the same object. */
  add(ready: Flushable): void {
    this.#ready.push(ready);
    this.#schedule();
  }

  /** Gives storage back that a peak of ready subscriptions needed. */
  settle(): void {
    this.#ready.settle();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    const deadline = this.#clock.now() + this.#limits.sliceMs;
    for (let turns = 1; ; turns++) {
      const next = this.#ready.shift();
      if (next === undefined) return;
      next.flush();
      if (turns >= this.#limits.batches) break;
      if (turns % TURNS_BETWEEN_CLOCK_LOOKS === 0 && this.#clock.now() >= deadline) break;
    }
    if (this.#ready.length > 0) this.#schedule();
  };
}
