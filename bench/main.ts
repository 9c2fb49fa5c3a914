/**
 * The command line of the benchmark: `npm run bench`, `npm run bench:full`, `npm run bench:soak`, and with `--config` the
 * comparison of configurations.
 *
 * Ends with 1 when any cell or a configuration is invalid, with 2 when the options are wrong, and with 130 when it was interrupted; what had
 * been measured by then is written all the same.
 *
 * @module
 */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { type Contender, runBenchmark } from "./benchmark.ts";
import { commandOf } from "./command.ts";
import {
  addConfigOptions,
  type ConfigCommandOptions,
  contradiction,
  measureConfigurations,
} from "./config-command.ts";
import { wholeNumber } from "./options.ts";
import { choosePlans } from "./plans.ts";
import { headlineTable, writeReport } from "./report/index.ts";
import type { Cell, Environment, Results } from "./results.ts";
import { LEVELS, type Level, SCENARIOS } from "./scenarios/index.ts";
import { loadSystem, moduleUrl, SYSTEM_MODULES } from "./systems/index.ts";

interface Options extends ConfigCommandOptions {
  readonly level: Level;
  readonly filter?: string;
  readonly out?: string;
  readonly list?: boolean;
  readonly system: readonly string[];
  readonly minutes: number;
}

/** At least five for a statement with an interval; the headline is for a first look. */
const TRIALS: Record<Level, number> = { headline: 3, full: 5, soak: 1 };

const command = new Command("bench")
  .description("Measures Spillway beside other ways of fanning out, with slow subscribers and without.")
  .addOption(new Option("--level <level>", "what to measure").choices(LEVELS).default("headline"))
  .option(
    "--filter <text>",
    "only cells whose id contains it, with their controls; `micro` for the micro-benchmarks",
  )
  .option("--trials <n>", "how often each cell is measured", wholeNumber(1, 1_000))
  .option("--seed <n>", "decides the order of the trials", wholeNumber(0, 2 ** 31 - 1), 1)
  .option("--minutes <n>", "length of a soak", wholeNumber(1, 24 * 60), 30)
  .option(
    "--system <file>",
    "the module of another system, to be measured beside these; can be repeated",
    collect,
    [],
  )
  .option("--json <file>", "writes the results there as well")
  .option("--out <folder>", "for the report and the plots (default: a new one among the temporary files)")
  .option("--list", "only tells what would be measured")
  .configureOutput({ outputError: (text, write) => write(text) })
  .exitOverride();
addConfigOptions(command);

await main();

async function main(): Promise<void> {
  try {
    command.parse();
  } catch (error) {
    // Commander has said what was wrong, in one line, or has given the help that was asked for.
    process.exit((error as { exitCode?: number }).exitCode === 0 ? 0 : 2);
  }
  const options = command.opts<Options>();
  const wrong = contradiction(command);
  if (wrong !== undefined) refuse(wrong);
  if (options.config.length > 0) process.exit(await measureConfigurations(options, interruption(), header));
  const contenders = await loadContenders(options.system).catch((error: Error) => refuse(error.message));
  const request = {
    level: options.level,
    guests: contenders.slice(SYSTEM_MODULES.length).map(({ system }) => system.name),
    soakMinutes: options.minutes,
  };
  const micro = microFilter(options.filter);
  const plans =
    micro === undefined || options.filter === undefined ? choosePlans(request, options.filter) : [];
  if (plans.length === 0 && micro === undefined) {
    refuse(
      `no cell of the level "${options.level}" has "${options.filter}" in its id; --list shows them all`,
    );
  }
  if (options.list === true) {
    list(plans.map(({ id }) => id));
    return;
  }
  const interrupted = interruption();
  const results = await runBenchmark({
    command: commandOf(process.argv.slice(2)),
    level: options.level,
    plans,
    micro,
    contenders,
    trials: options.trials ?? TRIALS[options.level],
    seed: options.seed,
    signal: interrupted,
    onStart: (environment) => console.log(header(environment)),
  });
  await tell(results, options);
  const invalid = tellInvalid(results.cells);
  if (interrupted.aborted) console.log("\nInterrupted: only what had been measured by then is in it.");
  process.exit(interrupted.aborted ? 130 : invalid ? 1 : 0);
}

async function loadContenders(guests: readonly string[]): Promise<Contender[]> {
  const modules = [...SYSTEM_MODULES, ...guests.map(moduleUrl)];
  const contenders = await Promise.all(
    modules.map(async (module) => ({ module, system: await loadSystem(module) })),
  );
  const names = contenders.map(({ system }) => system.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new Error(`there are two systems with the name ${twice}; give yours another`);
  return contenders;
}

/** `micro`, or `micro/TABLE`; without a filter all of them. */
function microFilter(filter: string | undefined): string | undefined {
  if (filter === undefined) return "";
  const [, table] = /^micro(?:\/(.*))?$/.exec(filter) ?? [];
  return filter.startsWith("micro") ? (table ?? "") : undefined;
}

function list(ids: readonly string[]): void {
  for (const { name, about } of SCENARIOS) {
    const own = ids.filter((id) => id.startsWith(`${name}/`));
    if (own.length > 0) console.log(`${name}: ${about}\n${own.map((id) => `  ${id}`).join("\n")}`);
  }
}

/** The first Ctrl-C ends the trial that runs and keeps the rest, the second ends everything. */
function interruption(): AbortSignal {
  const aborting = new AbortController();
  process.on("SIGINT", () => {
    if (aborting.signal.aborted) process.exit(130);
    aborting.abort(new Error("interrupted"));
  });
  process.on("SIGTERM", () => process.exit(143));
  return aborting.signal;
}

function header({ cpu, cores, kernel, node, grpcJs, commit, pinning }: Environment): string {
  return `${cpu}, ${cores} cores, ${kernel}, Node ${node}, grpc-js ${grpcJs}, commit ${commit}\nPinning: ${pinning}\n`;
}

async function tell(results: Results, { json, out }: Options): Promise<void> {
  const folder = out ?? (await mkdtemp(join(tmpdir(), "spillway-bench-")));
  const { html, markdown, plots } = await writeReport(results, folder);
  const text = JSON.stringify(results);
  const files = [join(folder, "results.json"), ...(json === undefined ? [] : [json])];
  for (const file of files) await writeFile(file, `${text}\n`);
  console.log(headlineTable(results));
  console.log(
    `Report: ${html}\n        ${markdown}\nPlots:  ${plots.length} beside it\nData:   ${files.join(", ")}`,
  );
}

function tellInvalid(cells: readonly Cell[]): boolean {
  const invalid = cells.filter(({ trials }) => trials.some(({ problems }) => problems.length > 0));
  if (invalid.length === 0) return false;
  console.log(`\nInvalid: ${invalid.length} of ${cells.length} cells`);
  for (const { id, trials } of invalid) {
    for (const { block, problems } of trials) {
      for (const problem of problems) console.log(`  ${id}, block ${block + 1}: ${problem}`);
    }
  }
  return true;
}

function collect(value: string, all: readonly string[]): readonly string[] {
  return [...all, value];
}

function refuse(message: string): never {
  console.error(`error: ${message}`);
  process.exit(2);
}
