/**
 * Where a reader is, and what it has seen already: the position to hand back, and the filter that keeps a
 * resume free of duplicates.
 *
 * Without conflation messages come in the order of their offsets, so the last one read is the position.
 *
 * Under `conflate` they do not: a replaced message keeps its place in line, so a high offset can arrive while
 * lower ones still wait. There the position moves only when the server says so (`progress`), and what was read
 * above it is remembered, per key, until it falls below. A resume repeats those, perhaps in older values; they
 * are left out. A slow subscriber can be made to conflate in the middle of a stream; `state` says when that
 * begins and ends.
 *
 * A loss does not move the position: others with overlapping ranges, or older messages of another topic, can follow
 * it. What comes behind it does; when that is no message, the server sends `progress`.
 *
 * What is remembered is bounded. Beyond the bound the oldest is forgotten, and may then come twice.
 *
 * @module
 */
import type { Frame, MessageFrame, Position, ProgressFrame, StartedFrame } from "../../../protocol/index.ts";

/** Far more keys than a queue holds by default, at about 100 bytes each. */
const MOST_REMEMBERED = 65_536;

export class PositionTracker {
  readonly #mostRemembered: number;
  #position: Position | undefined;
  #conflating = false;
  /** Offsets up to here were behind the reader when the present stream was opened. */
  #floor = 0;
  /** Highest offset read above the position: of a key, or of a message without one (by its own offset). */
  readonly #seen = new Map<string | number, number>();

  constructor(start: Position | undefined, mostRemembered = MOST_REMEMBERED) {
    this.#position = start;
    this.#mostRemembered = mostRemembered;
  }

  /** What to hand back; `undefined` before the first `started` of a live start. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Takes note of a frame in the order of reading. `false`: the reader has had it. */
  admit(frame: Frame): boolean {
    switch (frame.kind) {
      case "started":
        this.#started(frame);
        return true;
      case "message":
        return this.#message(frame);
      case "progress":
        this.#progress(frame);
        return true;
      case "state":
        this.#conflating = frame.overflow === "conflate";
        return true;
      default:
        return true;
    }
  }

  /** Forgets everything: the next stream begins another history, or the present of this one. */
  startFresh(): void {
    this.#position = undefined;
    this.#floor = 0;
    this.#seen.clear();
  }

  #started({ position, overflow }: StartedFrame): void {
    this.#conflating = overflow === "conflate";
    if (this.#position?.epoch !== position.epoch) {
      this.startFresh();
      this.#position = position;
    }
    // Otherwise our own position stands: it is what was asked for, and if the server cannot start there, a gap
    // says so; until that gap is read, coming back must ask for the same again.
    this.#floor = this.#position?.offset ?? 0;
  }

  #message(message: MessageFrame): boolean {
    const { offset } = message;
    const id = message.key === undefined ? offset : `${message.topic}\n${message.key}`;
    // The floor alone tells duplicates of a resume; within a stream the order is the server's.
    if (offset <= this.#floor || offset <= (this.#seen.get(id) ?? 0)) return false;
    if (this.#conflating) this.#remember(id, offset);
    else this.#advance(offset);
    return true;
  }

  #progress({ position }: ProgressFrame): void {
    if (position.epoch !== this.#position?.epoch) return;
    this.#advance(position.offset);
    for (const [id, offset] of this.#seen) {
      if (offset <= position.offset) this.#seen.delete(id);
    }
  }

  #advance(offset: number): void {
    const position = this.#position;
    if (position !== undefined && offset > position.offset) {
      this.#position = { epoch: position.epoch, offset };
    }
  }

  #remember(id: string | number, offset: number): void {
    // Deleted first, so that the map stays in the order of reading and its first entry is the oldest.
    this.#seen.delete(id);
    this.#seen.set(id, offset);
    if (this.#seen.size <= this.#mostRemembered) return;
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest);
      break;
    }
  }
}
