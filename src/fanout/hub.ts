import * as diagnostics from "../diagnostics.ts";
import { SpillwayError } from "../errors.ts";
import type { EndFrame, Position } from "../protocol/index.ts";
import { type Access, type AccessRequest, checkAccess } from "./access.ts";
import { FlushLoop } from "./flush-loop.ts";
import { contain, HookReports } from "./hook-reports.ts";
import { InterestIndex, type Membership } from "./interest-index.ts";
import { LocalSubscription } from "./local-subscription.ts";
import { Message } from "./message.ts";
import { checkDuration, type HubOptions, type ResolvedHubOptions, resolveHubOptions } from "./options.ts";
import { copyPayload, messageBytes, type PublishOptions } from "./publication.ts";
import type { Sink } from "./sink.ts";
import { BookTotals, type HubStats, lost, type TopicStats } from "./stats.ts";
import { agreeOnTerms, type SubscribeRequest } from "./subscribe-request.ts";
import { Subscription, type SubscriptionHost } from "./subscription.ts";
import { type Topic, TopicTable } from "./topic-table.ts";
import { Watch } from "./watch.ts";

/** What `publish` says. */
export interface Published {
  /** The number the message got. */
  readonly offset: number;
}

export interface LocalSubscribeOptions extends Omit<SubscribeRequest, "patterns" | "onEnd"> {
  /** Ends the subscription; the loop that reads it throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

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
 * is left. A hub holds one timer while it has subscriptions, which does not keep the process alive.
 *
 * @example
 * ```ts
 * const hub = new Hub({ overflow: "conflate" });
 * hub.publish("prices.EURUSD", "1.0842", { key: "EURUSD" });
 * ```
 */
export class Hub implements AsyncDisposable {
  readonly #options: ResolvedHubOptions;
  readonly #flushLoop: FlushLoop;
  readonly #watch: Watch;
  readonly #reports: HookReports;
  readonly #topics: TopicTable<Subscription>;
  readonly #interests = new InterestIndex<Subscription>();
  readonly #subscriptions = new Map<Subscription, Registration>();
  readonly #host: SubscriptionHost;

  #lastOffset = 0;
  #evaluatedThrough = 0;
  #fanningOut = false;
  /** Published by a hook while another message was being fanned out: numbered, and next in line. */
  readonly #waiting: { topic: Topic<Subscription>; message: Message }[] = [];

  // Books of what is no more.
  readonly #endedBooks = new BookTotals();
  readonly #ended: Record<string, number> = {};
  #published = 0;
  #publishedBytes = 0;

  #closing: Promise<void> | undefined;
  #whenEmpty: (() => void) | undefined;

  /** @throws TypeError or RangeError for an option that is wrong */
  constructor(options?: HubOptions) {
    const resolved = resolveHubOptions(options);
    this.#options = resolved;
    this.#flushLoop = new FlushLoop(resolved.clock, resolved.flush);
    this.#reports = new HookReports(resolved);
    this.#watch = new Watch(resolved.clock, this.#subscriptions, this.#flushLoop);
    this.#topics = new TopicTable(resolved.maxTopics);
    const hub = this;
    this.#host = {
      options: resolved,
      flushLoop: this.#flushLoop,
      get evaluatedThrough() {
        return hub.#evaluatedThrough;
      },
      reportHookError: (hook, error) => this.reportHookError(hook, error),
      retryAfterMs: () => Math.round(resolved.retryDelayMs * (0.5 + Math.random())),
      forget: (subscription, end) => this.#forget(subscription, end),
    };
  }

  /** Identity of this history. */
  get epoch(): string {
    return this.#options.epoch;
  }

  /** The place of the newest message. */
  get position(): Position {
    return { epoch: this.#options.epoch, offset: this.#lastOffset };
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
    if (this.#closing !== undefined)
      throw new SpillwayError("CLOSED", "the hub is closed: publish to it before close()");
    const bytes = messageBytes(payload, options, this.#options.maxMessageBytes);
    const topic = this.#topics.use(topicName);
    const offset = ++this.#lastOffset;
    const message = new Message({
      topic: topicName,
      offset,
      previousOffset: topic.lastOffset,
      key: options?.key,
      headers: options?.headers === undefined ? undefined : { ...options.headers },
      publishedAtMs: this.#options.clock.unixMs(),
      payload: copyPayload(payload),
      bytes,
    });
    topic.lastOffset = offset;
    topic.published++;
    topic.publishedBytes += bytes;
    this.#published++;
    this.#publishedBytes += bytes;
    if (this.#fanningOut) this.#waiting.push({ topic, message });
    else this.#fanOut(topic, message);
    return { offset };
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
   * Subscribes a sink: for transports. Synchronous, and live when it returns; the first frame comes with the next
   * flush. Throws before it touches the sink.
   *
   * @param access - what a remote caller was granted; without it the request is trusted
   * @throws SpillwayError `PATTERN_INVALID`, `REQUEST_INVALID`, `POSITION_INVALID`, `EPOCH_MISMATCH`,
   *   `NOT_ALLOWED`, `LIMIT_REACHED`, `CLOSED`
   */
  attach(request: SubscribeRequest, sink: Sink, access?: Access): Subscription {
    if (this.#closing !== undefined) throw new SpillwayError("CLOSED", "the server is shutting down");
    const terms = agreeOnTerms(request, access, this.#options, this.position);
    if (this.#subscriptions.size >= this.#options.maxSubscriptions) {
      const most = this.#options.maxSubscriptions;
      throw new SpillwayError(
        "LIMIT_REACHED",
        `there are ${most} subscriptions, the most allowed; come back later`,
      );
    }
    const subscription = new Subscription(this.#host, terms, sink);
    const memberships = terms.patterns.map((pattern) => this.#interests.join(pattern, subscription));
    this.#subscriptions.set(subscription, { memberships, onEnd: request.onEnd });
    this.#watch.start();
    subscription.start();
    return subscription;
  }

  /**
   * Asks the `authorize` hook about a remote caller.
   *
   * @throws SpillwayError `UNAUTHENTICATED` or `NOT_ALLOWED`
   */
  async authorize(request: AccessRequest): Promise<Access> {
    try {
      return checkAccess(await this.#options.authorize?.(request));
    } catch (error) {
      if (error instanceof SpillwayError) throw error;
      this.reportHookError("authorize", error);
      throw new SpillwayError("NOT_ALLOWED", "the server could not decide whether this is allowed");
    }
  }

  /** Contains an error that a hook of the application threw: for transports that call hooks. */
  reportHookError(hook: string, error: unknown): void {
    this.#reports.add(hook, error);
  }

  /** All subscriptions that have not ended. */
  subscriptions(): Iterable<Subscription> {
    return this.#subscriptions.keys();
  }

  /** Walks all subscriptions: meant for every second, not for every message. */
  stats(): HubStats {
    const totals = new BookTotals();
    totals.add(this.#endedBooks.sum());
    const states = { live: 0, draining: 0, stalled: 0 };
    for (const subscription of this.#subscriptions.keys()) {
      const stats = subscription.stats();
      totals.add(stats);
      if (stats.delivery === "stalled") states.stalled++;
      else if (stats.state !== "ended") states[stats.state]++;
    }
    return {
      ...totals.sum(),
      position: this.position,
      published: this.#published,
      publishedBytes: this.#publishedBytes,
      topics: this.#topics.size,
      subscriptions: states,
      ended: { ...this.#ended },
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
    const timeout = checkDuration("drainTimeoutMs", options.drainTimeoutMs ?? 5_000);
    this.#closing ??= this.#drain(timeout);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #drain(timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    const subscriptions = [...this.#subscriptions.keys()];
    if (subscriptions.length === 0) return;
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

  #fanOut(topic: Topic<Subscription>, message: Message): void {
    this.#fanningOut = true;
    this.#offer(topic, message);
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#offer(next.topic, next.message);
    }
    this.#fanningOut = false;
  }

  #offer(topic: Topic<Subscription>, message: Message): void {
    for (const { subscribers } of this.#interestsIn(topic)) {
      // Fixed before: a hook may subscribe on the way, and what it adds starts behind this message.
      const count = subscribers.length;
      for (let index = 0; index < count; index++) subscribers[index]!.offer(message);
    }
    this.#evaluatedThrough = message.offset;
  }

  #interestsIn(topic: Topic<Subscription>): readonly { readonly subscribers: readonly Subscription[] }[] {
    if (topic.interestsVersion !== this.#interests.version) {
      topic.interests = this.#interests.match(topic.name);
      topic.interestsVersion = this.#interests.version;
    }
    return topic.interests;
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
      const { id: subscriptionId, clientName, delivered } = stats;
      const { reason, detail } = end;
      const event = { subscriptionId, clientName, reason, detail, delivered, lost: lost(stats.dropped) };
      diagnostics.ended.publish(event);
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
