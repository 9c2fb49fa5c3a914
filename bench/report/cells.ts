/**
 * Finding cells by what they measure. The names of scenarios and systems that the report knows stand here and nowhere
 * else; a cell of any other scenario still gets its row in a table.
 *
 * @module
 */
import type { Cell, SlowKind } from "../results.ts";
import type { Material } from "./material.ts";

export const SCENARIO = {
  tax: "tax",
  cpu: "cpu",
  memory: "memory",
  policy: "policy",
  recovery: "recovery",
  storm: "storm",
} as const;

/** As adapters call themselves. */
export const SYSTEM = {
  plainGrpc: "fire-and-forget",
  sequential: "sequential-await",
  http2: "http2",
  grpcGo: "grpc-go",
  nats: "nats",
} as const;

/** Figures of single scenarios that goals stand on, as `extra` names them. */
export const FIGURE = {
  /** Heap per idle subscription. */
  idleBytes: "idleHeapBytes",
  /** Heap per stalled subscription, payloads shared, and the most that its bound and one batch allow. */
  stalledBytes: "stalledHeapBytes",
  stalledBoundBytes: "stalledBoundBytes",
  /** Slice and one capped native send. */
  loopBoundMs: "loopDelayBoundMs",
  /** Age of a message when it was received, where messages are replaced or left out. */
  stalenessMs: "stalenessP99Ms",
} as const;

export function inScenario(material: Material, scenario: string): readonly Cell[] {
  return material.cells.filter((cell) => cell.scenario === scenario);
}

/** Those of ours, in the order of the results. */
export function ours(material: Material, cells: readonly Cell[]): readonly Cell[] {
  return cells.filter((cell) => material.kindOf(cell.system) === "ours");
}

/** A system with the setting that tells its cells apart: what tables and plots call it. */
export function nameOf(cell: Cell): string {
  return cell.variant === undefined ? cell.system : `${cell.system} ${cell.variant}`;
}

const SLOW_WORDS: Readonly<Record<SlowKind, string>> = {
  delayed: "delayed",
  paused: "paused",
  sigstop: "SIGSTOP",
  "window-0": "window 0",
  reconnecting: "reconnecting",
  draining: "draining",
  "draining-reconnecting": "drain+reconnect",
};

export function slowKindWords(kind: SlowKind): string {
  return SLOW_WORDS[kind] ?? kind;
}

/** `10 SIGSTOP`; `0` when there are none. */
export function companyOf({ load }: Cell): string {
  if (load.slow === 0) return "0";
  return load.slowKind === undefined ? String(load.slow) : `${load.slow} ${slowKindWords(load.slowKind)}`;
}

/** Systems in the order of the results, ours first: cells sort by it. */
export function orderOf(material: Material): (cell: Cell) => number {
  const names = material.systems.toSorted((a, b) => rank(a.kind) - rank(b.kind)).map(({ name }) => name);
  return (cell) => {
    const index = names.indexOf(cell.system);
    return index === -1 ? names.length : index;
  };
}

function rank(kind: "ours" | "baseline" | "peer"): number {
  return ["ours", "baseline", "peer"].indexOf(kind);
}
