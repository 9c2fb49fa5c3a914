/** A subscription to `spillway.v1.Fanout` that resubscribes by itself. @module */
import type { OverflowPolicyName, Position, QueueBounds, Start } from "../../../protocol/index.ts";
import { loadContracts } from "../contracts.ts";
import { frameFromWire, type RemoteFrame, subscribeToWire } from "../wire.ts";
import type { CallEvents, Connection } from "./connection.ts";
import { PositionTracker } from "./position-tracker.ts";
import type { PullCall } from "./pull-call.ts";
import {
  type CallEnd,
  type Feed,
  Resubscribing,
  type ResubscribingOptions,
  type StateChange,
} from "./resubscribing.ts";

export interface RemoteSubscribeOptions {
  /**
   * Where to start; see {@link Start}. Every later call goes on from the position reached. Where that belongs to a
   * history that is gone, the subscription begins in the new one as it did at first, or live if it began with a
   * position.
   *
   * @default "live"
   */
  readonly start?: Start;
  /**
   * The overflow policy to ask for. `started` says which one was granted.
   *
   * @default the server's
   */
  readonly overflow?: OverflowPolicyName;
  /**
   * The queue bounds to ask for. `started` says which were granted.
   *
   * @default the server's
   */
  readonly queue?: Partial<QueueBounds>;
  /**
   * Only messages whose key is one of `keys` or begins with one of `keyPrefixes`. What it skips is not a loss.
   *
   * @default all messages
   */
  readonly filter?: { readonly keys?: readonly string[]; readonly keyPrefixes?: readonly string[] };
  /**
   * The oldest message to get, in milliseconds since it was published; rounded up to whole ones. What is older when
   * its turn comes is a gap, reason `expired`.
   *
   * @default Infinity
   */
  readonly maxAgeMs?: number;
  /**
   * The least time between two messages of the same key, in milliseconds; rounded up to whole ones. The newest in
   * between is sent when it is over. Needs the overflow policy `conflate`.
   *
   * @default 0
   */
  readonly minIntervalMs?: number;
  /**
   * How long a message may wait in the server for others to be sent with, in milliseconds; rounded up to whole ones.
   * Fewer wake-ups on both sides, for so much latency. 0 is what the server says for the topic.
   *
   * @default 0
   */
  readonly lingerMs?: number;
  /** Shown to the server's operator; at most 128 characters. Not an identity. */
  readonly clientName?: string;
  /**
   * Shown to the server's operator, and matched by the classes of its configuration; at most 16, names and values of at
   * most 128 printable characters. Claims, not an identity.
   *
   * @default none
   */
  readonly labels?: Readonly<Record<string, string>>;
  /** Ends the subscription; the loop that reads it throws the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Called on each change of state; not for the first `connecting`, in which a subscription begins. What it
   * throws is reported on the diagnostics channel `spillway:hook-error`, or as a process warning.
   */
  readonly onStateChange?: (change: StateChange) => void;
}

/**
 * The frames of one subscription across all of its calls: `started` first, and again after every resubscription;
 * then `message`, `gap`, `progress` and `state`. For one reader.
 *
 * After a resubscription it goes on behind its position without loss, as far as the server still retains what
 * comes after it, and without duplicates; what is not retained any more is a gap, reason `trimmed`. Where that
 * history is gone, the epoch in `started` is another one. A server that ended a call and could not say why, because
 * nothing got through to this side, says it in `previousEnd` of the next `started`.
 *
 * @throws SpillwayError to the reader when coming back cannot help: `PATTERN_INVALID`, `REQUEST_INVALID`,
 * `POSITION_INVALID`, `UNAUTHENTICATED`, `NOT_ALLOWED`, `MESSAGE_TOO_LARGE` (for this client's limit),
 * `UNREACHABLE` (only without `waitForServer`), else `ENDED`; `reason` says why.
 */
export class RemoteSubscription extends Resubscribing<RemoteFrame> {
  readonly #tracker: PositionTracker;

  /** Made by {@link Client.subscribe}. */
  constructor(
    connection: Connection,
    patterns: readonly string[],
    options: RemoteSubscribeOptions,
    resubscribing: ResubscribingOptions,
    onEnd: () => void,
  ) {
    const tracker = new PositionTracker(positionIn(options.start));
    super(connection, new FanoutFeed(connection, patterns, options, tracker), resubscribing, onEnd);
    this.#tracker = tracker;
  }

  /**
   * What to hand back as `start` to go on behind what was read; the frame read last is included, but for a gap, which
   * counts with the frame that follows it. `undefined` before the first `started`, unless it began with a position.
   *
   * Under `conflate` it moves only with `progress` frames. Handed to a new subscription it may then repeat
   * messages that this one has read above it.
   */
  get position(): Position | undefined {
    return this.#tracker.position;
  }
}

function positionIn(start: Start | undefined): Position | undefined {
  return typeof start === "object" && "epoch" in start ? start : undefined;
}

class FanoutFeed implements Feed<RemoteFrame> {
  readonly #connection: Connection;
  readonly #patterns: readonly string[];
  readonly #options: RemoteSubscribeOptions;
  readonly #tracker: PositionTracker;
  readonly #method = loadContracts().fanout.Subscribe;
  resuming = false;
  /** Of the present call, once it has one. */
  #subscriptionId: string | undefined;
  /** The last subscription that ended without a reason that this side has learned. */
  #endedUntold: string | undefined;

  constructor(
    connection: Connection,
    patterns: readonly string[],
    options: RemoteSubscribeOptions,
    tracker: PositionTracker,
  ) {
    this.#connection = connection;
    this.#patterns = patterns;
    this.#options = options;
    this.#tracker = tracker;
  }

  open(events: CallEvents): PullCall<Buffer> {
    const { start, overflow, queue, filter, clientName, labels, maxAgeMs, minIntervalMs, lingerMs } =
      this.#options;
    const { position } = this.#tracker;
    this.resuming = position !== undefined;
    const request = subscribeToWire({
      patterns: this.#patterns,
      start: position ?? (positionIn(start) === undefined ? start : "live"),
      overflow,
      queue,
      filter,
      clientName,
      labels,
      maxAgeMs,
      minIntervalMs,
      lingerMs,
    });
    const previous = this.#endedUntold;
    return this.#connection.readStream(
      this.#method,
      previous === undefined ? request : { ...request, previousSubscriptionId: previous },
      events,
    );
  }

  accept(bytes: Buffer): RemoteFrame | undefined {
    const frame = frameFromWire(this.#method.responseDeserialize(bytes));
    if (frame?.kind === "started") {
      this.#subscriptionId = frame.subscriptionId;
      this.#endedUntold = undefined;
    }
    return frame !== undefined && this.#tracker.admit(frame) ? frame : undefined;
  }

  ended({ fresh, told }: CallEnd): void {
    if (fresh) this.#tracker.startFresh();
    // A call that never started says nothing about the one before it.
    if (this.#subscriptionId === undefined) return;
    this.#endedUntold = told ? undefined : this.#subscriptionId;
    this.#subscriptionId = undefined;
  }
}
