/**
 * The messages of `spillway.v1.Admin` as TypeScript sees them after loading; see `../contracts.ts`, and the `.proto`
 * file for their meaning.
 *
 * @module
 */
import type { Uint64, WireEnum, WirePosition, WireQueueBounds } from "../contracts.ts";

export interface WireListSubscriptionsRequest {
  readonly health?: readonly WireEnum[];
  readonly states?: readonly WireEnum[];
  readonly class?: string;
  readonly clientNamePrefix?: string;
  readonly topicPattern?: string;
  readonly idPrefix?: string;
  readonly limit?: number;
  readonly windowMs?: number;
}

export interface WireListSubscriptionsResponse {
  readonly subscriptions?: readonly WireSubscription[];
  readonly total?: Uint64;
}

export interface WireSubscription {
  readonly id?: string;
  readonly clientName?: string;
  readonly identity?: string;
  readonly class?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly patterns?: readonly string[];
  readonly peer?: string;
  readonly startedAtUs?: Uint64;
  readonly health?: WireEnum;
  readonly state?: WireEnum;
  readonly delivery?: WireEnum;
  readonly slow?: boolean;
  readonly overflow?: WireEnum;
  readonly rung?: number;
  readonly capacity?: WireQueueBounds | null;
  readonly queuedBytes?: Uint64;
  readonly peak?: WireQueueBounds | null;
  readonly inFlightBytes?: Uint64;
  readonly writeAgeMs?: Uint64;
  readonly lagMs?: Uint64;
  readonly books?: WireBooks | null;
  readonly deliveredBytes?: Uint64;
  readonly batches?: Uint64;
  readonly gaps?: Uint64;
  readonly stalls?: Uint64;
  readonly position?: WirePosition | null;
  readonly rates?: WireRates | null;
}

export interface WireBooks {
  readonly matched?: Uint64;
  readonly delivered?: Uint64;
  readonly dropped?: WireLosses | null;
  readonly conflated?: Uint64;
  readonly expired?: Uint64;
  readonly queued?: Uint64;
  readonly inFlight?: Uint64;
  readonly discardedAtClose?: Uint64;
}

export interface WireLosses {
  readonly overflow?: Uint64;
  readonly oversize?: Uint64;
  readonly renderFailed?: Uint64;
  readonly filterFailed?: Uint64;
}

export interface WireRates {
  readonly windowMs?: number;
  readonly matched?: number;
  readonly delivered?: number;
  readonly lost?: number;
  readonly conflated?: number;
}

export interface WireGetStatsRequest {
  readonly windowMs?: number;
}

export interface WireGetStatsResponse {
  readonly stats?: WireHubStats | null;
  readonly rates?: WireRates | null;
  readonly publishedRate?: number;
}

export interface WireHubStats {
  readonly position?: WirePosition | null;
  readonly published?: Uint64;
  readonly publishedBytes?: Uint64;
  readonly topics?: Uint64;
  readonly subscriptions?: WireSubscriptionCounts | null;
  readonly ended?: Readonly<Record<string, Uint64>>;
  readonly books?: WireBooks | null;
  readonly queuedBytes?: Uint64;
  readonly inFlightBytes?: Uint64;
  readonly deliveredBytes?: Uint64;
  readonly batches?: Uint64;
}

export interface WireSubscriptionCounts {
  readonly live?: Uint64;
  readonly catchingUp?: Uint64;
  readonly parked?: Uint64;
  readonly draining?: Uint64;
  readonly stalled?: Uint64;
}

export interface WireEvictRequest {
  readonly id?: string;
  readonly detail?: string;
}

export interface WireEvictResponse {
  readonly subscription?: WireSubscription | null;
}

export type WireGetConfigRequest = Readonly<Record<string, never>>;

export interface WireGetConfigResponse {
  readonly config?: string;
}
