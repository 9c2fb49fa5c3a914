/**
 * The tax: p99 of healthy subscribers beside slow ones, through that of the control.
 *
 * Three conditions, all of which must hold: the interval does not lie above 1.05, so that "no difference" is not ruled
 * out; the point is small, in ratio or in milliseconds (a ratio of two short times says little); nothing is delivered
 * less. It is met only where the interval too ends within the bound of the point: with a wider one the rule holds, and a
 * tax beyond the bound is not excluded. Without an interval there is no verdict, unless throughput alone decides it; nor
 * where the control did not deliver everything, for then it is no control.
 *
 * @module
 */
import type { Cell, SlowKind } from "../../results.ts";
import { inScenario, nameOf, ours, SCENARIO, slowKindWords } from "../cells.ts";
import type { Material } from "../material.ts";
import type { Comparison } from "../statistics.ts";
import * as text from "../text.ts";
import { type Goal, notMeasured, type Verdict } from "./goal.ts";

const LOW_END = 1.05;
const POINT = 1.1;
const POINT_MS = 0.25;
const THROUGHPUT = 0.99;
/** Of what healthy subscribers were to receive. */
const DELIVERED = 0.999;
export const TAX_BOUND = `from ≤ ${LOW_END}×, at ≤ ${POINT.toFixed(2)}× or +${POINT_MS} ms, ≥ 99 % throughput`;

const KINDS: readonly SlowKind[] = ["sigstop", "window-0", "paused", "delayed", "reconnecting"];
const COUNTS = [1, 10, 50];

export function taxGoals(material: Material): Goal[] {
  const cells = ours(material, inScenario(material, SCENARIO.tax));
  return KINDS.flatMap((kind) =>
    COUNTS.flatMap((count) => {
      const goal = `tax beside ${count} ${slowKindWords(kind)}`;
      const found = cells.filter(({ load }) => load.slowKind === kind && load.slow === count);
      if (found.length === 0) return [notMeasured(goal, TAX_BOUND, "no such cell")];
      const several = new Set(found.map(nameOf)).size > 1;
      return found.map((cell) => taxGoal(several ? `${goal}, ${nameOf(cell)}` : goal, cell, material));
    }),
  );
}

/** While many clients resume at once; each cell of that scenario that has a control. */
export function resumeGoals(material: Material): Goal[] {
  const goal = "tax while 1,000 clients resume";
  const cells = ours(material, inScenario(material, SCENARIO.storm)).filter(
    (cell) => cell.control !== undefined,
  );
  if (cells.length === 0) return [notMeasured(goal, TAX_BOUND, "no such cell")];
  return cells.map((cell) => {
    const resuming = cell.load.slow === 0 ? cell.load.healthy : cell.load.slow;
    return taxGoal(`tax while ${text.whole(resuming)} clients resume`, cell, material);
  });
}

function taxGoal(goal: string, cell: Cell, material: Material): Goal {
  const comparison = material.comparisonOf(cell);
  const cells = [cell.id, ...(cell.control === undefined ? [] : [cell.control])];
  if (cell.unavailable !== undefined) return notMeasured(goal, TAX_BOUND, cell.unavailable, cells);
  if (comparison === undefined) return notMeasured(goal, TAX_BOUND, "the cell has no control", cells);
  return { goal, bound: TAX_BOUND, cells, ...judgeTax(comparison) };
}

export function judgeTax(comparison: Comparison): { verdict: Verdict; measured: string } {
  const { ratio, interval, differenceMs, controlMs, atLeast, throughput, delivered, why } = comparison;
  const parts = [
    ...(ratio === undefined
      ? []
      : [`${text.atLeast(text.ratio(ratio), atLeast)} ${text.interval(interval)}`.trimEnd()]),
    ...(differenceMs === undefined ? [] : [`${signed(differenceMs)} ms`]),
    ...(throughput === undefined ? [] : [`throughput ${text.percent(Math.min(throughput, 1), 1)} %`]),
    ...(why === undefined ? [] : [why]),
  ];
  const say = (verdict: Verdict, remark?: string) => ({
    verdict,
    measured: [...parts, ...(remark === undefined ? [] : [remark])].join(", "),
  });
  if (delivered !== undefined && delivered.control < DELIVERED) {
    return say("not measured", `the control delivered ${text.percent(delivered.control, 1)} %`);
  }
  if (delivered !== undefined && delivered.cell < DELIVERED) {
    return say("missed", `${text.percent(delivered.cell, 1)} % delivered to healthy subscribers`);
  }
  if (throughput !== undefined && throughput < THROUGHPUT) return say("missed", "delivers less");
  if (
    ratio === undefined ||
    interval === undefined ||
    differenceMs === undefined ||
    controlMs === undefined ||
    throughput === undefined
  ) {
    return say("not measured");
  }
  if (interval.low > LOW_END) return say("missed", "slower beyond doubt");
  if (ratio > POINT && differenceMs > POINT_MS)
    return say("missed", "though the interval does not rule out 1.05×");
  // The interval is one of ratios: the bound in milliseconds is turned into a ratio as well.
  const most = Math.max(POINT, 1 + POINT_MS / controlMs);
  return interval.high <= most
    ? say("met")
    : say("undecided", "the rule holds, the interval does not exclude more");
}

function signed(value: number): string {
  return value < 0 ? text.number(value) : `+${text.number(value)}`;
}
