/**
 * What an operator asks of a server, and what it is told: for the server and for the client.
 *
 * @module
 */
import type { OverflowPolicyName, Position, QueueBounds, StateFrame } from "../../../protocol/index.ts";

/**
 * How well a subscriber keeps up.
 *
 * - `stalled`: the write in flight is older than the stall timeout: it takes nothing.
 * - `slow`: its queue is above the watermark, or it stands on a rung of the escalation, or it is parked.
 * - `good`: neither.
 */
export type Health = "stalled" | "slow" | "good";

/** The state of a subscription that has not ended; see `SubscriptionState`. */
export type LiveState = StateFrame["state"];

/** Which subscriptions to list. All that is given must hold. */
export interface ListQuery {
  /**
   * Any of these.
   *
   * @default all
   */
  readonly health?: readonly Health[] | undefined;
  /**
   * Any of these.
   *
   * @default all
   */
  readonly states?: readonly LiveState[] | undefined;
  /**
   * In this class.
   *
   * @default any
   */
  readonly class?: string | undefined;
  /**
   * The client's name begins like this.
   *
   * @default any
   */
  readonly clientNamePrefix?: string | undefined;
  /**
   * There can be a topic that matches both this and one of the subscription's patterns.
   *
   * @default any
   */
  readonly topicPattern?: string | undefined;
  /**
   * The id begins like this.
   *
   * @default any
   */
  readonly idPrefix?: string | undefined;
  /**
   * Most subscriptions to list, up to 10,000.
   *
   * @default 100
   */
  readonly limit?: number | undefined;
  /**
   * How long to look for the rates, in milliseconds, up to 60,000; 0 is no rates.
   *
   * @default 1_000
   */
  readonly windowMs?: number | undefined;
}

/** Messages per second. */
export interface Rates {
  /** How long the server has looked, in milliseconds. */
  readonly windowMs: number;
  readonly matched: number;
  readonly delivered: number;
  /** Dropped for any reason, or expired. */
  readonly lost: number;
  readonly conflated: number;
}

/**
 * Numbers of messages. At every instant
 * `matched = delivered + Σ dropped + conflated + expired + queued + inFlight + discardedAtClose`.
 */
export interface BooksReport {
  /** Found to be for the subscription. */
  readonly matched: number;
  /** Taken by the network. */
  readonly delivered: number;
  readonly dropped: {
    readonly overflow: number;
    readonly oversize: number;
    readonly "render-failed": number;
    readonly "filter-failed": number;
  };
  /** Replaced by a newer message of their key. */
  readonly conflated: number;
  /** Too old when their turn came. */
  readonly expired: number;
  /** Waiting now. */
  readonly queued: number;
  /** On their way now. */
  readonly inFlight: number;
  /** Were waiting or on their way when a subscription ended. */
  readonly discardedAtClose: number;
}

/** One subscription, as its server's operator sees it. */
export interface SubscriptionReport extends BooksReport {
  readonly id: string;
  /** What the client says of itself: a claim. */
  readonly clientName: string | undefined;
  /** What the server's `authorize` hook found the client to be. */
  readonly identity: string | undefined;
  readonly class: string | undefined;
  /** What the client says of itself: claims. */
  readonly labels: Readonly<Record<string, string>>;
  readonly patterns: readonly string[];
  /** The address it comes from; `undefined` when not known, as for a reader in the server's own process. */
  readonly peer: string | undefined;
  /** Unix time in milliseconds. */
  readonly startedAtMs: number;
  readonly health: Health;
  readonly state: LiveState;
  /** What is being sent to it; see `DeliveryPhase`. */
  readonly delivery: "idle" | "writing" | "stalled" | "paused";
  /** Its queue is above the watermark, or its write is stalled. */
  readonly slow: boolean;
  /** The overflow policy in force. */
  readonly overflow: OverflowPolicyName;
  /** The rung of the escalation that it stands on; 0 for one that is not slow. */
  readonly rung: number;
  /** The bounds of its queue. */
  readonly capacity: QueueBounds;
  readonly queuedBytes: number;
  /** The most that ever waited at once. */
  readonly peakQueued: number;
  readonly peakQueuedBytes: number;
  readonly inFlightBytes: number;
  /** In milliseconds; `undefined`: no write is in flight. */
  readonly writeAgeMs: number | undefined;
  /** Age of the oldest message that waits or is in flight, in milliseconds; 0 when there is none. */
  readonly lagMs: number;
  readonly deliveredBytes: number;
  /** Messages that it read from the past, rather than as they were published. */
  readonly replayed: number;
  readonly batches: number;
  /** Notices of losses that it was sent. */
  readonly gaps: number;
  /** Times that a write of it was stalled. */
  readonly stalls: number;
  /** Everything up to it is behind the subscriber. */
  readonly position: Position;
  /** `undefined`: none were asked for, or it came while they were taken. */
  readonly rates: Rates | undefined;
}

/** The books of a server: everything since it started. */
export interface StatsReport extends BooksReport {
  /** The newest message. */
  readonly position: Position;
  readonly published: number;
  readonly publishedBytes: number;
  /** Topics that the server knows. */
  readonly topics: number;
  /** Each subscription counts once: as stalled, or else by its state. */
  readonly subscriptions: Readonly<Record<LiveState | "stalled", number>>;
  /** Subscriptions that ended, by close reason. */
  readonly ended: Readonly<Record<string, number>>;
  readonly queuedBytes: number;
  readonly inFlightBytes: number;
  readonly deliveredBytes: number;
  /** Messages that subscriptions read from the past, rather than as they were published. */
  readonly replayed: number;
  readonly batches: number;
  /** Of the subscriptions now, those above their watermark or stalled, whatever their state. */
  readonly slow: number;
  /** The greatest lag of any subscription now, in milliseconds. */
  readonly worstLagMs: number;
  /** In the replay logs of all topics. */
  readonly retained: { readonly messages: number; readonly bytes: number };
  /**
   * Where so many subscribers are slow at once that it is not their fault, evictions because of time are `paused`, and
   * later `paced`.
   */
  readonly brake: "off" | "paused" | "paced";
  /** Evictions that were due a moment ago, and were held back. */
  readonly evictionsHeldBack: number;
  /** What was refused, by the code of the error. */
  readonly refused: {
    readonly publishes: Readonly<Record<string, number>>;
    readonly subscriptions: Readonly<Record<string, number>>;
  };
  /** `undefined`: none were asked for. */
  readonly rates: (Rates & { readonly published: number }) | undefined;
}
