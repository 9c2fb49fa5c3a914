/**
 * How stale what a subscriber holds is: at instants ten milliseconds apart, for each key, how long ago the value that it
 * holds was replaced by a newer one. 0 when it is the newest: an old value that nothing has replaced is not stale.
 *
 * The instants are fixed beforehand, and one that is over is looked at when the next message is read: nothing has changed
 * what was held in between. So a process that is stopped misses none of them, and its staleness is seen in full.
 *
 * @module
 */
import { NANOS_PER_MS } from "../../harness/clock.ts";
import type { Histogram } from "../../harness/histogram.ts";
import type { Feed } from "./feed.ts";

export const LOOK_EVERY_MS = 10;
const EVERY_NANOS = LOOK_EVERY_MS * NANOS_PER_MS;
const NONE = -1;

export class Freshness {
  readonly #feed: Pick<Feed, "keys" | "messages" | "dueNanos">;
  readonly #startNanos: number;
  /** How often it is looked altogether. */
  readonly looks: number;
  readonly #outOfDate: Histogram;
  /** By key: the newest message of it that was read. */
  readonly #held: Int32Array;
  #looked = 0;

  constructor(
    feed: Pick<Feed, "keys" | "messages" | "dueNanos" | "durationMs">,
    startNanos: number,
    outOfDate: Histogram,
  ) {
    this.#feed = feed;
    this.#startNanos = startNanos;
    this.looks = Math.floor(feed.durationMs / LOOK_EVERY_MS);
    this.#outOfDate = outOfDate;
    this.#held = new Int32Array(feed.keys).fill(NONE);
  }

  read(index: number, nowNanos: number): void {
    this.lookUntil(nowNanos);
    const key = index % this.#feed.keys;
    if (index > this.#held[key]!) this.#held[key] = index;
  }

  /** Takes the looks that are due and were not taken. */
  lookUntil(nowNanos: number): void {
    while (this.#looked < this.looks && this.#nextNanos <= nowNanos - this.#startNanos) {
      this.#look(this.#nextNanos);
      this.#looked++;
    }
  }

  get #nextNanos(): number {
    return (this.#looked + 1) * EVERY_NANOS;
  }

  #look(atNanos: number): void {
    const { keys, messages } = this.#feed;
    let current = 0;
    for (let key = 0; key < keys; key++) {
      const held = this.#held[key]!;
      const newer = held === NONE ? key : held + keys;
      const staleNanos = newer < messages ? atNanos - this.#feed.dueNanos(newer) : 0;
      if (staleNanos > 0) this.#outOfDate.recordNanos(staleNanos);
      else current++;
    }
    this.#outOfDate.recordMicros(0, current);
  }
}
