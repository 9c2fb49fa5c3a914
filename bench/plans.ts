/** Which cells a run measures. @module */
import type { CellPlan } from "./harness/index.ts";
import { SCENARIOS, type ScenarioRequest } from "./scenarios/index.ts";

/**
 * The cells of a level whose id contains the filter, and those that they are compared with.
 *
 * @param filter - a part of a cell's id, which begins with the name of its scenario
 */
export function choosePlans(request: ScenarioRequest, filter = ""): readonly CellPlan[] {
  const all = SCENARIOS.flatMap((scenario) => scenario.cells(request));
  const chosen = all.filter(({ id }) => id.includes(filter));
  const controls = new Set(chosen.map(({ control }) => control));
  // Controls may have controls of their own.
  for (const { id, control } of all.toReversed()) if (controls.has(id)) controls.add(control);
  return all.filter((plan) => chosen.includes(plan) || controls.has(plan.id));
}
