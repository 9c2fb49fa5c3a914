/**
 * Reading at a rate of one's own: so many messages a second and no more, whatever waits.
 *
 * A reader that was kept waiting for messages does not make up for it afterwards.
 *
 * @module
 */
export interface Sleep {
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

/** Timers know whole milliseconds: what is due sooner is read at once, and the next one waits for both. */
const SHORTEST_MS = 1;
/** What is made up for all the same: a timer that fired late is no reader's rate. */
const SLACK_MS = 50;

export class Pace {
  readonly #everyMs: number;
  readonly #time: Sleep;
  #nextMs: number;

  constructor(perSecond: number, time: Sleep) {
    this.#everyMs = 1_000 / perSecond;
    this.#time = time;
    this.#nextMs = time.nowMs();
  }

  /** Waits until one more may be read. */
  async turn(): Promise<void> {
    const now = this.#time.nowMs();
    const waitMs = this.#nextMs - now;
    this.#nextMs = Math.max(this.#nextMs, now - SLACK_MS) + this.#everyMs;
    if (waitMs >= SHORTEST_MS) await this.#time.sleep(waitMs);
  }
}
