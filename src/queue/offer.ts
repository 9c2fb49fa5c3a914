/** What can wait in a `BoundedQueue`. */
export interface QueueItem {
  /** Strictly increasing from one offer to the next, but for items that waited in room reserved for them. */
  readonly offset: number;
  /** What it weighs against the byte bound, >= 0. */
  readonly bytes: number;
  /** Items of the same identity replace one another under a keyed policy; `undefined`: never. */
  readonly identity: string | undefined;
}

/**
 * What became of an offered item.
 *
 * - `queued`: it waits at the end of the line.
 * - `conflated`: it took the place of the unread item of its identity.
 * - `displaced`: it waits at the end of the line; older ones were lost for it.
 * - `refused`: it was lost; the queue is full.
 * - `oversize`: it was lost; alone it is larger than the byte bound.
 * - `parked`: nothing was stored or counted as lost; the policy wants the subscription to read on from the log.
 * - `overrun`: nothing was stored or counted as lost; the policy wants the subscription ended.
 */
export type OfferOutcome =
  | "queued"
  | "conflated"
  | "displaced"
  | "refused"
  | "oversize"
  | "parked"
  | "overrun";
