import * as diagnostics from "../diagnostics.ts";
import {
  CLOSE_REASONS,
  type CloseReason,
  type EndFrame,
  type GapFrame,
  type OverflowPolicyName,
  type Position,
  type Start,
  type StateFrame,
} from "../protocol/index.ts";
import type { OfferOutcome } from "../queue/index.ts";
import { CatchUp, type History, offsetBeforeNewest, offsetSince, type Seen } from "./catch-up.ts";
import type { FlushLoop } from "./flush-loop.ts";
import type { Front } from "./front.ts";
import type { Grant, Subscriber } from "./grant.ts";
import { isPromise } from "./hook-reports.ts";
import { Line } from "./line.ts";
import type { Message } from "./message.ts";
import type { Meters } from "./meters.ts";
import type { ResolvedHubOptions } from "./options.ts";
import { Past, type PastReader } from "./past.ts";
import { Pump, type PumpSource } from "./pump.ts";
import type { BatchLimits, Sink, SinkFrame } from "./sink.ts";
import { type Backlog, Slowness } from "./slowness.ts";
import type { Losses, SubscriptionStats } from "./stats.ts";
import { SubscriptionEvents } from "./subscription-events.ts";
import type { SubscriptionState } from "./subscription-state.ts";

/** What a subscription needs of the hub around it. */
export interface SubscriptionHost {
  /** Those in force; another object after a change. */
  readonly options: ResolvedHubOptions;
  readonly flushLoop: FlushLoop;
  readonly front: Front;
  readonly meters: Meters;
  readonly history: History<Subscription>;
  reportHookError(hook: string, error: unknown): void;
  /** A retry delay to suggest, in milliseconds. */
  retryAfterMs(): number;
  /** What makes counts exact later, for one that is parked, by this message or now; `undefined` when not known. */
  seenBefore(message: Message | undefined, subscription: Subscription): Seen<Subscription> | undefined;
  /** Stops offering it messages; at the latest when the fan-out under way is over. */
  rest(subscription: Subscription): void;
  /** Offers it messages again, from the next one on. */
  wake(subscription: Subscription): void;
  /** Asks publishers to wait for it. */
  press(subscription: Subscription): void;
  /** Does not ask any more. */
  release(subscription: Subscription): void;
  /** Whether one more may be evicted in this round of the watch because of time. */
  readonly mayEvict: () => boolean;
  /** Called in the flush, once, after the sink got its end. */
  forget(subscription: Subscription, end: EndFrame): void;
}

/** What does not change while it lives; see `SubscribeRequest` for the meaning of each. */
export interface SubscriptionTerms extends Subscriber {
  readonly passes: ((message: Message) => boolean) | undefined;
  readonly minIntervalMs: number | undefined;
  readonly start: Start;
}

/**
 * One subscriber: its line, its books, its place in the history, and what is done about it when it is slow. It
 * decides what is sent next; its {@link Pump} decides when.
 */
export class Subscription implements PumpSource, PastReader {
  // What every message touches comes first, so that it lies together in memory.
  #state: SubscriptionState = "live";
  readonly #line: Line;
  readonly #pump: Pump;
  /** The terms' `passes`. */
  readonly #filter: ((message: Message) => boolean) | undefined;
  /** Messages of a key keep a least time between them. */
  readonly #paced: boolean;
  /** `undefined`: any age, said without a number, which would be one more object to look at for every batch. */
  #maxAgeMs: number | undefined;
  #lingerMs: number | undefined;
  /** From the high watermark until the low one. A blocking subscription asks publishers to wait meanwhile. */
  #slow = false;

  // Its place in the history. Offsets; everything up to and including them is …
  /** … offered: a message that matches two patterns is offered twice, and taken once. */
  #offeredThrough: number;
  /** … taken: handed over, or in flight, or known to be lost or not for it. */
  #takenThrough: number;
  /** … behind the subscriber. */
  #settledThrough: number;
  /** … known to the subscriber to be behind it, from a frame that told so. */
  #announcedThrough: number;
  /** … evaluated for it, fixed when it stopped being offered anything; `undefined` before. */
  #closedThrough: number | undefined;

  // Frames that are owed besides what is in line.
  #startedDue = true;
  #progressDue = false;
  /** While catching up or parked. */
  #past: Past<Subscription> | undefined;

  // The books that the line does not keep.
  #matched = 0;
  #delivered = 0;
  #deliveredBytes = 0;
  #inFlight = 0;
  #inFlightBytes = 0;
  #oldestInFlight: Message | undefined;
  /** The newest offset that was read from the past. */
  #replayedThrough = 0;
  /** Since the last watch, a frame told the subscriber its position. */
  #announcedSinceWatch = false;

  // What few messages touch, or none.
  readonly #host: SubscriptionHost;
  readonly terms: SubscriptionTerms;
  #grant: Grant;
  /** Unguessable. */
  readonly id: string = crypto.randomUUID();
  readonly #startedAtMs: number;
  readonly #slowness: Slowness;
  /** Made when there is something to tell: most subscriptions never have anything. */
  #events: SubscriptionEvents | undefined;
  #renderFailed = 0;
  #filterFailed = 0;
  #discarded = 0;
  #stalls = 0;
  #replayed = 0;
  #announcedConflated = 0;
  /** By the watch's time; `undefined` until it has seen it. */
  #announcedAt: number | undefined;
  /** The timer for what is held back. */
  #alarm: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(host: SubscriptionHost, terms: SubscriptionTerms, grant: Grant, sink: Sink) {
    this.#host = host;
    this.terms = terms;
    this.#grant = grant;
    this.#filter = terms.passes;
    this.#paced = terms.minIntervalMs !== undefined;
    this.#maxAgeMs = finite(grant.maxAgeMs);
    this.#lingerMs = grant.lingerMs;
    this.#line = new Line({
      bounds: grant.queue,
      overflow: grant.overflow,
      watermarks: grant.settings.watermarks,
      minIntervalMs: terms.minIntervalMs,
    });
    this.#slowness = new Slowness(grant.escalation, grant.settings);
    const now = host.front.lastOffset;
    this.#startedAtMs = host.options.clock.unixMs();
    this.#offeredThrough = now;
    this.#takenThrough = now;
    this.#settledThrough = now;
    this.#announcedThrough = now;
    this.#pump = new Pump(this, sink, host.flushLoop, grant.settings.batch);
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  get clientName(): string | undefined {
    return this.terms.clientName;
  }

  /** Its queue is above the watermark, or its write is stalled. */
  get isSlow(): boolean {
    return this.#slow || this.#pump.phase === "stalled";
  }

  /** Whoever comes back with it misses nothing that is retained; what was in flight may come again. */
  get position(): Position {
    const { phase } = this.#pump;
    // Once it has ended nothing waits any more, but what was thrown away is not behind the subscriber.
    const rests = this.#state !== "ended" && (phase === "idle" || phase === "paused");
    const settled = rests ? this.#undeliveredFrom - 1 : this.#settledThrough;
    return { epoch: this.#host.options.epoch, offset: Math.max(settled, this.#settledThrough) };
  }

  /** Called once the hub knows its patterns: opens the sink and lets the first frame out. */
  start(): void {
    if (this.terms.start !== "live") this.#startInThePast(this.terms.start);
    this.#pump.open();
    this.#pump.ready();
    if (diagnostics.started.hasSubscribers) this.#useEvents().started(this.terms.start);
  }

  /** One delivery attempt. Never waits; what became of the message is in the books and in the line. */
  offer(message: Message): void {
    if (this.#state !== "live" || this.#offeredThrough >= message.offset) return;
    if (this.#filter !== undefined && !this.#admitsOffered(message)) return;
    this.#offeredThrough = message.offset;
    const outcome = this.#line.offer(message, this.#paced ? this.#now : 0);
    if (outcome === "parked" || outcome === "overrun") {
      this.#overflow(message, outcome);
      return;
    }
    this.#matched++;
    if (this.#paced) this.#awaitDue();
    if (!this.#slow && this.#line.isHigh) this.#turnSlow();
    const lingerMs = this.#lingerMs ?? message.lingerMs;
    if (lingerMs > 0 && this.#mayLinger(message, lingerMs, outcome)) this.#pump.readyWithin(lingerMs);
    else this.#pump.ready();
  }

  /** Delivers what is queued, then ends with `draining`. */
  drain(): void {
    if (this.#state === "draining" || this.#state === "ended") return;
    this.#stopFeeding("draining");
    this.#progressDue = false;
    this.#line.releaseDue(Number.POSITIVE_INFINITY);
    this.#line.markDrainingFirst();
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
    // Before what is queued is thrown away: it lies ahead of the position.
    const { position } = this;
    this.#settledThrough = position.offset;
    this.#stopFeeding("ended");
    this.#discarded += this.#line.clear() + this.#inFlight;
    this.#inFlight = 0;
    this.#inFlightBytes = 0;
    this.#oldestInFlight = undefined;
    const comesBack = CLOSE_REASONS[reason].advice === "resume";
    this.#pump.finish({
      kind: "end",
      reason,
      detail,
      position,
      lost: this.#lost,
      retryAfterMs: comesBack ? this.#host.retryAfterMs() : undefined,
    });
  }

  /** What it is granted now. */
  get grant(): Grant {
    return this.#grant;
  }

  /**
   * Grants something else from now on. Nothing that waits is lost but what a smaller queue has no room for, as the policy
   * says, and that is told.
   *
   * @param now - by the watch's time
   * @returns what tells the events of it; to be called when everybody has got theirs, since listeners may do anything
   */
  regrant(grant: Grant, now: number): (() => void) | undefined {
    if (this.#state === "ended") return undefined;
    this.#grant = grant;
    this.#maxAgeMs = finite(grant.maxAgeMs);
    this.#lingerMs = grant.lingerMs;
    const { level } = this.#slowness;
    this.#slowness.reconfigure(grant.escalation, grant.settings, this.#backlog, now);
    this.#pump.changeLimits(grant.settings.batch);
    const { queue, settings } = grant;
    const overflow = this.#slowness.rung?.policy ?? grant.overflow;
    const changed = overflow !== this.#line.overflow || this.#slowness.level !== level;
    if (changed && this.#state !== "draining") {
      this.#enforce(overflow, () => this.#line.changeBounds(queue, settings.watermarks, overflow));
    } else {
      this.#line.changeBounds(queue, settings.watermarks);
    }
    if (this.#slow && this.#line.isLow) this.#recover();
    else if (!this.#slow && this.#state === "live" && this.#line.isHigh) this.#turnSlow();
    this.#pump.ready();
    return this.#slowness.level === level ? undefined : () => this.#useEvents().escalated(level, overflow);
  }

  /** Called by the hub's shared watch. `now` counts only time in which the event loop was free. */
  watch(now: number): void {
    if (this.#state === "ended") return;
    this.#pump.watch(now, this.#grant.settings);
    this.#watchSlowness(now);
    this.#watchPosition(now);
  }

  /** Gives storage back that a burst needed. */
  settleStorage(): void {
    this.#line.settle(this.#paced ? this.#now : 0);
  }

  stats(): SubscriptionStats {
    const queue = this.#line.counters();
    const oldest = this.#oldestUndelivered;
    const pendingSinceMs = this.#state === "ended" ? undefined : this.#pump.pendingSinceMs;
    const ageMs = (thenMs: number) => Math.max(0, this.#host.options.clock.unixMs() - thenMs);
    return {
      id: this.id,
      clientName: this.terms.clientName,
      identity: this.terms.access?.identity,
      labels: this.terms.labels,
      class: this.#grant.class,
      patterns: this.terms.patterns,
      state: this.#state,
      delivery: this.#pump.phase,
      overflow: this.#line.overflow,
      rung: this.#slowness.level,
      slow: this.isSlow,
      capacity: this.#grant.queue,
      matched: this.#matched,
      delivered: this.#delivered,
      deliveredBytes: this.#deliveredBytes,
      dropped: this.#losses(),
      conflated: queue.conflated,
      expired: this.#line.expired,
      queued: queue.messages,
      queuedBytes: queue.bytes,
      peakQueued: queue.peakMessages,
      peakQueuedBytes: queue.peakBytes,
      inFlight: this.#inFlight,
      inFlightBytes: this.#inFlightBytes,
      discardedAtClose: this.#discarded,
      lagMs: oldest === undefined ? 0 : ageMs(oldest.publishedAtMs),
      writeAgeMs: pendingSinceMs === undefined ? undefined : ageMs(pendingSinceMs),
      batches: this.#pump.batches,
      gaps: this.#line.gapsTaken + this.#renderFailed,
      stalls: this.#stalls,
      replayed: this.#replayed,
      startedAtMs: this.#startedAtMs,
      position: this.position,
    };
  }

  // PumpSource

  get hasWork(): boolean {
    if (!this.#line.isEmpty || this.#startedDue || this.#progressDue) return true;
    return this.#past?.canRead === true;
  }

  get isCatchingUp(): boolean {
    return this.#past !== undefined;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  fills(limits: BatchLimits): boolean {
    return this.#line.fills(limits);
  }

  take(frames: SinkFrame[], limits: BatchLimits): void {
    if (this.#startedDue) this.#takeStarted(frames);
    if (this.#past !== undefined) this.#refill(this.#past);
    this.#takeLine(frames, limits);
    const oldest = this.#oldestInFlight;
    if (oldest !== undefined) this.#host.meters.batch(this.#inFlight, oldest, this.#replayedThrough);
    if (this.#slow && this.#line.isLow) this.#recover();
    // Nearly always nothing is left, and then nothing needs to be looked for.
    const empty = this.#line.isEmpty && !this.#paced;
    this.#takenThrough = empty ? this.#evaluatedThrough : this.#undeliveredFrom - 1;
    if (this.#state === "draining" && this.#line.conflated > this.#announcedConflated)
      this.#progressDue = true;
    if (this.#progressDue) this.#takeProgress(frames);
  }

  settled(): void {
    this.#delivered += this.#inFlight;
    this.#deliveredBytes += this.#inFlightBytes;
    this.#inFlight = 0;
    this.#inFlightBytes = 0;
    this.#oldestInFlight = undefined;
    this.#settledThrough = this.#takenThrough;
    if (this.#state === "draining" && !this.hasWork) this.end("draining");
  }

  unrenderable({ topic, offset, bytes }: Message): GapFrame {
    // After the end it is in the books already, as discarded.
    if (this.#state !== "ended") {
      this.#inFlight--;
      this.#inFlightBytes -= bytes;
      this.#renderFailed++;
      // The notice that stands for it is not late: what cannot be sent lags behind nothing.
      if (this.#inFlight === 0) this.#oldestInFlight = undefined;
    }
    return { kind: "gap", topic, from: offset, to: offset, count: 1, reason: "render-failed" };
  }

  sinkClosed(): void {
    this.end("cancelled");
  }

  sinkFailed(error: unknown): void {
    this.#host.reportHookError("sink", error);
    this.end("cancelled");
  }

  stalled(now: number): void {
    this.#stalls++;
    this.#slowness.stalled(now);
    this.#useEvents().stalled();
  }

  unstalled(): void {
    this.#slowness.moved();
    this.#useEvents().unstalled();
  }

  ended(end: EndFrame): void {
    this.#events?.end(this.#lost);
    this.#host.forget(this, end);
  }

  // PastReader

  admits(message: Message): boolean {
    const wanted = this.#filter === undefined || this.#passes(message);
    // The predicate may have ended or drained this very subscription.
    if (this.#past === undefined) return false;
    if (wanted === undefined) this.#loseUndecided(message);
    return wanted === true;
  }

  enter(message: Message): void {
    this.#matched++;
    this.#replayed++;
    this.#replayedThrough = message.offset;
    this.#line.offer(message, this.#paced ? this.#now : 0);
  }

  // What comes next.

  #takeStarted(frames: SinkFrame[]): void {
    this.#startedDue = false;
    const { overflow, queue, bounded, maxAgeMs, class: name } = this.#grant;
    frames.push({
      kind: "started",
      subscriptionId: this.id,
      position: this.position,
      overflow,
      queue,
      bounded,
      maxAgeMs: maxAgeMs === Number.POSITIVE_INFINITY ? undefined : maxAgeMs,
      class: name,
    });
  }

  #takeLine(frames: SinkFrame[], limits: BatchLimits): void {
    const line = this.#line;
    const taken = line.take(frames, limits, this.#isTooOld(), this.#paced ? this.#now : 0);
    this.#inFlight = taken.messages;
    this.#inFlightBytes = taken.bytes;
    this.#oldestInFlight = taken.oldest;
    // It is shared, and would keep the message alive.
    taken.oldest = undefined;
    if (taken.endsWithLoss && line.length === 0) this.#progressDue = true;
    if (this.#paced) this.#awaitDue();
    const { throughOffset } = taken;
    if (throughOffset === 0) return;
    if (throughOffset > this.#announcedThrough) this.#announcedThrough = throughOffset;
    this.#announcedSinceWatch = true;
  }

  get #now(): number {
    return this.#host.options.clock.now();
  }

  /** Sees to it that what is held back goes out when it is due. One timer, while something is. */
  #awaitDue(): void {
    const { dueAt } = this.#line;
    // One that is too early finds nothing due, and sets the next.
    if (dueAt === undefined || (this.#alarm !== undefined && this.#alarm.at <= dueAt)) return;
    this.#alarm?.cancel();
    const { clock } = this.#host.options;
    const cancel = clock.after(Math.max(0, dueAt - clock.now()), () => {
      this.#alarm = undefined;
      this.#line.releaseDue(clock.now());
      this.#awaitDue();
      this.#pump.ready();
    });
    this.#alarm = { at: dueAt, cancel };
  }

  /** The clock is read once per batch, and only where there is an age to judge. */
  #isTooOld(): ((message: Message) => boolean) | undefined {
    if (this.#maxAgeMs === undefined && !this.#host.front.anyExpires) return undefined;
    const most = this.#maxAgeMs ?? Number.POSITIVE_INFINITY;
    const now = this.#host.options.clock.unixMs();
    return ({ publishedAtMs, expiresAtMs = Number.POSITIVE_INFINITY }) =>
      now > expiresAtMs || now - publishedAtMs > most;
  }

  #takeProgress(frames: SinkFrame[]): void {
    this.#progressDue = false;
    const { conflated } = this.#line;
    frames.push({
      kind: "progress",
      position: { epoch: this.#host.options.epoch, offset: this.#takenThrough },
      conflated: conflated - this.#announcedConflated,
    });
    this.#announcedConflated = conflated;
    this.#announcedThrough = this.#takenThrough;
    this.#announcedSinceWatch = true;
  }

  /** The lowest offset that may still come, as a message or as a loss. */
  get #undeliveredFrom(): number {
    return Math.min(this.#line.lowestOffset, this.#evaluatedThrough + 1);
  }

  /** Everything up to here has been offered, or was not for it. Within a publish, subscriptions differ in it. */
  get #evaluatedThrough(): number {
    if (this.#closedThrough !== undefined) return this.#closedThrough;
    if (this.#past !== undefined) return this.#past.cursor;
    const { evaluatedThrough } = this.#host.front;
    return evaluatedThrough > this.#offeredThrough ? evaluatedThrough : this.#offeredThrough;
  }

  /** A queue that fills, a loss to tell, and a message that would be stale by then do not wait. */
  #mayLinger({ publishedAtMs, expiresAtMs }: Message, ms: number, outcome: OfferOutcome): boolean {
    if (this.#slow || outcome === "refused" || outcome === "oversize") return false;
    const lifeMs = Math.min(
      (expiresAtMs ?? Number.POSITIVE_INFINITY) - publishedAtMs,
      this.#maxAgeMs ?? Number.POSITIVE_INFINITY,
    );
    return 2 * ms <= lifeMs;
  }

  /** Whether a message that is offered goes into the line. */
  #admitsOffered(message: Message): boolean {
    const wanted = this.#passes(message);
    // The predicate is the application's code and may have ended or drained this very subscription; and as it may
    // have read from it too, only now is the message behind it.
    if (this.#state !== "live") return false;
    this.#offeredThrough = message.offset;
    if (wanted === undefined) this.#loseUndecided(message);
    return wanted === true;
  }

  /** The queue is full, and its policy wants it to read on from the log, or to end. */
  #overflow(message: Message, outcome: "parked" | "overrun"): void {
    if (outcome === "parked" && this.#canPark) {
      this.#park(message.offset - 1, this.#host.seenBefore(message, this));
      return;
    }
    this.#matched++;
    this.#discarded++;
    const full = `the queue was full at ${this.#line.length} messages, ${this.#line.bytes} bytes`;
    this.end(outcome === "parked" ? "overrun" : "overflow", full);
  }

  /** Whether the predicate wants it; `undefined` when it failed. */
  #passes(message: Message): boolean | undefined {
    try {
      const answer: unknown = this.#filter === undefined || this.#filter(message);
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
    this.#line.tell(topic, offset, offset, 1, "filter-failed");
    this.#pump.ready();
  }

  /** Messages lost in its lifetime. */
  get #lost(): number {
    return this.#line.lostCount + this.#renderFailed + this.#filterFailed;
  }

  #losses(): Losses {
    const { overflow, oversize } = this.#line.counters();
    return { overflow, oversize, "render-failed": this.#renderFailed, "filter-failed": this.#filterFailed };
  }

  // The past.

  #startInThePast(start: Exclude<Start, "live">): void {
    // From here on: a filter that is asked where to start may publish, and that will be read like the rest.
    this.#state = "catching-up";
    this.#useEvents().leftLive("start");
    let from: number;
    let catchUp: CatchUp<Subscription>;
    if (typeof start === "object" && "epoch" in start) {
      from = start.offset;
      catchUp = this.#readBehind(from);
      catchUp.begin();
    } else {
      catchUp = this.#readBehind(this.#cursorFor(start));
      from = catchUp.startWithWhatThereIs(start === "snapshot");
    }
    this.#past = new Past(catchUp, this.#line);
    this.#takenThrough = from;
    this.#settledThrough = from;
    this.#announcedThrough = from;
    this.#line.beginCatchingUp();
    // Where nothing is left to read it is live at once, and misses nothing that is published before the first flush.
    if (!catchUp.hasMessages) this.#refill(this.#past);
    if (this.#past !== undefined) this.#host.rest(this);
  }

  #readBehind(cursor: number, seen?: Seen<Subscription>): CatchUp<Subscription> {
    const filtered = this.#filter !== undefined;
    return new CatchUp(this.#host.history, this, cursor, filtered, () => this.#pump.ready(), seen);
  }

  #cursorFor(start: Exclude<Start, "live" | Position>): number {
    if (typeof start === "string") return 0;
    const { history } = this.#host;
    const topics = history.topicsOf(this);
    for (const { log } of topics) log?.expire(history.nowMs());
    if ("sinceMs" in start) return offsetSince(history, topics, start.sinceMs);
    const passes = (message: Message) => this.#passes(message) === true;
    return offsetBeforeNewest(history, topics, start.newest, passes);
  }

  get #canPark(): boolean {
    return this.#host.options.rules.retains;
  }

  /** The queue stays as it is, and what comes behind `cursor` is read from the logs once there is room. */
  #park(cursor: number, seen: Seen<Subscription> | undefined): void {
    this.#state = "parked";
    this.#useEvents().leftLive("park");
    this.#recover();
    this.#past = new Past(this.#readBehind(cursor, seen), this.#line);
    this.#line.mark(this.#stateFrame());
    this.#host.rest(this);
  }

  /**
   * Fills the line from the logs. When nothing is left above the cursor it turns live in the same step: whatever is
   * published from here on is offered.
   */
  #refill(past: Past<Subscription>): void {
    if (past.hasRoom) this.#state = "catching-up";
    if (past.refill(this) === "over") this.#turnLive();
  }

  #turnLive(): void {
    this.#state = "live";
    this.#events?.turnedLive();
    this.#slowness.turnedLive();
    // A hook may have got here from within a refill, which must not go on.
    this.#past?.stop();
    this.#past = undefined;
    this.#offeredThrough = this.#host.front.lastOffset;
    this.#line.mark(this.#stateFrame(), "behind losses");
    this.#host.wake(this);
  }

  #stopFeeding(state: "draining" | "ended"): void {
    this.#closedThrough ??= this.#evaluatedThrough;
    this.#state = state;
    this.#recover();
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#past?.stop();
    this.#past = undefined;
  }

  #stateFrame(): StateFrame {
    const state = this.#state === "ended" ? "draining" : this.#state;
    return { kind: "state", state, overflow: this.#line.overflow, rung: this.#slowness.level };
  }

  // Slowness.

  #turnSlow(): void {
    this.#slow = true;
    this.#slowness.filled();
    if (this.#line.overflow === "block") this.#host.press(this);
  }

  #recover(): void {
    if (!this.#slow) return;
    this.#slow = false;
    this.#slowness.emptied();
    this.#host.release(this);
  }

  #watchSlowness(now: number): void {
    this.#slowness.observe(now, this.#state === "live");
    if (this.#events !== undefined || this.#slow || this.#lost > 0)
      this.#useEvents().watch(this.#slow, this.#lost, this.#grant.settings.recoveryMs);
    if (this.#state === "ended") return;
    const { blockTimeoutMs } = this.#grant.settings;
    const fullForMs = this.#slowness.fullForMs(now);
    if (this.#line.overflow === "block" && fullForMs !== undefined && fullForMs >= blockTimeoutMs) {
      this.#stopBlocking();
      return;
    }
    const { level } = this.#slowness;
    if (this.#slowness.judge(now, this.#backlog, this.#host.mayEvict)) this.#obeyLadder(level);
  }

  /** Publishers wait for a bounded time only. */
  #stopBlocking(): void {
    if (this.#canPark) this.#park(this.#evaluatedThrough, this.#host.seenBefore(undefined, this));
    else this.end("overrun", "a blocking subscriber did not make room in time");
  }

  get #backlog(): Backlog {
    return {
      messages: this.#line.length + this.#inFlight,
      bytes: this.#line.bytes + this.#inFlightBytes,
      oldest: this.#oldestUndelivered,
    };
  }

  #obeyLadder(levelBefore: number): void {
    const { rung } = this.#slowness;
    const overflow = rung?.policy ?? this.#grant.overflow;
    if (overflow === "evict" && rung !== undefined) {
      this.#useEvents().escalated(levelBefore, overflow);
      // Whoever listens may have ended it, or changed the rungs.
      if (this.#state === "ended" || this.#slowness.rung !== rung) return;
      const reason = rung.when.stalledForMs === undefined ? "slow" : "stalled";
      this.end(reason);
      return;
    }
    this.#enforce(overflow, () => this.#line.changePolicy(overflow));
    if (overflow === "park" && this.#state === "live") {
      this.#park(this.#evaluatedThrough, this.#host.seenBefore(undefined, this));
    }
    this.#pump.ready();
    this.#useEvents().escalated(levelBefore, overflow);
  }

  /** Puts a policy in force, with messages waiting, by way of `change`, and tells it. */
  #enforce(overflow: OverflowPolicyName, change: () => void): void {
    // Where newer messages may stand in for older ones, the frame that says so comes first, and its opposite last.
    const last = overflow !== "conflate" && !this.#line.isOrdered;
    change();
    // On a rung it is not for its publishers to wait.
    if (this.#slow && overflow === "block") this.#host.press(this);
    else this.#host.release(this);
    if (last) this.#line.mark(this.#stateFrame());
    else this.#line.markPolicyFirst(overflow, this.#slowness.level);
  }

  #useEvents(): SubscriptionEvents {
    const { options, meters } = this.#host;
    this.#events ??= new SubscriptionEvents(options.epoch, options.clock, this, meters);
    return this.#events;
  }

  get #oldestUndelivered(): Message | undefined {
    return this.#oldestInFlight ?? this.#line.head;
  }

  #watchPosition(now: number): void {
    if (this.#announcedSinceWatch || this.#announcedAt === undefined) {
      this.#announcedAt = now;
      this.#announcedSinceWatch = false;
      return;
    }
    if (this.#state === "draining" || this.#state === "ended") return;
    if (now - this.#announcedAt < this.#grant.settings.progressIntervalMs) return;
    if (this.#undeliveredFrom - 1 > this.#announcedThrough) {
      this.#progressDue = true;
      this.#pump.ready();
    }
  }
}

function finite(ms: number): number | undefined {
  return ms === Number.POSITIVE_INFINITY ? undefined : ms;
}
