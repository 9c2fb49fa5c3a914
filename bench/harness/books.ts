/**
 * What one subscriber was promised, what it got, and what it was told.
 *
 * Every message of the measured time ends in exactly one place: `received`, `announced` (missing, and told so), `missing`
 * (not told, though a later one came) or `undelivered` (nothing came after it). What does not fit is kept beside them,
 * because it is a fault of the system: messages that came twice or in the wrong order, losses that were told after the next
 * message was there, and losses that were told and never happened.
 *
 * The warm-up has books too, since what it left behind can still be announced when the measured time has begun.
 *
 * @module
 */
import { WARM_UP } from "./stamp.ts";

export interface ClosedBooks {
  readonly received: number;
  readonly announced: number;
  readonly missing: number;
  readonly undelivered: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Of the announced ones, those that were told only after a later message. */
  readonly announcedLate: number;
  /** Told as lost, though nothing was. */
  readonly falselyAnnounced: number;
}

export type Arrival = "new" | "duplicate" | "warm-up";

export class SubscriberBooks {
  readonly #seen = new SequenceSet();
  #warmedUp = 0;
  /** Of the warm-up, once it is over: what has neither come nor been told as lost. */
  #owed = 0;
  #measuring = false;

  #highest = -1;
  #received = 0;
  #announced = 0;
  #missing = 0;
  #duplicated = 0;
  #reordered = 0;
  /** Told as lost, and not found missing yet. */
  #told = 0;
  /** Told that there was a loss, of a size that nobody knows. */
  #toldUnknown = false;

  /** Messages of the warm-up that have come, or were told as lost. */
  get warmedUp(): number {
    return this.#warmedUp;
  }

  /** Messages of the measured time that have come, or were told as lost. */
  get accounted(): number {
    return this.#received + this.#announced + this.#told;
  }

  get received(): number {
    return this.#received;
  }

  get highest(): number {
    return this.#highest;
  }

  /** Whether that message of the measured time has come. */
  has(sequence: number): boolean {
    return this.#seen.has(sequence);
  }

  message(sequence: number): Arrival {
    if (sequence === WARM_UP) {
      this.#warmedUp++;
      this.#owed--;
      return "warm-up";
    }
    if (!this.#seen.add(sequence)) {
      this.#duplicated++;
      return "duplicate";
    }
    this.#received++;
    if (sequence > this.#highest) this.#advance(sequence);
    else this.#fill();
    return "new";
  }

  /** @param count - `undefined` when the system cannot say how many */
  lost(count: number | undefined): void {
    if (!this.#measuring) this.#warmedUp += count ?? 0;
    else if (count === undefined) this.#toldUnknown = true;
    else this.#told += count;
  }

  /** The measured time begins. @param warmUp - how many messages were published before it */
  begin(warmUp: number): void {
    this.#measuring = true;
    this.#owed = Math.max(0, warmUp - this.#warmedUp);
  }

  /** The trial is over. @param published - how many messages of the measured time there were */
  close(published: number): ClosedBooks {
    const undelivered = this.#explain(published - 1 - this.#highest);
    this.#forgiveWarmUp();
    const announcedLate = Math.min(this.#told, this.#missing);
    return {
      received: this.#received,
      announced: this.#announced + announcedLate,
      missing: this.#missing - announcedLate,
      undelivered,
      duplicated: this.#duplicated,
      reordered: this.#reordered,
      announcedLate,
      falselyAnnounced: this.#told - announcedLate,
    };
  }

  #advance(sequence: number): void {
    this.#missing += this.#explain(sequence - this.#highest - 1);
    if (this.#highest < 0) this.#forgiveWarmUp();
    this.#highest = sequence;
  }

  /** One that was taken for missing has come after all. */
  #fill(): void {
    this.#reordered++;
    if (this.#missing > 0) this.#missing--;
    else {
      this.#announced--;
      this.#told++;
    }
  }

  /** So many are not there. Returns how many of them nobody has told. */
  #explain(absent: number): number {
    const explained = this.#toldUnknown ? absent : Math.min(this.#told, absent);
    this.#toldUnknown = false;
    this.#told = Math.max(0, this.#told - explained);
    this.#announced += explained;
    return absent - explained;
  }

  /** What is told before the first message of the measured time may be about the warm-up. */
  #forgiveWarmUp(): void {
    const forgiven = this.#highest < 0 ? Math.min(this.#told, Math.max(0, this.#owed)) : 0;
    this.#told -= forgiven;
    this.#owed -= forgiven;
  }
}

/** Which sequence numbers there have been: a bit for each. */
class SequenceSet {
  #words = new Uint32Array(64);

  has(sequence: number): boolean {
    return ((this.#words[sequence >>> 5] ?? 0) & (1 << (sequence & 31))) !== 0;
  }

  /** Whether it is new. */
  add(sequence: number): boolean {
    const at = sequence >>> 5;
    if (at >= this.#words.length) {
      const wider = new Uint32Array(Math.max(at + 1, this.#words.length * 2));
      wider.set(this.#words);
      this.#words = wider;
    }
    const bit = 1 << (sequence & 31);
    if ((this.#words[at]! & bit) !== 0) return false;
    this.#words[at]! |= bit;
    return true;
  }
}

const COUNTS = [
  "received",
  "announced",
  "missing",
  "undelivered",
  "duplicated",
  "reordered",
  "announcedLate",
  "falselyAnnounced",
] as const satisfies (keyof ClosedBooks)[];

export function sumOfBooks(all: readonly ClosedBooks[]): ClosedBooks {
  const sum = Object.fromEntries(COUNTS.map((name) => [name, 0])) as Record<(typeof COUNTS)[number], number>;
  for (const books of all) for (const name of COUNTS) sum[name] += books[name];
  return sum;
}
