/**
 * Where `spillway serve` has its configuration from: flags before variables before the file.
 *
 * @module
 */
import { CONFIG_VARIABLE, type LoadedConfig, loadConfig, type SpillwayConfig } from "../config/index.ts";
import { RETENTION_DEFAULTS } from "../defaults.ts";
import { PRESETS, type PresetName } from "../fanout/index.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface Sources {
  /** `undefined`: there is none. */
  readonly file: string | undefined;
  /** Reads them all again. @throws ConfigError with everything that is wrong */
  readonly load: () => Promise<LoadedConfig>;
}

/**
 * @param file - what the flag says
 * @param flags - what the other flags say
 */
export function sourcesOf(
  file: string | undefined,
  flags: SpillwayConfig,
  environment: Environment = process.env,
): Sources {
  const path = file ?? (environment[CONFIG_VARIABLE] || undefined);
  const code = path === undefined ? retaining(flags, environment) : flags;
  return { file: path, load: () => loadConfig({ file: path, environment, code }) };
}

/**
 * A server that is started without a file retains something where nothing is said about it, so that whoever was away for
 * a moment misses nothing. A file says all there is to say.
 */
function retaining(flags: SpillwayConfig, environment: Environment): SpillwayConfig {
  const preset = flags.hub?.preset ?? (environment.SPILLWAY_HUB_PRESET as PresetName | undefined);
  const isSaid =
    flags.hub?.retention !== undefined ||
    Object.keys(environment).some((name) => name.startsWith("SPILLWAY_HUB_RETENTION")) ||
    (preset !== undefined && Object.hasOwn(PRESETS, preset) && "retention" in PRESETS[preset]);
  if (isSaid) return flags;
  const { messages, bytes } = RETENTION_DEFAULTS.sequential;
  return { ...flags, hub: { ...flags.hub, retention: { messages, bytes } } };
}
