/**
 * SHOW: a hub's books as metrics. Reads the hub, and never steers it. The packages that it speaks to are optional, and
 * imported by nobody who does not use them.
 *
 * @module
 */
export { openTelemetryMetrics } from "./opentelemetry.ts";
export {
  type MetricsServer,
  type ObservedHub,
  type ObservedHubs,
  prometheusMetrics,
  type ServeMetricsOptions,
  serveMetrics,
} from "./prometheus.ts";
