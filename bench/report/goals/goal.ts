/** A goal and what was measured of it. @module */

/**
 * - `met`, `missed`: as measured. Where the spread reaches over the bound, `measured` says so.
 * - `not measured`: the cells are not there, do not count, or are too few to say.
 */
export type Verdict = "met" | "missed" | "not measured";

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
