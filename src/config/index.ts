/**
 * TUNE: turns text into options. A file, the environment and code are read, checked and merged; nothing here
 * starts, serves or watches a hub.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { LoadedConfig } from "./load.ts";
import type { SpillwayConfig } from "./types.ts";

export { CONFIG_VARIABLE } from "./environment.ts";
export { type ConfigSources, type LoadedConfig, loadConfig, type Origins } from "./load.ts";
export { ConfigError, type ConfigProblem } from "./problems.ts";
export type { Origin, Path } from "./said.ts";
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

/** One value as it counts, and why. */
export interface ExplainedValue {
  /** As in the file, without its level: `queue.bytes`, `retention`; of other sections `server.listen`. */
  readonly option: string;
  /** In the file's units: `1MiB`, `[{when: {stalledFor: 60s}, policy: evict}]`. */
  readonly value: string;
  /** `default`, `hub.queue.bytes (spillway.yaml:12:5)`, `hub.preset = live-state (SPILLWAY_HUB_PRESET)`. */
  readonly origin: string;
}

/** Who is asked about. No patterns: a subscription that no topic pattern covers. */
export interface Whom {
  /** The topic, or the patterns of a subscription. */
  readonly patterns: readonly string[];
  readonly className?: string | undefined;
}

export interface Explanation extends Whom {
  /** How the subscription is treated. */
  readonly subscriber: readonly ExplainedValue[];
  /** How the topic is treated. */
  readonly topic: readonly ExplainedValue[];
  /** What is the same for all of the hub. */
  readonly hub: readonly ExplainedValue[];
  /** The sections server, metrics, admin and log. */
  readonly rest: readonly ExplainedValue[];
}

/** @throws RangeError when there is no such class; SpillwayError `PATTERN_INVALID` */
export declare function explainConfig(loaded: LoadedConfig, whom: Whom): Explanation;

/** Everybody that the configuration tells apart: each topic pattern and none, with each class and none. */
export declare function toldApart(config: SpillwayConfig): readonly Whom[];

/** In bytes. */
export interface SubscriberMemory extends Whom {
  /** One subscriber that asks for nothing, with its queue full and a batch in flight. */
  readonly standard: number;
  /** One that asked for all that it may have. */
  readonly most: number;
}

export interface TopicMemory {
  /** `undefined`: any topic that no pattern matches. */
  readonly pattern: string | undefined;
  /** What one topic retains at most, in bytes. */
  readonly retained: number;
}

export interface WorstCaseMemory {
  readonly subscribers: readonly SubscriberMemory[];
  readonly topics: readonly TopicMemory[];
  /** In bytes. */
  readonly total: {
    /** `maxSubscriptions` times the largest of `subscribers`. */
    readonly standard: number;
    readonly most: number;
    /** `maxTopics`, of which those named count once. */
    readonly retained: number;
  };
  /** What the figures take for granted, and what they leave out: a sentence each. */
  readonly notes: readonly string[];
}

export declare function worstCaseMemory(config: SpillwayConfig): WorstCaseMemory;

/** With every value filled in, in the file's names and units: for people to read. */
export declare function effectiveConfig(config: SpillwayConfig): Record<string, unknown>;

/** A commented YAML file with every option at its default; loading it changes nothing. */
export declare function defaultsFile(): string;

/** Of the file: JSON Schema, draft 2020-12. */
export declare function jsonSchema(): Record<string, unknown>;

/** `docs/configuration.md`. */
export declare function configurationReference(): string;

export interface WatchOptions {
  /** The file has changed, or `reload()` was called, and what it says is right. Awaited before the next reload. */
  readonly onChange: (loaded: LoadedConfig) => void | Promise<void>;
  /** What was loaded is wrong, or `onChange` threw. Once for each content of the file. */
  readonly onError: (error: unknown) => void;
  /** How often the file is looked at. @default 1_000 */
  readonly intervalMs?: number;
  readonly clock?: Clock;
}

export interface ConfigWatch {
  /** Loads now, changed or not; for SIGHUP. Resolves when its outcome has been told. */
  reload(): Promise<void>;
  stop(): void;
}

/** Looks at the file every so often, through symbolic links, and loads it when its content has changed. */
export declare function watchConfig(
  load: () => Promise<LoadedConfig>,
  file: string,
  options: WatchOptions,
): ConfigWatch;
