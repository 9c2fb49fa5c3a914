/**
 * Tables for a terminal: aligned, and no wider than it. Columns that have no room are named below the table rather than
 * wrapped, text is wrapped within its column, and the report has it all. Colours only where they are seen and wanted
 * (https://no-color.org).
 *
 * @module
 */
import { type Mark, type Row, type Table, withColumns } from "./table.ts";
import { NOTHING } from "./text.ts";

const GAP = "  ";
/** A column of text is not wrapped to less. */
const NARROWEST = 24;
const COLOURS: Readonly<Record<Mark | "title" | "dim", string>> = {
  good: "\x1b[32m",
  bad: "\x1b[31m",
  weak: "\x1b[33m",
  title: "\x1b[1m",
  dim: "\x1b[2m",
};

export interface TerminalOptions {
  /** Characters. @default 120 */
  readonly width?: number;
  /** @default whether stdout is a terminal, and NO_COLOR is not set */
  readonly colours?: boolean;
}

export function renderTerminal(table: Table, options: TerminalOptions = {}): string {
  const width = options.width ?? 120;
  const colours = options.colours ?? (process.stdout.isTTY === true && !process.env.NO_COLOR);
  const paint = (colour: keyof typeof COLOURS, text: string): string =>
    colours && text !== "" ? `${COLOURS[colour]}${text}\x1b[0m` : text;
  const dim = (text: string): string[] => wrapped(text, width).map((line) => paint("dim", line));

  const lines = [paint("title", table.title), ...table.notes.flatMap(dim)];
  if (table.rows.length === 0) return `${[...lines, "Nothing was measured."].join("\n")}\n`;

  const beside = withColumns(table, (index) => table.columns[index]!.below !== true);
  const { fitted, leftOut } = fit(beside, width);
  const widths = shrunk(fitted, width);
  const heads = fitted.columns.map(({ title }) => headLines(title));
  const height = Math.max(...heads.map((head) => head.length));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        fitted.columns[index]!.align === "right"
          ? cell.padStart(widths[index]!)
          : cell.padEnd(widths[index]!),
      )
      .join(GAP)
      .trimEnd();

  lines.push("");
  for (let row = 0; row < height; row++) {
    // Short titles stand on the last line, over their numbers.
    lines.push(paint("dim", line(heads.map((head) => head[row - (height - head.length)] ?? ""))));
  }
  lines.push(paint("dim", widths.map((columns) => "─".repeat(columns)).join(GAP)));
  for (const [index, row] of fitted.rows.entries()) {
    const texts = row.cells.map((cell, column) => wrapped(cell === NOTHING ? "·" : cell, widths[column]!));
    const tall = Math.max(...texts.map((text) => text.length));
    for (let at = 0; at < tall; at++) {
      const text = line(texts.map((parts) => parts[at] ?? ""));
      lines.push(row.mark ? paint(row.mark, text) : text);
    }
    lines.push(...remarks(table, table.rows[index]!).flatMap((remark) => dim(`  └ ${remark}`)));
  }
  if (leftOut.length > 0) lines.push(...dim(`No room here, in the report: ${leftOut.join(", ")}.`));
  return `${lines.join("\n")}\n`;
}

function remarks(table: Table, row: Row): string[] {
  return row.cells.filter((cell, index) => table.columns[index]!.below === true && cell !== NOTHING);
}

/** Without the columns that matter least, until it fits. */
function fit(table: Table, width: number): { fitted: Table; leftOut: string[] } {
  let fitted = table;
  const leftOut: string[] = [];
  while (sum(widthsOf(fitted)) > width) {
    const lowest = Math.min(...fitted.columns.map(({ keep }) => keep ?? Number.POSITIVE_INFINITY));
    const index = fitted.columns.findLastIndex(({ keep }) => keep === lowest);
    if (index === -1) break;
    leftOut.push(fitted.columns[index]!.title);
    fitted = withColumns(fitted, (other) => other !== index);
  }
  return { fitted, leftOut };
}

/** Widths at which text wraps so that the whole fits: the widest text gives first. */
function shrunk(table: Table, width: number): number[] {
  const widths = widthsOf(table);
  const least = table.columns.map(({ align }, index) =>
    align === "left" ? Math.max(NARROWEST, longestWord(table, index)) : Number.POSITIVE_INFINITY,
  );
  const gives = (index: number): boolean => widths[index]! > least[index]!;
  for (let over = sum(widths) - width; over > 0; over--) {
    const widest = Math.max(...widths.filter((_, index) => gives(index)));
    const index = widths.findIndex((columns, at) => columns === widest && gives(at));
    if (index === -1) break;
    widths[index]! -= 1;
  }
  return widths;
}

/** What cannot be wrapped. */
function longestWord(table: Table, index: number): number {
  return Math.max(...table.rows.flatMap((row) => row.cells[index]!.split(" ").map((word) => word.length)));
}

function sum(widths: readonly number[]): number {
  return widths.reduce((total, columns) => total + columns + GAP.length, -GAP.length);
}

function widthsOf(table: Table): number[] {
  return table.columns.map(({ title }, index) =>
    Math.max(
      ...headLines(title).map((line) => line.length),
      ...table.rows.map((row) => row.cells[index]!.length),
      1,
    ),
  );
}

/** A title over at most two lines, broken where the longer one is shortest. */
function headLines(title: string): string[] {
  const parts = title.split(" ");
  let best = [title];
  for (let at = 1; at < parts.length; at++) {
    const lines = [parts.slice(0, at).join(" "), parts.slice(at).join(" ")];
    if (Math.max(...lines.map((line) => line.length)) < Math.max(...best.map((line) => line.length)))
      best = lines;
  }
  return best;
}

function wrapped(text: string, width: number): string[] {
  // An indent at the beginning is kept.
  const indent = /^ */.exec(text)![0];
  const lines: string[] = [];
  for (const word of text.trimStart().split(" ")) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(`${indent}${word}`);
    else if (last.length + 1 + word.length > width) lines.push(`${indent}${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
