/**
 * What can differ by topic and by class of subscribers; the values themselves, and where a hub says them.
 *
 * @module
 */
import type { OverflowPolicyName, QueueBounds } from "../protocol/index.ts";
import type { Rung } from "./escalation.ts";
import type { PresetName } from "./presets.ts";
import type { Retention } from "./retention.ts";
import type { BatchLimits } from "./sink.ts";

/** How a subscription is treated. A hub says it for all, and differently where `topics` and `classes` say so. */
export interface SubscriberOptions {
  /**
   * A starting point by what the feed is for; see `PRESETS`. Its values count wherever the same level says nothing
   * itself, and before those of the levels below.
   *
   * @default none
   */
  readonly preset?: PresetName;

  /**
   * What happens to a message that finds a subscriber's queue full, where the subscriber does not say.
   *
   * @default "drop-oldest"
   */
  readonly overflow?: OverflowPolicyName;

  /**
   * The overflow policies that a remote subscriber may ask for. One that asks for another is refused; one that asks for
   * none gets `overflow`, which is always granted.
   *
   * @default all but `block`, which lets a subscriber slow down the publishers
   */
  readonly allowedOverflow?: readonly OverflowPolicyName[];

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
   * The oldest message that is still sent, in milliseconds since it was published. A subscriber may ask for less. What is
   * older when its turn comes is told as `expired`.
   *
   * @default Infinity
   */
  readonly maxAgeMs?: number;

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
   * How full a queue is, from 0 to 1, when its subscriber begins to count as slow, and when it no longer does. A
   * blocking subscriber asks its publishers to wait in between.
   *
   * @default { high: 0.75, low: 0.5 }
   */
  readonly watermarks?: Partial<Watermarks>;

  /**
   * A write that makes no progress for this long makes its subscription `stalled`. In milliseconds; grows with
   * the batch by {@link SubscriberOptions.minBytesPerSecond}. Time during which the event loop itself was blocked does
   * not count.
   *
   * @default 5_000
   */
  readonly stallTimeoutMs?: number;

  /**
   * The slowest reader that still counts as moving: a batch of `n` bytes may take `n / minBytesPerSecond` seconds longer
   * than the stall timeout.
   *
   * @default 1_024
   */
  readonly minBytesPerSecond?: number;

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
   * One batch to one subscriber: at most so many frames and bytes, at least one frame. What is in a batch is
   * beyond the reach of the policies, what is not still waits in the queue. A sink may have limits of its own.
   *
   * @default { frames: 1024, bytes: 32_768 }
   */
  readonly batch?: Partial<BatchLimits>;
}

export interface Watermarks {
  readonly high: number;
  readonly low: number;
}

/** What the topics of one pattern have of their own. */
export interface TopicOptions extends SubscriberOptions {
  /**
   * What is retained of each topic for those who come back or were parked. Retained messages are shared with the queues
   * that hold them. `false`: nothing.
   *
   * @default false: a subscriber who comes back is told what it missed as a gap
   */
  readonly retention?: Retention | false;

  /**
   * How long a message may wait for others to be sent with, in milliseconds, where the subscriber does not say: fewer
   * wake-ups and system calls, for so much latency. A full batch does not wait, nor does a queue that fills,
   * nor a message that would have lived through half of its `ttlMs` or `maxAgeMs`. At most 1,000; 1 to 20 is sensible. 0
   * adds no delay, and messages published in one turn of the event loop still leave together.
   *
   * @default 0
   */
  readonly lingerMs?: number;
}

/** What the subscribers of one class have of their own. */
export interface ClassOptions extends SubscriberOptions {
  /**
   * Who belongs to it, by what a subscriber says of itself or is known as. Without it only those do whom the
   * `authorize` hook puts there.
   *
   * @default nobody
   */
  readonly match?: ClassMatch;

  /**
   * How long a message may wait for others to be sent with, in milliseconds, where the subscriber does not say. Counts
   * before what the message's topic says.
   *
   * @default as the topic says
   */
  readonly lingerMs?: number;

  /**
   * When loads from history sources wait in line, those with a higher priority get their turn first.
   *
   * @default 0
   */
  readonly priority?: number;
}

/**
 * All that is given must hold. In each text `*` stands for any characters, also none. A client name and labels are what
 * the client claims; grant nothing on the strength of them that you would not grant to everybody.
 */
export interface ClassMatch {
  /** @default any, also none */
  readonly clientName?: string;
  /**
   * Every label here must be there, and its value match.
   *
   * @default any, also none
   */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * What the `authorize` hook found the caller to be.
   *
   * @default any, also none
   */
  readonly identity?: string;
}
