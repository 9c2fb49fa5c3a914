/** Which cells a plot is about, and how their lines look. @module */
import type { Cell } from "../../results.ts";
import { nameOf, orderOf } from "../cells.ts";
import type { Material } from "../material.ts";
import { type Look, lookOf } from "../palette.ts";
import * as text from "../text.ts";

/** Ours first, then as in the results. */
export function inOrder(cells: readonly Cell[], material: Material): Cell[] {
  const order = orderOf(material);
  return cells.toSorted((a, b) => order(a) - order(b));
}

/** A system's own look, and for each further variant of it in the same plot another dash and mark. */
export function lookOfCell(cell: Cell, plotted: readonly Cell[], material: Material): Look {
  const names = material.systems.map(({ name }) => name);
  const variants = [...new Set(plotted.filter(({ system }) => system === cell.system).map(nameOf))];
  return lookOf(cell.system, names, Math.max(0, variants.indexOf(nameOf(cell))));
}

/** Of the groups of cells that agree in `of`, the one with most systems; among equals the one whose value is largest. */
export function mostCommon(cells: readonly Cell[], of: (cell: Cell) => number): Cell[] {
  const groups = new Map<number, Cell[]>();
  for (const cell of cells) groups.set(of(cell), [...(groups.get(of(cell)) ?? []), cell]);
  const best = [...groups].sort(([a, left], [b, right]) => right.length - left.length || b - a)[0];
  return best?.[1] ?? [];
}

/** What lines have in common: `100 healthy subscribers, 128 B, 500 messages/s`. */
export function loadWords({ load }: Cell): string {
  return [
    `${text.whole(load.healthy)} healthy`,
    text.size(load.payloadBytes),
    `${text.whole(load.rate)} messages/s`,
  ].join(", ");
}
