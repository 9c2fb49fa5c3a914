import TinyQueue from "tinyqueue";
import type { Message } from "./message.ts";

/** Most keys that are remembered to rest without anything held of them; the next one may be sent again early. */
export const MOST_RESTING = 16_384;

/** A key that was sent a moment ago. */
interface Rest {
  readonly identity: string;
  readonly until: number;
  /** The newest message of the key since then. */
  held: Message | undefined;
  /** The offset of the first message held: what came between is replaced. */
  firstOffset: number;
}

/**
 * Holds back messages of keys that were sent less than the interval ago: the newest of each, until its time has come.
 * For subscribers who want, say, at most ten updates a second of every key.
 *
 * Asked for every message and every batch, so nothing here looks through all keys.
 */
export class Pacer {
  readonly #intervalMs: number;
  /** The interval is the same for all, so the order in which keys were sent is the order in which they are due. */
  readonly #resting = new Map<string, Rest>();
  /** Those that something is held of, in the order of their first offsets. */
  readonly #holding = new Set<Rest>();
  /** The same by when they are due; some hold nothing any more. */
  #due = byDueTime([]);
  #heldBytes = 0;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Messages held back. */
  get held(): number {
    return this.#holding.size;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** No message held back has a lower offset; Infinity when none is held. */
  get lowestOffset(): number {
    for (const { firstOffset } of this.#holding) return firstOffset;
    return Number.POSITIVE_INFINITY;
  }

  /** When the next message is due; `undefined` when none is held back. */
  get dueAt(): number | undefined {
    return this.#nextDue()?.until;
  }

  /** A message of the key goes out now; nothing is held of it. */
  sent(identity: string, now: number): void {
    // Out and in again: to the end of the map's order.
    this.#resting.delete(identity);
    if (this.#isFull) this.wakeUp(now);
    if (this.#isFull) return;
    const until = now + this.#intervalMs;
    this.#resting.set(identity, { identity, until, held: undefined, firstOffset: 0 });
  }

  /** @param now - everything that is due by then has been taken */
  isResting(identity: string, now: number): boolean {
    const rest = this.#resting.get(identity);
    return rest !== undefined && rest.until > now;
  }

  /** What is held back of the key. */
  heldOf(identity: string): Message | undefined {
    return this.#resting.get(identity)?.held;
  }

  /** Holds back a message of a key that rests, in place of what was held of it. */
  hold(identity: string, message: Message): void {
    const rest = this.#resting.get(identity)!;
    this.#heldBytes += message.bytes - (rest.held?.bytes ?? 0);
    if (rest.held === undefined) {
      rest.firstOffset = message.offset;
      this.#holding.add(rest);
      this.#due.push(rest);
    }
    rest.held = message;
  }

  /** Takes the next message that is due. */
  takeDue(now: number): Message | undefined {
    const rest = this.#nextDue();
    if (rest === undefined || rest.until > now) return undefined;
    const { held } = rest;
    this.#letGo(rest);
    return held;
  }

  /** Takes the message that is due next, whether its time has come or not. */
  takeAny(): Message | undefined {
    return this.takeDue(Number.POSITIVE_INFINITY);
  }

  /** Lets the key go, with what is held of it. */
  forget(identity: string): void {
    const rest = this.#resting.get(identity);
    if (rest !== undefined) this.#letGo(rest);
  }

  #letGo(rest: Rest): void {
    if (this.#resting.get(rest.identity) === rest) this.#resting.delete(rest.identity);
    if (rest.held === undefined) return;
    this.#heldBytes -= rest.held.bytes;
    this.#holding.delete(rest);
    rest.held = undefined;
    // Most of it stale: worth a new one. Amortised, every message held pays for a few.
    if (this.#due.length > 2 * this.#holding.size + 16) this.#due = byDueTime([...this.#holding]);
  }

  /** Lets keys go that have rested long enough, as far as nothing is held of them. */
  wakeUp(now: number): void {
    for (const { identity, until, held } of this.#resting.values()) {
      if (until > now || held !== undefined) return;
      this.#resting.delete(identity);
    }
  }

  clear(): void {
    this.#resting.clear();
    this.#holding.clear();
    this.#due = byDueTime([]);
    this.#heldBytes = 0;
  }

  #nextDue(): Rest | undefined {
    let next = this.#due.peek();
    while (next !== undefined && next.held === undefined) {
      this.#due.pop();
      next = this.#due.peek();
    }
    return next;
  }

  get #isFull(): boolean {
    return this.#resting.size - this.#holding.size >= MOST_RESTING;
  }
}

function byDueTime(rests: Rest[]): TinyQueue<Rest> {
  return new TinyQueue(rests, (a, b) => a.until - b.until);
}
