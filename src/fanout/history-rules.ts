import qlobber from "qlobber";
import type { HistoryRule } from "./history-source.ts";
import { MAX_TOKENS, triePattern } from "./topic-names.ts";

/** Where the past of topics is kept, by pattern: the first rule that matches a topic counts. */
export class HistoryRules {
  readonly #rules: readonly HistoryRule[];
  readonly #trie = new qlobber.Qlobber<number>({
    separator: ".",
    wildcard_one: "*",
    wildcard_some: ">",
    max_words: MAX_TOKENS + 1,
  });

  constructor(rules: readonly HistoryRule[]) {
    this.#rules = rules;
    for (const [index, rule] of rules.entries()) this.#trie.add(triePattern(rule.pattern), index);
  }

  of(topic: string): HistoryRule | undefined {
    if (this.#rules.length === 0) return undefined;
    const matching = this.#trie.match(topic);
    return matching.length === 0 ? undefined : this.#rules[Math.min(...matching)];
  }
}
