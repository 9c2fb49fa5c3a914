import * as diagnostics from "../diagnostics.ts";

/** Fewer slow subscribers than this are never called a mass. */
const LEAST_MASS = 10;
/** The longest that evictions pause, and how long they are paced afterwards, in milliseconds. */
const PAUSE_MS = 60_000;
/** Most evictions in one round of the watch while they are paced, as a share of all subscriptions; at least one. */
const PACED_SHARE = 0.01;

/**
 * - `off`: evictions happen as they are due.
 * - `paused`: so many turned slow at once that it is us or the network, and not they: nobody is evicted.
 * - `paced`: the pause is over; a few per round.
 */
export type BrakeState = "off" | "paused" | "paced";

/**
 * Keeps a fault of our own from evicting everybody. Bounds hold regardless: it only holds back evictions that are
 * due to time.
 */
export class EvictionBrake {
  /** The share of subscribers that are slow at once from which on they are a mass. */
  massShare: number;
  readonly #epoch: string;
  #state: BrakeState = "off";
  #since = 0;
  #left = Number.POSITIVE_INFINITY;
  #heldBack = 0;

  /** @param epoch - of the hub, for its events */
  constructor(massShare: number, epoch: string) {
    this.massShare = massShare;
    this.#epoch = epoch;
  }

  get state(): BrakeState {
    return this.#state;
  }

  /** Evictions that were due in the last round, and held back. */
  get heldBack(): number {
    return this.#heldBack;
  }

  /** Nobody is left, and there are no more rounds: whoever comes next is not those who were slow. */
  release(now: number): void {
    if (this.#state === "paused") this.#tellResumed(now, 0, 0);
    this.#enter("off", now);
    this.#heldBack = 0;
    this.#left = Number.POSITIVE_INFINITY;
  }

  /** Called once per round of the watch, before anybody is judged. */
  beginRound(now: number, subscriptions: number, slow: number): void {
    this.#heldBack = 0;
    const mass = slow >= LEAST_MASS && slow >= subscriptions * this.massShare;
    const elapsed = now - this.#since;
    if (this.#state === "off" && mass) {
      this.#enter("paused", now);
      const { evictionsPaused: channel } = diagnostics;
      if (channel.hasSubscribers) channel.publish({ epoch: this.#epoch, subscriptions, slow });
    } else if (this.#state === "paused" && (!mass || elapsed >= PAUSE_MS)) {
      this.#tellResumed(now, subscriptions, slow);
      this.#enter("paced", now);
    } else if (this.#state === "paced" && !mass && elapsed >= PAUSE_MS) this.#enter("off", now);
    if (this.#state === "off") this.#left = Number.POSITIVE_INFINITY;
    else if (this.#state === "paused") this.#left = 0;
    else this.#left = Math.max(1, Math.floor(subscriptions * PACED_SHARE));
  }

  /** Whether one more may be evicted in this round. Whoever gets a yes evicts. */
  readonly mayEvict = (): boolean => {
    if (this.#left > 0) {
      this.#left--;
      return true;
    }
    this.#heldBack++;
    return false;
  };

  #tellResumed(now: number, subscriptions: number, slow: number): void {
    const { evictionsResumed: channel } = diagnostics;
    if (!channel.hasSubscribers) return;
    channel.publish({ epoch: this.#epoch, subscriptions, slow, forMs: now - this.#since });
  }

  #enter(state: BrakeState, now: number): void {
    this.#state = state;
    this.#since = now;
  }
}
