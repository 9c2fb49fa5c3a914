import { quote, SpillwayError } from "../errors.ts";
import type { EndFrame, OverflowPolicyName, Position, QueueBounds, Start } from "../protocol/index.ts";
import type { Access } from "./access.ts";
import { checkDuration, checkEscalation, checkLinger, checkOverflow, checkSomeBounds } from "./checks.ts";
import type { Rung } from "./escalation.ts";
import { type Grant, grant, NO_WISHES, type Wishes } from "./grant.ts";
import { copyOf } from "./levels.ts";
import type { Message } from "./message.ts";
import type { Rules } from "./rules.ts";
import type { SubscriptionTerms } from "./subscription.ts";
import { checkPattern } from "./topic-names.ts";

/** Most patterns of one subscription, and most keys and key prefixes of one filter. */
export const MAX_PATTERNS = 64;
export const MAX_FILTER_KEYS = 1024;
/** Longest client name, label and value of a label, in UTF-16 units. */
export const MAX_CLIENT_NAME_LENGTH = 128;
/** Most labels of one subscription. */
export const MAX_LABELS = 16;

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
  /** @default what the hub's options say for its class and patterns */
  readonly overflow?: OverflowPolicyName | undefined;
  /** @default what the hub's options say for its class and patterns */
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
   * @default what the hub's options say for its class and patterns
   */
  readonly escalation?: readonly Rung[] | undefined;
  /**
   * The oldest message it wants, in milliseconds since it was published. What is older when its turn comes is told
   * as `expired`. A remote subscriber gets no more than the hub's options say.
   *
   * @default what the hub's options say for its class and patterns
   */
  readonly maxAgeMs?: number | undefined;
  /**
   * The least time between two messages of the same key, in milliseconds; the newest in between is sent when it is
   * over. What is held back waits in the queue's room, and gives way when that is full. Needs the overflow policy
   * `conflate`, and pauses while a rung of the escalation, or `reconfigure()`, has put another one in force.
   *
   * @default 0
   */
  readonly minIntervalMs?: number | undefined;
  /**
   * How long a message may wait for others to be sent with, in milliseconds; see `TopicOptions.lingerMs`. Counts instead
   * of what the class and the topic say.
   *
   * @default what the hub's options say for its class, else for the topic
   */
  readonly lingerMs?: number | undefined;
  /** Shown in the statistics, and matched by the hub's `classes`. At most 128 printable characters. */
  readonly clientName?: string | undefined;
  /**
   * What the subscriber says of itself besides its name; shown and matched likewise. At most 16, names and values at
   * most 128 printable characters.
   *
   * @default {}
   */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Called once when it is over, outside of `publish()`. */
  readonly onEnd?: ((end: EndFrame) => void) | undefined;
}

/**
 * What a subscription is made of, and what it gets of what it asked for.
 *
 * @param access - `undefined` for code of this process, which gets what it asks for
 * @throws SpillwayError `PATTERN_INVALID`, `REQUEST_INVALID`, `POSITION_INVALID`, `EPOCH_MISMATCH`, `NOT_ALLOWED`
 */
export function agreeOnTerms(
  request: SubscribeRequest,
  access: Access | undefined,
  rules: Rules,
  now: Position,
): { readonly terms: SubscriptionTerms; readonly grant: Grant } {
  const subscriber = {
    patterns: agreeOnPatterns(request.patterns),
    clientName: checkText("client_name", "a client name", request.clientName),
    labels: checkLabels(request.labels),
    access,
    wishes: checkWishes(request, rules),
  };
  const granted = grant(subscriber, rules);
  const { patterns, clientName, labels, wishes } = subscriber;
  // Each by its name: a spread would give every subscription an object of a shape of its own.
  const terms = {
    patterns,
    clientName,
    labels,
    access,
    wishes,
    passes: typeof request.filter === "function" ? request.filter : keyPredicate(request.filter),
    minIntervalMs: checkMinInterval(request.minIntervalMs, granted.overflow),
    start: checkStart(request.start ?? "live", now),
  };
  return { terms, grant: granted };
}

function checkWishes(request: SubscribeRequest, rules: Rules): Wishes {
  const { overflow, queue, escalation, maxAgeMs, lingerMs } = request;
  const wishes = {
    overflow: given("overflow", overflow, (value) => checkOverflow("overflow", value)),
    queue: given("queue", queue, (value) => copyOf(checkSomeBounds("queue", value))),
    escalation: given("escalation", escalation, (value) =>
      copyOf(checkEscalation("escalation", value, rules.retains)),
    ),
    maxAgeMs: checkMaxAge(maxAgeMs),
    lingerMs: given("linger_ms", lingerMs, (value) => checkLinger("lingerMs", value)),
  };
  return Object.values(wishes).every((wish) => wish === undefined) ? NO_WISHES : wishes;
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

const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

function checkLabels(labels: unknown): Readonly<Record<string, string>> {
  if (labels === undefined) return NO_LABELS;
  if (typeof labels !== "object" || labels === null) {
    throw new SpillwayError("REQUEST_INVALID", `expected labels by name, got ${quote(labels)}`, {
      field: "labels",
    });
  }
  const entries = Object.entries(labels);
  if (entries.length === 0) return NO_LABELS;
  if (entries.length > MAX_LABELS) {
    const text = `expected at most ${MAX_LABELS} labels, got ${entries.length}`;
    throw new SpillwayError("REQUEST_INVALID", text, { field: "labels" });
  }
  const checked = entries.map(([name, value]) => [
    checkText("labels", "the name of a label", name) ?? "",
    checkText("labels", `a value of the label ${quote(name)}`, value) ?? "",
  ]);
  // Not an assignment to each: a stranger may call a label `__proto__`.
  return Object.fromEntries(checked);
}

/** @param what - what is expected, in a sentence */
function checkText(field: string, what: string, text: unknown): string | undefined {
  if (text === undefined || text === "") return undefined;
  if (typeof text !== "string" || text.length > MAX_CLIENT_NAME_LENGTH || /[\p{Cc}\p{Cs}]/u.test(text)) {
    throw new SpillwayError(
      "REQUEST_INVALID",
      `expected ${what} of at most ${MAX_CLIENT_NAME_LENGTH} printable characters, got ${quote(text)}`,
      { field },
    );
  }
  return text;
}

/** `undefined` stays; all else is checked, in the name of a field. */
function given<T, R>(field: string, value: T | undefined, check: (value: T) => R): R | undefined {
  return value === undefined ? undefined : inField(field, () => check(value));
}

/** The engine's checks throw for programmers; a request may come from a stranger, who gets a refusal. */
function inField<T>(field: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new SpillwayError("REQUEST_INVALID", (error as Error).message, { field, cause: error });
  }
}
