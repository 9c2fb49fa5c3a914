/**
 * `npm run bench -- --config FILE`: a configuration as it is, or several side by side, with clients of every kind.
 *
 * @module
 */
import { basename } from "node:path";
import { type LoadedConfig, loadConfig, type SpillwayConfig } from "../src/config/index.ts";
import { HUB_DEFAULTS } from "../src/defaults.ts";
import {
  CONFIG_RESULTS_SCHEMA,
  type ConfigLoad,
  type ConfigResults,
  type ConfigTrial,
  type Group,
  type Kind,
  type MeasuredConfig,
} from "./config-results.ts";
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
  optionsFor,
  runConfigs,
} from "./scenarios/config/index.ts";

/** Reads the files, and what the environment says beside them. @throws AggregateError of all that is wrong */
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
  readonly load: ConfigLoad;
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
  { payloadBytes }: ConfigLoad,
  clients: number,
): void {
  const { maxMessageBytes, maxSubscriptions } = { ...HUB_DEFAULTS, ...hub };
  if (payloadBytes + MESSAGE_MARGIN > maxMessageBytes) {
    throw new RangeError(
      `messages of ${payloadBytes} bytes, and their keys, exceed hub.maxMessageBytes of ${file}, which is ` +
        `${maxMessageBytes}: give a smaller --size`,
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

export interface ConfigurationsOptions
  extends Pick<ConfigRunOptions, "trials" | "seed" | "signal" | "onTrial"> {
  readonly command: string;
  readonly onStart: (environment: Environment) => void;
}

/** What was measured; after an abort, that is what had been measured by then. */
export async function runConfigurations(
  loaded: readonly LoadedConfig[],
  comparison: Comparison,
  { command, trials, seed, signal, onTrial, onStart }: ConfigurationsOptions,
): Promise<ConfigResults> {
  const startedAt = new Date();
  const pinning = pinProcesses();
  const environment = describeEnvironment(pinning);
  onStart(environment);
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
    configs: loaded.map((one, index) => measuredConfig(one, letterOf(index), measured[index]!, comparison)),
  };
}

function measuredConfig(
  loaded: LoadedConfig,
  letter: string,
  trials: readonly ConfigTrial[],
  { groups, kinds }: Comparison,
): MeasuredConfig {
  // The class that the server really put them in.
  const classOf = (group: string) => {
    const own = kinds.filter((kind) => kind.group === group);
    return trials.flatMap((trial) => own.flatMap(({ id }) => trial.kinds[id]?.treatment ?? []))[0]?.class;
  };
  return {
    letter,
    file: basename(loaded.file ?? ""),
    effective: effectiveOptions(loaded.config),
    counting: Object.fromEntries(
      groups.map(({ name, topic }) => [name, optionsFor(loaded, topic, classOf(name))]),
    ),
    trials,
  };
}

/** `A`, `B`, … `Z`, `A2`, … */
export function letterOf(index: number): string {
  const round = Math.floor(index / 26);
  return `${String.fromCharCode(65 + (index % 26))}${round === 0 ? "" : round + 1}`;
}
