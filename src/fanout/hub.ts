import { HUB_DEFAULTS } from "../defaults.ts";
import * as diagnostics from "../diagnostics.ts";
import { quote, SpillwayError } from "../errors.ts";
import type { EndFrame, Position } from "../protocol/index.ts";
import { abortable } from "./abortable.ts";
import { type Access, type AccessRequest, checkAccess } from "./access.ts";
import { Backpressure } from "./backpressure.ts";
import type { History, Seen } from "./catch-up.ts";
import { checkDuration } from "./checks.ts";
import { EvictionBrake } from "./eviction-brake.ts";
import { FlushLoop } from "./flush-loop.ts";
import type { Front } from "./front.ts";
import { regrant } from "./grant.ts";
import { HistoryLoads } from "./history-loads.ts";
import { HistoryRules } from "./history-rules.ts";
import { contain, HookReports } from "./hook-reports.ts";
import { InterestEvents } from "./interest-events.ts";
import { type Interest, InterestIndex, type Membership } from "./interest-index.ts";
import { LocalSubscription } from "./local-subscription.ts";
import { Message } from "./message.ts";
import { Meters } from "./meters.ts";
import {
  type HubConfig,
  type HubOptions,
  type ResolvedHubOptions,
  reresolveHubOptions,
  resolveHubOptions,
} from "./options.ts";
import { copyPayload, messageBytes, type Publication, type PublishOptions } from "./publication.ts";
import { Refusals } from "./refusals.ts";
import type { TopicSettings } from "./rules.ts";
import type { Sink } from "./sink.ts";
import { BookTotals, type HubStats, type TopicStats } from "./stats.ts";
import { agreeOnTerms, type SubscribeRequest } from "./subscribe-request.ts";
import { Subscription, type SubscriptionHost } from "./subscription.ts";
import { endedEvent } from "./subscription-events.ts";
import { isTopic } from "./topic-names.ts";
import { Topic, TopicTable } from "./topic-table.ts";
import { Watch } from "./watch.ts";

/** What `publish` says. */
export interface Published {
  /** The number the message got. */
  readonly offset: number;
  /**
   * False when a blocking subscriber of the topic asks its publishers to wait, as `write()` of a Node stream does:
   * `await hub.writable(topic)` before the next message. Who publishes on regardless loses nothing, but the
   * subscriber is parked or evicted when its queue is full.
   */
  readonly writable: boolean;
}

export interface WritableOptions {
  /** @default Infinity: the hub's `blockTimeoutMs` ends every wait */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LocalSubscribeOptions extends Omit<SubscribeRequest, "patterns" | "onEnd"> {
  /** Ends the subscription; the loop that reads it throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Of a topic that stands for what a history source has of it. */
const UNTREATED: TopicSettings = { retention: undefined, lingerMs: 0 };

/** What the hub keeps of a subscription beside the subscription itself. */
interface Registration {
  readonly memberships: readonly Membership<Subscription>[];
  readonly onEnd: ((end: EndFrame) => void) | undefined;
}

/**
 * One ordered history of messages, fanned out to the subscriptions whose patterns match.
 *
 * `publish()` is synchronous and never waits: it numbers the message, offers it to each matching subscription's
 * bounded queue, and returns. Delivery follows in the flush at the end of the event loop's turn. When a queue is
 * full, the subscription's overflow policy decides, and the loss is announced to that subscriber alone.
 *
 * Closing: `close()` refuses new subscriptions and messages, lets the queues empty for a while, and then ends what
 * is left. A hub holds one timer while it has subscriptions, which does not keep the process alive; one more for each
 * subscription with a pace while a message of it waits for its time, and one for all whose messages linger equally long.
 *
 * @example
 * ```ts
 * const hub = new Hub({ overflow: "conflate" });
 * hub.publish("prices.EURUSD", "1.0842", { key: "EURUSD" });
 * ```
 */
export class Hub implements AsyncDisposable {
  #options: ResolvedHubOptions;
  readonly #flushLoop: FlushLoop;
  readonly #meters: Meters;
  readonly #loads: HistoryLoads;
  readonly #watch: Watch;
  readonly #brake: EvictionBrake;
  readonly #reports: HookReports;
  readonly #topics: TopicTable<Subscription>;
  readonly #interests: InterestIndex<Subscription>;
  readonly #interestEvents: InterestEvents | undefined;
  readonly #subscriptions = new Map<Subscription, Registration>();
  readonly #sources: HistoryRules;
  readonly #backpressure: Backpressure<Subscription>;
  readonly #host: { -readonly [Part in keyof SubscriptionHost]: SubscriptionHost[Part] };

  readonly #front: { -readonly [Field in keyof Front]: Front[Field] };
  #fanningOut = false;
  /** Parked by the message being fanned out: they leave the lists when nobody walks them any more. */
  readonly #leaving: Subscription[] = [];
  /** Published by a hook while another message was being fanned out: numbered, and next in line. */
  readonly #waiting: { topic: Topic<Subscription>; message: Message }[] = [];

  // Books of what is no more.
  readonly #endedBooks = new BookTotals();
  readonly #ended: Record<string, number> = {};
  readonly #refusedPublishes = new Refusals();
  readonly #refusedSubscriptions = new Refusals();
  #published = 0;
  #publishedBytes = 0;

  #closing: Promise<void> | undefined;
  #whenEmpty: (() => void) | undefined;

  /** @throws TypeError or RangeError for an option that is wrong */
  constructor(options?: HubOptions) {
    const resolved = resolveHubOptions(options);
    this.#options = resolved;
    this.#flushLoop = new FlushLoop(resolved.clock, resolved.flush);
    this.#meters = new Meters(this.#flushLoop);
    this.#reports = new HookReports(resolved);
    this.#interestEvents = this.#makeInterestEvents();
    this.#interests = new InterestIndex(this.#interestEvents);
    const brake = new EvictionBrake(resolved.massSlowShare, resolved.epoch);
    this.#brake = brake;
    this.#loads = new HistoryLoads(resolved.historyLoads, resolved.clock);
    const { loopLatenessMs } = this.#meters;
    this.#watch = new Watch(resolved.clock, this.#subscriptions, () => this.#settle(), brake, loopLatenessMs);
    this.#backpressure = new Backpressure(resolved.clock, (subscription, topic) =>
      this.#isFor(subscription, this.#interestsInName(topic)),
    );
    const { lastOffset } = resolved;
    this.#front = { lastOffset, evaluatedThrough: lastOffset, anyExpires: false };
    this.#topics = new TopicTable(
      resolved.maxTopics,
      (topic) => this.#options.rules.topic(topic),
      lastOffset,
    );
    this.#sources = new HistoryRules(resolved.history);
    const hub = this;
    const history: History<Subscription> = {
      front: this.#front,
      get forgottenThrough() {
        return hub.#topics.forgottenThrough;
      },
      get topicsVersion() {
        return hub.#topics.version;
      },
      topicsOf: (subscription) => this.#topicsOf(subscription),
      knowsAllTopicsOf: ({ terms }) =>
        terms.patterns.every((name) => this.#topics.find(name) ?? (isTopic(name) && this.#sources.of(name))),
      sourceOf: (topic) => this.#sources.of(topic)?.source,
      loads: this.#loads,
      reportHookError: (hook, error) => this.reportHookError(hook, error),
      priorityOf: (subscription) => subscription.grant.priority,
      nowMs: () => resolved.clock.unixMs(),
    };
    this.#host = {
      options: resolved,
      flushLoop: this.#flushLoop,
      history,
      front: this.#front,
      meters: this.#meters,
      reportHookError: (hook, error) => this.reportHookError(hook, error),
      retryAfterMs: () => this.retryAfterMs(),
      seenBefore: (message, subscription) => this.#seenBefore(message, subscription),
      rest: (subscription) => this.#rest(subscription),
      wake: (subscription) => this.#wake(subscription),
      mayEvict: brake.mayEvict,
      press: (subscription) => this.#backpressure.press(subscription),
      release: (subscription) => this.#backpressure.release(subscription),
      forget: (subscription, end) => this.#forget(subscription, end),
    };
  }

  /** Identity of this history. */
  get epoch(): string {
    return this.#options.epoch;
  }

  /** The place of the newest message. */
  get position(): Position {
    return { epoch: this.#options.epoch, offset: this.#front.lastOffset };
  }

  /** `close()` was called. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Publishes a message to everybody whose patterns match, and returns at once. The payload is copied, so the
   * caller may reuse its buffer. Called from inside a hook, the message gets its number at once and is fanned out
   * after the one under way.
   *
   * @param payload - bytes, or text that is sent as UTF-8
   * @throws SpillwayError `TOPIC_INVALID`, `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`, `CLOSED`; nothing was published then
   */
  publish(topicName: string, payload: Uint8Array | string, options?: PublishOptions): Published {
    try {
      return this.#publish(topicName, payload, options);
    } catch (error) {
      this.#refusedPublishes.count(error);
      throw error;
    }
  }

  #publish(topicName: string, payload: Uint8Array | string, options: PublishOptions | undefined): Published {
    if (this.#closing !== undefined)
      throw new SpillwayError("CLOSED", "the hub is closed: publish to it before close()");
    const bytes = messageBytes(payload, options, this.#options.maxMessageBytes);
    const topic = this.#topics.use(topicName);
    if (topic.log?.keyed === true && options?.key === undefined) {
      const rule = `topic ${quote(topicName)} retains the latest message per key: publish to it with a key`;
      throw new SpillwayError("MESSAGE_INVALID", rule, { field: "key" });
    }
    const now = this.#options.clock.unixMs();
    const ttlMs = options?.ttlMs ?? Number.POSITIVE_INFINITY;
    const offset = ++this.#front.lastOffset;
    const message = new Message({
      topic: topicName,
      offset,
      previousOffset: topic.lastOffset,
      key: options?.key,
      headers: options?.headers === undefined ? undefined : { ...options.headers },
      publishedAtMs: now,
      payload: copyPayload(payload),
      tombstone: options?.tombstone === true,
      expiresAtMs: ttlMs === Number.POSITIVE_INFINITY ? undefined : now + ttlMs,
      publishedAtWatch: this.#watch.time,
      lingerMs: topic.lingerMs,
      bytes,
    });
    if (message.expiresAtMs !== undefined) this.#front.anyExpires = true;
    topic.lastOffset = offset;
    topic.published++;
    topic.publishedBytes += bytes;
    topic.log?.append(message);
    this.#published++;
    this.#publishedBytes += bytes;
    if (this.#fanningOut) this.#waiting.push({ topic, message });
    else this.#fanOut(topic, message);
    return { offset, writable: this.#backpressure.isWritable(topicName) };
  }

  /**
   * Resolves when no blocking subscriber of the topic asks publishers to wait, at once if there is none.
   *
   * @throws SpillwayError `TIMEOUT`; the signal's reason if aborted
   */
  writable(topic: string, options: WritableOptions = {}): Promise<void> {
    const { timeoutMs = Number.POSITIVE_INFINITY, signal } = options;
    return this.#backpressure.whenWritable(topic, checkDuration("timeoutMs", timeoutMs, true), signal);
  }

  /**
   * Publishes everything that a source yields, as fast as blocking subscribers allow, and returns how many messages
   * that were.
   *
   * @throws what `publish` throws, and the signal's reason if aborted; the source is closed then
   */
  async ingest(
    source: AsyncIterable<Publication> | Iterable<Publication>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<number> {
    let count = 0;
    for await (const { topic, payload, ...rest } of abortable(source, options.signal)) {
      const { writable } = this.publish(topic, payload, rest);
      count++;
      if (!writable) await this.writable(topic, options);
    }
    return count;
  }

  /**
   * Subscribes code of this process: an async iterable of frames, live from the moment this returns.
   *
   * @throws SpillwayError for a bad pattern or option, or when the hub is closed; the signal's reason if aborted
   */
  subscribe(patterns: string | readonly string[], options: LocalSubscribeOptions = {}): LocalSubscription {
    const { signal, ...request } = options;
    const list = typeof patterns === "string" ? [patterns] : patterns;
    return new LocalSubscription((sink) => this.attach({ ...request, patterns: list }, sink), signal);
  }

  /**
   * Subscribes a sink: for transports. Synchronous: what is published after it returns is for this sink too; the
   * first frame comes with the next flush. Throws before it touches the sink.
   *
   * @param access - what a remote caller was granted; without it the request is trusted
   * @throws SpillwayError `PATTERN_INVALID`, `REQUEST_INVALID`, `POSITION_INVALID`, `EPOCH_MISMATCH`,
   *   `NOT_ALLOWED`, `LIMIT_REACHED`, `CLOSED`
   */
  attach(request: SubscribeRequest, sink: Sink, access?: Access): Subscription {
    try {
      return this.#attach(request, sink, access);
    } catch (error) {
      this.#refusedSubscriptions.count(error);
      throw error;
    }
  }

  #attach(request: SubscribeRequest, sink: Sink, access: Access | undefined): Subscription {
    if (this.#closing !== undefined) throw new SpillwayError("CLOSED", "the server is shutting down");
    const { terms, grant } = agreeOnTerms(request, access, this.#options.rules, this.position);
    if (this.#subscriptions.size >= this.#options.maxSubscriptions) {
      const most = this.#options.maxSubscriptions;
      throw new SpillwayError(
        "LIMIT_REACHED",
        `there are ${most} subscriptions, the most allowed; come back later`,
      );
    }
    const subscription = new Subscription(this.#host, terms, grant, sink);
    const memberships = terms.patterns.map((pattern) => this.#interests.join(pattern, subscription));
    this.#subscriptions.set(subscription, {
      memberships,
      onEnd: request.onEnd,
    });
    this.#watch.start();
    subscription.start();
    return subscription;
  }

  /**
   * Puts other options in force, for everybody who is subscribed and everything that is retained, without losing what is
   * queued: only what a smaller bound has no room for goes, as the policy says, and that is told. Give all the options
   * that the hub is to have, as to the constructor: what is left out is at its default again. Checked first; when it
   * throws, nothing has changed.
   *
   * A subscriber keeps what it asked for as far as the new options grant it; what it would not be granted any more gives
   * way to what is granted unasked. `authorize` is not asked again. Fewer `maxSubscriptions` end nobody; they refuse
   * newcomers. A log that is made smaller, or of another kind, forgets at once, and readers of the past are told.
   *
   * Takes time in proportion to the subscriptions and the topics.
   *
   * @param config - identity (`epoch`, `lastOffset`), code and clock are fixed when a hub is made
   * @throws TypeError or RangeError for an option that is wrong; SpillwayError `CLOSED`
   */
  reconfigure(config: HubConfig): void {
    if (this.#closing !== undefined)
      throw new SpillwayError("CLOSED", "the hub is closed: it has no options");
    const options = reresolveHubOptions(this.#options, config);
    const grants = [...this.#subscriptions.keys()].map(
      (subscription) => [subscription, regrant(subscription.terms, options.rules)] as const,
    );
    // From here on nothing throws, and until all is in force no code of the application runs.
    this.#options = options;
    this.#host.options = options;
    this.#flushLoop.limits = options.flush;
    this.#brake.massShare = options.massSlowShare;
    if (this.#interestEvents !== undefined) this.#interestEvents.debounceMs = options.interestDebounceMs;
    this.#topics.reconfigure(options.maxTopics);
    const events = grants.map(([subscription, grant]) => subscription.regrant(grant, this.#watch.time));
    // More of them at once may begin here.
    this.#loads.reconfigure(options.historyLoads);
    for (const tell of events) tell?.();
    if (diagnostics.reconfigured.hasSubscribers) {
      diagnostics.reconfigured.publish({ epoch: this.epoch, subscriptions: grants.length });
    }
  }

  /**
   * Asks the `authorize` hook about a remote caller.
   *
   * @throws SpillwayError `UNAUTHENTICATED` or `NOT_ALLOWED`
   */
  async authorize(request: AccessRequest): Promise<Access> {
    try {
      return checkAccess(await this.#options.authorize?.(request), this.#options.rules.retains);
    } catch (error) {
      const refusal = error instanceof SpillwayError ? error : undecided();
      if (refusal !== error) this.reportHookError("authorize", error);
      if (request.action === "publish") this.#refusedPublishes.count(refusal);
      else if (request.action === "subscribe") this.#refusedSubscriptions.count(refusal);
      throw refusal;
    }
  }

  /** Contains an error that a hook of the application threw: for transports that call hooks. */
  reportHookError(hook: string, error: unknown): void {
    this.#reports.add(hook, error);
  }

  /** A retry delay to suggest to a client, in milliseconds: `retryDelayMs`, spread by half of it to either side. */
  retryAfterMs(): number {
    return Math.round(this.#options.retryDelayMs * (0.5 + Math.random()));
  }

  /** All subscriptions that have not ended. */
  *subscriptions(): Iterable<Subscription> {
    // One that has ended stays registered until the flush has told its sink.
    for (const subscription of this.#subscriptions.keys())
      if (subscription.state !== "ended") yield subscription;
  }

  /** Walks all subscriptions: meant for every second, not for every message. */
  stats(): HubStats {
    const totals = new BookTotals();
    totals.add(this.#endedBooks.sum());
    const states = { live: 0, "catching-up": 0, parked: 0, draining: 0, stalled: 0 };
    let slow = 0;
    let worstLagMs = 0;
    for (const subscription of this.#subscriptions.keys()) {
      const stats = subscription.stats();
      totals.add(stats);
      // Its sink is told in the next flush.
      if (stats.state === "ended") continue;
      if (stats.slow) slow++;
      worstLagMs = Math.max(worstLagMs, stats.lagMs);
      if (stats.delivery === "stalled") states.stalled++;
      else states[stats.state]++;
    }
    const meters = this.#meters;
    return {
      ...totals.sum(),
      position: this.position,
      published: this.#published,
      publishedBytes: this.#publishedBytes,
      topics: this.#topics.size,
      subscriptions: states,
      slow,
      worstLagMs,
      ended: { ...this.#ended },
      retained: this.#topics.retained(),
      lagMs: meters.lagMs(),
      batchMessages: meters.batchMessages(),
      loopLatenessMs: meters.loopLatenessMs.snapshot(),
      slowEpisodes: meters.slowEpisodes,
      parked: meters.parked,
      brake: this.#brake.state,
      evictionsHeldBack: this.#brake.heldBack,
      historyLoads: this.#host.history.loads.counts(),
      refused: {
        publishes: this.#refusedPublishes.counts(),
        subscriptions: this.#refusedSubscriptions.counts(),
      },
    };
  }

  /** `undefined` when nothing was published to the topic, or it was forgotten (see `maxTopics`). */
  topicStats(name: string): TopicStats | undefined {
    const topic = this.#topics.find(name);
    if (topic === undefined) return undefined;
    const subscribers = new Set(this.#interestsIn(topic).flatMap((interest) => interest.subscribers));
    return {
      topic: name,
      published: topic.published,
      publishedBytes: topic.publishedBytes,
      lastOffset: topic.lastOffset,
      subscribers: subscribers.size,
    };
  }

  /**
   * Closes the hub: nothing new is admitted, what is queued is delivered, and every subscription ends with
   * `draining`. Resolves when all sinks have got their end, at the latest a moment after the timeout. Every call
   * returns the same promise.
   *
   * @param options.drainTimeoutMs - how long the queues may take to empty; @default 5_000
   */
  close(options: { readonly drainTimeoutMs?: number } = {}): Promise<void> {
    const timeout = checkDuration("drainTimeoutMs", options.drainTimeoutMs ?? HUB_DEFAULTS.drainTimeoutMs);
    this.#closing ??= this.#drain(timeout);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #drain(timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    // Called by a hook in the middle of a fan-out: the message under way still reaches everybody.
    if (this.#fanningOut) await new Promise<void>((resolve) => clock.soon(resolve));
    const subscriptions = [...this.#subscriptions.keys()];
    if (subscriptions.length > 0) {
      const empty = new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
      const cancel = clock.after(timeoutMs, () => {
        for (const subscription of subscriptions) subscription.end("draining");
      });
      for (const subscription of subscriptions) subscription.drain();
      await empty;
      cancel();
    }
    this.#interestEvents?.flush();
    // Nobody can read the past of a closed hub any more, so it need not hold it.
    this.#topics.clear();
  }

  #fanOut(topic: Topic<Subscription>, message: Message): void {
    this.#fanningOut = true;
    this.#offer(topic, message);
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#offer(next.topic, next.message);
    }
    this.#fanningOut = false;
    for (let next = this.#leaving.pop(); next !== undefined; next = this.#leaving.pop()) this.#rest(next);
  }

  #offer(topic: Topic<Subscription>, message: Message): void {
    for (const { subscribers } of this.#interestsIn(topic)) {
      // Fixed before: a hook may subscribe on the way, and what it adds starts behind this message.
      const count = subscribers.length;
      for (let index = 0; index < count; index++) subscribers[index]!.offer(message);
    }
    this.#front.evaluatedThrough = message.offset;
  }

  #interestsIn(topic: Topic<Subscription>): readonly Interest<Subscription>[] {
    if (topic.interestsVersion !== this.#interests.version) {
      topic.interests = this.#interests.match(topic.name);
      topic.interestsVersion = this.#interests.version;
    }
    return topic.interests;
  }

  #interestsInName(name: string): readonly Interest<Subscription>[] {
    const topic = this.#topics.find(name);
    return topic === undefined ? this.#interests.match(name) : this.#interestsIn(topic);
  }

  #makeInterestEvents(): InterestEvents | undefined {
    const { clock, interestDebounceMs, onInterest } = this.#options;
    if (onInterest === undefined) return undefined;
    return new InterestEvents(clock, interestDebounceMs, (change) =>
      contain(
        () => onInterest(change),
        (error) => this.reportHookError("onInterest", error),
      ),
    );
  }

  #topicsOf(subscription: Subscription): readonly Topic<Subscription>[] {
    const { patterns } = subscription.terms;
    if (patterns.every(isTopic)) {
      // A topic with a source has a past even where this hub has not seen it. It is not remembered for that: whoever
      // names many topics must not push out those that are published to.
      const { forgottenThrough } = this.#topics;
      const known = (name: string) =>
        this.#topics.find(name) ??
        (this.#sources.of(name) && new Topic<Subscription>(name, UNTREATED, forgottenThrough));
      return patterns.map(known).filter((topic) => topic !== undefined);
    }
    return [...this.#topics].filter((topic) => this.#isFor(subscription, this.#interestsIn(topic)));
  }

  #isFor(subscription: Subscription, interests: readonly Interest<Subscription>[]): boolean {
    const memberships = this.#subscriptions.get(subscription)?.memberships ?? [];
    return memberships.some(({ interest }) => interests.includes(interest));
  }

  /** How many messages of its topics a subscription had got by the time of `message`, where that is known. */
  #seenBefore(message: Message | undefined, subscription: Subscription): Seen<Subscription> | undefined {
    // Messages that wait are counted in their topics already, and wildcards would mean to walk all topics.
    if (this.#waiting.length > 0 || !subscription.terms.patterns.every(isTopic)) return undefined;
    const topics = this.#topicsOf(subscription);
    return new Map(topics.map((topic) => [topic, topic.published - (topic.name === message?.topic ? 1 : 0)]));
  }

  #rest(subscription: Subscription): void {
    if (this.#fanningOut) {
      this.#leaving.push(subscription);
      return;
    }
    if (subscription.state === "live") return;
    const memberships = this.#subscriptions.get(subscription)?.memberships ?? [];
    for (const membership of memberships) this.#interests.rest(membership);
  }

  /** Joins at the end of the lists, so it may also happen while they are walked. */
  #wake(subscription: Subscription): void {
    const memberships = this.#subscriptions.get(subscription)?.memberships ?? [];
    for (const membership of memberships) this.#interests.wake(membership);
  }

  #settle(): void {
    this.#flushLoop.settle();
    const now = this.#options.clock.unixMs();
    for (const topic of this.#topics) topic.log?.expire(now);
  }

  /** In the flush: nobody walks the lists that it changes. */
  #forget(subscription: Subscription, end: EndFrame): void {
    const registration = this.#subscriptions.get(subscription);
    if (registration === undefined) return;
    this.#subscriptions.delete(subscription);
    for (const membership of registration.memberships) this.#interests.leave(membership);
    const stats = subscription.stats();
    this.#endedBooks.add(stats);
    this.#ended[end.reason] = (this.#ended[end.reason] ?? 0) + 1;
    if (diagnostics.ended.hasSubscribers) {
      const livedMs = this.#options.clock.unixMs() - stats.startedAtMs;
      diagnostics.ended.publish(endedEvent(this.epoch, stats, end, livedMs));
    }
    contain(
      () => registration.onEnd?.(end),
      (error) => this.reportHookError("onEnd", error),
    );
    if (this.#subscriptions.size > 0) return;
    this.#watch.stop();
    this.#whenEmpty?.();
  }
}

function undecided(): SpillwayError {
  return new SpillwayError("NOT_ALLOWED", "the server could not decide whether this is allowed");
}
