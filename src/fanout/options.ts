/**
 * The engine's options, their defaults, and the checks. Everything is resolved once, here; no other file holds a
 * default.
 *
 * @module
 */
import { type Clock, systemClock } from "../clock.ts";
import { OVERFLOW_POLICIES, type OverflowPolicyName, type QueueBounds } from "../protocol/index.ts";
import type { Authorize } from "./access.ts";
import type { BatchLimits } from "./sink.ts";

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
   * @default { messages: 65_536, bytes: 16_777_216 }
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
   * statistics and their `previousOffset`, nothing else.
   *
   * @default 100_000
   */
  readonly maxTopics?: number;

  /**
   * A write that makes no progress for this long makes its subscription `stalled`. In milliseconds; grows with
   * the batch by {@link HubOptions.minBytesPerSecond}. Time during which the event loop itself was blocked does
   * not count.
   *
   * @default 5_000
   */
  readonly stallTimeoutMs?: number;

  /**
   * A subscription that has been stalled for this long is evicted. In milliseconds; `Infinity` never evicts:
   * a stalled subscriber then costs its queue for as long as its connection lives.
   *
   * @default 60_000
   */
  readonly evictStalledAfterMs?: number;

  /**
   * The slowest reader that still counts as moving: a batch of `n` bytes may take `n / minBytesPerSecond` longer
   * than the stall timeout.
   *
   * @default 1_024
   */
  readonly minBytesPerSecond?: number;

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
   * Identity of this hub's history: letters, digits, `-` and `_`, at most 64. Give it only together with offsets
   * that go on where they were.
   *
   * @default a random UUID
   */
  readonly epoch?: string;

  /**
   * Says who a remote caller is and what it may do; see {@link Authorize}.
   *
   * @default everyone may do everything
   */
  readonly authorize?: Authorize;

  /**
   * Told of every error that a hook of the application threw; they are contained, and the process goes on.
   *
   * @default a process warning, at most one per hook every ten seconds
   */
  readonly onError?: (error: unknown, hook: string) => void;

  /** @default the process's own clock */
  readonly clock?: Clock;
}

export interface FlushLimits {
  readonly sliceMs: number;
  readonly batches: number;
}

/** How often the hub looks at all its subscriptions, in milliseconds: what times are rounded up to. */
export const WATCH_INTERVAL_MS = 250;

/** What a timer of the platform can hold, in milliseconds: 24.8 days. A longer one would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

export interface ResolvedHubOptions {
  readonly overflow: OverflowPolicyName;
  readonly queue: QueueBounds;
  readonly maxQueue: QueueBounds;
  readonly maxMessageBytes: number;
  readonly maxSubscriptions: number;
  readonly maxTopics: number;
  readonly stallTimeoutMs: number;
  readonly evictStalledAfterMs: number;
  readonly minBytesPerSecond: number;
  readonly progressIntervalMs: number;
  readonly retryDelayMs: number;
  readonly batch: BatchLimits;
  readonly flush: FlushLimits;
  readonly epoch: string;
  readonly authorize: Authorize | undefined;
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
  return {
    overflow: checkOverflow("overflow", given.overflow ?? "drop-oldest"),
    queue: checkBounds("queue", given.queue, { messages: 1024, bytes: 1024 * 1024 }),
    maxQueue: checkBounds("maxQueue", given.maxQueue, { messages: 65_536, bytes: 16 * 1024 * 1024 }),
    maxMessageBytes: checkWhole("maxMessageBytes", given.maxMessageBytes ?? 1024 * 1024, 1),
    maxSubscriptions: checkWhole("maxSubscriptions", given.maxSubscriptions ?? 100_000, 1),
    maxTopics: checkWhole("maxTopics", given.maxTopics ?? 100_000, 2),
    stallTimeoutMs: checkDuration("stallTimeoutMs", given.stallTimeoutMs ?? 5_000),
    evictStalledAfterMs: checkDuration("evictStalledAfterMs", given.evictStalledAfterMs ?? 60_000, true),
    minBytesPerSecond: checkWhole("minBytesPerSecond", given.minBytesPerSecond ?? 1024, 1),
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
    epoch: checkEpoch(given.epoch ?? crypto.randomUUID()),
    authorize: given.authorize,
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
  stallTimeoutMs: true,
  evictStalledAfterMs: true,
  minBytesPerSecond: true,
  progressIntervalMs: true,
  retryDelayMs: true,
  batch: true,
  flush: true,
  epoch: true,
  authorize: true,
  onError: true,
  clock: true,
};

const BOUND_NAMES: Readonly<Record<keyof QueueBounds, true>> = { messages: true, bytes: true };

function checkNames(owner: string, given: object | undefined, known: Readonly<Record<string, true>>): void {
  for (const name of Object.keys(given ?? {})) {
    if (!Object.hasOwn(known, name)) {
      throw new TypeError(`unknown ${owner} option "${name}"; known are ${Object.keys(known).join(", ")}`);
    }
  }
}

export function checkOverflow(name: string, value: unknown): OverflowPolicyName {
  if (!OVERFLOW_POLICIES.includes(value as OverflowPolicyName)) {
    throw new TypeError(`${name} must be one of ${OVERFLOW_POLICIES.join(", ")}, got ${String(value)}`);
  }
  return value as OverflowPolicyName;
}

/** @param fallback - stands in for what is not given */
export function checkBounds(
  name: string,
  given: Partial<QueueBounds> | undefined,
  fallback: QueueBounds,
): QueueBounds {
  return {
    messages: checkWhole(`${name}.messages`, given?.messages ?? fallback.messages, 1),
    bytes: checkWhole(`${name}.bytes`, given?.bytes ?? fallback.bytes, 1),
  };
}

function checkWhole(name: string, value: unknown, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw new RangeError(`${name} must be a whole number of at least ${least}, got ${String(value)}`);
  }
  return value as number;
}

export function checkDuration(name: string, value: unknown, forever = false): number {
  const inRange = typeof value === "number" && value >= 0 && value <= LONGEST_TIMER_MS;
  if (!inRange && !(forever && value === Infinity)) {
    const range = `from 0 to ${LONGEST_TIMER_MS}${forever ? ", or Infinity" : ""}`;
    throw new RangeError(`${name} must be a number of milliseconds ${range}, got ${String(value)}`);
  }
  return value as number;
}

function checkEpoch(epoch: unknown): string {
  if (typeof epoch !== "string" || !/^[\w-]{1,64}$/.test(epoch)) {
    throw new TypeError(`epoch must be 1 to 64 letters, digits, "-" or "_", got ${String(epoch)}`);
  }
  return epoch;
}
