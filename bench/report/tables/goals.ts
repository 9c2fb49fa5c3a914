/** The goals, each with its verdict. @module */
import type { Goal, Verdict } from "../goals/index.ts";
import { type Mark, type Table, tableOf } from "../table.ts";

const SIGN: Readonly<Record<Verdict, string>> = {
  met: "✓ met",
  missed: "✗ missed",
  undecided: "? undecided",
  stated: "· stated",
  "not measured": "– not measured",
};
const MARK: Readonly<Partial<Record<Verdict, Mark>>> = {
  met: "good",
  missed: "bad",
  undecided: "weak",
  "not measured": "weak",
};

export function goalsTable(goals: readonly Goal[]): Table {
  return tableOf(
    "Goals",
    [
      { title: "verdict", align: "left", of: ({ verdict }) => SIGN[verdict] },
      { title: "goal", align: "left", of: ({ goal }) => goal },
      { title: "bound", align: "left", of: ({ bound }) => bound },
      { title: "measured", align: "left", of: ({ measured }) => measured },
      { title: "stands on", align: "left", of: ({ cells }) => cells.join(", "), keep: 10 },
    ],
    goals,
    ({ verdict }) => MARK[verdict],
  );
}
