/** The goals of the benchmark and their verdicts, computed from the results alone. @module */
import type { Material } from "../material.ts";
import { closedLoopGoals } from "./closed-loop.ts";
import { cpuGoals } from "./cpu.ts";
import { engineGoals } from "./engine.ts";
import type { Goal } from "./goal.ts";
import { hardnessGoal } from "./hardness.ts";
import { resourceGoals } from "./resources.ts";
import { resumeGoals, taxGoals } from "./tax.ts";

export { type Goal, VERDICTS, type Verdict } from "./goal.ts";

export function judge(material: Material): Goal[] {
  return [
    ...taxGoals(material),
    ...resumeGoals(material),
    ...cpuGoals(material),
    ...closedLoopGoals(material),
    ...engineGoals(material),
    ...resourceGoals(material),
    hardnessGoal(material),
  ];
}
