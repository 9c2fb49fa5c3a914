/**
 * The Node client, also as `spillway/client`: `connect(address).subscribe(patterns)`. Needs no hub.
 *
 * @module
 */

export type {
  BooksReport,
  Health,
  ListQuery,
  LiveState,
  Rates,
  StatsReport,
  SubscriptionReport,
} from "../admin/reports.ts";
export type { PreviousEnd, RemoteFrame, RemoteStartedFrame } from "../wire.ts";
export { AdminClient, type SubscriptionList } from "./admin-client.ts";
export type { BackoffOptions } from "./backoff.ts";
export type { CallOptions } from "./calls.ts";
export { Client, connect, type RemotePublishOptions } from "./client.ts";
export { type LonglivedOptions, LonglivedSubscription } from "./longlived-subscription.ts";
export type { ConnectOptions, KeepaliveOptions } from "./options.ts";
export { type MessageOptions, Publisher, type PublishSummary } from "./publisher.ts";
export { type RemoteSubscribeOptions, RemoteSubscription } from "./remote-subscription.ts";
export type { RemoteSubscriptionState, StateChange } from "./resubscribing.ts";
