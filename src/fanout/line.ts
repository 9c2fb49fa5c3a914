import type { GapReason, OverflowPolicyName, QueueBounds, StateFrame } from "../protocol/index.ts";
import {
  BoundedQueue,
  type LossListener,
  type LossReason,
  type OfferOutcome,
  overflowPolicy,
  type QueueCounters,
} from "../queue/index.ts";
import { GapLedger } from "./gap-ledger.ts";
import type { Message } from "./message.ts";
import type { BatchLimits, SinkFrame } from "./sink.ts";

/** What a frame weighs on the wire beside its payload, roughly: for the limit of a batch, not for the bounds. */
const FRAME_OVERHEAD_BYTES = 64;

/** A state frame in line. */
interface Mark {
  /** The place that it comes before. */
  before: number;
  readonly frame: StateFrame;
}

/** What the last {@link Line.take} took. One object per line, reused. */
export interface Taken {
  messages: number;
  bytes: number;
  /** The first message taken. */
  oldest: Message | undefined;
  /** The highest offset that the frames taken tell of; 0 when they tell of none. */
  toldThrough: number;
}

/**
 * Everything that a subscriber has not got yet, in the order in which it will: messages in their bounded queue,
 * between them the losses, where they happened, and the changes of state, where they took effect.
 */
export class Line implements LossListener<Message> {
  readonly #queue: BoundedQueue<Message>;
  readonly #gaps = new GapLedger();
  readonly #marks: Mark[] = [];
  readonly taken: Taken = { messages: 0, bytes: 0, oldest: undefined, toldThrough: 0 };
  #expired = 0;

  constructor(bounds: QueueBounds, overflow: OverflowPolicyName) {
    this.#queue = new BoundedQueue<Message>(bounds, overflowPolicy(overflow), this);
  }

  get bounds(): QueueBounds {
    return this.#queue.bounds;
  }

  get overflow(): OverflowPolicyName {
    return this.#queue.policy.name;
  }

  /** Nothing is owed: no message, no loss, no mark. */
  get isEmpty(): boolean {
    return this.#queue.length === 0 && this.#gaps.isEmpty && this.#marks.length === 0;
  }

  get length(): number {
    return this.#queue.length;
  }

  get bytes(): number {
    return this.#queue.bytes;
  }

  get head(): Message | undefined {
    return this.#queue.head;
  }

  /** How full the queue is, from 0 to 1. */
  get fullness(): number {
    return this.#queue.fullness;
  }

  /** Whether offsets only rise along the line; not so while, and shortly after, it conflates. */
  get isOrdered(): boolean {
    return this.#queue.isOrdered;
  }

  /** Messages replaced by newer ones. */
  get conflated(): number {
    return this.#queue.conflated;
  }

  /** Messages that were too old when their turn came. */
  get expired(): number {
    return this.#expired;
  }

  /** Gap notices taken so far. */
  get gapsTaken(): number {
    return this.#gaps.announced;
  }

  /**
   * The lowest offset that is still owed, as a message or as a loss; Infinity when none is. Where newer messages
   * stand in for older ones it is the offset that the first place began with.
   */
  get lowestOffset(): number {
    return Math.min(this.#queue.lowestOffset ?? Infinity, this.#gaps.lowestOffset ?? Infinity);
  }

  counters(): QueueCounters {
    return this.#queue.counters();
  }

  offer(message: Message): OfferOutcome {
    return this.#queue.offer(message);
  }

  fits(message: Message): boolean {
    return this.#queue.fits(message);
  }

  /** Puts a loss at the end of the line. */
  tell(
    topic: string | undefined,
    from: number,
    to: number,
    count: number | undefined,
    reason: GapReason,
  ): void {
    this.#gaps.loseAtTail(topic, from, to, count, reason, this.#queue.tailPlace);
  }

  /** Puts a state frame at the end of the line, or before everything else. */
  mark(frame: StateFrame, where: "head" | "tail"): void {
    if (where === "tail") this.#marks.push({ before: this.#queue.tailPlace, frame });
    else this.#marks.unshift({ before: this.#queue.headPlace, frame });
  }

  /** Changes what happens to messages that find no room; see {@link BoundedQueue.changePolicy}. */
  changePolicy(overflow: OverflowPolicyName): void {
    const placeOf = this.#queue.changePolicy(overflowPolicy(overflow));
    if (placeOf === undefined) return;
    this.#gaps.movePlaces(placeOf);
    for (const mark of this.#marks) mark.before = placeOf(mark.before);
  }

  /**
   * Moves what comes next into `frames`, as far as the limits go; `taken` says what that was.
   *
   * @param isTooOld - asked about every message when its turn comes; `undefined`: none is
   */
  take(
    frames: SinkFrame[],
    limits: BatchLimits,
    isTooOld: ((message: Message) => boolean) | undefined,
  ): void {
    const { taken } = this;
    taken.messages = 0;
    taken.bytes = 0;
    taken.oldest = undefined;
    taken.toldThrough = 0;
    let room = limits.bytes;
    while (frames.length < limits.frames) {
      // At one place: that the past follows, then what of it is lost, then that it is over.
      if (this.#takeMark(frames, "before gaps")) continue;
      const gaps = this.#gaps.takeBefore(this.#queue.headPlace);
      if (gaps !== undefined) {
        frames.push(...gaps);
        room -= gaps.length * FRAME_OVERHEAD_BYTES;
        for (const gap of gaps) taken.toldThrough = Math.max(taken.toldThrough, gap.to);
        continue;
      }
      if (this.#takeMark(frames, "any")) continue;
      const next = this.#queue.head;
      if (next === undefined) return;
      if (isTooOld?.(next) === true) {
        this.#expire(next);
        continue;
      }
      room -= next.bytes + FRAME_OVERHEAD_BYTES;
      if (room < 0 && frames.length > 0) return;
      this.#queue.take();
      frames.push(next);
      taken.oldest ??= next;
      taken.messages++;
      taken.bytes += next.bytes;
      if (next.offset > taken.toldThrough) taken.toldThrough = next.offset;
    }
  }

  /** Throws everything away and returns how many messages that were. */
  clear(): number {
    this.#gaps.clear();
    this.#marks.length = 0;
    return this.#queue.clear();
  }

  /** Gives storage back that a burst needed. */
  settle(): void {
    this.#queue.settle();
  }

  // LossListener: the queue tells of a loss.

  lose(message: Message, reason: LossReason, before: number): void {
    const { topic, offset } = message;
    if (before === this.#queue.headPlace) this.#gaps.loseAtHead(topic, offset, reason, before);
    else this.#gaps.loseAtTail(topic, offset, offset, 1, reason, before);
  }

  #expire(message: Message): void {
    this.#queue.take();
    this.#expired++;
    this.#gaps.loseAtHead(message.topic, message.offset, "expired", this.#queue.headPlace);
  }

  #takeMark(frames: SinkFrame[], which: "before gaps" | "any"): boolean {
    const mark = this.#marks[0];
    if (mark === undefined || mark.before > this.#queue.headPlace) return false;
    if (which === "before gaps" && mark.frame.state === "live") return false;
    this.#marks.shift();
    frames.push(mark.frame);
    return true;
  }
}
