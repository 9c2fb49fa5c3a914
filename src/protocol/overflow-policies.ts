/**
 * What happens to a message that finds the queue of its subscriber full.
 *
 * - `drop-oldest`: the oldest unread messages give way. For feeds whose newest values matter most.
 * - `drop-newest`: the new message is refused, what is queued stays. For those who need an unbroken beginning.
 * - `conflate`: a newer message replaces the unread one of the same topic and key and keeps its place in
 *   line, always and not only when full; without a key, or full of distinct keys, it is `drop-oldest`.
 * - `park`: nothing more is admitted, what is queued stays, and when it has been read the subscriber goes on from
 *   the replay logs, as long as they retain what it missed. For those who need everything, at their own pace.
 * - `block`: the publisher is told before the queue is full, and may wait; if it publishes on regardless, or the
 *   wait takes too long, the subscriber is parked, or evicted where nothing is retained. Granted by the owner only.
 * - `evict`: the subscription ends. For those who would rather start over than miss anything.
 */
export const OVERFLOW_POLICIES = [
  "drop-oldest",
  "drop-newest",
  "conflate",
  "park",
  "block",
  "evict",
] as const;

export type OverflowPolicyName = (typeof OVERFLOW_POLICIES)[number];
