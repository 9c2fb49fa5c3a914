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
}

/** Whether it is losses rather than a mark. */
export function areGaps(notice: StateFrame | readonly GapFrame[]): notice is readonly GapFrame[] {
  return Array.isArray(notice);
}
