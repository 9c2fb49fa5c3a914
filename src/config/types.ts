/**
 * What a configuration says, as code sees it: plain numbers, with their units in the names. What each option means is
 * said where it is declared; the file's names and units are in `schema.ts`.
 *
 * @module
 */
import type { HubConfig } from "../fanout/index.ts";
import type { FanoutServiceOptions, LonglivedServiceOptions, ServeOptions } from "../transport/grpc/index.ts";

export interface SpillwayConfig {
  /** For `serve(hub, config.server)`. */
  readonly server?: ServerConfig;
  /** For `new Hub(config.hub)` and `hub.reconfigure(config.hub)`. */
  readonly hub?: HubConfig;
  readonly metrics?: MetricsConfig;
  readonly admin?: AdminConfig;
  readonly log?: LogConfig;
}

/** The options of `serve()` that are plain data; `admin` and `reflection` have a section of their own. */
export interface ServerConfig
  extends Omit<
    ServeOptions,
    "credentials" | "services" | "clock" | "longlived" | "fanout" | "channelOptions" | "admin" | "reflection"
  > {
  readonly longlived?: LonglivedConfig | false;
  readonly fanout?: FanoutConfig | false;
  readonly channelOptions?: ChannelConfig;
}

export type LonglivedConfig = Omit<LonglivedServiceOptions, "render" | "onGap" | "clock">;

export type FanoutConfig = Omit<FanoutServiceOptions, "clock">;

/** The options of grpc-js that bound what one connection may cost; the others are left to code. */
export type ChannelConfig = Pick<
  NonNullable<ServeOptions["channelOptions"]>,
  | "grpc.max_concurrent_streams"
  | "grpc.max_connection_age_ms"
  | "grpc.max_connection_age_grace_ms"
  | "grpc.max_connection_idle_ms"
  | "grpc.max_receive_message_length"
  | "grpc.max_send_message_length"
  | "grpc-node.max_session_memory"
  | "grpc.enable_channelz"
>;

export interface MetricsConfig {
  /**
   * `HOST:PORT` where metrics are served for Prometheus, at `/metrics`.
   *
   * @default nowhere
   */
  readonly listen?: string;
}

export interface AdminConfig {
  /**
   * Whether the server has the admin service.
   *
   * @default false
   */
  readonly enabled?: boolean;
  /**
   * Whether the server answers gRPC reflection.
   *
   * @default false
   */
  readonly reflection?: boolean;
}

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export interface LogConfig {
  /**
   * The least important lines that are still logged.
   *
   * @default "info"
   */
  readonly level?: (typeof LOG_LEVELS)[number];
}
