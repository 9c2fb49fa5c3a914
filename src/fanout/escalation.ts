import type { OverflowPolicyName } from "../protocol/index.ts";

/**
 * When a rung holds. Every condition that is given must hold; at least one must be given. Only a subscriber that is
 * live is judged by what waits for it; one that reads the past or is parked is judged by `stalledForMs` alone.
 */
export interface SlowCondition {
  /** Its queue has been above the high watermark, without falling to the low one, for so many milliseconds. */
  readonly fullForMs?: number;
  /** Its oldest undelivered message is so many milliseconds old. */
  readonly lagMs?: number;
  /** So many messages wait or are in flight. */
  readonly lagMessages?: number;
  /** So many bytes wait or are in flight. */
  readonly lagBytes?: number;
  /** Its write has been stalled (see `stallTimeoutMs`) for so many milliseconds. */
  readonly stalledForMs?: number;
}

/** One step of an escalation: what is done about a subscriber while the condition holds. */
export interface Rung {
  readonly when: SlowCondition;
  /** The overflow policy from then on; `evict` ends the subscription. */
  readonly policy: Exclude<OverflowPolicyName, "block">;
}

/** How slow a subscriber is. `undefined`: not at all. */
export type SlowSignals = { readonly [Condition in keyof Required<SlowCondition>]: number | undefined };

/**
 * Where a subscriber stands on its rungs: 0 is the ground, `n` the n-th rung. It goes up at once to the highest rung
 * that holds, and down one rung at a time, each after the recovery time without a reason to be there.
 */
export class Ladder {
  readonly #rungs: readonly Rung[];
  readonly #recoveryMs: number;
  #level: number;
  #calmSince: number | undefined;

  /** @param level - where it begins */
  constructor(rungs: readonly Rung[], recoveryMs: number, level = 0) {
    this.#rungs = rungs;
    this.#recoveryMs = recoveryMs;
    this.#level = level;
  }

  get level(): number {
    return this.#level;
  }

  /** What is in force; `undefined` on the ground. */
  get rung(): Rung | undefined {
    return this.#rungs[this.#level - 1];
  }

  /**
   * Judges. Returns whether the level has changed.
   *
   * @param mayEvict - asked only when a rung that evicts is the highest that holds, and once: whoever gets a no is one
   *   eviction held back, however many of its rungs evict
   */
  judge(now: number, signals: SlowSignals, mayEvict: () => boolean): boolean {
    const highest = this.#highest(signals, mayEvict);
    if (highest > this.#level) {
      this.#level = highest;
      this.#calmSince = undefined;
      return true;
    }
    if (highest === this.#level) {
      this.#calmSince = undefined;
      return false;
    }
    this.#calmSince ??= now;
    if (now - this.#calmSince < this.#recoveryMs) return false;
    this.#calmSince = now;
    this.#level--;
    return true;
  }

  #highest(signals: SlowSignals, mayEvict: () => boolean): number {
    let isAllowed: boolean | undefined;
    for (let level = this.#rungs.length; level > 0; level--) {
      const { when, policy } = this.#rungs[level - 1]!;
      if (!holds(when, signals)) continue;
      if (policy !== "evict") return level;
      isAllowed ??= mayEvict();
      if (isAllowed) return level;
    }
    return 0;
  }
}

function holds(when: SlowCondition, signals: SlowSignals): boolean {
  for (const condition of CONDITIONS) {
    const least = when[condition];
    if (least === undefined) continue;
    const signal = signals[condition];
    if (signal === undefined || signal < least) return false;
  }
  return true;
}

/** Whether they ask for the same and do the same. */
export function areSame(one: Rung, other: Rung): boolean {
  return (
    one.policy === other.policy &&
    CONDITIONS.every((condition) => one.when[condition] === other.when[condition])
  );
}

export const CONDITIONS = ["fullForMs", "lagMs", "lagMessages", "lagBytes", "stalledForMs"] as const;
