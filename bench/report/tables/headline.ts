/**
 * The headline: what healthy subscribers pay for slow ones, a row per system and company. A system that could not run
 * has its row where it was to be measured, and nowhere else.
 *
 * @module
 */
import { inScenario, SCENARIO } from "../cells.ts";
import type { Material } from "../material.ts";
import { type Summary, summarize } from "../summary.ts";
import type { Table } from "../table.ts";
import * as text from "../text.ts";
import { FIELD } from "./fields.ts";
import { sorted, tableOfCells } from "./scenario.ts";

export const HEADLINE = "The slow-consumer tax: healthy subscribers beside slow ones";

export function headline(material: Material): Table {
  const cells = inScenario(material, SCENARIO.tax);
  const summaries = sorted(cells, material).map((cell) => summarize(cell, material));
  const F = FIELD;
  const table = tableOfCells(
    HEADLINE,
    [
      ...[F.system, F.policy, F.healthy, F.slow, F.payload, F.rate, F.burst, F.delivered],
      ...[F.p50, F.p99, F.p999, F.max, F.tax, F.cpu, F.publish, F.rss, F.dropped, F.evicted, F.remark],
    ],
    summaries,
  );
  return { ...table, notes: [...table.notes, ...messagesNote(summaries)] };
}

/** What the percentiles stand on. */
function messagesNote(summaries: readonly Summary[]): string[] {
  const counts = summaries.filter(({ counted }) => counted > 0).map(({ messages }) => messages);
  if (counts.length === 0) return [];
  const [least, most] = [Math.min(...counts), Math.max(...counts)].map(text.whole);
  const range = least === most ? least : `${least} to ${most}`;
  return [`Percentiles of a row are of ${range} distinct messages, each due to every healthy subscriber.`];
}
