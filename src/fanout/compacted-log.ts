import { RingBuffer } from "../queue/index.ts";
import type { Message } from "./message.ts";
import { firstIndex, type LogReader, type ReplayLog } from "./replay-log.ts";

export interface CompactedBounds {
  readonly keys: number;
  /** How long a deletion is retained for those who come back, in milliseconds; may be Infinity. */
  readonly tombstoneAgeMs: number;
}

/** Where a message was appended. It loses its message when a newer one of the key comes, and keeps its offset. */
interface Slot {
  readonly offset: number;
  message: Message | undefined;
}

/**
 * A log of the latest message of every key: the current state of its topic, in the order of the last changes. A
 * tombstone is the latest message of a deleted key, until it is old enough to be forgotten.
 *
 * What a newer message of the key replaced is not missing to anybody who reads on. What is missing are keys beyond
 * the bound, the ones unchanged for longest, and forgotten tombstones: whoever comes back from before those could
 * keep a key that is gone, so they count as trimmed.
 */
export class CompactedLog implements ReplayLog {
  readonly keyed = true;
  #bounds: CompactedBounds;
  #slots = new RingBuffer<Slot>();
  readonly #latest = new Map<string, Slot>();
  /** Where tombstones were appended, the oldest first, so that to expire them is no walk through all keys. */
  readonly #tombstones = new RingBuffer<Slot>();
  #bytes = 0;
  #trimmedThrough: number;
  /** How often anything was trimmed. */
  #trims = 0;
  /** Changes when slots move; a reader then finds its place again by offset. */
  #layout = 0;

  /** @param unknownThrough - what was published up to this offset is not here */
  constructor(bounds: CompactedBounds, unknownThrough = 0) {
    this.#bounds = bounds;
    this.#trimmedThrough = unknownThrough;
  }

  get length(): number {
    return this.#latest.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get trimmedThrough(): number {
    return this.#trimmedThrough;
  }

  /** @param message - with a key: the hub refuses others for such a topic */
  append(message: Message): void {
    const key = message.key ?? "";
    const replaced = this.#latest.get(key);
    if (replaced !== undefined) this.#vacate(replaced);
    const slot = { offset: message.offset, message };
    // Out and in again, so that the map's order is the order of the last changes.
    this.#latest.delete(key);
    this.#latest.set(key, slot);
    this.#slots.push(slot);
    this.#bytes += message.bytes;
    this.#trimToBounds();
    if (message.tombstone) this.#bury(slot);
    // Half of it vacant: worth a new ring. Amortised, every append pays for moving two slots.
    if (this.#slots.length > 2 * this.#latest.size + 16) this.#compact();
  }

  /** Trims what is beyond smaller bounds at once. */
  changeBounds(bounds: CompactedBounds): void {
    this.#bounds = bounds;
    this.#trimToBounds();
    if (this.#slots.length > 2 * this.#latest.size + 16) this.#compact();
  }

  clear(): void {
    this.changeBounds({ ...this.#bounds, keys: 0 });
  }

  expire(nowMs: number): void {
    const oldest = nowMs - this.#bounds.tombstoneAgeMs;
    for (let slot = this.#tombstones.at(0); slot !== undefined; slot = this.#tombstones.at(0)) {
      const { message } = slot;
      if (message !== undefined && message.publishedAtMs >= oldest) return;
      this.#tombstones.shift();
      if (message !== undefined) this.#trim(message.key ?? "", slot);
    }
  }

  readAfter(offset: number): LogReader {
    let behind = offset;
    let layout = -1;
    let index = 0;
    const find = () => {
      if (layout !== this.#layout) {
        layout = this.#layout;
        index = firstIndex(this.#slots, (slot) => slot.offset > behind);
      }
      let slot = this.#slots.at(index);
      while (slot !== undefined && slot.message === undefined) slot = this.#slots.at(++index);
      return slot?.message;
    };
    let trimsSeen = this.#trims;
    return {
      peek: find,
      advance: () => {
        behind = this.#slots.at(index)?.offset ?? behind;
        index++;
      },
      takeSkipped: () => {
        // Not by the offset alone: an old key can be trimmed after a younger deletion was.
        const skipped = this.#trims !== trimsSeen && this.#trimmedThrough > behind ? undefined : 0;
        trimsSeen = this.#trims;
        return skipped;
      },
    };
  }

  offsetBefore(unixMs: number): number {
    for (const { message } of this.#latest.values()) {
      if (message !== undefined && message.publishedAtMs >= unixMs) return message.offset - 1;
    }
    return Infinity;
  }

  *backwards(): Iterable<Message> {
    let layout = this.#layout;
    let index = this.#slots.length - 1;
    for (let slot = this.#slots.at(index); slot !== undefined; slot = this.#slots.at(index)) {
      if (slot.message !== undefined) yield slot.message;
      if (layout !== this.#layout) {
        layout = this.#layout;
        const { offset } = slot;
        index = firstIndex(this.#slots, (other) => other.offset >= offset);
      }
      index--;
    }
  }

  #bury(slot: Slot): void {
    const tombstones = this.#tombstones;
    tombstones.push(slot);
    if (tombstones.length <= 2 * this.#latest.size + 16) return;
    // Keys that come and go leave vacant ones. Once round, the others stand in order.
    for (let left = tombstones.length; left > 0; left--) {
      const next = tombstones.shift()!;
      if (next.message !== undefined) tombstones.push(next);
    }
  }

  #vacate(slot: Slot): void {
    this.#bytes -= slot.message?.bytes ?? 0;
    slot.message = undefined;
  }

  #trimToBounds(): void {
    let tooMany = this.#latest.size - this.#bounds.keys;
    if (tooMany <= 0) return;
    // One walk for all of them: a new one would begin with every key that was deleted before.
    for (const [key, slot] of this.#latest) {
      this.#trim(key, slot);
      if (--tooMany === 0) return;
    }
  }

  #trim(key: string, slot: Slot): void {
    this.#vacate(slot);
    this.#latest.delete(key);
    this.#trims++;
    this.#trimmedThrough = Math.max(this.#trimmedThrough, slot.offset);
  }

  #compact(): void {
    const slots = new RingBuffer<Slot>();
    for (const slot of this.#latest.values()) slots.push(slot);
    this.#slots = slots;
    this.#layout++;
  }
}
