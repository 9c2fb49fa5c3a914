/**
 * Micro-benchmarks: what the parts of the engine cost without network and without other processes.
 *
 * Compare the rows of one table with one another; absolute times belong to the machine and the moment. Every row is
 * measured in fresh processes of its own, in rounds, so that a machine that gets slower gets slower for all rows alike.
 *
 * @module
 */
import type { MicroRow, MicroTable } from "../results.ts";
import { measureInFreshProcess } from "./fresh-process.ts";
import { summarize } from "./summary.ts";
import type { Budget, Level, Measurement, Row, Table } from "./table.ts";
import { TABLES } from "./tables.ts";

export type { Level } from "./table.ts";

const PLANS: Readonly<Record<Level, { readonly rounds: number; readonly budget: Budget }>> = {
  headline: { rounds: 2, budget: { warmupMs: 60, timeMs: 100 } },
  full: { rounds: 3, budget: { warmupMs: 150, timeMs: 250 } },
};

/** @param filter - only tables whose name contains it */
export async function* runMicro(level: Level, filter = ""): AsyncIterable<MicroTable> {
  for (const table of TABLES) {
    if (table.name.includes(filter) && table.rows(level).length > 0) yield await measureTable(table, level);
  }
}

async function measureTable(table: Table, level: Level): Promise<MicroTable> {
  const { rounds, budget } = PLANS[level];
  const measured = new Map<Row, Measurement[]>(table.rows(level).map((row) => [row, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [row, measurements] of measured) {
      const order = { table: table.name, row: row.name, level, budget };
      measurements.push(await measureInFreshProcess(order, row));
    }
  }
  const rows = [...measured].map(([{ name }, measurements]): MicroRow => {
    return { name, ...summarize(measurements) };
  });
  const { name, operation, reference } = table;
  return { name, operation, ...(reference === undefined ? {} : { reference }), rows };
}
