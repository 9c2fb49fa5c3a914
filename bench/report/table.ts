/**
 * Tables before they are text: the same ones go to the terminal, to Markdown and to HTML.
 *
 * @module
 */
import { NOTHING } from "./text.ts";

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  /** The lowest go first where a line has no room for all. Absent: never. */
  readonly keep?: number;
  /** Sentences, mostly absent: where lines are short they stand below their row. */
  readonly below?: boolean;
}

/** What a row stands for at a glance. */
export type Mark = "good" | "bad" | "weak";

export interface Row {
  readonly cells: readonly string[];
  readonly mark?: Mark;
}

export interface Table {
  /** Empty below a heading that says it. */
  readonly title: string;
  /** What all rows have in common, and what is not to be seen in them. */
  readonly notes: readonly string[];
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/** A column and how a row's cell of it is made. */
export interface Field<T> extends Column {
  readonly of: (row: T) => string;
}

export function tableOf<T>(
  title: string,
  fields: readonly Field<T>[],
  items: readonly T[],
  markOf?: (item: T) => Mark | undefined,
): Table {
  return {
    title,
    notes: [],
    columns: fields.map(({ of, ...column }) => column),
    rows: items.map((item) => {
      const mark = markOf?.(item);
      return { cells: fields.map(({ of }) => of(item)), ...(mark && { mark }) };
    }),
  };
}

/** Without the columns in which no row has anything. */
export function withoutEmptyColumns(table: Table): Table {
  return withColumns(table, (index) => table.rows.some((row) => row.cells[index] !== NOTHING));
}

/** Columns in which all rows say the same become a note: `100 healthy`. One row is no reason. */
export function withConstantsAsNote(table: Table, titles: readonly string[]): Table {
  if (table.rows.length < 2) return table;
  const constant = table.columns.flatMap((column, index) => {
    const values = new Set(table.rows.map((row) => row.cells[index]));
    return titles.includes(column.title) && values.size === 1 ? [index] : [];
  });
  if (constant.length === 0) return table;
  const said = constant
    .filter((index) => table.rows[0]!.cells[index] !== NOTHING)
    .map((index) => `${table.columns[index]!.title} ${table.rows[0]!.cells[index]}`);
  const smaller = withColumns(table, (index) => !constant.includes(index));
  return {
    ...smaller,
    notes: [...(said.length > 0 ? [`All rows: ${said.join(", ")}.`] : []), ...table.notes],
  };
}

export function withColumns(table: Table, keep: (index: number) => boolean): Table {
  return {
    ...table,
    columns: table.columns.filter((_, index) => keep(index)),
    rows: table.rows.map((row) => ({ ...row, cells: row.cells.filter((_, index) => keep(index)) })),
  };
}
