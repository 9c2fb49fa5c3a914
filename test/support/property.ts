import type fc from "fast-check";

/** For `fc.commands`: the `replayPath` that a failure prints. */
export function replay(): { replayPath?: string } {
  const { SPILLWAY_REPLAY: replayPath } = process.env;
  return replayPath === undefined ? {} : { replayPath };
}

/**
 * Settings of one property. A failure prints its seed and path; run that one again with
 * `SPILLWAY_SEED=… SPILLWAY_PATH=… [SPILLWAY_REPLAY=…] node scripts/test.js FILE`, or look longer with `SPILLWAY_RUNS=10000`.
 */
export function runs(numRuns: number): fc.Parameters<unknown> {
  const { SPILLWAY_SEED: seed, SPILLWAY_PATH: path, SPILLWAY_RUNS: more } = process.env;
  return {
    includeErrorInReport: true,
    numRuns: more === undefined ? numRuns : Number(more),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
  };
}
