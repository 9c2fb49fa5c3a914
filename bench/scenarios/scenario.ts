/**
 * What a scenario is: it turns its parameters into cells, and knows for which levels.
 *
 * @module
 */
import type { CellPlan } from "../harness/plan.ts";
import type { Settings } from "../system.ts";

/**
 * - `headline`: what one wants to see first, in under three minutes.
 * - `full`: everything that takes seconds per trial.
 * - `soak`: half an hour in one piece.
 */
export type Level = "headline" | "full" | "soak";

export const LEVELS: readonly Level[] = ["headline", "full", "soak"];

export interface Scenario {
  readonly name: string;
  /** One line for `--list`. */
  readonly about: string;
  /** None where the level has no use for it. */
  cells(request: ScenarioRequest): readonly CellPlan[];
}

export interface ScenarioRequest {
  readonly level: Level;
  /** Names of systems that are not of this house, to be measured beside the others. */
  readonly guests: readonly string[];
  /** Length of a soak. */
  readonly soakMinutes: number;
}

/** A system as one cell has it. */
export interface Contender {
  readonly system: string;
  /** Tells the settings apart, where there are several. */
  readonly variant?: string;
  readonly settings: Settings;
}

export function contender(system: string): Contender {
  return { system, settings: {} };
}

/** `tax/spillway drop-oldest/10 sigstop` */
export function cellId(scenario: string, { system, variant }: Contender, load: string): string {
  return `${scenario}/${variant === undefined ? system : `${system} ${variant}`}/${load}`;
}

/** The part of a cell that says whose it is. */
export function whose({ system, variant }: Contender): Pick<CellPlan, "system" | "variant"> {
  return { system, ...(variant === undefined ? {} : { variant }) };
}
