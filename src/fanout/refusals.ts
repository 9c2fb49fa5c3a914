import { SpillwayError } from "../errors.ts";

/** Counts what was refused, by error code. */
export class Refusals {
  readonly #counts: Record<string, number> = {};

  /** Counts an error that a caller is about to get. Misuse by a programmer is none that an operator could act on. */
  count(error: unknown): void {
    if (!(error instanceof SpillwayError)) return;
    this.#counts[error.code] = (this.#counts[error.code] ?? 0) + 1;
  }

  /** Only codes that occurred. */
  counts(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }
}
