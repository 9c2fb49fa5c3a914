import {
  type GapReason,
  OVERFLOW_POLICIES,
  type OverflowPolicyName,
  type QueueBounds,
  type StateFrame,
} from "../protocol/index.ts";
import {
  BoundedQueue,
  checkBounds,
  type LossListener,
  type LossReason,
  type OfferOutcome,
  overflowPolicy,
  type QueueCounters,
} from "../queue/index.ts";
import type { Message } from "./message.ts";
import { areGaps, Notices } from "./notices.ts";
import { Pacer } from "./pacer.ts";
import type { BatchLimits, SinkFrame } from "./sink.ts";
import type { Watermarks } from "./subscriber-options.ts";

/** What a frame weighs on the wire beside its payload, roughly: for the limit of a batch, not for the bounds. */
const FRAME_OVERHEAD_BYTES = 64;

export interface LineOptions {
  readonly bounds: QueueBounds;
  readonly overflow: OverflowPolicyName;
  readonly watermarks: Watermarks;
  /** The least time between two messages of a key, while it conflates. */
  readonly minIntervalMs: number | undefined;
}

/** What {@link Line.take} took. */
export interface Taken {
  messages: number;
  bytes: number;
  /** The first message taken. */
  oldest: Message | undefined;
  /** The offset of the last message taken that moves the reader's position; 0 when none does. */
  throughOffset: number;
  /** The last thing taken is a loss: only a progress frame can say that it is behind the subscriber. */
  endsWithLoss: boolean;
}

/** One for all lines: it is read before anything else is taken, and thousands of idle ones would be memory for nothing. */
const taken: Taken = { messages: 0, bytes: 0, oldest: undefined, throughOffset: 0, endsWithLoss: false };

/**
 * Everything that a subscriber has not got yet, in the order in which it will: messages in their bounded queue,
 * between them the losses, where they happened, and the changes of state, where they took effect.
 */
export class Line implements LossListener<Message> {
  readonly #queue: BoundedQueue<Message>;
  readonly #pacer: Pacer | undefined;
  #notices: Notices | undefined;
  // The watermarks as numbers: they are asked for every message.
  #highMessages = 0;
  #highBytes = 0;
  #lowMessages = 0;
  #lowBytes = 0;
  #gapsTaken = 0;
  #expired = 0;
  /** What the reader was told last. It lags behind what holds now by what is in line. */
  #told: StateFrame;

  constructor(options: LineOptions) {
    const { bounds, overflow, watermarks, minIntervalMs } = options;
    this.#queue = new BoundedQueue<Message>(bounds, overflowPolicy(overflow), this);
    this.#pacer = minIntervalMs === undefined ? undefined : new Pacer(minIntervalMs);
    this.#setWatermarks(bounds, watermarks);
    this.#told = LIVE[overflow];
  }

  get bounds(): QueueBounds {
    return this.#queue.bounds;
  }

  get overflow(): OverflowPolicyName {
    return this.#queue.policy.name;
  }

  /** Nothing is owed now: no message whose time has come, no loss, no mark. */
  get isEmpty(): boolean {
    return this.#queue.length === 0 && (this.#notices === undefined || this.#notices.isEmpty);
  }

  /** Messages that wait, for their turn or for their time. */
  get length(): number {
    const { length } = this.#queue;
    return this.#pacer === undefined ? length : length + this.#pacer.held;
  }

  get bytes(): number {
    const { bytes } = this.#queue;
    return this.#pacer === undefined ? bytes : bytes + this.#pacer.heldBytes;
  }

  /** When a message that is held back for its pace is due; `undefined` when none is. */
  get dueAt(): number | undefined {
    return this.#pacer?.dueAt;
  }

  get head(): Message | undefined {
    return this.#queue.head;
  }

  /** At or above the high watermark. */
  get isHigh(): boolean {
    return this.length >= this.#highMessages || this.bytes >= this.#highBytes;
  }

  /** At or below the low watermark. */
  get isLow(): boolean {
    return this.length <= this.#lowMessages && this.bytes <= this.#lowBytes;
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

  /** Messages lost here: for want of room, or too old. */
  get lostCount(): number {
    return this.#queue.dropped + this.#expired;
  }

  /** Gap notices taken so far. */
  get gapsTaken(): number {
    return this.#gapsTaken;
  }

  /** Whether what waits is a whole batch. */
  fills(limits: BatchLimits): boolean {
    const { length, bytes } = this.#queue;
    return length >= limits.frames || bytes + length * FRAME_OVERHEAD_BYTES >= limits.bytes;
  }

  /**
   * The lowest offset that is still owed, as a message or as a loss; Infinity when none is. Where newer messages
   * stand in for older ones it is the offset that the first place began with.
   */
  get lowestOffset(): number {
    const queued = this.#queue.lowestOffset ?? Number.POSITIVE_INFINITY;
    const lost = this.#notices?.lowestOffset ?? Number.POSITIVE_INFINITY;
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
    this.#useNotices().loseAtTail(topic, from, to, count, reason, this.#queue.tailPlace);
  }

  /** Puts a state frame at the end of the line, there also behind the losses if need be. */
  mark(frame: StateFrame, where: "tail" | "behind losses" = "tail"): void {
    this.#useNotices().mark(frame, this.#queue.tailPlace, where === "behind losses");
  }

  /** Tells a change of policy before everything else. The past that waits in line is still the past to the reader. */
  markPolicyFirst(overflow: OverflowPolicyName, rung: number): void {
    this.#notices?.restate(overflow, rung);
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
    this.#useNotices().markFirst(frame, this.#queue.headPlace);
  }

  /** Changes what happens to messages that find no room; see {@link BoundedQueue.changePolicy}. */
  changePolicy(overflow: OverflowPolicyName): void {
    this.#change(this.bounds, overflow);
  }

  /**
   * Changes how much may wait, and from where on that is much, while messages wait; see
   * {@link BoundedQueue.changeBounds}. What is held back for its pace gives way first.
   *
   * @param overflow - a new policy from here on. Changed in the same step, because in two of them messages could be lost to
   *   the old policy in the new bounds, or to the new policy in the old bounds
   * @throws RangeError as the constructor does; nothing has changed then
   */
  changeBounds(
    bounds: QueueBounds,
    watermarks: Watermarks,
    overflow: OverflowPolicyName = this.overflow,
  ): void {
    checkBounds(bounds);
    this.#change(bounds, overflow);
    this.#setWatermarks(bounds, watermarks);
  }

  #change(bounds: QueueBounds, overflow: OverflowPolicyName): void {
    const policy = overflowPolicy(overflow);
    const pacer = this.#pacer;
    if (pacer !== undefined && policy.keyed) {
      while (pacer.held > 0 && (this.length > bounds.messages || this.bytes > bounds.bytes))
        this.#loseHeld(pacer);
    } else if (pacer !== undefined) {
      this.releaseDue(Number.POSITIVE_INFINITY);
      // From here on a key may wait in the queue, so none may be held back behind it later.
      pacer.clear();
    }
    this.#queue.changeBounds(bounds, policy);
  }

  /**
   * Moves what comes next into `frames`, as far as the limits go.
   *
   * @param isTooOld - asked about every message when its turn comes; `undefined`: none is
   * @param now - counts only where it paces
   * @returns what that was; to be read before anything is taken from any line again
   */
  take(
    frames: SinkFrame[],
    limits: BatchLimits,
    isTooOld: ((message: Message) => boolean) | undefined,
    now: number,
  ): Taken {
    taken.messages = 0;
    taken.bytes = 0;
    taken.oldest = undefined;
    taken.throughOffset = 0;
    taken.endsWithLoss = false;
    const queue = this.#queue;
    let room = limits.bytes;
    // Where nothing is replaced, nothing can be held back: what of a key waits behind its first one is still to come.
    const paces = queue.policy.keyed ? this.#pacer : undefined;
    // A reader who was told that newer messages stand in for older ones does not move its position by a message.
    let moves = this.#told.overflow !== "conflate";
    while (frames.length < limits.frames) {
      // All that are too old in a row, so that one notice tells of them.
      if (isTooOld !== undefined) this.#expireHead(isTooOld);
      if (this.#notices !== undefined) {
        const told = this.#takeNotice(this.#notices, frames);
        room -= told * FRAME_OVERHEAD_BYTES;
        moves = this.#told.overflow !== "conflate";
        if (told > 0) continue;
      }
      const next = queue.head;
      if (next === undefined) break;
      room -= next.bytes + FRAME_OVERHEAD_BYTES;
      if (room < 0 && frames.length > 0) break;
      queue.take();
      if (paces !== undefined && next.identity !== undefined) paces.sent(next.identity, now);
      frames.push(next);
      taken.oldest ??= next;
      taken.messages++;
      taken.bytes += next.bytes;
      if (moves) taken.throughOffset = next.offset;
      taken.endsWithLoss = false;
    }
    return taken;
  }

  /** Throws everything away and returns how many messages that were. */
  clear(): number {
    this.#notices?.clear();
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
    if (this.#notices?.isEmpty === true) this.#notices = undefined;
    this.#pacer?.wakeUp(now);
  }

  // LossListener: the queue tells of a loss, and of new numbers for its places.

  lose(message: Message, reason: LossReason, before: number): void {
    const { topic, offset } = message;
    if (before === this.#queue.headPlace) this.#useNotices().loseAtHead(topic, offset, reason, before);
    else this.#useNotices().loseAtTail(topic, offset, offset, 1, reason, before);
  }

  moved(placeOf: (place: number) => number): void {
    this.#notices?.movePlaces(placeOf);
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
    while (!this.#queue.takes(message) && pacer.held > 0) this.#loseHeld(pacer);
    return this.#queue.offer(message);
  }

  #loseHeld(pacer: Pacer): void {
    const lost = pacer.takeAny();
    this.#queue.reserve(pacer.held, pacer.heldBytes);
    if (lost !== undefined) this.#queue.countLost(lost);
  }

  #enqueue(message: Message): void {
    this.#queue.reserve(this.#pacer?.held ?? 0, this.#pacer?.heldBytes ?? 0);
    this.#queue.offer(message);
  }

  #expireHead(isTooOld: (message: Message) => boolean): void {
    for (let head = this.#queue.head; head !== undefined && isTooOld(head); head = this.#queue.head) {
      this.#queue.take();
      this.#expired++;
      this.#useNotices().loseAtHead(head.topic, head.offset, "expired", this.#queue.headPlace);
    }
  }

  /** Takes one mark, or all losses of one place; returns how many frames that were. */
  #takeNotice(notices: Notices, frames: SinkFrame[]): number {
    const next = notices.takeBefore(this.#queue.headPlace);
    if (next === undefined) return 0;
    if (!areGaps(next)) {
      this.#told = next;
      frames.push(next);
      return 1;
    }
    frames.push(...next);
    this.#gapsTaken += next.length;
    taken.endsWithLoss = true;
    return next.length;
  }

  #setWatermarks({ messages, bytes }: QueueBounds, { high, low }: Watermarks): void {
    this.#highMessages = messages * high;
    this.#highBytes = bytes * high;
    this.#lowMessages = messages * low;
    this.#lowBytes = bytes * low;
  }

  #useNotices(): Notices {
    this.#notices ??= new Notices();
    return this.#notices;
  }
}

/** What a reader who starts live knows without being told. */
const LIVE = Object.fromEntries(
  OVERFLOW_POLICIES.map((overflow) => [overflow, { kind: "state", state: "live", overflow, rung: 0 }]),
) as Readonly<Record<OverflowPolicyName, StateFrame>>;
