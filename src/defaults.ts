/**
 * Every default of Spillway, in one place. What each option means is said where the option is declared.
 *
 * A leaf: plain values that nobody changes.
 *
 * @module
 */

const MIB = 1024 * 1024;

/** The options of a hub that can differ by topic and by class of subscribers. */
export const SUBSCRIBER_DEFAULTS = {
  overflow: "drop-oldest",
  /** All that slow down nobody but the subscriber who asks for them. */
  allowedOverflow: ["drop-oldest", "drop-newest", "conflate", "evict", "park"],
  queue: { messages: 1024, bytes: MIB },
  maxQueue: { messages: 65_536, bytes: 16 * MIB },
  maxAgeMs: Number.POSITIVE_INFINITY,
  escalation: [{ when: { stalledForMs: 60_000 }, policy: "evict" }],
  recoveryMs: 5_000,
  newcomerGraceMs: 5_000,
  watermarks: { high: 0.75, low: 0.5 },
  stallTimeoutMs: 5_000,
  minBytesPerSecond: 1024,
  blockTimeoutMs: 5_000,
  progressIntervalMs: 10_000,
  batch: { frames: 1024, bytes: 32 * 1024 },
  priority: 0,
} as const;

/** The other options of a hub. */
export const HUB_DEFAULTS = {
  retention: false,
  lingerMs: 0,
  maxMessageBytes: MIB,
  maxSubscriptions: 100_000,
  maxTopics: 100_000,
  historyLoads: { concurrency: 8, timeoutMs: 10_000, pageMessages: 256 },
  massSlowShare: 0.5,
  retryDelayMs: 1_000,
  flush: { sliceMs: 5, batches: 200 },
  interestDebounceMs: 1_000,
  lastOffset: 0,
  /** Of `close()`, and of a server that closes its hub. */
  drainTimeoutMs: 5_000,
} as const;

/** What a `retention` says about messages that it retains in order, and about those that it retains by key. */
export const RETENTION_DEFAULTS = {
  sequential: { messages: 1024, bytes: MIB, ageMs: Number.POSITIVE_INFINITY },
  compacted: { keys: 10_000, tombstoneAgeMs: 3_600_000 },
} as const;

/** The options of a gRPC server. */
export const SERVER_DEFAULTS = {
  listen: "127.0.0.1:7070",
  keepaliveTimeMs: 20_000,
  keepaliveTimeoutMs: 8_000,
  drainTimeoutMs: HUB_DEFAULTS.drainTimeoutMs,
  endGraceMs: 2_000,
  batching: "auto",
  longlived: { topic: "longlived", onDuplicate: "replace" },
} as const;

/** What an operator who does not say gets from `spillway.v1.Admin`. */
export const ADMIN_DEFAULTS = {
  limit: 100,
  windowMs: 1_000,
} as const;

/** The options of the service `spillway.v1.Admin`. */
export const ADMIN_SERVICE_DEFAULTS = {
  maxCalls: 8,
} as const;

/** The options of the Node client. */
export const CLIENT_DEFAULTS = {
  keepalive: { timeMs: 20_000, timeoutMs: 8_000 },
  backoff: { baseMs: 200, capMs: 20_000, resetAfterMs: 10_000 },
  connectTimeoutMs: 10_000,
  callTimeoutMs: 10_000,
  waitForServer: true,
} as const;

/** What only a configuration file and the command have: the optional parts of a server. */
export const OPERATIONS_DEFAULTS = {
  /** No metrics are served where nobody says where. */
  metrics: { listen: undefined },
  admin: { enabled: false, reflection: false },
  log: { level: "info" },
} as const;

/** The options of `logEvents()`. */
export const LOG_DEFAULTS = { mostLines: 10, intervalMs: 10_000 } as const;

/** Of a configuration file that is watched. */
export const CONFIG_DEFAULTS = {
  watchIntervalMs: 1_000,
} as const;
