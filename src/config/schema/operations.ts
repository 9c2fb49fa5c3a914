/** The sections that only a configuration and the command have: how a running server is looked at. @module */
import { section } from "../structures.ts";
import { type AdminConfig, LOG_LEVELS, type LogConfig, type MetricsConfig } from "../types.ts";
import { address, flag, oneOf } from "../values.ts";

export const metricsSchema = section<MetricsConfig>(
  { listen: address("Where they are served, as `HOST:PORT`, at `/metrics`.") },
  "Metrics for Prometheus. They are served nowhere unless it is said where.",
);

export const adminSchema = section<AdminConfig>(
  {
    enabled: flag(
      "Whether the server has the admin service: who is subscribed, how they do, and a way to evict them.",
    ),
    reflection: flag("Whether the server tells its services by gRPC reflection."),
  },
  "The admin service. It is for operators: do not enable it where strangers can connect.",
);

export const logSchema = section<LogConfig>(
  { level: oneOf(LOG_LEVELS, "The least important lines that are still logged.") },
  "The log of the command.",
);
