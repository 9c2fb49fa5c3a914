/** All scenarios, in the order in which a run measures and a report shows them. @module */
import { churn } from "./churn.ts";
import { cpu } from "./cpu.ts";
import { healthy } from "./healthy.ts";
import { loop } from "./loop.ts";
import { memory } from "./memory.ts";
import { policy } from "./policy.ts";
import { recovery } from "./recovery.ts";
import type { Scenario } from "./scenario.ts";
import { shared } from "./shared.ts";
import { soak } from "./soak.ts";
import { storm } from "./storm/index.ts";
import { tax } from "./tax.ts";

export const SCENARIOS: readonly Scenario[] = [
  tax,
  cpu,
  healthy,
  memory,
  policy,
  recovery,
  churn,
  shared,
  storm,
  loop,
  soak,
];

export { LEVELS, type Level, type Scenario, type ScenarioRequest } from "./scenario.ts";
