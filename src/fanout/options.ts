/**
 * The engine's options, their defaults, and the checks. Everything is resolved once, here; no other file holds a
 * default.
 *
 * @module
 */
import { type Clock, systemClock } from "../clock.ts";
import type { OverflowPolicyName, QueueBounds } from "../protocol/index.ts";
import type { Authorize } from "./access.ts";
import {
  checkBounds,
  checkDuration,
  checkEscalation,
  checkLinger,
  checkNames,
  checkOverflow,
  checkShare,
  checkWhole,
} from "./checks.ts";
import type { Rung } from "./escalation.ts";
import type { HistoryLoadOptions, HistoryRule } from "./history-source.ts";
import type { InterestChange } from "./interest-events.ts";
import type { ResolvedRetention, Retention } from "./retention.ts";
import type { BatchLimits } from "./sink.ts";
import { checkPattern } from "./topic-names.ts";

export interface HubOptions {
  /**
   * What happens to a message that finds a subscriber's queue full, where the subscriber does not say.
   *
   * @default "drop-oldest"
   */
  readonly overflow?: OverflowPolicyName;

  /**
   * Bounds of a subscriber's queue, where the subscriber does not say. Payloads are shared by all queues that
   * hold them, so many slow subscribers of one feed cost little more than one.
   *
   * @default { messages: 1024, bytes: 1_048_576 }
   */
  readonly queue?: Partial<QueueBounds>;

  /**
   * The most that a remote subscriber may ask for. More is bounded to this, and the `started` frame says so.
   *
   * @default { messages: 65_536, bytes: 16_777_216 }, or as much as `queue` where that is more
   */
  readonly maxQueue?: Partial<QueueBounds>;

  /**
   * Largest message, in bytes of payload, key and headers. A larger one is refused when published.
   *
   * @default 1_048_576
   */
  readonly maxMessageBytes?: number;

  /**
   * Most subscriptions at once. One more is refused.
   *
   * @default 100_000
   */
  readonly maxSubscriptions?: number;

  /**
   * Most topics remembered. Beyond it the ones not published to for longest are forgotten, which loses their
   * statistics, their `previousOffset` and what was retained of them; who comes back is told so.
   *
   * @default 100_000
   */
  readonly maxTopics?: number;

  /**
   * Which topics retain messages for those who come back or were parked; for each topic the first rule whose
   * pattern matches. Retained messages are shared with the queues that hold them.
   *
   * @default none: a subscriber who comes back is told what it missed as a gap
   */
  readonly retention?: readonly Retention[];

  /**
   * Where the past of topics is kept beyond their logs; see {@link HistorySource}. For each topic the first rule whose
   * pattern matches. A subscriber with wildcards reads the history of topics that this hub knows of.
   *
   * @default none
   */
  readonly history?: readonly HistoryRule[];

  /**
   * How loads from history sources are admitted.
   *
   * @default { concurrency: 8, timeoutMs: 10_000, pageMessages: 256 }
   */
  readonly historyLoads?: HistoryLoadOptions;

  /**
   * A write that makes no progress for this long makes its subscription `stalled`. In milliseconds; grows with
   * the batch by {@link HubOptions.minBytesPerSecond}. Time during which the event loop itself was blocked does
   * not count.
   *
   * @default 5_000
   */
  readonly stallTimeoutMs?: number;

  /**
   * The slowest reader that still counts as moving: a batch of `n` bytes may take `n / minBytesPerSecond` longer
   * than the stall timeout.
   *
   * @default 1_024
   */
  readonly minBytesPerSecond?: number;

  /**
   * How full a queue is, from 0 to 1, when its subscriber begins to count as slow, and when it no longer does. A
   * blocking subscriber asks its publishers to wait in between.
   *
   * @default { high: 0.75, low: 0.5 }
   */
  readonly watermarks?: Partial<Watermarks>;

  /**
   * What is done about a subscriber that is slow: rungs from mild to strict. A subscriber stands on the highest rung
   * whose condition holds, and comes down one rung at a time; see {@link Rung} and `PRESETS`.
   *
   * @default one rung: a subscriber that has been stalled for a minute is evicted
   */
  readonly escalation?: readonly Rung[];

  /**
   * How long a subscriber must be free of a rung's reason before it comes down from it, in milliseconds.
   *
   * @default 5_000
   */
  readonly recoveryMs?: number;

  /**
   * How long a new subscriber is not judged, in milliseconds: it has just been sent everything at once.
   *
   * @default 5_000
   */
  readonly newcomerGraceMs?: number;

  /**
   * When so large a share of all subscribers, and at least ten, is slow at once, it is not their fault: evictions due
   * to time pause for at most a minute, and are spread out afterwards. From 0 to 1; the bounds of queues always hold.
   *
   * @default 0.5
   */
  readonly massSlowShare?: number;

  /**
   * How long a blocking subscriber may ask its publishers to wait, in milliseconds. Then it is parked, or evicted as
   * `overrun` where nothing is retained.
   *
   * @default 5_000
   */
  readonly blockTimeoutMs?: number;

  /**
   * A subscriber whose position moved while no message told it so (idle, filtered or conflating) gets a progress
   * frame this often, in milliseconds.
   *
   * @default 10_000
   */
  readonly progressIntervalMs?: number;

  /**
   * The retry delay that a server suggests at an end that one comes back from, in milliseconds; each subscriber
   * gets between half and one and a half times as much, so that they do not all come back at once.
   *
   * @default 1_000
   */
  readonly retryDelayMs?: number;

  /**
   * One batch to one subscriber: at most so many frames and bytes, at least one frame. What is in a batch is
   * beyond the reach of the policies, what is not still waits in the queue. A sink may have limits of its own.
   *
   * @default { frames: 1024, bytes: 32_768 }
   */
  readonly batch?: Partial<BatchLimits>;

  /**
   * One turn of the flush: at most so many milliseconds and so many batches, then the event loop gets to serve
   * accepts, reads and timers. The batches are bounded beside the time because the send that follows them
   * cannot be interrupted.
   *
   * @default { sliceMs: 5, batches: 200 }
   */
  readonly flush?: Partial<FlushLimits>;

  /**
   * How long a message may wait for others to be sent with, in milliseconds, where neither its topic nor the subscriber
   * says: fewer wake-ups and system calls, for so much latency. A full batch does not wait, nor does a queue that fills,
   * nor a message that would have lived through half of its `ttlMs` or `maxAgeMs`. At most 1,000; 1 to 20 is sensible. 0
   * adds no delay, and messages published in one turn of the event loop still leave together.
   *
   * @default 0
   */
  readonly lingerMs?: number;

  /**
   * Topics whose messages linger differently; for each topic the first rule whose pattern matches.
   *
   * @default none
   */
  readonly linger?: readonly LingerRule[];

  /**
   * Identity of this hub's history: letters, digits, `-` and `_`, at most 64. Give it only together with offsets
   * that go on where they were.
   *
   * @default a random UUID
   */
  readonly epoch?: string;

  /**
   * The newest offset of the history that this hub goes on with; the first message it publishes gets the next one.
   * Needs the `epoch` of that history.
   *
   * @default 0
   */
  readonly lastOffset?: number;

  /**
   * Says who a remote caller is and what it may do; see {@link Authorize}.
   *
   * @default everyone may do everything
   */
  readonly authorize?: Authorize;

  /**
   * Told of the first and of the last subscriber of every pattern: to start and stop what feeds it. See
   * {@link InterestChange}.
   *
   * @default nobody is told
   */
  readonly onInterest?: (change: InterestChange) => void;

  /**
   * How long a pattern must be without subscribers before that is told, in milliseconds.
   *
   * @default 1_000
   */
  readonly interestDebounceMs?: number;

  /**
   * Told of every error that a hook of the application threw; they are contained, and the process goes on.
   *
   * @default a process warning, at most one per hook every ten seconds
   */
  readonly onError?: (error: unknown, hook: string) => void;

  /** @default the process's own clock */
  readonly clock?: Clock;
}

export interface LingerRule {
  readonly pattern: string;
  readonly lingerMs: number;
}

export interface FlushLimits {
  readonly sliceMs: number;
  readonly batches: number;
}

export interface Watermarks {
  readonly high: number;
  readonly low: number;
}

/** How often the hub looks at all its subscriptions, in milliseconds: what times are rounded up to. */
export const WATCH_INTERVAL_MS = 250;

export interface ResolvedHubOptions {
  readonly overflow: OverflowPolicyName;
  readonly queue: QueueBounds;
  readonly maxQueue: QueueBounds;
  readonly maxMessageBytes: number;
  readonly maxSubscriptions: number;
  readonly maxTopics: number;
  readonly retention: readonly ResolvedRetention[];
  readonly history: readonly HistoryRule[];
  readonly historyLoads: Required<HistoryLoadOptions>;
  readonly stallTimeoutMs: number;
  readonly minBytesPerSecond: number;
  readonly watermarks: Watermarks;
  readonly escalation: readonly Rung[];
  readonly recoveryMs: number;
  readonly newcomerGraceMs: number;
  readonly massSlowShare: number;
  readonly blockTimeoutMs: number;
  readonly progressIntervalMs: number;
  readonly retryDelayMs: number;
  readonly batch: BatchLimits;
  readonly flush: FlushLimits;
  readonly lingerMs: number;
  readonly linger: readonly LingerRule[];
  readonly epoch: string;
  readonly lastOffset: number;
  readonly authorize: Authorize | undefined;
  readonly onInterest: ((change: InterestChange) => void) | undefined;
  readonly interestDebounceMs: number;
  readonly onError: ((error: unknown, hook: string) => void) | undefined;
  readonly clock: Clock;
}

/** @throws TypeError or RangeError, naming the option, what was expected and what came */
export function resolveHubOptions(given: HubOptions = {}): ResolvedHubOptions {
  checkNames("Hub", given, HUB_OPTION_NAMES);
  checkNames("queue", given.queue, BOUND_NAMES);
  checkNames("maxQueue", given.maxQueue, BOUND_NAMES);
  checkNames("batch", given.batch, { frames: true, bytes: true });
  checkNames("flush", given.flush, { sliceMs: true, batches: true });
  checkNames("watermarks", given.watermarks, { high: true, low: true });
  const queue = checkBounds("queue", given.queue, { messages: 1024, bytes: 1024 * 1024 });
  const retention = (given.retention ?? []).map(checkRetention);
  if (given.overflow === "park" && retention.length === 0) {
    throw new TypeError("overflow park needs a replay log: set the option retention as well");
  }
  return {
    overflow: checkOverflow("overflow", given.overflow ?? "drop-oldest"),
    queue,
    maxQueue: checkBounds("maxQueue", given.maxQueue, {
      messages: Math.max(65_536, queue.messages),
      bytes: Math.max(16 * 1024 * 1024, queue.bytes),
    }),
    maxMessageBytes: checkWhole("maxMessageBytes", given.maxMessageBytes ?? 1024 * 1024, 1),
    maxSubscriptions: checkWhole("maxSubscriptions", given.maxSubscriptions ?? 100_000, 1),
    maxTopics: checkWhole("maxTopics", given.maxTopics ?? 100_000, 2),
    retention,
    history: (given.history ?? []).map(checkHistory),
    historyLoads: checkHistoryLoads(given.historyLoads),
    stallTimeoutMs: checkDuration("stallTimeoutMs", given.stallTimeoutMs ?? 5_000),
    minBytesPerSecond: checkWhole("minBytesPerSecond", given.minBytesPerSecond ?? 1024, 1),
    watermarks: checkWatermarks(given.watermarks),
    escalation: checkEscalation("escalation", given.escalation ?? DEFAULT_ESCALATION, retention.length > 0),
    recoveryMs: checkDuration("recoveryMs", given.recoveryMs ?? 5_000),
    newcomerGraceMs: checkDuration("newcomerGraceMs", given.newcomerGraceMs ?? 5_000),
    massSlowShare: checkShare("massSlowShare", given.massSlowShare ?? 0.5),
    blockTimeoutMs: checkDuration("blockTimeoutMs", given.blockTimeoutMs ?? 5_000),
    progressIntervalMs: checkDuration("progressIntervalMs", given.progressIntervalMs ?? 10_000),
    retryDelayMs: checkDuration("retryDelayMs", given.retryDelayMs ?? 1_000),
    batch: {
      frames: checkWhole("batch.frames", given.batch?.frames ?? 1024, 1),
      bytes: checkWhole("batch.bytes", given.batch?.bytes ?? 32 * 1024, 1),
    },
    flush: {
      sliceMs: checkDuration("flush.sliceMs", given.flush?.sliceMs ?? 5),
      batches: checkWhole("flush.batches", given.flush?.batches ?? 200, 1),
    },
    lingerMs: checkLinger("lingerMs", given.lingerMs ?? 0),
    linger: (given.linger ?? []).map(checkLingerRule),
    epoch: checkEpoch(given.epoch ?? crypto.randomUUID()),
    lastOffset: checkLastOffset(given.lastOffset ?? 0, given.epoch),
    authorize: given.authorize,
    onInterest: given.onInterest,
    interestDebounceMs: checkDuration("interestDebounceMs", given.interestDebounceMs ?? 1_000),
    onError: given.onError,
    clock: given.clock ?? systemClock,
  };
}

const HUB_OPTION_NAMES: Readonly<Record<keyof HubOptions, true>> = {
  overflow: true,
  queue: true,
  maxQueue: true,
  maxMessageBytes: true,
  maxSubscriptions: true,
  maxTopics: true,
  retention: true,
  history: true,
  historyLoads: true,
  stallTimeoutMs: true,
  minBytesPerSecond: true,
  watermarks: true,
  escalation: true,
  recoveryMs: true,
  newcomerGraceMs: true,
  massSlowShare: true,
  blockTimeoutMs: true,
  progressIntervalMs: true,
  retryDelayMs: true,
  batch: true,
  flush: true,
  lingerMs: true,
  linger: true,
  epoch: true,
  lastOffset: true,
  authorize: true,
  onInterest: true,
  interestDebounceMs: true,
  onError: true,
  clock: true,
};

const BOUND_NAMES: Readonly<Record<keyof QueueBounds, true>> = { messages: true, bytes: true };

const DEFAULT_ESCALATION: readonly Rung[] = [{ when: { stalledForMs: 60_000 }, policy: "evict" }];

function checkWatermarks(given: Partial<Watermarks> | undefined): Watermarks {
  const { high = 0.75, low = 0.5 } = given ?? {};
  if (!(low > 0 && low <= high && high <= 1)) {
    throw new RangeError(`watermarks must be 0 < low <= high <= 1, got low ${low} and high ${high}`);
  }
  return { high, low };
}

function checkLingerRule(rule: LingerRule, index: number): LingerRule {
  checkNames(`linger[${index}]`, rule, { pattern: true, lingerMs: true });
  checkPattern(rule.pattern);
  return { pattern: rule.pattern, lingerMs: checkLinger(`linger[${index}].lingerMs`, rule.lingerMs) };
}

function checkRetention(rule: Retention, index: number): ResolvedRetention {
  const name = `retention[${index}]`;
  checkPattern(rule.pattern);
  if ("latestPerKey" in rule) {
    checkNames(name, rule, { pattern: true, latestPerKey: true, keys: true, tombstoneAgeMs: true });
    return {
      pattern: rule.pattern,
      latestPerKey: true,
      keys: checkWhole(`${name}.keys`, rule.keys ?? 10_000, 1),
      tombstoneAgeMs: checkDuration(`${name}.tombstoneAgeMs`, rule.tombstoneAgeMs ?? 3_600_000, true),
    };
  }
  checkNames(name, rule, { pattern: true, messages: true, bytes: true, ageMs: true });
  return {
    pattern: rule.pattern,
    messages: checkWhole(`${name}.messages`, rule.messages ?? 1024, 1),
    bytes: checkWhole(`${name}.bytes`, rule.bytes ?? 1024 * 1024, 1),
    ageMs: checkDuration(`${name}.ageMs`, rule.ageMs ?? Number.POSITIVE_INFINITY, true),
  };
}

function checkHistory(rule: HistoryRule, index: number): HistoryRule {
  checkNames(`history[${index}]`, rule, { pattern: true, source: true });
  checkPattern(rule.pattern);
  if (typeof rule.source?.load !== "function") {
    throw new TypeError(
      `history[${index}].source must have a method load(request), got ${String(rule.source)}`,
    );
  }
  return rule;
}

function checkHistoryLoads(given: HistoryLoadOptions = {}): Required<HistoryLoadOptions> {
  checkNames("historyLoads", given, { concurrency: true, timeoutMs: true, pageMessages: true });
  return {
    concurrency: checkWhole("historyLoads.concurrency", given.concurrency ?? 8, 1),
    timeoutMs: checkDuration("historyLoads.timeoutMs", given.timeoutMs ?? 10_000),
    pageMessages: checkWhole("historyLoads.pageMessages", given.pageMessages ?? 256, 1),
  };
}

function checkLastOffset(lastOffset: number, epoch: string | undefined): number {
  if (lastOffset > 0 && epoch === undefined) {
    throw new TypeError("lastOffset goes on with an earlier history: give its epoch as well");
  }
  return checkWhole("lastOffset", lastOffset, 0);
}

function checkEpoch(epoch: unknown): string {
  if (typeof epoch !== "string" || !/^[\w-]{1,64}$/.test(epoch)) {
    throw new TypeError(`epoch must be 1 to 64 letters, digits, "-" or "_", got ${String(epoch)}`);
  }
  return epoch;
}
