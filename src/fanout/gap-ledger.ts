import type { GapFrame, GapReason } from "../protocol/index.ts";

/** Most notices that wait at once; beyond it, those of one place become one per reason. */
export const MAX_PENDING_GAPS = 64;

/** A notice that still grows. It is the frame itself: once taken, nobody changes it any more. */
interface PendingGap extends GapFrame {
  from: number;
  to: number;
  count: number | undefined;
}

/** The losses between two neighbours in line. */
interface Place {
  /** The place in line that they come before. */
  before: number;
  readonly gaps: PendingGap[];
}

/**
 * The losses that a subscriber has not been told yet, each at the place in line where it happened: before the
 * head, between two messages, or after the tail.
 *
 * When the head of the line is itself lost, the losses before and behind it become neighbours and are told as
 * one. Per place there is one notice for each topic and reason. Beyond {@link MAX_PENDING_GAPS} notices a place
 * has one notice per reason without a topic, so that the ledger stays bounded by the length of the line; counts
 * stay exact.
 */
export class GapLedger {
  // In line order. Short: one place, except under drop-newest.
  readonly #places: Place[] = [];
  #pending = 0;

  get isEmpty(): boolean {
    return this.#places.length === 0;
  }

  /** The lowest offset of a loss not told yet; `undefined` when there is none. */
  get lowestOffset(): number | undefined {
    let lowest: number | undefined;
    for (const gap of this.#places[0]?.gaps ?? []) {
      if (lowest === undefined || gap.from < lowest) lowest = gap.from;
    }
    return lowest;
  }

  /** The head of the line, or something before it, was lost. `before`: the place of the head that is left. */
  loseAtHead(topic: string | undefined, offset: number, reason: GapReason, before: number): void {
    let first = this.#places[0];
    if (first === undefined || first.before > before) {
      first = { before, gaps: [] };
      this.#places.unshift(first);
    }
    first.before = before;
    for (let next = this.#places[1]; next !== undefined && next.before <= before; next = this.#places[1]) {
      this.#places.splice(1, 1);
      this.#join(first, next);
    }
    this.#add(first, topic, offset, offset, 1, reason);
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
    let last = this.#places.at(-1);
    if (last?.before !== before) {
      last = { before, gaps: [] };
      this.#places.push(last);
    }
    this.#add(last, topic, from, to, count, reason);
  }

  /** Takes the notices that come before the place `head`, by their first offset; `undefined` when there are none. */
  takeBefore(head: number): readonly GapFrame[] | undefined {
    const first = this.#places[0];
    if (first === undefined || first.before > head) return undefined;
    this.#places.shift();
    this.#pending -= first.gaps.length;
    // Places that became one hold their notices in the order of the mergers, which means nothing to anybody.
    return first.gaps.sort((one, other) => one.from - other.from);
  }

  /** The line was renumbered: `placeOf` says where a place is now. Those that nothing stands between any more become one. */
  movePlaces(placeOf: (place: number) => number): void {
    for (const place of this.#places.splice(0)) {
      place.before = placeOf(place.before);
      const last = this.#places.at(-1);
      if (last?.before === place.before) this.#join(last, place);
      else this.#places.push(place);
    }
  }

  clear(): void {
    this.#places.length = 0;
    this.#pending = 0;
  }

  #join(place: Place, next: Place): void {
    this.#pending -= next.gaps.length;
    for (const gap of next.gaps) this.#add(place, gap.topic, gap.from, gap.to, gap.count, gap.reason);
  }

  #add(
    place: Place,
    topic: string | undefined,
    from: number,
    to: number,
    count: number | undefined,
    reason: GapReason,
  ): void {
    for (let index = place.gaps.length - 1; index >= 0; index--) {
      const gap = place.gaps[index]!;
      // A notice without a topic stands for all topics of its reason.
      if (gap.reason === reason && (gap.topic === topic || gap.topic === undefined)) {
        extend(gap, from, to, count);
        return;
      }
    }
    if (this.#pending < MAX_PENDING_GAPS) {
      place.gaps.push({ kind: "gap", topic, from, to, count, reason });
      this.#pending++;
    } else {
      this.#collapse(place);
      const sameReason = place.gaps.find((gap) => gap.reason === reason);
      if (sameReason !== undefined) {
        extend(sameReason, from, to, count);
      } else {
        place.gaps.push({ kind: "gap", topic: undefined, from, to, count, reason });
        this.#pending++;
      }
    }
  }

  /** Makes the notices of a place one per reason. */
  #collapse(place: Place): void {
    const byReason = new Map<GapReason, PendingGap>();
    for (const gap of place.gaps) {
      const merged = byReason.get(gap.reason);
      if (merged === undefined) byReason.set(gap.reason, { ...gap, topic: undefined });
      else extend(merged, gap.from, gap.to, gap.count);
    }
    this.#pending -= place.gaps.length - byReason.size;
    place.gaps.length = 0;
    place.gaps.push(...byReason.values());
  }
}

function extend(gap: PendingGap, from: number, to: number, count: number | undefined): void {
  if (from < gap.from) gap.from = from;
  if (to > gap.to) gap.to = to;
  // Unknown plus anything stays unknown.
  gap.count = gap.count === undefined || count === undefined ? undefined : gap.count + count;
}
