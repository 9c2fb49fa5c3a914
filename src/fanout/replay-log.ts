import { RingBuffer } from "../queue/index.ts";
import type { Message } from "./message.ts";

/**
 * Reads one log from a place onwards, at its own pace. It survives whatever the log does meanwhile: messages that
 * are trimmed before it came to them are skipped and counted.
 */
export interface LogReader {
  /** The next message, which stays; `undefined` when there is none yet. */
  peek(): Message | undefined;
  /** The next message is under way; `peek` does not know it yet. */
  readonly isWaiting?: boolean;
  /** Moves past what `peek` returned. */
  advance(): void;
  /** Messages trimmed before this reader came to them, since the last call; `undefined` when nobody can know. */
  takeSkipped(): number | undefined;
}

/** The retained past of one topic. */
export interface ReplayLog {
  /** Retains the latest message per key, and takes no message without one. */
  readonly keyed: boolean;
  readonly length: number;
  readonly bytes: number;
  /** Everything up to this offset may be missing; 0 when nothing is. */
  readonly trimmedThrough: number;
  append(message: Message): void;
  /** Trims everything: another log takes its place. Whoever still reads it finds it trimmed. */
  clear(): void;
  /** Trims what is too old. Bounds in size need no call; they hold at every instant. */
  expire(nowMs: number): void;
  /** Reads from the first retained message behind the offset. */
  readAfter(offset: number): LogReader;
  /** The offset before the first retained message published at that time or later. */
  offsetBefore(unixMs: number): number;
  /** Retained messages from the newest to the oldest. Leaves out what is trimmed, or replaced, before it comes to it. */
  backwards(): Iterable<Message>;
}

export interface LogBounds {
  readonly messages: number;
  readonly bytes: number;
  /** In milliseconds; may be Infinity. */
  readonly ageMs: number;
}

/**
 * A log of all messages of a topic, in order: a ring that forgets its oldest. Reading by offset is a binary
 * search, since offsets and publish times only rise.
 */
export class SequentialLog implements ReplayLog {
  readonly keyed = false;
  readonly #messages = new RingBuffer<Message>();
  #bounds: LogBounds;
  #bytes = 0;
  /** Messages that were ever trimmed: the number of the ring's head in the whole history of the topic. */
  #trimmed = 0;
  #trimmedThrough: number;

  /** @param unknownThrough - what was published up to this offset is not here */
  constructor(bounds: LogBounds, unknownThrough = 0) {
    this.#bounds = bounds;
    this.#trimmedThrough = unknownThrough;
  }

  get length(): number {
    return this.#messages.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get trimmedThrough(): number {
    return this.#trimmedThrough;
  }

  append(message: Message): void {
    this.#messages.push(message);
    this.#bytes += message.bytes;
    // A message that alone exceeds the bound trims itself.
    this.#trimToBounds();
  }

  /** Trims what is beyond smaller bounds at once. With bounds of 0 it retains nothing, and still counts what it trims. */
  changeBounds(bounds: LogBounds): void {
    this.#bounds = bounds;
    this.#trimToBounds();
    this.#messages.settle();
  }

  clear(): void {
    this.changeBounds(NOTHING);
  }

  expire(nowMs: number): void {
    const oldest = nowMs - this.#bounds.ageMs;
    for (let head = this.#messages.at(0); head !== undefined && head.publishedAtMs < oldest; ) {
      this.#trim();
      head = this.#messages.at(0);
    }
    this.#messages.settle();
  }

  readAfter(offset: number): LogReader {
    const place = this.#trimmed + firstIndex(this.#messages, (message) => message.offset > offset);
    return new SequentialLog.#Reader(this, place);
  }

  offsetBefore(unixMs: number): number {
    const first = this.#messages.at(firstIndex(this.#messages, (message) => message.publishedAtMs >= unixMs));
    return first === undefined ? Infinity : first.offset - 1;
  }

  *backwards(): Iterable<Message> {
    // By the number in the whole history, which stays when the log changes between two steps.
    for (let place = this.#trimmed + this.#messages.length - 1; place >= this.#trimmed; place--)
      yield this.#messages.at(place - this.#trimmed)!;
  }

  static readonly #Reader = class Reader implements LogReader {
    readonly #log: SequentialLog;
    /** The number of the next message in the whole history of the topic. */
    #place: number;
    #skipped = 0;

    constructor(log: SequentialLog, place: number) {
      this.#log = log;
      this.#place = place;
    }

    peek(): Message | undefined {
      const trimmed = this.#log.#trimmed;
      if (this.#place < trimmed) {
        this.#skipped += trimmed - this.#place;
        this.#place = trimmed;
      }
      return this.#log.#messages.at(this.#place - trimmed);
    }

    advance(): void {
      this.#place++;
    }

    takeSkipped(): number {
      const skipped = this.#skipped;
      this.#skipped = 0;
      return skipped;
    }
  };

  #trimToBounds(): void {
    while (this.#messages.length > this.#bounds.messages || this.#bytes > this.#bounds.bytes) this.#trim();
  }

  #trim(): void {
    const message = this.#messages.shift()!;
    this.#bytes -= message.bytes;
    this.#trimmed++;
    this.#trimmedThrough = message.offset;
  }
}

const NOTHING: LogBounds = { messages: 0, bytes: 0, ageMs: 0 };

/** The index of the first item that satisfies `test`, which the items do from some index on; the length if none. */
export function firstIndex<T>(items: RingBuffer<T>, test: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (test(items.at(middle)!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
