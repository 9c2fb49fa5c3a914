/**
 * `npm run bench -- --config FILE`: a configuration as it is, or several side by side, with clients of every kind.
 *
 * @module
 */
import { basename } from "node:path";
import { type LoadedConfig, loadConfig, type SpillwayConfig } from "../src/config/index.ts";
import { HUB_DEFAULTS } from "../src/defaults.ts";
import { CONFIG_RESULTS_SCHEMA, type ConfigResults, type Group, type Kind } from "./config-results.ts";
import { describeEnvironment, pinProcesses } from "./harness/index.ts";
import type { Environment } from "./results.ts";
import {
  type ConfigRunOptions,
  type ConfigTrialPlan,
  type CrowdOptions,
  crowdFor,
  effectiveOptions,
  type LoadOptions,
  loadFor,
  runConfigs,
} from "./scenarios/config/index.ts";

export interface ConfigurationsOptions
  extends CrowdOptions,
    LoadOptions,
    Pick<ConfigRunOptions, "signal" | "onTrial"> {
  readonly command: string;
  readonly trials: number;
  readonly seed: number;
  readonly onStart: (environment: Environment) => void;
}

/** All of them, or what is wrong with any. @throws ConfigError of the first that is wrong, or an AggregateError of them */
export async function loadAll(files: readonly string[]): Promise<readonly LoadedConfig[]> {
  const loaded = await Promise.allSettled(
    files.map((file) => loadConfig({ file, environment: process.env })),
  );
  const errors = loaded.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  if (errors.length > 0) throw new AggregateError(errors);
  return loaded.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}

/** Everything that is the same for all of them. */
export interface Comparison {
  readonly load: ConfigResults["load"];
  readonly groups: readonly Group[];
  readonly kinds: readonly Kind[];
}

/** @throws RangeError when one of them would refuse this load or these clients */
export function compareUnder(
  loaded: readonly LoadedConfig[],
  options: CrowdOptions & LoadOptions,
): Comparison {
  const crowd = crowdFor(
    loaded.map(({ config }) => config.hub ?? {}),
    options,
  );
  const load = loadFor(crowd.topics, options);
  const kinds = crowd.kinds(load.rate);
  const clients = kinds.reduce((sum, { subscribers }) => sum + subscribers, 0);
  for (const { config, file = "" } of loaded) checkFits(config, file, load, clients);
  return { load, groups: crowd.groups, kinds };
}

/** Largest name of a key, and what else may be beside the payload. */
const MESSAGE_MARGIN = 32;

function checkFits(
  { hub = {}, server = {} }: SpillwayConfig,
  file: string,
  { payloadBytes }: Comparison["load"],
  clients: number,
): void {
  const { maxMessageBytes, maxSubscriptions } = { ...HUB_DEFAULTS, ...hub };
  if (payloadBytes + MESSAGE_MARGIN > maxMessageBytes) {
    throw new RangeError(
      `messages of ${payloadBytes} bytes, and their keys, exceed hub.maxMessageBytes of ${file}, which is ${maxMessageBytes}: give a smaller --size`,
    );
  }
  if (clients > maxSubscriptions) {
    throw new RangeError(
      `${clients} clients exceed hub.maxSubscriptions of ${file}, which is ${maxSubscriptions}: give fewer --subscribers`,
    );
  }
  if (server.fanout === false) {
    throw new RangeError(`the clients use spillway.v1.Fanout, which ${file} leaves out with server.fanout`);
  }
}

/** What was measured; after an abort, that is what had been measured by then. */
export async function runConfigurations(
  loaded: readonly LoadedConfig[],
  options: ConfigurationsOptions,
): Promise<ConfigResults> {
  const { command, trials, seed, signal, onTrial } = options;
  const startedAt = new Date();
  const comparison = compareUnder(loaded, options);
  const pinning = pinProcesses();
  const environment = describeEnvironment(pinning);
  options.onStart(environment);
  const plans = loaded.map(({ config }): ConfigTrialPlan => ({ config, ...comparison }));
  const measured = await runConfigs(plans, { trials, seed, pinning, signal, onTrial });
  return {
    schema: CONFIG_RESULTS_SCHEMA,
    about: "configurations",
    environment,
    command,
    seed,
    startedAt: startedAt.toISOString(),
    seconds: (Date.now() - startedAt.getTime()) / 1_000,
    ...comparison,
    configs: loaded.map(({ config, file = "" }, index) => ({
      letter: letterOf(index),
      file: basename(file),
      effective: effectiveOptions(config),
      trials: measured[index]!,
    })),
  };
}

/** `A`, `B`, … `Z`, `A2`, … */
export function letterOf(index: number): string {
  const round = Math.floor(index / 26);
  return `${String.fromCharCode(65 + (index % 26))}${round === 0 ? "" : round + 1}`;
}
