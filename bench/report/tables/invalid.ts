/** Trials that do not count, with the reason, so that nobody has to wonder what was left out. @module */
import type { Material } from "../material.ts";
import { type Table, tableOf } from "../table.ts";

export function invalidTable(material: Material): Table {
  const invalid = material.cells.flatMap(({ id, trials }) =>
    trials
      .filter(({ problems }) => problems.length > 0)
      .map(({ block, problems }) => ({ id, block, problems })),
  );
  return tableOf(
    "Trials that do not count",
    [
      { title: "cell", align: "left", of: ({ id }) => id },
      { title: "block", align: "right", of: ({ block }) => String(block) },
      { title: "why", align: "left", of: ({ problems }) => problems.join("; ") },
    ],
    invalid,
    () => "bad",
  );
}
