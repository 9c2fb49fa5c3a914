import type { Clock } from "../clock.ts";
import type { EvictionBrake } from "./eviction-brake.ts";
import type { Histogram } from "./histogram.ts";
import { WATCH_INTERVAL_MS } from "./options.ts";
import type { Subscription } from "./subscription.ts";

/** Rounds between two looks at storage that could be given back: ten seconds. */
const ROUNDS_BETWEEN_SETTLING = 40;

/**
 * The one timer of a hub that always runs: looks at every subscription at a fixed interval, and judges what takes time (a stalled
 * write, a position that nobody told). Only the watch judges time; publish and flush never do.
 *
 * Its time is not the clock's: a round that comes late counts as one interval, however late. When our own event
 * loop was blocked, no write could finish, so that time is nobody's fault and nobody is evicted for it.
 */
export class Watch {
  readonly #clock: Clock;
  readonly #subscriptions: ReadonlyMap<Subscription, unknown>;
  readonly #settle: () => void;
  readonly #brake: EvictionBrake;
  readonly #latenessMs: Histogram;
  #stop: (() => void) | undefined;
  #lastRoundAt = 0;
  #rounds = 0;
  #time = 0;

  /**
   * @param settle - gives storage back that is not needed any more; called now and then
   * @param latenessMs - gets how late every round was
   */
  constructor(
    clock: Clock,
    subscriptions: ReadonlyMap<Subscription, unknown>,
    settle: () => void,
    brake: EvictionBrake,
    latenessMs: Histogram,
  ) {
    this.#clock = clock;
    this.#subscriptions = subscriptions;
    this.#settle = settle;
    this.#brake = brake;
    this.#latenessMs = latenessMs;
  }

  /** Milliseconds in which the event loop was free, as of the last round. */
  get time(): number {
    return this.#time;
  }

  start(): void {
    if (this.#stop !== undefined) return;
    this.#lastRoundAt = this.#clock.now();
    this.#stop = this.#clock.every(WATCH_INTERVAL_MS, () => this.#round());
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#brake.release(this.#time);
  }

  #round(): void {
    const now = this.#clock.now();
    const elapsed = now - this.#lastRoundAt;
    this.#lastRoundAt = now;
    this.#latenessMs.record(Math.max(0, elapsed - WATCH_INTERVAL_MS));
    this.#time += elapsed > 2 * WATCH_INTERVAL_MS ? WATCH_INTERVAL_MS : elapsed;
    const settling = ++this.#rounds % ROUNDS_BETWEEN_SETTLING === 0;
    let slow = 0;
    for (const subscription of this.#subscriptions.keys()) if (subscription.isSlow) slow++;
    this.#brake.beginRound(this.#time, this.#subscriptions.size, slow);
    for (const subscription of this.#subscriptions.keys()) {
      subscription.watch(this.#time);
      if (settling) subscription.settleStorage();
    }
    if (settling) this.#settle();
  }
}
