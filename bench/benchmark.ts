/**
 * One run of the benchmark: the cells of its scenarios, then the micro-benchmarks, then what came of it.
 *
 * @module
 */
import {
  type CellPlan,
  describeEnvironment,
  Progress,
  pinProcesses,
  runCells,
  type TrialSystem,
} from "./harness/index.ts";
import { runMicro } from "./micro/index.ts";
import {
  type Environment,
  type MicroTable,
  RESULTS_SCHEMA,
  type Results,
  type SystemInfo,
} from "./results.ts";
import type { Level } from "./scenarios/index.ts";
import type { System } from "./system.ts";

export interface Contender {
  readonly system: System;
  /** Where its module is. */
  readonly module: string;
}

export interface BenchmarkOptions {
  readonly command: string;
  readonly level: Level;
  readonly plans: readonly CellPlan[];
  /** Only micro tables whose name contains it; `undefined`: none. */
  readonly micro: string | undefined;
  readonly contenders: readonly Contender[];
  readonly trials: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onStart: (environment: Environment) => void;
}

/** What was measured; after an abort, that is what had been measured by then. */
export async function runBenchmark(options: BenchmarkOptions): Promise<Results> {
  const { command, plans, contenders, trials, seed, signal } = options;
  const startedAt = new Date();
  const pinning = pinProcesses();
  const environment = describeEnvironment(pinning);
  options.onStart(environment);
  const needed = contenders.filter(({ system }) => plans.some((plan) => plan.system === system.name));
  const infos = await Promise.all(needed.map(describeSystem));
  const systems = new Map(
    needed.map(({ system, module }, index): [string, TrialSystem | { unavailable: string }] => {
      const { unavailable } = infos[index]!;
      return [system.name, unavailable === undefined ? { kind: system.kind, module } : { unavailable }];
    }),
  );
  const progress = new Progress(plans, trials);
  const cells = await runCells(plans, {
    trials,
    seed,
    pinning,
    systems,
    signal,
    onTrial: (trial) => progress.show(trial),
  });
  progress.end();
  return {
    schema: RESULTS_SCHEMA,
    environment,
    command,
    seed,
    startedAt: startedAt.toISOString(),
    systems: infos,
    // A run that was ended early has not come to some.
    cells: cells.filter((cell) => cell.trials.length > 0 || cell.unavailable !== undefined),
    micro: await microTables(options),
    seconds: (Date.now() - startedAt.getTime()) / 1_000,
  };
}

async function describeSystem({ system }: Contender): Promise<SystemInfo> {
  const { name, kind, about } = system;
  return { name, kind, about, ...(await system.probe()) };
}

async function microTables({ level, micro, signal }: BenchmarkOptions): Promise<MicroTable[]> {
  const tables: MicroTable[] = [];
  if (micro === undefined || level === "soak" || signal.aborted) return tables;
  for await (const table of runMicro(level, micro)) {
    process.stderr.write(`micro: ${table.name}\n`);
    tables.push(table);
    if (signal.aborted) break;
  }
  return tables;
}
