/** Who was measured, in which version, and who could not be. @module */
import type { Material } from "../material.ts";
import { type Table, tableOf } from "../table.ts";
import { NOTHING } from "../text.ts";

export function systemsTable(material: Material): Table {
  return tableOf(
    "Systems",
    [
      { title: "system", align: "left", of: ({ name }) => name },
      { title: "kind", align: "left", of: ({ kind }) => kind },
      {
        title: "version",
        align: "left",
        of: ({ version, unavailable }) =>
          unavailable === undefined ? (version ?? NOTHING) : `could not run: ${unavailable}`,
      },
      { title: "what it does", align: "left", of: ({ about }) => about },
    ],
    material.systems,
    ({ unavailable }) => (unavailable === undefined ? undefined : "weak"),
  );
}
