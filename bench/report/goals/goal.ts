/** A goal and what was measured of it. @module */

/**
 * - `met`, `missed`: the spread too lies on that side of the bound; where a figure has no spread, the figure.
 * - `undecided`: measured, but the spread reaches over the bound.
 * - `stated`: there is no bound, the goal is that the figure is there.
 * - `not measured`: the cells are not there, do not count, or are too few to say.
 */
export type Verdict = "met" | "missed" | "undecided" | "stated" | "not measured";

/** All, as they are counted, with what they say to a reader. */
export const VERDICTS: Readonly<Record<Verdict, string>> = {
  met: "the figure keeps to the bound, and so does all of its spread, where it has one",
  missed: "it does not (a tax: the rule of the bound is broken)",
  undecided: "it was measured, and its spread does not exclude the other side of the bound",
  stated: "there is no bound; the figure is what was asked for",
  "not measured": "there are no cells for it, they do not count, or they are too few to say",
};

export interface Goal {
  readonly goal: string;
  readonly bound: string;
  readonly measured: string;
  readonly verdict: Verdict;
  /** Ids of the cells, or names of the micro tables, that it stands on. */
  readonly cells: readonly string[];
}

export function notMeasured(goal: string, bound: string, why: string, cells: readonly string[] = []): Goal {
  return { goal, bound, measured: why, verdict: "not measured", cells };
}
