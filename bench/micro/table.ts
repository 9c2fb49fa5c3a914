/**
 * What a micro-benchmark is made of: tables of rows that do the same work in different ways, and what one row costs.
 *
 * A row makes what it needs, measures, and gives everything back; it knows nothing of the rows beside it, so it can be
 * measured in any process, alone, and as often as one likes.
 *
 * @module
 */
import type { MicroRow } from "../results.ts";

/** `headline`: the rows that are quoted, quickly. `full`: every row, longer. */
export type Level = "headline" | "full";

/** How long a row may take. What it prepares before and clears up after comes on top. */
export interface Budget {
  readonly warmupMs: number;
  readonly timeMs: number;
}

export type Measurement = Omit<MicroRow, "name">;

export interface Row {
  readonly name: string;
  /** Flags of Node that its process needs. */
  readonly execArgv?: readonly string[];
  measure(budget: Budget): Promise<Measurement>;
}

export interface Table {
  /** The module that exports it among its `tables`: all that the process of a row has to load. */
  readonly module: string;
  /** Unique. */
  readonly name: string;
  /** What one operation is. */
  readonly operation: string;
  /** The row that the others are compared with. */
  readonly reference?: string;
  /** It counts bytes rather than time: once is enough. */
  readonly bytesOnly?: boolean;
  /** None: it is not for that level. */
  rows(level: Level): readonly Row[];
  /**
   * Measures all rows in one process, in turns, for as long as it takes; in their order. Without it each row has a
   * process of its own.
   */
  together?(level: Level): Promise<readonly Measurement[]>;
}

/** A measurement of a table that counts bytes. */
export function bytes(counted: Pick<MicroRow, "allocatedBytes" | "heldBytes">): Measurement {
  return { nanoseconds: 0, marginPercent: 0, ...counted };
}
