/**
 * The options of `npm run bench` that belong to `--config`, and what they do.
 *
 * @module
 */
import { writeFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { oneLine, problemLines } from "../src/cli/errors.ts";
import { ConfigError } from "../src/config/index.ts";
import { commandOf } from "./command.ts";
import type { ConfigResults, ConfigTrial } from "./config-results.ts";
import { type Comparison, compareUnder, letterOf, loadAll, runConfigurations } from "./configurations.ts";
import { merged } from "./harness/histogram.ts";
import { SMALLEST_PAYLOAD } from "./harness/stamp.ts";
import { wholeNumber } from "./options.ts";
import { configFigures, configReport } from "./report/index.ts";
import type { Environment } from "./results.ts";

export interface ConfigCommandOptions {
  readonly config: readonly string[];
  readonly rate?: number;
  readonly size: number;
  readonly keys: number;
  readonly subscribers: number;
  readonly slow: readonly number[];
  readonly seconds: number;
  readonly cross: boolean;
  readonly trials?: number;
  readonly seed: number;
  readonly json?: string;
}

/** Two, so that there is a spread at all, and two configurations take less than a minute. */
const TRIALS = 2;

const LOAD = ["rate", "size", "keys", "subscribers", "slow", "seconds", "cross"];
const NOT_WITH_CONFIG = ["level", "filter", "minutes", "system", "out", "list"];

export function addConfigOptions(command: Command): Command {
  const load = (flags: string, description: string) =>
    new Option(flags, description).helpGroup("With --config:");
  return command
    .option(
      "--config <file>",
      "measures this configuration; repeat it to compare several",
      (file: string, files: readonly string[]) => [...files, file],
      [],
    )
    .addOption(
      load("--rate <n>", "messages a second on each topic (default: 1000, shared by the topics)").argParser(
        wholeNumber(1, 1_000_000),
      ),
    )
    .addOption(
      load("--size <bytes>", "of a message's payload")
        .argParser(wholeNumber(SMALLEST_PAYLOAD, 2 ** 26))
        .default(512),
    )
    .addOption(load("--keys <n>", "of each topic").argParser(wholeNumber(1, 100_000)).default(100))
    .addOption(
      load("--subscribers <n>", "healthy ones, all groups together")
        .argParser(wholeNumber(1, 10_000))
        .default(8),
    )
    .addOption(
      load("--slow <percents>", "how much slow readers read of what is published; `none` for no slow readers")
        .argParser(percents)
        .default([50, 10], "50,10"),
    )
    .addOption(
      load("--seconds <n>", "length of the measured time").argParser(wholeNumber(1, 3_600)).default(10),
    )
    .addOption(load("--cross", "clients of every class on every topic, rather than on one").default(false));
}

/** What of the command line does not go together; `undefined`: nothing. */
export function contradiction(command: Command): string | undefined {
  const given = (name: string) => command.getOptionValueSource(name) === "cli";
  if (given("config")) {
    const other = NOT_WITH_CONFIG.find(given);
    return other && `--${other} does not go with --config, which has a scenario of its own`;
  }
  const load = LOAD.find(given);
  return load && `--${load} goes with --config FILE only`;
}

/** Returns the exit code. */
export async function measureConfigurations(
  options: ConfigCommandOptions,
  signal: AbortSignal,
  header: (environment: Environment) => string,
): Promise<number> {
  const { config: files, trials = TRIALS, seed, size, rate, json, ...crowd } = options;
  const loaded = await loadAll(files).catch(tellErrors);
  if (loaded === undefined) return 1;
  const comparison = fitting(() => compareUnder(loaded, { ...crowd, rate, payloadBytes: size }));
  if (comparison === undefined) return 2;
  const results = await runConfigurations(loaded, comparison, {
    command: commandOf(process.argv.slice(2)),
    trials,
    seed,
    signal,
    onStart: (environment) => console.log(header(environment)),
    onTrial: ({ plan, count, trial }) => {
      const head = `[${count}/${files.length * trials}] ${letterOf(plan)} ${files[plan]}`;
      process.stderr.write(`${head}: ${lineOf(trial)}\n`);
    },
  });
  if (json !== undefined) {
    await writeFile(json, `${JSON.stringify({ ...results, figures: configFigures(results) })}\n`);
  }
  tell(results);
  const invalid = tellInvalid(results);
  if (signal.aborted) console.log("\nInterrupted: only what had been measured by then is in it.");
  return signal.aborted ? 130 : invalid ? 1 : 0;
}

/** As `spillway config check` does it. */
function tellErrors({ errors }: AggregateError): undefined {
  for (const error of errors as readonly unknown[]) {
    if (!(error instanceof ConfigError)) throw error;
    for (const line of problemLines(error)) console.error(oneLine(line));
  }
}

/** `undefined`, and why, when a configuration would refuse the load. */
function fitting(compare: () => Comparison): Comparison | undefined {
  try {
    return compare();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(`error: ${error.message}`);
    return undefined;
  }
}

function tell(results: ConfigResults): void {
  const counts = results.configs.some(({ trials }) => trials.some(({ problems }) => problems.length === 0));
  console.log(counts ? `\n${configReport(results)}` : "\nNothing was measured that counts.");
}

/** One trial in a line. */
function lineOf({ problems, kinds }: ConfigTrial): string {
  if (problems.length > 0) return `INVALID, ${problems.join("; ")}`;
  const healthy = Object.entries(kinds).filter(([id]) => id.endsWith("/healthy"));
  const age = merged(healthy.map(([, { client }]) => client.age));
  return `healthy p99 ${(age.micros(0.99) / 1_000).toFixed(1)} ms`;
}

function tellInvalid({ configs }: ConfigResults): boolean {
  const lines = configs.flatMap(({ letter, file, trials }) =>
    trials.flatMap(({ block, problems }) =>
      problems.map((problem) => `  ${letter} ${file}, block ${block + 1}: ${problem}`),
    ),
  );
  if (lines.length > 0) console.log(`\nInvalid, and not counted:\n${lines.join("\n")}`);
  return lines.length > 0;
}

function percents(text: string): readonly number[] {
  if (text === "none") return [];
  const all = text.split(",").map(Number);
  if (all.every((percent) => percent > 0 && percent <= 100) && new Set(all).size === all.length) return all;
  throw new InvalidArgumentError("It must be percentages above 0 and up to 100, such as 50,10, or none.");
}
