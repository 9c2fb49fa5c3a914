/**
 * The configuration of a running server: puts another one in force, all of it or nothing.
 *
 * What a hub is told can change while it runs, and the level of the log. What a server is told when it starts (where it
 * listens, what it serves) cannot: a configuration that changes such a value too is refused as a whole, so that what is in
 * force is always what one file said.
 *
 * @module
 */
import type { Logger } from "pino";
import { stringify } from "yaml";
import {
  ConfigError,
  effectiveConfig,
  type LoadedConfig,
  type LogConfig,
  type SpillwayConfig,
} from "../config/index.ts";
import { OPERATIONS_DEFAULTS } from "../defaults.ts";
import type { Hub } from "../fanout/index.ts";
import { type Change, changesBetween } from "./config-changes.ts";
import { problemLines } from "./errors.ts";

/** Not an error of the file, but of the moment. */
class RestartNeeded extends Error {
  readonly changes: readonly string[];

  constructor(changes: readonly Change[]) {
    super("restart to change it");
    this.changes = changes.map(({ text }) => text);
  }
}

export class LiveConfig {
  readonly #hub: Hub;
  readonly #logger: Logger;
  #inForce: LoadedConfig;

  constructor(hub: Hub, logger: Logger, inForce: LoadedConfig) {
    this.#hub = hub;
    this.#logger = logger;
    this.#inForce = inForce;
  }

  get inForce(): LoadedConfig {
    return this.#inForce;
  }

  /** What is in force, with every value filled in, as YAML. */
  readonly text = (): string => stringify(effectiveConfig(this.#inForce.config));

  /**
   * Puts it in force, and tells what has changed.
   *
   * @throws Error when it cannot be; nothing has changed then
   */
  readonly adopt = (loaded: LoadedConfig): void => {
    const changes = changesBetween(this.#inForce.config, loaded.config);
    const fixed = changes.filter(({ path }) => !canChange(path));
    if (fixed.length > 0) throw new RestartNeeded(fixed);
    this.#hub.reconfigure(loaded.config.hub ?? {});
    this.#inForce = loaded;
    const { file } = loaded;
    const level = logLevelOf(loaded.config);
    const logger = this.#logger;
    // The line that tells of another level is written if either of them lets it.
    if (!logger.isLevelEnabled("info")) logger.level = level;
    if (changes.length === 0) logger.info({ file }, "the configuration was read again: nothing has changed");
    else logger.info({ file, changes: changes.map(({ text }) => text) }, "the configuration has changed");
    logger.level = level;
  };

  /** Tells in one line why the old one stays in force. */
  readonly reject = (error: unknown): void => {
    const { file } = this.#inForce;
    if (error instanceof RestartNeeded) {
      const problems = error.changes.map((change) => `${change}: restart to change it`);
      this.#logger.error({ file, problems }, "the configuration was refused: it stays as it was");
    } else if (error instanceof ConfigError) {
      const problems = problemLines(error);
      this.#logger.error({ file, problems }, "the configuration is wrong: it stays as it was");
    } else {
      this.#logger.error({ file, err: error }, "the configuration could not be changed: it stays as it was");
    }
  };
}

export function logLevelOf({ log }: SpillwayConfig): NonNullable<LogConfig["level"]> {
  return log?.level ?? OPERATIONS_DEFAULTS.log.level;
}

function canChange([section, option]: Change["path"]): boolean {
  return section === "hub" || (section === "log" && option === "level");
}
