/** What `spillway config` prints for people. @module */
import {
  type ExplainedValue,
  type Explanation,
  roundSize,
  type SpillwayConfig,
  type Whom,
  type WorstCaseMemory,
} from "../config/index.ts";
import { HUB_DEFAULTS } from "../defaults.ts";
import { printable } from "./table.ts";

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

/** Of those who are alike, the first. */
export function memoryLines(
  { subscribers, topics, total, notes }: WorstCaseMemory,
  { hub }: SpillwayConfig,
): readonly string[] {
  const [everyone] = subscribers;
  const kinds = subscribers.filter(
    (one) => one === everyone || one.standard !== everyone?.standard || one.most !== everyone.most,
  );
  const [any] = topics;
  const all = `all ${hub?.maxSubscriptions ?? HUB_DEFAULTS.maxSubscriptions}`;
  return [
    "memory at worst, of subscribers who ask for nothing, and who ask for all that they may have:",
    ...table([
      ...kinds.map((one) => [nameOf(one), roundSize(one.standard), roundSize(one.most)]),
      [`${all}, each with messages of its own`, roundSize(total.standard), roundSize(total.most)],
      [`${all}, with the same messages`, roundSize(total.shared)],
    ]),
    "",
    "memory at worst, of what is retained:",
    ...table([
      ...topics
        .filter((one) => one === any || one.retained !== any?.retained)
        .map(({ pattern, retained }) => [pattern ?? "every topic", roundSize(retained)]),
      [`all ${hub?.maxTopics ?? HUB_DEFAULTS.maxTopics}`, roundSize(total.retained)],
    ]),
    "",
    ...notes,
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

/** A long value pushes only its own row apart; the names of the rows are in one column, whatever they are. */
const WIDEST_VALUE = 32;

function table(cells: readonly (readonly string[])[]): readonly string[] {
  const lines = cells.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of lines) {
    for (const [column, { length }] of row.entries()) {
      const wanted = column === 0 ? length : Math.min(length, WIDEST_VALUE);
      widths[column] = Math.max(widths[column] ?? 0, wanted);
    }
  }
  return lines.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
}
