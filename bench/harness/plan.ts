/**
 * What is to be measured, as data: scenarios make plans, the harness carries them out.
 *
 * @module
 */
import type { Load } from "../results.ts";
import type { Settings } from "../system.ts";
import type { Subscribers, WarmUp } from "./messages.ts";
import type { Phase } from "./schedule.ts";

export interface CellPlan {
  /** Unique in the run. */
  readonly id: string;
  readonly scenario: string;
  readonly system: string;
  readonly variant?: string;
  /** Cells of one group are measured together, block by block, in an order that the seed decides. */
  readonly group: string;
  /** The id of the cell in the same group that this one is compared with. */
  readonly control?: string;
  readonly load: Load;
  readonly trial: TrialPlan;
}

export interface TrialPlan {
  readonly settings: Settings;
  /** In place of the system's own module: some scenarios need a server that only they have. */
  readonly module?: string;
  /** @default one phase, as the load says */
  readonly phases?: readonly Phase[];
  readonly warmUps: readonly WarmUp[];
  readonly healthy: Subscribers;
  /** Everyone else. Each of them has a process of its own. */
  readonly companions: readonly Companion[];
  readonly events?: readonly TrialEvent[];
  /** @default 10 */
  readonly loopResolutionMs?: number;
  /** @default 100 */
  readonly spanMs?: number;
  /** How long to wait until the healthy ones have all of the warm-up. @default 2000 */
  readonly settleLimitMs?: number;
  /** How long a message may take that was published at the very end. @default 500 */
  readonly finishLimitMs?: number;
  /** Healthy subscribers are ended by the system, on purpose. @default false */
  readonly endsSubscribers?: boolean;
  /** Drops are what is looked at, so that latency is that of what arrives; otherwise they count until the end. @default false */
  readonly excusesDrops?: boolean;
  /** Newer messages take the place of older ones, so that order holds per key only. @default false */
  readonly conflates?: boolean;
  /** Figures beyond those of every cell. @default none */
  readonly figures?: readonly FigureName[];
  /** Known beforehand, and written down beside what is measured: bounds, as a rule. */
  readonly constants?: Readonly<Record<string, number>>;
}

/**
 * - `memory`: bytes per subscription, idle and when the warm-up is over.
 * - `staleness`: age of what was received, without what was not; and how often a loss was told.
 * - `recovery`: how long until those are current again that had stopped, or that had been sent too much.
 * - `trend`: how memory and latency went from the beginning to the end.
 */
export type FigureName = "memory" | "staleness" | "recovery" | "trend";

export interface Companion {
  /** Unique in the plan. */
  readonly name: string;
  readonly subscribers: Subscribers;
  /** In place of the client process of the harness; it answers the same requests. */
  readonly module?: string;
  /** Losses of theirs that are not told are faults as well. @default false */
  readonly witness?: boolean;
}

/** Something that the orchestrator does in the measured time. */
export interface TrialEvent {
  readonly atMs: number;
  readonly what: "stopped" | "continued";
  readonly companion: string;
}

/** Subscribers of one kind, as most of them are. */
export function subscribers(
  behaviour: Subscribers["behaviour"],
  count: number,
  special: Partial<Subscribers> = {},
): Subscribers {
  return {
    behaviour,
    count,
    perConnection: 1,
    raw: false,
    delayMs: 0,
    slowAmong: 0,
    churnPerSecond: 0,
    ...special,
  };
}

/**
 * The usual warm-up. First so much that whoever has stopped reading is past all buffers before anything is measured: a
 * client takes 64 KB before it looks slow, and the system's own queue is to be full as well. Then the load that will be
 * measured, so that the code is warm.
 *
 * @param options.floodPayloadBytes - for where it matters how many messages wait: their size, if not the usual one
 */
export function usualWarmUp(
  load: Load,
  { floodBytes = 0, floodPayloadBytes = FLOOD_PAYLOAD_BYTES, seconds = 0.5 } = {},
): readonly WarmUp[] {
  const { rate, burst, payloadBytes } = load;
  const same: WarmUp = { phases: [{ rate, burst, seconds: Math.max(seconds, burst / rate) }], payloadBytes };
  if (floodBytes === 0) return [same];
  // As many bytes a second, whatever their size.
  const together = Math.max(1, Math.floor(FLOOD_PAYLOAD_BYTES / floodPayloadBytes));
  const turns = Math.ceil(floodBytes / (floodPayloadBytes * together));
  const flood: WarmUp = {
    phases: [{ rate: FLOOD_TURNS * together, burst: together, seconds: turns / FLOOD_TURNS }],
    payloadBytes: floodPayloadBytes,
  };
  return [flood, same];
}

/** Few large messages fill buffers with less work than many small ones. */
const FLOOD_PAYLOAD_BYTES = 8 * 1024;
/** A second. */
const FLOOD_TURNS = 200;

/** About how long a trial takes, in seconds: for telling how long a run will take. */
export function estimateSeconds({ load, trial }: CellPlan): number {
  const warmUp = trial.warmUps.flatMap(({ phases }) => phases).reduce((sum, { seconds }) => sum + seconds, 0);
  const measured = trial.phases?.reduce((sum, { seconds }) => sum + seconds, 0) ?? load.seconds;
  const connections = (load.healthy + load.slow) / (load.perConnection ?? 1);
  return PROCESSES_SECONDS + connections * CONNECTION_SECONDS + warmUp + measured;
}

const PROCESSES_SECONDS = 0.9;
const CONNECTION_SECONDS = 0.002;
