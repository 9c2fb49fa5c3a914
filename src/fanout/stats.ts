import type { GapReason, OverflowPolicyName, Position, QueueBounds } from "../protocol/index.ts";
import type { BrakeState } from "./eviction-brake.ts";
import type { HistogramSnapshot } from "./histogram.ts";
import type { HistoryLoadCounts } from "./history-loads.ts";
import type { DeliveryPhase } from "./pump.ts";
import type { SubscriptionState } from "./subscription-state.ts";

/** Messages lost, by the reason that the gap notices give. */
export type Losses = Readonly<Record<Exclude<GapReason, "trimmed" | "expired">, number>>;

/**
 * The books. At every instant
 * `matched = delivered + Σ dropped + conflated + expired + queued + inFlight + discardedAtClose`.
 * All are numbers of messages.
 */
export interface Books {
  /** Evaluated for the subscription and found to be for it. */
  readonly matched: number;
  /** Handed over to the sink, and confirmed by it. */
  readonly delivered: number;
  readonly dropped: Losses;
  /** Replaced by a newer message of their key. */
  readonly conflated: number;
  /** Too old when their turn came. */
  readonly expired: number;
  /** Waiting now. */
  readonly queued: number;
  /** Given to the sink, not confirmed yet. */
  readonly inFlight: number;
  /** Were waiting or in flight when the subscription ended. */
  readonly discardedAtClose: number;
}

export interface SubscriptionStats extends Books {
  readonly id: string;
  readonly clientName: string | undefined;
  readonly identity: string | undefined;
  readonly class: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly patterns: readonly string[];
  readonly state: SubscriptionState;
  readonly delivery: DeliveryPhase;
  /** The overflow policy in force. */
  readonly overflow: OverflowPolicyName;
  /** The rung of its escalation that it stands on; 0 is the ground. */
  readonly rung: number;
  /** Its queue is above the watermark, or its write is stalled. */
  readonly slow: boolean;
  readonly capacity: QueueBounds;
  readonly queuedBytes: number;
  /** The most that ever waited at once. Never above the greatest capacity that it has had, which may be smaller by now. */
  readonly peakQueued: number;
  readonly peakQueuedBytes: number;
  readonly inFlightBytes: number;
  readonly deliveredBytes: number;
  /** Age of the oldest message that waits or is in flight, in milliseconds; 0 when there is none. */
  readonly lagMs: number;
  /** Age of the batch that its sink has and has not handed over yet, in milliseconds; `undefined` when there is none. */
  readonly writeAgeMs: number | undefined;
  /** When it began, in Unix milliseconds. */
  readonly startedAtMs: number;
  /** Messages that it read from the replay logs or from history sources, rather than as they were published. */
  readonly replayed: number;
  /** Batches given to the sink. */
  readonly batches: number;
  /** Gap notices given to the sink. */
  readonly gaps: number;
  /** Episodes of being stalled. */
  readonly stalls: number;
  readonly position: Position;
}

export interface TopicStats {
  readonly topic: string;
  readonly published: number;
  readonly publishedBytes: number;
  readonly lastOffset: number;
  /** Live subscriptions with a matching pattern; not those that are parked or read the past. */
  readonly subscribers: number;
}

/** The books of all subscriptions together, those that have ended included. */
export interface HubStats extends Books {
  readonly position: Position;
  readonly published: number;
  readonly publishedBytes: number;
  readonly topics: number;
  /** Subscriptions now, by state. */
  readonly subscriptions: Readonly<Record<Exclude<SubscriptionState, "ended"> | "stalled", number>>;
  /** Of them, those that are slow, in whatever state: above the watermark, or stalled. */
  readonly slow: number;
  /** Subscriptions that ended, by close reason. Only reasons that occurred. */
  readonly ended: Readonly<Record<string, number>>;
  readonly queuedBytes: number;
  readonly inFlightBytes: number;
  readonly deliveredBytes: number;
  /** Batches given to sinks, those that only carried notices included. */
  readonly batches: number;
  /** Gap notices given to sinks. */
  readonly gaps: number;
  readonly replayed: number;
  /** Messages in the replay logs of all topics. Several subscriptions share them with one another and with queues. */
  readonly retained: { readonly messages: number; readonly bytes: number };

  /**
   * Delivery lag in milliseconds: how old the first message of every batch was when the batch was given to its sink. It
   * is the oldest of its batch, unless the subscription conflates. In a batch of one it is the lag of that message; those
   * behind it waited for less. Batches that begin with a message read from the past do not count.
   *
   * Read from the clock of the flush, which is looked at every few batches: precise to the time that those take.
   */
  readonly lagMs: HistogramSnapshot;
  /** The greatest `lagMs` of any subscription: also of those whom nothing is given to any more. */
  readonly worstLagMs: number;
  /** How many messages every batch had that had any. */
  readonly batchMessages: HistogramSnapshot;
  /**
   * By how many milliseconds the hub's own timer was late: the time for which something held up the event loop. Four
   * times a second, while there are subscriptions.
   */
  readonly loopLatenessMs: HistogramSnapshot;

  /** Episodes of a subscription being stalled. */
  readonly stalls: number;
  /** Episodes of a subscription being above the watermark, as long as a round of the hub's watch or longer. */
  readonly slowEpisodes: number;
  /** How often a subscription was parked. */
  readonly parked: number;
  /** What keeps a fault of the server's own from evicting everybody: see `massSlowShare`. */
  readonly brake: BrakeState;
  /** Evictions that were due in the last round of the hub's watch, and were held back by the brake. */
  readonly evictionsHeldBack: number;
  readonly historyLoads: HistoryLoadCounts;
  /** What was refused, by error code. Only codes that occurred. */
  readonly refused: {
    readonly publishes: Readonly<Record<string, number>>;
    readonly subscriptions: Readonly<Record<string, number>>;
  };
}

type Totals = { -readonly [Name in keyof Books]: Books[Name] } & {
  queuedBytes: number;
  inFlightBytes: number;
  deliveredBytes: number;
  batches: number;
  gaps: number;
  replayed: number;
  stalls: number;
};

/** Books that add up. */
export class BookTotals {
  readonly #totals: Totals = {
    matched: 0,
    delivered: 0,
    dropped: { overflow: 0, oversize: 0, "render-failed": 0, "filter-failed": 0 },
    conflated: 0,
    expired: 0,
    queued: 0,
    inFlight: 0,
    discardedAtClose: 0,
    queuedBytes: 0,
    inFlightBytes: 0,
    deliveredBytes: 0,
    batches: 0,
    gaps: 0,
    replayed: 0,
    stalls: 0,
  };

  add(books: Readonly<Totals>): void {
    const totals = this.#totals;
    totals.matched += books.matched;
    totals.delivered += books.delivered;
    totals.dropped = {
      overflow: totals.dropped.overflow + books.dropped.overflow,
      oversize: totals.dropped.oversize + books.dropped.oversize,
      "render-failed": totals.dropped["render-failed"] + books.dropped["render-failed"],
      "filter-failed": totals.dropped["filter-failed"] + books.dropped["filter-failed"],
    };
    totals.conflated += books.conflated;
    totals.expired += books.expired;
    totals.queued += books.queued;
    totals.inFlight += books.inFlight;
    totals.discardedAtClose += books.discardedAtClose;
    totals.queuedBytes += books.queuedBytes;
    totals.inFlightBytes += books.inFlightBytes;
    totals.deliveredBytes += books.deliveredBytes;
    totals.batches += books.batches;
    totals.gaps += books.gaps;
    totals.replayed += books.replayed;
    totals.stalls += books.stalls;
  }

  sum(): Readonly<Totals> {
    return { ...this.#totals };
  }
}

/** Messages lost altogether. */
export function lost(losses: Losses): number {
  return losses.overflow + losses.oversize + losses["render-failed"] + losses["filter-failed"];
}
