/**
 * TUNE: turns text into options. A file, the environment and code are read, checked, merged and explained; nothing here
 * starts, serves or changes a hub.
 *
 *     file ─────────┐
 *     environment ──┼─► loadConfig ─► { config, origins } ─► new Hub(config.hub), serve(hub, config.server)
 *     code ─────────┘        ▲
 *                       watchConfig
 *
 * Everything is made from one schema: what is checked, the names of variables, the JSON Schema, the commented file of
 * defaults, and the page of documentation.
 *
 * @module
 */
export { defaultsFile } from "./defaults-file.ts";
export { effectiveConfig } from "./effective.ts";
export { CONFIG_VARIABLE } from "./environment.ts";
export {
  type ExplainedValue,
  type Explanation,
  explainConfig,
  inWords,
  toldApart,
  type Whom,
} from "./explain.ts";
export { jsonSchema } from "./json-schema.ts";
export { type ConfigSources, type LoadedConfig, loadConfig, type Origins } from "./load.ts";
export {
  type SubscriberMemory,
  type TopicMemory,
  type TotalMemory,
  type WorstCaseMemory,
  worstCaseMemory,
} from "./memory.ts";
export { ConfigError, type ConfigProblem } from "./problems.ts";
export { configurationReference } from "./reference.ts";
export { formatPath, type Origin, type Path } from "./said.ts";
export {
  type AdminConfig,
  type ChannelConfig,
  type FanoutConfig,
  LOG_LEVELS,
  type LogConfig,
  type LonglivedConfig,
  type MetricsConfig,
  type ServerConfig,
  type SpillwayConfig,
} from "./types.ts";
export { formatDuration, formatSize, parseDuration, parseSize, roundSize } from "./units.ts";
export { type ConfigWatch, type WatchOptions, watchConfig } from "./watch.ts";
