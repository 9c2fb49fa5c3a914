/**
 * What is published, and when something happens to clients: as shares of the measured time, so that a longer one has longer
 * freezes.
 *
 * @module
 */
import type { ConfigLoad } from "../../config-results.ts";

export interface LoadOptions {
  /** Messages a second on each topic; `undefined`: so many that all topics together have {@link USUAL_RATE}. */
  readonly rate: number | undefined;
  readonly payloadBytes: number;
  readonly keys: number;
  readonly seconds: number;
}

const USUAL_RATE = 1_000;
/** Turns of the event loop with messages, a second: about as many as a busy application has. */
const TURNS = 250;

/** Of the measured time. Half of it is long enough to fill the queue of a preset, and the rest to see what follows. */
const FROZEN = [0.2, 0.7] as const;
const AWAY = [
  [0.3, 0.4],
  [0.7, 0.8],
] as const;

export function loadFor(topics: readonly string[], options: LoadOptions): ConfigLoad {
  const { payloadBytes, keys, seconds } = options;
  const rate = options.rate ?? Math.round(USUAL_RATE / topics.length);
  const stretch = ([from, to]: readonly [number, number]) => ({
    fromMs: from * seconds * 1_000,
    toMs: to * seconds * 1_000,
  });
  return {
    topics,
    rate,
    burst: topics.length * Math.max(1, Math.round(rate / TURNS)),
    payloadBytes,
    keys,
    seconds,
    frozen: stretch(FROZEN),
    away: AWAY.map(stretch),
  };
}
