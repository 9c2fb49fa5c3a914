/** All scenarios, in the order in which a run measures and a report shows them. @module */
import { cpu } from "./cpu.ts";
import type { Scenario } from "./scenario.ts";
import { tax } from "./tax.ts";

export const SCENARIOS: readonly Scenario[] = [tax, cpu];

export { LEVELS, type Level, type Scenario, type ScenarioRequest } from "./scenario.ts";
