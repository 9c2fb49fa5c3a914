/**
 * Carries out plans: in blocks, every cell of a group once in each, in an order that the seed shuffles anew for every
 * block. So whatever drifts in the machine hits all cells alike, and what is compared was measured within a minute.
 *
 * @module
 */
import type { Cell, Trial } from "../results.ts";
import { Histogram } from "./histogram.ts";
import type { Pinning } from "./pinning.ts";
import type { CellPlan } from "./plan.ts";
import { TrialProblem } from "./problem.ts";
import { shuffled } from "./shuffle.ts";
import { runTrial, type TrialOutcome, type TrialSystem } from "./trial.ts";

export interface RunOptions {
  readonly trials: number;
  readonly seed: number;
  readonly pinning: Pinning;
  /** By name; a system that cannot run has a reason in place of a module. */
  readonly systems: ReadonlyMap<string, TrialSystem | { readonly unavailable: string }>;
  /** Ends the run after what has been measured. */
  readonly signal?: AbortSignal;
  readonly onTrial?: (progress: TrialProgress) => void;
}

export interface TrialProgress {
  readonly plan: CellPlan;
  /** Trials done, of how many. */
  readonly done: number;
  readonly of: number;
  /** Absent when it has only begun. */
  readonly trial?: Trial;
  readonly unavailable?: string;
}

/** The cells, in the order of the plans; after an abort those that have been measured. */
export async function runCells(plans: readonly CellPlan[], options: RunOptions): Promise<Cell[]> {
  const trials = new Map(plans.map((plan) => [plan.id, [] as Trial[]]));
  const unavailable = new Map<string, string>();
  const of = plans.length * options.trials;
  let done = 0;
  for (const { block, plan } of orderOfTrials(plans, options.trials, options.seed)) {
    if (options.signal?.aborted) break;
    options.onTrial?.({ plan, done, of });
    done++;
    const reason = unavailable.get(plan.id) ?? unavailableSystem(plan, options);
    if (reason !== undefined) {
      unavailable.set(plan.id, reason);
      continue;
    }
    const measured = await measure(plan, block, options);
    if (measured === undefined) break;
    if (typeof measured === "string") unavailable.set(plan.id, measured);
    else trials.get(plan.id)!.push(measured);
    const told = typeof measured === "string" ? { unavailable: measured } : { trial: measured };
    options.onTrial?.({ plan, done, of, ...told });
  }
  return plans.map((plan) => cell(plan, trials.get(plan.id)!, unavailable.get(plan.id)));
}

export interface PlannedTrial<Plan> {
  readonly block: number;
  readonly plan: Plan;
}

/** Block by block, and in each block group by group. */
export function orderOfTrials<Plan extends { readonly group: string }>(
  plans: readonly Plan[],
  trials: number,
  seed: number,
): PlannedTrial<Plan>[] {
  const groups = new Map<string, Plan[]>();
  for (const plan of plans) groups.set(plan.group, [...(groups.get(plan.group) ?? []), plan]);
  return Array.from({ length: trials }, (_, block) =>
    [...groups].flatMap(([group, cells]) =>
      shuffled(cells, seed, `${group} ${block}`).map((plan) => ({ block, plan })),
    ),
  ).flat();
}

/** A trial, or why there cannot be one; `undefined` after an abort. */
async function measure(
  plan: CellPlan,
  block: number,
  options: RunOptions,
): Promise<Trial | string | undefined> {
  const first = await attempt(plan, block, options);
  if (first === undefined || typeof first === "string") return first;
  if (!first.faults.some(({ kind }) => kind === "infrastructure")) return first.trial;
  const second = await attempt(plan, block, options);
  if (second === undefined || typeof second === "string") return second;
  return { ...second.trial, firstAttempt: first.trial.problems };
}

async function attempt(
  plan: CellPlan,
  block: number,
  { systems, pinning, signal }: RunOptions,
): Promise<TrialOutcome | string | undefined> {
  const system = systems.get(plan.system) as TrialSystem;
  try {
    return await runTrial(plan, { system, pinning, block, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (signal?.aborted) return undefined;
    if (!(error instanceof TrialProblem)) throw error;
    if (error.kind === "unavailable") return error.message;
    return { trial: failedTrial(block, error.message), faults: [{ kind: error.kind, text: error.message }] };
  }
}

function unavailableSystem({ system: name }: CellPlan, { systems }: RunOptions): string | undefined {
  const system = systems.get(name);
  if (system === undefined) return `there is no system called ${name}`;
  return "unavailable" in system ? system.unavailable : undefined;
}

/** Nothing was measured, and that is what it says. */
function failedTrial(block: number, problem: string): Trial {
  const nothing = new Histogram().data();
  return {
    block,
    problems: [problem],
    books: {
      published: 0,
      expected: 0,
      received: 0,
      announced: 0,
      missing: 0,
      undelivered: 0,
      duplicated: 0,
      reordered: 0,
    },
    latency: nothing,
    publish: nothing,
    lateness: nothing,
    loopDelay: nothing,
    cpuMicros: 0,
    seconds: 0,
    rssBytes: { before: 0, peak: 0 },
    heapBytes: { before: 0, peak: 0 },
    timeline: [],
  };
}

function cell(plan: CellPlan, trials: readonly Trial[], unavailable: string | undefined): Cell {
  const { id, scenario, system, variant, load, control } = plan;
  return {
    id,
    scenario,
    system,
    load,
    trials,
    ...(variant === undefined ? {} : { variant }),
    ...(control === undefined ? {} : { control }),
    ...(unavailable === undefined ? {} : { unavailable }),
  };
}
