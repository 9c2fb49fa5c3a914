/** A subscription to `spillway.v1.Fanout` that resubscribes by itself. @module */
import type { Frame, OverflowPolicyName, Position, QueueBounds, Start } from "../../../protocol/index.ts";
import { loadContracts } from "../contracts.ts";
import { frameFromWire, subscribeToWire } from "../wire.ts";
import type { CallEvents, Connection } from "./connection.ts";
import { PositionTracker } from "./position-tracker.ts";
import type { PullCall } from "./pull-call.ts";
import { type Feed, Resubscribing, type ResubscribingOptions, type StateChange } from "./resubscribing.ts";

/** What a reader gets. The end is not a frame here: the iteration finishes, or throws. */
export type RemoteFrame = Exclude<Frame, { kind: "end" }>;

export interface RemoteSubscribeOptions {
  /**
   * Where to start: with the next message published, or after a position that an earlier subscription handed out.
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
  /** Shown to the server's operator; at most 128 characters. Not an identity. */
  readonly clientName?: string;
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
 * comes after it, and without duplicates. Where that history is gone (the epoch in `started` is another one), it
 * starts live.
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
    const start = options.start === "live" ? undefined : options.start;
    const tracker = new PositionTracker(start);
    super(connection, new FanoutFeed(connection, patterns, options, tracker), resubscribing, onEnd);
    this.#tracker = tracker;
  }

  /**
   * What to hand back as `start` to go on behind what was read; the frame read last is included. `undefined`
   * before the first `started` of a live start.
   *
   * Under `conflate` it moves only with `progress` frames. Handed to a new subscription it may then repeat
   * messages that this one has read above it.
   */
  get position(): Position | undefined {
    return this.#tracker.position;
  }
}

class FanoutFeed implements Feed<RemoteFrame> {
  readonly #connection: Connection;
  readonly #patterns: readonly string[];
  readonly #options: RemoteSubscribeOptions;
  readonly #tracker: PositionTracker;
  readonly #method = loadContracts().fanout.Subscribe;
  resuming = false;

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
    const { overflow, queue, filter, clientName } = this.#options;
    const { position } = this.#tracker;
    this.resuming = position !== undefined;
    const request = subscribeToWire({
      patterns: this.#patterns,
      start: position,
      overflow,
      queue,
      filter,
      clientName,
    });
    return this.#connection.readStream(this.#method, request, events);
  }

  accept(bytes: Buffer): RemoteFrame | undefined {
    const frame = frameFromWire(this.#method.responseDeserialize(bytes));
    return frame !== undefined && this.#tracker.admit(frame) ? frame : undefined;
  }

  startFresh(): void {
    this.#tracker.startFresh();
  }
}
