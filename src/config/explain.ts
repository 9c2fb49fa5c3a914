/**
 * Says of every option what counts for somebody, and where that was said.
 *
 * @module
 */
import { stringify } from "yaml";
import { z } from "zod";
import { checkPattern, type ExplainedOption, explainOptions } from "../fanout/index.ts";
import { namedInFile } from "./file-names.ts";
import type { LoadedConfig, Origins } from "./load.ts";
import { suggestion } from "./nearest.ts";
import { formatPath, type Path, valueAt } from "./said.ts";
import { configSchema } from "./schema/index.ts";
import { type Settled, settled } from "./settled.ts";
import type { SpillwayConfig } from "./types.ts";

/** One value as it counts, and why. */
export interface ExplainedValue {
  /** As in the file: `queue.bytes` of a topic or subscriber, `hub.maxTopics` and `server.listen` of the rest. */
  readonly option: string;
  /** In the file's units: `1MiB`, `[ { when: { stalledFor: 60s }, policy: evict } ]`. */
  readonly value: string;
  /**
   * `default`, or what says it and where: `hub.queue.bytes (spillway.yaml:12:5)`, `hub.preset = live-state
   * (SPILLWAY_HUB_PRESET)`.
   */
  readonly origin: string;
}

/** Whom to ask about. */
export interface Whom {
  /** The topic, or the patterns of a subscription. None: what no pattern of the configuration but `>` covers. */
  readonly patterns: readonly string[];
  readonly className?: string | undefined;
}

export interface Explanation extends Whom {
  /** How a subscription that asks for nothing is treated. */
  readonly subscriber: readonly ExplainedValue[];
  /** How the topic is treated. */
  readonly topic: readonly ExplainedValue[];
  /** What is the same for all: the rest of the hub, and the other sections. */
  readonly common: readonly ExplainedValue[];
}

/**
 * Says of every option what counts, and where that was said.
 *
 * @throws RangeError when the configuration has no such class; SpillwayError `PATTERN_INVALID`
 */
export function explainConfig({ config, origins }: LoadedConfig, whom: Whom): Explanation {
  const { patterns, className } = whom;
  for (const pattern of patterns) checkPattern(pattern);
  checkClass(config, className);
  const { subscriber, topic } = explainOptions(config.hub ?? {}, patterns, className);
  // Any class and any pattern will do for the names: a class alone has all options of a subscriber.
  const tell = (place: readonly string[]) => (option: ExplainedOption) =>
    explainOption(option, [...place, ...option.path], config, origins);
  return {
    ...whom,
    subscriber: subscriber.map(tell(["hub", "classes", "any"])),
    topic: topic.map(tell(["hub", "topics", ">"])),
    common: [...settled(z.encode(configSchema, config))].map((option) => explainSettled(option, origins)),
  };
}

/** Everybody that the configuration tells apart: those of no pattern and of each, in no class and in each. */
export function toldApart({ hub }: SpillwayConfig): readonly Whom[] {
  const patterns = [[], ...Object.keys(hub?.topics ?? {}).map((pattern) => [pattern])];
  const classes = [undefined, ...Object.keys(hub?.classes ?? {})];
  return patterns.flatMap((of) => classes.map((className) => ({ patterns: of, className })));
}

function checkClass({ hub }: SpillwayConfig, className: string | undefined): void {
  const known = Object.keys(hub?.classes ?? {});
  if (className === undefined || known.includes(className)) return;
  const hint = known.length === 0 ? "the configuration has none" : suggestion(className, known);
  throw new RangeError(`expected a class of the configuration, got ${JSON.stringify(className)}: ${hint}`);
}

function explainOption(
  { value, said }: ExplainedOption,
  codePath: readonly string[],
  config: SpillwayConfig,
  origins: Origins,
): ExplainedValue {
  const { path, schema } = namedInFile(codePath);
  const from = said && namedInFile(["hub", ...said]).path;
  return {
    option: formatPath(path.slice(3)),
    value:
      value === undefined || schema === undefined ? "as the topic says" : inWords(z.encode(schema, value)),
    origin: from === undefined ? "default" : originOf(from, origins, presetAt(config, said)),
  };
}

function presetAt({ hub }: SpillwayConfig, said: readonly string[] = []): string | undefined {
  return said.at(-1) === "preset" ? String(valueAt(hub, said)) : undefined;
}

function explainSettled({ path, value, from }: Settled, origins: Origins): ExplainedValue {
  return {
    option: formatPath(path),
    value: value === undefined ? "none" : inWords(value),
    origin: from === undefined ? "default" : originOf(from, origins),
  };
}

function originOf(path: Path, origins: Origins, preset?: string): string {
  const where = origins.of(path)?.text ?? "code";
  return `${formatPath(path)}${preset === undefined ? "" : ` = ${preset}`} (${where})`;
}

/** As one would write it in the file, on one line. */
export function inWords(value: unknown): string {
  return typeof value === "string"
    ? value
    : stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trimEnd();
}
