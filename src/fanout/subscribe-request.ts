import { quote, SpillwayError } from "../errors.ts";
import type { EndFrame, OverflowPolicyName, Position, QueueBounds, Start } from "../protocol/index.ts";
import { type Access, grantOverflow, grantQueue } from "./access.ts";
import { checkBounds, checkDuration, checkEscalation, checkLinger, checkOverflow } from "./checks.ts";
import type { Rung } from "./escalation.ts";
import type { Message } from "./message.ts";
import type { ResolvedHubOptions } from "./options.ts";
import type { SubscriptionTerms } from "./subscription.ts";
import { checkPattern } from "./topic-names.ts";

/** Most patterns of one subscription, and most keys and key prefixes of one filter. */
export const MAX_PATTERNS = 64;
export const MAX_FILTER_KEYS = 1024;
/** Longest client name, in UTF-16 units. */
export const MAX_CLIENT_NAME_LENGTH = 128;
/** Most labels, and their longest name and value, in UTF-16 units. */
export const MAX_LABELS = 16;
export const MAX_LABEL_LENGTH = 128;

/** Passes a message whose key is one of `keys` or begins with one of `keyPrefixes`; none without a key. */
export interface KeyFilter {
  readonly keys?: readonly string[];
  readonly keyPrefixes?: readonly string[];
}

export interface SubscribeRequest {
  /** One to 64 patterns. A message that matches two is delivered once. */
  readonly patterns: readonly string[];
  /** @default "live" */
  readonly start?: Start | undefined;
  /** @default the hub's `overflow` */
  readonly overflow?: OverflowPolicyName | undefined;
  /** @default the hub's `queue` */
  readonly queue?: Partial<QueueBounds> | undefined;
  /**
   * Which of the matching messages it wants. What a filter skips is not a loss. A predicate runs inside
   * `publish()`, for every message and subscription: keep it short. One that throws loses the message for this
   * subscription, announced as `filter-failed`.
   *
   * @default all
   */
  readonly filter?: KeyFilter | ((message: Message) => boolean) | undefined;
  /**
   * What is done about it when it is slow. For code of this process; remote callers get what `authorize` grants.
   *
   * @default the hub's `escalation`
   */
  readonly escalation?: readonly Rung[] | undefined;
  /**
   * The oldest message it wants, in milliseconds since it was published. What is older when its turn comes is told
   * as `expired`.
   *
   * @default Infinity
   */
  readonly maxAgeMs?: number | undefined;
  /**
   * The least time between two messages of the same key, in milliseconds; the newest in between is sent when it is
   * over. What is held back waits in the queue's room, and gives way when that is full. Needs the overflow policy
   * `conflate`, and pauses while a rung of the escalation has put another one in force.
   *
   * @default 0
   */
  readonly minIntervalMs?: number | undefined;
  /**
   * How long a message may wait for others to be sent with, in milliseconds; see `HubOptions.lingerMs`. Counts instead
   * of what the topic and the hub say.
   *
   * @default as the topic and the hub say
   */
  readonly lingerMs?: number | undefined;
  /** Shown in the statistics. */
  readonly clientName?: string | undefined;
  /**
   * Shown in the statistics, and matched by classes: at most 16, names and values of at most 128 printable characters.
   * Claims, not an identity.
   *
   * @default none
   */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Called once when it is over, outside of `publish()`. */
  readonly onEnd?: ((end: EndFrame) => void) | undefined;
}

/**
 * What a subscription gets of what it asked for.
 *
 * @param access - `undefined` for code of this process, which gets what it asks for
 * @throws SpillwayError `PATTERN_INVALID`, `REQUEST_INVALID`, `POSITION_INVALID`, `EPOCH_MISMATCH`, `NOT_ALLOWED`
 */
export function agreeOnTerms(
  request: SubscribeRequest,
  access: Access | undefined,
  options: ResolvedHubOptions,
  now: Position,
): SubscriptionTerms {
  const overflow = inField("overflow", () =>
    request.overflow === undefined ? undefined : checkOverflow("overflow", request.overflow),
  );
  const queue = inField("queue", () => checkBounds("queue", request.queue, options.queue));
  const granted =
    access === undefined ? (overflow ?? options.overflow) : grantOverflow(access, overflow, options.overflow);
  if (granted === "park" && options.retention.length === 0) {
    throw new SpillwayError(
      "REQUEST_INVALID",
      "the overflow policy park needs a replay log, and this hub retains nothing: set its option retention",
      { field: "overflow" },
    );
  }
  return {
    patterns: agreeOnPatterns(request.patterns),
    overflow: granted,
    queue: access === undefined ? queue : grantQueue(access, queue, options.maxQueue),
    passes: typeof request.filter === "function" ? request.filter : keyPredicate(request.filter),
    escalation: agreeOnEscalation(request, access, options),
    maxAgeMs: checkMaxAge(request.maxAgeMs),
    minIntervalMs: checkMinInterval(request.minIntervalMs, granted),
    lingerMs: checkLingerMs(request.lingerMs),
    priority: access?.priority ?? 0,
    clientName: checkClientName(request.clientName),
    identity: access?.identity,
    class: access?.class,
    labels: checkLabels(request.labels),
    start: checkStart(request.start ?? "live", now),
  };
}

function agreeOnPatterns(patterns: readonly string[]): readonly string[] {
  const distinct = new Set(patterns);
  if (distinct.size < 1 || distinct.size > MAX_PATTERNS) {
    throw new SpillwayError(
      "REQUEST_INVALID",
      `expected 1 to ${MAX_PATTERNS} patterns, got ${distinct.size}`,
      {
        field: "patterns",
      },
    );
  }
  for (const pattern of distinct) checkPattern(pattern);
  return [...distinct];
}

function checkStart(start: Start, now: Position): Start {
  if (start === "live" || start === "oldest" || start === "snapshot") return start;
  if (typeof start === "object" && start !== null) {
    if ("epoch" in start) return checkPosition(start, now);
    if ("newest" in start && Number.isSafeInteger(start.newest) && start.newest >= 1) return start;
    if ("sinceMs" in start && Number.isFinite(start.sinceMs)) return start;
  }
  throw new SpillwayError(
    "REQUEST_INVALID",
    `expected a start of "live", "oldest", "snapshot", a position, { newest: 1 or more } or { sinceMs: Unix time }, got ${quote(JSON.stringify(start))}`,
    { field: "start" },
  );
}

function checkPosition(start: Position, now: Position): Position {
  if (start.epoch !== now.epoch) {
    throw new SpillwayError(
      "EPOCH_MISMATCH",
      `the position is of epoch ${quote(start.epoch)}, this history is ${quote(now.epoch)}: start without a position`,
      { field: "position" },
    );
  }
  if (!Number.isSafeInteger(start.offset) || start.offset < 0 || start.offset > now.offset) {
    throw new SpillwayError(
      "POSITION_INVALID",
      `expected an offset from 0 to ${now.offset}, the newest of this history, got ${String(start.offset)}`,
      { field: "position" },
    );
  }
  return start;
}

function keyPredicate(filter: KeyFilter | undefined): ((message: Message) => boolean) | undefined {
  const keys = new Set(filter?.keys ?? []);
  const prefixes = [...new Set(filter?.keyPrefixes ?? [])];
  const size = keys.size + prefixes.length;
  if (size === 0) return undefined;
  if (size > MAX_FILTER_KEYS) {
    throw new SpillwayError(
      "REQUEST_INVALID",
      `expected at most ${MAX_FILTER_KEYS} keys and key prefixes in a filter, got ${size}`,
      { field: "filter" },
    );
  }
  return ({ key }) =>
    key !== undefined && (keys.has(key) || prefixes.some((prefix) => key.startsWith(prefix)));
}

function agreeOnEscalation(
  request: SubscribeRequest,
  access: Access | undefined,
  options: ResolvedHubOptions,
): readonly Rung[] {
  const rungs = access === undefined ? request.escalation : access.escalation;
  if (rungs === undefined) return options.escalation;
  return inField("escalation", () => checkEscalation("escalation", rungs, options.retention.length > 0));
}

function checkMaxAge(maxAgeMs: number | undefined): number | undefined {
  if (maxAgeMs === undefined || maxAgeMs === Number.POSITIVE_INFINITY || maxAgeMs > 0) return maxAgeMs;
  throw new SpillwayError("REQUEST_INVALID", `expected a maxAgeMs above 0, got ${quote(maxAgeMs)}`, {
    field: "max_age_ms",
  });
}

function checkMinInterval(
  minIntervalMs: number | undefined,
  granted: OverflowPolicyName,
): number | undefined {
  if (minIntervalMs === undefined || minIntervalMs === 0) return undefined;
  const checked = inField("min_interval_ms", () => checkDuration("minIntervalMs", minIntervalMs));
  if (granted === "conflate") return checked;
  throw new SpillwayError(
    "REQUEST_INVALID",
    `minIntervalMs needs the overflow policy conflate, and ${granted} was granted`,
    { field: "min_interval_ms" },
  );
}

function checkLingerMs(lingerMs: number | undefined): number | undefined {
  if (lingerMs === undefined) return undefined;
  return inField("linger_ms", () => checkLinger("lingerMs", lingerMs));
}

const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

function checkLabels(labels: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  if (labels === undefined) return NO_LABELS;
  const entries = Object.entries(labels);
  const bad = entries.find(([name, value]) => name === "" || !isLabelText(name) || !isLabelText(value));
  if (bad === undefined && entries.length <= MAX_LABELS) {
    // Not by assignment: `__proto__` is a name like any other.
    return entries.length === 0 ? NO_LABELS : Object.freeze(Object.fromEntries(entries));
  }
  const got = bad === undefined ? `${entries.length} labels` : `${quote(bad[0])} = ${quote(bad[1])}`;
  throw new SpillwayError(
    "REQUEST_INVALID",
    `expected at most ${MAX_LABELS} labels, names and values of at most ${MAX_LABEL_LENGTH} printable characters, got ${got}`,
    { field: "labels" },
  );
}

function isLabelText(text: unknown): boolean {
  return isPrintable(text, MAX_LABEL_LENGTH);
}

function isPrintable(text: unknown, maxLength: number): boolean {
  return typeof text === "string" && text.length <= maxLength && !/[\p{Cc}\p{Cs}]/u.test(text);
}

function checkClientName(name: string | undefined): string | undefined {
  if (name === undefined || name === "") return undefined;
  if (!isPrintable(name, MAX_CLIENT_NAME_LENGTH)) {
    throw new SpillwayError(
      "REQUEST_INVALID",
      `expected a client name of at most ${MAX_CLIENT_NAME_LENGTH} printable characters, got ${quote(name)}`,
      { field: "client_name" },
    );
  }
  return name;
}

/** The engine's checks throw for programmers; a request may come from a stranger, who gets a refusal. */
function inField<T>(field: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new SpillwayError("REQUEST_INVALID", (error as Error).message, { field, cause: error });
  }
}
