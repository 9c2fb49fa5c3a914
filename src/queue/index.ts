/**
 * HOLD: bounded storage for what a subscriber has not read yet. Pure: no await, no timers, nothing of Node's.
 *
 * - {@link RingBuffer} stores, and does not know why anything is dropped.
 * - {@link BoundedQueue} keeps the bounds, counts, and says what became of every message.
 * - {@link OverflowPolicy} decides what gives way, and does not know how anything is stored.
 *
 * @module
 */
export {
  BoundedQueue,
  type LossListener,
  type LossReason,
  type QueueCounters,
} from "./bounded-queue.ts";
export { checkBounds } from "./check-bounds.ts";
export type { OfferOutcome, QueueItem } from "./offer.ts";
export { type OverflowPolicy, overflowPolicy, type Shelf } from "./overflow-policy.ts";
export { RingBuffer } from "./ring-buffer.ts";
