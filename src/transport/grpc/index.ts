/**
 * MOVE, over gRPC: a hub as a server.
 *
 * `serve` is the whole of it; `fanoutService`, `longlivedService` and `fanoutMethod` are for servers of one's own.
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
} from "./admin/reports.ts";
export { type AdminServiceOptions, adminService } from "./admin/service.ts";
export { type Contracts, loadContracts } from "./contracts.ts";
export type { DeliveryOptions } from "./delivery-options.ts";
export {
  type ControlFrame,
  type FanoutMethod,
  type FanoutMethodOptions,
  type FanoutTerms,
  fanoutMethod,
  type Subscriber,
} from "./fanout-method.ts";
export { type FanoutServiceOptions, fanoutService, type GrpcService } from "./fanout-service.ts";
export { type LonglivedServiceOptions, longlivedService } from "./longlived-service.ts";
export { type ServeOptions, type SpillwayServer, serve } from "./server.ts";
export { type ReceivedStatus, readStatus } from "./status.ts";
