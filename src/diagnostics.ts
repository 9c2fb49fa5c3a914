/**
 * Events for tracing and logging tools, as `node:diagnostics_channel` channels: free while nobody listens.
 * Subscribe with `diagnostics_channel.subscribe("spillway:subscription:ended", (event) => …)`; what a listener gets is
 * in {@link SpillwayEvents}, by the channel's name.
 *
 * `started` is told by `attach()` and `subscribe()`, `reconfigured` by `reconfigure()`, and so is the `escalated` of one
 * whom other rungs put on the ground; `unstalled` when the sink confirms the batch; `hook-error` where the hook failed: for
 * a filter, that is inside `publish()`. All others are told by the hub's watch (every 250 ms) and by the flush. Whatever
 * lasts is told once when it begins and once when it is over, so the two alternate; what begins and is over between two
 * rounds of the watch is not told. A listener runs synchronously and must not throw: Node makes that an uncaught exception.
 *
 * @module
 */
import { channel } from "node:diagnostics_channel";
import type {
  CloseReason,
  GapReason,
  OverflowPolicyName,
  Position,
  QueueBounds,
  Start,
} from "./protocol/index.ts";

/** Whose event it is. Names, identities and patterns come from outside: print them escaped. */
export interface SubscriptionEvent {
  /** Of the hub's history: tells the hubs of one process apart. */
  readonly epoch: string;
  readonly subscriptionId: string;
  readonly clientName: string | undefined;
  readonly identity: string | undefined;
  readonly class: string | undefined;
}

export interface SubscriptionStartedEvent extends SubscriptionEvent {
  readonly patterns: readonly string[];
  readonly start: Start;
  /** The overflow policy granted. */
  readonly overflow: OverflowPolicyName;
  /** The queue bounds granted. */
  readonly queue: QueueBounds;
}

/** How things stood with a subscription when the event was told. */
export interface SubscriptionSituationEvent extends SubscriptionEvent {
  readonly state: "live" | "catching-up" | "parked" | "draining" | "ended";
  /** The overflow policy in force. */
  readonly overflow: OverflowPolicyName;
  /** The rung of its escalation that it stands on; 0 is the ground. */
  readonly rung: number;
  /** Messages that wait in its queue. */
  readonly queued: number;
  readonly queuedBytes: number;
  /** The bounds of its queue. */
  readonly queue: QueueBounds;
  /** Age of its oldest undelivered message, in milliseconds. */
  readonly lagMs: number;
  /** Messages that wait or are in flight. */
  readonly lagMessages: number;
  readonly lagBytes: number;
  /** Messages lost so far in its lifetime. */
  readonly lost: number;
}

/** What has lasted for some time is over. */
export interface SubscriptionEpisodeEvent extends SubscriptionSituationEvent {
  /** How long it lasted, in milliseconds. */
  readonly forMs: number;
}

export interface SubscriptionDroppedEvent extends SubscriptionEpisodeEvent {
  /** Messages lost in the episode. */
  readonly episodeLost: number;
}

export interface SubscriptionEscalatedEvent extends SubscriptionSituationEvent {
  /** The rung that it stood on before. A higher one is stricter. */
  readonly rungBefore: number;
}

export interface SubscriptionCaughtUpEvent extends SubscriptionEpisodeEvent {
  /** What it had to catch up with: what it asked for when it started, or what it had no room for. */
  readonly after: "start" | "park";
}

export interface SubscriptionEndedEvent extends SubscriptionEvent {
  readonly reason: CloseReason;
  /** One sentence for people. */
  readonly detail: string;
  /** The highest position known to be behind the subscriber. */
  readonly position: Position;
  /** How long the subscription lasted, in milliseconds. */
  readonly livedMs: number;
  readonly delivered: number;
  /** Messages lost in its lifetime: all of `dropped`, and what expired. */
  readonly lost: number;
  /** Messages lost, by reason. */
  readonly dropped: Readonly<Record<Exclude<GapReason, "trimmed" | "expired">, number>>;
  readonly expired: number;
  readonly conflated: number;
  /** Messages that were waiting or in flight when it ended. They lie ahead of the position and are not lost. */
  readonly discardedAtClose: number;
}

export interface HubEvent {
  readonly epoch: string;
  /** Subscriptions that the hub has. */
  readonly subscriptions: number;
}

export interface EvictionsPausedEvent extends HubEvent {
  /** Subscriptions that are slow. */
  readonly slow: number;
}

export interface EvictionsResumedEvent extends EvictionsPausedEvent {
  /** How long nobody was evicted for being slow, in milliseconds of free event loop. */
  readonly forMs: number;
}

export interface HookErrorEvent {
  /** Of the hub that called the hook; `undefined`: a client did. */
  readonly epoch: string | undefined;
  /** The option that the hook was given as. */
  readonly hook: string;
  /** What it threw or rejected with: anything. */
  readonly error: unknown;
}

/** What each channel tells, by its name. */
export interface SpillwayEvents {
  /** It is live, or reads the past. */
  readonly "spillway:subscription:started": SubscriptionStartedEvent;
  /** It is over. Every subscription that started ends, once. */
  readonly "spillway:subscription:ended": SubscriptionEndedEvent;
  /** Its queue passed the high watermark. Until `recovered`. */
  readonly "spillway:subscription:slow": SubscriptionSituationEvent;
  /** Its queue is below the low watermark again, or was left to the past when it was parked, or it ended. */
  readonly "spillway:subscription:recovered": SubscriptionEpisodeEvent;
  /** A write made no progress within the stall timeout. Until `unstalled`, or the end. */
  readonly "spillway:subscription:stalled": SubscriptionSituationEvent;
  /** That write finished after all. */
  readonly "spillway:subscription:unstalled": SubscriptionEpisodeEvent;
  /** It has begun to lose messages. Until `dropped`. */
  readonly "spillway:subscription:dropping": SubscriptionSituationEvent;
  /** It has lost no more for as long as `recoveryMs`, or it ended. */
  readonly "spillway:subscription:dropped": SubscriptionDroppedEvent;
  /** It went up or down to another rung; on one that evicts, `ended` follows. */
  readonly "spillway:subscription:escalated": SubscriptionEscalatedEvent;
  /** Its queue was full, and it will read on from what is retained. Until `caught-up`, or the end. */
  readonly "spillway:subscription:parked": SubscriptionSituationEvent;
  /** It has read all of the past that it had to, and is live. */
  readonly "spillway:subscription:caught-up": SubscriptionCaughtUpEvent;
  /** So many turned slow at once that it is not their fault: nobody is evicted for it. Until `evictions-resumed`. */
  readonly "spillway:hub:evictions-paused": EvictionsPausedEvent;
  /** Evictions happen again, a few at a time at first. */
  readonly "spillway:hub:evictions-resumed": EvictionsResumedEvent;
  /** `reconfigure()` has put other options in force, for those that are subscribed too. */
  readonly "spillway:hub:reconfigured": HubEvent;
  /** A hook of the application threw or rejected. It was contained. */
  readonly "spillway:hook-error": HookErrorEvent;
}

/** A channel that knows what it tells. */
export interface EventChannel<Event> {
  readonly name: string | symbol;
  /** Make the event only if somebody listens. */
  readonly hasSubscribers: boolean;
  publish(event: Event): void;
}

function of<Name extends keyof SpillwayEvents>(name: Name): EventChannel<SpillwayEvents[Name]> {
  return channel(name) as EventChannel<unknown> as EventChannel<SpillwayEvents[Name]>;
}

export const started = of("spillway:subscription:started");
export const ended = of("spillway:subscription:ended");
export const slow = of("spillway:subscription:slow");
export const recovered = of("spillway:subscription:recovered");
export const stalled = of("spillway:subscription:stalled");
export const unstalled = of("spillway:subscription:unstalled");
export const dropping = of("spillway:subscription:dropping");
export const dropped = of("spillway:subscription:dropped");
export const escalated = of("spillway:subscription:escalated");
export const parked = of("spillway:subscription:parked");
export const caughtUp = of("spillway:subscription:caught-up");
export const evictionsPaused = of("spillway:hub:evictions-paused");
export const evictionsResumed = of("spillway:hub:evictions-resumed");
export const reconfigured = of("spillway:hub:reconfigured");
export const hookError = of("spillway:hook-error");
