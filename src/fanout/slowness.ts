import { areSame, Ladder, type Rung, type SlowSignals } from "./escalation.ts";
import type { Message } from "./message.ts";
import type { SubscriberSettings } from "./rules.ts";

/** What waits for a subscriber or is in flight. */
export interface Backlog {
  readonly messages: number;
  readonly bytes: number;
  readonly oldest: Message | undefined;
}

/**
 * How slow one subscriber is, and for how long: the episode of its queue being full, its stalled write, and the rung
 * that it stands on because of them. It observes; what is done about it is the subscription's business.
 *
 * Times are the watch's. `undefined` stands for: not seen by the watch, so nothing is ever judged early.
 */
export class Slowness {
  #settings: SubscriberSettings;
  #rungs: readonly Rung[];
  #ladder: Ladder;
  #full = false;
  #fullSince: number | undefined;
  #stalledSince: number | undefined;
  #bornAt: number | undefined;
  /** Turned live from the past: the messages that it read there are not late for being old. */
  #liveSince: number | undefined = 0;

  constructor(rungs: readonly Rung[], settings: SubscriberSettings) {
    this.#settings = settings;
    this.#rungs = rungs;
    this.#ladder = new Ladder(rungs, settings.recoveryMs);
  }

  /**
   * Judges by other rungs from now on, and at once: by the time of the last round of the watch. It keeps the rung that it
   * stands on if that is among them. On one that evicts it comes with the next round at the earliest.
   */
  reconfigure(rungs: readonly Rung[], settings: SubscriberSettings, backlog: Backlog, now: number): void {
    const { rung } = this.#ladder;
    const same =
      rungs.length === this.#rungs.length && rungs.every((each, n) => areSame(each, this.#rungs[n]!));
    const unchanged = same && settings.recoveryMs === this.#settings.recoveryMs;
    this.#settings = settings;
    this.#rungs = rungs;
    if (unchanged) return;
    const level = rung === undefined ? 0 : 1 + rungs.findIndex((each) => areSame(each, rung));
    this.#ladder = new Ladder(rungs, settings.recoveryMs, level);
    this.judge(now, backlog, () => false);
  }

  /** 0 is the ground. */
  get level(): number {
    return this.#ladder.level;
  }

  /** What is in force; `undefined` on the ground. */
  get rung(): Rung | undefined {
    return this.#ladder.rung;
  }

  /** The queue reached the high watermark. */
  filled(): void {
    this.#full = true;
  }

  /** The queue is at the low watermark again. */
  emptied(): void {
    this.#full = false;
    this.#fullSince = undefined;
  }

  stalled(now: number): void {
    this.#stalledSince = now;
  }

  moved(): void {
    this.#stalledSince = undefined;
  }

  /** It comes from the past: what waits then was put there by us. */
  turnedLive(): void {
    this.#liveSince = undefined;
  }

  /** Once per round of the watch, before anything is judged. */
  observe(now: number, isLive: boolean): void {
    this.#bornAt ??= now;
    if (this.#full) this.#fullSince ??= now;
    if (isLive) this.#liveSince ??= now;
    else this.#liveSince = undefined;
  }

  /** For how many milliseconds its queue has been full; `undefined` when it is not. */
  fullForMs(now: number): number | undefined {
    return this.#fullSince === undefined ? undefined : now - this.#fullSince;
  }

  /**
   * Judges it, unless it has just come. Returns whether it stands on another rung now.
   *
   * @param mayEvict - asked only when a rung that evicts is the highest that holds
   */
  judge(now: number, backlog: Backlog, mayEvict: () => boolean): boolean {
    if (now - (this.#bornAt ?? now) < this.#settings.newcomerGraceMs) return false;
    this.#read(now, backlog);
    return this.#ladder.judge(now, signals, mayEvict);
  }

  #read(now: number, { messages, bytes, oldest }: Backlog): void {
    signals.stalledForMs = this.#stalledSince === undefined ? undefined : now - this.#stalledSince;
    // Reading the past is not slowness: what waits then, and for a while after, is what we have put there.
    const liveSince = this.#liveSince;
    const judged = liveSince !== undefined && now - liveSince >= this.#settings.newcomerGraceMs;
    signals.fullForMs = judged ? this.fullForMs(now) : undefined;
    signals.lagMs =
      judged && oldest !== undefined ? now - Math.max(oldest.publishedAtWatch, liveSince) : undefined;
    signals.lagMessages = judged ? messages : undefined;
    signals.lagBytes = judged ? bytes : undefined;
  }
}

/** One for all: thousands of subscribers are judged in a row, four times a second. */
const signals: { -readonly [Name in keyof SlowSignals]: SlowSignals[Name] } = {
  fullForMs: undefined,
  lagMs: undefined,
  lagMessages: undefined,
  lagBytes: undefined,
  stalledForMs: undefined,
};
