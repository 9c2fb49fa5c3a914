/**
 * The public door: the engine, the gRPC server around it, and the client. Whoever wants less enters by
 * `spillway/fanout`, `spillway/grpc`, `spillway/client` or `spillway/queue`.
 *
 * @module
 */
export { type Clock, systemClock } from "./clock.ts";
export type {
  EvictionsPausedEvent,
  EvictionsResumedEvent,
  HookErrorEvent,
  HubEvent,
  SpillwayEvents,
  SubscriptionCaughtUpEvent,
  SubscriptionDroppedEvent,
  SubscriptionEndedEvent,
  SubscriptionEpisodeEvent,
  SubscriptionEscalatedEvent,
  SubscriptionEvent,
  SubscriptionSituationEvent,
  SubscriptionStartedEvent,
} from "./diagnostics.ts";
export { type ErrorCode, SpillwayError } from "./errors.ts";
export * from "./fanout/index.ts";
export * from "./protocol/index.ts";
export * from "./transport/grpc/client/index.ts";
export * from "./transport/grpc/index.ts";
