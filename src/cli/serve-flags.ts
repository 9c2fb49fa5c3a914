/** The flags of `spillway serve`, and what they say as configuration. @module */
import type { Command } from "commander";
import type { LogConfig, SpillwayConfig } from "../config/index.ts";
import {
  OPERATIONS_DEFAULTS,
  RETENTION_DEFAULTS,
  SERVER_DEFAULTS,
  SUBSCRIBER_DEFAULTS,
} from "../defaults.ts";
import { PRESETS, type PresetName } from "../fanout/index.ts";
import { OVERFLOW_POLICIES, type OverflowPolicyName } from "../protocol/index.ts";
import { gatherPatterns, listenAddress, oneOf, overflowPolicy, wholeNumber } from "./arguments.ts";

const { queue } = SUBSCRIBER_DEFAULTS;
const { log } = OPERATIONS_DEFAULTS;
const { messages, bytes } = RETENTION_DEFAULTS.sequential;

export interface ServeFlags {
  readonly config?: string;
  readonly listen?: string;
  readonly metrics?: string;
  readonly admin?: true;
  readonly reflection?: true;
  readonly logLevel?: NonNullable<LogConfig["level"]>;
  readonly demo?: true;
  readonly preset?: PresetName;
  readonly overflow?: OverflowPolicyName;
  readonly allowBlock?: true;
  readonly retain?: number;
  readonly retainBytes?: number;
  readonly retainLatest?: readonly string[];
  readonly queueMessages?: number;
  readonly queueBytes?: number;
}

export function addServeFlags(command: Command): Command {
  return command
    .option("-c, --config <file>", "the configuration, in YAML or JSON (default: what SPILLWAY_CONFIG names)")
    .option(
      "-l, --listen <host:port>",
      `where to listen; port 0 is any free one (default: ${SERVER_DEFAULTS.listen})`,
      listenAddress,
    )
    .option("--metrics <host:port>", "serve metrics for Prometheus there, at /metrics", listenAddress)
    .option(
      "--admin",
      "serve the admin service, for spillway ls, stats and evict: to everybody who can connect",
    )
    .option(
      "--reflection",
      "answer gRPC reflection, with or without --admin (needs the package @grpc/reflection)",
    )
    .option(
      "--log-level <level>",
      `the least important lines that are logged: trace, debug, info, warn, error, fatal or silent (default: ${log.level})`,
    )
    .option(
      "--demo",
      "publish this machine's readings under host. and a text for every Longlived client, once a second",
    )
    .option(
      "-p, --preset <name>",
      "where nothing else is said: live-state (the latest per key), event-feed (bursts fit), audit-log (nothing " +
        "lost, 65536 messages retained per topic) or telemetry (small queues, the latest per key for who lags)",
      oneOf(Object.keys(PRESETS) as PresetName[]),
    )
    .option(
      "-o, --overflow <policy>",
      "what happens to a slow subscriber that asks for nothing else: drop-oldest, drop-newest, conflate, park, block " +
        `or evict (default: ${SUBSCRIBER_DEFAULTS.overflow})`,
      overflowPolicy,
    )
    .option("--allow-block", "grant the policy block, under which a subscriber slows down its publishers")
    .option(
      "--retain <n>",
      "messages retained per topic, for subscribers that come back, are parked, or start in the past; 0 is none " +
        `(default: ${messages} without --config, none with it)`,
      wholeNumber("messages", 0),
    )
    .option(
      "--retain-bytes <n>",
      `bytes retained per topic at most (default: ${bytes})`,
      wholeNumber("bytes", 1),
    )
    .option(
      "--retain-latest <pattern>",
      "topics that retain the latest message of every key instead; may be repeated",
      gatherPatterns,
    )
    .option(
      "--queue-messages <n>",
      `bound of each subscriber's queue in messages (default: the preset's, or ${queue.messages})`,
      wholeNumber("messages", 1),
    )
    .option(
      "--queue-bytes <n>",
      `bound of each subscriber's queue in bytes (default: the preset's, or ${queue.bytes})`,
      wholeNumber("bytes", 1),
    );
}

/** What the flags say, and nothing that they do not. */
export function configOf(flags: ServeFlags): SpillwayConfig {
  const { listen, metrics, admin, reflection, logLevel, preset, overflow, allowBlock } = flags;
  return withoutUnsaid({
    server: { listen },
    hub: {
      preset,
      overflow,
      allowedOverflow: allowBlock && OVERFLOW_POLICIES,
      queue: { messages: flags.queueMessages, bytes: flags.queueBytes },
      retention: flags.retain === 0 ? false : { messages: flags.retain, bytes: flags.retainBytes },
      topics: Object.fromEntries(
        (flags.retainLatest ?? []).map((pattern) => [pattern, { retention: { latestPerKey: true } }]),
      ),
    },
    metrics: { listen: metrics },
    admin: { enabled: admin, reflection },
    log: { level: logLevel },
  }) as SpillwayConfig;
}

/** Without what is `undefined`, and without maps that say nothing then. */
function withoutUnsaid(given: object): object {
  return Object.fromEntries(
    Object.entries(given)
      .map(([name, value]) => [name, isMap(value) ? withoutUnsaid(value) : value])
      .filter(([, value]) => value !== undefined && !(isMap(value) && Object.keys(value).length === 0)),
  );
}

function isMap(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
