/**
 * The harness: carries out what scenarios plan, in processes of its own, and judges what came of it.
 *
 * @module
 */
export { describeEnvironment } from "./environment.ts";
export { type Pinning, pinProcesses } from "./pinning.ts";
export { type CellPlan, estimateSeconds } from "./plan.ts";
export { Progress } from "./progress.ts";
export { type RunOptions, runCells, type TrialProgress } from "./run.ts";
export type { TrialSystem } from "./trial.ts";
