/**
 * The door for those who use Prometheus. `prom-client` is optional: it is imported only when a registry has to be made,
 * and never to enter here.
 *
 * @module
 */
export type { ObservedHub, ObservedHubs } from "./observed-hubs.ts";
export { prometheusMetrics } from "./prometheus-metrics.ts";
export { type MetricsServer, type ServeMetricsOptions, serveMetrics } from "./serve-metrics.ts";
