/** Rows of the micro-benchmarks, alone and one beside another. @module */
import type { MicroRow } from "../../results.ts";
import type { Material } from "../material.ts";
import * as text from "../text.ts";
import { type Goal, notMeasured } from "./goal.ts";

/** Undecided where the margins of both reach over the bound. */
export function ratioGoal(
  goal: string,
  table: string | undefined,
  row: MicroRow | undefined,
  base: MicroRow | undefined,
  most: number,
): Goal {
  const bound = `≤ ${most}×`;
  if (row === undefined || base === undefined || base.nanoseconds === 0) {
    return notMeasured(goal, bound, "no such micro-benchmark");
  }
  const ratio = row.nanoseconds / base.nanoseconds;
  const margin = (ratio * (row.marginPercent + base.marginPercent)) / 100;
  const reaches = Math.abs(ratio - most) < margin;
  const measured = `${text.ratio(ratio)}: ${cost(row)} beside ${cost(base)}`;
  return {
    goal,
    bound,
    measured: reaches ? `${measured}; the margins reach over the bound` : measured,
    verdict: reaches ? "undecided" : ratio <= most ? "met" : "missed",
    cells: [table!],
  };
}

export function rowOf(
  material: Material,
  table: string | undefined,
  name: string | RegExp,
): MicroRow | undefined {
  const rows = material.micro.find((one) => one.name === table)?.rows;
  return rows?.find((row) => (typeof name === "string" ? row.name === name : name.test(row.name)));
}

export function cost({ nanoseconds, marginPercent }: MicroRow): string {
  return `${text.number(nanoseconds)} ns ± ${text.number(marginPercent)} %`;
}
