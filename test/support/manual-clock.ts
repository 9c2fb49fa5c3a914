import type { Clock } from "../../src/clock.ts";

interface Timer {
  dueMs: number;
  /** `undefined`: it fires once. */
  readonly everyMs: number | undefined;
  readonly run: () => void;
}

/** More turns than any honest test needs: work that makes itself ready for ever is a bug, not a wait. */
const MOST_TURNS = 100_000;

/**
 * Time that moves by hand. It stands for the whole event loop: timers fire in the order of their due times, and
 * what `soon` collected runs after each of them, as it does after the timers of a real turn.
 */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();
  #soon: (() => void)[] = [];

  now(): number {
    return this.#nowMs;
  }

  unixMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  every(ms: number, run: () => void): () => void {
    return this.#add({ dueMs: this.#nowMs + Math.max(ms, 1), everyMs: Math.max(ms, 1), run });
  }

  after(ms: number, run: () => void): () => void {
    return this.#add({ dueMs: this.#nowMs + ms, everyMs: undefined, run });
  }

  soon(run: () => void): void {
    this.#soon.push(run);
  }

  /** Timers that have not been cancelled and can still fire. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Whether a turn would run anything. */
  get busy(): boolean {
    return this.#soon.length > 0;
  }

  /** One turn of the event loop: runs what `soon` collected; what that adds waits for the next turn. */
  turn(): void {
    for (const run of this.#soon.splice(0)) run();
  }

  /** Turns until nothing is left to do, and says how many that were. Time stands still. */
  settle(): number {
    let turns = 0;
    for (; this.busy; turns++) {
      if (turns === MOST_TURNS) throw new Error(`still busy after ${MOST_TURNS} turns`);
      this.turn();
    }
    return turns;
  }

  /** Lets time pass with a free event loop: every timer fires when it is due. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    this.settle();
    for (let next = this.#earliest(untilMs); next !== undefined; next = this.#earliest(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.#fire(next);
      this.settle();
    }
    this.#nowMs = untilMs;
  }

  /** Lets time pass with a blocked event loop: nothing runs meanwhile, and what was due fires once, late. */
  block(ms: number): void {
    this.#nowMs += ms;
    const late = [...this.#timers].filter((timer) => timer.dueMs <= this.#nowMs);
    for (const timer of late.sort((a, b) => a.dueMs - b.dueMs)) {
      if (this.#timers.has(timer)) this.#fire(timer);
    }
    this.settle();
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  #earliest(untilMs: number): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= untilMs && (earliest === undefined || timer.dueMs < earliest.dueMs))
        earliest = timer;
    }
    return earliest;
  }

  #fire(timer: Timer): void {
    if (timer.everyMs === undefined) this.#timers.delete(timer);
    else timer.dueMs = this.#nowMs + timer.everyMs;
    timer.run();
  }
}
