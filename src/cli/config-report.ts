/** What `spillway config` prints for people. @module */
import {
  type ExplainedValue,
  type Explanation,
  roundSize,
  type Whom,
  type WorstCaseMemory,
} from "../config/index.ts";

/** One explanation as a whole. */
export function explanationLines(explanation: Explanation): readonly string[] {
  const { subscriber, topic, common } = explanation;
  return [
    `${nameOf(explanation)}:`,
    ...rows(subscriber),
    "",
    `topics that match ${explanation.patterns.join(", ") || "no pattern"}:`,
    ...rows(topic),
    "",
    "everything else:",
    ...rows(common),
  ];
}

/** Everybody: first what counts where nothing else is said, and of the others what differs from it. */
export function policyLines(explanations: readonly Explanation[]): readonly string[] {
  const [first, ...others] = explanations;
  if (first === undefined) return [];
  return [
    "every subscriber:",
    ...rows(first.subscriber),
    "",
    "every topic:",
    ...rows(first.topic),
    ...others.flatMap((other) => {
      // A topic has no class.
      const topic = other.className === undefined ? different(other.topic, first.topic) : [];
      const values = [...different(other.subscriber, first.subscriber), ...topic];
      const title = nameOf(other);
      return values.length === 0
        ? ["", `${title}: as every subscriber`]
        : ["", `${title}: as every subscriber, but`, ...rows(values)];
    }),
    "",
    "everything else:",
    ...rows(first.common),
  ];
}

export function memoryLines({ subscribers, topics, total, notes }: WorstCaseMemory): readonly string[] {
  return [
    "memory at worst:",
    ...table([
      ["", "who asks for nothing", "who asks for all"],
      ...subscribers.map((one) => [nameOf(one), roundSize(one.standard), roundSize(one.most)]),
      ["as many as there may be", roundSize(total.standard), roundSize(total.most)],
    ]),
    "",
    ...table([
      ["", "retained"],
      ...topics.map(({ pattern, retained }) => [
        `one topic of ${pattern ?? "no pattern"}`,
        roundSize(retained),
      ]),
      ["as many as there may be", roundSize(total.retained)],
    ]),
    ...notes.map((note) => `  ${note}`),
  ];
}

function nameOf({ patterns, className }: Whom): string {
  const of = patterns.length === 0 ? undefined : `subscribers of ${patterns.join(", ")}`;
  if (className === undefined) return of ?? "every subscriber";
  return of === undefined ? `class ${className}` : `class ${className}, ${of}`;
}

function different(
  values: readonly ExplainedValue[],
  from: readonly ExplainedValue[],
): readonly ExplainedValue[] {
  const known = new Map(from.map((value) => [value.option, value]));
  return values.filter(({ option, value, origin }) => {
    const other = known.get(option);
    return other === undefined || other.value !== value || other.origin !== origin;
  });
}

function rows(values: readonly ExplainedValue[]): readonly string[] {
  return table(values.map(({ option, value, origin }) => [option, value, origin]));
}

/** A long value pushes only its own row apart. */
const WIDEST = 32;

function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, Math.min(cell.length, WIDEST));
  }
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
}
