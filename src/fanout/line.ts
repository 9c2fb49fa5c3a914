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
import type { Watermarks } from "./options.ts";
import { Pacer } from "./pacer.ts";
import type { BatchLimits, SinkFrame } from "./sink.ts";

/** What a frame weighs on the wire beside its payload, roughly: for the limit of a batch, not for the bounds. */
const FRAME_OVERHEAD_BYTES = 64;

export interface LineOptions {
  readonly bounds: QueueBounds;
  readonly overflow: OverflowPolicyName;
  readonly watermarks: Watermarks;
  /** The least time between two messages of a key, while it conflates. */
  readonly minIntervalMs: number | undefined;
}

/** A state frame in line. */
interface Mark {
  /** The place that it comes before. */
  before: number;
  frame: StateFrame;
  /** It comes behind the losses of its place: it says that the past is over, and they belong to it. */
  readonly behindLosses: boolean;
}

/** What the last {@link Line.take} took. One object per line, reused. */
export interface Taken {
  messages: number;
  bytes: number;
  /** The first message taken. */
  oldest: Message | undefined;
  /** The offset of the last message taken; 0 when none was. */
  throughOffset: number;
  /** The last thing taken is a loss: only a progress frame can say that it is behind the subscriber. */
  endsWithLoss: boolean;
}

/**
 * Everything that a subscriber has not got yet, in the order in which it will: messages in their bounded queue,
 * between them the losses, where they happened, and the changes of state, where they took effect.
 */
export class Line implements LossListener<Message> {
  readonly #queue: BoundedQueue<Message>;
  readonly #gaps = new GapLedger();
  readonly #marks: Mark[] = [];
  /** What the reader was told last. It lags behind what holds now by what is in line. */
  #told: StateFrame;
  readonly #pacer: Pacer | undefined;
  readonly #high: QueueBounds;
  readonly #low: QueueBounds;
  readonly taken: Taken = { messages: 0, bytes: 0, oldest: undefined, throughOffset: 0, endsWithLoss: false };
  #expired = 0;

  constructor(options: LineOptions) {
    const { bounds, overflow, watermarks, minIntervalMs } = options;
    if (minIntervalMs !== undefined) this.#pacer = new Pacer(minIntervalMs);
    this.#high = shareOf(bounds, watermarks.high);
    this.#low = shareOf(bounds, watermarks.low);
    this.#queue = new BoundedQueue<Message>(bounds, overflowPolicy(overflow), this);
    this.#told = { kind: "state", state: "live", overflow, rung: 0 };
  }

  get bounds(): QueueBounds {
    return this.#queue.bounds;
  }

  get overflow(): OverflowPolicyName {
    return this.#queue.policy.name;
  }

  /** Nothing is owed now: no message whose time has come, no loss, no mark. */
  get isEmpty(): boolean {
    return this.#queue.length === 0 && this.#gaps.isEmpty && this.#marks.length === 0;
  }

  /** Messages that wait, for their turn or for their time. */
  get length(): number {
    return this.#queue.length + (this.#pacer?.held ?? 0);
  }

  get bytes(): number {
    return this.#queue.bytes + (this.#pacer?.heldBytes ?? 0);
  }

  /** When a message that is held back for its pace is due; `undefined` when none is. */
  get dueAt(): number | undefined {
    return this.#pacer?.dueAt;
  }

  get head(): Message | undefined {
    return this.#queue.head;
  }

  /** At or above the high watermark. Asked for every message, so the marks are numbers, not shares. */
  get isHigh(): boolean {
    return this.length >= this.#high.messages || this.bytes >= this.#high.bytes;
  }

  /** At or below the low watermark. */
  get isLow(): boolean {
    return this.length <= this.#low.messages && this.bytes <= this.#low.bytes;
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
    const queued = this.#queue.lowestOffset ?? Number.POSITIVE_INFINITY;
    const lost = this.#gaps.lowestOffset ?? Number.POSITIVE_INFINITY;
    return Math.min(queued, lost, this.#pacer?.lowestOffset ?? Number.POSITIVE_INFINITY);
  }

  counters(): QueueCounters {
    return this.#queue.counters();
  }

  /** @param now - counts only where it paces */
  offer(message: Message, now: number): OfferOutcome {
    const { identity } = message;
    if (this.#pacer === undefined || !this.#queue.policy.keyed) return this.#queue.offer(message);
    this.releaseDue(now);
    // Larger than the whole bound: the queue has a rule for that.
    if (message.bytes > this.bounds.bytes) return this.#queue.offer(message);
    if (identity === undefined || !this.#pacer.isResting(identity, now)) {
      return this.#offerMakingRoom(this.#pacer, message);
    }
    return this.#hold(this.#pacer, identity, message);
  }

  /** Puts messages whose time has come into the queue. */
  releaseDue(now: number): void {
    for (let due = this.#pacer?.takeDue(now); due !== undefined; due = this.#pacer?.takeDue(now))
      this.#enqueue(due);
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

  /** Puts a state frame at the end of the line, there also behind the losses if need be. */
  mark(frame: StateFrame, where: "tail" | "behind losses" = "tail"): void {
    this.#marks.push({ before: this.#queue.tailPlace, frame, behindLosses: where === "behind losses" });
  }

  /** Tells a change of policy before everything else. The past that waits in line is still the past to the reader. */
  markPolicyFirst(overflow: OverflowPolicyName, rung: number): void {
    for (const mark of this.#marks) mark.frame = { ...mark.frame, overflow, rung };
    this.#markFirst({ ...this.#told, overflow, rung });
  }

  /** Tells before everything else that nothing more is admitted. */
  markDrainingFirst(): void {
    this.#markFirst({ ...this.#told, state: "draining" });
  }

  /** The reader begins in the past. */
  beginCatchingUp(): void {
    this.#told = { ...this.#told, state: "catching-up" };
    this.mark(this.#told);
  }

  #markFirst(frame: StateFrame): void {
    this.#marks.unshift({ before: this.#queue.headPlace, frame, behindLosses: false });
  }

  /** Changes what happens to messages that find no room; see {@link BoundedQueue.changePolicy}. */
  changePolicy(overflow: OverflowPolicyName): void {
    if (!overflowPolicy(overflow).keyed) this.releaseDue(Number.POSITIVE_INFINITY);
    const placeOf = this.#queue.changePolicy(overflowPolicy(overflow));
    if (placeOf === undefined) return;
    this.#gaps.movePlaces(placeOf);
    for (const mark of this.#marks) mark.before = placeOf(mark.before);
  }

  /**
   * Moves what comes next into `frames`, as far as the limits go; `taken` says what that was.
   *
   * @param isTooOld - asked about every message when its turn comes; `undefined`: none is
   * @param now - counts only where it paces
   */
  take(
    frames: SinkFrame[],
    limits: BatchLimits,
    isTooOld: ((message: Message) => boolean) | undefined,
    now: number,
  ): void {
    const { taken } = this;
    taken.messages = 0;
    taken.bytes = 0;
    taken.oldest = undefined;
    taken.throughOffset = 0;
    taken.endsWithLoss = false;
    let room = limits.bytes;
    // Where nothing is replaced, nothing can be held back: what of a key waits behind its first one is still to come.
    const paces = this.#queue.policy.keyed ? this.#pacer : undefined;
    while (frames.length < limits.frames) {
      // All that are too old in a row, so that one notice tells of them.
      if (isTooOld !== undefined) this.#expireHead(isTooOld);
      // At one place: that the past follows, then what of it is lost, then that it is over.
      if (this.#takeMark(frames, "before gaps")) continue;
      const gaps = this.#gaps.takeBefore(this.#queue.headPlace);
      if (gaps !== undefined) {
        frames.push(...gaps);
        room -= gaps.length * FRAME_OVERHEAD_BYTES;
        taken.endsWithLoss = true;
        continue;
      }
      if (this.#takeMark(frames, "any")) continue;
      const next = this.#queue.head;
      if (next === undefined) return;
      room -= next.bytes + FRAME_OVERHEAD_BYTES;
      if (room < 0 && frames.length > 0) return;
      this.#queue.take();
      if (paces !== undefined && next.identity !== undefined) paces.sent(next.identity, now);
      frames.push(next);
      taken.oldest ??= next;
      taken.messages++;
      taken.bytes += next.bytes;
      taken.throughOffset = next.offset;
      taken.endsWithLoss = false;
    }
  }

  /** Throws everything away and returns how many messages that were. */
  clear(): number {
    this.#gaps.clear();
    this.#marks.length = 0;
    const held = this.#pacer?.held ?? 0;
    this.#pacer?.clear();
    this.#queue.reserve(0, 0);
    return this.#queue.clear() + held;
  }

  /**
   * Gives storage back that a burst needed.
   *
   * @param now - counts only where it paces
   */
  settle(now: number): void {
    this.#queue.settle();
    this.#pacer?.wakeUp(now);
  }

  // LossListener: the queue tells of a loss.

  lose(message: Message, reason: LossReason, before: number): void {
    const { topic, offset } = message;
    if (before === this.#queue.headPlace) this.#gaps.loseAtHead(topic, offset, reason, before);
    else this.#gaps.loseAtTail(topic, offset, offset, 1, reason, before);
  }

  /** Holds a message back because its key was sent a moment ago. When there is no room for it, its pace gives way. */
  #hold(pacer: Pacer, identity: string, message: Message): OfferOutcome {
    const replaced = pacer.heldOf(identity);
    const growth = message.bytes - (replaced?.bytes ?? 0);
    if (replaced !== undefined) this.#queue.countConflated();
    const newcomer = replaced === undefined ? 1 : 0;
    if (this.length + newcomer <= this.bounds.messages && this.bytes + growth <= this.bounds.bytes) {
      pacer.hold(identity, message);
      this.#queue.reserve(pacer.held, pacer.heldBytes);
      return replaced === undefined ? "queued" : "conflated";
    }
    pacer.forget(identity);
    return this.#offerMakingRoom(pacer, message);
  }

  /** What is held back gives way first; then the queue is as any other. */
  #offerMakingRoom(pacer: Pacer, message: Message): OfferOutcome {
    this.#queue.reserve(pacer.held, pacer.heldBytes);
    while (!this.#queue.takes(message) && pacer.held > 0) {
      const lost = pacer.takeAny();
      this.#queue.reserve(pacer.held, pacer.heldBytes);
      if (lost !== undefined) this.#queue.countLost(lost);
    }
    return this.#queue.offer(message);
  }

  #enqueue(message: Message): void {
    this.#queue.reserve(this.#pacer?.held ?? 0, this.#pacer?.heldBytes ?? 0);
    this.#queue.offer(message);
  }

  #expireHead(isTooOld: (message: Message) => boolean): void {
    for (let head = this.#queue.head; head !== undefined && isTooOld(head); head = this.#queue.head) {
      this.#queue.take();
      this.#expired++;
      this.#gaps.loseAtHead(head.topic, head.offset, "expired", this.#queue.headPlace);
    }
  }

  #takeMark(frames: SinkFrame[], which: "before gaps" | "any"): boolean {
    const mark = this.#marks[0];
    if (mark === undefined || mark.before > this.#queue.headPlace) return false;
    if (which === "before gaps" && mark.behindLosses) return false;
    this.#marks.shift();
    this.#told = mark.frame;
    frames.push(mark.frame);
    return true;
  }
}

function shareOf({ messages, bytes }: QueueBounds, share: number): QueueBounds {
  return { messages: messages * share, bytes: bytes * share };
}
