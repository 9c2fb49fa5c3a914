import type { GapFrame, GapReason, OverflowPolicyName, StateFrame } from "../protocol/index.ts";
import { GapLedger } from "./gap-ledger.ts";

/** A state frame in line. */
interface Mark {
  /** The place that it comes before. */
  before: number;
  frame: StateFrame;
  /** It comes behind the losses of its place: it says that the past is over, and they belong to it. */
  readonly behindLosses: boolean;
}

/**
 * What stands between the messages of a line: losses, where they happened, and changes of state, where they took
 * effect. At one place a mark comes first that says that the past follows, then what of it is lost, then the mark that
 * says that it is over.
 *
 * Most subscribers never have any, so a line makes this only when it needs it.
 */
export class Notices {
  readonly #gaps = new GapLedger();
  readonly #marks: Mark[] = [];

  get isEmpty(): boolean {
    return this.#gaps.isEmpty && this.#marks.length === 0;
  }

  /** The lowest offset of a loss not told yet; Infinity when there is none. */
  get lowestOffset(): number {
    return this.#gaps.lowestOffset ?? Number.POSITIVE_INFINITY;
  }

  /** The head of the line, or something before it, was lost. `before`: the place of the head that is left. */
  loseAtHead(topic: string, offset: number, reason: GapReason, before: number): void {
    this.#gaps.loseAtHead(topic, offset, reason, before);
<<<<<<< HEAD
    // Every message that a full queue drops gets here.
    if (this.#marks.length === 0) return;
    this.#closeUp(before);
    this.#mergeMarks(before);
=======
>>>>>>> parent of 6393b66 (Bound the state marks of one who does not read while policies flip)
  }

  /** Something was lost behind the tail. `before`: the place that the next message will have. */
  loseAtTail(
    topic: string | undefined,
    from: number,
    to: number,
    count: number | undefined,
    reason: GapReason,
    before: number,
  ): void {
    this.#gaps.loseAtTail(topic, from, to, count, reason, before);
  }

  /** Puts a state frame before the place `before`, behind what stands there already. */
  mark(frame: StateFrame, before: number, behindLosses: boolean): void {
    this.#marks.push({ before, frame, behindLosses });
  }

  /** Puts a state frame before everything else. `head`: the place of the head. */
  markFirst(frame: StateFrame, head: number): void {
    this.#marks.unshift({ before: head, frame, behindLosses: false });
  }

  /** What waits is told with this policy. */
  restate(overflow: OverflowPolicyName, rung: number): void {
    for (const mark of this.#marks) mark.frame = { ...mark.frame, overflow, rung };
  }

  /** The line was renumbered: `placeOf` says where a place is now. */
  movePlaces(placeOf: (place: number) => number): void {
    this.#gaps.movePlaces(placeOf);
    for (const mark of this.#marks) mark.before = placeOf(mark.before);
  }

  /**
   * Takes what comes next before the place `head`: one mark, or all losses of a place; `undefined` when nothing stands
   * there.
   */
  takeBefore(head: number): StateFrame | readonly GapFrame[] | undefined {
    const mark = this.#marks[0];
    const markIsDue = mark !== undefined && mark.before <= head;
    if (!markIsDue || mark.behindLosses) {
      const gaps = this.#gaps.takeBefore(head);
      if (gaps !== undefined) return gaps;
    }
    return markIsDue ? this.#marks.shift()?.frame : undefined;
  }

  clear(): void {
    this.#gaps.clear();
    this.#marks.length = 0;
  }
<<<<<<< HEAD

  /** Nothing stands before the place `head` any more that marks could stand between. */
  #closeUp(head: number): void {
    for (const mark of this.#marks) {
      if (mark.before >= head) return;
      mark.before = head;
    }
  }

  /** Leaves out marks that tell a reader nothing of their own, among those up to the place `last`. */
  #mergeMarks(last = Number.POSITIVE_INFINITY): void {
    const marks = this.#marks;
    let kept = 0;
    let seen = 0;
    for (let mark = marks[0]; mark !== undefined && mark.before <= last; mark = marks[++seen]) {
      const previous = marks[kept - 1];
      if (previous === undefined || !absorbs(previous, mark)) marks[kept++] = mark;
    }
    if (kept < seen) marks.splice(kept, seen - kept);
  }
}

/** Whether a mark can stand for the one behind it as well. If so, it says from now on what the other one said. */
function absorbs(mark: Mark, next: Mark): boolean {
  const [{ state, overflow, rung }, frame] = [mark.frame, next.frame];
  if (frame.state !== state) return false;
  if (frame.overflow === overflow && frame.rung === rung) return true;
  // Between them stand messages, or losses.
  if (next.before !== mark.before || (next.behindLosses && !mark.behindLosses)) return false;
  mark.frame = frame;
  return true;
=======
>>>>>>> parent of 6393b66 (Bound the state marks of one who does not read while policies flip)
}

/** Whether it is losses rather than a mark. */
export function areGaps(notice: StateFrame | readonly GapFrame[]): notice is readonly GapFrame[] {
  return Array.isArray(notice);
}
