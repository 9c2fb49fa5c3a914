import type { Clock } from "../clock.ts";
import * as diagnostics from "../diagnostics.ts";
import type { EndFrame, OverflowPolicyName, Start } from "../protocol/index.ts";
import { lost, type SubscriptionStats } from "./stats.ts";

/** Why it reads the past: it asked to when it started, or it had no room for what was published. */
type PastReason = "start" | "park";

/**
 * What the diagnostics channels are told of one subscription. What lasts (being slow, stalled or parked, losing messages)
 * is an episode: told once when it begins and once when it is over. {@link SubscriptionEvents.watch} finds out; what no
 * call of it fell into is no episode, so a burst that is over at once makes no noise.
 *
 * It costs a few comparisons in each round of the watch. An event is made only if somebody listens; episodes are counted in
 * any case.
 */
export class SubscriptionEvents {
  readonly #epoch: string;
  readonly #clock: Clock;
  readonly #subject: { stats(): SubscriptionStats };

  // On the clock, when the episode was told; `undefined` while there is none.
  #slowSince: number | undefined;
  #stalledSince: number | undefined;
  #droppingSince: number | undefined;

  /** Messages lost as of the last look, and before the episode. */
  #lost = 0;
  #lostBefore = 0;
  #lostAt = 0;

  #past: PastReason | undefined;
  #toldPast: PastReason | undefined;
  #pastSince = 0;

  readonly #meters: { slowEpisodes: number; parked: number };

  constructor(
    epoch: string,
    clock: Clock,
    subject: { stats(): SubscriptionStats },
    meters: { slowEpisodes: number; parked: number },
  ) {
    this.#meters = meters;
    this.#epoch = epoch;
    this.#clock = clock;
    this.#subject = subject;
  }

  started(start: Start): void {
    if (!diagnostics.started.hasSubscribers) return;
    const stats = this.#subject.stats();
    const { patterns, overflow, capacity } = stats;
    diagnostics.started.publish({ ...whose(this.#epoch, stats), patterns, start, overflow, queue: capacity });
  }

  stalled(): void {
    this.#stalledSince = this.#clock.now();
    if (diagnostics.stalled.hasSubscribers) diagnostics.stalled.publish(this.#situation());
  }

  unstalled(): void {
    const forMs = this.#lasted(this.#stalledSince);
    this.#stalledSince = undefined;
    if (diagnostics.unstalled.hasSubscribers) diagnostics.unstalled.publish({ ...this.#situation(), forMs });
  }

  /**
   * What tells that it is on another rung, with how it stood until now: to be called when that is in force, since listeners
   * may do anything.
   *
   * @param overflow - the policy that is in force then
   */
  escalation(rungBefore: number, overflow: OverflowPolicyName): () => void {
    if (!diagnostics.escalated.hasSubscribers) return nothing;
    const event = { ...this.#situation(), overflow, rungBefore };
    return () => diagnostics.escalated.publish(event);
  }

  /** It reads the past from now on. */
  leftLive(reason: PastReason): void {
    this.#past = reason;
    if (reason === "park") this.#meters.parked++;
  }

  turnedLive(): void {
    this.#past = undefined;
  }

  /**
   * Tells what has begun and what is over since the last call.
   *
   * @param lostNow - messages lost in its lifetime
   * @param calmMs - without a further loss for so long, it has stopped to lose messages
   */
  watch(slow: boolean, lostNow: number, calmMs: number): void {
    if (slow !== (this.#slowSince !== undefined)) this.#tellSlow(slow);
    if (lostNow !== this.#lost) this.#lose(lostNow);
    else if (this.#droppingSince !== undefined && this.#clock.now() - this.#lostAt >= calmMs)
      this.#tellDropped();
    if (this.#past !== this.#toldPast) this.#tellPast();
  }

  /** What lasts is over with the subscription; that it no longer stalls, or has caught up, would not be true. */
  end(lostNow: number): void {
    if (this.#slowSince !== undefined) this.#tellSlow(false);
    if (this.#droppingSince === undefined) return;
    this.#lost = lostNow;
    this.#tellDropped();
  }

  #tellSlow(slow: boolean): void {
    const forMs = this.#lasted(this.#slowSince);
    this.#slowSince = slow ? this.#clock.now() : undefined;
    if (slow) this.#meters.slowEpisodes++;
    const { slow: begun, recovered: over } = diagnostics;
    if (slow && begun.hasSubscribers) begun.publish(this.#situation());
    if (!slow && over.hasSubscribers) over.publish({ ...this.#situation(), forMs });
  }

  #lose(lostNow: number): void {
    const before = this.#lost;
    this.#lost = lostNow;
    this.#lostAt = this.#clock.now();
    if (this.#droppingSince !== undefined) return;
    this.#lostBefore = before;
    this.#droppingSince = this.#lostAt;
    if (diagnostics.dropping.hasSubscribers) diagnostics.dropping.publish(this.#situation());
  }

  #tellDropped(): void {
    const forMs = this.#lasted(this.#droppingSince);
    this.#droppingSince = undefined;
    if (!diagnostics.dropped.hasSubscribers) return;
    const episodeLost = this.#lost - this.#lostBefore;
    diagnostics.dropped.publish({ ...this.#situation(), forMs, episodeLost });
  }

  #tellPast(): void {
    const after = this.#toldPast;
    const forMs = this.#lasted(this.#pastSince);
    this.#toldPast = this.#past;
    this.#pastSince = this.#clock.now();
    const { caughtUp, parked } = diagnostics;
    if (after !== undefined && caughtUp.hasSubscribers)
      caughtUp.publish({ ...this.#situation(), forMs, after });
    // That it starts in the past is told when it starts.
    if (this.#past === "park" && parked.hasSubscribers) parked.publish(this.#situation());
  }

  #lasted(since: number | undefined): number {
    const now = this.#clock.now();
    return now - (since ?? now);
  }

  #situation(): diagnostics.SubscriptionSituationEvent {
    const stats = this.#subject.stats();
    return {
      ...whose(this.#epoch, stats),
      state: stats.state,
      overflow: stats.overflow,
      rung: stats.rung,
      queued: stats.queued,
      queuedBytes: stats.queuedBytes,
      queue: stats.capacity,
      lagMs: stats.lagMs,
      lagMessages: stats.queued + stats.inFlight,
      lagBytes: stats.queuedBytes + stats.inFlightBytes,
      lost: lost(stats.dropped) + stats.expired,
    };
  }
}

const nothing = (): void => {};

/** @param stats - the books as they were closed */
export function endedEvent(
  epoch: string,
  stats: SubscriptionStats,
  end: EndFrame,
  livedMs: number,
): diagnostics.SubscriptionEndedEvent {
  const { delivered, dropped, expired, conflated, discardedAtClose } = stats;
  return {
    ...whose(epoch, stats),
    reason: end.reason,
    detail: end.detail,
    position: end.position,
    livedMs,
    delivered,
    lost: end.lost,
    dropped,
    expired,
    conflated,
    discardedAtClose,
  };
}

function whose(epoch: string, stats: SubscriptionStats): diagnostics.SubscriptionEvent {
  const { id: subscriptionId, clientName, identity, class: className } = stats;
  return { epoch, subscriptionId, clientName, identity, class: className };
}
