import { Histogram, type HistogramSnapshot } from "./histogram.ts";
import type { Message } from "./message.ts";

/** Of times, in milliseconds: from a lone message in an idle process to a minute. */
const TIME_BOUNDS_MS = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
];
const BATCH_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

/**
 * What a hub counts for all of its subscriptions in one place, where books of each would only be added up. So it stays
 * when they end.
 */
export class Meters {
  readonly loopLatenessMs = new Histogram(TIME_BOUNDS_MS);
  slowEpisodes = 0;
  parked = 0;

  readonly #clock: { readonly lookedAtMs: number };
  readonly #lagMs = new Histogram(TIME_BOUNDS_MS);
  readonly #batchMessages = new Histogram(BATCH_BOUNDS);

  // Equal batches in a row, not recorded yet. In a flush one subscriber after the other is given the same messages, and
  // then all there is to do is to count: times are computed, and passed on, only for the first of them.
  #alike = 0;
  #messages = 0;
  #offset = 0;
  #atMs = 0;
  /** Of the first message, and whether it is one to speak of. */
  #lag = 0;
  #isLive = false;

  /** @param clock - says when it is, without being asked to look */
  constructor(clock: { readonly lookedAtMs: number }) {
    this.#clock = clock;
  }

  /**
   * A batch is given to its sink.
   *
   * @param messages - at least one
   * @param oldest - the first of them
   * @param replayedThrough - up to this offset messages were read from the past: as old as the subscriber wants them,
   *   and not late
   */
  batch(messages: number, oldest: Message, replayedThrough: number): void {
    const { offset } = oldest;
    const isLive = offset > replayedThrough;
    if (
      messages !== this.#messages ||
      offset !== this.#offset ||
      isLive !== this.#isLive ||
      this.#clock.lookedAtMs !== this.#atMs
    ) {
      this.#recordAlike();
      this.#isLive = isLive;
      this.#messages = messages;
      this.#offset = offset;
      this.#atMs = this.#clock.lookedAtMs;
      this.#lag = this.#atMs - oldest.publishedAtMs;
    }
    this.#alike++;
  }

  lagMs(): HistogramSnapshot {
    this.#recordAlike();
    return this.#lagMs.snapshot();
  }

  batchMessages(): HistogramSnapshot {
    this.#recordAlike();
    return this.#batchMessages.snapshot();
  }

  #recordAlike(): void {
    if (this.#alike === 0) return;
    this.#batchMessages.record(this.#messages, this.#alike);
    // Below 0 when a hook published it after the flush has looked at the clock.
    if (this.#isLive) this.#lagMs.record(Math.max(0, this.#lag), this.#alike);
    this.#alike = 0;
  }
}
