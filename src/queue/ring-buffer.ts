/**
 * A growable circular buffer: first in, first out, with access by index from the head. The tail can be taken back.
 *
 *       head          head + length
 *        ↓               ↓
 *     [ .  a  b  c  d  e  .  . ]      storage is a power of two, so an index wraps with one AND
 *
 * It starts small and doubles, so that thousands of idle subscribers cost little; it never shrinks on the way
 * (a queue that breathes would copy all day), only in {@link RingBuffer.settle}, after having been nearly empty
 * since the call before, and in {@link RingBuffer.compact}.
 */
export class RingBuffer<T> {
  #slots: (T | undefined)[];
  #mask: number;
  #head = 0;
  #length = 0;
  /** The most that was stored at once since the last `settle`. */
  #peak = 0;
  readonly initialSlots: number;

  /** @param initialSlots - a power of two: the size it starts with and shrinks back to */
  constructor(initialSlots = 8) {
    if (!(initialSlots >= 1 && Number.isInteger(Math.log2(initialSlots)))) {
      throw new RangeError(`initialSlots must be a power of two, got ${initialSlots}`);
    }
    this.initialSlots = initialSlots;
    this.#slots = new Array(initialSlots);
    this.#mask = initialSlots - 1;
  }

  get length(): number {
    return this.#length;
  }

  /** How many items fit before the storage doubles. */
  get slots(): number {
    return this.#mask + 1;
  }

  /** The item `index` places behind the head; `undefined` when there is none. */
  at(index: number): T | undefined {
    return index >= 0 && index < this.#length ? this.#slots[(this.#head + index) & this.#mask] : undefined;
  }

  /** Replaces the item `index` places behind the head. */
  replace(index: number, item: T): void {
    if (!(index >= 0 && index < this.#length)) {
      throw new RangeError(`index must be below the length ${this.#length}, got ${index}`);
    }
    this.#slots[(this.#head + index) & this.#mask] = item;
  }

  push(item: T): void {
    if (this.#length > this.#mask) this.#resize((this.#mask + 1) * 2);
    this.#slots[(this.#head + this.#length) & this.#mask] = item;
    this.#length++;
    if (this.#length > this.#peak) this.#peak = this.#length;
  }

  /** Removes and returns the head; `undefined` when empty. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    // The slot must not keep a delivered message alive.
    this.#slots[this.#head] = undefined;
    // Empty, it starts over: a queue that holds one item at a time stays in one place in memory.
    this.#head = --this.#length === 0 ? 0 : (this.#head + 1) & this.#mask;
    return item;
  }

  /** Removes and returns the item that was pushed last; `undefined` when empty. */
  pop(): T | undefined {
    if (this.#length === 0) return undefined;
    const slot = (this.#head + --this.#length) & this.#mask;
    const item = this.#slots[slot];
    this.#slots[slot] = undefined;
    if (this.#length === 0) this.#head = 0;
    return item;
  }

  /** Empties it and gives the storage back. */
  clear(): void {
    this.#slots = new Array(this.initialSlots);
    this.#mask = this.initialSlots - 1;
    this.#head = 0;
    this.#length = 0;
    this.#peak = 0;
  }

  /**
   * Call it now and then. Halves the storage if at most a quarter of it was used at any time since the last
   * call, so that storage follows a fall in use slowly and a rise at once.
   */
  settle(): void {
    if (this.slots > this.initialSlots && this.#peak <= this.slots / 4) this.#resize(this.slots / 2);
    this.#peak = this.#length;
  }

  /** Gives all storage back at once that what is stored now does not need. Copies, so it is for rare occasions. */
  compact(): void {
    let slots = this.initialSlots;
    while (slots < this.#length) slots *= 2;
    if (slots < this.slots) this.#resize(slots);
    this.#peak = this.#length;
  }

  #resize(slots: number): void {
    const moved: (T | undefined)[] = new Array(slots);
    for (let index = 0; index < this.#length; index++) {
      moved[index] = this.#slots[(this.#head + index) & this.#mask];
    }
    this.#slots = moved;
    this.#mask = slots - 1;
    this.#head = 0;
  }
}
