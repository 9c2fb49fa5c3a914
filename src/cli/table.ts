/**
 * Aligned columns of text from strangers: nothing in a cell breaks a line, reaches the terminal, or moves what stands
 * beside it, and no cell is wider than its column may be.
 *
 * @module
 */

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** Numbers stand on the right. */
  readonly align?: "left" | "right";
  /** Widest that a cell gets, in columns of a terminal; what is longer ends in `…`. */
  readonly most?: number;
}

const GAP = "  ";
const ELLIPSIS = "…";

/** A line of titles, and a line for each row. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ value, most }) => fitted(printable(value(row)), most))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => width(line[index] ?? ""))));
  return cells.map((line) =>
    line
      .map((cell, index) => {
        const space = " ".repeat((widths[index] ?? 0) - width(cell));
        return columns[index]?.align === "right" ? space + cell : cell + space;
      })
      .join(GAP)
      .trimEnd(),
  );
}

/** Control characters, line ends, and what changes the direction of text are shown as codes. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** Text that takes at most so many columns. */
export function fitted(text: string, most = Number.POSITIVE_INFINITY): string {
  if (width(text) <= most) return text;
  let kept = "";
  for (const character of text) {
    if (width(kept + character) > most - 1) break;
    kept += character;
  }
  return kept + ELLIPSIS;
}

/** East Asian wide characters and pictures take two columns, marks that join the letter before them none. */
export function width(text: string): number {
  let columns = 0;
  for (const character of text) columns += MARK.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return columns;
}

const MARK = /^\p{M}$/u;
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;
