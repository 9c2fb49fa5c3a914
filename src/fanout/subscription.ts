import * as diagnostics from "../diagnostics.ts";
import {
  CLOSE_REASONS,
  type CloseReason,
  type EndFrame,
  type GapFrame,
  type OverflowPolicyName,
  type Position,
  type QueueBounds,
} from "../protocol/index.ts";
import { BoundedQueue, type LossListener, type LossReason, overflowPolicy } from "../queue/index.ts";
import type { FlushLoop } from "./flush-loop.ts";
import { GapLedger } from "./gap-ledger.ts";
import { isPromise } from "./hook-reports.ts";
import type { Message } from "./message.ts";
import type { ResolvedHubOptions } from "./options.ts";
import { Pump, type PumpSource } from "./pump.ts";
import type { BatchLimits, Sink, SinkFrame } from "./sink.ts";
import { type Losses, lost, type SubscriptionStats } from "./stats.ts";

/**
 * The life of a subscription. It moves down this list only, and only its own methods move it.
 *
 * - `live`: fed from publish.
 * - `draining`: nothing new is admitted; what is queued is still delivered, then it ends.
 * - `ended`: over. Exactly one close reason, the queue is empty, the books are closed.
 */
export type SubscriptionState = "live" | "draining" | "ended";

/** What a subscription needs of the hub around it. */
export interface SubscriptionHost {
  readonly options: ResolvedHubOptions;
  readonly flushLoop: FlushLoop;
  /** Every subscription has been offered everything up to this offset. */
  readonly evaluatedThrough: number;
  reportHookError(hook: string, error: unknown): void;
  /** A retry delay to suggest, in milliseconds. */
  retryAfterMs(): number;
  /** Called in the flush, once, after the sink got its end. */
  forget(subscription: Subscription, end: EndFrame): void;
}

/** What was granted; see `HubOptions` and `SubscribeRequest` for the meaning of each. */
export interface SubscriptionTerms {
  readonly patterns: readonly string[];
  readonly overflow: OverflowPolicyName;
  readonly queue: QueueBounds;
  readonly passes: ((message: Message) => boolean) | undefined;
  readonly clientName: string | undefined;
  readonly identity: string | undefined;
  readonly class: string | undefined;
  /** The newest offset there is: the subscription is offered what comes behind it. */
  readonly startsBehind: number;
  /** The offset it resumes behind, if it does. What lies between the two is no longer retained. */
  readonly resumeAfter: number | undefined;
}

/** What a frame weighs on the wire beside its payload, roughly: for the limit of a batch, not for the bounds. */
const FRAME_OVERHEAD_BYTES = 64;

/**
 * One subscriber: its queue, the losses it has not been told, its books and its place in the history. It decides
 * what is sent next; its {@link Pump} decides when.
 */
export class Subscription implements PumpSource, LossListener<Message> {
  /** Unguessable. */
  readonly id: string = crypto.randomUUID();
  readonly terms: SubscriptionTerms;
  readonly #host: SubscriptionHost;
  readonly #queue: BoundedQueue<Message>;
  readonly #gaps = new GapLedger();
  readonly #pump: Pump;
  #state: SubscriptionState = "live";

  // Frames that are owed besides messages and gaps.
  #startedDue = true;
  #stateDue = false;
  #progressDue = false;

  // The books that the queue does not keep.
  #matched = 0;
  #delivered = 0;
  #deliveredBytes = 0;
  #renderFailed = 0;
  #filterFailed = 0;
  #rendersAnnounced = 0;
  #discarded = 0;
  #stalls = 0;
  #inFlight = 0;
  #inFlightBytes = 0;
  #inFlightSinceMs = 0;

  // Its place in the history. Offsets; everything up to and including them is …
  /** … offered: a message that matches two patterns is offered twice, and taken once. */
  #offeredThrough: number;
  /** … taken: handed over, or in flight, or known to be lost or not for it. */
  #takenThrough: number;
  /** … behind the subscriber. */
  #settledThrough: number;
  /** … known to the subscriber to be behind it, from a frame that told so. */
  #announcedThrough: number;
  /** … evaluated for it, fixed when it stopped being offered anything; `undefined` while live. */
  #closedThrough: number | undefined;

  #announcedConflated = 0;
  /** Since the last watch, a frame told the subscriber its position. */
  #announcedSinceWatch = false;
  #announcedAt: number | undefined;

  constructor(host: SubscriptionHost, terms: SubscriptionTerms, sink: Sink) {
    this.#host = host;
    this.terms = terms;
    this.#queue = new BoundedQueue<Message>(terms.queue, overflowPolicy(terms.overflow), this);
    const now = terms.startsBehind;
    const start = terms.resumeAfter ?? now;
    this.#offeredThrough = now;
    this.#takenThrough = start;
    this.#settledThrough = start;
    this.#announcedThrough = start;
    if (start < now) this.#gaps.loseAtTail(undefined, start + 1, now, undefined, "trimmed", 0);
    this.#pump = new Pump(this, sink, host.flushLoop, host.options.batch);
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  get clientName(): string | undefined {
    return this.terms.clientName;
  }

  /** Whoever comes back with it misses nothing that is retained; what was in flight may come again. */
  get position(): Position {
    return { epoch: this.#host.options.epoch, offset: this.#settledThrough };
  }

  /** Opens the sink and lets the first frame out. */
  start(): void {
    this.#pump.open();
    this.#pump.ready();
    if (diagnostics.started.hasSubscribers) {
      diagnostics.started.publish({ subscriptionId: this.id, clientName: this.clientName });
    }
  }

  /** One delivery attempt. Never waits; what became of the message is in the books and in the gaps. */
  offer(message: Message): void {
    if (this.#state !== "live" || this.#offeredThrough >= message.offset) return;
    const wanted = this.terms.passes === undefined || this.#passes(message);
    // The predicate is the application's code and may have ended or drained this very subscription; and as it may
    // have read from it too, only now is the message behind it.
    if (this.#state !== "live") return;
    this.#offeredThrough = message.offset;
    if (wanted === undefined) this.#loseUndecided(message);
    if (wanted !== true) return;
    this.#matched++;
    if (this.#queue.offer(message) === "overrun") {
      this.#discarded++;
      this.end(
        "overflow",
        `the queue was full at ${this.#queue.length} messages, ${this.#queue.bytes} bytes`,
      );
      return;
    }
    this.#pump.ready();
  }

  /** Delivers what is queued, then ends with `draining`. */
  drain(): void {
    if (this.#state !== "live") return;
    this.#state = "draining";
    this.#closedThrough = this.#evaluatedThrough;
    this.#stateDue = true;
    this.#progressDue = false;
    this.#pump.ready();
  }

  /**
   * Ends it now; what is queued is thrown away. The first call wins, later ones do nothing. The sink is told in
   * the next flush.
   *
   * @param detail - one sentence for people; it may reach the subscriber
   */
  end(reason: CloseReason, detail: string = CLOSE_REASONS[reason].detail): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#closedThrough ??= this.#evaluatedThrough;
    this.#discarded += this.#queue.clear() + this.#inFlight;
    this.#inFlight = 0;
    this.#inFlightBytes = 0;
    this.#gaps.clear();
    const comesBack = CLOSE_REASONS[reason].advice === "resume";
    this.#pump.finish({
      kind: "end",
      reason,
      detail,
      position: this.position,
      lost: lost(this.#losses()),
      retryAfterMs: comesBack ? this.#host.retryAfterMs() : undefined,
    });
  }

  /** Called by the hub's shared watch; see {@link Pump.watch} for `now`. */
  watch(now: number): void {
    this.#pump.watch(now, this.#host.options);
    if (this.#announcedSinceWatch || this.#announcedAt === undefined) {
      this.#announcedAt = now;
      this.#announcedSinceWatch = false;
      return;
    }
    if (this.#state !== "live" || now - this.#announcedAt < this.#host.options.progressIntervalMs) return;
    if (this.#undeliveredFrom() - 1 > this.#announcedThrough) {
      this.#progressDue = true;
      this.#pump.ready();
    }
  }

  /** Gives storage back that a burst needed. */
  settleStorage(): void {
    this.#queue.settle();
  }

  stats(): SubscriptionStats {
    const queue = this.#queue.counters();
    const oldest = this.#inFlight > 0 ? this.#inFlightSinceMs : this.#queue.head?.publishedAtMs;
    return {
      id: this.id,
      clientName: this.terms.clientName,
      identity: this.terms.identity,
      class: this.terms.class,
      patterns: this.terms.patterns,
      state: this.#state,
      delivery: this.#pump.phase,
      overflow: this.terms.overflow,
      capacity: this.terms.queue,
      matched: this.#matched,
      delivered: this.#delivered,
      deliveredBytes: this.#deliveredBytes,
      dropped: this.#losses(),
      conflated: queue.conflated,
      queued: queue.messages,
      queuedBytes: queue.bytes,
      peakQueued: queue.peakMessages,
      peakQueuedBytes: queue.peakBytes,
      inFlight: this.#inFlight,
      inFlightBytes: this.#inFlightBytes,
      discardedAtClose: this.#discarded,
      lagMs: oldest === undefined ? 0 : Math.max(0, this.#host.options.clock.unixMs() - oldest),
      batches: this.#pump.batches,
      gaps: this.#gaps.announced + this.#rendersAnnounced,
      stalls: this.#stalls,
      position: this.position,
    };
  }

  // LossListener: the queue tells of a loss.

  lose(message: Message, reason: LossReason, before: number): void {
    const { topic, offset } = message;
    if (before === this.#queue.headPlace) this.#gaps.loseAtHead(topic, offset, reason, before);
    else this.#gaps.loseAtTail(topic, offset, offset, 1, reason, before);
  }

  // PumpSource

  get hasWork(): boolean {
    return (
      this.#queue.length > 0 || !this.#gaps.isEmpty || this.#startedDue || this.#stateDue || this.#progressDue
    );
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  take(frames: SinkFrame[], limits: BatchLimits): void {
    if (this.#startedDue) {
      this.#startedDue = false;
      frames.push({
        kind: "started",
        subscriptionId: this.id,
        position: this.position,
        overflow: this.terms.overflow,
        queue: this.terms.queue,
      });
    }
    if (this.#stateDue) {
      this.#stateDue = false;
      frames.push({ kind: "state", state: "draining" });
    }
    this.#takeLine(frames, limits);
    this.#takenThrough = this.#undeliveredFrom() - 1;
    if (this.#state === "draining" && this.#queue.conflated > this.#announcedConflated)
      this.#progressDue = true;
    if (this.#progressDue) this.#takeProgress(frames);
  }

  settled(): void {
    this.#delivered += this.#inFlight;
    this.#deliveredBytes += this.#inFlightBytes;
    this.#inFlight = 0;
    this.#inFlightBytes = 0;
    this.#settledThrough = this.#takenThrough;
    if (this.#state === "draining" && !this.hasWork) this.end("draining");
  }

  unrenderable(message: Message): GapFrame {
    // After the end it is in the books already, as discarded.
    if (this.#state !== "ended") {
      this.#inFlight--;
      this.#inFlightBytes -= message.bytes;
      this.#renderFailed++;
      this.#rendersAnnounced++;
    }
    const { topic, offset } = message;
    return { kind: "gap", topic, from: offset, to: offset, count: 1, reason: "render-failed" };
  }

  sinkClosed(): void {
    this.end("cancelled");
  }

  sinkFailed(error: unknown): void {
    this.#host.reportHookError("sink", error);
    this.end("cancelled");
  }

  stalled(): void {
    this.#stalls++;
    if (diagnostics.stalled.hasSubscribers) {
      diagnostics.stalled.publish({ subscriptionId: this.id, clientName: this.clientName });
    }
  }

  recovered(): void {
    if (diagnostics.recovered.hasSubscribers) {
      diagnostics.recovered.publish({ subscriptionId: this.id, clientName: this.clientName });
    }
  }

  stalledTooLong(): void {
    this.end("stalled");
  }

  ended(end: EndFrame): void {
    this.#host.forget(this, end);
  }

  /** Messages and gaps in line, as far as the limits go. */
  #takeLine(frames: SinkFrame[], limits: BatchLimits): void {
    let room = limits.bytes;
    while (frames.length < limits.frames) {
      const gaps = this.#gaps.takeBefore(this.#queue.headPlace);
      if (gaps !== undefined) {
        frames.push(...gaps);
        room -= gaps.length * FRAME_OVERHEAD_BYTES;
        for (const gap of gaps) this.#announced(gap.to);
        continue;
      }
      const next = this.#queue.head;
      if (next === undefined) return;
      room -= next.bytes + FRAME_OVERHEAD_BYTES;
      if (room < 0 && frames.length > 0) return;
      this.#queue.take();
      frames.push(next);
      if (this.#inFlight === 0) this.#inFlightSinceMs = next.publishedAtMs;
      this.#inFlight++;
      this.#inFlightBytes += next.bytes;
      this.#announced(next.offset);
    }
  }

  /** Under conflation neither a message nor a gap moves the position; see `undeliveredFrom`. */
  #announced(offset: number): void {
    if (this.#queue.policy.keyed) return;
    if (offset > this.#announcedThrough) this.#announcedThrough = offset;
    this.#announcedSinceWatch = true;
  }

  #takeProgress(frames: SinkFrame[]): void {
    this.#progressDue = false;
    const conflated = this.#queue.conflated;
    frames.push({
      kind: "progress",
      position: { epoch: this.#host.options.epoch, offset: this.#takenThrough },
      conflated: conflated - this.#announcedConflated,
    });
    this.#announcedConflated = conflated;
    this.#announcedThrough = this.#takenThrough;
    this.#announcedSinceWatch = true;
  }

  /**
   * The lowest offset that may still come, as a message or as a loss. With a conflating queue that is the offset
   * which the first place in line began with, not the one of the newer message that stands there now.
   */
  #undeliveredFrom(): number {
    const queued = this.#queue.lowestOffset ?? Infinity;
    const untold = this.#gaps.lowestOffset ?? Infinity;
    return Math.min(queued, untold, this.#evaluatedThrough + 1);
  }

  /** Everything up to here has been offered, or was not for it. Within a publish, subscriptions differ in it. */
  get #evaluatedThrough(): number {
    return this.#closedThrough ?? Math.max(this.#host.evaluatedThrough, this.#offeredThrough);
  }

  /** Whether the predicate wants it; `undefined` when it failed. */
  #passes(message: Message): boolean | undefined {
    try {
      const answer: unknown = this.terms.passes?.(message);
      if (typeof answer === "boolean" || !isPromise(answer)) return answer === true;
      answer.then(undefined, () => {});
      throw new TypeError("a filter is asked inside publish(): expected true or false, got a promise");
    } catch (error) {
      this.#host.reportHookError("filter", error);
      return undefined;
    }
  }

  /** Nobody can know whether it was wanted, so it is told as a loss rather than left out in silence. */
  #loseUndecided({ topic, offset }: Message): void {
    this.#matched++;
    this.#filterFailed++;
    this.#gaps.loseAtTail(topic, offset, offset, 1, "filter-failed", this.#queue.tailPlace);
    this.#pump.ready();
  }

  #losses(): Losses {
    const { overflow, oversize } = this.#queue.counters();
    return { overflow, oversize, "render-failed": this.#renderFailed, "filter-failed": this.#filterFailed };
  }
}
