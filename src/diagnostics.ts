/**
 * Events for tracing and logging tools, as `node:diagnostics_channel` channels: free while nobody listens.
 * Subscribe with `diagnostics_channel.subscribe("spillway:subscription:ended", (event) => …)`.
 *
 * @module
 */
import { channel } from "node:diagnostics_channel";

/** Every event names the subscription; the rest is in the row of its channel. */
export interface SubscriptionEvent {
  readonly subscriptionId: string;
  readonly clientName: string | undefined;
}

/** `spillway:subscription:started`: a subscription is live. */
export const started = channel("spillway:subscription:started");
/** `spillway:subscription:ended`: it is over; also `reason`, `detail`, `delivered`, `lost`. */
export const ended = channel("spillway:subscription:ended");
/** `spillway:subscription:stalled`: a write made no progress within the stall timeout. Once per episode. */
export const stalled = channel("spillway:subscription:stalled");
/** `spillway:subscription:unstalled`: that write finished after all; the episode is over. */
export const unstalled = channel("spillway:subscription:unstalled");
/** `spillway:subscription:slow`: its queue passed the high watermark. Once per episode. */
export const slow = channel("spillway:subscription:slow");
/** `spillway:subscription:recovered`: its queue is below the low watermark again; the episode is over. */
export const recovered = channel("spillway:subscription:recovered");
/** `spillway:subscription:escalated`: it went up or down a rung; also `rung` and `overflow`. */
export const escalated = channel("spillway:subscription:escalated");
/** `spillway:hook-error`: a hook of the application threw or rejected; `hook` and `error`. It was contained. */
export const hookError = channel("spillway:hook-error");
