import type { CatchUp } from "./catch-up.ts";
import type { Line } from "./line.ts";
import type { Message } from "./message.ts";

/** Messages looked at in one refill: a filter that rejects a long past must not hold up everybody else. */
const MESSAGES_PER_REFILL = 512;

/** For whom it is read. */
export interface PastReader {
  /** Whether the message is for it. May run the application's code, which may do anything. */
  admits(message: Message): boolean;
  /** Puts it into the line. */
  enter(message: Message): void;
}

/**
 * - `full`: there is no room for more, or it was enough for one turn.
 * - `waiting`: the next message is still being loaded.
 * - `over`: nothing is left above the cursor.
 * - `stopped`: a hook ended the subscription meanwhile.
 */
export type RefillOutcome = "full" | "waiting" | "over" | "stopped";

/** The way from a catch-up into a line: fills the line to half its bound, and holds what found no room. */
export class Past<S> {
  readonly #catchUp: CatchUp<S>;
  readonly #line: Line;
  /** Read from the log, admitted, and too large for what is free in line now. */
  #readAhead: Message | undefined;
  #stopped = false;

  constructor(catchUp: CatchUp<S>, line: Line) {
    this.#catchUp = catchUp;
    this.#line = line;
  }

  /** Everything up to this offset was read into the line, or passed over. */
  get cursor(): number {
    return this.#readAhead === undefined ? this.#catchUp.cursor : this.#readAhead.offset - 1;
  }

  /** Less than half of its bounds waits in line, and what was read last and found no room does now. */
  get hasRoom(): boolean {
    const { length, bytes, bounds } = this.#line;
    if (length >= Math.max(1, bounds.messages / 2) || bytes >= Math.max(1, bounds.bytes / 2)) return false;
    const readAhead = this.#readAhead;
    // One that is larger than the whole bound, which may have been made smaller since, needs no room: it is told as lost.
    return readAhead === undefined || readAhead.bytes > bounds.bytes || this.#line.fits(readAhead);
  }

  /** Whether {@link Past.refill} would get any further. What is held back for its pace may take all the room. */
  get canRead(): boolean {
    return !this.#catchUp.isWaiting && this.hasRoom;
  }

  refill(reader: PastReader): RefillOutcome {
    const line = this.#line;
    for (let looked = 0; looked < MESSAGES_PER_REFILL; looked++) {
      if (!this.hasRoom) return "full";
      const readAhead = this.#readAhead;
      const next = readAhead ?? this.#catchUp.next();
      this.#readAhead = undefined;
      if (next === undefined) return this.#catchUp.isWaiting ? "waiting" : "over";
      if (next.kind === "gap") {
        line.tell(next.topic, next.from, next.to, next.count, next.reason);
        continue;
      }
      if (readAhead === undefined) {
        const admitted = reader.admits(next);
        if (this.#stopped) return "stopped";
        if (!admitted) continue;
      }
      if (next.bytes <= line.bounds.bytes && !line.fits(next)) {
        this.#readAhead = next;
        return "full";
      }
      reader.enter(next);
    }
    return "full";
  }

  stop(): void {
    this.#stopped = true;
    this.#readAhead = undefined;
    this.#catchUp.stop();
  }
}
