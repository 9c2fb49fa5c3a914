import * as diagnostics from "../diagnostics.ts";
import {
  CLOSE_REASONS,
  type CloseReason,
  type EndFrame,
  type GapFrame,
  type OverflowPolicyName,
  type Position,
  type QueueBounds,
  type Start,
  type StateFrame,
} from "../protocol/index.ts";
import { BoundedQueue, type LossListener, type LossReason, overflowPolicy } from "../queue/index.ts";
import { CatchUp, type History, offsetBeforeNewest, offsetSince, type Seen } from "./catch-up.ts";
import type { FlushLoop } from "./flush-loop.ts";
import { GapLedger } from "./gap-ledger.ts";
import { isPromise } from "./hook-reports.ts";
import type { Message } from "./message.ts";
import type { ResolvedHubOptions } from "./options.ts";
import { Pump, type PumpSource } from "./pump.ts";
import type { BatchLimits, Sink, SinkFrame } from "./sink.ts";
import { type Losses, lost, type SubscriptionStats } from "./stats.ts";

/**
 * The life of a subscription. Only its own methods move it.
 *
 * - `live`: fed from publish.
 * - `catching-up`: fed from the replay logs, at its own pace; not offered what is published.
 * - `parked`: its queue was full under the policy `park`; what is queued is delivered, nothing is admitted.
 * - `draining`: nothing new is admitted; what is queued is still delivered, then it ends.
 * - `ended`: over. Exactly one close reason, the queue is empty, the books are closed.
 *
 *     (start) ─► catching-up ─► live ─► parked        every state may go to draining and ended,
 *        └────────────────────►  ▲        │           which lead nowhere else
 *                                └─ catching-up ◄┘
 */
export type SubscriptionState = "live" | "catching-up" | "parked" | "draining" | "ended";

/** What a subscription needs of the hub around it. */
export interface SubscriptionHost {
  readonly options: ResolvedHubOptions;
  readonly flushLoop: FlushLoop;
  readonly history: History<Subscription>;
  /** Every subscription has been offered everything up to this offset. */
  readonly evaluatedThrough: number;
  reportHookError(hook: string, error: unknown): void;
  /** A retry delay to suggest, in milliseconds. */
  retryAfterMs(): number;
  /** What makes counts exact later, for one that is parked by this message; `undefined` when it is not known. */
  seenBefore(message: Message, subscription: Subscription): Seen<Subscription> | undefined;
  /** Stops offering it messages; at the latest when the fan-out under way is over. */
  rest(subscription: Subscription): void;
  /** Offers it messages again, from the next one on. */
  wake(subscription: Subscription): void;
  /** Asks publishers to wait for it. */
  press(subscription: Subscription): void;
  /** Does not ask any more. */
  release(subscription: Subscription): void;
  /** Called in the flush, once, after the sink got its end. */
  forget(subscription: Subscription, end: EndFrame): void;
}

/** What was granted; see `HubOptions` and `SubscribeRequest` for the meaning of each. */
export interface SubscriptionTerms {
  readonly patterns: readonly string[];
  readonly overflow: OverflowPolicyName;
  readonly queue: QueueBounds;
  readonly passes: ((message: Message) => boolean) | undefined;
  readonly maxAgeMs: number | undefined;
  readonly clientName: string | undefined;
  readonly identity: string | undefined;
  readonly class: string | undefined;
  readonly start: Start;
}

/** What a frame weighs on the wire beside its payload, roughly: for the limit of a batch, not for the bounds. */
const FRAME_OVERHEAD_BYTES = 64;

/** Messages looked at in one refill: a filter that rejects a long past must not hold up everybody else. */
const MESSAGES_PER_REFILL = 1024;

/** A state frame that stands in line. */
interface Mark {
  /** The place that it comes before. */
  readonly before: number;
  readonly state: StateFrame["state"];
}

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
  /** While catching up or parked. */
  #catchUp: CatchUp<Subscription> | undefined;
  /** Read from the log, and too large for what is free in the queue now. */
  #held: Message | undefined;
  readonly #marks: Mark[] = [];

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
  #expired = 0;
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

  /** A blocking subscription asks publishers to wait: between the high and the low watermark. */
  #pressing = false;
  /** When the watch first saw that. */
  #pressingSince: number | undefined;

  #announcedConflated = 0;
  /** Since the last watch, a frame told the subscriber its position. */
  #announcedSinceWatch = false;
  #announcedAt: number | undefined;

  constructor(host: SubscriptionHost, terms: SubscriptionTerms, sink: Sink) {
    this.#host = host;
    this.terms = terms;
    this.#queue = new BoundedQueue<Message>(terms.queue, overflowPolicy(terms.overflow), this);
    const now = host.history.lastOffset;
    this.#offeredThrough = now;
    this.#takenThrough = now;
    this.#settledThrough = now;
    this.#announcedThrough = now;
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

  /** Called once the hub knows its patterns: opens the sink and lets the first frame out. */
  start(): void {
    if (this.terms.start !== "live") this.#startInThePast(this.terms.start);
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
    const outcome = this.#queue.offer(message);
    if (outcome === "parked" && this.#canPark()) {
      this.#park(message.offset - 1, this.#host.seenBefore(message, this));
      return;
    }
    this.#matched++;
    if (outcome === "parked") {
      this.#discarded++;
      this.end("overrun");
      return;
    }
    if (outcome === "overrun") {
      this.#discarded++;
      this.end(
        "overflow",
        `the queue was full at ${this.#queue.length} messages, ${this.#queue.bytes} bytes`,
      );
      return;
    }
    if (this.terms.overflow === "block" && !this.#pressing) this.#pressIfHigh();
    this.#pump.ready();
  }

  /** Delivers what is queued, then ends with `draining`. */
  drain(): void {
    if (this.#state === "draining" || this.#state === "ended") return;
    this.#closedThrough = this.#evaluatedThrough;
    this.#state = "draining";
    this.#release();
    this.#catchUp = undefined;
    this.#held = undefined;
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
    this.#closedThrough ??= this.#evaluatedThrough;
    this.#state = "ended";
    this.#release();
    this.#catchUp = undefined;
    this.#held = undefined;
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
      lost: lost(this.#losses()) + this.#expired,
      retryAfterMs: comesBack ? this.#host.retryAfterMs() : undefined,
    });
  }

  /** Called by the hub's shared watch; see {@link Pump.watch} for `now`. */
  watch(now: number): void {
    this.#pump.watch(now, this.#host.options);
    this.#watchPressing(now);
    if (this.#announcedSinceWatch || this.#announcedAt === undefined) {
      this.#announcedAt = now;
      this.#announcedSinceWatch = false;
      return;
    }
    if (this.#state === "draining" || this.#state === "ended") return;
    if (now - this.#announcedAt < this.#host.options.progressIntervalMs) return;
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
      expired: this.#expired,
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
      this.#queue.length > 0 ||
      !this.#gaps.isEmpty ||
      this.#startedDue ||
      this.#stateDue ||
      this.#progressDue ||
      this.#catchUp !== undefined ||
      this.#marks.length > 0
    );
  }

  get isCatchingUp(): boolean {
    return this.#catchUp !== undefined;
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
    if (this.#catchUp !== undefined) this.#refill(this.#catchUp);
    this.#takeLine(frames, limits);
    if (this.#pressing && this.#queue.fullness <= this.#host.options.watermarks.low) this.#release();
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
    let now: number | undefined;
    while (frames.length < limits.frames) {
      // At one place: that the past follows, then what of it is lost, then that it is over.
      if (this.#takeMark(frames, "before gaps")) continue;
      const gaps = this.#gaps.takeBefore(this.#queue.headPlace);
      if (gaps !== undefined) {
        frames.push(...gaps);
        room -= gaps.length * FRAME_OVERHEAD_BYTES;
        for (const gap of gaps) this.#announced(gap.to);
        continue;
      }
      if (this.#takeMark(frames, "any")) continue;
      const next = this.#queue.head;
      if (next === undefined) return;
      if (next.expiresAtMs !== undefined || this.terms.maxAgeMs !== undefined) {
        now ??= this.#host.options.clock.unixMs();
        if (this.#isTooOld(next, now)) {
          this.#expire(next);
          continue;
        }
      }
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

  #isTooOld(message: Message, now: number): boolean {
    const { maxAgeMs = Number.POSITIVE_INFINITY } = this.terms;
    const expiresAtMs = message.expiresAtMs ?? Number.POSITIVE_INFINITY;
    return now > expiresAtMs || now - message.publishedAtMs > maxAgeMs;
  }

  /** Its turn came too late. */
  #expire(message: Message): void {
    this.#queue.take();
    this.#expired++;
    this.#gaps.loseAtHead(message.topic, message.offset, "expired", this.#queue.headPlace);
  }

  #pressIfHigh(): void {
    if (this.#queue.fullness < this.#host.options.watermarks.high) return;
    this.#pressing = true;
    this.#host.press(this);
  }

  #release(): void {
    if (!this.#pressing) return;
    this.#pressing = false;
    this.#pressingSince = undefined;
    this.#host.release(this);
  }

  /** Publishers wait for a bounded time only. */
  #watchPressing(now: number): void {
    if (!this.#pressing) return;
    this.#pressingSince ??= now;
    if (now - this.#pressingSince < this.#host.options.blockTimeoutMs) return;
    if (this.#canPark()) this.#park(this.#evaluatedThrough, undefined);
    else this.end("overrun", "a blocking subscriber did not make room in time");
  }

  #canPark(): boolean {
    return this.#host.options.retention.length > 0;
  }

  #takeMark(frames: SinkFrame[], which: "before gaps" | "any"): boolean {
    const mark = this.#marks[0];
    if (mark === undefined || mark.before > this.#queue.headPlace) return false;
    if (which === "before gaps" && mark.state === "live") return false;
    this.#marks.shift();
    frames.push({ kind: "state", state: mark.state });
    return true;
  }

  #mark(state: StateFrame["state"]): void {
    this.#marks.push({ before: this.#queue.tailPlace, state });
  }

  #startInThePast(start: Exclude<Start, "live">): void {
    const { history } = this.#host;
    const read = (cursor: number) => new CatchUp(history, this, cursor, this.terms.passes !== undefined);
    let from: number;
    if (typeof start === "object" && "epoch" in start) {
      from = start.offset;
      this.#catchUp = read(from);
    } else {
      this.#catchUp = read(this.#cursorFor(start));
      from = this.#catchUp.startWithWhatThereIs(start === "snapshot");
    }
    this.#takenThrough = from;
    this.#settledThrough = from;
    this.#announcedThrough = from;
    this.#state = "catching-up";
    this.#mark("catching-up");
    this.#host.rest(this);
  }

  #cursorFor(start: Exclude<Start, "live" | Position>): number {
    if (typeof start === "string") return 0;
    const { history } = this.#host;
    const topics = history.topicsOf(this);
    if ("sinceMs" in start) return offsetSince(history, topics, start.sinceMs);
    return offsetBeforeNewest(
      history,
      topics,
      start.newest,
      (message) => this.terms.passes?.(message) ?? true,
    );
  }

  /** The queue stays as it is, and what comes behind `cursor` is read from the logs once there is room. */
  #park(cursor: number, seen: Seen<Subscription> | undefined): void {
    this.#state = "parked";
    this.#release();
    const filtered = this.terms.passes !== undefined;
    this.#catchUp = new CatchUp(this.#host.history, this, cursor, filtered, seen);
    this.#mark("parked");
    this.#host.rest(this);
  }

  /**
   * Fills the queue from the logs, to half its bound. When nothing is left above the cursor it turns live in the
   * same step: whatever is published from here on is offered.
   */
  #refill(catchUp: CatchUp<Subscription>): void {
    const { messages, bytes } = this.terms.queue;
    for (let looked = 0; looked < MESSAGES_PER_REFILL; looked++) {
      if (this.#queue.length >= Math.max(1, messages / 2) || this.#queue.bytes >= Math.max(1, bytes / 2))
        return;
      this.#state = "catching-up";
      const next = this.#held ?? catchUp.next();
      this.#held = undefined;
      if (next === undefined) {
        this.#turnLive();
        return;
      }
      if (next.kind === "gap") {
        const { topic, from, to, count, reason } = next;
        this.#gaps.loseAtTail(topic, from, to, count, reason, this.#queue.tailPlace);
      } else if (this.terms.passes === undefined || this.#passes(next)) {
        if (next.bytes <= bytes && !this.#queue.fits(next)) {
          this.#held = next;
          return;
        }
        this.#matched++;
        this.#queue.offer(next);
      }
    }
  }

  #turnLive(): void {
    this.#state = "live";
    this.#catchUp = undefined;
    this.#offeredThrough = this.#host.history.lastOffset;
    this.#mark("live");
    this.#host.wake(this);
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
    if (this.#closedThrough !== undefined) return this.#closedThrough;
    if (this.#held !== undefined) return this.#held.offset - 1;
    return this.#catchUp?.cursor ?? Math.max(this.#host.evaluatedThrough, this.#offeredThrough);
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
