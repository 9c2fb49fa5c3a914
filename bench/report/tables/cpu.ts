/**
 * What a delivery costs the server in CPU time, by the number of messages that wait together. One table per number of
 * subscribers and payload; beside each cost its ratio to that of ours at the same rate, where there is one.
 *
 * @module
 */
import type { Cell } from "../../results.ts";
import { inScenario, nameOf, orderOf, ours, SCENARIO } from "../cells.ts";
import type { Material } from "../material.ts";
import { cpuOf, cpuRatio } from "../statistics.ts";
import type { Table } from "../table.ts";
import * as text from "../text.ts";

export function cpuTables(material: Material): Table[] {
  const groups = new Map<string, Cell[]>();
  for (const cell of inScenario(material, SCENARIO.cpu)) {
    const load = `${text.whole(cell.load.healthy)} subscribers, ${text.size(cell.load.payloadBytes)}`;
    groups.set(load, [...(groups.get(load) ?? []), cell]);
  }
  return [...groups].map(([load, cells]) => cpuTable(load, cells, material));
}

function cpuTable(load: string, cells: readonly Cell[], material: Material): Table {
  const bursts = [...new Set(cells.map((cell) => cell.load.burst))].sort((a, b) => a - b);
  const order = orderOf(material);
  const names = [...new Set(cells.toSorted((a, b) => order(a) - order(b)).map(nameOf))];
  const found = (name: string, burst: number): Cell | undefined =>
    cells.find((cell) => nameOf(cell) === name && cell.load.burst === burst);
  const mine = ours(material, cells);
  const reference = mine[0]?.system;
  const atRateOf = ({ load }: Cell): Cell | undefined =>
    mine.find((one) => one.load.burst === load.burst && one.load.rate === load.rate);
  const remarks: string[] = [];
  const rows = names.map((name) => {
    const own = bursts.map((burst) => found(name, burst));
    const why = own.find((cell) => cell?.unavailable)?.unavailable;
    if (why !== undefined) remarks.push(`${name} could not run: ${why}.`);
    return {
      cells: [
        name,
        ...own.flatMap((cell) => {
          const cost = cell && cpuOf(cell);
          if (cell === undefined || cost === undefined) return [text.NOTHING, text.NOTHING];
          const base = atRateOf(cell);
          const to = base && cpuRatio(cell, base);
          return [text.number(cost.median), to === undefined ? text.NOTHING : text.ratio(to.median)];
        }),
      ],
    };
  });
  for (const { name, unavailable } of material.systems) {
    if (unavailable === undefined || cells.some((cell) => cell.system === name)) continue;
    remarks.push(`${name} could not run: ${unavailable}.`);
  }
  return {
    title: `Server CPU per delivery by messages waiting: ${load}`,
    notes: [
      `Microseconds, median of the trials${reference === undefined ? "" : `; × is the ratio to ${reference} at the same rate`}.`,
      ...differentRates(cells),
      ...remarks,
    ],
    columns: [
      { title: "system", align: "left" },
      ...bursts.flatMap((burst) => [
        { title: `${burst} waiting`, align: "right" as const },
        { title: "×", align: "right" as const },
      ]),
    ],
    rows,
  };
}

/** Who sends less has more of the cost of being awake in each delivery: it must be said where loads differ. */
function differentRates(cells: readonly Cell[]): string[] {
  const bursts = [...new Set(cells.map(({ load }) => load.burst))].sort((a, b) => a - b);
  return bursts.flatMap((burst) => {
    const own = cells.filter(({ load }) => load.burst === burst);
    const rates = [...new Set(own.map(({ load }) => load.rate))].sort((a, b) => b - a);
    if (rates.length < 2) return [];
    const [most, ...others] = rates;
    const told = others.map(
      (rate) =>
        `${text.whole(rate)} to ${[...new Set(own.filter(({ load }) => load.rate === rate).map(nameOf))].join(", ")}`,
    );
    return [`With ${burst} waiting, ${text.whole(most!)} messages/s were offered, but ${told.join("; ")}.`];
  });
}
