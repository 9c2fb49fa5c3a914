/**
 * Tables for a terminal: aligned, and no wider than it. Columns that have no room are named below the table rather than
 * wrapped; the report has them all. Colours only where they are seen and wanted (https://no-color.org).
 *
 * @module
 */
import { type Mark, type Table, withColumns } from "./table.ts";
import { NOTHING } from "./text.ts";

const GAP = "  ";
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
  const colours = options.colours ?? (process.stdout.isTTY === true && !process.env.NO_COLOR);
  const paint = (colour: keyof typeof COLOURS, text: string): string =>
    colours && text !== "" ? `${COLOURS[colour]}${text}\x1b[0m` : text;
  const { fitted, leftOut } = fit(table, options.width ?? 120);

  const heads = fitted.columns.map((column) => headLines(column.title));
  const height = Math.max(0, ...heads.map((lines) => lines.length));
  const widths = widthsOf(fitted);
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        fitted.columns[index]!.align === "right"
          ? cell.padStart(widths[index]!)
          : cell.padEnd(widths[index]!),
      )
      .join(GAP)
      .trimEnd();

  const lines = [paint("title", table.title)];
  for (const note of table.notes)
    lines.push(...wrap(note, options.width ?? 120).map((text) => paint("dim", text)));
  if (fitted.rows.length === 0) return `${[...lines, "Nothing was measured."].join("\n")}\n`;
  lines.push("");
  for (let row = 0; row < height; row++) {
    // Short titles stand on the last line, over their numbers.
    lines.push(paint("dim", line(heads.map((head) => head[row - (height - head.length)] ?? ""))));
  }
  lines.push(paint("dim", widths.map((width) => "─".repeat(width)).join(GAP)));
  for (const row of fitted.rows) {
    const text = line(row.cells.map((cell) => (cell === NOTHING ? "·" : cell)));
    lines.push(row.mark ? paint(row.mark, text) : text);
  }
  if (leftOut.length > 0) {
    lines.push(
      ...wrap(`No room here, in the report: ${leftOut.join(", ")}.`, options.width ?? 120).map((text) =>
        paint("dim", text),
      ),
    );
  }
  return `${lines.join("\n")}\n`;
}

function fit(table: Table, width: number): { fitted: Table; leftOut: string[] } {
  let fitted = table;
  const leftOut: string[] = [];
  while (widthOf(fitted) > width) {
    const lowest = Math.min(...fitted.columns.map(({ keep }) => keep ?? Number.POSITIVE_INFINITY));
    const index = fitted.columns.findLastIndex(({ keep }) => keep === lowest);
    if (index === -1 || lowest === Number.POSITIVE_INFINITY) break;
    leftOut.push(fitted.columns[index]!.title);
    fitted = withColumns(fitted, (other) => other !== index);
  }
  return { fitted, leftOut };
}

function widthOf(table: Table): number {
  return widthsOf(table).reduce((sum, width) => sum + width + GAP.length, -GAP.length);
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

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
