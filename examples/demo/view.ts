/** What the screen shows: a plain value, made anew for every look at it. @module */

export type Phase = "start" | "warm-up" | "before" | "frozen" | "recovery" | "done";

export const PHASES: readonly Phase[] = ["start", "warm-up", "before", "frozen", "recovery", "done"];

export interface View {
  readonly elapsedMs: number;
  readonly phase: Phase;
  readonly phaseElapsedMs: number;
  /** Above 1 when the machine was disturbed at the freeze before, and it is done again. */
  readonly trial: number;
  /** `undefined` until the server listens. */
  readonly address: string | undefined;
  /** The newest reading of this machine by its key. */
  readonly machine: ReadonlyMap<string, string>;
  readonly rows: readonly Row[];
}

/** One client. */
export interface Row {
  readonly id: number;
  /** Which contract it speaks. */
  readonly contract: string;
  /** By its own count, which stands still while the client does. */
  readonly received: number;
  /** The rest is the server's view. */
  readonly queued: number;
  readonly queuedBytes: number;
  readonly lagMs: number;
  readonly dropped: number;
  readonly state: string;
  readonly troubled: boolean;
}
