/**
 * Topics and patterns, in the manner of NATS subjects: dot-separated tokens; in a pattern `*` stands for exactly
 * one token, and a last `>` for one or more. Names come from strangers, so every rule is checked and every
 * message escapes what it quotes.
 *
 * @module
 */
import { quote, SpillwayError } from "../errors.ts";

/** Longest topic or pattern, in UTF-16 units. */
export const MAX_NAME_LENGTH = 256;
/** Most tokens in a topic or pattern. Keeps the walk through the pattern index short. */
export const MAX_TOKENS = 32;

// White space and control characters make names that cannot be told apart in a log.
const UNPRINTABLE = /[\s\p{Cc}\p{Cs}]/u;

/** @throws SpillwayError `TOPIC_INVALID` */
export function checkTopic(topic: string): void {
  const fault = nameFault(topic) ?? (/[*>]/.test(topic) ? "wildcards are for patterns only" : undefined);
  if (fault !== undefined) {
    throw new SpillwayError(
      "TOPIC_INVALID",
      `expected a topic such as "prices.EURUSD", got ${quote(topic)}: ${fault}`,
      { field: "topic" },
    );
  }
}

/** @throws SpillwayError `PATTERN_INVALID` */
export function checkPattern(pattern: string): void {
  const fault = nameFault(pattern) ?? wildcardFault(pattern);
  if (fault !== undefined) {
    throw new SpillwayError(
      "PATTERN_INVALID",
      `expected a pattern such as "prices.*" or "prices.>", got ${quote(pattern)}: ${fault}`,
      { field: "patterns" },
    );
  }
}

/** A pattern as the trie library spells it: its many-wildcard matches zero tokens too, ours at least one. */
export function triePattern(pattern: string): string {
  return pattern === ">" ? "*.>" : pattern.endsWith(".>") ? `${pattern.slice(0, -1)}*.>` : pattern;
}

/** Whether the pattern is the name of one topic. */
export function isTopic(pattern: string): boolean {
  return !/[*>]/.test(pattern);
}

function nameFault(name: unknown): string | undefined {
  if (typeof name !== "string") return `it must be a string, not ${name === null ? "null" : typeof name}`;
  if (name.length === 0) return "it is empty";
  if (name.length > MAX_NAME_LENGTH)
    return `it has ${name.length} characters, at most ${MAX_NAME_LENGTH} are allowed`;
  if (UNPRINTABLE.test(name)) return "white space, control characters and lone surrogates are not allowed";
  const tokens = name.split(".");
  if (tokens.length > MAX_TOKENS) return `it has ${tokens.length} tokens, at most ${MAX_TOKENS} are allowed`;
  if (tokens.includes("")) return "no token between the dots may be empty";
  return undefined;
}

function wildcardFault(pattern: string): string | undefined {
  const tokens = pattern.split(".");
  for (const [index, token] of tokens.entries()) {
    if (token.length > 1 && /[*>]/.test(token))
      return `a wildcard must be a whole token, unlike ${quote(token)}`;
    if (token === ">" && index !== tokens.length - 1) return "the wildcard > must be the last token";
  }
  return undefined;
}
