import qlobber from "qlobber";
import { CompactedLog } from "./compacted-log.ts";
import { type ReplayLog, SequentialLog } from "./replay-log.ts";
import { MAX_TOKENS, triePattern } from "./topic-names.ts";

/** Retains the newest messages of a topic. All bounds hold at once. */
export interface SequentialRetention {
  /** @default 1_024 */
  readonly messages?: number;
  /** @default 1_048_576 */
  readonly bytes?: number;
  /**
   * In milliseconds. What is older is never replayed, and is forgotten within ten seconds while there are
   * subscriptions.
   *
   * @default Infinity
   */
  readonly ageMs?: number;
}

/** Retains the latest message per key of a topic: messages without a key are refused there. */
export interface CompactedRetention {
  readonly latestPerKey: true;
  /**
   * Most keys per topic; beyond it the key that was unchanged for longest is forgotten.
   *
   * @default 10_000
   */
  readonly keys?: number;
  /**
   * How long a tombstone is retained, in milliseconds: as long as a subscriber may be away and still learn of the
   * deletion.
   *
   * @default 3_600_000
   */
  readonly tombstoneAgeMs?: number;
}

export type Retention = SequentialRetention | CompactedRetention;

/** With everything filled in. */
export type ResolvedRetention = Required<SequentialRetention> | Required<CompactedRetention>;

/** Rules by pattern, of which the first that matches a topic counts. */
export class FirstRule<Rule extends { readonly pattern: string }> {
  readonly #rules: readonly Rule[];
  readonly #trie = new qlobber.Qlobber<number>({
    separator: ".",
    wildcard_one: "*",
    wildcard_some: ">",
    max_words: MAX_TOKENS + 1,
  });

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    for (const [index, rule] of rules.entries()) this.#trie.add(triePattern(rule.pattern), index);
  }

  of(topic: string): Rule | undefined {
    if (this.#rules.length === 0) return undefined;
    const matching = this.#trie.match(topic);
    return matching.length === 0 ? undefined : this.#rules[Math.min(...matching)];
  }
}

/** The log that a topic gets. */
export function makeLog(retention: ResolvedRetention | undefined): ReplayLog | undefined {
  if (retention === undefined) return undefined;
  return "latestPerKey" in retention ? new CompactedLog(retention) : new SequentialLog(retention);
}
