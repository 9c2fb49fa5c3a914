/**
 * Measures configurations as they are, each with the same crowd of clients under the same load.
 *
 * @module
 */
export { type Crowd, type CrowdOptions, crowdFor } from "./crowd.ts";
export { effectiveOptions, optionsFor } from "./effective.ts";
export { type LoadOptions, loadFor } from "./load.ts";
export { type ConfigRunOptions, runConfigs } from "./run.ts";
export type { ConfigTrialPlan } from "./trial.ts";
