/**
 * How long to stay away before the next attempt: exponential backoff with full jitter.
 *
 * The delay is drawn anew each time, evenly from 0 to a ceiling that doubles with every failure up to a cap.
 * Full jitter rather than a few percent around the ceiling, because the clients of a server that restarts have
 * all failed in the same instant: whatever they share, they would share again. For the same reason a delay that
 * the server asks for is added to the draw and not merely compared with it.
 *
 * @module
 */

import { CLIENT_DEFAULTS } from "../../../defaults.ts";

export interface BackoffOptions {
  /**
   * Ceiling of the first delay, in milliseconds.
   *
   * @default 200
   */
  readonly baseMs?: number;
  /**
   * Highest ceiling, in milliseconds.
   *
   * @default 20000
   */
  readonly capMs?: number;
  /**
   * A stream that was live for this long counts as a success: the next delay starts at `baseMs` again. Less
   * would let a server that accepts and drops its clients at once be asked without pause.
   *
   * @default 10000
   */
  readonly resetAfterMs?: number;
  /**
   * Evenly distributed in [0, 1).
   *
   * @default Math.random
   */
  readonly random?: () => number;
}

/**
 * The longest wait that a server can ask for: an hour. It must be finite because Node runs a timer of more than
 * 2^31 ms at once, which would turn "never come back" into "come back without pause".
 */
const LONGEST_FLOOR_MS = 3_600_000;

export class Backoff {
  readonly resetAfterMs: number;
  readonly #baseMs: number;
  readonly #capMs: number;
  readonly #random: () => number;
  #failures = 0;

  /** @throws RangeError for a time that is not a finite number >= 0, or a cap of more than an hour. */
  constructor(options: BackoffOptions = {}) {
    this.#baseMs = time("backoff.baseMs", options.baseMs ?? CLIENT_DEFAULTS.backoff.baseMs);
    this.#capMs = time("backoff.capMs", options.capMs ?? CLIENT_DEFAULTS.backoff.capMs);
    this.resetAfterMs = options.resetAfterMs ?? CLIENT_DEFAULTS.backoff.resetAfterMs;
    if (!(this.resetAfterMs >= 0)) throw outOfRange("backoff.resetAfterMs", ">= 0", this.resetAfterMs);
    this.#random = options.random ?? Math.random;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Counts one failure and says how many milliseconds to wait, never less than `floorMs`. */
  next(floorMs = 0): number {
    const ceiling = Math.min(this.#capMs, this.#baseMs * 2 ** this.#failures);
    this.#failures += 1;
    const floor = floorMs > 0 ? Math.min(floorMs, LONGEST_FLOOR_MS) : 0;
    return floor + this.#random() * ceiling;
  }

  reset(): void {
    this.#failures = 0;
  }
}

function time(name: string, value: number): number {
  if (!(value >= 0 && value <= LONGEST_FLOOR_MS)) throw outOfRange(name, `0 to ${LONGEST_FLOOR_MS}`, value);
  return value;
}

function outOfRange(name: string, expected: string, got: number): RangeError {
  return new RangeError(`${name} must be a number of milliseconds ${expected}, got ${String(got)}`);
}
