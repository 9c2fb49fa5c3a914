/**
 * SHOW: what a hub does, for those who run it: its books as metrics, its events as lines. It reads and listens, and never
 * steers. The packages that it speaks to are optional, and imported by nobody who does not use them.
 *
 * @module
 */
export { type LogEventsOptions, type Logger, logEvents } from "./logs.ts";
export { openTelemetryMetrics } from "./opentelemetry.ts";
export {
  type MetricsServer,
  type ObservedHub,
  type ObservedHubs,
  prometheusMetrics,
  type ServeMetricsOptions,
  serveMetrics,
} from "./prometheus.ts";
