/**
 * The wire contracts, loaded once per process from the `.proto` files of this package, and their messages as
 * TypeScript sees them after loading: camel case, 64-bit numbers as decimal strings (a JavaScript number cannot
 * hold all of them), enums by name, bytes as `Buffer`. What is written may leave out any field and may give
 * 64-bit numbers as safe integers.
 *
 * @module
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { MethodDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** How one message type is written to and read from bytes. */
export interface MessageCodec<T> {
  serialize(message: T): Buffer;
  deserialize(bytes: Buffer): T;
}

/** A 64-bit number: read as a decimal string, written as that or as a safe integer. */
export type Uint64 = string | number;

// protos.Longlived

export interface LonglivedRequest {
  readonly id?: number;
}

export interface LonglivedResponse {
  readonly data?: string;
}

// spillway.v1.Fanout

export interface WirePosition {
  readonly epoch?: string;
  readonly offset?: Uint64;
}

export interface WireQueueBounds {
  readonly messages?: number;
  readonly bytes?: Uint64;
}

export interface WireFilter {
  readonly keys?: readonly string[];
  readonly keyPrefixes?: readonly string[];
}

/** The name of an enum value; a number when this side does not know the name. */
export type WireEnum = string | number;

/** `google.protobuf.Empty`: that it is there says all. */
export type WireEmpty = Readonly<Record<string, never>>;

export interface WireSubscribeRequest {
  readonly patterns?: readonly string[];
  /** Names the one of the next five that is set. */
  readonly start?: "position" | "oldest" | "newest" | "sinceUs" | "snapshot";
  readonly position?: WirePosition | null;
  readonly oldest?: WireEmpty | null;
  readonly newest?: number;
  readonly sinceUs?: Uint64;
  readonly snapshot?: WireEmpty | null;
  readonly overflow?: WireEnum;
  readonly queue?: WireQueueBounds | null;
  readonly filter?: WireFilter | null;
  readonly clientName?: string;
  readonly maxAgeMs?: Uint64;
  readonly previousSubscriptionId?: string;
  readonly minIntervalMs?: Uint64;
  readonly lingerMs?: Uint64;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface WireStarted {
  readonly subscriptionId?: string;
  readonly position?: WirePosition | null;
  readonly overflow?: WireEnum;
  readonly queue?: WireQueueBounds | null;
  readonly previousEnd?: WirePreviousEnd | null;
  readonly bounded?: readonly string[];
  readonly maxAgeMs?: Uint64;
  readonly class?: string;
}

export interface WirePreviousEnd {
  readonly reason?: string;
  readonly offset?: Uint64;
  readonly lost?: Uint64;
}

export interface WireMessage {
  readonly topic?: string | undefined;
  readonly offset?: Uint64;
  readonly previousOffset?: Uint64;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly publishedAtUs?: Uint64;
  readonly payload?: Uint8Array;
  readonly tombstone?: boolean;
}

export interface WireGap {
  readonly topic?: string | undefined;
  readonly from?: Uint64;
  readonly to?: Uint64;
  readonly count?: Uint64 | undefined;
  readonly reason?: WireEnum;
}

export interface WireProgress {
  readonly position?: WirePosition | null;
  readonly conflated?: Uint64;
}

export interface WireState {
  readonly state?: WireEnum;
  readonly overflow?: WireEnum;
  readonly rung?: number;
}

/** `frame` names the one field that is set; it is absent for a kind of frame that this side does not know. */
export interface WireSubscribeResponse {
  readonly frame?: "started" | "message" | "gap" | "progress" | "state";
  readonly started?: WireStarted;
  readonly message?: WireMessage;
  readonly gap?: WireGap;
  readonly progress?: WireProgress;
  readonly state?: WireState;
}

export interface WirePublishRequest {
  readonly topic?: string | undefined;
  readonly payload?: Uint8Array;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly tombstone?: boolean;
  readonly ttlMs?: Uint64;
}

export interface WirePublishResponse {
  readonly position?: WirePosition | null;
}

export interface WirePublishAck {
  readonly epoch?: string;
  readonly offsets?: readonly Uint64[];
}

// spillway.v1.Admin

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
  readonly replayed?: Uint64;
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
  readonly slow?: Uint64;
  readonly worstLagMs?: Uint64;
  readonly retained?: WireRetained | null;
  readonly replayed?: Uint64;
  readonly evictionBrake?: WireEnum;
  readonly evictionsHeldBack?: Uint64;
  readonly refusedPublishes?: Readonly<Record<string, Uint64>>;
  readonly refusedSubscriptions?: Readonly<Record<string, Uint64>>;
}

export interface WireRetained {
  readonly messages?: Uint64;
  readonly bytes?: Uint64;
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

// google.rpc

/** `google.protobuf.Any`; its fields keep the names of the `.proto` file, whatever the loader is told. */
export interface WireAny {
  readonly type_url?: string;
  readonly value?: Uint8Array;
}

export interface RpcStatus {
  readonly code?: number;
  readonly message?: string;
  readonly details?: readonly WireAny[];
}

export interface RpcErrorInfo {
  readonly reason?: string;
  readonly domain?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface RpcRetryInfo {
  readonly retryDelay?: { readonly seconds?: Uint64; readonly nanos?: number } | null;
}

/** Services by method, spelled as in the contract, ready for `server.addService` and for a client. */
export interface Contracts {
  readonly longlived: {
    readonly Subscribe: MethodDefinition<LonglivedRequest, LonglivedResponse>;
    readonly Unsubscribe: MethodDefinition<LonglivedRequest, LonglivedResponse>;
  };
  readonly fanout: {
    readonly Subscribe: MethodDefinition<WireSubscribeRequest, WireSubscribeResponse>;
    readonly Publish: MethodDefinition<WirePublishRequest, WirePublishResponse>;
    readonly PublishStream: MethodDefinition<WirePublishRequest, WirePublishAck>;
  };
  readonly admin: {
    readonly ListSubscriptions: MethodDefinition<WireListSubscriptionsRequest, WireListSubscriptionsResponse>;
    readonly GetStats: MethodDefinition<WireGetStatsRequest, WireGetStatsResponse>;
    readonly Evict: MethodDefinition<WireEvictRequest, WireEvictResponse>;
    readonly GetConfig: MethodDefinition<WireGetConfigRequest, WireGetConfigResponse>;
  };
  readonly rpc: {
    readonly status: MessageCodec<RpcStatus>;
    readonly errorInfo: MessageCodec<RpcErrorInfo>;
    readonly retryInfo: MessageCodec<RpcRetryInfo>;
  };
}

let loaded: Contracts | undefined;

/**
 * The contracts. The first call reads a few small files, synchronously.
 *
 * @throws Error when the `proto/` folder of this package is missing.
 */
export function loadContracts(): Contracts {
  loaded ??= load();
  return loaded;
}

const PROTO_FILES = [
  "longlived.proto",
  "spillway/v1/fanout.proto",
  "spillway/v1/admin.proto",
  "google/rpc/status.proto",
];

/** Where the `.proto` files of this package are, for their imports. */
export function protoFolder(): string {
  // By the name of this package, so that it works from a checkout, from dist/ and from node_modules alike.
  return dirname(fileURLToPath(import.meta.resolve("spillway/proto/longlived.proto")));
}

function load(): Contracts {
  const definitions: Record<string, unknown> = loadSync(PROTO_FILES, {
    includeDirs: [protoFolder()],
    keepCase: false,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
    // Unset, the loader gives Buffers.
  });
  // The loader knows no types of ours; the interfaces above are them, and contracts.test.ts holds them to it.
  return {
    longlived: definitions["protos.Longlived"] as Contracts["longlived"],
    fanout: definitions["spillway.v1.Fanout"] as Contracts["fanout"],
    admin: definitions["spillway.v1.Admin"] as Contracts["admin"],
    rpc: {
      status: definitions["google.rpc.Status"] as MessageCodec<RpcStatus>,
      errorInfo: definitions["google.rpc.ErrorInfo"] as MessageCodec<RpcErrorInfo>,
      retryInfo: definitions["google.rpc.RetryInfo"] as MessageCodec<RpcRetryInfo>,
    },
  };
}
