/**
 * Micro-benchmarks: what the parts of the engine cost without network and without other processes.
 *
 * Compare the rows of one table with one another; absolute times belong to the machine and the moment. Rows are measured
 * in rounds, so that a machine that gets slower gets slower for all of them alike, and each in a process of its own, unless its
 * table measures them in turns. That
 * is caution rather than need: measured after all the other tables in one process, the fan-out to 100 and to 10,000 null
 * sinks cost the same as in a fresh one, within the noise. But so nobody has to prove it again after every change, and a
 * row can ask for flags of Node.
 *
 * @module
 */
import type { MicroRow, MicroTable } from "../results.ts";
import { measureInFreshProcess, measureTogether } from "./fresh-process.ts";
import { summarize } from "./summary.ts";
import type { Budget, Level, Measurement, Row, Table } from "./table.ts";
import { TABLES } from "./tables.ts";

export type { Level } from "./table.ts";

const PLANS: Readonly<Record<Level, { readonly rounds: number; readonly budget: Budget }>> = {
  headline: { rounds: 1, budget: { warmupMs: 80, timeMs: 150 } },
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
  for (let round = 0; round < (table.bytesOnly === true ? 1 : rounds); round++) {
    if (table.together !== undefined) {
      const together = await measureTogether(table, level, budget);
      [...measured.values()].forEach((measurements, index) => void measurements.push(together[index]!));
      continue;
    }
    for (const [row, measurements] of measured) {
      measurements.push(await measureInFreshProcess(table, row, level, budget));
    }
  }
  const rows = [...measured].map(([{ name }, measurements]): MicroRow => {
    return { name, ...summarize(measurements) };
  });
  const { rows: _, module: __, together: ___, ...told } = table;
  return { ...told, rows };
}
