/** A table for the cells of any scenario: every column that says something. @module */
import type { Cell, SlowKind } from "../../results.ts";
import { orderOf } from "../cells.ts";
import type { Material } from "../material.ts";
import { type Summary, summarize } from "../summary.ts";
import { type Field, type Table, tableOf, withConstantsAsNote, withoutEmptyColumns } from "../table.ts";
import { extraField, FIELD, markOf } from "./fields.ts";

/** Controls before what they are the control of. */
const KINDS: readonly SlowKind[] = [
  "draining",
  "sigstop",
  "window-0",
  "paused",
  "delayed",
  "draining-reconnecting",
  "reconnecting",
];
const NOTED = ["healthy", "payload", "offered/s", "burst", "per connection"];

export function scenarioTable(title: string, cells: readonly Cell[], material: Material): Table {
  const summaries = sorted(cells, material).map((cell) => summarize(cell, material));
  // Deliveries are the divisor of the CPU column, and say nothing by themselves.
  const names = [...new Set(summaries.flatMap(({ extra }) => [...extra.keys()]))];
  const extra = names.filter((name) => name !== "deliveries").map(extraField);
  const F = FIELD;
  const fields: readonly Field<Summary>[] = [
    ...[F.system, F.policy, F.healthy, F.slow, F.payload, F.rate, F.burst, F.perConnection, F.delivered],
    ...[F.p50, F.p99, F.p999, F.max, F.tax],
    ...extra,
    ...[F.cpu, F.publish, F.loop, F.rss, F.heap, F.dropped, F.conflated, F.evicted],
    ...[F.told, F.missing, F.undelivered, F.remark],
  ];
  return tableOfCells(title, fields, summaries);
}

/** The least crowded form of a table of cells. */
export function tableOfCells(
  title: string,
  fields: readonly Field<Summary>[],
  summaries: readonly Summary[],
): Table {
  return withConstantsAsNote(withoutEmptyColumns(tableOf(title, fields, summaries, markOf)), NOTED);
}

/** By load, then by company, then by system with ours first: what is compared stands together. */
export function sorted(cells: readonly Cell[], material: Material): Cell[] {
  const order = orderOf(material);
  const keys = (cell: Cell): readonly number[] => [
    cell.load.payloadBytes,
    cell.load.rate,
    cell.load.burst,
    cell.load.healthy,
    cell.load.slow === 0 || cell.load.slowKind === undefined ? -1 : KINDS.indexOf(cell.load.slowKind),
    cell.load.slow,
    order(cell),
  ];
  // Stable: variants stay as they were measured.
  return cells.toSorted((a, b) => {
    const [left, right] = [keys(a), keys(b)];
    const at = left.findIndex((key, index) => key !== right[index]);
    if (at === -1) return 0;
    return left[at]! < right[at]! ? -1 : 1;
  });
}
