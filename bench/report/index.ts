/**
 * The report: what results say, as tables for a terminal and as files.
 *
 * @module
 */
import type { Results } from "../results.ts";
import { judge } from "./goals/index.ts";
import { gather } from "./material.ts";
import { cpuTables } from "./tables/cpu.ts";
import { goalsTable } from "./tables/goals.ts";
import { headline } from "./tables/headline.ts";
import { microTable } from "./tables/micro.ts";
import { renderTerminal, type TerminalOptions } from "./terminal.ts";
import { type WrittenReport, write } from "./write.ts";

export { configFigures, configReport } from "./config/index.ts";
export type { TerminalOptions } from "./terminal.ts";
export type { WrittenReport } from "./write.ts";

/** Writes the HTML, the Markdown and the plots of one run into a folder, which is made if need be. */
export function writeReport(results: Results, folder: string): Promise<WrittenReport> {
  return write(gather([results]), folder);
}

/** The tables of a run for a terminal: those that have rows. */
export function headlineTable(results: Results, options?: TerminalOptions): string {
  const material = gather([results]);
  const judged = judge(material).filter(({ verdict }) => verdict !== "not measured");
  const tables = [
    headline(material),
    ...cpuTables(material),
    ...material.micro.map(microTable),
    goalsTable(judged),
  ].filter(({ rows }) => rows.length > 0);
  if (tables.length === 0) return "Nothing was measured that the headline tells; the report has the rest.\n";
  return tables.map((table) => renderTerminal(table, options)).join("\n");
}
