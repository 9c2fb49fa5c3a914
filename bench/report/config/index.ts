/**
 * The report of a run with `--config`, for a terminal, and its figures as numbers.
 *
 * @module
 */
import type { ConfigResults } from "../../config-results.ts";
import type { Table } from "../table.ts";
import { renderTerminal, type TerminalOptions } from "../terminal.ts";
import type { Compared } from "./compare.ts";
import { figuresTable } from "./figures-table.ts";
import { figureRows } from "./rows.ts";
import {
  describeControls,
  describeLateness,
  describeLoad,
  describeTrials,
  describeUnreached,
} from "./sentences.ts";
import { differencesTable, treatmentTable } from "./settings-tables.ts";

const READ_AS = [
  "age when read: from when a message was due by the schedule until a client had it; what it never got has none.",
  "out of date: looked at every 10 ms for each key: how long ago the value that a client holds was replaced by a newer " +
    "one, 0 when it is the newest.",
  "Counts are means of a trial, in messages, summed over the clients of the row; what is 0 for all is left out.",
];

export function configReport(results: ConfigResults, options?: TerminalOptions): string {
  const differences = differencesTable(results);
  const treatment: Table = { ...treatmentTable(results), notes: describeUnreached(results) };
  const figures: Table = {
    ...figuresTable(results),
    notes: [
      ...describeLoad(results.load),
      ...describeTrials(results),
      ...describeControls(results),
      ...describeLateness(results),
      ...READ_AS,
    ],
  };
  return [...(differences === undefined ? [] : [differences]), treatment, figures]
    .map((table) => renderTerminal(table, options))
    .join("\n");
}

export interface TellingFigure {
  readonly of: string;
  readonly figure: string;
  readonly compared: readonly Compared[];
}

/** What the report's table says, as numbers: for scripts. Times are microseconds, sizes bytes, shares up to 1. */
export function configFigures(results: ConfigResults): readonly TellingFigure[] {
  return figureRows(results).map(({ of, figure, compared }) => ({ of, figure, compared }));
}
