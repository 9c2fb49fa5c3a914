import type { QueueBounds } from "../protocol/index.ts";
import { checkBounds } from "./check-bounds.ts";
import type { OfferOutcome, QueueItem } from "./offer.ts";
import type { OverflowPolicy, Shelf } from "./overflow-policy.ts";
import { RingBuffer } from "./ring-buffer.ts";

export type LossReason = "overflow" | "oversize";

/** Is told of every loss, at the moment it happens. */
export interface LossListener<T> {
  /** @param before - the place in line that the loss comes before; see {@link BoundedQueue.headPlace} */
  lose(item: T, reason: LossReason, before: number): void;
  /**
   * The line behind its head was renumbered. For whoever has noted places, and told before any loss by the new numbers.
   *
   * @param placeOf - where a place is now: never a higher number than before, and in the same order as the others
   */
  moved?(placeOf: (place: number) => number): void;
}

/** Plain numbers that only rise, except the first two. */
export interface QueueCounters {
  readonly messages: number;
  readonly bytes: number;
  /** The most messages and the most bytes that ever waited at once. */
  readonly peakMessages: number;
  readonly peakBytes: number;
  readonly conflated: number;
  readonly overflow: number;
  readonly oversize: number;
}

/** As long as no more items wait, looking at all of them costs less than an index of them. */
const SEARCHED = 8;

/** So many identities that do not wait any more may be in the index, and a few for each that does. */
const MOST_STALE = 64;

/**
 * A queue bounded in messages and in bytes: what one subscriber has not read yet.
 *
 * When it is full, its {@link OverflowPolicy} decides; the check comes before the insert, so neither bound is
 * exceeded at any instant. An item that alone is larger than the byte bound is lost as `oversize` under every
 * policy, also under `evict`: ending the subscription would not help, the item would be there again on return.
 *
 * The bounds may change while items wait. To smaller ones the policy that loses items trims at once. Under one that
 * loses none (`park`, `block`, `evict`) all that waits stays, so that the queue stands above its bounds, lets nothing in,
 * and only falls, until enough was taken: the one case in which it is not within them.
 *
 * Every item has a place in line, numbered without end. Under a keyed policy a newer item takes over the place
 * of the one it replaces, so a busy identity can neither starve nor overtake. Losses are told with the place
 * they come before, so that whoever keeps the notices can put each where the items are missing.
 *
 * All operations are O(1), over time: one large item can displace many small ones, one which waited outside may be older
 * than many in line, and a keyed policy looks at all now and then, when it changes, indexes or first replaces.
 */
export class BoundedQueue<T extends QueueItem> implements Shelf<T> {
  // What every offer and take touches comes first, so that it lies together in memory: with thousands of queues, fetching
  // them costs more than the work.
  readonly #items = new RingBuffer<T>();
  #bytes = 0;
  #maxMessages: number;
  #maxBytes: number;
  /** Room that is taken by something else. */
  #reservedMessages = 0;
  #reservedBytes = 0;
  /** The policy's `keyed`. */
  #keyed: boolean;
  /**
   * Keyed policies only, once too many wait to search through: where the unread item of an identity stands, or, below
   * the head's place, stood. Identities come back, so an entry is left for the next of its kind: a map that is deleted
   * from makes itself anew all the time.
   */
  #places: Map<string, number> | undefined;
  /**
   * The offset that each place began with, or that a place behind it did if that is lower, in step with the items. Empty
   * where that need not be looked at, because it is each item's own: until one takes over a place, or comes late.
   */
  #firstOffsets: RingBuffer<number> | undefined;
  #headPlace = 0;
  #peakMessages = 0;
  #peakBytes = 0;
  #policy: OverflowPolicy;
  readonly #losses: LossListener<T>;
  #bounds: QueueBounds;
  #conflated = 0;
  #overflow = 0;
  #oversize = 0;

  /** @throws RangeError for a bound that is no whole number of at least 1: nothing would ever fit */
  constructor(bounds: QueueBounds, policy: OverflowPolicy, losses: LossListener<T>) {
    checkBounds(bounds);
    this.#bounds = bounds;
    this.#maxMessages = bounds.messages;
    this.#maxBytes = bounds.bytes;
    this.#policy = policy;
    this.#keyed = policy.keyed;
    this.#losses = losses;
  }

  get length(): number {
    return this.#items.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get bounds(): QueueBounds {
    return this.#bounds;
  }

  get policy(): OverflowPolicy {
    return this.#policy;
  }

  /** Whether offsets only rise from the head to the tail. Not while items replace one another in line. */
  get isOrdered(): boolean {
    return !this.#keyed && !this.#hasFirstOffsets;
  }

  /** Items replaced by a newer one of their identity. */
  get conflated(): number {
    return this.#conflated;
  }

  /** Items lost: for want of room, or larger than all the room there is. */
  get dropped(): number {
    return this.#overflow + this.#oversize;
  }

  /** The place of the head; of the next item to come when empty. */
  get headPlace(): number {
    return this.#headPlace;
  }

  /** The place that the next item to come will have. */
  get tailPlace(): number {
    return this.#headPlace + this.#items.length;
  }

  /** The next item, which stays. */
  get head(): T | undefined {
    return this.#items.at(0);
  }

  /**
   * The lowest offset that is not behind the reader, as far as this queue knows: the one that the head's place
   * began with. `undefined` when empty.
   */
  get lowestOffset(): number | undefined {
    return this.#firstOffsets?.at(0) ?? this.#items.at(0)?.offset;
  }

  offer(item: T): OfferOutcome {
    if (item.bytes > this.#maxBytes) {
      this.#oversize++;
      this.#losses.lose(item, "oversize", this.tailPlace);
      return "oversize";
    }
    if (this.#keyed && item.identity !== undefined) {
      const place = this.#placeOf(item.identity);
      if (place !== undefined) {
        this.#takeOver(place, item);
        return "conflated";
      }
    }
    if (!this.fits(item)) return this.#policy.overflow(this, item);
    this.append(item);
    return "queued";
  }

  /** Whether nothing would be lost for the item, nor itself: there is room, or it takes over a place. */
  takes(item: T): boolean {
    const place = this.#keyed && item.identity !== undefined ? this.#placeOf(item.identity) : undefined;
    if (place === undefined) return this.fits(item);
    const growth = item.bytes - (this.#items.at(place - this.#headPlace)?.bytes ?? 0);
    return this.#bytes + this.#reservedBytes + growth <= this.#maxBytes;
  }

  /** Removes and returns the next item; `undefined` when empty. */
  take(): T | undefined {
    const item = this.#items.shift();
    if (item === undefined) return undefined;
    this.#bytes -= item.bytes;
    if (this.#firstOffsets !== undefined) this.#firstOffsets.shift();
    this.#headPlace++;
    return item;
  }

  /**
   * Changes the policy with items waiting. Under a keyed policy older items give way to the newer ones of their
   * identity at once, as if it had been keyed from the start; otherwise what waits stays as it is. Where it stands above
   * bounds that were made smaller earlier, the new policy says what becomes of that, as in {@link changeBounds}.
   */
  changePolicy(policy: OverflowPolicy): void {
    this.changeBounds(this.#bounds, policy);
  }

  /**
   * Changes the bounds with items waiting. Larger ones are in force at once. When more waits than smaller ones allow, the
   * policy trims the line, each item a loss of `overflow`: from the head (`drop-oldest`, `conflate`), from the tail
   * (`drop-newest`), or not at all (`park`, `block`, `evict`), and then nothing is let in before there is room. An item
   * that is larger than the new byte bound goes or stays like any other.
   *
   * Room that is reserved must be within the new bounds already.
   *
   * @param policy - a new one from here on, in one step: nothing is lost to the old policy in the new bounds, nor to the new
   *   policy in the old bounds
   * @throws RangeError as the constructor does; nothing has changed then
   */
  changeBounds(bounds: QueueBounds, policy: OverflowPolicy = this.#policy): void {
    checkBounds(bounds);
    const wasKeyed = this.#keyed;
    this.#policy = policy;
    this.#keyed = policy.keyed;
    this.#bounds = bounds;
    this.#maxMessages = bounds.messages;
    this.#maxBytes = bounds.bytes;
    if (!policy.keyed) this.#places = undefined;
    else if (!wasKeyed) this.#conflateAll();
    this.#shrink();
  }

  /** Sets how much of the bounds something outside of the queue takes. Must leave what waits within them. */
  reserve(messages: number, bytes: number): void {
    this.#reservedMessages = messages;
    this.#reservedBytes = bytes;
    this.#weigh(0);
  }

  /** Counts an item that replaced another outside of the queue. */
  countConflated(): void {
    this.#conflated++;
  }

  /** Counts an item as lost that waited outside of the queue, in room reserved here. */
  countLost(item: T): void {
    this.#lose(item, this.#headPlace);
  }

  /** Throws everything away, without counting it as lost, and returns how many items that were. */
  clear(): number {
    const discarded = this.#items.length;
    this.#headPlace += discarded;
    this.#bytes = 0;
    this.#items.clear();
    this.#places = undefined;
    this.#firstOffsets = undefined;
    return discarded;
  }

  /** Gives storage back that was not needed since the last call; see {@link RingBuffer.settle}. */
  settle(): void {
    this.#items.settle();
    this.#firstOffsets?.settle();
    if (this.#items.length > 0) return;
    this.#places = undefined;
    this.#firstOffsets = undefined;
  }

  counters(): QueueCounters {
    return {
      messages: this.#items.length + this.#reservedMessages,
      bytes: this.#bytes + this.#reservedBytes,
      peakMessages: this.#peakMessages,
      peakBytes: this.#peakBytes,
      conflated: this.#conflated,
      overflow: this.#overflow,
      oversize: this.#oversize,
    };
  }

  // Shelf: what the policy may do.

  fits(item: T): boolean {
    return (
      this.#items.length + this.#reservedMessages < this.#maxMessages &&
      this.#bytes + this.#reservedBytes + item.bytes <= this.#maxBytes
    );
  }

  append(item: T): void {
    if (this.#keyed) {
      this.#index(item);
      if (this.#comesLate(item)) this.#keepFirstOffsets();
    }
    if (this.#hasFirstOffsets) this.#pushFirstOffset(this.#firstOffsets!, item.offset);
    this.#items.push(item);
    this.#weigh(item.bytes);
  }

  dropOldest(): void {
    const item = this.take();
    if (item !== undefined) this.#lose(item, this.#headPlace);
  }

  refuse(item: T): void {
    this.#lose(item, this.tailPlace);
  }

  trimHead(): void {
    while (this.#isOver && this.#items.length > 0) this.dropOldest();
  }

  trimTail(): void {
    const trimmed: T[] = [];
    while (this.#isOver) {
      const item = this.#items.pop();
      if (item === undefined) break;
      this.#firstOffsets?.pop();
      this.#bytes -= item.bytes;
      trimmed.push(item);
    }
    if (trimmed.length === 0) return;
    const tail = this.tailPlace;
    this.#losses.moved?.((place) => Math.min(place, tail));
    for (const item of trimmed.reverse()) this.#lose(item, tail);
  }

  /** More is in than the bounds allow. */
  get #isOver(): boolean {
    return (
      this.#items.length + this.#reservedMessages > this.#maxMessages ||
      this.#bytes + this.#reservedBytes > this.#maxBytes
    );
  }

  /** Asks the policy what becomes of items above the bounds, and gives the storage of those back that went. */
  #shrink(): void {
    if (!this.#isOver) return;
    const { length } = this.#items;
    this.#policy.shrink(this);
    if (this.#items.length === length) return;
    this.#items.compact();
    this.#firstOffsets?.compact();
    if (this.#places !== undefined) this.#places = this.#indexOfAll();
  }

  #lose(item: T, before: number): void {
    this.#overflow++;
    this.#losses.lose(item, "overflow", before);
  }

  /** Where the unread item of an identity stands. Under a keyed policy there is one at most. */
  #placeOf(identity: string): number | undefined {
    if (this.#places !== undefined) {
      const place = this.#places.get(identity);
      return place !== undefined && place >= this.#headPlace ? place : undefined;
    }
    for (let index = this.#items.length - 1; index >= 0; index--) {
      if (this.#items.at(index)!.identity === identity) return this.#headPlace + index;
    }
    return undefined;
  }

  /** Notes the place of an item that is about to be appended, once there are too many to search through. */
  #index({ identity }: T): void {
    const { length } = this.#items;
    // The second bound keeps those that never come back from piling up.
    if (this.#places === undefined ? length >= SEARCHED : this.#places.size > MOST_STALE + 4 * length) {
      this.#places = this.#indexOfAll();
    }
    if (this.#places === undefined) return;
    if (identity !== undefined) this.#places.set(identity, this.tailPlace);
  }

  #indexOfAll(): Map<string, number> {
    const places = new Map<string, number>();
    for (let index = 0; index < this.#items.length; index++) {
      const { identity } = this.#items.at(index)!;
      if (identity !== undefined) places.set(identity, this.#headPlace + index);
    }
    return places;
  }

  get #hasFirstOffsets(): boolean {
    return this.#firstOffsets !== undefined && this.#firstOffsets.length > 0;
  }

  /** An item that waited outside of the queue may be older than those before it in line. */
  #comesLate(item: T): boolean {
    const { length } = this.#items;
    return length > 0 && this.#items.at(length - 1)!.offset > item.offset;
  }

  /** From here on places and items can begin with different offsets. */
  #keepFirstOffsets(): RingBuffer<number> {
    this.#firstOffsets ??= new RingBuffer();
    if (this.#firstOffsets.length === 0) {
      for (let index = 0; index < this.#items.length; index++) {
        this.#firstOffsets.push(this.#items.at(index)!.offset);
      }
    }
    return this.#firstOffsets;
  }

  #pushFirstOffset(firstOffsets: RingBuffer<number>, offset: number): void {
    for (let index = firstOffsets.length - 1; index >= 0 && firstOffsets.at(index)! > offset; index--) {
      firstOffsets.replace(index, offset);
    }
    firstOffsets.push(offset);
  }

  /** Puts `item` where the unread one of its identity stands. */
  #takeOver(place: number, item: T): void {
    const index = place - this.#headPlace;
    const replaced = this.#items.at(index);
    if (replaced === undefined)
      throw new Error(`no item at place ${place}: the index of identities is wrong`);
    this.#keepFirstOffsets();
    const growth = item.bytes - replaced.bytes;
    // A larger replacement may need room. The oldest others give way, never its own place: it is no newcomer.
    let ahead = index;
    while (this.#bytes + this.#reservedBytes + growth > this.#maxBytes) {
      if (ahead > 0) {
        this.dropOldest();
        ahead--;
      } else {
        this.#dropSecond();
      }
    }
    this.#items.replace(ahead, item);
    this.#conflated++;
    this.#weigh(growth);
  }

  /** Builds the index of identities, and lets every item take over the place of the oldest one of its identity. */
  #conflateAll(): void {
    const firstOffsets = this.#keepFirstOffsets();
    const places = new Map<string, number>();
    // How many items are left before each of the old places.
    const leftBefore: number[] = [];
    const waiting = this.#items.length;
    for (let index = 0, left = 0; index < waiting; index++) {
      leftBefore.push(left);
      const item = this.#items.shift()!;
      const firstOffset = firstOffsets.shift()!;
      const place = item.identity === undefined ? undefined : places.get(item.identity);
      if (place === undefined) {
        if (item.identity !== undefined) places.set(item.identity, this.#headPlace + left);
        // Shifted from the front and pushed behind: once round, the survivors stand in order.
        this.#items.push(item);
        firstOffsets.push(firstOffset);
        left++;
      } else {
        // The survivors so far stand behind what is still to be looked at.
        const at = waiting - index - 1 + (place - this.#headPlace);
        this.#bytes -= this.#items.at(at)!.bytes;
        this.#items.replace(at, item);
        this.#conflated++;
      }
    }
    this.#places = places;
    const oldHead = this.#headPlace;
    const left = this.#items.length;
    this.#losses.moved?.(
      (place) => oldHead + (leftBefore[place - oldHead] ?? (place <= oldHead ? place - oldHead : left)),
    );
  }

  /** Takes the item behind the head out, as a loss; the head moves up into its place. */
  #dropSecond(): void {
    const head = this.#items.at(0);
    const second = this.#items.at(1);
    if (head === undefined || second === undefined) throw new Error("no second item to drop");
    this.#items.replace(1, head);
    this.#items.shift();
    this.#firstOffsets?.replace(1, this.#firstOffsets.at(0) ?? head.offset);
    this.#firstOffsets?.shift();
    this.#headPlace++;
    this.#bytes -= second.bytes;
    if (second.identity !== undefined) this.#places?.delete(second.identity);
    if (head.identity !== undefined) this.#places?.set(head.identity, this.#headPlace);
    this.#lose(second, this.#headPlace);
  }

  #weigh(bytes: number): void {
    this.#bytes += bytes;
    const heavy = this.#bytes + this.#reservedBytes;
    const many = this.#items.length + this.#reservedMessages;
    if (heavy > this.#peakBytes) this.#peakBytes = heavy;
    if (many > this.#peakMessages) this.#peakMessages = many;
  }
}
