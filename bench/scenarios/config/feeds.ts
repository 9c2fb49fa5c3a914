/**
 * Topics on which the patterns of configurations are met.
 *
 * @module
 */
import { compareSpecificity, covers } from "../../../src/fanout/levels.ts";

const NAME = "bench";

/** Topics that no pattern matches, the first that does. */
const PLAIN = [NAME, `${NAME}.feed`, `${NAME}.feed.plain`];

/**
 * A topic that matches the pattern: `prices.*` → `prices.bench`. What stands for `>` has two tokens, so that it does not
 * match `*` at the same place as well.
 */
export function topicFor(pattern: string): string {
  return pattern
    .split(".")
    .map((token) => (token === ">" ? `${NAME}.feed` : token === "*" ? NAME : token))
    .join(".");
}

/** A topic that none of the patterns matches; `undefined` when there is none that one could think of. */
export function plainTopic(patterns: readonly string[]): string | undefined {
  return PLAIN.find((topic) => patternOf(patterns, topic) === undefined);
}

/** The most specific of the patterns that match the topic. */
export function patternOf(patterns: readonly string[], topic: string): string | undefined {
  return patterns
    .filter((pattern) => covers(pattern.split("."), topic.split(".")))
    .toSorted(compareSpecificity)[0];
}
