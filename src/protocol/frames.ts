import type { CloseReason } from "./close-reasons.ts";
import type { OverflowPolicyName } from "./overflow-policies.ts";
import type { Position } from "./position.ts";

/**
 * A message as every subscriber gets it. Nothing in it depends on the subscription, so one encoding serves all.
 */
export interface MessageFrame {
  readonly kind: "message";
  readonly topic: string;
  /** Hub-wide number, strictly increasing, not dense per topic. */
  readonly offset: number;
  /** Offset of the message before it on the same topic; 0 when there was none, or it is no longer known. */
  readonly previousOffset: number;
  /** Conflation identity within the topic. */
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Unix time in milliseconds, with a fraction. */
  readonly publishedAtMs: number;
  readonly payload: Uint8Array;
  /** The key is gone: a state kept per key drops it. */
  readonly tombstone: boolean;
}

/** Bounds of one subscriber's queue. Both hold at every instant. */
export interface QueueBounds {
  /** Most messages that wait. */
  readonly messages: number;
  /** Most bytes that wait: payload, key and headers of the messages. */
  readonly bytes: number;
}

/** Always the first frame: who you are, where you start, and what you were granted. */
export interface StartedFrame {
  readonly kind: "started";
  readonly subscriptionId: string;
  /** The messages that follow have higher offsets. */
  readonly position: Position;
  /** The overflow policy granted; it can differ from the one asked for. */
  readonly overflow: OverflowPolicyName;
  /** The queue bounds granted. */
  readonly queue: QueueBounds;
  /**
   * Fields of the request of which less than asked for was granted, as the wire contract spells them: `queue.messages`,
   * `queue.bytes`, `max_age_ms`.
   */
  readonly bounded: readonly string[];
  /** The oldest message that is sent, in milliseconds since it was published; `undefined`: any. */
  readonly maxAgeMs: number | undefined;
  /** The class of subscribers that it was put in; `undefined`: none. */
  readonly class: string | undefined;
}

/**
 * Why messages were lost.
 *
 * - `overflow`: the queue was full and the policy dropped them.
 * - `oversize`: one message alone is larger than the byte bound of the queue.
 * - `expired`: they were older than their time to live, or than this subscriber wants, when their turn came.
 * - `trimmed`: they lie between the position asked for and the oldest offset still retained.
 * - `render-failed`: the message could not be encoded for this subscriber.
 * - `filter-failed`: the subscriber's own predicate threw, so nobody knows whether it wanted the message.
 */
export type GapReason = "overflow" | "oversize" | "expired" | "trimmed" | "render-failed" | "filter-failed";

/**
 * A loss. It stands where it happened: before the next message, or last when none follows; then a progress frame
 * comes with it. Several can stand at one place, with ranges that overlap, so a gap alone does not move a position:
 * the message or the progress behind it does. With the reason `trimmed`
 * it stands before the next message of its topic, and messages of other topics below `to` can follow.
 */
export interface GapFrame {
  readonly kind: "gap";
  /** `undefined`: several topics, told in one notice. */
  readonly topic: string | undefined;
  /** Lowest offset that can be lost; with `trimmed` the one behind the position asked for. */
  readonly from: number;
  /** Highest offset lost. `from..to` is a hull: what lies in it was not necessarily all lost. */
  readonly to: number;
  /** How many messages matching this subscription were lost; `undefined` when nobody can know. */
  readonly count: number | undefined;
  readonly reason: GapReason;
}

/** A position without a message: nothing at or below it will come any more. */
export interface ProgressFrame {
  readonly kind: "progress";
  readonly position: Position;
  /** Messages replaced by newer ones of their key since the last progress frame. */
  readonly conflated: number;
}

/**
 * The subscription changed its state or its rung, as the server sees it. The frame stands in line where that happened.
 *
 * - `catching-up`: what follows is read from the replay logs.
 * - `live`: everything retained was sent; what follows comes as it is published. After a start with `snapshot`
 *   this marks the state as complete.
 * - `parked`: the queue was full; what follows the queued messages will be read from the replay logs.
 * - `draining`: nothing new is admitted; what is queued still comes, then the end.
 */
export interface StateFrame {
  readonly kind: "state";
  readonly state: "catching-up" | "live" | "parked" | "draining";
  /** The overflow policy in force. It differs from the one granted while the subscriber is on a rung. */
  readonly overflow: OverflowPolicyName;
  /** The rung of its escalation that a slow subscriber stands on; 0 for one that is not slow. */
  readonly rung: number;
}

/** Always the last frame. Transports turn it into their own way of ending. */
export interface EndFrame {
  readonly kind: "end";
  readonly reason: CloseReason;
  /** The highest position known to be behind the subscriber. */
  readonly position: Position;
  /** One sentence for people. */
  readonly detail: string;
  /**
   * Messages lost in this subscription's lifetime, whether or not a gap notice could tell. What was still queued is
   * not among them: it lies ahead of the position.
   */
  readonly lost: number;
  /** How long to wait before coming back, in milliseconds; `undefined` where coming back makes no sense. */
  readonly retryAfterMs: number | undefined;
}

/** What a sink is given, and what a subscriber reads. */
export type Frame = StartedFrame | MessageFrame | GapFrame | ProgressFrame | StateFrame | EndFrame;
