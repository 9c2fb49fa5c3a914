import type { Message } from "./message.ts";

/** A key that was sent a moment ago. */
interface Rest {
  readonly until: number;
  /** The newest message of the key since then. */
  held: Message | undefined;
}

/**
 * Holds back messages of keys that were sent less than the interval ago: the newest of each, until its time has come.
 * For subscribers who want, say, at most ten updates a second of every key.
 *
 * The interval is the same for all, so the order in which keys were sent is the order in which they are due.
 */
export class Pacer {
  readonly #intervalMs: number;
  readonly #resting = new Map<string, Rest>();
  #held = 0;
  #heldBytes = 0;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Messages held back. */
  get held(): number {
    return this.#held;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The lowest offset held back; Infinity when none is. */
  get lowestOffset(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const { held } of this.#resting.values()) {
      if (held !== undefined && held.offset < lowest) lowest = held.offset;
    }
    return lowest;
  }

  /** When the next message is due; `undefined` when none is held back. */
  get dueAt(): number | undefined {
    for (const { until, held } of this.#resting.values()) if (held !== undefined) return until;
    return undefined;
  }

  /** A message of the key goes out now. */
  sent(identity: string, now: number): void {
    this.#resting.delete(identity);
    this.#resting.set(identity, { until: now + this.#intervalMs, held: undefined });
  }

  isResting(identity: string): boolean {
    return this.#resting.has(identity);
  }

  /** What is held back of the key. */
  heldOf(identity: string): Message | undefined {
    return this.#resting.get(identity)?.held;
  }

  /** Holds back a message of a key that rests, in place of what was held of it. */
  hold(identity: string, message: Message): void {
    const rest = this.#resting.get(identity)!;
    if (rest.held === undefined) this.#held++;
    this.#heldBytes += message.bytes - (rest.held?.bytes ?? 0);
    rest.held = message;
  }

  /** Takes the next message that is due; keys that nothing is held of are forgotten on the way. */
  takeDue(now: number): Message | undefined {
    for (const [identity, { until, held }] of this.#resting) {
      if (until > now) return undefined;
      this.#resting.delete(identity);
      if (held !== undefined) return this.#release(held);
    }
    return undefined;
  }

  /** Takes the message that is due next, whether its time has come or not. */
  takeAny(): Message | undefined {
    return this.takeDue(Number.POSITIVE_INFINITY);
  }

  /** Lets the key go, with what is held of it. */
  forget(identity: string): void {
    const rest = this.#resting.get(identity);
    if (rest?.held !== undefined) this.#release(rest.held);
    this.#resting.delete(identity);
  }

  clear(): void {
    this.#resting.clear();
    this.#held = 0;
    this.#heldBytes = 0;
  }

  #release(message: Message): Message {
    this.#held--;
    this.#heldBytes -= message.bytes;
    return message;
  }
}
