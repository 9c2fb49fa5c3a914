import type { Clock } from "../clock.ts";
import { RingBuffer } from "../queue/index.ts";
import { LingerTimers } from "./linger.ts";
import type { FlushLimits } from "./options.ts";

/** Something that waits for its turn. */
export interface Flushable {
  /** Its turn. Returns how many frames it moved, and throws nothing. */
  flush(): number;
}

/** Batches of those who read the past, in one turn of the flush: so many that live subscribers do not notice. */
const CATCH_UP_BATCHES = 16;

// A look at the clock costs about as much as a turn with nothing to say. Frames count, because a turn can have a
// thousand of them to encode.
const WORK_BETWEEN_CLOCK_LOOKS = 64;
const WORK_PER_TURN = 4;

/**
 * The shared ready list. Whatever becomes ready during one turn of the event loop is flushed once, at its end:
 * messages published in one turn leave as one batch per subscriber, and an idle hub adds no delay. A flush takes
 * at most a slice, then yields, so that accepts, reads, PINGs and timers are served; who did not get a turn is
 * first in the next.
 *
 * Who reads the past waits behind who is live: it gets what is left of the slice, and one turn in any case.
 */
export class FlushLoop {
  readonly #live = new RingBuffer<Flushable>(64);
  readonly #catchingUp = new RingBuffer<Flushable>();
  /** Who waits before it is added. */
  readonly lingering: LingerTimers;
  readonly #clock: Clock;
  /** Of one flush. */
  limits: FlushLimits;
  #scheduled = false;
  #lookedAtMs = 0;
  // Of the flush under way.
  #deadline = 0;
  #turns = 0;
  #work = 0;

  constructor(clock: Clock, limits: FlushLimits) {
    this.lingering = new LingerTimers(clock);
    this.#clock = clock;
    this.limits = limits;
  }

  /**
   * Unix time in milliseconds of the last look at the clock. While a flush is under way that is at most a few turns ago,
   * so whoever needs the time in every turn need not ask the clock in every turn.
   */
  get lookedAtMs(): number {
    return this.#lookedAtMs;
  }

  /** For those who send outside a flush. */
  look(): void {
    // Rather than `now()`, so that it can be compared with the times of messages; neither jumps.
    this.#lookedAtMs = this.#clock.unixMs();
  }

  /** Must be called at most once between two turns of the same object. */
  add(ready: Flushable, line: "live" | "catching-up"): void {
    if (line === "live") this.#live.push(ready);
    else this.#catchingUp.push(ready);
    this.#schedule();
  }

  /** Gives storage back that a peak of ready subscriptions needed. */
  settle(): void {
    this.#live.settle();
    this.#catchingUp.settle();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    this.look();
    this.#deadline = this.#lookedAtMs + this.limits.sliceMs;
    this.#turns = 0;
    this.#work = 0;
    for (let next = this.#live.shift(); next !== undefined; next = this.#live.shift()) {
      if (this.#isSliceOver(next.flush())) break;
    }
    const lastTurn = this.#turns + CATCH_UP_BATCHES;
    for (let next = this.#catchingUp.shift(); next !== undefined; next = this.#catchingUp.shift()) {
      if (this.#isSliceOver(next.flush()) || this.#turns >= lastTurn) break;
    }
    if (this.#live.length + this.#catchingUp.length > 0) this.#schedule();
  };

  /** Asked after every turn, with the frames that it moved. */
  #isSliceOver(frames: number): boolean {
    this.#turns++;
    this.#work += WORK_PER_TURN + frames;
    if (this.#turns >= this.limits.batches) return true;
    if (this.#work < WORK_BETWEEN_CLOCK_LOOKS) return false;
    this.#work = 0;
    this.look();
    return this.#lookedAtMs >= this.#deadline;
  }
}
