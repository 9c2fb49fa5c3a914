import TinyQueue from "tinyqueue";
import type { GapFrame } from "../protocol/index.ts";
import type { Front } from "./front.ts";
import type { HistoryLoads } from "./history-loads.ts";
import { HistoryReader } from "./history-reader.ts";
import type { HistorySource } from "./history-source.ts";
import type { Message } from "./message.ts";
import type { LogReader } from "./replay-log.ts";
import type { Topic } from "./topic-table.ts";

/** The past, as a hub keeps it. */
export interface History<S> {
  readonly front: Front;
  /** Topics that `topicsOf` does not know have no messages above this offset. */
  readonly forgottenThrough: number;
  /** Changes when a topic comes or is forgotten. */
  readonly topicsVersion: number;
  /** All topics that the subscriber's patterns match. */
  topicsOf(subscriber: S): readonly Topic<S>[];
  /** Whether `topicsOf` knows every topic that the subscriber could ever have got messages of. */
  knowsAllTopicsOf(subscriber: S): boolean;
  /** Where the past of a topic is kept beyond its log. */
  sourceOf(topic: string): HistorySource | undefined;
  readonly loads: HistoryLoads;
  /** Of a subscriber's loads among those of others. */
  priorityOf(subscriber: S): number;
  reportHookError(hook: string, error: unknown): void;
  nowMs(): number;
}

/** How many messages of each topic lie at or behind a place: what makes the count of trimmed messages exact. */
export type Seen<S> = Map<Topic<S>, number>;

interface Source<S> {
  readonly topic: Topic<S>;
  readonly reader: LogReader;
  nextOffset: number;
}

/** Beyond so many topics counts of trimmed messages are not kept exact: a subscription costs its bound, not more. */
const MAX_COUNTED_TOPICS = 64;

/**
 * Reads on behind a cursor, through the logs of all matching topics, in the order of offsets. One mechanism for a
 * subscriber who comes back, one who starts in the past, and one who was parked.
 *
 * It goes in passes. A pass is closed at the newest offset of its beginning, because a topic that it does not
 * read may get messages below what another one gets meanwhile; within it the logs are merged. When a pass begins
 * with nothing above the cursor, nothing is left, and the subscriber can turn live in the same step.
 *
 * What the logs no longer have is loaded from the topic's history source, if it has one; while a page is under way
 * the whole catch-up waits, because what it holds comes first. Otherwise it is told as a gap. The count is exact where
 * it can be known: without a filter, for what was trimmed since the cursor was there.
 */
export class CatchUp<S> {
  readonly #history: History<S>;
  readonly #subscriber: S;
  readonly #filtered: boolean;
  readonly #sources = new TinyQueue<Source<S>>([], (a, b) => a.nextOffset - b.nextOffset);
  readonly #gaps: GapFrame[] = [];
  /** Sources whose next message is still being loaded. */
  readonly #waiting = new Set<Source<S>>();
  readonly #wake: () => void;
  #stopped: AbortController | undefined;
  #topics: readonly Topic<S>[] = [];
  #topicsVersion = -1;
  #seen: Seen<S> | undefined;
  /** Up to which offset losses of a topic were told, where that is beyond the cursor. */
  readonly #toldThrough = new Map<Topic<S>, number>();
  #cursor: number;
  /** Where the pass under way ends. */
  #limit: number;

  /**
   * @param cursor - everything up to it lies behind the subscriber
   * @param filtered - not every message of the topics is for the subscriber
   * @param wake - called when it can go on after it was waiting
   * @param seen - if known
   */
  constructor(
    history: History<S>,
    subscriber: S,
    cursor: number,
    filtered: boolean,
    wake: () => void,
    seen?: Seen<S>,
  ) {
    this.#history = history;
    this.#subscriber = subscriber;
    this.#filtered = filtered;
    this.#cursor = cursor;
    this.#limit = cursor;
    this.#seen = seen;
    this.#wake = wake;
  }

  /** Nothing comes until a page of history has; then it wakes its subscriber. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0 && this.#gaps.length === 0;
  }

  /** Nobody wants to read any more. */
  stop(): void {
    this.#stopped?.abort();
  }

  /** Everything up to here has been returned, or told as a gap, or is not for the subscriber. */
  get cursor(): number {
    return this.#cursor;
  }

  /**
   * The first pass of a subscriber who asked for whatever there is: what the logs have lost already is no loss to
   * it. Returns the offset that it starts behind.
   *
   * @param keyedOnly - reads the topics that retain the latest message per key, and nothing else
   */
  startWithWhatThereIs(keyedOnly: boolean): number {
    this.#beginPass({ tellTrimmed: false, keyedOnly });
    if (this.#waiting.size > 0) return this.#cursor;
    const first = this.#sources.peek();
    this.#cursor = first === undefined ? this.#limit : first.nextOffset - 1;
    return this.#cursor;
  }

  /** Begins the first pass of a subscriber who comes back. */
  begin(): void {
    if (this.#cursor < this.#history.front.lastOffset)
      this.#beginPass({ tellTrimmed: true, keyedOnly: false });
  }

  /** Whether the pass under way has messages to read, or to wait for. */
  get hasMessages(): boolean {
    return this.#sources.length > 0 || this.#waiting.size > 0;
  }

  /** The next message or gap; `undefined` when nothing is left above the cursor, or it is waiting. */
  next(): Message | GapFrame | undefined {
    for (;;) {
      if (this.#gaps.length > 0) return this.#gaps.shift();
      if (this.#waiting.size > 0) return undefined;
      const source = this.#sources.pop();
      if (source !== undefined) {
        const message = this.#readFrom(source);
        if (message !== undefined) return message;
      } else {
        this.#cursor = Math.max(this.#cursor, this.#limit);
        if (this.#cursor === this.#history.front.lastOffset) return undefined;
        this.#beginPass({ tellTrimmed: true, keyedOnly: false });
      }
    }
  }

  #readFrom(source: Source<S>): Message | undefined {
    const message = source.reader.peek();
    const skipped = source.reader.takeSkipped();
    if (skipped !== 0) {
      const { topic } = source;
      if (topic.trimmedThrough > this.#behind(topic)) this.#tellTrimmed(topic, topic.trimmedThrough, skipped);
      const trimmed = topic.published - (topic.log?.length ?? 0);
      this.#seen?.set(topic, Math.max(this.#seen.get(topic) ?? 0, trimmed));
      this.#keep(source, message);
      return undefined;
    }
    if (message === undefined || message.offset > this.#limit) return undefined;
    // Replaced in a compacted log since it was put in order: its newer place comes later.
    if (message.offset !== source.nextOffset) {
      this.#keep(source, message);
      return undefined;
    }
    source.reader.advance();
    this.#cursor = message.offset;
    this.#keep(source, source.reader.peek());
    return message;
  }

  #beginPass(options: { tellTrimmed: boolean; keyedOnly: boolean }): void {
    const history = this.#history;
    this.#limit = history.front.lastOffset;
    for (const [topic, through] of this.#toldThrough) {
      if (through <= this.#cursor) this.#toldThrough.delete(topic);
    }
    if (this.#topicsVersion !== history.topicsVersion) {
      this.#topics = history.topicsOf(this.#subscriber);
      this.#topicsVersion = history.topicsVersion;
    }
    // Who names its topics is told of each that was forgotten since, below; others of all that ever were.
    const forgottenThrough = history.knowsAllTopicsOf(this.#subscriber) ? 0 : history.forgottenThrough;
    if (options.tellTrimmed && forgottenThrough > this.#cursor) {
      this.#tellTrimmed(undefined, forgottenThrough, undefined);
    }
    for (const topic of this.#topics) {
      if (Math.max(topic.lastOffset, topic.unknownThrough) <= this.#cursor) continue;
      if (options.keyedOnly && topic.log?.keyed !== true) continue;
      topic.log?.expire(history.nowMs());
      this.#beginTopic(topic, options.tellTrimmed, forgottenThrough);
    }
    const countable = this.#topics.length <= MAX_COUNTED_TOPICS;
    this.#seen = countable ? new Map(this.#topics.map((topic) => [topic, topic.published])) : undefined;
  }

  #beginTopic(topic: Topic<S>, tellTrimmed: boolean, toldThrough: number): void {
    const { trimmedThrough } = topic;
    if (trimmedThrough > this.#behind(topic)) {
      const source = this.#history.sourceOf(topic.name);
      if (source !== undefined) {
        this.#readHistory(topic, source);
        return;
      }
      // The notice of the forgotten ones may have told it already.
      if (tellTrimmed && trimmedThrough > toldThrough)
        this.#tellTrimmed(topic, trimmedThrough, this.#countTrimmed(topic));
    }
    if (topic.log === undefined) return;
    const reader = topic.log.readAfter(this.#cursor);
    this.#keep({ topic, reader, nextOffset: 0 }, reader.peek());
  }

  #readHistory(topic: Topic<S>, source: HistorySource): void {
    this.#stopped ??= new AbortController();
    const reader = new HistoryReader({
      topic,
      source,
      loads: this.#history.loads,
      after: this.#behind(topic),
      priority: this.#history.priorityOf(this.#subscriber),
      signal: this.#stopped.signal,
      arrived: () => {
        this.#waiting.delete(kept);
        this.#keep(kept, reader.peek());
        if (this.#waiting.size === 0) this.#wake();
      },
      failed: (through, error) => {
        this.#history.reportHookError("history", error);
        this.#tellTrimmed(topic, through, undefined);
      },
    });
    const kept: Source<S> = { topic, reader, nextOffset: 0 };
    this.#keep(kept, reader.peek());
  }

  /** Messages of the topic above the cursor that no log has; only right at the beginning of a pass. */
  #countTrimmed(topic: Topic<S>): number | undefined {
    if (this.#seen === undefined || topic.log?.keyed === true) return undefined;
    if (topic.unknownThrough > this.#cursor) return undefined;
    // A topic that was not there at the last pass had no messages then.
    const seen = this.#seen.get(topic) ?? 0;
    return topic.published - (topic.log?.length ?? 0) - seen;
  }

  /** Up to where everything of the topic was returned or told. */
  #behind(topic: Topic<S> | undefined): number {
    return Math.max(this.#cursor, (topic && this.#toldThrough.get(topic)) ?? 0);
  }

  #tellTrimmed(topic: Topic<S> | undefined, through: number, count: number | undefined): void {
    const from = this.#behind(topic) + 1;
    if (topic !== undefined) this.#toldThrough.set(topic, through);
    this.#gaps.push({
      kind: "gap",
      topic: topic?.name,
      from,
      to: through,
      count: this.#filtered ? undefined : count,
      reason: "trimmed",
    });
  }

  #keep(source: Source<S>, next: Message | undefined): void {
    if (source.reader.isWaiting === true) {
      this.#waiting.add(source);
      return;
    }
    if (next === undefined || next.offset > this.#limit) return;
    source.nextOffset = next.offset;
    this.#sources.push(source);
  }
}

/** The offset before the first message retained that was published at that time or later. */
export function offsetSince<S>(history: History<S>, topics: readonly Topic<S>[], unixMs: number): number {
  const offsets = topics.map(({ log }) => log?.offsetBefore(unixMs) ?? Number.POSITIVE_INFINITY);
  return Math.min(history.front.lastOffset, ...offsets);
}

/** The offset before the `count`-th newest message retained that passes; before the oldest when there are fewer. */
export function offsetBeforeNewest<S>(
  history: History<S>,
  topics: readonly Topic<S>[],
  count: number,
  passes: (message: Message) => boolean,
): number {
  const newestFirst = new TinyQueue<{ readonly rest: Iterator<Message>; message: Message }>(
    [],
    (a, b) => b.message.offset - a.message.offset,
  );
  const keep = (rest: Iterator<Message>) => {
    const next = rest.next();
    if (next.done !== true) newestFirst.push({ rest, message: next.value });
  };
  for (const { log } of topics) if (log !== undefined) keep(log.backwards()[Symbol.iterator]());
  let offset = history.front.lastOffset;
  for (let found = 0; found < count; ) {
    const newest = newestFirst.pop();
    if (newest === undefined) break;
    if (passes(newest.message)) {
      found++;
      offset = newest.message.offset - 1;
    }
    keep(newest.rest);
  }
  return offset;
}
