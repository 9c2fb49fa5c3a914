/**
 * Measures several configurations under the same load: in blocks, each configuration once in each, in an order that the seed
 * decides. What drifts in the machine hits all alike.
 *
 * @module
 */
import type { ConfigTrial } from "../../config-results.ts";
import type { Pinning } from "../../harness/index.ts";
import { TrialProblem } from "../../harness/problem.ts";
import { orderOfTrials } from "../../harness/run.ts";
import { type ConfigTrialPlan, runConfigTrial } from "./trial.ts";

export interface ConfigRunOptions {
  readonly trials: number;
  readonly seed: number;
  readonly pinning: Pinning;
  /** Ends the run after what has been measured. */
  readonly signal: AbortSignal;
  readonly onTrial: (done: {
    readonly plan: number;
    readonly count: number;
    readonly trial: ConfigTrial;
  }) => void;
}

/** The trials of each plan, in the order of the plans; after an abort those that have been measured. */
export async function runConfigs(
  plans: readonly ConfigTrialPlan[],
  options: ConfigRunOptions,
): Promise<readonly (readonly ConfigTrial[])[]> {
  const measured: ConfigTrial[][] = plans.map(() => []);
  const numbered = plans.map((plan, index) => ({ group: "config", index, plan }));
  let count = 0;
  for (const { block, plan } of orderOfTrials(numbered, options.trials, options.seed)) {
    if (options.signal.aborted) break;
    const trial = await measure(plan.plan, block, options);
    if (trial === undefined) break;
    measured[plan.index]!.push(trial);
    options.onTrial({ plan: plan.index, count: ++count, trial });
  }
  return measured;
}

/** What the machine has spoilt is repeated once. `undefined` after an abort. */
async function measure(
  plan: ConfigTrialPlan,
  block: number,
  options: ConfigRunOptions,
): Promise<ConfigTrial | undefined> {
  const first = await attempt(plan, block, options);
  if (!(first instanceof TrialProblem)) return first;
  const second = first.kind === "infrastructure" ? await attempt(plan, block, options) : first;
  const firstAttempt = second === first ? {} : { firstAttempt: [first.message] };
  if (!(second instanceof TrialProblem)) return second && { ...second, ...firstAttempt };
  return { block, problems: [second.message], kinds: {}, ...firstAttempt };
}

async function attempt(
  plan: ConfigTrialPlan,
  block: number,
  { pinning, signal }: ConfigRunOptions,
): Promise<ConfigTrial | TrialProblem | undefined> {
  try {
    return await runConfigTrial(plan, { pinning, block, signal });
  } catch (error) {
    if (signal.aborted) return undefined;
    if (error instanceof TrialProblem) return error;
    throw error;
  }
}
