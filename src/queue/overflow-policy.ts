import type { OverflowPolicyName } from "../protocol/index.ts";
import type { OfferOutcome, QueueItem } from "./offer.ts";

/** What a policy may do to a queue that has no room, or too little: all it knows of how things are stored. */
export interface Shelf<T> {
  /** Whether there is room for the item now. */
  fits(item: T): boolean;
  /** Puts an item that fits at the end of the line. */
  append(item: T): void;
  /** Takes the oldest item out, as a loss. */
  dropOldest(): void;
  /** Counts the item that did not get in as a loss, at the end of the line. */
  refuse(item: T): void;
  /** Takes the oldest items out, as losses, until what is left keeps the bounds. */
  trimHead(): void;
  /** Takes the newest items out, as losses at the end of the line, until what is left keeps the bounds. */
  trimTail(): void;
}

/**
 * Decides what gives way when an item finds no room. To add a policy: an object here, its name in
 * `protocol/overflow-policies.ts`, a row in the contract suite (`test/queue/policies.test.ts`), a value of the
 * enum in `fanout.proto`, and a row in the README's table.
 */
export interface OverflowPolicy {
  readonly name: OverflowPolicyName;
  /** Whether an unread item is replaced by a newer one of its identity, full or not. */
  readonly keyed: boolean;
  /** The item does not fit, though alone it would. Room is made, or it is refused. */
  overflow<T extends QueueItem>(shelf: Shelf<T>, item: T): OfferOutcome;
  /**
   * More waits than the bounds allow, because they were made smaller. What is too much goes now, or nothing does: then
   * no item is let in until enough was taken.
   */
  shrink<T extends QueueItem>(shelf: Shelf<T>): void;
}

const dropOldest: OverflowPolicy = {
  name: "drop-oldest",
  keyed: false,
  overflow(shelf, item) {
    while (!shelf.fits(item)) shelf.dropOldest();
    shelf.append(item);
    return "displaced";
  },
  shrink: (shelf) => shelf.trimHead(),
};

const dropNewest: OverflowPolicy = {
  name: "drop-newest",
  keyed: false,
  overflow(shelf, item) {
    shelf.refuse(item);
    return "refused";
  },
  shrink: (shelf) => shelf.trimTail(),
};

const conflate: OverflowPolicy = { ...dropOldest, name: "conflate", keyed: true };

/** What is in is still read, and what finds no room comes from the log: a smaller bound is no reason to lose anything. */
const park: OverflowPolicy = { name: "park", keyed: false, overflow: () => "parked", shrink() {} };

/** Full in spite of the warning at the high watermark: it cannot wait inside an offer, so it goes on from the log. */
const block: OverflowPolicy = { ...park, name: "block" };

const evict: OverflowPolicy = { ...park, name: "evict", overflow: () => "overrun" };

const policies: Readonly<Record<OverflowPolicyName, OverflowPolicy>> = {
  "drop-oldest": dropOldest,
  "drop-newest": dropNewest,
  conflate,
  park,
  block,
  evict,
};

/** The policy of that name. */
export function overflowPolicy(name: OverflowPolicyName): OverflowPolicy {
  return policies[name];
}
