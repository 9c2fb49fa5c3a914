/**
 * Memory per subscription, and the delay of the event loop. The figures are those that the scenarios write down for it,
 * under the names of {@link FIGURE}.
 *
 * @module
 */
import type { Cell } from "../../results.ts";
import { FIGURE, nameOf, ours, SYSTEM } from "../cells.ts";
import type { Material } from "../material.ts";
import { summarize } from "../summary.ts";
import * as text from "../text.ts";
import { type Goal, notMeasured } from "./goal.ts";

const IDLE_BYTES = 3_000;
const READY = 10_000;

export function resourceGoals(material: Material): Goal[] {
  return [idleGoal(material), ...stalledGoals(material), loopGoal(material)];
}

function idleGoal(material: Material): Goal {
  const goal = "heap of an idle subscription, beyond that of grpc-js";
  const bound = "≤ 3 KB";
  const plain = withFigure(material, FIGURE.idleBytes).find(({ cell }) => cell.system === SYSTEM.plainGrpc);
  const mine = withFigure(material, FIGURE.idleBytes).find(
    ({ cell }) => material.kindOf(cell.system) === "ours",
  );
  if (mine === undefined || plain === undefined) return notMeasured(goal, bound, "no such cells");
  const beyond = mine.value - plain.value;
  return {
    goal,
    bound,
    measured: `${text.number(beyond / 1_000)} KB: ${text.number(mine.value / 1_000)} beside ${text.number(plain.value / 1_000)}`,
    verdict: beyond <= IDLE_BYTES ? "met" : "missed",
    cells: [mine.cell.id, plain.cell.id],
  };
}

function stalledGoals(material: Material): Goal[] {
  const goal = "heap of a stalled subscription";
  const bound = "≤ its bound and one batch";
  const figures = withFigure(material, FIGURE.stalledBytes).filter(
    ({ cell }) => material.kindOf(cell.system) === "ours",
  );
  if (figures.length === 0) return [notMeasured(goal, bound, "no such cells")];
  return figures.map(({ cell, value }) => {
    const most = summarize(cell, material).extra.get(FIGURE.stalledBoundBytes);
    if (most === undefined) {
      const seen = `${text.number(value / 1_000)} KB, and the results do not say the bound`;
      return notMeasured(goal, bound, seen, [cell.id]);
    }
    return {
      goal: `${goal}: ${nameOf(cell)}, ${text.whole(cell.load.slow)} stalled`,
      bound: `≤ ${text.number(most / 1_000)} KB (its bound and one batch)`,
      measured: `${text.number(value / 1_000)} KB`,
      verdict: value <= most ? "met" : "missed",
      cells: [cell.id],
    };
  });
}

function loopGoal(material: Material): Goal {
  const goal = "loop delay with 10,000 ready subscriptions";
  const bound = "≤ the slice and one capped native send";
  const cell = ours(material, material.cells).find(({ load }) => load.healthy >= READY);
  if (cell === undefined) return notMeasured(goal, bound, "no such cell");
  const { loopP99, extra } = summarize(cell, material);
  if (loopP99 === undefined) return notMeasured(goal, bound, "too few samples", [cell.id]);
  const most = extra.get(FIGURE.loopBoundMs);
  const measured = `p99 ${text.milliseconds(loopP99)} ms`;
  if (most === undefined)
    return notMeasured(goal, bound, `${measured}, and the results do not say the bound`, [cell.id]);
  return {
    goal,
    bound: `≤ ${text.number(most)} ms (the slice and one capped native send)`,
    measured,
    verdict: loopP99 / 1_000 <= most ? "met" : "missed",
    cells: [cell.id],
  };
}

function withFigure(material: Material, name: string): { cell: Cell; value: number }[] {
  return material.cells.flatMap((cell) => {
    const value = summarize(cell, material).extra.get(name);
    return value === undefined ? [] : [{ cell, value }];
  });
}
