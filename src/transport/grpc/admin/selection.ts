/**
 * Which subscriptions an operator asks for.
 *
 * @module
 */
import { ADMIN_DEFAULTS } from "../../../defaults.ts";
import { quote, SpillwayError } from "../../../errors.ts";
import { checkPattern, intersection, type SubscriptionStats } from "../../../fanout/index.ts";
import type { ListQuery } from "./reports.ts";

const MAX_LIMIT = 10_000;
const MAX_WINDOW_MS = 60_000;

/** @throws SpillwayError `REQUEST_INVALID` */
export function checkedLimit(limit: number = ADMIN_DEFAULTS.limit): number {
  return checkAtMost("limit", limit, MAX_LIMIT);
}

/** @throws SpillwayError `REQUEST_INVALID` */
export function checkedWindow(windowMs: number = ADMIN_DEFAULTS.windowMs): number {
  return checkAtMost("window_ms", windowMs, MAX_WINDOW_MS);
}

function checkAtMost(field: string, value: number, most: number): number {
  if (value <= most) return value;
  throw new SpillwayError("REQUEST_INVALID", `expected ${field} of at most ${most}, got ${quote(value)}`, {
    field,
  });
}

/**
 * Whether a subscription is meant, by what does not change while it lives.
 *
 * @throws SpillwayError `PATTERN_INVALID`
 */
export function selector(query: ListQuery): (stats: SubscriptionStats) => boolean {
  const { class: name, clientNamePrefix, topicPattern, idPrefix } = query;
  if (topicPattern !== undefined) checkTopicPattern(topicPattern);
  return (stats) =>
    (name === undefined || stats.class === name) &&
    (clientNamePrefix === undefined || stats.clientName?.startsWith(clientNamePrefix) === true) &&
    (idPrefix === undefined || stats.id.startsWith(idPrefix)) &&
    (topicPattern === undefined ||
      stats.patterns.some((pattern) => intersection(pattern, topicPattern) !== undefined));
}

/** As the pattern of a subscription is, but by the name of this field. */
function checkTopicPattern(pattern: string): void {
  try {
    checkPattern(pattern);
  } catch (error) {
    throw new SpillwayError("PATTERN_INVALID", (error as Error).message, {
      field: "topic_pattern",
      cause: error,
    });
  }
}
