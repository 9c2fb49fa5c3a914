/**
 * Whether stopped clients hold anybody up here: a loop that waits for each subscriber in turn must stop beside one. If it
 * does not, the clients are not stopped. That it does says nothing about how hard the load is otherwise.
 *
 * @module
 */
import { inScenario, SCENARIO, SYSTEM } from "../cells.ts";
import type { Material } from "../material.ts";
import { summarize } from "../summary.ts";
import * as text from "../text.ts";
import { type Goal, notMeasured } from "./goal.ts";

const TAX = 10;
const DELIVERED = 0.99;

export function hardnessGoal(material: Material): Goal {
  const goal = `${SYSTEM.sequential} stops beside a stopped client`;
  const bound = `tax ≥ ${TAX}× or delivered < ${100 * DELIVERED} %`;
  const cells = inScenario(material, SCENARIO.tax).filter(
    ({ system, load }) => system === SYSTEM.sequential && load.slowKind === "sigstop" && load.slow > 0,
  );
  const summaries = cells.map((cell) => summarize(cell, material)).filter(({ counted }) => counted > 0);
  if (summaries.length === 0) return notMeasured(goal, bound, "no such cell");
  const worst = summaries.reduce((a, b) => (b.received / b.expected < a.received / a.expected ? b : a));
  const failed = summaries.filter(
    ({ comparison, received, expected }) =>
      (comparison?.ratio ?? 0) >= TAX || received < DELIVERED * expected,
  );
  const delivered = `${text.percent(worst.received, worst.expected)} % delivered`;
  return {
    goal,
    bound,
    measured: `${delivered}, tax ${text.atLeast(text.ratio(worst.comparison?.ratio), worst.comparison?.atLeast)}`,
    verdict: failed.length === summaries.length ? "met" : "missed",
    cells: summaries.map(({ cell }) => cell.id),
  };
}
