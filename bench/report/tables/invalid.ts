/**
 * Trials that do not count, and those that count only at the second attempt, with the reason: nobody should have to wonder
 * what was left out, or whether one system was given more chances than another.
 *
 * @module
 */
import type { Trial } from "../../results.ts";
import type { Material } from "../material.ts";
import { type Table, tableOf } from "../table.ts";

export function invalidTable(material: Material): Table {
  const told = material.cells.flatMap(({ id, trials }) =>
    trials
      .filter(({ problems, firstAttempt }) => problems.length > 0 || firstAttempt !== undefined)
      .map((trial) => ({ id, trial })),
  );
  return tableOf(
    "Trials that do not count, or were repeated",
    [
      { title: "cell", align: "left", of: ({ id }) => id },
      { title: "block", align: "right", of: ({ trial }) => String(trial.block) },
      { title: "outcome", align: "left", of: ({ trial }) => outcome(trial) },
      { title: "why", align: "left", of: ({ trial }) => reasons(trial) },
    ],
    told,
    ({ trial }) => (trial.problems.length > 0 ? "bad" : "weak"),
  );
}

function outcome({ problems, firstAttempt }: Trial): string {
  if (problems.length === 0) return "repeated once, counts";
  return firstAttempt === undefined ? "does not count" : "repeated once, does not count";
}

function reasons({ problems, firstAttempt = [] }: Trial): string {
  return [...firstAttempt.map((reason) => `first attempt: ${reason}`), ...problems].join("; ");
}
