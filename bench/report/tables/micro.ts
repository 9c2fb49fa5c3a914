/** Micro-benchmarks: rows that do the same work, each beside the one that the table is read from. @module */
import type { MicroTable } from "../../results.ts";
import { type Table, tableOf, withoutEmptyColumns } from "../table.ts";
import * as text from "../text.ts";

export function microTable({ name, operation, reference, bytesOnly, rows }: MicroTable): Table {
  const base = rows.find((row) => row.name === reference) ?? rows[0];
  const time = (cell: string): string => (bytesOnly === true ? text.NOTHING : cell);
  const table = tableOf(
    name,
    [
      { title: "way", align: "left", of: (row) => row.name },
      { title: "ns per operation", align: "right", of: ({ nanoseconds }) => time(text.number(nanoseconds)) },
      { title: "±", align: "right", of: ({ marginPercent }) => time(`${text.number(marginPercent)} %`) },
      {
        title: `× ${base?.name ?? "first"}`,
        align: "right",
        of: ({ nanoseconds }) =>
          time(text.ratio(base?.nanoseconds ? nanoseconds / base.nanoseconds : undefined)),
      },
      {
        title: "bytes allocated",
        align: "right",
        of: ({ allocatedBytes }) =>
          allocatedBytes === undefined ? text.NOTHING : text.number(allocatedBytes),
      },
      {
        title: "bytes held",
        align: "right",
        of: ({ heldBytes }) => (heldBytes === undefined ? text.NOTHING : text.number(heldBytes)),
      },
    ],
    rows,
  );
  return { ...withoutEmptyColumns(table), notes: [`One operation: ${operation}.`] };
}
