import type fc from "fast-check";

/** For `fc.commands`: the `replayPath` that a failure prints. */
export function replay(): { replayPath?: string } {
  const { PROPERTY_REPLAY: replayPath } = process.env;
  return replayPath === undefined ? {} : { replayPath };
}

/**
 * Settings of one property. A failure prints its seed and path; run that one again with
 * `PROPERTY_SEED=… PROPERTY_PATH=… [PROPERTY_REPLAY=…] node scripts/test.js FILE`, or look longer with `PROPERTY_RUNS=10000`.
 */
export function runs(numRuns: number): fc.Parameters<unknown> {
  const { PROPERTY_SEED: seed, PROPERTY_PATH: path, PROPERTY_RUNS: more } = process.env;
  return {
    includeErrorInReport: true,
    numRuns: more === undefined ? numRuns : Number(more),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
  };
}
