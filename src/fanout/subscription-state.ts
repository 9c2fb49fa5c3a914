/**
 * The life of a subscription. Only its own methods move it.
 *
 * - `live`: fed from publish.
 * - `catching-up`: fed from the replay logs, at its own pace; not offered what is published.
 * - `parked`: its queue was full under the policy `park`; what is queued is delivered, nothing is admitted.
 * - `draining`: nothing new is admitted; what is queued is still delivered, then it ends.
 * - `ended`: over. Exactly one close reason, the queue is empty, the books are closed.
 *
 *     (start) ─► catching-up ─► live ─► parked        every state may go to draining and ended,
 *        └────────────────────►  ▲        │           which lead nowhere else
 *                                └─ catching-up ◄┘
 */
export type SubscriptionState = "live" | "catching-up" | "parked" | "draining" | "ended";
