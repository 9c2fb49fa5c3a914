/**
 * What was set: what differs between the configurations, and how each of them treated whom.
 *
 * @module
 */
import type { ConfigResults, Treatment } from "../../config-results.ts";
import { type Table, tableOf } from "../table.ts";
import { NOTHING } from "../text.ts";
import { nameOf } from "./words.ts";

/** Options that do not count the same in all of them. `undefined` with one configuration. */
export function differencesTable({ configs }: ConfigResults): Table | undefined {
  if (configs.length < 2) return undefined;
  const paths = [...new Set(configs.flatMap(({ effective }) => Object.keys(effective)))];
  const different = paths.filter((path) => new Set(configs.map(({ effective }) => effective[path])).size > 1);
  const table = tableOf(
    "What differs",
    [
      { title: "option", align: "left", of: (path: string) => path },
      ...configs.map((config) => ({
        title: nameOf(config),
        align: "left" as const,
        of: (path: string) => config.effective[path] ?? "not said",
      })),
    ],
    different,
  );
  return different.length > 0
    ? table
    : { ...table, notes: ["Nothing: every option counts the same in all."] };
}

interface Treated {
  readonly group: string;
  readonly topic: string;
  /** Letters of the configurations that treat them so. */
  readonly configs: string;
  readonly treatment: Treatment;
}

/** How each group was treated, a row for each treatment that differs. */
export function treatmentTable({ groups, configs, kinds }: ConfigResults): Table {
  const rows = groups.flatMap(({ name, topic }) => {
    const own = kinds.filter(({ group }) => group === name).map(({ id }) => id);
    const byText = new Map<string, Treated>();
    for (const { letter, trials } of configs) {
      const treatment = trials.flatMap((trial) => own.flatMap((id) => trial.kinds[id]?.treatment ?? []))[0];
      if (treatment === undefined) continue;
      const text = JSON.stringify(treatment);
      const known = byText.get(text);
      const letters = known === undefined ? letter : `${known.configs}, ${letter}`;
      byText.set(text, { group: name, topic, configs: letters, treatment });
    }
    return [...byText.values()];
  });
  return tableOf<Treated>(
    "How clients were treated",
    [
      { title: "clients", align: "left", of: ({ group }) => group },
      { title: "topic", align: "left", of: ({ topic }) => topic },
      ...(configs.length > 1
        ? [{ title: "config", align: "left" as const, of: ({ configs: letters }: Treated) => letters }]
        : []),
      { title: "class", align: "left", of: ({ treatment }) => treatment.class ?? NOTHING },
      { title: "pattern", align: "left", of: ({ treatment }) => treatment.pattern ?? NOTHING },
      { title: "policy", align: "left", of: ({ treatment }) => treatment.overflow },
      { title: "queue", align: "left", of: ({ treatment }) => treatment.queue },
      { title: "retained", align: "left", of: ({ treatment }) => treatment.retention ?? NOTHING },
      { title: "escalation", align: "left", of: ({ treatment }) => treatment.rungs.join("; ") },
    ],
    rows,
  );
}
