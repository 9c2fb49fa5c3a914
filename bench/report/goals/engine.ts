/**
 * The engine without a transport, from the micro-benchmarks. Rows of one table are compared; where the margin of both
 * reaches over the bound, nothing is decided.
 *
 * @module
 */
import type { Material } from "../material.ts";
import { type Goal, notMeasured } from "./goal.ts";
import { cost, ratioGoal, rowOf } from "./micro.ts";

/** Tables and rows as the micro-benchmarks call them. */
const FAN_OUT = /^fan-out, (.+), 16 a turn$/;
const FEW = "100 subscribers";
const MANY = "10000 subscribers";
const CATCH_UP = "catching up against live";
const PUBLISH = "publish() alone";

const NANOSECONDS = 100;
const GROWTH = 1.3;

export function engineGoals(material: Material): Goal[] {
  const tables = material.micro.filter(({ name }) => FAN_OUT.test(name));
  const drop = tables.filter(({ name }) => !name.includes("conflate"));
  const conflate = tables.filter(({ name }) => name.includes("conflate"));
  const names = (found: typeof tables): string => FAN_OUT.exec(found[0]?.name ?? "")?.[1] ?? "drop-oldest";
  return [
    costGoal(`engine alone, ${names(drop)}, 10,000 subscribers`, drop[0]?.name, material),
    growthGoal(`engine alone, ${names(drop)}, 10,000 beside 100 subscribers`, drop[0]?.name, material),
    stated("engine alone, conflate, 10,000 subscribers", conflate[0]?.name, MANY, material),
    stated("publish() p99 at 10,000 subscribers", PUBLISH, /^p99, 16/, material),
    catchUpGoal(material),
  ];
}

function costGoal(goal: string, table: string | undefined, material: Material): Goal {
  const bound = `≤ ${NANOSECONDS} ns per subscriber and message`;
  const row = rowOf(material, table, MANY);
  if (row === undefined) return notMeasured(goal, bound, "no such micro-benchmark");
  const met = row.nanoseconds <= NANOSECONDS;
  const reaches = Math.abs(row.nanoseconds - NANOSECONDS) < (row.nanoseconds * row.marginPercent) / 100;
  return {
    goal,
    bound,
    measured: `${cost(row)}${reaches ? ": the margin reaches over the bound" : ""}`,
    verdict: reaches ? "undecided" : met ? "met" : "missed",
    cells: [table!],
  };
}

function growthGoal(goal: string, table: string | undefined, material: Material): Goal {
  return ratioGoal(goal, table, rowOf(material, table, MANY), rowOf(material, table, FEW), GROWTH);
}

function catchUpGoal(material: Material): Goal {
  const [read, live] = [rowOf(material, CATCH_UP, /^catching up/), rowOf(material, CATCH_UP, /^live, 16/)];
  return ratioGoal("catching up beside live, per message", CATCH_UP, read, live, 1);
}

/** There is no bound: the goal is that the figure is there. */
function stated(goal: string, table: string | undefined, name: string | RegExp, material: Material): Goal {
  const row = rowOf(material, table, name);
  const bound = "to be stated";
  if (row === undefined) return notMeasured(goal, bound, "no such micro-benchmark");
  return { goal, bound, measured: cost(row), verdict: "stated", cells: [table!] };
}
