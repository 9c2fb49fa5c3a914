/**
 * What came of it: a column for each configuration, and what the others are of the first.
 *
 * @module
 */
import type { ConfigResults, Kind } from "../../config-results.ts";
import { BLOCKS_FOR_INTERVAL } from "../statistics.ts";
import { type Field, type Table, tableOf } from "../table.ts";
import { NOT_KNOWN, ratio, interval as ratioInterval } from "../text.ts";
import type { Compared } from "./compare.ts";
import { type FigureRow, fewestTrials, figureRows } from "./rows.ts";
import { nameOf, plain } from "./words.ts";

/** A line of the table. */
interface Line {
  readonly label: string;
  /** What stands on it together; nothing, for a heading. */
  readonly rows: readonly FigureRow[];
}

export function figuresTable(results: ConfigResults): Table {
  const { configs, kinds } = results;
  const all = figureRows(results);
  const section = (label: string, of: string) => [
    { label, rows: [] },
    ...linesOf(all.filter((row) => row.of === of)),
  ];
  return tableOf<Line>(
    configs.length === 1 ? "What came of it" : "What came of it, side by side",
    [
      { title: "", align: "left", of: ({ label }) => label },
      ...configs.flatMap((_, index) => fieldsOf(index, results)),
    ],
    [...kinds.flatMap((kind) => section(describeKind(kind), kind.id)), ...section("server", "server")],
  );
}

/** The columns of one configuration. What its trials differ by has one where there are several. */
function fieldsOf(index: number, results: ConfigResults): readonly Field<Line>[] {
  const { configs } = results;
  const config = configs[index]!;
  const trials = fewestTrials(results);
  const telling = (text: (compared: Compared, row: FigureRow) => string) => (line: Line) => {
    const row = line.rows.find(({ figure }) => figure.includes("p99")) ?? line.rows[0];
    return row === undefined ? BLANK : text(row.compared[index]!, row) || BLANK;
  };
  const value: Field<Line> = {
    title: nameOf(config),
    align: "right",
    of: ({ rows }) =>
      rows.map(({ compared, text }) => valueText(compared[index]!, text)).join(" / ") || BLANK,
  };
  const range: Field<Line> = {
    title: "trials",
    align: "left",
    of: telling(({ range }, { text }) =>
      range === undefined ? "" : `[${text(range.low)}–${text(range.high)}]`,
    ),
  };
  const by: Field<Line> = {
    title: `${config.letter} ÷ ${configs[0]!.letter}`,
    align: "right",
    of: telling(({ ratio: of }) => (of === undefined ? "" : ratio(of))),
  };
  const spread: Field<Line> = {
    title: trials < BLOCKS_FOR_INTERVAL ? "single blocks" : "95 %",
    align: "left",
    of: telling(({ blocks, interval }) =>
      interval === undefined ? blocks.map(ratio).join(", ") : ratioInterval(interval),
    ),
  };
  const several = (field: Field<Line>) => (trials > 1 ? [field] : []);
  if (index > 0) return [value, by, ...several(spread)];
  return [value, ...(configs.length === 1 ? several(range) : [])];
}

/** Not the sign for what has no meaning: most lines have nothing here. */
const BLANK = " ";

function valueText({ value }: Compared, text: (value: number) => string): string {
  return value === undefined ? NOT_KNOWN : text(value);
}

/** Rows that stand on one line, together. */
function linesOf(rows: readonly FigureRow[]): readonly Line[] {
  const lines = new Map<string, FigureRow[]>();
  for (const row of rows) {
    const label = `  ${row.line ?? row.figure}`;
    lines.set(label, [...(lines.get(label) ?? []), row]);
  }
  return [...lines].map(([label, together]) => ({ label, rows: together }));
}

export function describeKind({ group, name, subscribers, readsPerSecond }: Kind): string {
  const what = readsPerSecond === undefined ? name : `slow, reads ${plain(readsPerSecond)}/s`;
  return `${group}: ${what} × ${subscribers}`;
}
